"""Modals: opened at once, since Slack gives three seconds for that, and checked before they close."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import Ack
from slack_sdk.errors import SlackClientError

from advisor.domain.checklist import ChecklistItem
from advisor.domain.identity import Permission
from advisor.domain.records import Initiative, KpiCard
from advisor.domain.register import Record
from advisor.errors import AdvisorError
from advisor.program.check_in import read_check_in
from integrations.slack import program, views
from integrations.slack.blocks import Kit
from integrations.slack.desk import DOOR, Desk, Request, admit
from integrations.slack.intake import Intake, read_press, remember_place
from integrations.slack.people import RefusedError, SlackPerson


class Modals:
    """Opens forms, and hands what was filled in to the intake."""

    def __init__(self, desk: Desk, intake: Intake) -> None:
        self._desk = desk
        self._intake = intake

    def take_feedback(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Queue a thumb; a thumb down asks for the reason."""
        value = str(action.get("value") or (action.get("selected_option") or {}).get("value", ""))
        self._intake.put_action("feedback", body, action, value)
        ack()
        if value.startswith("no/"):
            meta = remember_place(body) | {"value": value, "kind": "feedback"}
            self._open(body, lambda _: views.reason_form(meta))

    def open_check_in(self, ack: Ack, body: Mapping[str, Any]) -> None:
        """Open the check-in form; a button may name the initiative."""
        ack()
        pressed = (body.get("actions") or [{}])[0].get("value", "")
        chosen = "" if pressed == "open_check_in" else str(pressed)

        def make(request: Request) -> Kit:
            return self._check_in(request, chosen) | {"private_metadata": json.dumps(remember_place(body))}

        self._open(body, make)

    def choose_initiative(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Ask for the KPI readings of the initiative that was chosen in the form."""
        ack()
        view = body.get("view")
        if not view or view.get("callback_id") != "check_in":
            return
        chosen = action["selected_option"]["value"]
        form = self._check_in(self._press(body), chosen) | {"private_metadata": view.get("private_metadata", "")}
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
            return views.item_form(item, remember_place(body) | {"kind": "item", "value": item.id})

        self._open(body, make)

    def open_adopt(self, ack: Ack, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Open the form that puts tasks on the checklist."""
        ack()

        def make(request: Request) -> Kit:
            initiatives = [] if action["value"].startswith("gate/") else program.list_initiatives(self._desk, request)
            return views.adopt_form(initiatives, remember_place(body) | {"kind": "adopt", "value": action["value"]})

        self._open(body, make)

    def submit_check_in(self, ack: Ack, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        """Check a check-in before it closes, so that nothing typed is lost, then queue it."""
        values, meta = views.read_values(view), views.read_meta(view)
        errors: dict[str, str] = {}
        try:
            request = self._press(body)._replace(channel=meta.get("channel", ""))
            changes = read_check_in(values)
            for place, error in self._desk.office.check(self._check(request).caller, changes, door=DOOR):
                errors[views.find_field(values, place, str(error))] = str(error)[:150]
        except (AdvisorError, RefusedError, ValueError) as error:
            errors = {"initiative": str(error)[:150]}
        except (SlackClientError, OSError):
            errors = {"initiative": "Slack did not answer. Please try again."}
        if errors:
            ack(response_action="errors", errors=errors)
            return
        self._intake.put_form("check_in", body, view, meta, values)
        ack()

    def submit(self, ack: Ack, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        """Queue a form; who may not write keeps what they typed."""
        meta = views.read_meta(view)
        if meta["kind"] != "feedback":
            person = self._desk.people.find(body["user"]["id"], self._desk.team)
            if not person.caller.may(Permission.CONTRIBUTOR):
                said = "You may read the register, not write it. Ask for the contributor permission."
                ack(response_action="errors", errors={"owner": said})
                return
        self._intake.put_form(meta["kind"], body, view, meta, views.read_values(view))
        ack()

    def _check_in(self, request: Request, chosen: str) -> Kit:
        initiatives: list[Record[Initiative]] = program.list_initiatives(self._desk, request)
        person = self._desk.people.find(request.user, request.team)
        cards = self._desk.office.read_register(person.caller).of(KpiCard, chosen) if chosen else ()
        return views.check_in(initiatives, self._desk.office.today, chosen=chosen, cards=cards)

    def _open(self, body: Mapping[str, Any], make: Callable[[Request], Kit]) -> None:
        """Open a modal, at once as a placeholder, since a trigger lives three seconds; say so when that fails."""
        request = self._press(body)
        try:
            opened = self._desk.client.views_open(trigger_id=body["trigger_id"], view=views.wait())
        except (SlackClientError, OSError):
            self._intake.reply(request, "The form could not be opened. Please try again.")
            return
        try:
            self._check(request)
            view = make(request)
        except RefusedError as error:
            view = views.notice(error.told)
        except AdvisorError as error:
            view = views.notice(f"{error.problem} {error.remedy}")
        except (SlackClientError, OSError):
            view = views.notice("Slack did not answer. Close this and try again.")
        try:
            self._desk.client.views_update(view_id=opened["view"]["id"], view=view)
        except (SlackClientError, OSError):
            self._intake.reply(request, "The form could not be filled in. Close it and try again.")

    def _press(self, body: Mapping[str, Any]) -> Request:
        return read_press(body)._replace(team=self._desk.team)

    def _check(self, request: Request) -> SlackPerson:
        """Return who pressed; raise RefusedError for those who may not, or not there."""
        if request.channel:
            return admit(self._desk, request, private=True).person
        return self._desk.people.find(request.user, request.team)
