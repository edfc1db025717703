"""What a caller without a label can learn of restricted work, through every route: nothing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from advisor.bootstrap import build_keys
from advisor.domain.identity import LOCAL_CALLER, Area, Permission
from advisor.pipeline import Pipeline
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from tests.conftest import OfficeMaker
from tests.integrations.web.conftest import ELSEWHERE, Door, bearer
from tests.web import make_web, web_settings

SECRET = "Project Osprey"
YESTERDAY = (date(2026, 11, 20) - timedelta(days=1)).isoformat()
INITIATIVE = {"site": "gyor-plant", "track": "factory", "stage": "single_line_pilot", "accountable_owner": "Ada Hidden"}


@pytest.fixture
def office(make_office: OfficeMaker, tmp_path: Path) -> ProgramOffice:
    made = make_office(f"sqlite:///{tmp_path}/office.sqlite")
    made.load_demo(LOCAL_CALLER, door="demo")
    return made


@pytest.fixture
def door(advisor: Advisor, office: ProgramOffice, tmp_path: Path) -> Any:
    app = make_web(tmp_path, _with_office(advisor, office), office)
    with TestClient(app, base_url="http://a.example.com", client=ELSEWHERE) as client:
        yield Door(client, build_keys(web_settings(tmp_path)))


@pytest.fixture
def board(door: Door) -> dict[str, str]:
    """A contributor who holds the label, and has put something secret under it."""
    headers = bearer(door.make_key(Permission.APPROVER, groups=("board",)))
    fields = INITIATIVE | {"name": SECRET, "label": "board"}
    assert record(door, headers, kind="initiative", fields=fields).status_code == 201
    status = {"initiative": SECRET, "health": "off_track", "summary": "It fails."}
    assert record(door, headers, kind="status_update", fields=status).status_code == 201
    hidden = {"label": "board"}
    for subject in ("line-3-predictive-maintenance",):
        assert record(door, headers, kind="initiative", subject=subject, fields=hidden).status_code == 201
    return headers


@pytest.fixture
def other(door: Door) -> dict[str, str]:
    return bearer(door.make_key(Permission.CONTRIBUTOR))


def record(door: Door, headers: dict[str, str], **change: Any) -> Any:
    return door.client.post("/api/v1/records", json={"changes": [change]}, headers=headers)


def read_everything(door: Door, headers: dict[str, str]) -> str:
    paths = [
        "initiatives?limit=500", "gates?limit=500", "gaps", "gap-summary", "gap-summary?format=html", "checklist", "export?kind=initiative",
        f"gates?as_of={YESTERDAY}", f"gaps?as_of={YESTERDAY}", f"gap-summary?as_of={YESTERDAY}", f"gap-summary?since={YESTERDAY}",
        "records/initiative?limit=500", "records/status_update?limit=500", "records/kpi_card?limit=500", "conversations",
        "records/initiative/project-osprey", "records/initiative/project-osprey/history", "search?q=Project%20Osprey",
        "records/initiative/line-3-predictive-maintenance/history", "assessment/next?initiative=project-osprey",
    ]  # fmt: skip
    told = [door.client.get(f"/api/v1/{path}", headers=headers).text for path in paths]
    told.append(door.client.get("/program", headers=headers).text)
    for question in (
        "Which initiatives are off track?",
        "Which initiatives have no owner?",
        "How is the program doing?",
    ):
        told.append(door.client.post("/api/v1/ask", json={"question": question}, headers=headers).text)
    return "\n".join(told)


def test_no_route_tells_of_it(door: Door, board: dict[str, str], other: dict[str, str]) -> None:
    everything = read_everything(door, other)
    for word in ("Osprey", "Ada Hidden", "It fails", "Line 3 predictive", "Jonas Weber"):
        assert word not in everything, word
    assert "Osprey" in read_everything(door, board)


def test_guessing_its_name_makes_another_record(door: Door, board: dict[str, str], other: dict[str, str]) -> None:
    fields = INITIATIVE | {"name": "project osprey!", "accountable_owner": "Mallory", "label": ""}
    made = record(door, other, kind="initiative", fields=fields)
    assert made.status_code == 201
    assert made.json()[0]["subject"] != "project-osprey"
    history = door.client.get(f"/api/v1/records/initiative/{made.json()[0]['subject']}/history", headers=other)
    assert len(history.json()["items"]) == 1
    kept = door.client.get("/api/v1/records/initiative/project-osprey", headers=board).json()["fields"]
    assert (kept["label"], kept["accountable_owner"]) == ("board", "Ada Hidden")


@pytest.mark.owasp("LLM02", "LLM08")
@pytest.mark.parametrize("more", [{}, {"version": 5}, {"corrects": 396}, {"corrects": 1}, {"create": True}])
def test_naming_its_id_says_no_more_than_naming_an_unknown_one(
    door: Door, board: dict[str, str], other: dict[str, str], more: dict[str, Any]
) -> None:
    fields = INITIATIVE | {"name": "x", "label": ""}
    answers = []
    for subject in ("project-osprey", "project-eagle"):
        answer = record(door, other, kind="initiative", subject=subject, fields=fields, **more)
        answers.append(
            (answer.status_code, answer.json().get("detail", "").replace(subject, "?") if answer.is_error else "")
        )
    if "create" not in more:
        assert answers[0] == answers[1]
    assert answers[0][0] in {404, 422}


def test_only_holders_set_a_label_and_only_approvers_change_one(
    door: Door, board: dict[str, str], other: dict[str, str]
) -> None:
    yard = {"kind": "initiative", "subject": "yard-slotting"}
    assert record(door, other, **yard, fields={"label": "secret"}).status_code == 403
    holder = bearer(door.make_key(Permission.CONTRIBUTOR, groups=("board",)))
    assert record(door, holder, **yard, fields={"label": "board"}).status_code == 403
    assert record(door, holder, kind="initiative", subject="project-osprey", fields={"label": ""}).status_code == 403
    assert record(door, holder, kind="site", subject="gyor-plant", fields={"label": "board"}).status_code == 403
    assert record(door, board, kind="initiative", subject="project-osprey", fields={"label": ""}).status_code == 201


def test_a_csv_import_does_not_write_onto_it(door: Door, board: dict[str, str], other: dict[str, str]) -> None:
    rows = "name,site,track,stage\nProject Osprey,gyor-plant,factory,single_line_pilot\n"
    done = door.client.post("/api/v1/import?name=initiatives.csv", content=rows.encode(), headers=other)
    assert done.status_code in {201, 422}
    history = door.client.get("/api/v1/records/initiative/project-osprey/history", headers=board).json()["items"]
    assert len(history) == 1


def test_an_answer_of_old_closes_with_its_label(
    advisor: Advisor, office: ProgramOffice, tmp_path: Path, door: Door, board: dict[str, str]
) -> None:
    people = {"eva@example.com": {"groups": ["board"]}}
    question = {"question": "How is Project Osprey doing?"}
    from_proxy = {"X-Forwarded-Email": "eva@example.com"}
    wired = {"trusted_proxies": (ELSEWHERE[0],)}
    own = _with_office(advisor, office)
    with TestClient(make_web(tmp_path, own, office, people=people, **wired), client=ELSEWHERE) as before:
        answer = before.post("/api/v1/ask", json=question, headers=from_proxy).json()
        assert "off track" in answer["text"]
        assert before.get(f"/api/v1/answers/{answer['id']}", headers=from_proxy).status_code == 200
    with TestClient(make_web(tmp_path, own, office, **wired), client=ELSEWHERE) as after:
        assert after.get(f"/api/v1/answers/{answer['id']}", headers=from_proxy).status_code == 404
        kept = after.get(f"/api/v1/conversations/{answer['conversation_id']}", headers=from_proxy).json()
        assert kept["answers"] == []


def _with_office(advisor: Advisor, office: ProgramOffice) -> Advisor:
    """Return the advisor, reporting on another register."""
    pipeline = Pipeline(**_read_parts(advisor._pipeline) | {"reporter": office})
    return Advisor(**_read_parts(advisor) | {"pipeline": pipeline, "reporter": office})


def _read_parts(whole: object) -> dict[str, Any]:
    return {name.removeprefix("_"): part for name, part in vars(whole).items() if name not in {"_turns", "_swept"}}


@pytest.mark.parametrize("user", ["key:1051f47e", "local", "anonymous", "Local", "a b@example.com", "a,b@example.com"])
def test_nobody_passes_for_a_key_or_for_this_machine(
    advisor: Advisor, office: ProgramOffice, tmp_path: Path, user: str
) -> None:
    wired = {"trusted_proxies": (ELSEWHERE[0],), "allowed_origins": ("https://i.example.com",)}
    with TestClient(make_web(tmp_path, advisor, office, **wired), client=ELSEWHERE) as client:
        assert client.get("/api/v1/me", headers={"X-Forwarded-Email": user}).status_code == 401
        key = Door(client, build_keys(web_settings(tmp_path))).make_key(areas=(Area.TOKENS,))
        wanted = {"user": user, "origin": "https://i.example.com"}
        assert client.post("/api/v1/widget-tokens", json=wanted, headers=bearer(key)).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "gap-summary?as_of=0001-01-01", None),
        ("GET", "gaps?as_of=9999-12-31", None),
        ("GET", "gap-summary?since=0001-01-01", None),
        ("POST", "ask", b'{"question": "x", "role": "\\ud800"}'),
        ("POST", "records", b'{"changes": [{"kind": "site", "fields": {"name": "\\ud800", "type": "factory"}}]}'),
        ("POST", "records", b'{"changes": [{"kind": "site", "subject": "' + b"x" * 300 + b'", "fields": {}}]}'),
        ("POST", "checklist", b'{"title": "\\ud800"}'),
        ("POST", "feedback", b'{"answer_id": "\\ud800", "helpful": true}'),
    ],
)
def test_strange_input_is_refused_with_words(
    door: Door, other: dict[str, str], method: str, path: str, body: bytes | None
) -> None:
    headers = other | ({"Content-Type": "application/json"} if body else {})
    answer = door.client.request(method, f"/api/v1/{path}", content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["detail"]


def test_an_item_due_at_the_end_of_time_can_be_ticked(door: Door, other: dict[str, str]) -> None:
    fields = {"title": "x", "due_on": "9999-12-31", "recurs_days": 365}
    item = record(door, other, kind="action_item", fields=fields).json()[0]["subject"]
    done = door.client.post(f"/api/v1/checklist/{item}/done", json={"evidence": "x"}, headers=other)
    assert done.status_code == 201
    again = record(door, other, kind="action_item", fields=fields).json()[0]["subject"]
    blank = door.client.post(f"/api/v1/checklist/{again}/done", json={"evidence": "   "}, headers=other)
    assert blank.status_code == 422
