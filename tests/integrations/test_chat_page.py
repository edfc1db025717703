"""The chat page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

pytestmark = pytest.mark.xdist_group("server")


@pytest.fixture(scope="module")
def page(server: str, chromium: str) -> Iterator[Page]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.set_default_timeout(15_000)
        page.goto(server)
        yield page
        browser.close()
        assert problems == []


def test_a_suggested_question_is_answered_with_clickable_citations(page: Page) -> None:
    page.get_by_role("button", name="How long should a shadow period be?").click()
    answer = page.locator("article.answer").first
    expect(answer.locator("strong").first).to_contain_text("six weeks")
    page.get_by_role("button", name="Source 1", exact=True).first.click()
    shown = answer.locator("li.shown")
    expect(shown).to_be_visible()
    expect(shown).to_contain_text("Operator trust")


def test_a_follow_up_is_typed(page: Page) -> None:
    answers = page.locator("article.answer")
    before = answers.count()
    page.get_by_label("Your question").fill("What are the stages of a factory rollout?")
    page.keyboard.press("Enter")
    expect(answers.nth(before).locator("ol").first).to_contain_text("Single-line pilot")
    page.get_by_label("Your question").fill("and the second one?")
    page.keyboard.press("Enter")
    expect(answers.nth(before + 1)).to_contain_text("Single-shift shadow")


def test_markup_in_a_question_stays_text(page: Page) -> None:
    page.get_by_label("Your question").fill("<img src=x onerror=alert(1)> what about KPIs?")
    page.keyboard.press("Enter")
    expect(page.locator(".asked").last).to_contain_text("<img src=x")
    assert page.locator("main img").count() == 0


def test_the_page_fits_a_phone(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
