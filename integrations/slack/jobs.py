"""What the advisor does by itself: asks owners for overdue check-ins, reminds once, posts the weekly gap digest."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta

from advisor.domain.gaps import StatusLine
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.work import NewWork, Queue
from advisor.errors import InvalidInputError
from integrations.slack import pages
from integrations.slack.blocks import Message, actions, button, paragraph, run
from integrations.slack.desk import Desk, Request
from integrations.slack.outgoing import Place, post_all
from integrations.slack.people import RefusedError

_log = logging.getLogger(__name__)
GRACE_DAYS = 2
"""How late a status may be before its owner is asked."""
REMIND_AFTER_DAYS = 2
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKLY = re.compile(r"(?P<day>mon|tue|wed|thu|fri|sat|sun)\w* (?P<hour>\d{1,2}):(?P<minute>\d\d)", re.I)


def find_slot(weekly: str, now: float) -> datetime:
    """Return the latest moment at which the weekly work was due, in UTC; raise InvalidInputError for what is none."""
    found = _WEEKLY.fullmatch(weekly.strip())
    if found is None or int(found["hour"]) > 23 or int(found["minute"]) > 59:
        raise InvalidInputError(
            f'ADVISOR_SLACK_WEEKLY: "{weekly[:40]}" is no day and time.', 'Write it like "mon 09:00".'
        )
    moment = datetime.fromtimestamp(now, UTC)
    days = (moment.weekday() - _DAYS.index(found["day"].lower())) % 7
    slot = (moment - timedelta(days=days)).replace(
        hour=int(found["hour"]), minute=int(found["minute"]), second=0, microsecond=0
    )
    return slot if slot <= moment else slot - timedelta(days=7)


def due_work(weekly: str, team: str, now: float, *, since: float) -> list[NewWork]:
    """Return the weekly work that fell due after `since`. Its key is its slot: however many ask, it is queued once."""
    slot = find_slot(weekly, now)
    if slot.timestamp() <= since:
        return []
    key = f"weekly/{team}/{slot:%Y-%m-%dT%H:%M}"
    payload = {"kind": "weekly", "key": key, "team": team, "user": "", "channel": ""}
    return [NewWork(queue=Queue.IN, key=key, lane="weekly", payload=payload)]


def run_weekly(desk: Desk, request: Request) -> list[NewWork]:
    """Ask owners for the check-ins that are overdue, and post the digest."""
    late = [line for line in desk.office.list_status(LOCAL_CALLER) if _is_late(desk, line)]
    work: list[NewWork] = []
    unasked: list[str] = []
    for line in late:
        user = _find_owner(desk, line)
        if not user:
            unasked.append(line.name)
            continue
        key = f"{request.key}/{line.initiative}"
        work += post_all(key, Place("", user=user), [_request_check_in(line)])
        work.append(_reminder(desk, request, line, user))
    if desk.digest_channel:
        try:
            desk.people.check_channel(desk.digest_channel)
        except RefusedError as error:
            _log.error("The digest was not posted: %s", error.told)
        else:
            work += post_all(f"{request.key}/digest", Place(desk.digest_channel), _digest(desk, unasked))
    return work


def _find_owner(desk: Desk, line: StatusLine) -> str:
    """Return the Slack user who owns an initiative, if they may be told of it; else nothing."""
    user = desk.people.find_user_by_name(line.owner, desk.team) if line.owner else ""
    if not user:
        return ""
    try:
        person = desk.people.find(user, desk.team)
    except RefusedError:
        return ""
    visible = {seen.initiative for seen in desk.office.list_status(person.caller)}
    return user if line.initiative in visible else ""


def remind(desk: Desk, request: Request) -> list[NewWork]:
    """Ask once more, unless the status has come in."""
    line = next((o for o in desk.office.list_status(LOCAL_CALLER) if o.initiative == request.value), None)
    if line is None or not _is_late(desk, line) or _find_owner(desk, line) != request.user:
        return []
    return post_all(request.key, Place("", user=request.user), [_request_check_in(line, again=True)])


def _is_late(desk: Desk, line: StatusLine) -> bool:
    if line.missed == 0:
        return False
    initiative = desk.office.read_register(LOCAL_CALLER).find_initiative(line.initiative)
    every = initiative.fields.check_in_days if initiative else 0
    return line.age is None or line.age > every + GRACE_DAYS


def _reminder(desk: Desk, request: Request, line: StatusLine, user: str) -> NewWork:
    slot = datetime.combine(desk.office.today, datetime.min.time(), UTC) + timedelta(days=REMIND_AFTER_DAYS, hours=9)
    key = f"{request.key}/{line.initiative}/again"
    payload = {
        "kind": "remind",
        "key": key,
        "team": request.team,
        "user": user,
        "channel": "",
        "value": line.initiative,
    }
    return NewWork(queue=Queue.IN, key=key, lane=key, payload=payload, not_before=slot.timestamp())


def _request_check_in(line: StatusLine, *, again: bool = False) -> Message:
    age = f"is {line.age} days old" if line.age is not None else "was never reported"
    said = f"The status of {line.name} {age}." + (" This is the only reminder." if again else "")
    ask = actions(button("Check in", "open_check_in", line.initiative, style="primary"))
    return Message(said, [paragraph(run(said)), ask])


def _digest(desk: Desk, unasked: list[str]) -> list[Message]:
    audience = desk.people.find_audience(desk.digest_channel, desk.team)
    messages = pages.render_gaps(desk.office.summarise(audience))
    visible = {line.name for line in desk.office.list_status(audience)}
    if silent := [name for name in unasked if name in visible]:
        said = f"Nobody could be asked for the status of {', '.join(silent)}: no owner that Slack knows by that name."
        messages[-1].blocks.append(paragraph(run(said)))
    return messages
