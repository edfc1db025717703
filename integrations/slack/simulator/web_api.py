"""The Web API: tokens, arguments, faults, the record of all calls, and response URLs."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from integrations.slack.simulator import agents, chat, conversations, files, streams, views
from integrations.slack.simulator.errors import ApiError, Json
from integrations.slack.simulator.limits import check_message
from integrations.slack.simulator.registry import METHODS, method
from integrations.slack.simulator.world import (
    APP_ID,
    BOT_ID,
    BOT_USER_ID,
    RESPONSE_URL_USES,
    TEAM_ID,
    World,
)

FAMILIES = (agents, chat, conversations, files, streams, views)
_JSON_ARGUMENTS = {"blocks", "attachments", "metadata", "view", "chunks", "prompts", "loading_messages"}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API as it was answered; `status` is 0 when the connection was closed instead."""

    method: str
    arguments: Json
    response: Json
    at: float
    status: int = 200


class WebApi:
    """Answer Web API calls for one app."""

    def __init__(
        self, world: World, *, bot_token: str, app_token: str, after_call: Callable[[], None] = lambda: None
    ) -> None:
        self._world = world
        self._after_call = after_call
        self._tokens = {bot_token: "bot", app_token: "app"}
        self.calls: list[Call] = []

    def call(self, name: str, args: Json, token: str | None) -> Json:
        """Do one call and return the body of its answer."""
        with self._world.lock:
            self._world.expire_streams()
            try:
                return {"ok": True} | self._dispatch(name, dict(args), token)
            except ApiError as error:
                return error.to_dict()
            finally:
                self._after_call()

    def record(self, name: str, args: Json, response: Json, status: int = 200) -> None:
        """Write a call into the record."""
        with self._world.lock:
            self.calls.append(Call(name, copy.deepcopy(args), response, self._world.clock(), status))

    def _dispatch(self, name: str, args: Json, token: str | None) -> Json:
        token = token or args.get("token")
        if name == "api.test":
            return {"args": args}
        if name not in METHODS:
            raise ApiError("unknown_method")
        known = METHODS[name]
        if not token:
            raise ApiError("not_authed")
        if token not in self._tokens:
            raise ApiError("invalid_auth")
        if self._tokens[token] != known.token:
            raise ApiError("not_allowed_token_type")
        unknown = sorted(set(args) - known.arguments)
        if unknown:
            self._world.warnings.append(f"{name}: unknown arguments {', '.join(unknown)}")
        missing = [n for n in known.required if args.get(n) is None or args[n] == ""]
        if missing:
            raise ApiError("invalid_arguments", [f"[ERROR] missing required field: {n}" for n in missing])
        return known.handler(self._world, args)


@method("auth.test")
def auth_test(world: World, args: Json) -> Json:  # noqa: ARG001
    """Say who the token belongs to."""
    body = {"url": "https://simulated.slack.com/", "team": "Simulated", "team_id": TEAM_ID, "app_id": APP_ID}
    user = world.users[BOT_USER_ID].to_dict()["name"]
    return body | {"user": user, "user_id": BOT_USER_ID, "bot_id": BOT_ID, "is_enterprise_install": False}


@method("apps.connections.open", wants="app")
def open_connection(world: World, args: Json) -> Json:  # noqa: ARG001
    """Return the address of a websocket, good for one connection."""
    return {"url": world.issue_ticket()}


def respond(world: World, token: str, body: Any) -> tuple[int, Json]:
    """Write where someone acted, through a response URL, and return the HTTP status and body."""
    with world.lock:
        url = world.response_urls.get(token)
        if url is None or world.clock() > url.expires:
            return 404, ApiError("expired_url").to_dict()
        if url.uses >= RESPONSE_URL_USES:
            return 404, ApiError("used_url").to_dict()
        try:
            if not isinstance(body, dict):
                raise ApiError("invalid_payload")
            apply_response(world, token, body)
        except ApiError as error:
            return 400, error.to_dict()
        url.uses += 1
        return 200, {"ok": True}


def apply_response(world: World, token: str, body: Json) -> None:
    """Post, replace or delete what a body for a response URL says."""
    url = world.response_urls[token]
    channel = world.channels[url.channel]
    original = next((m for m in channel.messages if m.ts == url.ts), None)
    if body.get("delete_original"):
        if original is None:
            raise ApiError("message_not_found")
        original.deleted = True
        return
    check_message(body.get("text"), body.get("blocks"))
    if body.get("replace_original") and original is not None:
        chat.change(world, original, body)
        return
    only_for = None if body.get("response_type") == "in_channel" else url.user
    content = {"text": body.get("text") or "", "blocks": body.get("blocks"), "metadata": body.get("metadata")}
    root = world.thread_root(channel, body.get("thread_ts"))
    posted = world.post(channel, BOT_USER_ID, **content, thread_ts=root, only_for=only_for)
    url.ts = url.ts or posted.ts


def parse_arguments(content_type: str, body: bytes, query: str) -> Json:
    """Return the arguments of a call from its JSON or form body and its query."""
    args: Json = dict(parse_qsl(query, keep_blank_values=True))
    if content_type.startswith("application/json"):
        given = json.loads(body or b"{}")
        if not isinstance(given, dict):
            raise ValueError("The body is not an object")
        args |= given
    else:
        args |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    for name in _JSON_ARGUMENTS & args.keys():
        if isinstance(args[name], str):
            args[name] = json.loads(args[name])
    return args
