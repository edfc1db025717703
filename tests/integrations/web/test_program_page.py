"""The program page in a real browser: what it shows, its forms, and that nothing anyone wrote is markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from advisor.service import Advisor
from tests.conftest import OfficeMaker
from tests.integrations.web.browser import Watched, open_browser, watch
from tests.integrations.web.payloads import PAYLOADS
from tests.web import local_client, make_web

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


def test_what_cannot_be_recorded_is_said_and_stays_in_the_form(program: Watched, server: str) -> None:
    program.expected = ("status of 422",)
    page = program.page
    page.goto(f"{server}/program?initiative=line-3-predictive-maintenance")
    form = page.locator("#check-in form")
    form.get_by_label("Health").select_option("at risk")
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


@pytest.mark.parametrize("written", ["7,5", " 7.5 ", "-2"])
def test_a_figure_may_be_written_as_people_write_it(server: str, written: str) -> None:
    card = next(
        item["subject"]
        for item in httpx.get(f"{server}/api/v1/records/kpi_card", params={"limit": 500}).json()["items"]
        if item["fields"]["initiative"] == "cnc-tool-wear"
    )
    form = {"initiative": "cnc-tool-wear", "health": "on_track", f"reading_{card}": written}
    answer = httpx.post(f"{server}/program/check-in", data=form)
    assert answer.status_code in ({303} if written != "-2" else {303, 422}), answer.text


@pytest.mark.parametrize(
    "form",
    [
        {"initiative": "", "health": "on_track"},
        {"initiative": "cnc-tool-wear", "health": ""},
        {"initiative": "cnc-tool-wear", "health": "on_track", "on": "2031-01-01"},
        {"initiative": "cnc-tool-wear", "health": "on_track", "on": "someday"},
        {"initiative": "cnc-tool-wear", "health": "on_track", "reading_x": "a lot"},
    ],
)
def test_a_form_that_cannot_be_recorded_comes_back_with_words(server: str, form: dict[str, str]) -> None:
    answer = httpx.post(f"{server}/program/check-in", data=form | {"summary": "Kept <b>words</b>"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "Kept &lt;b&gt;words&lt;/b&gt;" in answer.text


def test_a_blank_is_no_evidence_and_an_address_of_a_form_leads_back(server: str) -> None:
    item = httpx.get(f"{server}/api/v1/checklist").json()["items"][0]["id"]
    assert httpx.post(f"{server}/program/items/{item}/done", data={"evidence": "   "}).status_code == 422
    back = httpx.get(f"{server}/program/check-in")
    assert (back.status_code, back.headers["location"]) == (303, "/program")


def test_a_form_sent_twice_is_recorded_once_and_a_changed_one_is_asked_for_again(server: str) -> None:
    form = {
        "initiative": "paint-shop-visual-inspection",
        "health": "on_track",
        "summary": "First words",
        "key": "k" * 20,
    }
    before = _count_updates(server)
    for _ in range(3):
        assert httpx.post(f"{server}/program/check-in", data=form).status_code == 303
    assert _count_updates(server) == before + 1
    changed = httpx.post(f"{server}/program/check-in", data=form | {"summary": "Other words"})
    assert changed.status_code == 422
    assert "Press its button again" in changed.text
    fresh = re.search(r'name="key" value="(\w+)"', changed.text)
    assert fresh
    assert fresh[1] != form["key"]


def _count_updates(server: str) -> int:
    return len(httpx.get(f"{server}/api/v1/records/status_update", params={"limit": 500}).json()["items"])


def test_the_printed_page_holds_every_column_and_no_form(program: Watched) -> None:
    page = program.page
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 with margins
    heat = page.locator(".heat").bounding_box()
    assert heat
    assert heat["x"] + heat["width"] <= 720
    assert page.locator("form:visible").count() == 0
    expect(page.locator("#gates li").first).to_be_visible()


def test_the_register_without_records_says_how_to_begin(
    make_office: OfficeMaker, advisor: Advisor, tmp_path: Path
) -> None:
    office = make_office(f"sqlite:///{tmp_path}/empty.sqlite")
    with local_client(make_web(tmp_path, advisor, office)) as client:
        page = client.get("/program").text
    assert "The register holds no initiatives" in page
    assert "Top 0" not in page
