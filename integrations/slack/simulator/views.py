"""Web API methods of modals and the Home tab."""

from __future__ import annotations

import copy
from typing import Any

from integrations.slack.simulator.errors import ApiError, Json
from integrations.slack.simulator.limits import HOME, check_view
from integrations.slack.simulator.registry import method
from integrations.slack.simulator.world import APP_ID, BOT_ID, TEAM_ID, World

_MAX_STACK = 3


@method("views.open", "trigger_id interactivity_pointer", required="view")
def open_view(world: World, args: Json) -> Json:
    """Open a modal for the person who just acted."""
    check_view(args["view"])
    user = _take_trigger(world, args)
    _check_external_id(world, args["view"])
    world.views[user] = [new_view(world, args["view"])]
    return {"view": copy.deepcopy(world.views[user][-1])}


@method("views.push", "trigger_id interactivity_pointer", required="view")
def push_view(world: World, args: Json) -> Json:
    """Put a modal on top of the open one."""
    check_view(args["view"])
    user = _take_trigger(world, args)
    return {"view": copy.deepcopy(push(world, user, args["view"]))}


@method("views.update", "view_id external_id hash", required="view")
def update_view(world: World, args: Json) -> Json:
    """Replace an open modal."""
    check_view(args["view"])
    for stack in world.views.values():
        for index, view in enumerate(stack):
            if view["id"] == args.get("view_id") or (args.get("external_id") or 0) == view.get("external_id"):
                if args.get("hash") and args["hash"] != view["hash"]:
                    raise ApiError("hash_conflict")
                stack[index] = new_view(world, args["view"], old=view)
                return {"view": copy.deepcopy(stack[index])}
    raise ApiError("not_found")


@method("views.publish", "hash", required="user_id view")
def publish_view(world: World, args: Json) -> Json:
    """Publish someone's Home tab."""
    check_view(args["view"], HOME)
    user = world.user(args["user_id"])
    old = world.homes.get(user.id)
    if args.get("hash") and (old is None or args["hash"] != old["hash"]):
        raise ApiError("hash_conflict")
    world.homes[user.id] = new_view(world, args["view"], old=old)
    return {"view": copy.deepcopy(world.homes[user.id])}


def push(world: World, user: str, given: Json) -> Json:
    """Put a view on top of someone's stack and return it."""
    stack = world.views.get(user) or []
    if not stack:
        raise ApiError("not_found")
    if len(stack) >= _MAX_STACK:
        raise ApiError("push_limit_reached")
    view = new_view(world, given)
    view |= {"root_view_id": stack[0]["id"], "previous_view_id": stack[-1]["id"]}
    stack.append(view)
    return view


def new_view(world: World, given: Json, old: Json | None = None) -> Json:
    """Return a view as Slack keeps it; as the update of an old one it keeps its place and what was typed."""
    view_id = old["id"] if old else world.new_id("V")
    view = copy.deepcopy(given)
    view["blocks"] = world.stamp(view.get("blocks") or [])
    for key in ("private_metadata", "callback_id", "external_id"):
        view.setdefault(key, "")
    for key in ("submit", "close", "previous_view_id"):
        view.setdefault(key, None)
    for key in ("notify_on_close", "clear_on_close"):
        view.setdefault(key, False)
    ids = {"id": view_id, "team_id": TEAM_ID, "app_id": APP_ID, "bot_id": BOT_ID, "root_view_id": view_id}
    view |= ids | {"hash": world.new_id("hash."), "state": {"values": _kept_values(view["blocks"], old)}}
    if old:
        view |= {"root_view_id": old["root_view_id"], "previous_view_id": old["previous_view_id"]}
    return view


def _kept_values(blocks: list[Json], old: Json | None) -> dict[str, Any]:
    values = old["state"]["values"] if old else {}
    return {b["block_id"]: copy.deepcopy(values[b["block_id"]]) for b in blocks if b["block_id"] in values}


def _take_trigger(world: World, args: Json) -> str:
    trigger = world.triggers.get(args.get("trigger_id") or args.get("interactivity_pointer") or "")
    if trigger is None:
        raise ApiError("invalid_trigger_id")
    if trigger.used:
        raise ApiError("exchanged_trigger_id")
    if world.clock() > trigger.expires:
        raise ApiError("trigger_expired")
    trigger.used = True
    return trigger.user


def _check_external_id(world: World, view: Json) -> None:
    taken = {v["external_id"] for stack in world.views.values() for v in stack if v["external_id"]}
    if view.get("external_id") in taken:
        raise ApiError("duplicate_external_id")
