"""The payloads of events, interactions and commands."""

from __future__ import annotations

import copy
from typing import Any

from integrations.slack.simulator.errors import Json
from integrations.slack.simulator.world import (
    APP_ID,
    BOT_USER_ID,
    TEAM_ID,
    Channel,
    Message,
    SlackUser,
    World,
    message_dict,
)

_TOKEN = "verification-token-of-old"  # noqa: S105 (Slack still sends one; nothing checks it)
_TEAM = {"id": TEAM_ID, "domain": "simulated"}


def event_callback(world: World, event: Json, event_id: str | None = None) -> Json:
    """Wrap an event as the Events API does."""
    channel = world.channels.get(event.get("channel") or "")
    authorization: Json = {"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER_ID, "is_bot": True}
    return {
        "token": _TOKEN,
        "team_id": TEAM_ID,
        "context_team_id": TEAM_ID,
        "context_enterprise_id": None,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": event_id or world.new_id("Ev"),
        "event_time": int(world.clock()),
        "authorizations": [authorization | {"is_enterprise_install": False}],
        "is_ext_shared_channel": bool(channel and channel.shared),
        "event_context": world.new_id("4-"),
    }


def message_event(world: World, channel: Channel, message: Message, kind: str = "message") -> Json:
    """Return the event of a new message, or of a mention."""
    author = world.users[message.user]
    shown = message_dict(world, channel, message) | {"type": kind}
    for key in ("reply_count", "reply_users", "latest_reply"):
        shown.pop(key, None)
    if author.team_id != TEAM_ID:
        shown |= {"user_team": author.team_id, "source_team": author.team_id, "user_profile": author.to_dict()}
    if author.kind != "bot":
        shown["client_msg_id"] = world.new_id("client-")
    if kind == "message":
        shown["channel_type"] = channel.type
    return shown | {"channel": channel.id, "event_ts": message.ts}


def interaction(world: World, user: SlackUser, kind: str, **fields: Any) -> Json:
    """Return what all interactions carry, with a fresh trigger."""
    handle = user.to_dict()["name"]
    person = {"id": user.id, "username": handle, "name": handle, "team_id": user.team_id}
    common: Json = {"type": kind, "team": _TEAM, "user": person, "api_app_id": APP_ID, "token": _TOKEN}
    common |= {"trigger_id": world.new_trigger(user.id), "enterprise": None, "is_enterprise_install": False}
    return common | fields


def message_place(world: World, channel: Channel, message: Message) -> Json:
    """Return the container, channel and message of an action on a message."""
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    container["is_ephemeral"] = message.only_for is not None
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    place: Json = {"container": container, "channel": {"id": channel.id, "name": channel.name}}
    if message.only_for is None:
        place["message"] = message_dict(world, channel, message)
    return place


def command(world: World, user: SlackUser, channel: Channel, name: str, text: str, response_url: str) -> Json:
    """Return the payload of a slash command."""
    return {
        "token": _TOKEN,
        "team_id": user.team_id,
        "team_domain": "simulated",
        "channel_id": channel.id,
        "channel_name": "privategroup" if channel.private and not channel.is_im else channel.name,
        "user_id": user.id,
        "user_name": user.to_dict()["name"],
        "command": name,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": world.new_trigger(user.id),
    }


def view_place(view: Json) -> Json:
    """Return the container and view of an action in a modal."""
    return {"container": {"type": "view", "view_id": view["id"]}, "view": copy.deepcopy(view)}


def rich_text(text: str, block_id: str) -> list[Json]:
    """Return the block that Slack makes of what a person typed."""
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return [{"type": "rich_text", "block_id": block_id, "elements": [section]}]
