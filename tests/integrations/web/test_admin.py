"""The page of administrators, on a server of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from advisor.bootstrap import build_keys, build_library_ingest
from advisor.domain.identity import LOCAL_CALLER, NewKey, Permission
from advisor.domain.knowledge import Collection
from advisor.settings import Settings
from tests.integrations.conftest import serving
from tests.integrations.web.browser import open_browser, watch

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def office(indexed: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    """A server with a collection, an ingest report and an evals report."""
    folder = tmp_path_factory.mktemp("admin")
    data = folder / "data"
    data.mkdir()
    for name in ("models", "generations"):
        (data / name).symlink_to(indexed.data_dir / name)
    papers = folder / "papers"
    papers.mkdir()
    (papers / "alarms.md").write_text("# Alarms\n\nEvery gearbox alarm is answered within ten minutes.\n")
    (papers / "odd.xyz").write_text("no format")
    collection = Collection(name="papers", path=str(papers), label="board")
    mean = {"value": 0.9, "low": 0.8, "high": 0.95, "cases": 10}
    report = folder / "report.json"
    report.write_text(json.dumps({"run": "r1", "comparison": {"passed": True}, "judges": {"held": {"facts": mean}}}))
    settings = indexed.model_copy(
        update={"data_dir": data, "database_url": f"sqlite:///{folder}/a.sqlite", "collections": (collection,)}
    )
    build_library_ingest(settings).run()
    given = {
        "ADVISOR_DATABASE_URL": settings.database_url,
        "ADVISOR_COLLECTIONS": f"[{collection.model_dump_json()}]",
        "ADVISOR_EVALS_REPORT": str(report),
    }
    with serving(settings, **given) as server:
        yield server.address, settings


def test_it_shows_what_is_indexed_asked_and_said(office: tuple[str, Settings], chromium: str) -> None:
    address, settings = office
    asked = httpx.post(f"{address}/api/v1/ask", json={"question": "How should we choose KPIs?"}).json()
    httpx.post(f"{address}/api/v1/ask", json={"question": f"Which wine goes with trout? {EVIL}"})
    opinion = {"answer_id": asked["id"], "helpful": False, "citation": 1, "reason": f"does not fit {EVIL}"}
    assert httpx.post(f"{address}/api/v1/feedback", json=opinion).status_code == 201
    expires = datetime.now(UTC) + timedelta(days=1)
    key, secret = build_keys(settings).create(LOCAL_CALLER, NewKey(name="intranet", expires_at=expires))
    with open_browser(chromium) as browser:
        read_page(browser, address, key.id, secret)


def read_page(browser: Browser, address: str, key: str, secret: str) -> None:
    watched = watch(browser, address)
    page = watched.page
    page.goto(f"{address}/admin")
    said = {
        part: page.locator(f"#{part}").inner_text() for part in ("documents", "gaps", "feedback", "answers", "evals")
    }
    assert "papers" in said["documents"]
    assert "1 indexed, 0 unchanged, 0 removed, 1 skipped" in said["documents"]
    assert "Which wine goes with trout?" in said["gaps"]
    assert f"does not fit {EVIL}" in said["feedback"]
    assert "[1]" in said["feedback"]
    assert "How should we choose KPIs?" in said["answers"]
    assert "90.0% (80% to 95%)" in said["evals"]
    assert "nothing regressed" in said["evals"]
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    assert httpx.get(f"{address}{page.locator('#feedback a').first.get_attribute('href')}").status_code == 200
    assert httpx.get(f"{address}/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    page.get_by_role("button", name="Revoke intranet").click()
    assert "The key is revoked." in page.locator("main").inner_text()
    assert "revoked" in page.locator("#keys").inner_text()
    assert httpx.get(f"{address}/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    watched.check()
    page.context.close()


@pytest.mark.parametrize("permission", [Permission.READER, Permission.CONTRIBUTOR, Permission.APPROVER])
def test_it_is_for_administrators_alone(office: tuple[str, Settings], permission: Permission) -> None:
    address, settings = office
    expires = datetime.now(UTC) + timedelta(days=1)
    key = NewKey(name="k", permission=permission, expires_at=expires)
    made, secret = build_keys(settings).create(LOCAL_CALLER, key)
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{address}/admin", headers=headers).status_code == 403
    assert httpx.post(f"{address}/admin/keys/{made.id}/revoke", headers=headers).status_code == 403
    foreign = {"Origin": "https://evil.example.com"}
    assert httpx.post(f"{address}/admin/keys/{made.id}/revoke", headers=foreign).status_code == 403
