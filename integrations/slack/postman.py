"""Delivers the outbox: paced per channel, patient with Slack's limits and faults, each message once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.webhook import WebhookClient

from advisor.domain.work import NewWork, Queue, Work
from advisor.ports import Meter, WorkQueue
from integrations.slack.blocks import Message, say
from integrations.slack.native import has_native, simplify
from integrations.slack.outgoing import Place, post_all
from integrations.slack.streaming import StreamCutError, StreamWriter

PACE_SECONDS = 1.0
LEASE_SECONDS = 60.0
PATIENCE_SECONDS = 24 * 3600.0
"""How long a message is worth delivering."""
METADATA_TYPE = "advisor_message"
_LONGEST_WAIT = 60.0
_TOO_MUCH = frozenset({"msg_too_long", "invalid_blocks", "msg_blocks_too_long", "invalid_blocks_format"})
_WAIT_FOR_REPAIR = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})
_PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited"})
_log = logging.getLogger(__name__)


class _RefusedCallError(Exception):
    """Slack refused a call for good."""


class Postman:
    """Takes one piece of the outbox at a time and delivers it. Any number may work side by side."""

    def __init__(
        self,
        queue: WorkQueue,
        client: WebClient,
        *,
        team: str,
        bot_user: str = "",
        clock: Callable[[], float] = time.time,
        pace: float = PACE_SECONDS,
        lease: float = LEASE_SECONDS,
        meter: Meter | None = None,
    ) -> None:
        self._queue = queue
        self._client = client
        self._team = team
        self._bot_user = bot_user
        self._clock = clock
        self._pace = pace
        self._lease = lease
        self._meter = meter

    def deliver_next(self) -> bool:
        """Deliver the next message, if one is due; return whether there was one."""
        work = self._queue.take(Queue.OUT, self._clock(), lease=self._lease, pace=self._pace)
        if work is None:
            return False
        try:
            follow = self._deliver(work)
        except SlackApiError as error:
            self._handle(work, error)
        except _RefusedCallError:
            self._turn_from_url(work)
        except (OSError, SlackRequestError, ValueError) as error:  # no or half an answer: it may have arrived
            _log.warning("Slack did not answer (%s); trying again", type(error).__name__)
            self._postpone(work)
        else:
            self._queue.finish(work, self._clock(), follow=follow)
            self._count("delivered")
            self._end_session(work)
        return True

    def _turn_from_url(self, work: Work) -> None:
        """Say it more simply; else, as the URL of a command lives half an hour only, directly to the person."""
        if _may_simplify(work):
            self._queue.leave_note(work, {"simple": True})
            self._queue.postpone(work, self._clock())
            return
        late = {**work.payload, "private": False, "response_url": "", "channel": "", "thread": ""}
        follow = [] if work.payload.get("replace") else [_redirect(work, late)]
        self._queue.finish(work, self._clock(), follow=follow)

    def _count(self, result: str) -> None:
        if self._meter:
            self._meter.count("slack", result)

    def _end_session(self, work: Work) -> None:
        """Take the stop button away once the answer is there; where Slack does not care, nothing is lost."""
        payload = work.payload
        if not (str(payload.get("channel", "")).startswith("D") and payload.get("thread")):
            return
        try:
            self._client.agents_sessions_setStatus(
                channel_id=payload["channel"], thread_ts=payload["thread"], status="active"
            )
        except (SlackApiError, SlackRequestError, OSError):
            return

    def _deliver(self, work: Work) -> list[NewWork]:
        """Say it; return what is left to be said."""
        payload = work.payload
        if "update" in payload:
            self._client.chat_update(
                channel=payload["channel"], ts=payload["update"], metadata=_metadata(work), **_content(work)
            )
        elif payload.get("response_url") and (payload.get("private") or payload.get("replace")):
            self._respond(work)
        elif payload.get("private") and not payload["channel"].startswith("D"):
            self._client.chat_postEphemeral(
                channel=payload["channel"], user=payload["user"], **_content(work), **_thread(payload)
            )
        else:
            return self._post(work)
        return []

    def _post(self, work: Work) -> list[NewWork]:
        payload = work.payload
        channel = payload["channel"] or self._client.conversations_open(users=payload["user"])["channel"]["id"]
        orphan = ""
        if work.attempts > 1:
            there, orphan = self._look_back(channel, payload["thread"], work)
            if there:
                return []
        if payload.get("stream") and not work.note.get("plain"):
            return self._stream(work, channel, str(work.note.get("stream") or orphan))
        self._say(work, channel)
        return []

    def _say(self, work: Work, channel: str) -> None:
        self._client.chat_postMessage(
            channel=channel,
            metadata=_metadata(work),
            unfurl_links=False,
            unfurl_media=False,
            **_content(work),
            **_thread(work.payload),
        )

    def _stream(self, work: Work, channel: str, broken: str) -> list[NewWork]:
        """Stream the answer; where a stream broke, its message is rewritten whole, or the answer posted anew."""
        payload = work.payload
        if not broken:
            writer = StreamWriter(
                self._client,
                channel=channel,
                thread=payload["thread"],
                team=self._team,
                user=payload["user"],
                clock=self._clock,
                on_start=lambda ts: self._queue.leave_note(work, {"stream": ts}),
                is_stopped=lambda ts: self._queue.knows(f"stop/{channel}/{ts}"),
            )
            try:
                writer.write(payload["stream"], end=_end_of(payload["end"]), metadata=_metadata(work))
            except StreamCutError as error:
                broken = error.ts
            else:
                return []
        if broken:
            self._end_stream(channel, broken)
            self._client.chat_update(channel=channel, ts=broken, metadata=_metadata(work), **_content(work))
        else:
            self._say(work, channel)
        place = Place(channel=channel, thread=payload["thread"], user=payload["user"])
        return post_all(f"{work.key}/rest", place, [Message(**message) for message in payload["rest"]])

    def _respond(self, work: Work) -> None:
        payload = work.payload
        replace = bool(payload.get("replace"))
        body: dict[str, Any] = {"replace_original": replace, "response_type": "ephemeral"}
        body |= {"delete_original": True} if payload.get("delete") else _content(work)
        body |= {} if replace else _thread(payload)
        reply = WebhookClient(payload["response_url"], timeout=10).send_dict(body)
        if reply.status_code == 429 or reply.status_code >= 500:
            raise OSError(f"status {reply.status_code}")
        if reply.status_code != 200:
            raise _RefusedCallError(f"response_url: {reply.status_code}")

    def _end_stream(self, channel: str, ts: str) -> None:
        """End a stream that broke; Slack may have ended it already."""
        try:
            self._client.chat_stopStream(channel=channel, ts=ts)
        except SlackApiError as error:
            if error.response.status_code >= 429:
                raise

    def _look_back(self, channel: str, thread: str, work: Work) -> tuple[bool, str]:
        """Return whether an earlier attempt was whole when it was cut off, and else the stream that it began.

        Every message of ours carries the key of its work, except a stream that has not ended: a lane is served in
        order, so that one is ours to finish.
        """
        orphan = ""
        for message in self._read_back(channel, thread):
            metadata = message.get("metadata") or {}
            if metadata.get("event_payload", {}).get("key") == work.key:
                return True, ""
            if not metadata and message.get("user") == self._bot_user and message["ts"] != thread:
                orphan = message["ts"]
        return False, orphan

    def _read_back(self, channel: str, thread: str) -> Iterator[dict[str, Any]]:
        """Return what was said in a thread or a channel for as long as a message is worth delivering."""
        oldest = str(self._clock() - PATIENCE_SECONDS - 3600)
        cursor = ""
        while True:
            given: dict[str, Any] = {
                "channel": channel,
                "oldest": oldest,
                "cursor": cursor,
                "limit": 200,
                "include_all_metadata": True,
            }
            if thread:
                page = self._client.conversations_replies(ts=thread, **given)
            else:
                page = self._client.conversations_history(**given)
            yield from page["messages"]
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return

    def _handle(self, work: Work, error: SlackApiError) -> None:
        now = self._clock()
        said = error.response.get("error") if isinstance(error.response.data, dict) else ""
        status = error.response.status_code
        if status == 429 or said == "ratelimited":
            after = float(error.response.headers.get("Retry-After", 30))
            self._queue.postpone(work, now + after)
        elif status >= 500 or said in _PASSING or not said:
            self._postpone(work)
        elif said in _WAIT_FOR_REPAIR:
            _log.error("Slack refuses the token (%s); waiting for a new one", said)
            self._queue.postpone(work, now + _LONGEST_WAIT)
        elif said in _TOO_MUCH and not work.note.get("plain"):
            _log.warning("Slack refused the blocks of %s (%s); sending simpler ones", work.key, said)
            self._queue.leave_note(work, {"simple": True} if _may_simplify(work) else {"plain": True})
            self._queue.postpone(work, now)
        else:
            _log.error("Slack refused %s for good: %s", work.key, said)
            self._queue.put(_tell_directly(work, str(said)))
            self._queue.give_up(work, now, str(said))
            self._count("failed")

    def _postpone(self, work: Work) -> None:
        now = self._clock()
        first = float(work.note.get("first") or now)
        if now - first > PATIENCE_SECONDS:
            self._queue.give_up(work, now, "Slack was out of reach for a day")
            self._count("failed")
            return
        self._count("retried")
        self._queue.leave_note(work, {"first": first})
        self._queue.postpone(work, now + min(2.0 ** min(work.attempts - 1, 10), _LONGEST_WAIT))


def _may_simplify(work: Work) -> bool:
    """Whether what Slack refused holds blocks for which plainer ones can stand in."""
    return has_native(work.payload.get("blocks") or []) and not work.note.get("simple")


def _content(work: Work) -> dict[str, Any]:
    """Return what is said, as simply as earlier refusals ask for."""
    text, blocks = work.payload["text"], work.payload["blocks"]
    if work.note.get("plain"):
        return {"text": text}
    return {"text": text, "blocks": simplify(blocks) if work.note.get("simple") else blocks}


def _thread(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"thread_ts": payload["thread"]} if payload.get("thread") else {}


def _metadata(work: Work) -> dict[str, Any]:
    return {"event_type": METADATA_TYPE, "event_payload": {"key": work.key}}


def _end_of(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the buttons of a message, which a stream gets at its end."""
    return [block for block in blocks if block["type"] in {"actions", "context_actions", "context"}]


def _redirect(work: Work, payload: dict[str, Any]) -> NewWork:
    return NewWork(queue=Queue.OUT, key=f"{work.key}/direct", lane=payload["user"], payload=payload)


def _tell_directly(work: Work, said: str) -> list[NewWork]:
    """Return an apology to the person who asked, where an answer cannot be posted."""
    payload = work.payload
    if not payload.get("user") or payload.get("private") or str(payload.get("channel", "")).startswith("D"):
        return []
    where = payload.get("channel")
    reason = "I am not a member there" if said in {"not_in_channel", "channel_not_found"} else "Slack refused it"
    text = f"I could not post my answer where you asked ({where}): {reason}. Invite me there, or ask me here."
    return post_all(f"{work.key}/sorry", Place(channel="", user=payload["user"]), [say(text)])
