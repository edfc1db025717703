"""Web API methods that write messages."""

from __future__ import annotations

from typing import Any

from integrations.slack.simulator.errors import ApiError, Json
from integrations.slack.simulator.limits import check_message
from integrations.slack.simulator.registry import method
from integrations.slack.simulator.world import BOT_USER_ID, Channel, Message, World, message_dict

_LOOKS = "icon_emoji icon_url username link_names parse"


@method(
    "chat.postMessage",
    f"text blocks attachments thread_ts metadata reply_broadcast unfurl_links unfurl_media mrkdwn as_user {_LOOKS}",
    required="channel",
)
def post_message(world: World, args: Json) -> Json:
    """Post a message."""
    channel = world.channel(args["channel"], member=True)
    check_message(args.get("text"), args.get("blocks"))
    _want_text(world, "chat.postMessage", args)
    root = world.thread_root(channel, args.get("thread_ts"))
    message = world.post(channel, BOT_USER_ID, **_content(args), thread_ts=root)
    return {"channel": channel.id, "ts": message.ts, "message": message_dict(world, channel, message)}


@method("chat.postEphemeral", f"text blocks attachments thread_ts as_user {_LOOKS}", required="channel user")
def post_ephemeral(world: World, args: Json) -> Json:
    """Post a message that one person sees."""
    channel = world.channel(args["channel"], member=True)
    if args["user"] not in channel.members:
        raise ApiError("user_not_in_channel")
    check_message(args.get("text"), args.get("blocks"))
    _want_text(world, "chat.postEphemeral", args)
    root = world.thread_root(channel, args.get("thread_ts"))
    content = {"text": args.get("text") or "", "blocks": args.get("blocks")}
    message = world.post(channel, BOT_USER_ID, **content, thread_ts=root, only_for=args["user"])
    return {"message_ts": message.ts}


@method("chat.update", f"text blocks attachments metadata reply_broadcast as_user {_LOOKS}", required="channel ts")
def update(world: World, args: Json) -> Json:
    """Change a message of the app."""
    channel, message = own_message(world, args, "cant_update_message")
    if message.streaming:
        raise ApiError("streaming_state_conflict")
    check_message(args.get("text"), args.get("blocks"))
    change(world, message, args)
    body = message_dict(world, channel, message)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": body}


@method("chat.delete", "as_user", required="channel ts")
def delete(world: World, args: Json) -> Json:
    """Delete a message of the app."""
    channel, message = own_message(world, args, "cant_delete_message")
    message.deleted = True
    return {"channel": channel.id, "ts": message.ts}


@method("chat.getPermalink", required="channel message_ts")
def get_permalink(world: World, args: Json) -> Json:
    """Return the link to a message."""
    channel = world.channel(args["channel"])
    message = world.message(channel, args["message_ts"])
    link = f"https://simulated.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


@method("reactions.add", required="channel timestamp name")
def add_reaction(world: World, args: Json) -> Json:
    """Add a reaction of the app."""
    message = world.message(world.channel(args["channel"], member=True), args["timestamp"])
    users = message.reactions.setdefault(args["name"], [])
    if BOT_USER_ID in users:
        raise ApiError("already_reacted")
    users.append(BOT_USER_ID)
    return {}


@method("reactions.remove", required="channel timestamp name")
def remove_reaction(world: World, args: Json) -> Json:
    """Take back a reaction of the app."""
    message = world.message(world.channel(args["channel"], member=True), args["timestamp"])
    if BOT_USER_ID not in message.reactions.get(args["name"], []):
        raise ApiError("no_reaction")
    message.reactions[args["name"]].remove(BOT_USER_ID)
    if not message.reactions[args["name"]]:
        del message.reactions[args["name"]]
    return {}


def own_message(world: World, args: Json, error: str) -> tuple[Channel, Message]:
    """Return a message of the app, or raise `error` when it is someone else's."""
    channel = world.channel(args["channel"], member=True)
    message = world.message(channel, args["ts"])
    if message.user != BOT_USER_ID:
        raise ApiError(error)
    return channel, message


def change(world: World, message: Message, args: Json) -> None:
    """Put new content into a message: text alone removes the blocks, blocks alone keep the text."""
    if args.get("blocks") is not None or args.get("text"):
        message.blocks = world.stamp(args.get("blocks") or [])
        message.chunks, message.markdown = [], ""
    if args.get("text") is not None:
        message.text = args["text"]
        message.edited = True
    if args.get("metadata") is not None:
        message.metadata = args["metadata"] or None


def _content(args: Json) -> dict[str, Any]:
    return {"text": args.get("text") or "", "blocks": args.get("blocks"), "metadata": args.get("metadata")}


def _want_text(world: World, name: str, args: Json) -> None:
    if not args.get("text"):
        world.warnings.append(f"{name} without text: notifications and screen readers have nothing to say")
