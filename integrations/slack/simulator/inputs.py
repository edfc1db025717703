"""What people can do with the elements of a message or a modal, and the values they leave behind."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from integrations.slack.simulator.errors import Json

_PLAIN = {"plain_text_input", "email_text_input", "url_text_input", "number_input"}
_FIELDS = {
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
    "rich_text_input": "rich_text_value",
    **dict.fromkeys(_PLAIN, "value"),
    **dict.fromkeys(("static_select", "external_select", "radio_buttons", "overflow"), "selected_option"),
    **dict.fromkeys(("multi_static_select", "multi_external_select", "checkboxes"), "selected_options"),
}
_STATELESS = {"button", "overflow", "feedback_buttons", "icon_button", "workflow_button", "image"}


def elements_of(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield every interactive element with its block."""
    for block in blocks:
        found = [block.get("element"), block.get("accessory"), *(block.get("elements") or [])]
        for element in found:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element
        yield from elements_of(block.get("child_blocks") or [])


def find_element(
    blocks: list[Json], action_id: str, block_id: str | None = None, value: Any = None
) -> tuple[Json, Json]:
    """Return the element someone wants to use and its block, or raise LookupError."""
    found = [
        (block, element)
        for block, element in elements_of(blocks)
        if element["action_id"] == action_id and block_id in {None, block["block_id"]}
    ]
    if isinstance(value, str) and any(e["type"] == "button" for _, e in found):
        found = [(b, e) for b, e in found if e.get("value") == value]
    if not found:
        seen = ", ".join(sorted({e["action_id"] for _, e in elements_of(blocks)})) or "none"
        raise LookupError(f"No element {action_id!r} with that block or value here (there are: {seen})")
    return found[0]


def action_of(block: Json, element: Json, value: Any, action_ts: str) -> Json:
    """Return the action of a payload for someone who used an element."""
    kind = element["type"]
    action: Json = {"type": kind, "action_id": element["action_id"], "block_id": block["block_id"]}
    if kind == "feedback_buttons":
        values = [element[side]["value"] for side in ("positive_button", "negative_button")]
        if value not in values:
            raise LookupError(f"The feedback buttons have the values {values}")
        action["value"] = value
    elif kind in {"button", "icon_button"}:
        action |= {key: copy.deepcopy(element[key]) for key in ("text", "value", "style", "url") if key in element}
    else:
        action |= value_of(element, value)
    return action | {"action_ts": action_ts}


def value_of(element: Json, value: Any) -> Json:
    """Return how Slack reports this value of an element."""
    kind = element["type"]
    field = _FIELDS.get(kind)
    if field is None:
        raise LookupError(f"{kind} takes no value")
    if field == "selected_option":
        value = None if value is None else _option(element, value)
    elif field == "selected_options":
        value = [_option(element, one) for one in value or []]
    elif field.startswith("selected_") and field.endswith("s"):
        value = list(value or [])
    elif kind in _PLAIN:
        value = None if value in {None, ""} else str(value)
    return {"type": kind, field: value}


def initial_value(element: Json) -> Json:
    """Return the value an element has before anyone touched it."""
    kind = element["type"]
    field = _FIELDS[kind]
    initial = f"initial_{field.removeprefix('selected_')}" if field != "rich_text_value" else "initial_value"
    empty: list[Json] | None = [] if field.endswith("s") and field.startswith("selected_") else None
    return {"type": kind, field: copy.deepcopy(element.get(initial, empty))}


def state_values(blocks: list[Json], kept: dict[str, Json]) -> dict[str, Json]:
    """Return the state of all elements that have one, block by block."""
    values: dict[str, Json] = {}
    for block, element in elements_of(blocks):
        if element["type"] in _STATELESS or element["type"] not in _FIELDS:
            continue
        known = kept.get(block["block_id"], {}).get(element["action_id"])
        values.setdefault(block["block_id"], {})[element["action_id"]] = known or initial_value(element)
    return values


def fill(blocks: list[Json], kept: dict[str, Json], given: dict[str, Any]) -> dict[str, Json]:
    """Return the state of a form after someone filled in values, which are named by action id."""
    state = state_values(blocks, kept)
    for action_id, value in given.items():
        block, element = find_element(blocks, action_id)
        state.setdefault(block["block_id"], {})[action_id] = value_of(element, value)
    return state


def check_form(blocks: list[Json], state: dict[str, Json]) -> None:
    """Raise ValueError where Slack itself would not let someone submit."""
    for block, element in elements_of(blocks):
        if block["type"] != "input" or element["type"] not in _FIELDS:
            continue
        value = state[block["block_id"]][element["action_id"]].get(_FIELDS[element["type"]])
        if not value and not block.get("optional"):
            raise ValueError(f"{element['action_id']} is required")
        if isinstance(value, str) and element["type"] in _PLAIN:
            _check_text(element, value)


def _check_text(element: Json, value: str) -> None:
    if len(value) > element.get("max_length", 3000):
        raise ValueError(f"{element['action_id']} is too long")
    if len(value) < element.get("min_length", 0):
        raise ValueError(f"{element['action_id']} is too short")
    if element["type"] != "number_input":
        return
    number = float(value)
    if not element.get("is_decimal_allowed") and not number.is_integer():
        raise ValueError(f"{element['action_id']} takes whole numbers only")
    if not float(element.get("min_value", "-inf")) <= number <= float(element.get("max_value", "inf")):
        raise ValueError(f"{element['action_id']} is out of range")


def _option(element: Json, value: Any) -> Json:
    if element["type"] in {"external_select", "multi_external_select"}:
        return {"text": {"type": "plain_text", "text": str(value)}, "value": str(value)}
    groups = element.get("option_groups") or [element]
    for option in (option for group in groups for option in group.get("options") or []):
        if option["value"] == value:
            return {key: copy.deepcopy(option[key]) for key in ("text", "value", "description") if key in option}
    raise LookupError(f"{element.get('action_id')} has no option {value!r}")
