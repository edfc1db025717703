"""A suite from end to end: asked, judged, kept, compared and shown; proposals for a company's documents; mutations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from advisor.answering.chat_model import LangChainChatModel
from advisor.domain.identity import LOCAL_CALLER
from advisor.errors import InvalidInputError
from advisor.program.tables import write_xlsx
from advisor.settings import Settings
from evals.broken import answers, papers, programs
from evals.cases import OWN, EvalCase, Expect, Half, Kind, Suite, load_suite
from evals.compare import compare, list_silent, list_values
from evals.judge import find_agreement, judge_run
from evals.lint import lint
from evals.mutations import MUTATIONS, Break, broken, choose
from evals.report import write_reports
from evals.runner import run_suite
from evals.runs import Run
from evals.scaffold import propose
from evals.scorers import SCORERS
from tests.chat_server import ChatServer
from tests.conftest import OfficeMaker

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("suite")]  # one run serves them all
KINDS = {Kind.DOCUMENTS: 12, Kind.MULTI_TURN: 2, Kind.GAPS: 2, Kind.MISCONCEPTION: 4}


class Few(Suite):
    """Our suite, a few cases of some kinds."""

    def load_cases(self, half: Half, *, proposed: bool = False) -> tuple[EvalCase, ...]:
        cases = super().load_cases(half, proposed=proposed)
        return tuple(case for kind, most in KINDS.items() for case in [c for c in cases if c.kind is kind][:most])


@pytest.fixture(scope="module")
def suite() -> Suite:
    return Few.model_validate(load_suite(OWN).model_copy(update={"replies": False}).model_dump())


@pytest.fixture(scope="module")
def run(indexed: Settings, suite: Suite) -> Run:
    return run_suite(indexed, suite, [Half.TUNED])


def test_two_runs_of_one_build_differ_in_nothing(indexed: Settings, suite: Suite, run: Run) -> None:
    again = run_suite(indexed, suite, [Half.TUNED], workers=1)
    assert list_values(again) == list_values(run)
    assert again.fingerprints == run.fingerprints
    assert {result.kind for result in run.results} == set(KINDS)


@pytest.mark.parametrize(
    ("mutation", "judge"),
    [
        (papers.miss_pages_by_one, "pages"),
        (papers.ignore_labels, "labels"),
        (papers.leak_in_suggestions, "labels"),
        (answers.drop_denials, "grounded"),
        (answers.date_citations_wrongly, "provenance"),
        (programs.cut_to_first_block, "gaps"),
        (programs.falsify_ages, "records"),
    ],
)
def test_a_product_that_is_broken_is_caught_by_the_judge_of_that(
    indexed: Settings, suite: Suite, run: Run, mutation: Break, judge: str
) -> None:
    with broken(mutation):
        worse = run_suite(indexed, suite, [Half.TUNED])
    found = compare(list_values(run), list_values(worse), silent=list_silent(worse))
    assert judge in found.regressed


def test_every_mutation_names_judges_and_words() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
    for mutation in MUTATIONS:
        assert set(mutation.judges) <= set(SCORERS)
        assert mutation.change.__doc__
    with pytest.raises(InvalidInputError, match="No mutation"):
        choose(["no such thing"])


def test_what_the_held_half_missed_is_shown_only_where_asked(run: Run, tmp_path: Path) -> None:
    held = run.model_copy(update={"results": tuple(r.model_copy(update={"half": Half.HELD}) for r in run.results)})
    failed = next(result for result in held.results if not result.passed)
    assert failed.id not in write_reports(tmp_path / "a", held, None).read_text()
    assert failed.id in write_reports(tmp_path / "b", held, None, tuple(Half)).read_text()


@pytest.fixture
def page_of(chromium: str, run: Run, tmp_path: Path) -> Iterator[tuple[object, Path]]:
    file = write_reports(tmp_path, run, compare(list_values(run), list_values(run)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(20_000)
        yield page, file
        browser.close()


def test_the_report_opens_offline_and_is_accessible(page_of: tuple[object, Path], run: Run) -> None:
    page, file = page_of
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))  # type: ignore[attr-defined]
    page.goto(file.as_uri())  # type: ignore[attr-defined]
    assert asked == [file.as_uri()]
    assert Axe().run(page).violations_count == 0
    text = page.inner_text("main")  # type: ignore[attr-defined]
    assert f"{len(run.results)} cases" in text
    assert "Nothing regressed from the baseline" in text
    failed = [result for result in run.results if not result.passed]
    assert all(result.found[0].text[:40] in page.content() for result in failed if result.found)  # type: ignore[attr-defined]
    assert page.locator("summary", has_text=failed[0].id).count() >= 1 if failed else "(0)" in text  # type: ignore[attr-defined]
    assert run.id in (file.parent / "report.md").read_text()
    told = json.loads((file.parent / "report.json").read_text())
    assert told["run"] == run.id
    assert told["comparison"]["passed"]
    assert told["passed"]["tuned"]["cases"] == len(run.of(Half.TUNED))
    assert {result["id"] for result in told["results"]} == {result.id for result in run.results}


def test_a_model_votes_and_its_agreement_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    few = run.model_copy(update={"results": run.results[:6]})
    with ChatServer("RIGHT\nIt states what is expected.") as server:
        model = LangChainChatModel("openai:judge", base_url=server.url)
        judged = judge_run(few, model, 2, lambda *_: None)
    found = find_agreement(judged.results)
    assert found is not None
    assert (found.cases, found.steady, found.silent) == (6, 1.0, 0)
    assert found.agreed == pytest.approx(sum(result.passed for result in few.results) / 6)
    with ChatServer("I would rather not say.") as server:
        silent = judge_run(few, LangChainChatModel("openai:judge", base_url=server.url), 1, lambda *_: None)
    assert find_agreement(silent.results) is None


def test_a_company_s_documents_get_proposals_that_are_asked_once_accepted(indexed: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "suite"
    count, unread = propose(folder, OWN / "fixtures" / "policies")
    assert count >= 10
    assert unread == []
    assert load_suite(folder).load_cases(Half.TUNED) == ()
    file, other = (folder / "cases" / half.value / "proposed.yaml" for half in Half)
    rows = yaml.safe_load(file.read_text()) + yaml.safe_load(other.read_text())
    pages = {row["pages"].get("alarm-handling.pdf") for row in rows if row.get("pages")}
    assert pages >= {2, 3}
    assert sum(bool(row.get("near_topic")) for row in rows) == 2
    other.unlink()
    kept = [row | {"accepted": True} for row in rows if row["kind"] == "documents"]
    file.write_text(yaml.safe_dump(kept))
    assert lint(indexed.model_copy(update={"database_url": f"sqlite:///{tmp_path}/a.sqlite"}), load_suite(folder)) == []
    run = run_suite(indexed, load_suite(folder))
    assert len(run.results) == len(kept) >= 8
    assert sum(result.scores["facts"].value == 1 for result in run.results) >= len(kept) // 2
    with pytest.raises(InvalidInputError, match="holds a suite already"):
        propose(folder, OWN / "fixtures" / "policies")


def test_what_a_label_closes_is_asked_without_it_too(tmp_path: Path) -> None:
    propose(tmp_path / "suite", OWN / "fixtures" / "policies", "board")
    cases = [case for half in Half for case in load_suite(tmp_path / "suite").load_cases(half, proposed=True)]
    opened = {case.question: case for case in cases if case.groups == ("board",)}
    closed = [case for case in cases if case.kind is Kind.DOCUMENTS and not case.groups]
    assert len(closed) >= 5
    for case in closed:
        assert case.must_not == opened[case.question].facts
        assert (case.expect, case.facts, case.pages) == (Expect.EITHER, (), {})


def test_a_company_s_own_program_is_asked(indexed: Settings, tmp_path: Path, make_office: OfficeMaker) -> None:
    office = make_office(f"sqlite:///{tmp_path}/own.sqlite")
    office.load_demo(LOCAL_CALLER, door="demo")
    (tmp_path / "own.xlsx").write_bytes(write_xlsx(office.read_register(LOCAL_CALLER)))
    folder = tmp_path / "suite"
    propose(folder, OWN / "fixtures" / "policies", register=tmp_path / "own.xlsx")
    assert load_suite(folder).records_file == tmp_path / "own.xlsx"
    file, other = (folder / "cases" / half.value / "proposed.yaml" for half in Half)
    rows = yaml.safe_load(file.read_text()) + yaml.safe_load(other.read_text())
    other.unlink()
    kept = [row | {"accepted": True} for row in rows if row["kind"] == "register"][:6]
    file.write_text(yaml.safe_dump(kept))
    run = run_suite(indexed, load_suite(folder))
    assert [result.missed for result in run.results] == [{}] * 6
    assert all("records" in result.scores for result in run.results)


def test_the_gate_fails_where_the_baseline_was_better(indexed: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "suite"
    (folder / "cases" / "tuned").mkdir(parents=True)
    (folder / "suite.yaml").write_text("")
    rows = [{"id": "a", "kind": "direct", "question": "How do we pick KPIs?", "expect": "answered", "facts": ["."]}]
    cases = folder / "cases" / "tuned" / "a.yaml"
    cases.write_text(yaml.safe_dump(rows))
    env = {**os.environ, "ADVISOR_DATA_DIR": str(indexed.data_dir)}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "evals", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    assert call("--suite", str(folder), "--gate").returncode == 2  # there is no baseline yet
    assert call("baseline", "--suite", str(folder), "--reason", "the first").returncode == 0
    same = call("compare", "baseline", "--suite", str(folder))
    assert same.returncode == 0
    assert "No difference from baseline" in same.stdout
    cases.write_text(yaml.safe_dump([rows[0] | {"id": "b"}]))
    gone = call("--suite", str(folder), "--gate")
    assert gone.returncode == 1
    assert "scores are missing" in gone.stdout
