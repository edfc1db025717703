"""The program page in a real browser: what it shows, its forms, and that nothing anyone wrote is markup."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integrations.web.browser import Watched, open_browser, watch
from tests.integrations.web.payloads import PAYLOADS

pytestmark = pytest.mark.xdist_group("server")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with open_browser(chromium) as found:
        yield found


@pytest.fixture
def program(browser: Browser, server: str) -> Iterator[Watched]:
    watched = watch(browser, server)
    watched.page.goto(f"{server}/program")
    yield watched
    watched.check()
    watched.page.context.close()


def test_the_page_shows_what_the_api_says(program: Watched, server: str) -> None:
    page = program.page
    summary = httpx.get(f"{server}/api/v1/gap-summary").json()
    gates = httpx.get(f"{server}/api/v1/gates").json()["items"]
    lines = httpx.get(f"{server}/api/v1/initiatives").json()["items"]
    expect(page.locator(".headline")).to_have_text(summary["headline"])
    expect(page.locator("#board article")).to_have_count(len(lines))
    expect(page.locator("#gates details")).to_have_count(len(gates))
    rows = page.locator(".heat tbody tr")
    assert rows.count() == len(summary["levels"])
    for place, level in enumerate(summary["levels"]):
        cells = rows.nth(place).locator("td").all_inner_texts()
        assert cells[1:3] == ["?" if level["floor"] is None else str(level["floor"]), str(level["target"])]
        assert cells[4:] == ["?" if v is None else str(v) for v in (levels[place] for _, levels in summary["heat"])]
    gaps = page.locator("ol.gaps > li")
    for place in range(gaps.count()):
        expect(gaps.nth(place).locator("dt")).to_have_text(["Your program", "The playbook", "Next"])
        assert gaps.nth(place).locator("dd a").get_attribute("href").startswith("/playbooks/")  # type: ignore[union-attr]


def test_a_check_in_with_a_kpi_reading_is_recorded_once(program: Watched, server: str) -> None:
    page = program.page
    page.get_by_label("Initiative").first.select_option("Line 3 predictive maintenance")
    page.get_by_role("button", name="Show").click()
    form = page.locator("#check-in form")
    form.get_by_label("Health").select_option("on track")
    form.get_by_label("What happened").fill("Both alarms explained.")
    form.get_by_label("Unplanned downtime").fill("8.5")
    form.get_by_role("button", name="Record the check-in").click()
    expect(page.get_by_role("status")).to_have_text("The check-in is recorded.")
    card = page.locator("#board article", has_text="Line 3 predictive maintenance")
    expect(card).to_contain_text("on track")
    expect(card).to_contain_text("status of today")
    readings = httpx.get(f"{server}/api/v1/records/kpi_reading", params={"limit": 500}).json()["items"]
    assert "8.5" in [reading["fields"]["value"] for reading in readings]
    before = len(readings)
    page.go_back()
    page.locator("#check-in form").evaluate("form => form.submit()")  # the same form sent twice
    page.wait_for_load_state()
    readings = httpx.get(f"{server}/api/v1/records/kpi_reading", params={"limit": 500}).json()["items"]
    assert len(readings) == before


def test_what_cannot_be_recorded_is_said_and_stays_in_the_form(program: Watched, server: str) -> None:
    program.expected = ("status of 422",)
    page = program.page
    page.goto(f"{server}/program?initiative=line-3-predictive-maintenance")
    form = page.locator("#check-in form")
    form.get_by_label("Next step").fill("Talk to the early shift")
    form.get_by_label("Unplanned downtime").fill("a lot")
    form.get_by_role("button", name="Record the check-in").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was recorded")
    expect(page.locator("#check-in form").get_by_label("Next step")).to_have_value("Talk to the early shift")


def test_the_assessment_goes_from_question_to_question(program: Watched) -> None:
    page = program.page
    first = page.locator("#assessment legend").inner_text()
    page.locator("#assessment").get_by_label("yes", exact=True).check()
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("The answer is recorded.")
    assert page.locator("#assessment legend").inner_text() != first


def test_an_action_is_ticked_off_with_evidence(program: Watched) -> None:
    page = program.page
    items = page.locator("#actions article")
    before = items.count()
    items.first.get_by_label("What shows that it is done?").fill("Minutes of 20 November")
    items.first.get_by_role("button", name="Tick off").click()
    expect(page.get_by_role("status")).to_have_text("The action is ticked off.")
    expect(page.locator("#actions article")).to_have_count(before - 1)


def test_a_hundred_payloads_in_the_register_run_nowhere(program: Watched, server: str) -> None:
    changes = [
        {
            "kind": "status_update",
            "fields": {
                "initiative": "yard-slotting",
                "health": "at_risk",
                "summary": payload,
                "risks": payload,
                "next_step": payload,
            },
            "on": date.today().isoformat(),
        }
        for payload in PAYLOADS
    ] + [
        {"kind": "action_item", "fields": {"title": payload, "owner": payload[:80], "initiative": "yard-slotting"}}
        for payload in PAYLOADS
    ]
    recorded = httpx.post(f"{server}/api/v1/records", json={"changes": changes}, timeout=60)
    assert recorded.status_code == 201, recorded.text
    _look_for_markup(program.page, f"{server}/program")
    _look_for_markup(program.page, f"{server}/program?initiative=yard-slotting")
    for payload in PAYLOADS[:25]:
        httpx.post(f"{server}/program/check-in", data={"initiative": payload, "summary": payload})
        program.page.goto(f"{server}/program?said=" + httpx.QueryParams({"x": payload})["x"].replace("#", ""))
    page = program.page
    page.goto(server)
    page.get_by_label("Your question").fill("How is yard slotting doing?")
    page.keyboard.press("Enter")
    expect(page.locator("article.answer")).not_to_have_attribute("aria-busy", "true")
    assert page.locator(".main img, .main iframe, .main script").count() == 0


def _look_for_markup(page: Page, url: str) -> None:
    page.goto(url)
    assert (
        page.locator("main img, main iframe, main script, main object, main style, main base, main meta").count() == 0
    )
    assert page.locator("#actions").inner_text().count("alert(1)") >= 50
