"""The program over HTTP, on the demo company."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from advisor.domain.identity import LOCAL_CALLER
from advisor.program.office import ProgramOffice
from tests.conftest import OfficeMaker
from tests.web import local_client, make_web


@pytest.fixture
def office(make_office: OfficeMaker, tmp_path: object) -> ProgramOffice:
    made = make_office(f"sqlite:///{tmp_path}/t.sqlite")
    made.load_demo(LOCAL_CALLER, door="demo")
    return made


@pytest.fixture
def api(office: ProgramOffice, tmp_path: Path) -> Iterator[TestClient]:
    with local_client(make_web(tmp_path, None, office)) as client:
        yield client


def test_pages_hold_every_record_once(api: TestClient) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = api.get("/api/v1/records/status_update", params={"limit": 7, "cursor": cursor}).json()
        seen += [item["subject"] for item in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    whole = api.get("/api/v1/records/status_update", params={"limit": 500}).json()["items"]
    assert seen == [item["subject"] for item in whole]
    assert len(set(seen)) == len(seen) > 7


def test_a_repeated_key_records_once_and_an_old_version_is_refused(api: TestClient) -> None:
    old = api.get("/api/v1/records/initiative/cnc-tool-wear").json()["version"]
    change = {"kind": "initiative", "subject": "cnc-tool-wear", "fields": {"sponsor": "Tom Berger"}, "version": old}
    first = api.post("/api/v1/records", json={"changes": [change]}, headers={"Idempotency-Key": "k"})
    again = api.post("/api/v1/records", json={"changes": [change]}, headers={"Idempotency-Key": "k"})
    assert (first.status_code, first.json()) == (201, again.json())
    late = api.post("/api/v1/records", json={"changes": [change]})
    assert (late.status_code, "changed by someone else" in late.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    "path",
    ["initiatives", "gates", "gaps", "gap-summary", "gap-summary?format=markdown", "gap-summary?format=html",
     "assessment/next", "checklist", "gaps?site=Venlo hub", "gap-summary?initiative=Line 3"],
)  # fmt: skip
def test_everything_can_be_read(api: TestClient, path: str) -> None:
    response = api.get(f"/api/v1/{path}")
    assert response.status_code == 200
    assert response.text


def test_a_status_is_read_then_recorded(api: TestClient) -> None:
    (proposal,) = api.post("/api/v1/status/read", json={"text": "CNC tool wear is amber as of yesterday"}).json()
    assert proposal["health"] == "at_risk"
    assert api.post("/api/v1/records", json={"changes": proposal["changes"]}).status_code == 201
    line = next(i for i in api.get("/api/v1/initiatives").json()["items"] if i["initiative"] == "cnc-tool-wear")
    assert (line["health"], line["age"]) == ("at risk", 1)


def test_a_checklist_is_made_and_ticked(api: TestClient) -> None:
    made = api.post("/api/v1/checklist", json={"gate": "Line 3", "owner": "Jonas Weber"}).json()
    assert len(made) == 3
    done = api.post(f"/api/v1/checklist/{made[0]['subject']}/done", json={"evidence": "Signed"})
    assert done.status_code == 201
    again = api.post(f"/api/v1/checklist/{made[0]['subject']}/done", json={"evidence": "Signed"})
    assert again.status_code == 422


def test_a_tick_that_is_sent_again_with_its_key_gets_its_first_answer(api: TestClient) -> None:
    item = next(i for i in api.get("/api/v1/checklist").json()["items"] if i["recurs_days"])
    answers = [
        api.post(
            f"/api/v1/checklist/{item['id']}/done", json={"evidence": "Minutes"}, headers={"Idempotency-Key": "tick"}
        ).json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert len(answers[0]) > 1


def test_every_list_pages_without_gaps(api: TestClient) -> None:
    for path in ("initiatives", "gates", "checklist", "records/initiative/cnc-tool-wear/history"):
        whole = api.get(f"/api/v1/{path}").json()["items"]
        paged, cursor = [], ""
        while True:
            page = api.get(f"/api/v1/{path}", params={"cursor": cursor, "limit": 1}).json()
            paged += page["items"]
            cursor = page["next"]
            if not cursor:
                break
        assert paged == whole


def test_the_register_goes_out_and_comes_in_as_a_file(api: TestClient) -> None:
    table = api.get("/api/v1/export", params={"kind": "initiative"})
    assert table.headers["content-type"].startswith("text/csv")
    assert api.get("/api/v1/export").content[:2] == b"PK"
    csv = b"name,site,track,stage\nLine 9,Venlo hub,logistics,pilot\n"
    send = {"params": {"name": "initiatives.csv", "dry_run": "true"}, "content": csv}
    dry = api.post("/api/v1/import", **send, headers={"Content-Type": "text/csv"})
    assert (dry.status_code, dry.json()["recorded"], dry.json()["problems"]) == (200, 0, [])
    send["params"] = {"name": "initiatives.csv"}
    assert api.post("/api/v1/import", **send, headers={"Content-Type": "text/csv"}).json()["recorded"] == 1
    send["content"] = csv.replace(b"pilot", b"moon").replace(b"Line 9", b"Line 10")
    bad = api.post("/api/v1/import", **send, headers={"Content-Type": "text/csv"})
    assert (bad.status_code, bad.json()["problems"][0]["place"]) == (422, "initiatives, row 2")


def test_the_demo_fills_an_empty_register_only(make_office: OfficeMaker, tmp_path: object) -> None:
    office = make_office(f"sqlite:///{tmp_path}/empty.sqlite")
    with local_client(make_web(Path(str(tmp_path)), None, office)) as api:
        api.post("/api/v1/records", json={"changes": [{"kind": "site", "fields": {"name": "X", "type": "factory"}}]})
        assert api.post("/api/v1/demo").status_code == 422


@pytest.mark.parametrize(
    ("path", "status"),
    [("records/initiative/none", 404), ("records/nothing", 422), ("gaps?initiative=Line 9", 404),
     ("gap-summary?format=pdf", 422), ("gap-summary?as_of=2030-01-01", 422), ("assessment/next?dimension=x", 422)],
)  # fmt: skip
def test_a_bad_request_is_a_problem_with_a_remedy(api: TestClient, path: str, status: int) -> None:
    response = api.get(f"/api/v1/{path}")
    assert response.status_code == status
    assert response.json()["remedy"]
