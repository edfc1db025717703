"""A judge that cannot fail proves nothing: each is shown an answer that it must reject."""

from __future__ import annotations

from advisor.domain.dialogue import Answer, Citation, Outcome, Paragraph, Role, Sentence
from advisor.domain.knowledge import Section, SectionKind, Statement, StatementKind
from evals.cases import EvalCase, Expect, Kind
from evals.metrics import Metric, wilson
from evals.scorers import (
    count_prose_words,
    score_facts,
    score_figures,
    score_must_not,
    score_outcome,
    score_quotes,
    score_sections,
)

SECTION = Section(
    id="kpis/windows",
    playbook="kpis",
    playbook_title="KPIs",
    heading="Windows",
    kind=SectionKind.ANSWER,
    statements=(Statement(text="Effects take 12 to 18 months.", kind=StatementKind.POINT, sources=("S4",)),),
)
CASE = EvalCase(
    id="x",
    kind=Kind.DIRECT,
    question="How long?",
    expect=Expect.ANSWERED,
    sections=("kpis | governance",),
    facts=("12 to 18",),
    must_not=("6 months",),
)


def make_answer(text: str, quote: str, outcome: Outcome = Outcome.ANSWERED, section: str = "kpis/windows") -> Answer:
    return Answer(
        id="1",
        conversation_id="c",
        question="How long?",
        query="How long?",
        role=Role.EXECUTIVE,
        outcome=outcome,
        blocks=(Paragraph(sentences=(Sentence(text=text, citations=(1,)),)),),
        citations=(Citation(number=1, title="KPIs", section="Windows", section_id=section, quote=quote),),
    )


GOOD = make_answer("Effects take 12 to 18 months.", "Effects take 12 to 18 months.")


def test_a_good_answer_passes_every_judge() -> None:
    sections = {SECTION.id: SECTION}
    scores = (
        score_facts(CASE, GOOD),
        score_sections(CASE, GOOD),
        score_quotes(GOOD, sections),
        score_figures(GOOD),
        score_outcome(CASE, GOOD),
        score_must_not(CASE, GOOD),
    )
    assert all(score.hits == score.total > 0 for score in scores)


def test_a_missing_fact_is_missed() -> None:
    assert score_facts(CASE, make_answer("Some time.", "Some time.")).missed == ("12 to 18",)


def test_another_playbook_is_not_the_right_one() -> None:
    assert score_sections(CASE, make_answer("x", "x", section="security/x")).hits == 0


def test_a_quote_that_does_not_stand_in_the_section_is_found() -> None:
    assert score_quotes(make_answer("x", "Effects take 12 months."), {SECTION.id: SECTION}).hits == 1


def test_an_uncited_sentence_is_found() -> None:
    bare = GOOD.model_copy(update={"blocks": (Paragraph(sentences=(Sentence(text="No source."),)),)})
    assert "uncited: No source." in score_quotes(bare, {SECTION.id: SECTION}).missed


def test_an_invented_figure_is_found() -> None:
    invented = make_answer("Effects take 12 to 24 months.", "Effects take 12 to 18 months.")
    assert [missed.split()[0] for missed in score_figures(invented).missed] == ["24"]


def test_the_wrong_outcome_is_found() -> None:
    assert score_outcome(CASE, make_answer("x", "x", Outcome.DECLINED)).hits == 0
    declined = CASE.model_copy(update={"expect": Expect.DECLINED})
    assert score_outcome(declined, GOOD).hits == 0


def test_what_may_not_be_said_is_found() -> None:
    assert score_must_not(CASE, make_answer("In 6 months.", "x")).hits == 0


def test_words_are_counted_without_lists_and_tables() -> None:
    assert count_prose_words(GOOD) == 6


def test_wilson_interval_of_a_known_case() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_metric_passes_on_the_right_side_of_its_mark_only() -> None:
    assert Metric(name="m", hits=95, total=100, pass_mark=0.95).passed
    assert not Metric(name="m", hits=94, total=100, pass_mark=0.95).passed
    assert Metric(name="m", hits=5, total=100, pass_mark=0.05, at_most=True).passed
    assert not Metric(name="m", hits=6, total=100, pass_mark=0.05, at_most=True).passed
