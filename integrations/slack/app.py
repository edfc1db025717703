"""The Bolt app: which listener takes what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from slack_bolt import App

from advisor.ports import WorkQueue
from integrations.slack.desk import Desk
from integrations.slack.intake import Intake
from integrations.slack.modals import Modals

LISTENERS = 16
COMMAND = "/advisor"
ASK_ABOUT = "ask_about"
CHECK_IN = "check_in_shortcut"
_QUEUED = ("more_detail", "share", "keep_private", "ask_human", "confirm_status", "dismiss")


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
    modals = Modals(desk, intake)
    app.use(intake.keep_event)
    app.command(COMMAND, matchers=[_is_check_in])(modals.open_check_in)
    app.command(COMMAND)(intake.take_command)
    app.shortcut(ASK_ABOUT)(intake.take_message_shortcut)
    app.shortcut(CHECK_IN)(modals.open_check_in)
    for action in _QUEUED:
        app.action(action)(intake.take_action)
    app.action("feedback")(modals.take_feedback)
    app.action("source_wrong")(modals.take_feedback)
    app.action("as_checklist")(intake.take_drafts)
    app.action("gate_checklist")(intake.take_drafts)
    app.action("show_gaps")(intake.take_shown)
    app.action("show_gates")(intake.take_shown)
    app.action(re.compile("^report_"))(intake.take_report)
    app.action("show_checklist")(intake.take_shown)
    app.action(re.compile("^assess_"))(intake.take_assessment)
    app.action("open_check_in")(modals.open_check_in)
    app.action("initiative")(modals.choose_initiative)
    app.action("open_item")(modals.open_item)
    app.action("open_adopt")(modals.open_adopt)
    app.action(re.compile(""))(intake.ignore)
    app.view("check_in")(modals.submit_check_in)
    for view in ("item", "adopt", "reason"):
        app.view(view)(modals.submit)
    return app


def _is_check_in(body: Mapping[str, Any]) -> bool:
    """Whether a command asks for the form, which has to open within three seconds."""
    return str(body.get("text", "")).strip().lower() in {"status", "check-in", "check in"}
