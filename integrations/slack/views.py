"""Modals: check in, tick or change an action, put tasks on the checklist, say what was wrong with an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from advisor.domain.checklist import ChecklistItem
from advisor.domain.records import Health, Initiative, KpiCard
from advisor.domain.register import Record
from advisor.program.check_in import READING
from integrations.slack.blocks import Kit, clip, context, paragraph, plain, run

MOST_OPTIONS = 100
MOST_READINGS = 5
_LONGEST = 2_000


def check_in(
    initiatives: Sequence[Record[Initiative]],
    today: date,
    *,
    chosen: str = "",
    cards: Sequence[Record[KpiCard]] = (),
    given: Mapping[str, str] | None = None,
) -> Kit:
    """Return the check-in form; the KPI readings of the chosen initiative are asked for."""
    options = [option(i.fields.name, i.subject) for i in initiatives[:MOST_OPTIONS]]
    first = next((o for o in options if o["value"] == chosen), None)
    select: Kit = {
        "type": "static_select",
        "action_id": "initiative",
        "options": options,
        "placeholder": plain("Which initiative?"),
    } | ({"initial_option": first} if first else {})
    health = [option(h.words, h.value) for h in Health]
    texts = given or {}
    blocks = [
        field("initiative", "Initiative", select) | {"dispatch_action": True},
        field("health", "Health", {"type": "radio_buttons", "action_id": "health", "options": health}),
        field("summary", "What happened", text_input("summary", texts.get("summary", ""), lines=True), optional=True),
        field("risks", "Risks", text_input("risks", lines=True), optional=True),
        field("next_step", "Next step", text_input("next_step"), optional=True),
        field("on", "As of", {"type": "datepicker", "action_id": "on", "initial_date": today.isoformat()}),
    ]
    for card in cards[:MOST_READINGS]:
        unit = f" ({card.fields.unit})" if card.fields.unit else ""
        number = {"type": "number_input", "is_decimal_allowed": True, "action_id": f"{READING}{card.subject}"}
        blocks.append(field(f"{READING}{card.subject}", clip(f"{card.fields.name}{unit}", 150), number, optional=True))
    if len(initiatives) > MOST_OPTIONS:
        blocks.append(context(f"The first {MOST_OPTIONS} initiatives are shown; for others use plain words."))
    return _modal("check_in", "Check in", "Record", blocks)


def item_form(item: ChecklistItem, meta: Mapping[str, str]) -> Kit:
    """Return the form that ticks an action off, or changes who does it and when."""
    due: Kit = {"type": "datepicker", "action_id": "due_on"} | (
        {"initial_date": item.due_on.isoformat()} if item.due_on else {}
    )
    blocks = [
        paragraph(run(clip(item.title, 1_000), bold=True)),
        context(f"{item.where}. {item.source}" if item.source else item.where),
        field("evidence", "Done? Say what shows it", text_input("evidence", lines=True), optional=True),
        field("owner", "Owner", text_input("owner", item.owner), optional=True),
        field("due_on", "Due", due, optional=True),
    ]
    return _modal("item", "Action", "Save", blocks, {**meta, "item": item.id})


def adopt_form(initiatives: Sequence[Record[Initiative]], meta: Mapping[str, str]) -> Kit:
    """Return the form that gives tasks an initiative, an owner and a date."""
    options = [option(i.fields.name, i.subject) for i in initiatives[:MOST_OPTIONS]]
    blocks = [field("owner", "Owner", text_input("owner"), optional=True)]
    if options:
        select: Kit = {"type": "static_select", "action_id": "initiative", "options": options}
        blocks.insert(0, field("initiative", "For which initiative?", select, optional=True))
    blocks.append(field("due_on", "Due", {"type": "datepicker", "action_id": "due_on"}, optional=True))
    return _modal("adopt", "To the checklist", "Add", blocks, meta)


def reason_form(meta: Mapping[str, str]) -> Kit:
    """Return the form that asks what was wrong with an answer."""
    choices = [
        option(text, text) for text in ("Wrong", "Not what I asked", "Too long", "Out of date", "Nothing to act on")
    ]
    blocks = [
        field("reason", "What was wrong?", {"type": "radio_buttons", "action_id": "reason", "options": choices}),
        field("comment", "Anything to add?", text_input("comment", lines=True), optional=True),
    ]
    return _modal("reason", "Not helpful", "Send", blocks, meta)


def wait() -> Kit:
    """Return a modal that holds the place while the real one is made."""
    return {"type": "modal", "title": plain("One moment"), "blocks": [paragraph(run("Reading the register ..."))]}


def notice(text: str) -> Kit:
    """Return a modal that only says something."""
    return {"type": "modal", "title": plain("Advisor"), "close": plain("Close"), "blocks": [paragraph(run(text))]}


def option(label: str, value: str) -> Kit:
    """Return an option of a menu."""
    return {"text": plain(clip(label, 75)), "value": clip(value, 150)}


def field(block_id: str, label: str, element: Kit, *, optional: bool = False) -> Kit:
    """Return an input with its label."""
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element, "optional": optional}


def text_input(action_id: str, value: str = "", *, lines: bool = False) -> Kit:
    """Return a text field."""
    made: Kit = {"type": "plain_text_input", "action_id": action_id, "multiline": lines, "max_length": _LONGEST}
    return made | ({"initial_value": clip(value, _LONGEST)} if value else {})


def read_values(view: Mapping[str, Any]) -> dict[str, str]:
    """Return what was filled in, by action id; what was left empty is left out."""
    found: dict[str, str] = {}
    for elements in view["state"]["values"].values():
        for action, element in elements.items():
            chosen = element.get("selected_option") or {}
            value = element.get("value") or element.get("selected_date") or chosen.get("value")
            if value:
                found[action] = str(value)
    return found


def find_field(values: Mapping[str, str], place: int, error: str) -> str:
    """Return the field of a check-in under which an error on its change number `place` belongs."""
    readings = [name for name in values if name.startswith(READING)]
    if "future" in error:
        return "on"
    if place:
        return readings[place - 1]
    return next((name for name in ("health", "summary", "risks", "next_step") if f", {name}:" in error), "initiative")


def read_meta(view: Mapping[str, Any]) -> dict[str, str]:
    """Return what a modal was opened with."""
    found: dict[str, str] = json.loads(view.get("private_metadata") or "{}")
    return found


def _modal(callback: str, title: str, submit: str, blocks: list[Kit], meta: Mapping[str, str] | None = None) -> Kit:
    return {
        "type": "modal",
        "callback_id": callback,
        "title": plain(title),
        "submit": plain(submit),
        "close": plain("Cancel"),
        "private_metadata": json.dumps(dict(meta or {})),
        "blocks": blocks,
    }
