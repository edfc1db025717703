"""What Slack sends, as work for the inbox: written to the database before it is acknowledged."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import Ack, BoltResponse
from slack_sdk.errors import SlackClientError

from advisor.domain.work import NewWork, Queue
from advisor.ports import WorkQueue
from integrations.slack.blocks import say
from integrations.slack.desk import Desk, Request
from integrations.slack.outgoing import post_all
from integrations.slack.people import RefusedError
from integrations.slack.suggestions import MOST_PROMPTS, PROMPTS

_ONCE = frozenset({"confirm_status", "share", "keep_private", "dismiss", "ask_human", "assess"})
_SUBTYPES = frozenset({None, "file_share", "thread_broadcast"})


class Intake:
    """Reads what Slack sends, and queues it."""

    def __init__(self, queue: WorkQueue, desk: Desk, wake: Callable[[], None]) -> None:
        self._queue = queue
        self._desk = desk
        self._wake = wake

    # Events

    def keep_event(self, body: Mapping[str, Any], next: Callable[[], BoltResponse]) -> BoltResponse:  # noqa: A002
        """Queue an event before it is acknowledged; an error here makes Slack send it again."""
        if body.get("type") != "event_callback":
            return next()
        event = body["event"]
        match event.get("type"):
            case "message" | "app_mention":
                self._keep_message(body, event)
            case "app_home_opened" if event.get("tab") == "messages":
                self._suggest(event)
            case "app_home_opened" if event.get("tab") == "home":
                key = f"home/{event['user']}/{event.get('event_ts') or body.get('event_id', '')}"
                self.put("home", key, user=event["user"], channel="")
            case "agent_session_stopped":
                self._keep_stop(event)
            case _:
                pass
        return BoltResponse(status=200, body="")

    def _keep_message(self, body: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        direct = event.get("channel_type") == "im" or str(event.get("channel", "")).startswith("D")
        if event.get("subtype") not in _SUBTYPES or event.get("bot_id") or not event.get("user"):
            return
        if event["user"] == self._desk.bot_user or (event["type"] == "message" and not direct):
            return
        channel, ts = event["channel"], event["ts"]
        self.put(
            "ask",
            f"{channel}/{ts}",
            alias=f"event/{body['event_id']}" if body.get("event_id") else None,
            user=event["user"],
            channel=channel,
            ts=ts,
            thread=event.get("thread_ts", ""),
            text=event.get("text", ""),
        )

    def _keep_stop(self, event: Mapping[str, Any]) -> None:
        for ts in event.get("streaming_message_ts") or ():
            self.put("stopped", f"stop/{event['channel']}/{ts}", user=event.get("user", ""), channel=event["channel"])

    def _suggest(self, event: Mapping[str, Any]) -> None:
        """Pin prompts for the person's role to the tab; when Slack does not take them, nothing is lost."""
        try:
            role = self._desk.people.find(event["user"], self._desk.team).role
            prompts = [{"title": title, "message": message} for title, message in PROMPTS[role][:MOST_PROMPTS]]
            self._desk.client.assistant_threads_setSuggestedPrompts(
                channel_id=event["channel"], prompts=prompts, title="What do you want to know?"
            )
        except (RefusedError, SlackClientError, OSError):
            return

    # Commands, shortcuts and buttons

    def take_command(self, ack: Ack, body: Mapping[str, Any]) -> None:
        """Queue what was typed after /advisor."""
        self.put(
            "command",
            f"command/{body['trigger_id']}",
            user=body["user_id"],
            channel=body["channel_id"],
            text=body.get("text", ""),
            response_url=body.get("response_url", ""),
            only_by_url=True,
        )
        ack()

    def take_message_shortcut(self, ack: Ack, body: Mapping[str, Any]) -> None:
        """Ask about a message; only who asks sees the answer."""
        message = body["message"]
        self.put(
            "ask_privately",
            f"shortcut/{body['trigger_id']}",
            user=body["user"]["id"],
            channel=body["channel"]["id"],
            ts=message["ts"],
            thread=message.get("thread_ts", ""),
            text=message.get("text", ""),
            response_url=body.get("response_url", ""),
            only_by_url=True,
        )
        ack()

    def take_action(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Queue the press of a button."""
        self.put_action(action["action_id"], body, action, str(action.get("value", "")))
        ack()

    def take_drafts(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Queue the wish to turn an answer or a gate into a checklist."""
        kind = "answer" if action["action_id"] == "as_checklist" else "gate"
        self.put_action("offer_drafts", body, action, f"{kind}/{action['value']}")
        ack()

    def take_assessment(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Queue an answer of the assessment."""
        verdict = action["action_id"].removeprefix("assess_")
        self.put_action("assess", body, action, f"{verdict}|{action['value']}")
        ack()

    def take_shown(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Queue the wish to see gaps or checklist after a check-in."""
        self.put_action("command", body, action, "", text=action["action_id"].removeprefix("show_"))
        ack()

    def take_report(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Queue the wish for the pack as a file."""
        self.put_action("report", body, action, str(action.get("value", "")))
        ack()

    def ignore(self, ack: Ack) -> None:
        """Acknowledge what needs nothing done, so that Slack shows no warning."""
        ack()

    # Queueing

    def reply(self, request: Request, text: str) -> None:
        """Queue a short reply for the person alone."""
        key = f"reply/{request.user}/{request.channel}/{request.ts}/{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        self._queue.put(post_all(f"{key}/{time.time():.0f}", request.privately, [say(text)]))
        self._wake()

    def put_action(
        self, kind: str, body: Mapping[str, Any], action: Mapping[str, Any], value: str, **more: str
    ) -> None:
        """Queue the press of a button; what may happen once only is queued once, however often it is pressed."""
        request = read_press(body)._asdict() | {"value": value, **more}
        stamp = action.get("action_ts") or body.get("trigger_id", "")
        if kind in _ONCE:
            stamp = f"{request['channel']}/{request['ts']}/{hashlib.sha256(value.encode()).hexdigest()[:16]}"
        key = f"action/{request['user']}/{stamp}/{action['action_id']}"
        self.put(kind, key, **{name: given for name, given in request.items() if name not in {"key", "values"}})

    def put_form(
        self,
        kind: str,
        body: Mapping[str, Any],
        view: Mapping[str, Any],
        meta: Mapping[str, str],
        values: Mapping[str, str],
    ) -> None:
        """Queue a form that was filled in; a form is queued once."""
        given = {name: meta[name] for name in ("channel", "ts", "thread", "value") if name in meta}
        about: dict[str, Any] = {"user": body["user"]["id"], "channel": "", **given}
        self.put(kind, f"form/{view['id']}/{view.get('hash', '')}", values=dict(values), **about)

    def put(self, kind: str, key: str, *, alias: str | None = None, **request: Any) -> None:
        """Queue a request; those of one thread are handled in their order."""
        payload = {"kind": kind, "key": key, **request, "team": self._desk.team}
        lane = f"{request['channel']}/{request.get('thread') or request.get('ts') or request['user']}"
        self._queue.put([NewWork(queue=Queue.IN, key=key, alias=alias, lane=lane, payload=payload)])
        self._wake()


def read_press(body: Mapping[str, Any]) -> Request:
    """Return who pressed something, and where."""
    container = body.get("container") or {}
    message = body.get("message") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or body.get("channel_id", "")
    return Request(
        key="",
        team="",
        user=(body.get("user") or {}).get("id") or body.get("user_id", ""),
        channel=channel,
        ts=message.get("ts") or container.get("message_ts", ""),
        thread=message.get("thread_ts") or container.get("thread_ts", ""),
        response_url=body.get("response_url", ""),
        only_by_url=bool(container.get("is_ephemeral")),
    )


def remember_place(body: Mapping[str, Any]) -> dict[str, str]:
    """Return what a modal has to remember of the place where it was opened."""
    request = read_press(body)
    return {"channel": request.channel, "ts": request.ts, "thread": request.thread}
