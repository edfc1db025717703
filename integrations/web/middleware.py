"""Around every request: its id, its log line, security headers, limits of size and number. Plain ASGI, for streams."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import time
import uuid
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.metrics import PrometheusMeter
from integrations.web.problems import describe_defect, render_problem

ASK_PATHS = frozenset({"/api/v1/ask", "/v1/chat/completions"})
IMPORT_PATH = "/api/v1/import"
BODY_SECONDS = 30
MOST_BYTES = 1_000_000
MOST_IMPORT_BYTES = 10_000_000
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'"
)
_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
}
_REQUEST_ID = re.compile(r"^[\w-]{8,64}$")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_log = structlog.get_logger("advisor.web")


class Envelope:
    """Gives each request an id and a log line, each response its headers, and each defect a plain answer."""

    def __init__(self, app: ASGIApp, *, meter: PrometheusMeter, secret: str) -> None:
        self._app = app
        self._meter = meter
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        id_ = given if _REQUEST_ID.match(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = id_
        started = time.perf_counter()
        status, seconds = 0, 0.0

        async def send_on(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = int(message["status"]), time.perf_counter() - started
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = id_
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith(("/static/", "/widget.js")):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=id_):
            try:
                await self._app(scope, receive, send_on)
            except Exception:  # noqa: BLE001  a defect is logged here, and never shown
                _log.error("request failed", exc_info=True, route=_find_route(scope))
                if not status:
                    said = describe_defect(id_)
                    broken = render_problem(HTTPStatus.INTERNAL_SERVER_ERROR, *said, id_)
                    await broken(scope, receive, send_on)
            self._note(scope, status, seconds, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, first: float, whole: float) -> None:
        route = _find_route(scope)
        self._meter.count_request(scope["method"], route, status, first)
        caller = scope["state"].get("caller")
        quiet = route in {"/healthz", "/readyz", "/metrics"} or route.startswith("/static")
        _log.log(
            logging.DEBUG if quiet else logging.INFO,
            "request",
            method=scope["method"],
            route=route,
            status=status,
            first_ms=round(first * 1000, 1),
            whole_ms=round(whole * 1000, 1),
            caller=self._mask(caller.id) if caller else "",
        )

    def _mask(self, caller: str) -> str:
        """Return what tells one caller from another in the logs, and is nobody's name."""
        return hmac.new(self._secret, caller.encode(), hashlib.sha256).hexdigest()[:12]


class Limits:
    """Turns away what is too large, comes from a strange page, or finds every place taken: at once, in no thread."""

    def __init__(self, app: ASGIApp, *, meter: PrometheusMeter, most_asks: int, origins: tuple[str, ...]) -> None:
        self._app = app
        self._meter = meter
        self._most_asks = most_asks
        self._origins = frozenset(origins)
        self._asks = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["method"] not in _SAFE and not self._knows(headers):
            said = "Requests from that page are not accepted.", "Add the page to ADVISOR_ALLOWED_ORIGINS."
            await render_problem(HTTPStatus.FORBIDDEN, *said, _id(scope))(scope, receive, send)
            return
        most = MOST_IMPORT_BYTES if scope["path"] == IMPORT_PATH else MOST_BYTES
        try:
            body = await asyncio.wait_for(_read_body(headers, receive, most), BODY_SECONDS)
        except TimeoutError:
            said = f"The request did not arrive within {BODY_SECONDS} s.", "Send it again."
            await render_problem(HTTPStatus.REQUEST_TIMEOUT, *said, _id(scope))(scope, receive, send)
            return
        if body is None:
            said = f"The request has more than {most:,} bytes.", "Send less at once."
            await render_problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, *said, _id(scope))(scope, receive, send)
            return
        if scope["path"] not in ASK_PATHS or scope["method"] != "POST":
            await self._app(scope, _replay(body, receive), send)
            return
        if self._asks >= self._most_asks:
            said = "Too many questions are being answered right now.", "Try again in a second."
            busy = render_problem(HTTPStatus.SERVICE_UNAVAILABLE, *said, _id(scope), retry_after=1)
            await busy(scope, receive, send)
            return
        self._asks += 1
        self._meter.open_asks.inc()
        try:
            await self._app(scope, _replay(body, receive), send)
        finally:
            self._asks -= 1
            self._meter.open_asks.dec()

    def _knows(self, headers: Headers) -> bool:
        """Whether a change comes from our own pages, from a listed one, or from no page at all."""
        origin = headers.get("origin", "")
        if not origin:
            return headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
        return origin in self._origins or urlsplit(origin).netloc == headers.get("host", "")


def _id(scope: Scope) -> str:
    return str(scope.get("state", {}).get("request_id", ""))


def _find_route(scope: Scope) -> str:
    """Return the template of the path, so that ids in it neither fill the metrics nor reach the logs."""
    route = scope.get("route")
    found = getattr(route, "path_format", None) or getattr(route, "path", None)
    if found:
        return str(found)
    return "/static" if scope["path"].startswith("/static/") else "unknown"


async def _read_body(headers: Headers, receive: Receive, most: int) -> bytes | None:
    """Return the body, or None once it is known to be too large."""
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        return None
    parts: list[bytes] = []
    size = 0
    more = "content-length" in headers or "transfer-encoding" in headers
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            return None
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read already, then what comes after it."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
