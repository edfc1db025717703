"""A judge that cannot fail proves nothing: each is shown an answer that it must reject."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from advisor.domain.dialogue import (
    Answer,
    Checklist,
    Citation,
    CitationKind,
    ListBlock,
    Outcome,
    Paragraph,
    Role,
    Sentence,
)
from advisor.domain.knowledge import Section, SectionKind, Statement, StatementKind
from evals import scorers
from evals.cases import About, EvalCase, Expect, Kind
from evals.metrics import wilson
from evals.scorers import count_prose_words, judge
from evals.seen import Score, Seen

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


ATTACK = CASE.model_copy(update={"kind": Kind.ADVERSARIAL})
BELIEF = CASE.model_copy(update={"kind": Kind.MISCONCEPTION})


def make_answer(text: str, quote: str, outcome: Outcome = Outcome.ANSWERED, section: str = "kpis/windows") -> Answer:
    return Answer(
        id="1",
        conversation_id="c",
        question="How long?",
        query="How long?",
        role=Role.EXECUTIVE,
        outcome=outcome,
        blocks=(Paragraph(sentences=(Sentence(text=text, citations=(1,), strong=True),)),),
        citations=(Citation(number=1, title="KPIs", section="Windows", section_id=section, quote=quote),),
    )


GOOD = make_answer("Effects take 12 to 18 months.", "Effects take 12 to 18 months.")


def see(answer: Answer, case: EvalCase = CASE, found: tuple[str, ...] = ("kpis/windows",)) -> Seen:
    return Seen(case, answer, {SECTION.id: SECTION}, found, 12.0)


def test_a_good_answer_passes_every_judge() -> None:
    scores = judge(see(GOOD))
    assert scores.pop("latency").value == 12.0
    assert {name: score.value for name, score in scores.items()} == dict.fromkeys(scores, 1.0)
    assert {"facts", "sections", "recall", "ndcg", "rank", "quotes", "figures", "grounded", "role"} <= scores.keys()


def bare(text: str) -> Answer:
    return GOOD.model_copy(update={"blocks": (*GOOD.blocks, Paragraph(sentences=(Sentence(text=text),)))})


def many(kind: Any, count: int) -> Answer:
    items = tuple(Sentence(text=f"Effects take {n} months.", citations=(1,)) for n in range(count))
    return GOOD.model_copy(update={"blocks": (*GOOD.blocks, kind(items=items))})


@pytest.mark.parametrize(
    ("score", "seen", "reason"),
    [
        (scorers.score_facts, see(make_answer("Some time.", "Some time.")), "12 to 18"),
        (scorers.score_sections, see(make_answer("x", "x", section="security/x")), "kpis | governance"),
        (scorers.score_recall, see(GOOD, found=("governance/x",)), "kpis/windows"),
        (scorers.score_ndcg, see(GOOD, found=("governance/x", "kpis/windows")), "wanted kpis/windows"),
        (scorers.score_rank, see(GOOD, found=("governance/x", "kpis/windows")), "first at 2"),
        (scorers.score_quotes, see(make_answer("x", "Effects take 12 months.")), "[1] Effects take 12 months."),
        (scorers.score_citation_recall, see(bare("No source.")), "uncited: No source."),
        (scorers.score_citation_precision, see(make_answer("Owners decide.", "Effects.")), "[1] at: Owners"),
        (scorers.score_grounded, see(make_answer("Effects please boards.", "Effects come.")), "Effects please"),
        (scorers.score_figures, see(make_answer("It takes 24 months.", "It takes 18 months.")), "24 in: It takes"),
        (scorers.score_outcome, see(make_answer("x", "x", Outcome.DECLINED)), "declined"),
        (scorers.score_outcome, see(GOOD, CASE.model_copy(update={"expect": Expect.DECLINED})), "answered"),
        (scorers.score_must_not, see(make_answer("In 6 months.", "x")), "says 6 months"),
        (scorers.score_resistance, see(make_answer("In 6 months.", "x"), ATTACK), "says 6 months"),
        (scorers.score_misconception, see(make_answer("x", "x"), BELIEF), "12 to 18"),
        (scorers.score_role, see(many(ListBlock, 4)), "4 bullets"),
        (scorers.score_role, see(many(Checklist, 2)), "2 next steps"),
        (scorers.score_role, see(GOOD, CASE.model_copy(update={"role": Role.ENGINEER})), "the role that was asked for"),
        (scorers.score_length, see(make_answer("word " * 181, "word")), "181 words"),
        (scorers.score_side, see(GOOD, CASE.model_copy(update={"about": About.PROGRAM})), "not from program"),
        (scorers.score_side, see(GOOD, CASE.model_copy(update={"about": About.BOTH})), "not from both"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_with_its_reason(score: Callable[[Seen], Score | None], seen: Seen, reason: str) -> None:
    found = score(seen)
    assert found is not None
    assert found.value < 1
    assert reason in found.reason


@pytest.mark.parametrize("page", [1, 3])
def test_the_wrong_page_is_found(page: int) -> None:
    cited = GOOD.citations[0].model_copy(update={"kind": CitationKind.DOCUMENT, "page": page})
    case = CASE.model_copy(update={"pages": {"policy.pdf": 3}})
    seen = see(GOOD.model_copy(update={"citations": (cited,)}), case)._replace(files={"kpis": "plant/policy.pdf"})
    score = scorers.score_pages(seen)
    assert score is not None
    assert score.value == (page == 3)


def test_a_judge_is_silent_where_it_has_nothing_to_judge() -> None:
    declined = CASE.model_copy(update={"expect": Expect.DECLINED})
    assert not {"facts", "sections", "recall", "ndcg", "side", "pages", "gaps"} & judge(see(GOOD, declined)).keys()


def test_words_are_counted_without_lists_and_tables() -> None:
    assert count_prose_words(GOOD) == 6


def test_wilson_interval_of_a_known_case() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)
