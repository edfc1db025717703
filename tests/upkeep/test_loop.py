"""The closed loop: a question is declined, becomes a gap with an owner, a passage is written, the question a case."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from advisor.bootstrap import build_advisor, build_caretaker, build_ingest, build_library_ingest
from advisor.domain.dialogue import Outcome
from advisor.domain.identity import LOCAL_CALLER, Caller
from advisor.domain.knowledge import Collection
from advisor.domain.work import Feedback
from advisor.errors import ForbiddenError, InvalidInputError, NotFoundError
from advisor.settings import Settings
from evals import cases
from integrations.cli import upkeep as commands

ANNA, BEN = Caller(id="anna"), Caller(id="ben")
WHITE = """
## White tea in Lisbon

White tea costs nine euros in Lisbon. [S1; the article gives no origin for the figures]

The price of white tea in Lisbon falls in spring. [S1]
"""
QUESTIONS = """  White tea in Lisbon:
    questions:
      - What is the price of white tea in Lisbon?
      - How much does white tea cost in Lisbon?
      - When is white tea cheap in Lisbon?
limits:"""


@pytest.fixture
def tea(small: Settings) -> Settings:
    build_ingest(small).run()
    return small


def add_section(tea: Settings, playbook: str, text: str, questions: str) -> None:
    file = tea.knowledge_base_dir / f"{playbook}.md"
    before, mark, after = file.read_text().partition("\n## What this playbook does not say")
    file.write_text(before + text + mark + after)
    listed = file.with_suffix(".yaml")
    listed.write_text(listed.read_text().replace("limits:", questions))
    build_ingest(tea).run()


def test_a_gap_is_grouped_owned_and_closed(tea: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = build_advisor(tea)
    asked = [
        service.ask(ANNA, "What does white tea cost in Lisbon?"),
        service.ask(BEN, "How much does white tea cost in Lisbon?"),
        service.ask(BEN, "What is the best restaurant in Budapest?"),
    ]
    assert {answer.outcome for answer in asked} <= {Outcome.DECLINED, Outcome.PARTIAL}
    caretaker = build_caretaker(tea)
    gaps = caretaker.list_content_gaps(LOCAL_CALLER)
    assert (gaps[0].asked, gaps[0].people, gaps[0].answered_now) == (2, 2, False)
    assert len(gaps) == 2
    assert caretaker.assign(LOCAL_CALLER, gaps[0].question, "Ines").owner == "Ines"
    add_section(tea, "tea", WHITE, QUESTIONS)
    closed = {gap.question: gap for gap in build_caretaker(tea).list_content_gaps(LOCAL_CALLER)}[gaps[0].question]
    assert closed.owner == "Ines"
    assert closed.answered_now
    monkeypatch.setattr(cases, "ADDED", tmp_path / "added.yaml")
    answer = build_advisor(tea).replay(LOCAL_CALLER, closed.answer_ids[0]).answer
    case = cases.case_of(answer)
    assert case.sections == ("tea",)
    cases.append_case(case)
    assert "white tea" in (tmp_path / "added.yaml").read_text()
    with pytest.raises(InvalidInputError):
        cases.case_of(asked[2])


def test_dislike_with_a_reason_makes_a_gap_and_the_newest_opinion_counts(tea: Settings) -> None:
    service = build_advisor(tea)
    answer = service.ask(ANNA, "How long should green tea steep?")
    assert answer.outcome is Outcome.ANSWERED
    service.record_feedback(ANNA, Feedback(answer_id=answer.id, helpful=False, reason="=too short"))
    gap = build_caretaker(tea).list_content_gaps(LOCAL_CALLER)[0]
    assert (gap.disliked, gap.reasons) == (1, ("=too short",))
    service.record_feedback(ANNA, Feedback(answer_id=answer.id, helpful=True))
    assert build_caretaker(tea).list_content_gaps(LOCAL_CALLER) == ()
    service.record_feedback(ANNA, Feedback(answer_id=answer.id, helpful=False, reason="wrong source", citation=1))
    assert build_caretaker(tea).list_content_gaps(LOCAL_CALLER)[0].reasons == ("wrong source",)
    with pytest.raises(InvalidInputError):
        service.record_feedback(ANNA, Feedback(answer_id=answer.id, helpful=False, citation=99))


def test_gaps_are_for_admins(tea: Settings) -> None:
    caretaker = build_caretaker(tea)
    with pytest.raises(ForbiddenError):
        caretaker.list_content_gaps(ANNA)
    with pytest.raises(NotFoundError):
        caretaker.assign(LOCAL_CALLER, "never asked", "Ines")


def test_a_csv_runs_no_formula(tea: Settings, tmp_path: Path) -> None:
    service = build_advisor(tea)
    service.ask(ANNA, "=HYPERLINK(1) is what in Budapest?")
    commands._write(tmp_path / "gaps.csv", build_caretaker(tea).list_content_gaps(LOCAL_CALLER))
    rows = list(csv.reader((tmp_path / "gaps.csv").open(encoding="utf-8-sig")))
    assert rows[0][0] == "question"
    assert rows[1][0].startswith("'=")


def test_statements_that_disagree_are_listed_by_the_answers_that_rest_on_them(tea: Settings) -> None:
    other = "\n## Tea in the coffee corner\n\nSteep green tea for six minutes in water of 80 degrees. [S1]\n"
    asks = "[Who brews tea?, Where is it brewed?, What tea is there?]"
    questions = f"  Tea in the coffee corner:\n    questions: {asks}\nlimits:"
    add_section(tea, "coffee", other, questions)
    service = build_advisor(tea)
    cited = service.ask(ANNA, "How long should green tea steep?")
    pair = build_caretaker(tea).list_contradictions(LOCAL_CALLER)[0]
    assert {pair.first[0].playbook, pair.second[0].playbook} == {"tea", "coffee"}
    assert pair.resting >= 1
    assert cited.citations


def test_documents_that_disagree_are_listed_and_other_counts_are_not(tea: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.md").write_text("# Aalen\n\nAt Aalen the shadow period lasts twelve weeks for every model.\n")
    (folder / "b.md").write_text("# Trials\n\nAt Aalen the shadow period of every model lasts three weeks.\n")
    (folder / "c.md").write_text("# Reviews\n\nThe works council at the Aalen plant is informed within two weeks.\n")
    settings = tea.model_copy(update={"collections": (Collection(name="rules", path=str(folder), label="board"),)})
    build_library_ingest(settings).run()
    pairs = build_caretaker(settings).list_contradictions(LOCAL_CALLER)
    told = [{pair.first[1].text.split()[-1], pair.second[1].text.split()[-1]} for pair in pairs]
    assert told == [{"model.", "weeks."}]
