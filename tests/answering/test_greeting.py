import pytest

from advisor.answering.courtesy import find_courtesy
from advisor.answering.greeting import RuleGreeter
from advisor.answering.language import find_foreign_language
from advisor.domain.dialogue import Outcome
from evals.cases import Half, load_suite


@pytest.mark.parametrize(
    "text",
    ["hi", "Hello there!", "good morning", "thanks!", "Thank you, that helps", "what can you do?", "help", "bye"],
)
def test_courtesy_gets_a_friendly_line(text: str) -> None:
    draft = RuleGreeter().greet(text)
    assert draft is not None
    assert draft.outcome is Outcome.ANSWERED
    assert draft.suggestions


@pytest.mark.parametrize(
    "text",
    [
        "Hi, how should we choose KPIs?",
        "Thanks. Who owns the model after go-live?",
        "help me convince the board",
        "what can you do about operator trust",
    ],
)
def test_a_question_with_courtesy_is_still_a_question(text: str) -> None:
    assert find_courtesy(text) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wie sollen wir die KPIs für das Projekt auswählen?", "German"),
        ("Comment devons-nous choisir les indicateurs pour notre projet ?", "French"),
        ("¿Cómo debemos elegir los indicadores para nuestra planta?", "Spanish"),
        ("Come dobbiamo scegliere gli indicatori per il nostro progetto?", "Italian"),
        ("Hoe moeten we de juiste indicatoren voor onze fabriek kiezen?", "Dutch"),
        ("如何选择关键绩效指标？", "Chinese"),
        ("どのようにKPIを選ぶべきですか", "Japanese"),
        ("Как выбрать показатели?", "a language in Cyrillic script"),
    ],
)
def test_another_language_gets_a_clear_sentence(text: str, language: str) -> None:
    assert find_foreign_language(text) == language
    draft = RuleGreeter().greet(text)
    assert draft is not None
    assert draft.outcome is Outcome.DECLINED
    assert "English" in draft.blocks[0].sentences[0].text  # type: ignore[union-attr]


def test_english_is_never_taken_for_another_language() -> None:
    wrong = [
        case.question for half in Half for case in load_suite().load_cases(half) if find_foreign_language(case.question)
    ]
    assert wrong == []
