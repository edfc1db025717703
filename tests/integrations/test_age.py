"""How old what is shown is, at every door; and answers from what was reviewed alone."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from advisor.bootstrap import build_advisor, build_ingest, build_library_ingest, build_program
from advisor.domain.dialogue import CitationKind, render_with_sources
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.knowledge import Collection, Tier
from advisor.errors import KnowledgeError
from advisor.service import Advisor
from advisor.settings import Settings
from integrations.cli.render import render_answer as render_in_terminal
from integrations.slack.blocks import render_answer as render_in_slack
from tests.conftest import OfficeMaker
from tests.web import local_client, make_web

ALARM = "How fast is a gearbox alarm answered?"


@pytest.fixture
def company(small: Settings, tmp_path: Path) -> Settings:
    """A reviewed playbook on coffee, one on tea that nobody reviewed, and a document of each of two tiers."""
    coffee = small.knowledge_base_dir / "coffee.md"
    coffee.write_text(coffee.read_text().replace("title: Coffee", "title: Coffee\nreviewed: 2026-05-04"))
    for name, minutes in (("reviewed", "ten"), ("company", "ninety")):
        folder = tmp_path / name
        folder.mkdir()
        file = folder / "alarms.md"
        file.write_text(f"# Alarm policy\n\nEvery gearbox alarm is answered within {minutes} minutes by the lead.\n")
        then = datetime(2025, 3, 2, 12, tzinfo=UTC).timestamp()
        os.utime(file, (then, then))
    collections = tuple(Collection(name=tier.value, path=str(tmp_path / tier.value), tier=tier)
                        for tier in (Tier.REVIEWED, Tier.COMPANY))  # fmt: skip
    settings = small.model_copy(update={"collections": collections, "database_url": f"sqlite:///{tmp_path}/a.sqlite"})
    build_library_ingest(settings).run()
    return settings


def ask(settings: Settings, question: str) -> tuple[Advisor, str, list[object]]:
    build_ingest(settings).run()
    advisor = build_advisor(settings)
    answer = advisor.ask(LOCAL_CALLER, question)
    return advisor, render_with_sources(answer), [(c.kind, c.as_of) for c in answer.citations]


def test_playbooks_and_documents_say_how_old_they_are(company: Settings) -> None:
    _, said, cited = ask(company, "How long should filter coffee brew?")
    assert cited[0] == (CitationKind.PLAYBOOK, date(2026, 5, 4))
    assert "(reviewed 4 May 2026)" in said
    _, said, cited = ask(company, ALARM)
    assert (CitationKind.DOCUMENT, date(2025, 3, 2)) in cited
    assert "(of 2 Mar 2025)" in said


def test_every_door_shows_the_age(company: Settings, make_office: OfficeMaker, tmp_path: Path) -> None:
    advisor, _, _ = ask(company, ALARM)
    answer = advisor.ask(LOCAL_CALLER, ALARM)
    shown = StringIO()
    Console(file=shown, width=200).print(render_in_terminal(answer))
    assert "(of 2 Mar 2025)" in shown.getvalue()
    assert "(of 2 Mar 2025)" in str(render_in_slack(answer))
    office = make_office(f"sqlite:///{tmp_path}/o.sqlite")
    with local_client(make_web(tmp_path, advisor, office)) as client:
        body = client.post("/api/v1/ask", json={"question": ALARM}).json()
        assert "2025-03-02" in {c["as_of"] for c in body["citations"]}
        document = next(c["section_id"] for c in body["citations"] if c["kind"] == "document").split("/")[0]
        assert "changed 2 Mar 2025" in client.get(f"/documents/{document}").text
        assert "Reviewed 4 May 2026" in client.get("/playbooks/coffee").text
        assert "Not reviewed yet" in client.get("/playbooks/tea").text


def test_a_review_that_is_overdue_is_said_at_every_door(company: Settings, tmp_path: Path) -> None:
    policy = tmp_path / "company" / "alarms.md"
    policy.write_text(f"---\nreview_by: 2026-01-31\n---\n{policy.read_text()}")
    build_library_ingest(company).run()
    _, told, _ = ask(company, ALARM)
    assert "reviewed by 2026-01-31" in told
    answer = build_advisor(company).ask(LOCAL_CALLER, ALARM)
    shown = StringIO()
    Console(file=shown, width=300).print(render_in_terminal(answer))
    for said in (shown.getvalue(), str(render_in_slack(answer))):
        assert "reviewed by 2026-01-31" in said


def test_what_was_never_reviewed_says_so(company: Settings) -> None:
    _, said, _ = ask(company, "How hot should the water for green tea be?")
    assert "(never reviewed)" in said


def test_what_nobody_reviewed_can_be_left_out(company: Settings) -> None:
    tea = "How hot should the water for green tea be?"
    advisor, _, _ = ask(company, tea)
    assert "80 degrees" in render_with_sources(advisor.ask(LOCAL_CALLER, tea))
    assert "ninety minutes" in render_with_sources(advisor.ask(LOCAL_CALLER, ALARM))
    strict = company.model_copy(update={"reviewed_only": True})
    before = build_advisor(strict)  # the serving index still holds both
    assert {section.playbook for section in before.list_sections()} == {"coffee"}
    assert "80 degrees" not in render_with_sources(before.ask(LOCAL_CALLER, tea))
    advisor, _, _ = ask(strict, tea)
    assert {section.playbook for section in advisor.list_sections()} == {"coffee"}
    assert "80 degrees" not in render_with_sources(advisor.ask(LOCAL_CALLER, tea))
    said = render_with_sources(advisor.ask(LOCAL_CALLER, ALARM))
    assert "ten minutes" in said
    assert "ninety minutes" not in said


def test_with_nothing_reviewed_it_says_what_to_do(small: Settings) -> None:
    with pytest.raises(KnowledgeError, match="reviewed: "):
        build_ingest(small.model_copy(update={"reviewed_only": True})).run()


def test_our_own_criteria_hold_with_some_playbooks_left_out(indexed: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "knowledge_base"
    folder.mkdir()
    for file in indexed.knowledge_base_dir.iterdir():
        text = file.read_text()
        (folder / file.name).write_text(text.replace("reviewed: 2026-11-21\n", "") if file.name == "kpis.md" else text)
    settings = indexed.model_copy(
        update={"knowledge_base_dir": folder, "reviewed_only": True, "database_url": f"sqlite:///{tmp_path}/o.sqlite"}
    )
    office = build_program(settings)
    assert office.book.criteria
    assert not [criterion for criterion in office.book.criteria if criterion.section_id.startswith("kpis/")]
    assert {criterion.reviewed_on for criterion in office.book.criteria} == {date(2026, 11, 21)}
