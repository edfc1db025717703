"""Every function of the widget, in a real browser against a live server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.integrations.web.browser import STILL, Watched, open_browser, wait_in, watch
from tests.integrations.web.payloads import PAYLOADS

pytestmark = pytest.mark.xdist_group("server")

ASK = re.compile(r"/api/v1/ask$")
expect.set_options(timeout=15_000)
Visit = Callable[..., Watched]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with open_browser(chromium) as found:
        yield found


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Visit]:
    opened: list[Watched] = []

    def go(path: str = "/", **context: Any) -> Watched:
        watched = watch(browser, server, **context)
        opened.append(watched)
        watched.page.goto(server + path)
        if path == "/demo":
            watched.page.get_by_role("button", name="Ask the advisor").click()
        return watched

    yield go
    for watched in opened:
        watched.check()
        watched.page.context.close()


def ask(page: Page, question: str) -> Any:
    """Type a question, and return the box of its answer once it is whole."""
    boxes = page.locator("article.answer")
    before = boxes.count()
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    box = boxes.nth(before)
    expect(box).not_to_have_attribute("aria-busy", "true")
    return box


# Asking


def test_a_suggested_question_is_answered_with_citations(visit: Visit) -> None:
    page = visit().page
    page.get_by_role("button", name="How long should a shadow period be?").click()
    answer = page.locator("article.answer").first
    expect(answer.locator("strong").first).to_contain_text("six weeks")
    page.get_by_role("button", name=re.compile("^Source 1: Operator trust")).first.click()
    quote = page.locator(".quote")
    expect(quote).to_be_visible()
    expect(quote.locator("blockquote")).to_contain_text("six weeks")
    expect(quote).to_contain_text("Operator trust › Shadow period before go-live")
    link = quote.get_by_role("link", name="Read it in the playbook")
    expect(link).to_be_focused()
    with page.context.expect_page() as opened:
        link.click()
    expect(opened.value.locator("h2:visible").filter(has_text="Shadow period before go-live")).to_be_in_viewport()


def test_a_follow_up_is_typed_and_shown_as_it_was_understood(visit: Visit) -> None:
    page = visit().page
    expect(ask(page, "What are the stages of a factory rollout?").locator("ol").first).to_contain_text(
        "Single-line pilot"
    )
    second = ask(page, "and the second one?")
    expect(second).to_contain_text("Single-shift shadow")
    expect(second).to_contain_text("Understood as:")


def test_a_source_that_does_not_fit_is_told(visit: Visit, server: str) -> None:
    page = visit().page
    box = ask(page, "How long should a shadow period be?")
    box.locator(".cite").first.click()
    with page.expect_response(f"{server}/api/v1/feedback") as told:
        page.get_by_role("button", name="This source does not fit").click()
    assert told.value.status == 201
    assert json.loads(told.value.request.post_data or "")["citation"] == 1
    expect(page.locator(".quote")).to_contain_text("Your opinion is kept")


def test_your_program_stands_apart_from_the_playbook(visit: Visit) -> None:
    answer = ask(visit().page, "How is Line 3 doing?")
    expect(answer.locator("h3")).to_have_text(["Your program", "The playbook says"])


def test_the_role_shapes_the_answer(visit: Visit) -> None:
    page = visit().page
    steps = ask(page, "How should we choose KPIs?").locator("ul.tasks li").count()
    page.get_by_label("Answer for").select_option("Change lead")
    assert ask(page, "How should we choose KPIs?").locator("ul.tasks li").count() > steps


def test_what_cannot_be_answered_says_so(visit: Visit) -> None:
    expect(ask(visit().page, "What is the capital of France?")).to_contain_text("do not cover this")


def test_an_answer_can_be_stopped_and_the_question_is_kept(visit: Visit) -> None:
    page = visit().page
    expect(page.get_by_role("button", name="How long should a shadow period be?")).to_be_visible()
    session = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 4000, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", slow)
    page.get_by_label("Your question").fill("What is integration debt?")
    page.keyboard.press("Enter")
    page.wait_for_timeout(800)  # sooner it could be the second click of a double click
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_label("Your question")).to_have_value("What is integration debt?")
    expect(page.locator("article.answer")).to_have_count(0)
    session.send("Network.emulateNetworkConditions", slow | {"latency": 0})
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("article.answer")).to_contain_text("integration debt")


# Under an answer


def test_an_answer_is_asked_again_copied_and_judged(visit: Visit) -> None:
    watched = visit(permissions=["clipboard-read", "clipboard-write"])
    page = watched.page
    answer = ask(page, "What is integration debt?")
    answer.get_by_role("button", name="Copy").click()
    expect(answer.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "[1]" in copied
    assert "Integration debt > " in copied
    with page.expect_response(re.compile("/feedback$")) as said:
        answer.get_by_role("button", name="Helpful", exact=True).click()
    assert said.value.status == 201
    expect(answer.get_by_role("button", name="Helpful", exact=True)).to_have_attribute("aria-pressed", "true")
    answer.get_by_role("button", name="Not helpful").click()
    page.get_by_label("What was wrong?").select_option("It misses something")
    page.get_by_label("More about it").fill("no figure")
    with page.expect_response(re.compile("/feedback$")) as said:
        page.get_by_role("button", name="Send").click()
    assert said.value.request.post_data_json["reason"] == "It misses something: no figure"
    answer.get_by_role("button", name="Ask again").click()
    expect(page.locator("article.answer")).to_have_count(2)


def test_an_answer_becomes_a_checklist_that_is_ticked(visit: Visit, server: str) -> None:
    page = visit().page
    answer = ask(page, "How should we choose KPIs?")
    answer.get_by_role("button", name="Make this a checklist").click()
    answer.locator("form select").select_option("CNC tool wear")
    tasks = answer.locator("form .card")
    count = tasks.count()
    assert count >= 2
    for place in range(1, count):
        tasks.nth(place).get_by_role("checkbox").uncheck()
    tasks.nth(0).get_by_label("Owner").fill("Sofia Varga")
    tasks.nth(0).get_by_label("Due").fill("2027-01-15")
    title = tasks.nth(0).locator("label.pick").inner_text().strip()
    answer.get_by_role("button", name="Put on the checklist").click()
    expect(answer).to_contain_text("Sofia Varga, Jan 15, 2027")
    listed = httpx.get(f"{server}/api/v1/checklist", params={"owner": "Sofia Varga"}).json()["items"]
    mine = next(item for item in listed if item["title"] == title)
    assert (mine["initiative"], mine["due_on"]) == ("cnc-tool-wear", "2027-01-15")
    page.get_by_label("What shows that it is done?").fill("KPI card signed")
    page.get_by_role("button", name="Tick off").click()
    expect(answer).to_contain_text("☑")
    done = httpx.get(f"{server}/api/v1/checklist", params={"closed": True, "owner": "Sofia Varga", "limit": 500}).json()
    assert {item["id"]: item["evidence"] for item in done["items"]}[mine["id"]] == "KPI card signed"


# Conversations


def test_a_conversation_survives_a_reload_and_is_listed_loaded_and_deleted(visit: Visit) -> None:
    page = visit().page
    question = "How do IT and OT share the risk of a stop?"
    ask(page, question)
    page.reload()
    expect(page.locator(".asked")).to_contain_text(question)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".asked")).to_have_count(0)
    page.get_by_role("button", name="Earlier conversations").click()
    page.locator(".past").get_by_role("button", name=question).first.click()
    expect(page.locator("article.answer")).to_have_count(1)
    page.get_by_role("button", name="Earlier conversations").click()
    expect(page.locator(".past li").first).to_be_visible()
    forget = page.get_by_role("button", name=f"Delete conversation: {question}")
    before = forget.count()
    forget.first.click()
    forget.first.click()
    expect(forget).to_have_count(before - 1)


# When things go wrong


def test_offline_the_draft_is_kept_and_can_be_sent_again(visit: Visit) -> None:
    watched = visit()
    watched.expected = ("ERR_INTERNET_DISCONNECTED",)
    page = watched.page
    expect(page.get_by_role("button", name="How long should a shadow period be?")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_label("Your question").fill("What is integration debt?")
    page.keyboard.press("Enter")
    expect(page.locator(".problem")).to_contain_text("You are offline")
    expect(page.get_by_label("Your question")).to_have_value("What is integration debt?")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("article.answer")).to_contain_text("integration debt")
    expect(page.get_by_label("Your question")).to_have_value("")


@pytest.mark.parametrize(
    ("status", "detail"),
    [(429, "You have asked too often. Wait 7 s."), (503, "Too many questions"), (500, "wrong on our side")],
)
def test_a_refusal_is_told_with_what_to_do(visit: Visit, status: int, detail: str) -> None:
    watched = visit()
    watched.expected = (f"status of {status}",)
    problem = {"title": "x", "status": status, "detail": detail, "remedy": ""}

    def refuse(route: Route) -> None:
        route.fulfill(status=status, body=json.dumps(problem), headers={"Content-Type": "application/problem+json"})

    watched.page.route(ASK, refuse)
    box = ask(watched.page, "What is integration debt?")
    expect(box.locator(".problem")).to_contain_text(detail)
    expect(watched.page.get_by_label("Your question")).to_have_value("What is integration debt?")


@pytest.mark.parametrize(
    "body",
    ["", "event: status\ndata: {\"text\": \"x\"}\n\n", "event: block\ndata: {nonsense\n\n",
     'event: error\ndata: {"status": 500, "detail": "It broke.", "remedy": "Ask the operator."}\n\n'],
)  # fmt: skip
def test_an_answer_that_breaks_off_is_told_and_the_question_kept(visit: Visit, body: str) -> None:
    page = visit().page
    page.route(ASK, lambda route: route.fulfill(body=body, headers={"Content-Type": "text/event-stream"}))
    expect(ask(page, "What is integration debt?").locator(".problem")).to_be_visible()
    expect(page.get_by_label("Your question")).to_have_value("What is integration debt?")


# The launcher, keyboard, screen readers


def test_the_launcher_opens_and_escape_gives_the_focus_back(visit: Visit) -> None:
    page = visit("/demo").page
    expect(page.get_by_label("Your question")).to_be_focused()
    ask(page, "What is integration debt?")
    chip = page.locator(".cite").first
    chip.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".quote")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".quote")).to_be_hidden()
    expect(chip).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Ask the advisor")).to_be_focused()


def test_the_whole_widget_is_reached_by_keyboard(visit: Visit) -> None:
    page = visit("/demo").page
    page.keyboard.type("What is integration debt?")
    page.keyboard.press("Shift+Enter")
    assert "\n" in page.get_by_label("Your question").input_value()
    page.keyboard.press("Enter")
    expect(page.locator("article.answer")).not_to_have_attribute("aria-busy", "true")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(() => { const e = document.querySelector('ai-advisor').shadowRoot.activeElement; return e && (e.ariaLabel || e.textContent || e.tagName); })()"
            )
        )
    for name in (
        "Close",
        "New conversation",
        "Earlier conversations",
        "Copy",
        "Helpful",
        "Not helpful",
        "Make this a checklist",
        "Ask again",
    ):
        assert name in reached


def test_an_answer_is_announced_once_and_whole(visit: Visit) -> None:
    page = visit().page
    expect(page.get_by_label("Your question")).to_be_visible()
    page.evaluate(
        """() => { window.said = []; const live = document.querySelector('ai-advisor').shadowRoot.querySelector('[role=status]');
        new MutationObserver(() => live.textContent && window.said.push(live.textContent)).observe(live, { childList: true, characterData: true, subtree: true }); }"""
    )
    ask(page, "How long should a shadow period be?")
    page.wait_for_timeout(300)
    said = page.evaluate("window.said")
    assert len([text for text in said if text.startswith("Answer:")]) == 1
    assert "six weeks" in said[-1]
    assert "[1]" not in said[-1]
    assert page.locator("[role=log]").get_attribute("aria-live") == "off"


def test_settings_of_the_reader_are_heeded(visit: Visit) -> None:
    calm = visit(reduced_motion="reduce").page
    assert calm.locator(".main").evaluate("e => getComputedStyle(e).scrollBehavior") == "auto"
    lively = visit(reduced_motion="no-preference").page
    assert lively.locator(".main").evaluate("e => getComputedStyle(e).scrollBehavior") == "smooth"
    colours = {
        scheme: visit(color_scheme=scheme).page.locator(".frame").evaluate("e => getComputedStyle(e).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert colours["light"] != colours["dark"]


def test_german_words_and_a_theme_are_attributes(visit: Visit) -> None:
    page = visit().page
    page.evaluate(
        """() => { const own = document.createElement('ai-advisor'); own.setAttribute('mode', 'panel'); own.setAttribute('lang', 'de');
        own.setAttribute('theme', 'dark'); own.setAttribute('open', ''); own.style.setProperty('--advisor-accent', 'rgb(1, 2, 3)'); document.body.append(own); }"""
    )
    panel = page.locator("ai-advisor").nth(1)
    expect(panel.get_by_label("Ihre Frage")).to_be_visible()
    assert (
        panel.get_by_role("button", name="Fragen", exact=True).evaluate("e => getComputedStyle(e).backgroundColor")
        == "rgb(1, 2, 3)"
    )
    assert panel.locator("dialog").evaluate("e => getComputedStyle(e).colorScheme") == "dark"
    strings = [json.loads((httpx.get(f"{page.url}static/strings/{name}.json")).text) for name in ("en", "de")]
    assert strings[0].keys() == strings[1].keys()


@pytest.mark.parametrize("width", [320, 390, 1200])
@pytest.mark.parametrize("path", ["/", "/demo", "/program", "/playbooks/kpis"])
def test_pages_fit_from_phone_to_desktop(visit: Visit, width: int, path: str) -> None:
    page = visit(path, viewport={"width": width, "height": 800}).page
    if path in {"/", "/demo"}:
        ask(page, "What are the types of integration debt?")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator("ai-advisor >> .main").bounding_box() if path in {"/", "/demo"} else None
    assert box is None or box["width"] <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path", ["/", "/demo", "/program", "/program?initiative=cnc-tool-wear", "/playbooks", "/playbooks/integration-debt"]
)
def test_axe_finds_nothing(browser: Browser, server: str, scheme: str, path: str) -> None:
    page = browser.new_context(
        **STILL, color_scheme=scheme, bypass_csp=True
    ).new_page()  # axe itself writes styles and scripts
    page.goto(server + path)
    if path in {"/", "/demo"}:
        if path == "/demo":
            page.get_by_role("button", name="Ask the advisor").click()
        ask(page, "How is Line 3 doing?")
        box = ask(page, "What are the types of integration debt?")
        box.get_by_role("button", name="Make this a checklist").click()
        expect(box.get_by_role("button", name="Put on the checklist")).to_be_visible()
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = Axe().run(page, options=options).response["violations"]
    page.context.close()
    assert [
        (v["id"], v["impact"], v["nodes"][0]["html"][:120]) for v in found if v["impact"] in {"serious", "critical"}
    ] == []


# Nothing that anyone wrote is ever markup


def count_foreign(page: Page) -> int:
    return int(
        page.evaluate(
            "document.querySelector('ai-advisor').shadowRoot.querySelectorAll("
            "'.main img, .main iframe, .main script, .main object, .main link, .main style, .main svg[onload], .main a[href^=javascript]').length"
        )
    )


@pytest.mark.owasp("LLM05")
def test_a_hundred_payloads_in_questions_run_nowhere(visit: Visit) -> None:
    assert len(set(PAYLOADS)) == 100
    page = visit().page
    for payload in PAYLOADS[::4]:  # typed and answered by the server
        ask(page, f"{payload} and KPIs?")
    for payload in PAYLOADS:  # as a page would ask for its reader
        page.evaluate("q => document.querySelector('ai-advisor').ask(q)", payload)
        wait_in(page, "!document.querySelector('ai-advisor').busy")
    assert count_foreign(page) == 0
    page.reload()
    expect(page.locator(".asked").last).to_contain_text("<meta http-equiv")
    assert count_foreign(page) == 0


@pytest.mark.owasp("LLM05")
def test_a_hundred_payloads_in_answers_run_nowhere(visit: Visit) -> None:
    page = visit().page
    body = ""

    def answer(route: Route) -> None:
        route.fulfill(body=body, headers={"Content-Type": "text/event-stream"})

    page.route(ASK, answer)
    for payload in PAYLOADS:
        body = _write_stream(payload)
        box = ask(page, "What is integration debt?")
        expect(box.locator("p").nth(1)).to_contain_text("x")
        box.locator(".cite").first.click()
        page.keyboard.press("Escape")
        expect(page.locator(".quote")).to_be_hidden()
        box.locator("summary").click()
    assert count_foreign(page) == 0
    assert page.locator(".main a").count() == 0


def _write_stream(payload: str) -> str:
    text = f"x {payload}"
    source = {"id": "S1", "title": payload, "publisher": payload, "note": payload}
    citation = {
        "number": 1, "kind": "playbook", "title": payload, "section": payload, "section_id": f"{payload}/{payload}",
        "page": None, "quote": payload, "sources": [source],
    }  # fmt: skip
    sentence = {"text": text, "citations": [1], "strong": True}
    blocks = [
        {"type": "paragraph", "title": payload, "sentences": [sentence]},
        {"type": "list", "title": payload, "ordered": True, "items": [sentence]},
        {"type": "checklist", "title": payload, "items": [sentence]},
        {"type": "table", "title": payload, "columns": [payload], "rows": [{"cells": [payload], "citations": [1]}]},
        {"type": "notice", "text": text},
    ]
    answer = {
        "id": payload, "conversation_id": "c", "question": "q", "outcome": "answered", "text": text, "blocks": blocks,
        "citations": [citation], "notices": [payload], "suggestions": [payload],
    }  # fmt: skip
    events = [("status", {"text": payload}), ("query", {"query": payload}), ("citation", {"citation": citation})]
    events += [("block", {"block": block, "place": place}) for place, block in enumerate(blocks)] + [("done", answer)]
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)


# What a second pair of eyes found


def test_a_double_click_asks_once_and_stops_nothing(visit: Visit) -> None:
    page = visit().page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/ask") else None)
    page.get_by_label("Your question").fill("What is integration debt?")
    page.get_by_role("button", name="Ask", exact=True).dblclick()
    expect(page.locator("article.answer")).to_contain_text("integration debt")
    assert len(asked) == 1


def test_what_is_written_since_is_what_is_asked_again(visit: Visit) -> None:
    watched = visit()
    watched.expected = ("ERR_INTERNET_DISCONNECTED",)
    page = watched.page
    expect(page.get_by_role("button", name="How long should a shadow period be?")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_label("Your question").fill("What is integration debt?")
    page.keyboard.press("Enter")
    expect(page.locator(".problem")).to_be_visible()
    page.get_by_label("Your question").fill("How should we choose KPIs?")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".asked")).to_have_text(["You asked: How should we choose KPIs?"])


def test_a_draft_and_the_role_survive_a_reload(visit: Visit) -> None:
    page = visit().page
    page.get_by_label("Your question").fill("Half a quest")
    page.get_by_label("Answer for").select_option("Engineer")
    page.reload()
    expect(page.get_by_label("Your question")).to_have_value("Half a quest")
    expect(page.get_by_label("Answer for")).to_have_value("engineer")


def test_a_new_conversation_while_one_is_answered_drops_that_answer(visit: Visit) -> None:
    page = visit().page
    ask(page, "How do IT and OT share risk?")
    session = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 2500, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", slow)
    page.get_by_label("Your question").fill("What is integration debt?")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="New conversation").click()
    session.send("Network.emulateNetworkConditions", slow | {"latency": 0})
    page.wait_for_timeout(3000)
    expect(page.locator("article.answer")).to_have_count(0)
    expect(page.get_by_label("Your question")).to_have_value("")
    expect(ask(page, "What are the stages of a factory rollout?")).to_contain_text("Single-line pilot")


def test_two_widgets_on_a_page_have_a_conversation_each(visit: Visit) -> None:
    page = visit().page
    ask(page, "What are the stages of a factory rollout?")
    page.evaluate(
        "() => { const own = document.createElement('ai-advisor'); own.setAttribute('mode', 'inline'); document.body.append(own); }"
    )
    other = page.locator("ai-advisor").nth(1)
    other.get_by_label("Your question").fill("What is integration debt?")
    page.keyboard.press("Enter")
    expect(other.locator("article.answer")).not_to_have_attribute("aria-busy", "true")
    first = page.locator("ai-advisor").nth(0)
    first.get_by_label("Your question").fill("and the second one?")
    first.get_by_label("Your question").press("Enter")
    expect(first.locator("article.answer").nth(1)).to_contain_text("Single-shift shadow")


def test_scripts_may_call_before_the_widget_is_there(visit: Visit) -> None:
    page = visit("/demo").page
    page.reload(wait_until="commit")
    wait_in(page, "!!window.Advisor")
    page.evaluate("() => { window.Advisor.ask('What is integration debt?'); }")
    expect(page.locator("article.answer")).to_contain_text("integration debt")


def test_answers_are_readable_at_four_hundred_percent(visit: Visit) -> None:
    page = visit(viewport={"width": 320, "height": 256}).page
    box = ask(page, "What is integration debt?")
    assert box.bounding_box()["height"] > 100
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.documentElement.scrollHeight > innerHeight")
