"""What carries an access label is told to those who hold it and to nobody else, whichever way somebody asks."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from advisor.bootstrap import build_audit
from advisor.domain.identity import LOCAL_CALLER, Caller
from advisor.domain.knowledge import Collection
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from integrations.langchain import AdvisorRetriever
from tests.conftest import need_pango
from tests.knowledge.files import make_pdf
from tests.security.conftest import DOORS, House

pytestmark = pytest.mark.owasp("LLM02", "LLM08")

RULE = "The turbine hall of Halvorsen is sold in April and its crew moves to Tromso."
QUESTION = "When is the turbine hall sold, and where does its crew move?"
PROGRAM = "How is Kestrel doing?"
WORDS = ("Halvorsen", "Tromso", "Kestrel", "Ada Hidden", "It fails in secret", "kestrel")
BOARD = ("board",)


@pytest.fixture(scope="module")
def house(make_house: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("labels")
    (folder / "open").mkdir()
    (folder / "open" / "hall.md").write_text(
        "# Turbine hall\n\nThe turbine hall is swept every night by the crew on duty.\n"
    )
    (folder / "closed").mkdir()
    (folder / "closed" / "plan.pdf").write_bytes(make_pdf(["Plan of Halvorsen"], [RULE]))
    collections = (
        Collection(name="open", path=str(folder / "open")),
        Collection(name="closed", path=str(folder / "closed"), label="board"),
    )
    with make_house(folder, collections) as made:
        fields = {
            "name": "Kestrel", "site": "gyor-plant", "track": "factory", "stage": "single_line_pilot",
            "accountable_owner": "Ada Hidden", "label": "board",
        }  # fmt: skip
        status = {"initiative": "kestrel", "health": "off_track", "summary": "It fails in secret."}
        item = {"initiative": "kestrel", "title": "Tell nobody of Kestrel", "owner": "Ada Hidden"}
        for kind, given in (
            (RecordKind.INITIATIVE, fields),
            (RecordKind.STATUS_UPDATE, status),
            (RecordKind.ACTION_ITEM, item),
        ):
            made.office.record(LOCAL_CALLER, [RecordChange(kind=kind, fields=given)], door="test")
        yield made


def find_told(told: str, *asked: str) -> list[str]:
    """Return which of the secret words are told, beyond the question that named them."""
    for text in asked:
        for form in (text, json.dumps(text)[1:-1], text.lower(), text.rstrip("?")):
            told = told.replace(form, "")
    return [word for word in WORDS if word in told]


def unpack(raw: bytes) -> str:
    """Return the text of a file, of archives that of their parts."""
    if not raw.startswith(b"PK"):
        return raw.decode(errors="replace")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return "\n".join(archive.read(name).decode(errors="replace") for name in archive.namelist())


@pytest.mark.parametrize("door", [door for door in DOORS if door != "cli"])
def test_each_door_tells_holders_and_nobody_else(house: House, door: str) -> None:
    for question, sign in ((QUESTION, "Tromso"), (PROGRAM, "off track")):
        told = house.ask(door, question, BOARD)
        assert sign in told
        said = house.ask(door, question)
        assert find_told(said, question) == [], door
    for question in ("Which initiatives are off track?", "Which initiatives have no owner?", "Who works on what?"):
        assert find_told(house.ask(door, question)) == []
    assert house.ask(door, QUESTION, BOARD).count("Tromso")  # and after the others have asked


def test_the_user_of_this_machine_holds_every_label(house: House) -> None:
    assert "Tromso" in house.ask("cli", QUESTION)


def test_an_answer_of_one_caller_opens_to_no_other(house: House) -> None:
    answers = [
        house.web.post("/api/v1/ask", json={"question": q}, headers=house.bearer(BOARD)).json()
        for q in (QUESTION, PROGRAM)
    ]
    for answer in answers:
        assert find_told(json.dumps(answer))
        paths = [
            f"/api/v1/answers/{answer['id']}", f"/api/v1/answers/{answer['id']}/receipt", f"/api/v1/answers/{answer['id']}/tasks",
            f"/api/v1/conversations/{answer['conversation_id']}", f"/api/v1/conversations/{answer['conversation_id']}/markdown",
            *(f"/documents/{c['section_id'].partition('/')[0]}{end}" for c in answer["citations"] for end in ("", "/file", "/pages/1")),
        ]  # fmt: skip
        for path in paths:
            for headers in (house.bearer(), {"Authorization": f"Bearer {house.make_key(BOARD)}"}):
                told = house.web.get(path, headers=headers, follow_redirects=False)
                if headers == house.bearer():
                    assert find_told(told.text + str(told.headers)) == [], path
                if path.startswith("/api/"):  # another holder of the label is no party to the conversation either
                    assert told.status_code == 404, path
        follow = {"question": "and when exactly?", "conversation_id": answer["conversation_id"]}
        assert find_told(house.web.post("/api/v1/ask", json=follow, headers=house.bearer()).text) == []
        assert find_told(house.call_tool("ask", question="why?", conversation_id=answer["conversation_id"])) == []


PATHS = (
    "/api/v1/documents", "/api/v1/search?q=turbine%20hall%20sold", "/api/v1/search?q=off%20track", "/api/v1/conversations", "/api/v1/playbooks",
    "/api/v1/initiatives?limit=500", "/api/v1/gates?limit=500", "/api/v1/gaps", "/api/v1/checklist", "/api/v1/assessment/next",
    "/api/v1/gap-summary", "/api/v1/gap-summary?format=html", "/api/v1/gap-summary?format=markdown", "/api/v1/records/initiative?limit=500",
    "/api/v1/records/status_update?limit=500", "/api/v1/records/action_item?limit=500", "/api/v1/records/initiative/kestrel",
    "/api/v1/records/initiative/kestrel/history", "/api/v1/records/site/gyor-plant/history", "/api/v1/export", "/api/v1/export?kind=initiative",
    "/api/v1/export?kind=status_update", "/api/v1/export?kind=action_item", "/api/v1/report?format=html", "/api/v1/report?format=md",
    "/api/v1/report?format=pptx", "/api/v1/report?format=xlsx", "/api/v1/me", "/program", "/playbooks", "/metrics", "/readyz", "/admin",
)  # fmt: skip


def test_no_route_and_no_file_tells_of_it(house: House) -> None:
    told = {path: unpack(house.web.get(path, headers=house.bearer()).content) for path in PATHS}
    leaks = {path: found for path, text in told.items() if (found := find_told(text, PROGRAM, QUESTION, "kestrel"))}
    assert leaks == {}
    holders = {path: find_told(unpack(house.web.get(path, headers=house.bearer(BOARD)).content)) for path in PATHS}
    assert sum(bool(found) for found in holders.values()) >= 15  # the same paths do tell those who hold the label


def test_the_pdf_tells_holders_alone(house: House) -> None:
    need_pango()
    import pypdfium2  # noqa: PLC0415

    for groups, told in ((BOARD, True), ((), False)):
        raw = house.web.get("/api/v1/report?format=pdf", headers=house.bearer(groups)).content
        with pypdfium2.PdfDocument(raw) as pdf:
            text = "\n".join(page.get_textpage().get_text_bounded() for page in pdf)
        assert ("Kestrel" in text) is told


def test_no_tool_tells_of_it(house: House) -> None:
    calls: dict[str, dict[str, Any]] = {
        "search": {"query": QUESTION}, "gap_summary": {}, "gate_readiness": {}, "checklist": {}, "playbook": {},
    }  # fmt: skip
    for name, arguments in calls.items():
        assert find_told(house.call_tool(name, **arguments), QUESTION) == [], name
    for name in ("search", "gap_summary", "gate_readiness", "checklist"):
        assert find_told(house.call_tool(name, BOARD, **calls[name])), name
    for name in ("gap_summary", "gate_readiness", "checklist"):
        named, unknown = (house.call_tool(name, initiative=word) for word in ("Kestrel", "Nobodys"))
        assert named.replace("Kestrel", "?") == unknown.replace("Nobodys", "?")


def test_no_command_page_or_file_of_slack_tells_of_it(house: House) -> None:
    sim = house.slack.sim
    for user, told in (("UANNA", False), ("UEVA", True)):
        seen = []
        for words in ("initiatives", "gaps", "gates", "report", "checklist", f"ask {PROGRAM}", f"ask {QUESTION}"):
            sim.command(user, sim.dm(user), "/advisor", words)
        sim.open_home(user)
        house.slack.settle()
        seen = [str(sim.home_of(user)), *(f"{m.text}{m.markdown}{m.blocks}" for m in sim.messages(sim.dm(user)))]
        seen += [f"{m.text}{m.markdown}{m.blocks}" for m in sim.ephemerals(user)]
        assert bool(find_told("\n".join(seen), PROGRAM, QUESTION)) is told
    sim.command("UEVA", "C1", "/advisor", "gaps")
    house.slack.settle()
    assert [m for m in sim.messages("C1") if m.user == "UBOT" and find_told(str(m.blocks) + m.text)] == []


def test_the_retriever_of_langchain_finds_for_its_caller(house: House) -> None:
    for groups, told in ((BOARD, True), ((), False)):
        found = AdvisorRetriever(advisor=house.advisor, caller=Caller(id="chain", groups=groups)).invoke(QUESTION)
        assert bool(find_told("\n".join(f"{d.page_content}{d.metadata}" for d in found))) is told


def test_who_asked_for_what_is_labelled_stands_in_the_audit_log(house: House) -> None:
    house.ask("rest", QUESTION, BOARD)
    lines = build_audit(house.settings).find_newest(200)
    assert any(line.action == "read restricted" for line in lines)
    told = "\n".join(line.model_dump_json() for line in lines) + house.run_cli("audit", "show", "--last", "200")
    assert find_told(told.replace("kestrel", "")) == []
