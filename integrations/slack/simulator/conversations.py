"""Web API methods that read channels and people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integrations.slack.simulator.errors import ApiError, Json
from integrations.slack.simulator.registry import method
from integrations.slack.simulator.world import (
    APP_ID,
    BOT_ID,
    BOT_USER_ID,
    TEAM_ID,
    Channel,
    Message,
    World,
    message_dict,
)

_PAGE = "cursor limit"
_WINDOW = f"oldest latest inclusive include_all_metadata {_PAGE}"


@method("conversations.info", "include_locale include_num_members", required="channel")
def info(world: World, args: Json) -> Json:
    """Describe a channel."""
    channel = world.channel(args["channel"])
    body = channel_dict(channel)
    if _flag(args, "include_num_members"):
        body["num_members"] = len(channel.members)
    return {"channel": body}


@method("conversations.list", f"types exclude_archived {_PAGE}")
def list_channels(world: World, args: Json) -> Json:
    """List the channels the app may know of."""
    types = set(str(args.get("types") or "public_channel").split(","))
    names = {"im": "im", "group": "private_channel", "channel": "public_channel"}
    known = [c for c in world.channels.values() if BOT_USER_ID in c.members or not c.private]
    page, more = _page(args, [channel_dict(c) for c in known if names[c.type] in types])
    return {"channels": page} | more


@method("conversations.open", "channel users return_im prevent_creation")
def open_channel(world: World, args: Json) -> Json:
    """Open the direct message with one person."""
    users = args.get("users") or ""
    users = users.split(",") if isinstance(users, str) else list(users)
    if args.get("channel"):
        channel = world.channel(args["channel"])
    elif len(users) == 1 and users[0]:
        channel = world.dm(users[0])
    else:
        raise ApiError("users_list_not_supplied" if not any(users) else "not_enough_users")
    return {"channel": channel_dict(channel) if _flag(args, "return_im") else {"id": channel.id}}


@method("conversations.members", _PAGE, required="channel")
def members(world: World, args: Json) -> Json:
    """List who is in a channel."""
    page, more = _page(args, world.channel(args["channel"]).members)
    return {"members": page} | more


@method("conversations.history", _WINDOW, required="channel")
def history(world: World, args: Json) -> Json:
    """List the messages of a channel outside threads, newest first."""
    channel = world.channel(args["channel"], member=True)
    found = [m for m in channel.messages if m.only_for is None and m.thread_ts is None]
    return _messages(world, channel, args, [m for m in reversed(found) if not m.deleted])


@method("conversations.replies", _WINDOW, required="channel ts")
def replies(world: World, args: Json) -> Json:
    """List a thread, its first message first."""
    channel = world.channel(args["channel"], member=True)
    seen = [m for m in channel.messages if m.only_for is None]
    first = [m for m in seen if m.ts == args["ts"]]
    rest = [m for m in seen if m.thread_ts == args["ts"] and not m.deleted]
    if not first or (first[0].deleted and not rest):
        raise ApiError("thread_not_found")
    return _messages(world, channel, args, first + rest)


@method("users.info", "include_locale", required="user")
def user_info(world: World, args: Json) -> Json:
    """Describe a person."""
    return {"user": world.user(args["user"]).to_dict()}


@method("users.lookupByEmail", required="email")
def lookup_by_email(world: World, args: Json) -> Json:
    """Find a person by e-mail."""
    wanted = str(args["email"]).casefold()
    for user in world.users.values():
        if user.email and user.email.casefold() == wanted and user.kind != "deleted":
            return {"user": user.to_dict()}
    raise ApiError("users_not_found")


@method("users.list", f"include_locale {_PAGE}")
def list_users(world: World, args: Json) -> Json:
    """List the people of the workspace."""
    page, more = _page(args, [user.to_dict() for user in world.users.values()])
    return {"members": page} | more


@method("usergroups.list", "include_count include_disabled include_users")
def list_usergroups(world: World, args: Json) -> Json:
    """List the user groups."""
    hidden = set() if _flag(args, "include_users") else {"users"}
    groups = [{k: v for k, v in group.items() if k not in hidden} for group in world.usergroups.values()]
    return {"usergroups": groups}


@method("usergroups.users.list", "include_disabled", required="usergroup")
def list_usergroup_users(world: World, args: Json) -> Json:
    """List who is in a user group."""
    if args["usergroup"] not in world.usergroups:
        raise ApiError("no_such_subteam")
    return {"users": list(world.usergroups[args["usergroup"]]["users"])}


@method("team.info", "team domain")
def team_info(world: World, args: Json) -> Json:  # noqa: ARG001
    """Describe the workspace."""
    return {"team": {"id": TEAM_ID, "name": "Simulated", "domain": "simulated"}}


@method("bots.info", "bot")
def bot_info(world: World, args: Json) -> Json:
    """Describe the app's bot."""
    if args.get("bot") not in {None, BOT_ID}:
        raise ApiError("bot_not_found")
    bot = {"id": BOT_ID, "app_id": APP_ID, "user_id": BOT_USER_ID, "name": world.users[BOT_USER_ID].name}
    return {"bot": bot | {"deleted": False}}


def channel_dict(channel: Channel) -> Json:
    """Return the channel object of the Web API."""
    if channel.is_im:
        return {"id": channel.id, "is_im": True, "user": channel.members[0], "is_ext_shared": False}
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.private,
        "is_archived": False,
        "is_ext_shared": channel.shared,
        "is_shared": channel.shared,
        "is_member": BOT_USER_ID in channel.members,
    }


def _messages(world: World, channel: Channel, args: Json, found: list[Message]) -> Json:
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
    inclusive = _flag(args, "inclusive")
    inside = [m for m in found if oldest < float(m.ts) < latest or (inclusive and float(m.ts) in {oldest, latest})]
    page, more = _page(args, inside)
    metadata = _flag(args, "include_all_metadata")
    shown = [message_dict(world, channel, message, metadata=metadata) for message in page]
    return {"messages": shown, "has_more": bool(more["response_metadata"]["next_cursor"])} | more


def _page(args: Json, items: Sequence[Any]) -> tuple[list[Any], Json]:
    try:
        start = int(str(args.get("cursor") or "page:0").removeprefix("page:"))
    except ValueError:
        raise ApiError("invalid_cursor") from None
    end = start + min(int(args.get("limit") or 100), 1000)
    cursor = f"page:{end}" if end < len(items) else ""
    return list(items[start:end]), {"response_metadata": {"next_cursor": cursor}}


def _flag(args: Json, name: str) -> bool:
    return str(args.get(name) or "").lower() in {"1", "true"}
