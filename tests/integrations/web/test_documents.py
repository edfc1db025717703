"""The company's documents through the web door: who reads them, where their pages open, and what is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from fastapi.testclient import TestClient

from advisor.bootstrap import build_advisor, build_audit, build_keys
from advisor.program.office import ProgramOffice
from advisor.settings import Settings
from tests.conftest import OPEN_RULE, SECRET_RULE
from tests.integrations.web.conftest import ELSEWHERE, Door, bearer
from tests.web import make_web, web_settings

QUESTION = {"question": "Where does the gearbox alarm line of Nordwerk move, and when does it close?"}
SECRETS = ("Nordwerk closes", "Zwolle", "nordwerk-plan", "Nordwerk plan", "osprey papers", "told to nobody")


@pytest.fixture
def documented(library: Settings, tmp_path: Path) -> Settings:
    return library.model_copy(update={"database_url": f"sqlite:///{tmp_path}/documents.sqlite"})


@pytest.fixture
def door(documented: Settings, demo_office: ProgramOffice, tmp_path: Path) -> Iterator[Door]:
    app = make_web(tmp_path, build_advisor(documented, demo_office), demo_office)
    with TestClient(app, base_url="http://a.example.com", client=ELSEWHERE, raise_server_exceptions=False) as client:
        yield Door(client, build_keys(web_settings(tmp_path)))


@pytest.fixture
def board(door: Door) -> dict[str, str]:
    return bearer(door.make_key(groups=("board",)))


@pytest.fixture
def staff(door: Door) -> dict[str, str]:
    return bearer(door.make_key())


def find_cited(door: Door, headers: dict[str, str]) -> tuple[dict[str, Any], Any]:
    """Return the citation of the secret, and the answer that holds it."""
    answer = door.client.post("/api/v1/ask", json=QUESTION, headers=headers).json()
    return next(citation for citation in answer["citations"] if citation["quote"] == SECRET_RULE), answer


def test_no_route_tells_of_what_a_caller_may_not_see(
    door: Door, board: dict[str, str], staff: dict[str, str], documented: Settings
) -> None:
    cited, answer = find_cited(door, board)
    id_ = cited["section_id"].partition("/")[0]
    paths = [
        "/api/v1/documents", "/api/v1/search?q=Nordwerk%20Zwolle%20gearbox", f"/api/v1/answers/{answer['id']}", "/api/v1/conversations",
        f"/api/v1/conversations/{answer['conversation_id']}", f"/documents/{id_}", f"/documents/{id_}/file", f"/documents/{id_}/pages/2",
        f"/api/v1/playbooks/{id_}", f"/playbooks/{id_}", "/readyz", "/api/v1/me", "/api/v1/gap-summary", "/program", "/metrics",
    ]  # fmt: skip
    told = {path: door.client.get(path, headers=staff, follow_redirects=False) for path in paths}
    told["ask"] = door.client.post("/api/v1/ask", json=QUESTION, headers=staff)
    told["stream"] = door.client.post("/api/v1/ask/stream", json=QUESTION, headers=staff)
    follow = QUESTION | {"conversation_id": answer["conversation_id"]}
    told["follow-up"] = door.client.post("/api/v1/ask", json=follow, headers=staff)
    for path, response in told.items():
        body = response.text.replace(QUESTION["question"], "") + str(dict(response.headers))
        assert not any(word in body for word in SECRETS), path
    for path in (f"/documents/{id_}", f"/documents/{id_}/file", f"/documents/{id_}/pages/2"):
        assert told[path].status_code == 404
        unknown = door.client.get(path.replace(id_, "doc-000000000000"), headers=staff)
        assert unknown.json()["detail"].replace("doc-000000000000", id_) == told[path].json()["detail"]
    assert "Zwolle" in door.client.get(f"/documents/{id_}", headers=board).text
    assert len(door.client.get("/api/v1/documents", headers=staff).json()["items"]) == 1
    assert len(door.client.get("/api/v1/documents", headers=board).json()["items"]) == 2


def test_the_same_question_gets_each_caller_what_they_may_see(
    door: Door, board: dict[str, str], staff: dict[str, str]
) -> None:
    question = {"question": "Who answers a gearbox alarm, and how fast?"}
    theirs = door.client.post("/api/v1/ask", json=question, headers=staff).json()
    assert any(citation["quote"] == OPEN_RULE for citation in theirs["citations"])
    assert find_cited(door, board)[0]["title"] == "nordwerk plan (osprey papers)"


def test_a_citation_opens_the_pdf_at_its_page(door: Door, board: dict[str, str], tmp_path: Path) -> None:
    cited, _ = find_cited(door, board)
    id_ = cited["section_id"].partition("/")[0]
    assert cited["page"] == 2
    led = door.client.get(f"/documents/{id_}/pages/2", headers=board, follow_redirects=False)
    assert (led.status_code, led.headers["location"]) == (307, f"/documents/{id_}/file#page=2")
    sent = door.client.get(led.headers["location"], headers=board)
    assert sent.headers["content-type"] == "application/pdf"
    assert sent.headers["content-disposition"].startswith("inline")
    (tmp_path / "sent.pdf").write_bytes(sent.content)
    with pypdfium2.PdfDocument(tmp_path / "sent.pdf") as pdf:
        text = " ".join(pdf[cited["page"] - 1].get_textpage().get_text_range().split())
    assert SECRET_RULE in text


def test_a_page_of_anything_else_opens_its_text(door: Door, staff: dict[str, str]) -> None:
    (head,) = door.client.get("/api/v1/documents", headers=staff).json()["items"]
    led = door.client.get(f"/documents/{head['id']}/pages/1", headers=staff, follow_redirects=False)
    assert led.headers["location"].startswith(f"/documents/{head['id']}#")
    assert OPEN_RULE in door.client.get(f"/documents/{head['id']}", headers=staff).text
    sent = door.client.get(f"/documents/{head['id']}/file", headers=staff)
    assert sent.headers["content-disposition"].startswith("attachment")
    assert door.client.get(f"/documents/{head['id']}/pages/0", headers=staff).status_code == 422


def test_a_file_that_changed_since_is_not_sent(door: Door, staff: dict[str, str], library: Settings) -> None:
    (head,) = door.client.get("/api/v1/documents", headers=staff).json()["items"]
    file = Path(library.collections[0].path) / head["path"]
    before = file.read_bytes()
    try:
        file.write_bytes(before + b"\nMore.\n")
        assert door.client.get(f"/documents/{head['id']}/file", headers=staff).status_code == 404
        file.unlink()
        assert door.client.get(f"/documents/{head['id']}/file", headers=staff).status_code == 404
    finally:
        file.write_bytes(before)


def test_reading_what_is_labelled_leaves_a_line(door: Door, board: dict[str, str], documented: Settings) -> None:
    cited, _ = find_cited(door, board)
    id_ = cited["section_id"].partition("/")[0]
    door.client.get(f"/documents/{id_}", headers=board)
    lines = [line for line in build_audit(documented).read(0, 100) if line.action == "read restricted"]
    assert {(line.subject, line.detail) for line in lines} >= {(id_, "answer"), (id_, "document")}
