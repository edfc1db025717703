"""The widget on a company's own page: another origin, the strictest policy, tokens instead of keys."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, expect

from advisor.bootstrap import build_keys
from advisor.domain.identity import LOCAL_CALLER, Area, NewKey, Permission
from advisor.settings import Settings
from tests.integrations.conftest import free_port, serving
from tests.integrations.web.browser import open_browser, watch
from tests.integrations.web.test_widget import ask

pytestmark = pytest.mark.xdist_group("intranet")


class Intranet(NamedTuple):
    """A page of the company, the advisor that it loads, and the tokens that it handed out."""

    page: str
    advisor: str
    tokens: list[str]
    keys: object


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with open_browser(chromium) as found:
        yield found


@pytest.fixture(scope="module")
def intranet(indexed: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intranet]:
    folder = tmp_path_factory.mktemp("intranet")
    database = f"sqlite:///{folder}/t.sqlite"
    port = free_port()
    origin = f"http://localhost:{port}"
    keys = build_keys(indexed.model_copy(update={"database_url": database}))
    _, key = keys.create(LOCAL_CALLER, _wanted())
    more = {
        "ADVISOR_DATABASE_URL": database,
        "ADVISOR_ALLOWED_ORIGINS": f'["{origin}"]',
        "ADVISOR_LOCAL_ACCESS": "false",
        "ADVISOR_TOKEN_SECRET": "x" * 40,
    }
    with serving(indexed, **more) as server:
        tokens: list[str] = []
        host = _serve_page(port, server.address, origin, key, tokens)
        yield Intranet(origin, server.address, tokens, keys)
        host.shutdown()


def _wanted() -> NewKey:
    return NewKey(
        name="intranet",
        permission=Permission.CONTRIBUTOR,
        areas=(Area.TOKENS,),
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )


def _serve_page(port: int, advisor: str, origin: str, key: str, tokens: list[str]) -> ThreadingHTTPServer:
    policy = (
        f"default-src 'none'; script-src {advisor}; connect-src {advisor} 'self'; img-src data:; "
        "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'"
    )
    html = (
        '<!doctype html><html lang="en"><head><title>Intranet</title><link rel="icon" href="data:,"></head><body><h1>Intranet</h1>'
        f'<script src="{advisor}/widget.js" data-token-url="/advisor-token" defer></script></body></html>'
    )

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(html.encode(), "text/html")

        def do_POST(self) -> None:
            made = httpx.post(
                f"{advisor}/api/v1/widget-tokens",
                json={"user": "eva@example.com", "origin": origin},
                headers={"Authorization": f"Bearer {key}"},
            )
            tokens.append(made.json().get("token", ""))
            self._send(made.content, "application/json")

        def _send(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", policy)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    host = ThreadingHTTPServer(("127.0.0.1", port), Page)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    return host


def test_the_widget_works_on_another_origin_under_the_strictest_policy(intranet: Intranet, browser: Browser) -> None:
    watched = watch(browser, intranet.page, intranet.advisor)
    page = watched.page
    page.goto(intranet.page)
    page.get_by_role("button", name="Ask the advisor").click()
    box = ask(page, "How should we choose KPIs?")
    expect(box).to_contain_text("matter to operations")
    box.locator(".cite").first.click()
    expect(page.locator(".quote")).to_be_visible()
    page.keyboard.press("Escape")
    box.get_by_role("button", name="Make this a checklist").click()
    box.get_by_role("button", name="Put on the checklist").click()
    expect(box).to_contain_text("On the checklist")
    page.get_by_role("button", name="Earlier conversations").click()
    expect(page.locator(".past li")).to_have_count(1)
    watched.check()
    assert len(intranet.tokens) == 1, "one token lasts for many requests"
    assert intranet.tokens[0] not in page.content()
    page.context.close()


def test_a_token_that_has_died_is_replaced_once(intranet: Intranet, browser: Browser) -> None:
    watched = watch(browser, intranet.page, intranet.advisor)
    watched.expected = ("401",)
    page = watched.page
    page.goto(intranet.page)
    page.get_by_role("button", name="Ask the advisor").click()
    ask(page, "How should we choose KPIs?")
    before = len(intranet.tokens)
    page.evaluate("document.querySelector('ai-advisor').client.token = 'stale'")
    expect(ask(page, "What is integration debt?")).to_contain_text("integration debt")
    assert len(intranet.tokens) == before + 1
    watched.check()
    page.context.close()


def test_a_token_is_worth_nothing_outside_its_page(intranet: Intranet, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(intranet.page)
    page.get_by_role("button", name="Ask the advisor").click()
    ask(page, "How should we choose KPIs?")
    stolen = {"Authorization": f"Bearer {intranet.tokens[-1]}"}
    assert httpx.get(f"{intranet.advisor}/api/v1/me", headers=stolen).status_code == 401
    other = stolen | {"Origin": "http://localhost:1"}
    assert httpx.get(f"{intranet.advisor}/api/v1/me", headers=other).status_code == 401
    assert httpx.get(f"{intranet.advisor}/api/v1/me", headers=stolen | {"Origin": intranet.page}).status_code == 200
    page.context.close()
