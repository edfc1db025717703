"""Deliver events, interactions and commands: as signed HTTP or over Socket Mode, with the retries of Slack."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from integrations.slack.simulator.errors import Json
from integrations.slack.simulator.sockets import Sockets
from integrations.slack.simulator.world import World


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver something: which try of what, why it failed if so, and how long it took."""

    kind: str
    id: str
    number: int
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for a delivery."""

    acknowledged: bool
    body: Json = field(default_factory=dict)


class Delivery:
    """Bring what people do to the app. Only events are tried again, as with Slack."""

    def __init__(self, world: World, sockets: Sockets, signing_secret: str) -> None:
        self._world, self._sockets, self._secret = world, sockets, signing_secret
        self._lock = threading.Lock()
        self._http = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        self.url: str | None = None
        self.lose_acks = 0.0
        self.copies = 1
        self.retry_delays: tuple[float, ...] = (0.0, 0.0, 0.0)
        self.deadline = 3.0
        self.connect_wait = 3.0
        self.attempts: list[Attempt] = []

    def event(self, payload: Json) -> bool:
        """Deliver an event, with retries, and return whether any copy was acknowledged."""
        if self.copies == 1:
            return self._event(payload)
        with ThreadPoolExecutor(self.copies) as pool:
            return any(list(pool.map(self._event, [payload] * self.copies)))

    def interaction(self, payload: Json) -> Reply:
        """Deliver an interaction once."""
        wants_answer = payload["type"] in {"view_submission", "block_suggestion"}
        reply = self._once("interactive", payload, payload["type"], wants_answer=wants_answer)
        self._warn_unless(reply, payload["type"])
        return reply

    def command(self, payload: Json) -> Reply:
        """Deliver a slash command once."""
        reply = self._once("slash_commands", payload, payload["command"], wants_answer=True)
        self._warn_unless(reply, payload["command"])
        return reply

    def post_signed(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str | None] | None = None,
        *,
        timestamp: str | None = None,
        signature: str | None = None,
    ) -> httpx.Response:
        """Post a body as Slack signs it; a header given as None is left out."""
        timestamp = str(int(time.time())) if timestamp is None else timestamp
        made = {
            "Content-Type": "application/json",
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": self.sign(timestamp, body) if signature is None else signature,
        }
        chosen = {name: value for name, value in (made | dict(headers or {})).items() if value is not None}
        return self._http.post(url, content=body, headers=chosen, timeout=self.deadline)

    def sign(self, timestamp: str, body: bytes) -> str:
        """Return the v0 signature of a body."""
        base = b"v0:" + timestamp.encode() + b":" + body
        return "v0=" + hmac.new(self._secret.encode(), base, hashlib.sha256).hexdigest()

    def close(self) -> None:
        """Close the connections to the app."""
        self._http.close()

    def _event(self, payload: Json) -> bool:
        reason = ""
        for number in range(len(self.retry_delays) + 1):
            if number:
                time.sleep(self.retry_delays[number - 1])
            reason, _, final = self._try("events_api", payload, payload["event_id"], number, reason)
            if not reason:
                return True
            if final:
                break
        return False

    def _once(self, kind: str, payload: Json, name: str, *, wants_answer: bool) -> Reply:
        reason, body, _ = self._try(kind, payload, name, 0, "", wants_answer=wants_answer)
        return Reply(not reason, body)

    def _try(
        self, kind: str, payload: Json, name: str, number: int, last_reason: str, *, wants_answer: bool = False
    ) -> tuple[str, Json, bool]:
        started = time.monotonic()
        if self.url is not None:
            reason, body, final = self._over_http(kind, payload, number, last_reason)
        else:
            envelope = {
                "envelope_id": self._world.new_id("envelope-"),
                "type": kind,
                "payload": payload,
                "accepts_response_payload": wants_answer,
            }
            if kind == "events_api":
                envelope |= {"retry_attempt": number, "retry_reason": last_reason}
            reason, body = self._sockets.deliver(envelope, connect_wait=self.connect_wait, deadline=self.deadline)
            final = False
        with self._lock:
            if not reason and kind == "events_api" and self._world.random.random() < self.lose_acks:
                reason = "http_timeout" if self.url else "timeout"
            self.attempts.append(Attempt(kind, name, number, reason, time.monotonic() - started))
        return reason, body, final

    def _over_http(self, kind: str, payload: Json, number: int, last_reason: str) -> tuple[str, Json, bool]:
        body, headers = _encode(kind, payload)
        if number:
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": last_reason}
        try:
            response = self.post_signed(self.url or "", body, headers)
        except httpx.TimeoutException:
            return "http_timeout", {}, False
        except httpx.TransportError:
            return "connection_failed", {}, False
        if not response.is_success:
            return "http_error", {}, response.headers.get("x-slack-no-retry") == "1"
        return "", _decode(response), False

    def _warn_unless(self, reply: Reply, what: str) -> None:
        if not reply.acknowledged:
            with self._world.lock:
                self._world.warnings.append(f"{what} was not acknowledged; the person sees an error")


def _encode(kind: str, payload: Json) -> tuple[bytes, dict[str, str | None]]:
    if kind == "events_api":
        return json.dumps(payload).encode(), {"Content-Type": "application/json"}
    form: dict[str, Any] = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}


def _decode(response: httpx.Response) -> Json:
    if not response.content:
        return {}
    if "json" in response.headers.get("content-type", ""):
        body = response.json()
        return body if isinstance(body, dict) else {}
    return {"text": response.text}
