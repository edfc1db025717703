"""What a question about the program asks: of which initiatives, sites or people, and about what. By rule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from advisor.domain.criteria import Dimension
from advisor.domain.records import Initiative, Intervention, Site
from advisor.domain.register import AnyRecord, Record, Register
from advisor.program.asked import Asked, Topic
from advisor.program.filters import LISTING, Records, find_filter, find_health_filter, find_records, find_titled
from advisor.program.mentions import (
    find_by_words,
    find_cards,
    find_initiatives,
    find_people,
    find_sites,
    find_unknown,
    leave_out,
)
from advisor.program.phrases import find_day, parse_number
from advisor.program.signs import (
    ADVICE,
    ASKS_AFTER,
    GATES_AHEAD,
    HOW_MANY_OR_HOW,
    HOW_TO,
    IN_GENERAL,
    INITIATIVES,
    LACKS,
    OUR_RECORDS,
    OURS,
    STAND,
    SUPPOSED,
    TOPICS,
    TOWARDS_PLAYBOOK,
    WHAT_CHANGED,
    WHICH_INITIATIVES,
)


def understand(
    question: str,
    register: Register,
    today: date,
    *,
    before: str = "",
    dimensions: Sequence[Dimension] = (),
    ordinary: frozenset[str] = frozenset(),
) -> Asked | None:
    """Return what a question asks of the register, or None when it is a question for the playbooks alone.

    `before` is the earlier question that a follow-up leans on: who is meant may stand there. `ordinary` are stems, and
    pairs of them, that playbooks use too, so that they name no initiative.
    """
    if register.empty:
        return None
    initiatives = exact = find_initiatives(question, register)
    if not initiatives and _may_be_ours(question):
        initiatives = find_by_words(question, register, ordinary)
    sites = find_sites(question, register, initiatives)
    people = find_people(question, register)
    cards = find_cards(question, register)
    topic = _find_topic(question)
    sides = _find_dimensions(question, dimensions, [*initiatives, *sites])
    lacks = bool(LACKS.search(question))
    if (
        topic is Topic.PLATE and initiatives and (not people or lacks)
    ):  # "does Line 3 have ..." asks about Line 3, not a person
        topic = _find_topic(question, but=(Topic.PLATE,))
    unknown = "" if initiatives or people else find_unknown(question, sites)
    if before and not (initiatives or sites or people or unknown):
        initiatives = find_initiatives(before, register)
    keep, filter_words = find_filter(question, register)
    records = _find_records(question, register, named=bool(initiatives or sites))
    named = bool(initiatives or sites or people or unknown or records)
    ours = bool(OURS.search(question))
    advice = bool(ADVICE.search(question.strip()))
    sided = bool(sides) and ours and (lacks or topic is Topic.WEAKEST or bool(STAND.search(question)))
    sided = sided or (
        bool(sides) and ours and topic is None and bool(re.search(r"\bwhere (?:is|are)\b", question, re.I))
    )
    of_program = named or (sided and not _is_general(question))
    asks = _asks_of_program(question, topic, keep, ours=ours, advice=advice, cards=cards)
    if not of_program and not asks:
        return None
    told = bool(initiatives) and (topic is not None or bool(ASKS_AFTER.search(question)))
    stands = sided and (topic is Topic.WEAKEST or bool(STAND.search(question)))
    sure = bool(exact or sites or people or unknown or records) or asks or told or stands
    if unknown and topic is None and not ASKS_AFTER.search(question):
        return None
    listed = (
        records is not None and bool(records.words) and topic is not Topic.WEAKEST and bool(LISTING.search(question))
    )
    if (
        sides
        and not listed
        and (lacks or topic is Topic.WEAKEST or (sided and topic in {None, Topic.OWNER, Topic.KPI}))
    ):
        topic = Topic.WEAKEST
    elif records and topic not in {Topic.GATE, Topic.STALLED, Topic.CHANGED, Topic.OVERDUE, Topic.WEAKEST}:
        topic = Topic.RECORDS
    elif lacks and not people and topic in {None, Topic.KPI} and (initiatives or sites or ours) and not (keep or cards):
        topic = Topic.WEAKEST
    else:
        topic = _settle(
            topic, question, keep=bool(keep), people=bool(people), initiatives=bool(initiatives), sites=bool(sites)
        )
    if cards and topic in {None, Topic.LIST}:
        topic = Topic.KPI
    return Asked(
        topic=topic or Topic.STATUS,
        initiatives=initiatives,
        sites=sites,
        people=people,
        unknown=unknown,
        wants_playbook=bool(TOWARDS_PLAYBOOK.search(question)),
        keep=keep,
        filter_words=filter_words,
        since=_find_since(question, today),
        cards=cards,
        records=records,
        dimensions=sides if topic in {None, Topic.WEAKEST} else (),
        sure=sure,
        vague=(topic is None or (topic is Topic.LIST and not keep and _counts_other(question)))
        and not (ASKS_AFTER.search(question) or unknown),
    )


def _counts_other(question: str) -> bool:
    """Whether somebody asks how many of something other than initiatives there are."""
    return bool(re.search(r"\bhow (?:many|much)\b", question, re.I)) and not INITIATIVES.search(question)


def ask_for_found(question: str, register: Register, found: Sequence[AnyRecord], asked: Asked | None) -> Asked:
    """Return a question as one that is after the records that it found; of many interventions, after all of them."""
    base = asked or Asked(
        topic=Topic.FOUND,
        initiatives=(),
        sites=(),
        people=find_people(question, register),
        unknown="",
        wants_playbook=bool(TOWARDS_PLAYBOOK.search(question)),
        keep=None,
        filter_words="",
        since=None,
        sure=False,
    )
    if not isinstance(first := found[0].fields, Intervention):
        return base._replace(topic=Topic.FOUND, found=tuple(found))
    of = register.find_initiative(first.initiative)
    return base._replace(
        topic=Topic.RECORDS, records=Records(Intervention, None, ""), initiatives=(of,) if of else base.initiatives
    )


def may_ask_of_records(question: str) -> bool:
    """Whether a question that names nothing of the register may be after one of its records."""
    return not _is_general(question) and not ADVICE.search(question.strip())


def asks_what_was(question: str) -> bool:
    """Whether somebody asks what we did or had."""
    return bool(OURS.search(question) and re.search(r"\b(?:did|was|were|has|had)\b", question, re.I))


def _settle(
    topic: Topic | None, question: str, *, keep: bool, people: bool, initiatives: bool, sites: bool
) -> Topic | None:
    """Return the topic once it is known what is named: a list, what somebody has to do, or what it looked like."""
    listing = LISTING.search(question)
    if topic in {None, Topic.OWNER, Topic.KPI, Topic.PLATE} and keep and listing:
        return Topic.LIST
    if people and not initiatives and topic in {None, Topic.OWNER, Topic.STATUS}:
        return Topic.PLATE
    if topic is None and not initiatives and listing and not sites:
        return Topic.LIST
    if topic is None and sites and re.search(r"\bhow many\b|\blist\b|\bname them\b", question, re.I):
        return Topic.LIST
    return topic


def _find_dimensions(
    question: str, dimensions: Sequence[Dimension], named: Sequence[Record[Initiative] | Record[Site]]
) -> tuple[str, ...]:
    """Return the sides that a question is about; a name of the register is none of their words."""
    rest = leave_out(question, named)
    return tuple(
        dimension.id
        for dimension in dimensions
        if any(re.search(rf"(?<!\w){re.escape(word)}(?:\w{{0,3}})(?!\w)", rest, re.I) for word in dimension.words)
    )


def _is_general(question: str) -> bool:
    return bool(HOW_TO.match(question) or IN_GENERAL.search(question) or SUPPOSED.search(question))


def _may_be_ours(question: str) -> bool:
    """Whether a question may be about an initiative of ours that it does not name in full."""
    return not _is_general(question) and not (ADVICE.search(question.strip()) and not OURS.search(question))


def _find_records(question: str, register: Register, *, named: bool) -> Records | None:
    """Return the records that a question asks for, when it asks for the company's own: of an initiative, or of ours."""
    if not _is_general(question) and (titled := find_titled(question, register)):
        return titled
    records = find_records(question)
    if records is None or WHICH_INITIATIVES.search(question) or IN_GENERAL.search(question):
        return None
    if named:
        return None if ADVICE.search(question.strip()) else records
    ours = OUR_RECORDS.search(question)
    return records if ours and not ADVICE.search(question.strip()) else None


def _asks_of_program(
    question: str, topic: Topic | None, keep: object, *, ours: bool, advice: bool, cards: Sequence[str]
) -> bool:
    """Whether a question that names nobody and nothing of the register is still about the program."""
    if _is_general(question) and topic is not Topic.OVERDUE:
        return False
    if advice and not re.search(r"\b(?:our|we have|do we|are we|have we)\b", question, re.I):
        return False
    if topic is Topic.OVERDUE or (topic is Topic.CHANGED and WHAT_CHANGED.search(question)):
        return True
    if find_health_filter(question) and LISTING.search(question):
        return not advice
    if advice and not (keep and ours):
        return False
    if topic is None:
        listed = keep and (ours or LISTING.search(question))
        return bool(listed or (cards and ours) or HOW_MANY_OR_HOW.search(question))
    if topic is Topic.GATE and GATES_AHEAD.search(question) and not (advice or SUPPOSED.search(question)):
        return True
    if topic in {Topic.GATE, Topic.WEAKEST, Topic.CHANGED, Topic.STALLED, Topic.AGE}:
        general = r"\b(?:criteria|mean|definition|what is an?|what are(?! (?:our|the|my)\b))\b"
        return ours and not re.search(general, question, re.I)
    if ours and STAND.search(question):
        return True
    return ours and bool(LISTING.search(question) or keep or (cards and topic is Topic.KPI))


def _find_topic(question: str, *, but: Sequence[Topic] = ()) -> Topic | None:
    return next((topic for topic, pattern in TOPICS if topic not in but and re.search(pattern, question, re.I)), None)


def _find_since(question: str, today: date) -> date | None:
    low = question.lower()
    if found := re.search(r"\b(?:for|last|past|in) (?P<n>\w+) (?P<unit>day|week|month)s\b", low):
        number = parse_number(found["n"])
        if number is not None:
            return today - timedelta(days=int(number) * {"day": 1, "week": 7, "month": 30}[found["unit"]])
    for words, days in (("week", 7), ("fortnight", 14), ("month", 30), ("quarter", 91), ("year", 365)):
        if re.search(rf"\b(?:last|past|this|a|previous) {words}\b", low):
            return today - timedelta(days=days)
    found_day = find_day(question, today)
    return found_day.day if found_day and found_day.day and found_day.day < today else None
