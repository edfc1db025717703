"""What is to be said in Slack, as work for the outbox: where to, in which words, and to whom alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from advisor.domain.work import NewWork, Queue
from integrations.slack.blocks import Message


class Place(NamedTuple):
    """Where a reply goes: a thread of a channel; to one `user` alone when it is private there."""

    channel: str
    thread: str = ""
    user: str = ""
    private: bool = False
    response_url: str = ""
    """Where Slack takes a private reply to a command, even in a channel that the advisor is not in."""

    @property
    def is_direct(self) -> bool:
        """Whether it is a direct message."""
        return self.channel.startswith("D")


def post_all(key: str, place: Place, messages: Sequence[Message]) -> list[NewWork]:
    """Return the work that says messages at a place, in order; `key` names what they answer, once and for all."""
    return [
        _out(f"{key}/{number}", place, {"text": message.text, "blocks": message.blocks})
        for number, message in enumerate(messages)
    ]


def stream(key: str, place: Place, markdown: str, messages: Sequence[Message]) -> list[NewWork]:
    """Return the work that streams an answer; where Slack cuts the stream, the messages take its place."""
    first, *rest = messages
    kept = [message._asdict() for message in rest]
    end = messages[-1].blocks
    payload = {"text": first.text, "blocks": first.blocks, "stream": markdown, "rest": kept, "end": end}
    return [_out(f"{key}/0", place, payload)]


def _out(key: str, place: Place, payload: dict[str, Any]) -> NewWork:
    lane = place.channel or place.user
    return NewWork(queue=Queue.OUT, key=key, lane=lane, payload={**place._asdict(), **payload})


def update(key: str, channel: str, ts: str, message: Message) -> NewWork:
    """Return the work that rewrites a message of ours."""
    payload = {"text": message.text, "blocks": message.blocks, "channel": channel, "update": ts}
    return NewWork(queue=Queue.OUT, key=f"{key}/edit", lane=channel, payload=payload)


def replace_private(key: str, place: Place, message: Message | None) -> NewWork:
    """Return the work that rewrites, or without a message removes, the private message whose button was pressed."""
    content = {"delete": True} if message is None else {"text": message.text, "blocks": message.blocks}
    return _out(f"{key}/edit", place, {"replace": True, **content})
