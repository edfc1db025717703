"""The program in Slack: check-ins, plain-words status, gaps, gates, checklists, the assessment."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from advisor.domain.checklist import ChecklistDraft
from advisor.domain.records import Initiative, RecordKind
from advisor.domain.register import Entry, Record, RecordChange
from advisor.domain.work import NewWork
from advisor.errors import InvalidInputError
from advisor.program import confirmation
from advisor.program.check_in import read_check_in
from integrations.slack import pages
from integrations.slack.asking import ask, find_answer
from integrations.slack.blocks import Message, actions, button, say
from integrations.slack.desk import DOOR, Asker, Desk, Request, admit
from integrations.slack.files import send_report
from integrations.slack.home import refresh_home
from integrations.slack.outgoing import post_all, replace_private, update

HELP = (
    "/advisor ask <question> | status (opens the form) | status <what changed, in plain words> | initiatives | "
    "gaps [initiative] | gates [initiative] | report [pptx, xlsx, pdf] [initiative] | checklist [initiative] | "
    "assess [initiative]"
)
Command = Callable[[Desk, Request, str], list[NewWork]]


def run_command(desk: Desk, request: Request) -> list[NewWork]:
    """Run what was typed after /advisor; the reply is for the person alone."""
    word, _, rest = request.text.strip().partition(" ")
    command = COMMANDS.get(word.lower())
    if command is not None:
        return command(desk, request, rest.strip())
    if not word or word.lower() == "help":
        admit(desk, request, private=True)
        return post_all(request.key, request.privately, [say(HELP)])
    return ask(desk, request, private=True)


def _ask(desk: Desk, request: Request, rest: str) -> list[NewWork]:
    return ask(desk, request._replace(text=rest), private=True)


def _status(desk: Desk, request: Request, rest: str) -> list[NewWork]:
    asker = admit(desk, request, private=True)
    proposals = desk.office.read_message(asker.person.caller, rest)
    if not proposals:
        return ask(desk, request._replace(text=f"How is {rest} doing?"), private=True)
    register = desk.office.read_register(asker.person.caller)
    return _reply(request, [pages.render_proposals(proposals, rest, register)])


def _initiatives(desk: Desk, request: Request, rest: str) -> list[NewWork]:
    caller = admit(desk, request, private=True).person.caller
    site = desk.office.find_site(caller, rest) if rest else ""
    return _reply(request, pages.render_status(desk.office.list_status(caller, site=site)))


def _gaps(desk: Desk, request: Request, rest: str) -> list[NewWork]:
    asker = admit(desk, request, private=True)
    caller = asker.person.caller
    initiative = desk.office.find_initiative(caller, rest) if rest else ""
    return _reply(request, pages.render_gaps(desk.office.summarise(caller, initiative=initiative)))


def _gates(desk: Desk, request: Request, rest: str) -> list[NewWork]:
    asker = admit(desk, request, private=True)
    caller = asker.person.caller
    gates = desk.office.assess_gates(caller)
    if rest:
        subject = desk.office.find_initiative(caller, rest)
        gates = tuple(gate for gate in gates if gate.initiative == subject)
    return _reply(request, pages.render_gates(gates))


def _checklist(desk: Desk, request: Request, rest: str) -> list[NewWork]:
    asker = admit(desk, request, private=True)
    caller = asker.person.caller
    initiative = desk.office.find_initiative(caller, rest) if rest else ""
    items = desk.office.list_items(caller, initiative=initiative)
    return _reply(request, pages.render_checklist(items, place=f" on {rest}" if rest else ""))


def _assess(desk: Desk, request: Request, rest: str) -> list[NewWork]:
    asker = admit(desk, request, private=True)
    initiative = desk.office.find_initiative(asker.person.caller, rest) if rest else ""
    return _reply(request, [_next_question(desk, asker, initiative)])


COMMANDS: dict[str, Command] = {
    "ask": _ask,
    "status": _status,
    "initiatives": _initiatives,
    "gaps": _gaps,
    "gates": _gates,
    "report": send_report,
    "checklist": _checklist,
    "assess": _assess,
}


def answer_assessment(desk: Desk, request: Request) -> list[NewWork]:
    """Record an answer of the assessment and ask the next question in its place."""
    asker = admit(desk, request, private=True)
    verdict, _, meant = request.value.partition("|")
    asked = json.loads(meant)
    desk.office.answer_question(
        asker.person.caller, asked["criterion"], verdict, initiative=asked["initiative"], door=DOOR
    )
    following = _next_question(desk, asker, asked["initiative"])
    return _in_place(request, following)


def _next_question(desk: Desk, asker: Asker, initiative: str) -> Message:
    question = desk.office.find_next_question(asker.person.caller, initiative=initiative)
    if question is None:
        return say("That was all. See what it shows with /advisor gaps.")
    return pages.render_question(question, initiative)


def confirm_status(desk: Desk, request: Request) -> list[NewWork]:
    """Record what a message in plain words was shown to mean, if it still means that."""
    asker = admit(desk, request, private=True)
    meant = json.loads(request.value)
    caller, text = asker.person.caller, meant["text"]
    proposals, digest = confirmation.read_status(desk.office, caller, text)
    if digest != meant["digest"]:
        return _in_place(request, pages.render_proposals(proposals, text, desk.office.read_register(caller)))
    entries = confirmation.confirm_status(desk.office, caller, text, digest, key=_key(request), door=DOOR)
    return _in_place(request, _recorded(entries))


def dismiss(_: Desk, request: Request) -> list[NewWork]:
    """Leave everything as it was."""
    return _in_place(request, say("Nothing was recorded."))


def submit_check_in(desk: Desk, request: Request) -> list[NewWork]:
    """Record a check-in: a status update, and a reading of each KPI that was filled in."""
    asker = admit(desk, request, private=True)
    entries = desk.office.record(asker.person.caller, read_check_in(request.values), key=_key(request), door=DOOR)
    return [*post_all(request.key, request.privately, [_recorded(entries)]), *refresh_home(request)]


def submit_item(desk: Desk, request: Request) -> list[NewWork]:
    """Tick an action off, or change who does it and when."""
    person = desk.people.find(request.user, request.team)
    item = request.value
    record = desk.office.get_record(person.caller, RecordKind.ACTION_ITEM, item)
    given = {name: request.values[name] for name in ("owner", "due_on") if name in request.values}
    known = record.fields.model_dump(mode="json")
    changed = {name: value for name, value in given.items() if known.get(name) != value}
    said = []
    if changed:
        change = RecordChange(kind=RecordKind.ACTION_ITEM, subject=item, fields=changed)
        desk.office.record(person.caller, [change], key=f"{_key(request)}/change", door=DOOR)
        said.append("changed")
    if evidence := request.values.get("evidence"):
        desk.office.tick_item(person.caller, item, evidence, key=_key(request), door=DOOR)
        said.append("ticked off")
    text = f"{record.fields.title}: {' and '.join(said)}." if said else "Nothing was changed."
    return [*post_all(request.key, request.privately, [say(text)]), *refresh_home(request)]


def submit_adoption(desk: Desk, request: Request) -> list[NewWork]:
    """Put the tasks of an answer or a gate on the checklist, with an initiative, an owner and a date."""
    person = desk.people.find(request.user, request.team)
    values = request.values
    given: dict[str, Any] = {name: values[name] for name in ("initiative", "owner") if name in values}
    if "due_on" in values:
        given["due_on"] = date.fromisoformat(values["due_on"])
    drafts = [draft.model_copy(update=given) for draft in find_drafts(desk, request)]
    entries, merged = desk.office.add_items(person.caller, drafts, key=_key(request), door=DOOR)
    known = f" {merged} were on it already." if merged else ""
    text = f"{len(entries)} actions are on the checklist.{known}"
    return post_all(request.key, request.privately, [say(text)])


def offer_drafts(desk: Desk, request: Request) -> list[NewWork]:
    """Show the tasks of an answer or a gate, to be put on the checklist."""
    drafts = find_drafts(desk, request)
    if not drafts:
        return post_all(request.key, request.privately, [say("There is nothing to do in that answer.")])
    return post_all(request.key, request.privately, [pages.render_drafts(drafts, "open_adopt", request.value)])


def find_drafts(desk: Desk, request: Request) -> tuple[ChecklistDraft, ...]:
    """Return the tasks of what `value` names: `gate/<initiative>`, or `answer/<id>`."""
    person = desk.people.find(request.user, request.team)
    kind, _, id_ = request.value.partition("/")
    if kind == "gate":
        return desk.office.draft_from_gate(person.caller, id_)
    answer, _ = find_answer(desk, request._replace(value=id_))
    return desk.office.draft_from_answer(answer)


def list_initiatives(desk: Desk, request: Request) -> list[Record[Initiative]]:
    """Return the initiatives that a person may see and report on, those they answer for first."""
    person = desk.people.find(request.user, request.team)
    if not desk.office.list_status(person.caller):
        raise InvalidInputError("The register holds no active initiative yet.", "Record one first.")
    active = {line.initiative for line in desk.office.list_status(person.caller)}
    register = desk.office.read_register(person.caller)
    mine = [i for i in register.all(Initiative) if i.subject in active]
    return sorted(
        mine, key=lambda i: (person.name not in (i.fields.accountable_owner, i.fields.ot_owner), i.fields.name)
    )


def _recorded(entries: tuple[Entry, ...]) -> Message:
    numbers = ", ".join(f"#{entry.number}" for entry in entries)
    undo = actions(button("Gaps", "show_gaps"), button("Checklist", "show_checklist"))
    return say(f"Recorded as {numbers}.", undo)


def _key(request: Request) -> str:
    return f"slack/{request.team}/{request.key}"


def _reply(request: Request, messages: list[Message]) -> list[NewWork]:
    return post_all(request.key, request.privately, messages)


def _in_place(request: Request, message: Message) -> list[NewWork]:
    """Rewrite the message whose button was pressed."""
    if request.is_direct and not request.only_by_url:
        return [update(request.key, request.channel, request.ts, message)]
    return [replace_private(request.key, request.in_place, message)]
