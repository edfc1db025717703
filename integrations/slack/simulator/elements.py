"""What the elements inside blocks may hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from integrations.slack.simulator.errors import Json

_SELECTS = {f"{source}_select" for source in ("static", "users", "conversations", "channels", "external")}
_MULTI = {f"multi_{name}" for name in _SELECTS}
_CHOICES = {"datepicker", "timepicker", "datetimepicker", "checkboxes", "radio_buttons"}
_TEXT_INPUTS = {"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input"}
_ACTIONS = {"button", "overflow", "workflow_button", "rich_text_input"} | _SELECTS | _MULTI | _CHOICES

ELEMENTS_OF = {
    "actions": _ACTIONS,
    "section": (_ACTIONS - {"rich_text_input"}) | {"image"},
    "context": {"image", "mrkdwn", "plain_text"},
    "context_actions": {"feedback_buttons", "icon_button"},
    "input": _SELECTS | _MULTI | _CHOICES | _TEXT_INPUTS | {"file_input"},
}
_MOST_OPTIONS = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Checker:
    """Collect what Slack would object to, each with the place where it stands."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def fail(self, problem: str, path: str) -> None:
        """Note one objection."""
        self.problems.append(f"[ERROR] {problem} [json-pointer:{path}]")

    def length(self, value: Any, most: int, path: str, *, least: int = 0) -> bool:
        """Check a string and its length."""
        if not isinstance(value, str):
            self.fail("must be a string", path)
        elif len(value) > most:
            self.fail(f"must be less than {most + 1} characters", path)
        elif len(value) < least:
            self.fail(f"must be more than {least - 1} characters", path)
        else:
            return True
        return False

    def optional(self, holder: Json, key: str, most: int, path: str) -> None:
        """Check the length of a string that may be missing."""
        if holder.get(key) is not None:
            self.length(holder[key], most, f"{path}/{key}")

    def count(self, value: Any, most: int, path: str, *, least: int = 1) -> Sequence[Any]:
        """Check a list and its length, and return what can be looked at further."""
        if not isinstance(value, list):
            self.fail("must be an array", path)
            return []
        if len(value) > most:
            self.fail(f"no more than {most} items allowed", path)
        elif len(value) < least:
            self.fail(f"no fewer than {least} items allowed", path)
        return value

    def text(self, value: Any, most: int, path: str, *, plain: bool = False) -> None:
        """Check a text object."""
        if not isinstance(value, dict):
            self.fail("missing required field", path)
            return
        if value.get("type") not in ({"plain_text"} if plain else {"plain_text", "mrkdwn"}):
            self.fail("unsupported type of text", f"{path}/type")
        self.length(value.get("text"), most, f"{path}/text", least=1)

    def element(self, block_type: str, element: Any, path: str) -> None:
        """Check one element of a block."""
        kind = element.get("type") if isinstance(element, dict) else None
        if kind not in ELEMENTS_OF[block_type]:
            self.fail(f"unsupported type: {kind}", f"{path}/type")
            return
        self.optional(element, "action_id", 255, path)
        if element.get("placeholder") is not None:
            self.text(element["placeholder"], 150, f"{path}/placeholder", plain=True)
        if element.get("confirm") is not None:
            self._confirm(element["confirm"], f"{path}/confirm")
        if kind in {"button", "icon_button"}:
            self._button(element, path)
        elif kind == "feedback_buttons":
            self._feedback(element, path)
        elif kind in {"mrkdwn", "plain_text"}:
            self.text(element, 3000, path)
        elif kind == "image":
            self.image(element, path)
        elif kind in _TEXT_INPUTS:
            self._text_input(element, path)
        elif kind in {"datepicker", "timepicker"}:
            self._moment(element, path)
        elif "options" in element or "option_groups" in element or kind in {"static_select", *_MOST_OPTIONS}:
            self._options(element, path)

    def image(self, image: Json, path: str) -> None:
        """Check an image, as a block or an element."""
        self.length(image.get("alt_text"), 2000, f"{path}/alt_text")
        if image.get("slack_file") is None:
            self.length(image.get("image_url"), 3000, f"{path}/image_url", least=1)

    def _button(self, button: Json, path: str) -> None:
        self.text(button.get("text"), 75, f"{path}/text", plain=True)
        self.optional(button, "value", 2000, path)
        self.optional(button, "url", 3000, path)
        self.optional(button, "accessibility_label", 75, path)
        if button.get("style") not in {None, "primary", "danger"}:
            self.fail("must be a valid enum value", f"{path}/style")

    def _feedback(self, element: Json, path: str) -> None:
        for side in ("positive_button", "negative_button"):
            button = element.get(side)
            if not isinstance(button, dict):
                self.fail("missing required field", f"{path}/{side}")
                continue
            self.text(button.get("text"), 75, f"{path}/{side}/text", plain=True)
            self.length(button.get("value"), 2000, f"{path}/{side}/value", least=1)
            self.optional(button, "accessibility_label", 75, f"{path}/{side}")

    def _confirm(self, confirm: Json, path: str) -> None:
        for key, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            if key == "text" or confirm.get(key) is not None:
                self.text(confirm.get(key), most, f"{path}/{key}", plain=key != "text")

    def _text_input(self, element: Json, path: str) -> None:
        if isinstance(element.get("initial_value"), str):
            self.length(element["initial_value"], 3000, f"{path}/initial_value")
        for key, least in (("min_length", 0), ("max_length", 1)):
            value = element.get(key)
            if value is not None and not (isinstance(value, int) and least <= value <= 3000):
                self.fail(f"must be between {least} and 3000", f"{path}/{key}")

    def _moment(self, element: Json, path: str) -> None:
        for key, pattern in (("initial_date", _DATE), ("initial_time", _TIME)):
            value = element.get(key)
            if value is not None and not (isinstance(value, str) and pattern.fullmatch(value)):
                self.fail("invalid format", f"{path}/{key}")

    def _options(self, element: Json, path: str) -> None:
        kind = element["type"]
        groups = element.get("option_groups")
        if groups is not None:
            self.count(groups, 100, f"{path}/option_groups")
            for index, group in enumerate(groups):
                self.text(group.get("label"), 75, f"{path}/option_groups/{index}/label", plain=True)
        sources = [g.get("options") for g in groups] if groups is not None else [element.get("options")]
        options = [o for s in sources for o in self.count(s, _MOST_OPTIONS.get(kind, 100), f"{path}/options")]
        plain = kind not in {"checkboxes", "radio_buttons"}
        for index, option in enumerate(options):
            here = f"{path}/options/{index}"
            self.text(option.get("text"), 75, f"{here}/text", plain=plain)
            self.length(option.get("value"), 150, f"{here}/value", least=1)
            if option.get("description") is not None:
                self.text(option["description"], 75, f"{here}/description", plain=plain)
        chosen = [element["initial_option"]] if element.get("initial_option") else element.get("initial_options") or []
        if any(option not in options for option in chosen):
            self.fail("initial option must be one of the options", path)
