"""What is deleted is gone: a document from disk and from every door, a person from everything kept of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from advisor.bootstrap import build_library_ingest
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.knowledge import Collection
from tests.knowledge.files import make_docx, make_pdf
from tests.security.conftest import DOORS, House, listing

RULE = "Zephyrine valves are bought from Ostrander for ninety million in March."
QUESTION = "What are the valves bought for, from whom and when?"
WORDS = (b"Ostrander", b"Zephyrine", b"ostrander", b"zephyrine", b"zephyrin")


@pytest.fixture
def house(make_house: Callable[..., Any], tmp_path: Path) -> Iterator[House]:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "good.md").write_text("# Gates\n\nThe gate of the yard is closed at ten by the porter on duty.\n")
    (notes / "secret.md").write_text(f"# Valves\n\n{RULE}\n")
    (notes / "secret.pdf").write_bytes(make_pdf([RULE]))
    (notes / "secret.docx").write_bytes(make_docx(RULE))
    with make_house(tmp_path, (Collection(name="notes", path=str(notes)),)) as made:
        yield made


@pytest.mark.owasp("LLM02", "LLM08")
def test_a_deleted_document_is_gone_from_every_door_and_from_disk(house: House) -> None:
    folder = house.settings.data_dir.parent
    answer = house.web.post("/api/v1/ask", json={"question": QUESTION}, headers=house.bearer()).json()
    assert "Ostrander" in answer["text"]
    cited = next(c["section_id"].partition("/")[0] for c in answer["citations"] if c["kind"] == "document")
    for door in DOORS:
        assert "Ostrander" in house.ask(door, QUESTION), door
    assert any(word in raw for raw in listing(folder).values() for word in WORDS)
    for file in (folder / "notes").glob("secret.*"):
        file.unlink()
    build_library_ingest(house.settings).run()
    for door in DOORS:
        assert "Ostrander" not in house.ask(door, QUESTION), door
    paths = (
        f"/api/v1/answers/{answer['id']}", f"/api/v1/answers/{answer['id']}/receipt", f"/documents/{cited}", f"/documents/{cited}/file",
        f"/api/v1/conversations/{answer['conversation_id']}", f"/api/v1/conversations/{answer['conversation_id']}/markdown",
        "/api/v1/search?q=zephyrine%20valves", "/api/v1/documents",
    )  # fmt: skip
    for path in paths:
        assert "Ostrander" not in house.web.get(path, headers=house.bearer()).text, path
    assert "Ostrander" not in house.call_tool("search", query=QUESTION)
    house.slack.door.workers.stop()
    left = {name for name, raw in listing(folder).items() if any(word in raw for word in WORDS)}
    assert left == set()


@pytest.mark.owasp("LLM02", "ASVS V14")
def test_a_person_takes_out_what_is_kept_of_them_and_is_erased(make_house: Callable[..., Any], tmp_path: Path) -> None:
    person, other = {"X-Forwarded-Email": "anna@example.com"}, {"X-Forwarded-Email": "ben@example.com"}
    own = "How long should a shadow period at the marmalade plant be?"
    with make_house(tmp_path, trusted_proxies=("192.0.2.7",)) as house:
        web = house.web
        asked = web.post("/api/v1/ask", json={"question": own}, headers=person).json()
        web.post(
            "/api/v1/feedback",
            json={"answer_id": asked["id"], "helpful": False, "reason": "marmalade"},
            headers=person,
        )
        theirs = web.post("/api/v1/ask", json={"question": "How should we choose KPIs?"}, headers=other).json()
        sim = house.slack.sim
        sim.say("UANNA", sim.dm("UANNA"), own)
        house.slack.settle()
        fields = {"changes": [{"kind": "site", "fields": {"name": "Anna's plant", "type": "factory"}}]}
        assert web.post("/api/v1/records", json=fields, headers=person).status_code == 201

        heads = web.get("/api/v1/conversations", headers=person).json()["items"]
        taken = [web.get(f"/api/v1/conversations/{head['id']}/markdown", headers=person).text for head in heads]
        assert len(taken) == 2  # of the web and of Slack: one person, whichever door
        assert all("marmalade" in text and text.startswith("## ") for text in taken)
        assert web.get(f"/api/v1/conversations/{heads[0]['id']}/markdown", headers=other).status_code == 404

        told = house.run_cli("audit", "erase", "anna@example.com", "--yes")
        assert "is erased" in told
        assert web.get("/api/v1/conversations", headers=person).json()["items"] == []
        assert web.get(f"/api/v1/answers/{asked['id']}", headers=person).status_code == 404
        assert web.get(f"/api/v1/answers/{theirs['id']}", headers=other).status_code == 200
        assert "hold" in house.run_cli("audit", "verify")
        assert len(house.office.list_status(LOCAL_CALLER)) > 0
        house.slack.door.workers.stop()
        kept = listing(tmp_path)
    left = {(name, word) for name, raw in kept.items() for word in (b"anna@example.com", b"marmalade") if word in raw}
    assert left == set()
