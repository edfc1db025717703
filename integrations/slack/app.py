"""Slack's events as work for the inbox: written to the database before they are acknowledged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from slack_bolt import Ack, App, BoltResponse
from slack_sdk.errors import SlackClientError

from advisor.domain.checklist import ChecklistItem
from advisor.domain.dialogue import Role
from advisor.domain.records import Initiative, KpiCard
from advisor.domain.register import Record
from advisor.domain.work import NewWork, Queue
from advisor.errors import AdvisorError
from advisor.ports import WorkQueue
from integrations.slack import program, views
from integrations.slack.blocks import Kit
from integrations.slack.desk import Desk, Request
from integrations.slack.people import RefusedError

LISTENERS = 16
COMMAND = "/advisor"
ASK_ABOUT = "ask_about"
CHECK_IN = "check_in_shortcut"
MOST_PROMPTS = 4
_SUBTYPES = frozenset({None, "file_share", "thread_broadcast"})
_QUEUED = frozenset({
    "more_detail", "share", "keep_private", "ask_human", "confirm_status", "dismiss",
})  # fmt: skip
PROMPTS: dict[Role, tuple[tuple[str, str], ...]] = {
    Role.EXECUTIVE: (
        ("Where we are weakest", "Where are we weakest?"),
        ("Ready for the next gate", "Are we ready for the next gate?"),
        ("Why pilots stall", "Why do pilots fail to scale?"),
        ("First decision", "What should we decide first?"),
    ),
    Role.CHANGE_LEAD: (
        ("How things stand", "How are our initiatives doing?"),
        ("Overdue actions", "What is overdue?"),
        ("Adoption", "How do we design adoption into the rollout?"),
        ("Operators who distrust", "What do we do when operators do not trust the AI?"),
    ),
    Role.PLANT_MANAGER: (
        ("How things stand", "How are our initiatives doing?"),
        ("Shadow period", "How long should a shadow period be?"),
        ("Override", "Who decides when the AI and the operator disagree?"),
        ("What changed", "What changed in the last two weeks?"),
    ),
    Role.ENGINEER: (
        ("Data contract", "What does a data contract need?"),
        ("Integration debt", "How do we assess integration debt?"),
        ("Retraining", "How often should a model be retrained?"),
        ("Security", "What does network security need before scaling?"),
    ),
}  # fmt: skip


def create_app(
    queue: WorkQueue,
    desk: Desk,
    *,
    signing_secret: str = "",
    wake: Callable[[], None] = lambda: None,
) -> App:
    """Return the Bolt app. `wake` is called when there is new work, so that nobody waits for the next look."""
    app = App(
        client=desk.client,
        signing_secret=signing_secret or None,
        request_verification_enabled=bool(signing_secret),
        listener_executor=ThreadPoolExecutor(LISTENERS, thread_name_prefix="slack"),
    )
    intake = Intake(queue, desk, wake)
    app.use(intake.keep_event)
    app.command(COMMAND)(intake.take_command)
    app.shortcut(ASK_ABOUT)(intake.take_message_shortcut)
    app.shortcut(CHECK_IN)(intake.open_check_in)
    for action in sorted(_QUEUED):
        app.action(action)(intake.take_action)
    app.action("feedback")(intake.take_feedback)
    app.action("as_checklist")(intake.take_drafts)
    app.action("gate_checklist")(intake.take_drafts)
    app.action("show_gaps")(intake.take_shown)
    app.action("show_checklist")(intake.take_shown)
    app.action(re.compile("^assess_"))(intake.take_assessment)
    app.action("open_check_in")(intake.open_check_in)
    app.action("initiative")(intake.choose_initiative)
    app.action("open_item")(intake.open_item)
    app.action("open_adopt")(intake.open_adopt)
    app.action(re.compile(""))(intake.ignore)
    app.view("check_in")(intake.submit_check_in)
    for view in ("item", "adopt", "reason"):
        app.view(view)(intake.submit)
    return app


class Intake:
    """Reads what Slack sends, and queues it; opens modals at once, since Slack gives three seconds for that."""

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
                self._suggest(body, event)
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
        self._put(
            "ask",
            f"{channel}/{ts}",
            alias=f"event/{body['event_id']}" if body.get("event_id") else None,
            team=_team(body),
            user=event["user"],
            channel=channel,
            ts=ts,
            thread=event.get("thread_ts", ""),
            text=event.get("text", ""),
        )

    def _keep_stop(self, event: Mapping[str, Any]) -> None:
        for ts in event.get("streaming_message_ts") or ():
            key = f"stop/{event['channel']}/{ts}"
            self._queue.put([NewWork(queue=Queue.IN, key=key, lane=key, payload={"kind": "stopped", "key": key})])
        self._wake()

    def _suggest(self, body: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        """Pin prompts for the person's role to the tab; when Slack does not take them, nothing is lost."""
        try:
            role = self._desk.people.find(event["user"], _team(body)).role
            prompts = [{"title": title, "message": message} for title, message in PROMPTS[role][:MOST_PROMPTS]]
            self._desk.client.assistant_threads_setSuggestedPrompts(
                channel_id=event["channel"], prompts=prompts, title="What do you want to know?"
            )
        except (RefusedError, SlackClientError, OSError):
            return

    # Commands, shortcuts and buttons

    def take_command(self, ack: Ack, body: Mapping[str, Any]) -> None:
        """Queue what was typed after /advisor; `status` alone opens the check-in form."""
        if str(body.get("text", "")).strip().lower() in {"check-in", "checkin", "check in"}:
            self.open_check_in(ack, body)
            return
        self._put(
            "command",
            f"command/{body['trigger_id']}",
            team=body["team_id"],
            user=body["user_id"],
            channel=body["channel_id"],
            text=body.get("text", ""),
            response_url=body.get("response_url", ""),
        )
        ack()

    def take_message_shortcut(self, ack: Ack, body: Mapping[str, Any]) -> None:
        """Ask about a message; only who asks sees the answer."""
        message = body["message"]
        self._put(
            "ask_privately",
            f"shortcut/{body['trigger_id']}",
            team=_team(body),
            user=body["user"]["id"],
            channel=body["channel"]["id"],
            ts=message["ts"],
            thread=message.get("thread_ts", ""),
            text=message.get("text", ""),
            response_url=body.get("response_url", ""),
        )
        ack()

    def take_action(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Queue the press of a button."""
        self._put_action(action["action_id"], body, action, str(action.get("value", "")))
        ack()

    def take_drafts(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Queue the wish to turn an answer or a gate into a checklist."""
        kind = "answer" if action["action_id"] == "as_checklist" else "gate"
        self._put_action("offer_drafts", body, action, f"{kind}/{action['value']}")
        ack()

    def take_assessment(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Queue an answer of the assessment."""
        verdict = action["action_id"].removeprefix("assess_")
        self._put_action("assess", body, action, f"{verdict}|{action['value']}")
        ack()

    def take_shown(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Queue the wish to see gaps or checklist after a check-in."""
        self._put_action("command", body, action, "", text=action["action_id"].removeprefix("show_"))
        ack()

    def take_feedback(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Queue a thumb; a thumb down asks for the reason."""
        value = str(action.get("value") or (action.get("selected_option") or {}).get("value", ""))
        self._put_action("feedback", body, action, value)
        ack()
        if value.startswith("no/"):
            meta = _meta(body) | {"value": value, "kind": "feedback"}
            self._open(body, lambda _: views.reason_form(meta))

    def ignore(self, ack: Ack) -> None:
        """Acknowledge what needs nothing done, so that Slack shows no warning."""
        ack()

    # Modals

    def open_check_in(self, ack: Ack, body: Mapping[str, Any]) -> None:
        """Open the check-in form; a button may name the initiative."""
        ack()
        pressed = (body.get("actions") or [{}])[0].get("value", "")
        chosen = "" if pressed == "open_check_in" else str(pressed)

        def make(request: Request) -> Kit:
            return self._check_in(request, chosen) | {"private_metadata": json.dumps(_meta(body))}

        self._open(body, make)

    def choose_initiative(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Ask for the KPI readings of the initiative that was chosen in the form."""
        ack()
        view = body.get("view")
        if not view or view.get("callback_id") != "check_in":
            return
        chosen = action["selected_option"]["value"]
        form = self._check_in(_request(body), chosen) | {"private_metadata": view.get("private_metadata", "")}
        self._desk.client.views_update(view_id=view["id"], hash=view.get("hash"), view=form)

    def open_item(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Open the form of an action of the checklist."""
        ack()

        def make(request: Request) -> Kit:
            person = self._desk.people.find(request.user, request.team)
            item: ChecklistItem | None = next(
                (i for i in self._desk.office.list_items(person.caller, closed=True) if i.id == action["value"]), None
            )
            if item is None or item.status in {"done", "cancelled"}:
                return views.notice("That action is closed already.")
            return views.item_form(item, _meta(body) | {"kind": "item", "value": item.id})

        self._open(body, make)

    def open_adopt(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Open the form that puts tasks on the checklist."""
        ack()

        def make(request: Request) -> Kit:
            initiatives = [] if action["value"].startswith("gate/") else program.list_initiatives(self._desk, request)
            return views.adopt_form(initiatives, _meta(body) | {"kind": "adopt", "value": action["value"]})

        self._open(body, make)

    def submit_check_in(self, ack: Ack, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        """Check a check-in before it closes, so that nothing typed is lost, then queue it."""
        values = views.read_values(view)
        try:
            person = self._desk.people.find(body["user"]["id"], _team(body))
            problems = self._desk.office.check(person.caller, program.read_check_in(values), door="slack")
            said = str(problems[0][1]) if problems else ""
        except (AdvisorError, RefusedError, ValueError) as error:
            said = str(error)
        if said:
            ack(response_action="errors", errors={"initiative": said[:150]})
            return
        meta = views.read_meta(view)
        self._put_form("check_in", body, view, meta, values)
        ack()

    def submit(self, ack: Ack, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        """Queue a form."""
        meta = views.read_meta(view)
        self._put_form(meta["kind"], body, view, meta, views.read_values(view))
        ack()

    # Parts

    def _check_in(self, request: Request, chosen: str) -> Kit:
        initiatives: list[Record[Initiative]] = program.list_initiatives(self._desk, request)
        person = self._desk.people.find(request.user, request.team)
        cards = self._desk.office.read_register(person.caller).of(KpiCard, chosen) if chosen else ()
        return views.check_in(initiatives, self._desk.office.today, chosen=chosen, cards=cards)

    def _open(self, body: Mapping[str, Any], make: Callable[[Request], Kit]) -> None:
        """Open a modal, at once as a placeholder, since a trigger lives three seconds."""
        opened = self._desk.client.views_open(trigger_id=body["trigger_id"], view=views.wait())
        try:
            view = make(_request(body))
        except RefusedError as error:
            view = views.notice(error.told)
        except AdvisorError as error:
            view = views.notice(f"{error.problem} {error.remedy}")
        self._desk.client.views_update(view_id=opened["view"]["id"], view=view)

    def _put_action(
        self, kind: str, body: Mapping[str, Any], action: Mapping[str, Any], value: str, **more: str
    ) -> None:
        request = _request(body)._asdict() | {"value": value, **more}
        key = f"action/{request['user']}/{action.get('action_ts', body.get('trigger_id', ''))}/{action['action_id']}"
        self._put(kind, key, **{name: given for name, given in request.items() if name not in {"key", "values"}})

    def _put_form(
        self,
        kind: str,
        body: Mapping[str, Any],
        view: Mapping[str, Any],
        meta: Mapping[str, str],
        values: Mapping[str, str],
    ) -> None:
        given = {name: meta[name] for name in ("channel", "ts", "thread", "value") if name in meta}
        about: dict[str, Any] = {"team": _team(body), "user": body["user"]["id"], "channel": "", **given}
        self._put(kind, f"form/{view['id']}/{view.get('hash', '')}", values=dict(values), **about)

    def _put(self, kind: str, key: str, *, alias: str | None = None, **request: Any) -> None:
        payload = {"kind": kind, "key": key, **request}
        lane = f"{request['channel']}/{request.get('thread') or request.get('ts') or request['user']}"
        self._queue.put([NewWork(queue=Queue.IN, key=key, alias=alias, lane=lane, payload=payload)])
        self._wake()


def _team(body: Mapping[str, Any]) -> str:
    team = body.get("team_id") or (body.get("team") or {}).get("id", "")
    return str(team)


def _request(body: Mapping[str, Any]) -> Request:
    """Return who pressed something, and where."""
    container = body.get("container") or {}
    message = body.get("message") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or body.get("channel_id", "")
    return Request(
        key="",
        team=_team(body),
        user=(body.get("user") or {}).get("id") or body.get("user_id", ""),
        channel=channel,
        ts=message.get("ts") or container.get("message_ts", ""),
        thread=message.get("thread_ts") or container.get("thread_ts", ""),
        response_url=body.get("response_url", ""),
    )


def _meta(body: Mapping[str, Any]) -> dict[str, str]:
    """Return what a modal has to remember of the place where it was opened."""
    request = _request(body)
    return {"channel": request.channel, "ts": request.ts, "thread": request.thread}
