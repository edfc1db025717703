"""A real browser that remembers what it must not see: script errors, policy violations, dialogs, foreign requests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

_WATCH = """
window.__seen = [];
for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => { window.__seen.push(name); };
document.addEventListener('securitypolicyviolation', (event) => window.__seen.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


STILL: dict[str, Any] = {"reduced_motion": "reduce"}
"""A context without smooth scrolling: a click on what still moves presses one place and releases another."""


class Watched:
    """A page and what went wrong on it."""

    def __init__(self, page: Page, hosts: set[str]) -> None:
        self.page = page
        self._hosts = hosts
        self.problems: list[str] = []
        self.expected: tuple[str, ...] = ()
        page.add_init_script(_WATCH)
        page.on("console", lambda message: self._note(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("dialog", lambda dialog: (self._note(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", self._look)

    def _note(self, text: str) -> None:
        self.problems.append(text)

    def _look(self, request: Any) -> None:
        host = urlsplit(request.url).netloc
        if host and host not in self._hosts:
            self._note(f"request to {host}")

    def check(self) -> None:
        """Raise for anything that was not expected."""
        seen = [*self.problems, *self.page.evaluate("window.__seen")]
        unexpected = [text for text in seen if not any(part in text for part in self.expected)]
        assert not unexpected, unexpected


def wait_in(page: Page, expression: str, seconds: float = 20) -> None:
    """Wait until an expression holds in the page; asked from outside, since its policy forbids what polls inside."""
    until = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < until, expression
        page.wait_for_timeout(50)


@contextmanager
def open_browser(chromium: str) -> Iterator[Browser]:
    """Start Debian's Chromium."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def watch(browser: Browser, *addresses: str, **context: Any) -> Watched:
    """Open a page in a context of its own; only the given addresses may be asked."""
    page = browser.new_context(**STILL | context).new_page()
    page.set_default_timeout(15_000)
    return Watched(page, {urlsplit(address).netloc for address in addresses})
