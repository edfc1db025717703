"""A judge that cannot fail proves nothing: each is shown an answer that it must reject."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from advisor.domain.dialogue import (
    Answer,
    Checklist,
    Citation,
    CitationKind,
    CitedSource,
    ListBlock,
    Outcome,
    Paragraph,
    Role,
    Sentence,
    Table,
)
from advisor.domain.knowledge import Section, SectionKind, Statement, StatementKind
from evals import scorers
from evals.cases import About, EvalCase, Expect, Kind
from evals.metrics import wilson
from evals.received import score_notices
from evals.scorers import judge
from evals.seen import File, Score, Seen, Summary, word_pattern
from evals.shape import count_prose_words

TASKS = tuple(Statement(text=f"Fix window {n}.", kind=StatementKind.TASK) for n in range(10))
SECTION = Section(
    id="kpis/windows",
    playbook="kpis",
    playbook_title="KPIs",
    heading="Windows",
    kind=SectionKind.ANSWER,
    reviewed_on=date(2026, 11, 1),
    statements=(Statement(text="Effects take 12 to 18 months.", kind=StatementKind.POINT, sources=("S4",)),),
)
SOURCE = CitedSource(id="S4", title="From pilot to production", publisher="Nobody")
WRONG = SOURCE.model_copy(update={"title": "Another article"})
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
        citations=(
            Citation(
                number=1,
                title="KPIs",
                section="Windows",
                section_id=section,
                quote=quote,
                sources=(SOURCE,),
                as_of=date(2026, 11, 1),
            ),
        ),
    )


GOOD = make_answer("Effects take 12 to 18 months.", "Effects take 12 to 18 months.")


def see(answer: Answer, case: EvalCase = CASE, found: tuple[str, ...] = ("kpis/windows",)) -> Seen:
    return Seen(case, answer, {SECTION.id: SECTION}, found, 12.0, sources={"S4": (SOURCE.title, SOURCE.publisher)})


def test_a_good_answer_passes_every_judge() -> None:
    scores = judge(see(GOOD))
    assert scores.pop("latency").value == 12.0
    assert {name: score.value for name, score in scores.items()} == dict.fromkeys(scores, 1.0)
    assert {
        "facts",
        "sections",
        "provenance",
        "recall",
        "ndcg",
        "rank",
        "quotes",
        "figures",
        "grounded",
        "role",
    } <= scores.keys()


def bare(text: str) -> Answer:
    return GOOD.model_copy(update={"blocks": (*GOOD.blocks, Paragraph(sentences=(Sentence(text=text),)))})


def suggest(text: str) -> Answer:
    return GOOD.model_copy(update={"suggestions": (text,)})


def cite(**changed: Any) -> Answer:
    return GOOD.model_copy(update={"citations": (GOOD.citations[0].model_copy(update=changed),)})


def worded(text: str, quote: str) -> Seen:
    return see(make_answer(text, quote))._replace(worded=True)


def owe(role: Role, *blocks: Any) -> Seen:
    """Return an answer to a role from a section with ten tasks and one more reason than an executive is told."""
    reasons = tuple(Statement(text=f"Reason {n}.", kind=StatementKind.REASON) for n in range(4))
    section = SECTION.model_copy(update={"statements": (*SECTION.statements, *reasons, *TASKS)})
    answer = GOOD.model_copy(update={"role": role, "blocks": (*GOOD.blocks, *blocks)})
    return see(answer, CASE.model_copy(update={"role": role}))._replace(sections={SECTION.id: section})


def titled(title: str) -> Any:
    return lambda **fields: ListBlock(title=title, **fields)


def tabled(*columns: str) -> Answer:
    return GOOD.model_copy(update={"blocks": (*GOOD.blocks, Table(columns=columns, rows=()))})


def steps(count: int) -> Checklist:
    return Checklist(items=tuple(Sentence(text=f"Fix window {n}.", citations=(1,)) for n in range(count)))


def listed(count: int) -> ListBlock:
    return ListBlock(items=tuple(Sentence(text=f"Reason {n}.", citations=(1,)) for n in range(count)))


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
        (scorers.score_grounded, see(make_answer("Effects take 12 months.", "Effects do not take 12 months.")), "take"),
        (scorers.score_grounded, worded("Effects take longer.", "Effects do not take longer."), "leaves out a denial"),
        (scorers.score_grounded, worded("Wait at most 12 months.", "Wait at least 12 months."), "“at most” for"),
        (scorers.score_grounded, worded("Wait 12 weeks.", "Wait 12 months."), "12 week for 12 month"),
        (scorers.score_grounded, see(many(titled("Never do"), 1)), "title: Never do"),
        (scorers.score_grounded, see(tabled("Weeks")), "columns: Weeks"),
        (scorers.score_citation_recall, see(GOOD.model_copy(update={"citations": ()})), "without a source"),
        (scorers.score_provenance, see(cite(as_of=date(2025, 1, 1))), "is of 2025-01-01"),
        (scorers.score_provenance, see(cite(sources=(WRONG,))), "names Another article"),
        (scorers.score_provenance, see(cite(sources=())), "names no article"),
        (scorers.score_figures, see(make_answer("It takes 18 weeks.", "It takes 18 months.")), "18 week in"),
        (scorers.score_figures, see(make_answer("It takes 24 months.", "It takes 18 months.")), "24 in: It takes"),
        (scorers.score_outcome, see(make_answer("x", "x", Outcome.DECLINED)), "declined"),
        (scorers.score_outcome, see(GOOD, CASE.model_copy(update={"expect": Expect.DECLINED})), "answered"),
        (scorers.score_must_not, see(make_answer("In 6 months.", "x")), "says 6 months"),
        (scorers.score_must_not, see(suggest("Is it 6 months?")), "says 6 months"),
        (scorers.score_must_not, see(cite(quote="It takes 6 months.")), "says 6 months"),
        (scorers.score_role, owe(Role.EXECUTIVE), "0 next steps of 1"),
        (scorers.score_role, owe(Role.CHANGE_LEAD, steps(7)), "7 next steps of 8"),
        (scorers.score_role, owe(Role.PLANT_MANAGER, steps(1)), "1 next steps of 3"),
        (scorers.score_role, owe(Role.ENGINEER, listed(3), steps(3)), "3 reasons of 4"),
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
    seen = see(GOOD.model_copy(update={"citations": (cited,)}), case)
    seen = seen._replace(files={"kpis": File("plant/policy.pdf", "Policy")})
    score = scorers.score_pages(seen)
    assert score is not None
    assert score.value == (page == 3)


@pytest.mark.parametrize("role", [Role.EXECUTIVE, Role.CHANGE_LEAD, Role.PLANT_MANAGER, Role.ENGINEER])
def test_who_gets_what_the_role_is_owed_gets_it_whole(role: Role) -> None:
    owed = {Role.EXECUTIVE: 1, Role.CHANGE_LEAD: 8, Role.PLANT_MANAGER: 3, Role.ENGINEER: 3}[role]
    score = scorers.score_role(owe(role, listed(4 if role is Role.ENGINEER else 3), steps(owed)))
    assert score == Score(value=1.0)


SECRET = "The move is stopped if the yield stays below 88 percent."
PAPER = Section(
    id="papers-1/risks",
    playbook="papers-1",
    playbook_title="Plan for 2027",
    heading="Risks",
    kind=SectionKind.ANSWER,
    statements=(Statement(text=SECRET, kind=StatementKind.POINT),),
)


@pytest.mark.parametrize(
    ("answer", "groups", "told"),
    [
        (GOOD, (), False),
        (suggest(f"Is it true that: {SECRET}"), (), True),
        (suggest("What does the Plan for 2027 say?"), (), True),
        (GOOD.model_copy(update={"notices": ("See plan.md.",)}), (), True),
        (cite(section_id="papers-1/risks"), (), True),
        (cite(quote=SECRET), (), True),
        (suggest(SECRET), ("board",), False),
    ],
)
def test_what_a_label_closes_is_found_wherever_it_is_received(
    answer: Answer, groups: tuple[str, ...], told: bool
) -> None:
    file = File("2027/plan.md", "Plan for 2027", "board", date(2026, 1, 1))
    seen = see(answer, CASE.model_copy(update={"groups": groups}))
    seen = seen._replace(sections={SECTION.id: SECTION, PAPER.id: PAPER}, files={"papers-1": file})
    score = scorers.score_labels(seen)
    if groups:
        assert score is None
    else:
        assert score is not None
        assert score.value == (not told)


@pytest.mark.parametrize(
    ("lead", "item", "value"),
    [
        ("Line 3 has 2 open gaps.", "No signed rule: Draft.", 1.0),
        ("There are gaps.", "No signed rule (Line 3): Draft.", 1.0),
        ("There are gaps.", "No signed rule (Yard): Draft.", 0.5),
        ("Line 3 has 2 open gaps.", "Something else.", 0.5),
        ("Line 3 has 2 open gaps.", "No signed rule; no sponsor.", 0.5),
    ],
)
def test_a_gap_is_told_in_the_answer_and_of_its_place(lead: str, item: str, value: float) -> None:
    case = CASE.model_copy(update={"gaps": ("rule-signed",), "closed": ("sponsor-named",)})
    said = tuple(Sentence(text=text, citations=(1,)) for text in (lead, item))
    answer = GOOD.model_copy(update={"blocks": (Paragraph(sentences=said[:1]), ListBlock(items=said[1:]))})
    summary = Summary(
        page=None,  # type: ignore[arg-type]  not looked at
        register=None,  # type: ignore[arg-type]
        open=frozenset({"rule-signed"}),
        gaps=(),
        titles={"rule-signed": "No signed rule", "sponsor-named": "No sponsor"},
        places=("Line 3",),
        names=("Line 3", "Yard"),
    )
    score = scorers.score_gaps(see(answer, case)._replace(summary=summary))
    assert score is not None
    assert score.value == value
    ranked = scorers.score_ranked(see(answer, case)._replace(summary=summary))
    assert ranked == Score(value=1.0)


def test_a_judge_is_silent_where_it_has_nothing_to_judge() -> None:
    declined = CASE.model_copy(update={"expect": Expect.DECLINED})
    assert not {"facts", "sections", "recall", "ndcg", "side", "pages", "gaps"} & judge(see(GOOD, declined)).keys()


def test_what_asks_back_claims_nothing_that_needs_a_source() -> None:
    asked = bare("Do you mean Line 3?").model_copy(update={"outcome": Outcome.CLARIFY})
    assert scorers.score_citation_recall(see(asked)) is None


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\b88 ?(percent|%)", "88 percent/%"),
        (r"(two|2) months", "two/2 months"),
        (r"4\.6 million", "4.6 million"),
        (r"owner.{0,40}named", "owner … named"),
        (r"(?:leading|lagging) KPIs?", "leading/lagging KPIs"),
        (r"\bfour\b|\b4\b", "four/4"),
    ],
)
def test_a_pattern_is_told_in_words(pattern: str, words: str) -> None:
    assert word_pattern(pattern) == words


def test_words_are_counted_without_lists_and_tables() -> None:
    assert count_prose_words(GOOD) == 6


def test_wilson_interval_of_a_known_case() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("notice", "true"),
    [
        ("The playbooks do not mention Tesla: this is what they say in general.", True),
        ("The playbooks do not mention Effects: this is what they say in general.", False),
        ("The playbooks do not cover this; the nearest topic they cover is KPIs.", True),
        ("The playbooks do not cover this; the nearest topics they cover are KPIs and Ballet.", False),
        ("The vector index does not answer at the moment: this was found without it, and may be less complete.", False),
        ("No generated answer this time: this is quoted from the playbooks.", True),
    ],
)
def test_what_an_answer_says_of_itself_has_to_be_so(notice: str, true: bool) -> None:
    said = make_answer("Effects take 12 to 18 months.", "Effects take 12 to 18 months.")
    seen = Seen(CASE, said.model_copy(update={"notices": (notice,)}), {SECTION.id: SECTION})
    score = score_notices(seen)
    assert score is not None
    assert score.value == float(true), score.reason
