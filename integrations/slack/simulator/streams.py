"""Streamed messages: start, append, stop, and their end after five minutes."""

from __future__ import annotations

from integrations.slack.simulator.chat import own_message
from integrations.slack.simulator.errors import ApiError, Json
from integrations.slack.simulator.limits import MAX_MARKDOWN, MAX_TEXT, check_message
from integrations.slack.simulator.registry import method
from integrations.slack.simulator.world import BOT_USER_ID, Message, World, message_dict

_TASK_STATES = {"pending", "in_progress", "complete", "error"}
SESSION_STATES = {"processing", "active", "suspended", "closed"}


@method(
    "chat.startStream",
    "markdown_text chunks recipient_team_id recipient_user_id task_display_mode icon_emoji icon_url username",
    required="channel thread_ts",
)
def start_stream(world: World, args: Json) -> Json:
    """Start a streamed message in a thread."""
    channel = world.channel(args["channel"], member=True)
    for name in () if channel.is_im else ("recipient_team_id", "recipient_user_id"):
        if not args.get(name):
            raise ApiError(f"missing_{name}")
    if args.get("task_display_mode") not in {None, "timeline", "plan"}:
        raise ApiError("invalid_arguments", ["task_display_mode must be timeline or plan"])
    root = world.thread_root(channel, args["thread_ts"])
    _check(None, args)
    message = world.post(channel, BOT_USER_ID, thread_ts=root, streaming=True, stream_started=world.clock())
    _append(world, message, args)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.appendStream", "markdown_text chunks", required="channel ts")
def append_stream(world: World, args: Json) -> Json:
    """Add to a streamed message."""
    channel, message = own_message(world, args, "message_not_owned_by_app")
    _need_streaming(message)
    if not args.get("markdown_text") and not args.get("chunks"):
        raise ApiError("no_text")
    _check(message, args)
    _append(world, message, args)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.stopStream", "markdown_text chunks blocks metadata session_status", required="channel ts")
def stop_stream(world: World, args: Json) -> Json:
    """Finish a streamed message."""
    channel, message = own_message(world, args, "message_not_owned_by_app")
    _need_streaming(message)
    status = args.get("session_status")
    if status not in {None, *SESSION_STATES}:
        raise ApiError("invalid_arguments", ["session_status is not one Slack knows"])
    check_message(None, args.get("blocks"), needs_text=False)
    _check(message, args)
    _append(world, message, args)
    message.blocks += world.stamp(args.get("blocks") or [])
    message.metadata = args.get("metadata") or message.metadata
    message.streaming = False
    if status and message.thread_ts:
        world.sessions.setdefault((channel.id, message.thread_ts), {})["status"] = status
    return {"channel": channel.id, "ts": message.ts, "message": message_dict(world, channel, message)}


def _need_streaming(message: Message) -> None:
    if not message.streaming:
        raise ApiError("message_not_in_streaming_state")


def _chunks(args: Json) -> list[Json]:
    first = [{"type": "markdown_text", "text": args["markdown_text"]}] if args.get("markdown_text") else []
    return first + list(args.get("chunks") or [])


def _check(message: Message | None, args: Json) -> None:
    total = len(message.markdown) if message else 0
    blocks = list(message.blocks) if message else []
    for chunk in _chunks(args):
        kind = chunk.get("type") if isinstance(chunk, dict) else None
        if kind == "markdown_text":
            total += len(chunk.get("text") or "")
            if len(chunk.get("text") or "") > MAX_MARKDOWN or total > MAX_TEXT:
                raise ApiError("msg_too_long")
        elif kind == "task_update":
            if not chunk.get("id") or not chunk.get("title") or chunk.get("status") not in _TASK_STATES:
                raise ApiError("invalid_chunks", ["a task needs id, title and a known status"])
        elif kind == "plan_update":
            if not chunk.get("title"):
                raise ApiError("invalid_chunks", ["a plan needs a title"])
        elif kind == "blocks":
            blocks += chunk.get("blocks") or []
        else:
            raise ApiError("invalid_chunks", [f"unknown chunk: {kind}"])
    check_message(None, blocks, needs_text=False)


def _append(world: World, message: Message, args: Json) -> None:
    for chunk in _chunks(args):
        if chunk["type"] == "markdown_text":
            message.markdown += chunk["text"]
            message.text = message.markdown
        elif chunk["type"] == "blocks":
            message.blocks += world.stamp(chunk.get("blocks") or [])
        else:
            _update_card(message.chunks, chunk)


def _update_card(cards: list[Json], chunk: Json) -> None:
    for card in cards:
        if (card["type"], card.get("id")) == (chunk["type"], chunk.get("id")):
            card.update(chunk)
            return
    cards.append(dict(chunk))
