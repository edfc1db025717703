"""Status in plain words: a message becomes proposed changes that a person confirms. What is unclear is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from advisor.domain.base import Value
from advisor.domain.records import LADDERS, Activity, Health, Initiative, KpiCard, RecordKind, Stage
from advisor.domain.register import Record, RecordChange, Register
from advisor.program.conditions import word_date, word_field
from advisor.program.names import fold, join_names
from advisor.program.phrases import (
    denies_health,
    find_activity,
    find_day,
    find_false_alarms,
    find_health,
    find_move,
    find_reading,
)
from advisor.text import normalise

_PEOPLE = ("accountable_owner", "business_owner", "it_owner", "ot_owner", "sponsor")
_QUESTION = re.compile(r"[^.!?\n;]*\?")
_COMMAND = re.compile(
    r"^\W*(?:please )?(?:delete|remove|ignore|forget|reset|set|drop|wipe|clear|show|list|give|tell|explain|summari[sz]e|export|import)\b",
    re.I,
)
_RISK = re.compile(
    r"(?:\b(?:main |biggest |only |our |the |one )*(?:risks?|blockers?|problems?|issues?|concerns?|worry)\b(?: (?:right )?now)?(?: here)?\s*(?::|is that|is|are|being|=|-|–)+\s*"
    r"|\bblocked (?:by|on|because)(?: the| of)?\s+|\bwe(?:'re| are) (?:stuck|waiting) (?:on|for|with)\s+|\bstuck (?:on|because(?: of)?)\s+)(?P<said>[^.!\n;]+)",
    re.I,
)
_NEXT = re.compile(
    r"\b(?:next(?: steps?| up| action| thing)?(?: for us)?(?: is| are|'s)?(?: to)?\s*(?::|=|-|–)\s*|(?:the )?next (?:steps?|thing|action|up)(?: for us)? (?:is|are|will be)(?: to)?\s+"
    r"|(?:the |our )?plan (?:is|now is)(?: now)? to\s+|plan:\s*|next,? we(?:'ll| will)?(?: are going to)?\s+|we will next\s+|todo:?\s+)(?P<said>[^.!\n;]+)",
    re.I,
)
_SUBJECT_NOUN = re.compile(
    r"(?:^|[.;,\n]\s*|\band )(?:but |also )?(?P<all>the (?P<name>[\w-]+(?: [\w-]+){0,3}) (?:project|initiative|pilot|use case))\b(?=\s*(?::|is\b|was\b|are\b|went\b|moved\b|has\b|had\b|reached\b))",
    re.I,
)
_JOINED = re.compile(r"[\s,]*(?:and|&|as well as|plus)?[\s,]*(?:the |our )?", re.I)
_ROLE_WORDS = {"it": "it_owner", "ot": "ot_owner", "business": "business_owner", "sponsor": "sponsor"}
_WHO = r"(?P<who>[^,.;:!?()\n]+?)"
_END = r"(?=\s*(?:[,.;:!?()\n]|$|\band\b|\bbut\b|\bso\b|\bas of\b|\bsince\b|\bfrom\b|\bon \w+day|\bas (?:the )?(?:new )?(?:\w+ )?(?:owner|sponsor)|\bnow\b|\byesterday\b|\btoday\b|\bwith\b|\bin place\b))"
_OWNER = (
    re.compile(rf"\b(?:the )?(?:new )?(?:(?P<role>IT|OT|business) )?(?:accountable )?(?P<kind>owner|sponsor|lead)(?:ship)?(?: of \w+)?(?: is now| is| now|'s| has become| became|:|,| =| will be| went to| goes to| passed to| moved to| changed to)+(?: to)?(?: now)? (?:with )?{_WHO}{_END}", re.I),
    re.compile(rf"\b{_WHO} (?:is|becomes|became|has become|was named|was made|takes over as|took over as|steps in as|stepped in as|acts as)(?: now)?(?: the)?(?: new)?(?: (?P<role>IT|OT|business))?(?: accountable)? (?P<kind>owner|sponsor)\b", re.I),
    re.compile(r"\b(?P<who>[A-Z][\w'’-]+(?: (?:de|van|von|der|[A-Z][\w'’-]+)){0,3}) (?:owns|took|has taken|takes|is taking)(?: it)?(?: over)?\b"),
    re.compile(rf"\b(?:handed|hands|passed|transferred|given|gave)(?: \w+){{0,5}}?(?: over)? to {_WHO}{_END}", re.I),
    re.compile(rf"\b(?:owned|sponsored|taken over|led|run) (?:now )?by {_WHO}{_END}", re.I),
    re.compile(rf"\b(?:new|has a new) (?:(?P<role>IT|OT|business) )?(?P<kind>owner|sponsor)[,:]? {_WHO}{_END}", re.I),
)  # fmt: skip


_FULL_NAME = re.compile(r"[A-Z][\w'’-]+(?: (?:de|van|von|der|den|di|la))* [A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?")


class Ask(Value):
    """What has to be cleared up before anything may be written."""

    about: str
    question: str
    options: tuple[str, ...] = ()


class Proposal(Value):
    """What a message seems to say about one initiative, and what it would record once confirmed."""

    initiative: str | None
    name: str
    as_of: date | None = None
    stage: Stage | None = None
    health: Health | None = None
    activity: Activity | None = None
    people: Mapping[str, str] = {}
    false_alarms: int | None = None
    readings: Mapping[str, Decimal] = {}
    risks: str = ""
    next_step: str = ""
    says: tuple[str, ...] = ()
    asks: tuple[Ask, ...] = ()
    changes: tuple[RecordChange, ...] = ()


class _Segment(NamedTuple):
    """The part of a message that is about one initiative; `subject` is None when it is not known which."""

    subject: Record[Initiative] | None
    called: str
    text: str
    head: str
    """What stands before the first subject of the message and holds for all of them."""


def read_message(text: str, register: Register, today: date) -> tuple[Proposal, ...]:
    """Return a proposal for each initiative that a message reports on; none when it is no status message."""
    plain = normalise(text)
    told = _QUESTION.sub(" ", plain)
    if _COMMAND.match(plain) or not re.search(r"\w", told):
        return ()
    return tuple(
        proposal for segment in _split(told, register) if (proposal := _read(segment, register, today)) is not None
    )


def _split(text: str, register: Register) -> Iterator[_Segment]:
    mentions = _find_mentions(text, register)
    if not mentions:
        yield _Segment(None, "", text, "")
        return
    starts = [start for start, _, _, _ in mentions]
    head = text[: starts[0]]
    segments: list[_Segment] = []
    told = ""
    for (start, end, record, called), stop in reversed(list(zip(mentions, [*starts[1:], len(text)], strict=True))):
        said = text[end:stop]
        told = told if _JOINED.fullmatch(said) and told else said  # "A and B are green" says it of both
        segments.append(_Segment(record, called, (head if len(mentions) == 1 else "") + text[start:end] + told, head))
    yield from reversed(segments)


def _find_mentions(text: str, register: Register) -> list[tuple[int, int, Record[Initiative] | None, str]]:
    """Return where the message turns to an initiative: start, end, which one (None if unknown), and its words."""
    found: list[tuple[int, int, Record[Initiative] | None, str]] = []
    names = [(n, r) for r in register.initiatives for n in {r.fields.name, *r.fields.aliases}]
    names += _find_short_names(register)
    for name, record in sorted(names, key=lambda pair: -len(pair[0])):
        pattern = r"[\s-]*".join(re.escape(word) for word in re.split(r"[\s-]+", name))
        for match in re.finditer(rf"(?<!\w){pattern}(?!\w)", text, re.I):
            if not any(start < match.end() and match.start() < end for start, end, _, _ in found):
                found.append((match.start(), match.end(), record, match.group()))
    for match in _SUBJECT_NOUN.finditer(text):
        if not any(start < match.end("all") and match.start("all") < end for start, end, _, _ in found):
            found.append((match.start("all"), match.end("all"), None, match["name"]))
    found.sort(key=lambda mention: mention[0])
    kept: list[tuple[int, int, Record[Initiative] | None, str]] = []
    for mention in found:
        before = text[: mention[0]].rstrip()
        same = kept and kept[-1][2] is not None and mention[2] is not None and kept[-1][2].subject == mention[2].subject
        opens = not kept or re.search(
            r"(?:^|[.;,!:\n]|\band|\bbut|\bwhile|\bwhereas|\bplus|\balso)(?: the| our)?$", before, re.I
        )
        if opens and not same and not _in_plan(text, mention[0]):
            kept.append(mention)
    return kept


def _find_short_names(register: Register) -> list[tuple[str, Record[Initiative]]]:
    """Return the first words by which people call an initiative, where no other begins with them."""
    openings: dict[str, list[Record[Initiative]]] = {}
    for record in register.initiatives:
        words = record.fields.name.split()
        for count in range(1, len(words)):
            openings.setdefault(" ".join(words[:count]), []).append(record)
    common = {"line", "plant", "hub", "the", "our", "ai", "new", "pilot", "site"}
    return [
        (name, records[0])
        for name, records in openings.items()
        if len(records) == 1 and len(name) > 3 and name.lower() not in common
    ]


def _in_plan(text: str, place: int) -> bool:
    return any(m.start("said") <= place < m.end("said") and m.start("said") > 0 for m in _NEXT.finditer(text))


def _read(segment: _Segment, register: Register, today: date) -> Proposal | None:
    told = _RISK.sub(" ", _NEXT.sub(" ", segment.text))
    fields = segment.subject.fields if segment.subject else None
    day = find_day(told, today) or find_day(segment.head, today)
    health = find_health(told)
    move = find_move(told, fields.track if fields else None, fields.stage if fields else None)
    alarms = find_false_alarms(told)
    readings = _find_readings(told, segment.subject, register)
    risks, next_step = _find_said(_RISK, segment.text), _find_said(_NEXT, segment.text)
    people, unclear = _find_people(told, register)
    activity = find_activity(told)
    denied = denies_health(told)
    stated = (health, move, alarms, readings, people, unclear, activity, denied or None)
    if all(fact in (None, {}, []) for fact in stated) and not (segment.subject and (risks or next_step)):
        return None
    asks: list[Ask] = []
    if segment.subject is None:
        asks.append(_ask_which(segment.called, register))
    asks += [Ask(about="owner", question=f'Who is "{said}"? Give the full name of a person.') for said in unclear]
    if day and day.problem:
        asks.append(Ask(about="date", question=f"{day.problem} Which day is meant?"))
    if denied:
        asks.append(Ask(about="health", question="What is its health now?", options=tuple(h.words for h in Health)))
    if alarms is not None and alarms < 0:
        asks.append(
            Ask(about="false alarms", question="How many false alarms were there? There cannot be fewer than 0.")
        )
    stage = move.stage if move else None
    if move and fields and (ask := _ask_stage(move.said, stage, fields)):
        asks.append(ask)
        stage = None
    proposal = Proposal(
        initiative=segment.subject.subject if segment.subject else None,
        name=fields.name if fields else segment.called,
        as_of=day.day if day else None,
        stage=stage if fields else None,
        health=health,
        activity=activity,
        people=people,
        false_alarms=alarms,
        readings=readings,
        risks=risks,
        next_step=next_step,
        asks=tuple(asks),
    )
    changes = () if asks or not segment.subject else _propose(proposal, segment, register, today)
    return proposal.model_copy(update={"changes": changes, "says": _echo(proposal, segment, register, today)})


def _find_said(pattern: re.Pattern[str], text: str) -> str:
    return "; ".join(found["said"].strip(" ,") for found in pattern.finditer(text))


def _find_readings(text: str, subject: Record[Initiative] | None, register: Register) -> dict[str, Decimal]:
    cards = register.of(KpiCard, subject.subject) if subject else register.all(KpiCard)
    names = sorted({card.fields.name for card in cards}, key=len, reverse=True)
    readings: dict[str, Decimal] = {}
    for name in names:
        value = find_reading(text, name)
        if value is not None:
            readings[name] = value
    return readings


def _find_people(text: str, register: Register) -> tuple[dict[str, str], list[str]]:
    """Return the people that a message newly names, by field, and the words for people that it leaves unclear."""
    known = sorted({p for i in register.initiatives for f in _PEOPLE if (p := getattr(i.fields, f))})
    people: dict[str, str] = {}
    unclear: list[str] = []
    for pattern in _OWNER:
        for found in pattern.finditer(text):
            groups = found.groupdict()
            role = (groups.get("role") or "").lower()
            kind = (groups.get("kind") or "owner").lower()
            field = "sponsor" if kind == "sponsor" else _ROLE_WORDS.get(role, "accountable_owner")
            who = re.sub(r"^(?:and|so|now|that|then|is)\s+", "", found["who"].strip(), flags=re.I)
            if field in people or who.lower() in {"it", "nobody", "no one", "he", "she", "they", "still", ""}:
                continue
            if person := _find_person(who, known):
                people[field] = person
            elif not people and not unclear and _looks_like_somebody(who):
                unclear.append(who[:60])
    return people, unclear if not people else []


def _find_person(who: str, known: Sequence[str]) -> str | None:
    if re.search(r"\bor\b", who):
        return None
    wanted = fold(who)
    exact = [name for name in known if fold(name) == wanted or fold(who).startswith(f"{fold(name)}-")]
    if exact:
        return exact[0]
    first = [name for name in known if fold(name.split()[0]) == wanted or fold(name.split()[-1]) == wanted]
    if len(first) == 1:
        return first[0]
    inside = [name for name in known if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", who, re.I)]
    if len(inside) == 1:
        return inside[0]
    return who if not inside and _FULL_NAME.fullmatch(who) else None


def _looks_like_somebody(who: str) -> bool:
    """Whether words that follow "owner is" can mean a person: a capital letter, or a role such as "the head of ..."."""
    return (
        bool(re.match(r"(?:the|our|a|my|their|his|her|some(?:one|body)|[A-Z])\b|[A-Z]", who)) and len(who.split()) <= 8
    )


def _ask_which(called: str, register: Register) -> Ask:
    named = f'"{called}"' if called else "this"
    options = tuple(initiative.fields.name for initiative in register.initiatives)
    return Ask(about="initiative", question=f"Which initiative is {named} about?", options=options)


def _ask_stage(said: str, stage: Stage | None, fields: Initiative) -> Ask | None:
    """Return what to ask when a stage is unknown, belongs to the other track, or skips one; else None."""
    ladder = LADDERS[fields.track]
    here = ladder.index(fields.stage)
    options = tuple(step.words for step in ladder[max(0, here - 1) : here + 2] if step is not fields.stage)
    if stage is None:
        return Ask(
            about="stage", question=f'"{said}" is no stage of {fields.name}. Which one is meant?', options=options
        )
    if ladder.index(stage) > here + 1:
        question = f"{fields.name} is in {fields.stage.words}; {stage.words} would skip a stage. Which one is meant?"
        return Ask(about="stage", question=question, options=options)
    return None


def _propose(proposal: Proposal, segment: _Segment, register: Register, today: date) -> tuple[RecordChange, ...]:
    assert segment.subject is not None  # noqa: S101  asked by the caller
    subject, fields = segment.subject.subject, segment.subject.fields
    on = proposal.as_of or today
    changes: list[RecordChange] = []
    moved = {"stage": proposal.stage.value} if proposal.stage and proposal.stage is not fields.stage else {}
    if proposal.activity and proposal.activity is not fields.activity:
        moved["activity"] = proposal.activity.value
    if set_fields := {**moved, **proposal.people}:
        changes.append(RecordChange(kind=RecordKind.INITIATIVE, subject=subject, fields=set_fields, on=on))
    for name, value in proposal.readings.items():
        reading = {"initiative": subject, "card": name, "value": str(value)}
        changes.append(RecordChange(kind=RecordKind.KPI_READING, fields=reading, on=on))
    status = {
        "initiative": subject,
        "health": _health_to_record(proposal, segment, register).value,
        "summary": segment.text.strip()[:2000],
        "risks": proposal.risks,
        "next_step": proposal.next_step,
        "false_alarms": proposal.false_alarms,
    }
    given = {name: value for name, value in status.items() if value not in {None, ""}}
    changes.append(RecordChange(kind=RecordKind.STATUS_UPDATE, fields=given, on=on))
    return tuple(changes)


def _health_to_record(proposal: Proposal, segment: _Segment, register: Register) -> Health:
    """Return the health stated, else the one of the last update: the person sees it before confirming."""
    if proposal.health:
        return proposal.health
    last = register.latest_status(segment.subject.subject) if segment.subject else None
    return last.fields.health if last else Health.UNKNOWN


def _echo(proposal: Proposal, segment: _Segment, register: Register, today: date) -> tuple[str, ...]:
    """Return what would be recorded, line by line, for the person to check."""
    said = [f"As of {word_date(proposal.as_of or today)}"]
    if segment.subject and proposal.stage:
        same = proposal.stage is segment.subject.fields.stage
        said.append(f"Stage: {proposal.stage.words}{' (as before)' if same else ''}")
    if proposal.activity:
        said.append(f"Activity: {proposal.activity.value}")
    known = {getattr(i.fields, field) for i in register.initiatives for field in _PEOPLE}
    said += [
        f"{word_field(field).capitalize()}: {person}{'' if person in known else ' (new in the register)'}"
        for field, person in proposal.people.items()
    ]
    if segment.subject:
        health = _health_to_record(proposal, segment, register)
        said.append(f"Health: {health.words}{'' if proposal.health else ' (not stated; as in the last update)'}")
    if proposal.false_alarms is not None:
        said.append(f"False alarms: {proposal.false_alarms}")
    said += [f"{name}: {value}" for name, value in proposal.readings.items()]
    said += [f"Risks: {proposal.risks}"] if proposal.risks else []
    said += [f"Next step: {proposal.next_step}"] if proposal.next_step else []
    return tuple(said)


def word_asks(proposals: Sequence[Proposal]) -> str:
    """Return all that has to be cleared up, as sentences."""
    asks = [ask for proposal in proposals for ask in proposal.asks]
    return " ".join(
        f"{ask.question} ({join_names(ask.options, last='or')})" if ask.options else ask.question for ask in asks
    )
