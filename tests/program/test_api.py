"""The program over HTTP, on the demo company."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from advisor.domain.identity import LOCAL_CALLER
from advisor.program.office import ProgramOffice
from integrations.web.problems import add_problem_handlers
from integrations.web.program import create_router
from tests.program.conftest import OfficeMaker


@pytest.fixture
def office(make_office: OfficeMaker, tmp_path: object) -> ProgramOffice:
    made = make_office(f"sqlite:///{tmp_path}/t.sqlite")
    made.load_demo(LOCAL_CALLER, door="demo")
    return made


@pytest.fixture
def api(office: ProgramOffice) -> Iterator[TestClient]:
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(create_router(office, lambda _: LOCAL_CALLER, {}))
    with TestClient(app) as client:
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
    line = next(i for i in api.get("/api/v1/initiatives").json() if i["initiative"] == "cnc-tool-wear")
    assert (line["health"], line["age"]) == ("at risk", 1)


def test_a_checklist_is_made_and_ticked(api: TestClient) -> None:
    made = api.post("/api/v1/checklist", json={"gate": "Line 3", "owner": "Jonas Weber"}).json()
    assert len(made) == 3
    done = api.post(f"/api/v1/checklist/{made[0]['subject']}/done", json={"evidence": "Signed"})
    assert done.status_code == 201
    again = api.post(f"/api/v1/checklist/{made[0]['subject']}/done", json={"evidence": "Signed"})
    assert again.status_code == 422


@pytest.mark.parametrize(
    ("path", "status"),
    [("records/initiative/none", 404), ("records/nothing", 422), ("gaps?initiative=Line 9", 404),
     ("gap-summary?format=pdf", 422), ("gap-summary?as_of=2030-01-01", 422), ("assessment/next?dimension=x", 422)],
)  # fmt: skip
def test_a_bad_request_is_a_problem_with_a_remedy(api: TestClient, path: str, status: int) -> None:
    response = api.get(f"/api/v1/{path}")
    assert response.status_code == status
    assert response.json()["remedy"]
