"""Web API methods of the agent experience: status, prompts, titles and sessions."""

from __future__ import annotations

from integrations.slack.simulator.errors import ApiError, Json
from integrations.slack.simulator.registry import method
from integrations.slack.simulator.streams import SESSION_STATES
from integrations.slack.simulator.world import World

_LOOKS = "icon_emoji icon_url username"


@method("assistant.threads.setStatus", f"status loading_messages {_LOOKS}", required="channel_id thread_ts")
def set_status(world: World, args: Json) -> Json:
    """Show what the app is doing in a thread."""
    channel = world.channel(args["channel_id"], member=True)
    key = (channel.id, world.thread_root(channel, args["thread_ts"]) or "")
    if len(args.get("loading_messages") or []) > 10:
        raise ApiError("invalid_arguments", ["no more than 10 loading_messages"])
    world.statuses.pop(key, None)
    if args.get("status"):
        world.statuses[key] = {"status": args["status"], "loading_messages": args.get("loading_messages") or []}
    return {}


@method("assistant.threads.setSuggestedPrompts", "thread_ts title", required="channel_id prompts")
def set_suggested_prompts(world: World, args: Json) -> Json:
    """Offer prompts in the agent tab."""
    channel = world.channel(args["channel_id"], member=True)
    prompts = args["prompts"]
    good = isinstance(prompts, list) and all(p.get("title") and p.get("message") for p in prompts)
    if not good or not 1 <= len(prompts) <= 4:
        raise ApiError("invalid_arguments", ["one to four prompts, each with title and message"])
    world.prompts[channel.id] = {"title": args.get("title") or "", "prompts": prompts}
    return {}


@method("assistant.threads.setTitle", required="channel_id thread_ts title")
def set_title(world: World, args: Json) -> Json:
    """Name a thread of the agent tab."""
    channel = world.channel(args["channel_id"], member=True)
    world.titles[channel.id, world.thread_root(channel, args["thread_ts"]) or ""] = args["title"]
    return {}


@method("agents.sessions.setStatus", f"thread_ts title initiator_user_id {_LOOKS}", required="channel_id status")
def set_session_status(world: World, args: Json) -> Json:
    """Set the status of an agent session; while processing, Slack shows a stop button."""
    if args["status"] not in SESSION_STATES:
        raise ApiError("invalid_arguments", ["status is not one Slack knows"])
    session = _session(world, args)
    session["status"] = args["status"]
    if args.get("title"):
        session["title"] = _title(args["title"])
    return {}


@method("agents.sessions.rename", "thread_ts", required="channel_id title")
def rename_session(world: World, args: Json) -> Json:
    """Rename an agent session."""
    _session(world, args)["title"] = _title(args["title"])
    return {}


def _session(world: World, args: Json) -> Json:
    channel = world.channel(args["channel_id"], member=True)
    return world.sessions.setdefault((channel.id, world.thread_root(channel, args.get("thread_ts")) or ""), {})


def _title(title: str) -> str:
    if len(title) > 200:
        raise ApiError("invalid_arguments", ["title must be less than 201 characters"])
    return title
