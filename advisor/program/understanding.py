"""What a question about the program asks: of which initiatives, sites or people, and about what. By rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from advisor.domain.records import (
    DataContract,
    DecisionRight,
    DeferThreshold,
    Fields,
    GateReview,
    Health,
    Initiative,
    IntegrationDebt,
    KpiCard,
    RetrainingPlan,
    ShadowPeriod,
    Site,
    Stage,
    Training,
)
from advisor.domain.register import Record, Register
from advisor.program.gates import describe_status
from advisor.program.names import fold
from advisor.program.phrases import find_day, parse_number

Keep = Callable[[Record[Initiative]], bool]
PEOPLE_FIELDS = ("accountable_owner", "business_owner", "it_owner", "ot_owner", "sponsor")


class Topic(StrEnum):
    """What is asked."""

    STATUS = "status"
    OWNER = "owner"
    PLATE = "plate"
    GATE = "gate"
    WEAKEST = "weakest"
    OVERDUE = "overdue"
    CHANGED = "changed"
    STAGE = "stage"
    AGE = "age"
    STALLED = "stalled"
    KPI = "kpi"
    LIST = "list"


class Asked(NamedTuple):
    """A question about the program, understood."""

    topic: Topic
    initiatives: tuple[Record[Initiative], ...]
    sites: tuple[Record[Site], ...]
    people: tuple[str, ...]
    unknown: str
    """A name that the question uses and the register does not know."""
    wants_playbook: bool
    keep: Keep | None
    """Which initiatives a list is about; None for all."""
    filter_words: str
    since: date | None
    cards: tuple[str, ...] = ()


_TOPICS: tuple[tuple[Topic, str], ...] = (
    (Topic.OVERDUE, r"\boverdue\b|\bpast (?:its|their|the) (?:due|date)|\bpast due\b|\bdue dates?\b|\bmissed (?:its |their )?deadlines?|\bdeadlines?\b.*\b(?:missed|passed)|\bwhat (?:is|are|'s) late\b|\brunning late\b|\bslipped\b"),
    (Topic.AGE, r"\bhow (?:old|fresh|stale|recent|current|up to date)\b|\bwhen (?:did|was|have)\b.*\b(?:last|latest)\b|\blast (?:update[d]?|heard|report(?:ed)?|check(?:ed)?[- ]?in|status)\b|\b(?:last|latest) (?:time )?(?:an? )?(?:update|news|word)\b|\bhow long (?:ago|since)\b.*\b(?:update|report|heard|status|news)"),
    (Topic.STALLED, r"\bstall(?:ed|ing|s)?\b|\bstuck\b|\bnot mov(?:ed|ing)\b|\bgoing nowhere\b|\bdead in the water\b|\bhanging\b|\bstand(?:ing|s)? still\b|\bdragging\b"),
    (Topic.CHANGED, r"\bchang(?:ed|es)\b|\bwhat(?:'s| is| has)? (?:new|moved|happened)\b|\bwhat moved\b|\bwhile i was\b|\bsince (?:last|i|the|my)\b|\bhappened\b|\bprogress\b.*\bsince\b|\bdid i miss\b|\bany (?:news|movement)\b|\bimproved\b|\bworsened\b|\bgot (?:better|worse)\b"),
    (Topic.GATE, r"\bgates?\b|\bready\b|\breadiness\b|\bmove (?:up|on|forward|ahead)\b|\bnext (?:stage|step on)\b|\bladder\b|\bexit criteri|\bpromot(?:e|ion)\b|\bblocking\b|\bholding (?:it|them|\w+) back\b|\bkeeps? .* from\b|\bgo(?:es)? next\b|\badvance\b"),
    (Topic.WEAKEST, r"\bweak(?:est|ness(?:es)?|er)?\b|\bworst\b|\bgaps?\b|\bfall(?:ing)? short\b|\blag(?:ging)? behind\b|\bbiggest (?:problems?|risks?|issues?|worr)|\bworr(?:y|ies|ied)\b.*\bmost\b|\bmost (?:trouble|urgent|pressing|exposed)|\bneeds? (?:the )?most (?:help|attention)|\bfirst priority\b|\bpriorit|\bimmature\b|\bin trouble\b|\bneeds? my attention\b"),
    (Topic.PLATE, r"\bplate\b|\bworking on\b|\bto[- ]?dos?\b|\bon (?:his|her|their) (?:desk|list)\b|\bactions?\b.*\bfor\b|\b(?:does|do|did) [\w\s.'’-]{2,40} (?:own|run|lead|look after|answer for|sponsor|have)\b|\bresponsible for\b|\blooks? after\b|\binvolved in\b"),
    (Topic.OWNER, r"\bwho\b.*\b(?:own|owns|runs?|leads?|accountable|responsible|in charge|answers? for|sponsors?|looks? after)\b|\bowners?\b|\bowned by\b|\bwhose\b|\bwho is (?:on|behind)\b|\bin charge\b|\bsponsor(?:s|ed)?\b|\bwho do i (?:call|ask)|\bwho should i (?:call|ask)"),
    (Topic.STAGE, r"\bright stage\b|\b(?:what|which) stage\b"),
    (Topic.KPI, r"\bkpis?\b|\breadings?\b|\bmetrics?\b|\bmeasur(?:e|es|ed|ing)\b|\bfigures?\b|\bnumbers?\b|\bindicators?\b|\bbaseline\b|\btarget\b"),
    (Topic.STAGE, r"\b(?:what|which) (?:stage|phase|step)\b|\bstage\b.*\b(?:in|at)\b|\bhow (?:long|many (?:days|weeks|months))\b|\bwhere (?:does|is|are)\b.*\b(?:ladder|rollout|stand)|\bsince when\b|\bhow far (?:along|is)|\bshadow period\b"),
)  # fmt: skip
_OURS = re.compile(
    r"\b(?:our|we|us|my)\b|\bthe program(?:me)?\b|\b(?:which|how many|what|list|all|any|every|each)\b[\w\s]{0,20}\b(?:initiatives?|projects?|pilots?|use cases?)\b|\banything\b|\banyone\b|\beverything\b|\bright now\b|\bat the moment\b|\bcurrently\b|\bso far\b",
    re.I,
)
_WHAT_CHANGED = re.compile(r"^\W*what(?:'s| is| has| have)? (?:changed|moved|happened|new|improved|worsened)\b", re.I)
_LISTING = re.compile(r"\b(?:which|how many|list|name (?:them|all|every)|show|count|everything|what (?:initiatives|projects|pilots)|is anything|are any|do any|any of|who(?:se)? (?:has|have) no|where do we)\b", re.I)  # fmt: skip
_TOWARDS_PLAYBOOK = re.compile(
    r"\bplaybooks?\b|\bshould(?:n't)?\b|\benough\b|\bas (?:they|it|we) (?:should|ought)|\bexpects?\b|\bsupposed to\b|\brecommend|\bright (?:stage|way|kpi|time)|\bgood practice|\bbest practice|\bought to\b|\brequired?\b|\bcompared? (?:to|with) (?:the )?(?:playbook|advice|standard|rule)|\bin line with\b|\baccording to\b|\bby the book\b",
    re.I,
)
_ADVICE = re.compile(
    r"\b(?:should|must|ought)\b|^(?:why|how (?:do|can|should|long should|often should|much should))\b", re.I
)
_NONE_OF = {
    "it": "it_owner",
    "ot": "ot_owner",
    "business": "business_owner",
    "sponsor": "sponsor",
    "": "accountable_owner",
}
_WITHOUT = re.compile(
    r"\b(?:no|without(?: an?| any)?|lacks?(?: an?)?|lacking(?: an?)?|missing(?: an?)?|not have an?|n['’]t have an?|need an?)\s+(?:named |accountable |clear )?(?:(?P<side>IT|OT|business)[- ])?(?P<what>owners?|sponsors?|lagging kpis?|lagging (?:indicators?|measures?)|kpis?|status(?: updates?)?)",
    re.I,
)
_IN_PHASE = re.compile(
    r"\b(?:in|at|still in|running in|doing|is|are) (?:the )?(?:a )?(?:shadow|pilot)|\bpilots?\b|\bin production\b|\blive\b",
    re.I,
)
_PILOTS = re.compile(r"\b(?:which|what|how many|our|all|any) pilots\b", re.I)
"""Where people say pilots and mean all initiatives."""
_SILENT = re.compile(r"\bmiss(?:ed|es|ing)? (?:a |an? |their |its )?(?:last )?(?:check-?ins?|updates?|reports?|status)|\bsilent\b|\bgone quiet\b|\bno(?:t| recent)? (?:report|updat|status)", re.I)  # fmt: skip
_KEPT_OF_INITIATIVES = (
    IntegrationDebt, DataContract, DecisionRight, ShadowPeriod, KpiCard, Training, DeferThreshold, RetrainingPlan, GateReview,
)  # fmt: skip
_NAMELIKE = (
    re.compile(r"\b(?P<name>(?:line|lines|press|cell|unit|booth|furnace|plant|hub) (?:\d+|[A-Z]\b))", re.I),
    re.compile(r"\b(?:the |our )(?P<name>[\w-]+(?: [\w-]+){0,2}) (?:project|initiative|hub|plant|site|pilot|use case)\b", re.I),
    re.compile(r"\b(?P<name>[A-Z][\w'’-]+ (?:hub|plant|site))\b"),
    re.compile(r"\b(?P<name>[A-Z][a-zà-ÿ'’-]+ [A-Z][a-zà-ÿ'’-]+)(?:['’]s)?\b"),
    re.compile(r"\b(?:does|do|is|has|for) (?P<name>[A-Z][a-zà-ÿ'’-]+) (?:own|run|lead|working|responsible|in charge|have|on)\b"),
    re.compile(r"\bhow(?: is|'s| are things (?:with|on|at|coming along (?:at|with|on)))(?: the)? (?P<name>[A-Z][\w-]*(?: [\w-]+){0,3}?) (?:doing|going|coming along|getting on|looking)\b"),
)  # fmt: skip
_COMMON = frozenset(
    "the our a an ai whole entire same next first last this that which any each every other new old single shadow pilot it ot kpi api "
    "defer threshold physical average typical industrial good bad stalled failed".split()
)


def understand(question: str, register: Register, today: date, *, before: str = "") -> Asked | None:
    """Return what a question asks of the register, or None when it is a question for the playbooks alone.

    `before` is the earlier question that a follow-up leans on: who is meant may stand there.
    """
    if register.empty:
        return None
    initiatives = _find_initiatives(question, register)
    sites = _find_sites(question, register, initiatives)
    people = _find_people(question, register)
    cards = _find_cards(question, register)
    topic = _find_topic(question)
    unknown = "" if initiatives or sites or people else _find_unknown(question)
    if before and not (initiatives or sites or people or unknown):
        initiatives = _find_initiatives(before, register)
    keep, filter_words = _find_filter(question, register)
    named = bool(initiatives or sites or people or unknown)
    ours = bool(_OURS.search(question))
    advice = bool(_ADVICE.search(question.strip()))
    if not named and not _asks_of_program(question, topic, keep, ours=ours, advice=advice, cards=cards):
        return None
    if (
        unknown
        and topic is None
        and not re.search(r"\bhow (?:is|are|'s)|\bstatus\b|\bwhat about\b|\bdoing\b|\bgoing\b", question, re.I)
    ):
        return None
    if topic in {None, Topic.OWNER, Topic.KPI, Topic.PLATE} and keep and _LISTING.search(question):
        topic = Topic.LIST
    if people and topic in {None, Topic.OWNER, Topic.STATUS}:
        topic = Topic.PLATE
    if topic is None and not initiatives and _LISTING.search(question) and not sites:
        topic = Topic.LIST
    if topic is None and sites and re.search(r"\bhow many\b|\blist\b|\bname them\b", question, re.I):
        topic = Topic.LIST
    if cards and topic in {None, Topic.LIST}:
        topic = Topic.KPI
    return Asked(
        topic=topic or Topic.STATUS,
        initiatives=initiatives,
        sites=sites,
        people=people,
        unknown=unknown,
        wants_playbook=bool(_TOWARDS_PLAYBOOK.search(question)),
        keep=keep,
        filter_words=filter_words,
        since=_find_since(question, today),
        cards=cards,
    )


def _asks_of_program(
    question: str, topic: Topic | None, keep: object, *, ours: bool, advice: bool, cards: Sequence[str]
) -> bool:
    """Whether a question that names nobody and nothing of the register is still about the program."""
    if advice and not re.search(r"\b(?:our|we have|do we|are we|have we)\b", question, re.I):
        return False
    if topic is Topic.OVERDUE or (topic is Topic.CHANGED and _WHAT_CHANGED.search(question)):
        return True
    if find_health_filter(question) and _LISTING.search(question):
        return not advice
    if advice and not (keep and ours):
        return False
    if topic is None:
        return bool((keep and (ours or _LISTING.search(question))) or (cards and ours) or re.search(
            r"\bhow (?:many|are) (?:our |the |we |things |all )?(?:initiatives|projects|pilots|doing)", question, re.I))  # fmt: skip
    if topic in {Topic.GATE, Topic.WEAKEST, Topic.CHANGED, Topic.STALLED, Topic.AGE}:
        return ours and not re.search(r"\b(?:criteria|mean|definition|what is an?|what are)\b", question, re.I)
    return ours and bool(_LISTING.search(question) or keep or (cards and topic is Topic.KPI))


def _find_topic(question: str) -> Topic | None:
    return next((topic for topic, pattern in _TOPICS if re.search(pattern, question, re.I)), None)


def _find_initiatives(question: str, register: Register) -> tuple[Record[Initiative], ...]:
    folded = f"-{fold(question)}-"
    found = []
    for record in register.initiatives:
        names = [fold(name) for name in (record.fields.name, *record.fields.aliases)]
        if any(f"-{name}-" in folded or f"-{name}s-" in folded or f"-{name}-s-" in folded for name in names):
            found.append(record)
    return tuple(found)


def _find_sites(
    question: str, register: Register, initiatives: Sequence[Record[Initiative]]
) -> tuple[Record[Site], ...]:
    folded = f"-{fold(question)}-"
    sites = []
    for record in register.sites:
        words = fold(record.fields.name).split("-")
        telling = [word for word in words if word not in {"plant", "hub", "site", "factory", "warehouse", "the"}]
        taken = any(word in fold(name).split("-") for i in initiatives for name in (i.fields.name, *i.fields.aliases) for word in telling)  # fmt: skip
        if telling and not taken and f"-{'-'.join(telling)}-" in folded:
            sites.append(record)
    return tuple(sites)


def list_people(register: Register) -> tuple[str, ...]:
    """Return everyone whom the register names as an owner or a sponsor."""
    return tuple(sorted({p for i in register.initiatives for f in PEOPLE_FIELDS if (p := getattr(i.fields, f))}))


def _find_people(question: str, register: Register) -> tuple[str, ...]:
    folded = f"-{fold(question.replace('’', ' ').replace(chr(39), ' '))}-"
    people = list_people(register)
    full = [name for name in people if f"-{fold(name)}-" in folded]
    if full:
        return tuple(full)
    found = []
    for name in people:
        for part in (name.split()[0], name.split()[-1]):
            same = [other for other in people if part in other.split()]
            after = re.search(rf"\b{re.escape(part)}\b(?:['’]s)?(?P<next> [A-Z][a-zà-ÿ]+)?", question)
            stranger = after and after["next"] and part == name.split()[0]
            if len(same) == 1 and after and not stranger:
                found.append(name)
    return tuple(dict.fromkeys(found))


def _find_cards(question: str, register: Register) -> tuple[str, ...]:
    folded = f"-{fold(question)}-"
    return tuple(sorted({c.fields.name for c in register.all(KpiCard) if f"-{fold(c.fields.name)}-" in folded}))


def _find_unknown(question: str) -> str:
    for pattern in _NAMELIKE:
        for found in pattern.finditer(question):
            words = found["name"].lower().split()
            starts = question.strip().startswith(found["name"].split()[0])
            if not (set(words) & _COMMON) and not (
                starts and words[0] in {"how", "what", "who", "is", "are", "which", "does"}
            ):
                return found["name"]
    return ""


def _find_filter(question: str, register: Register) -> tuple[Keep | None, str]:
    """Return which initiatives a list asks for, and those words; several filters narrow each other."""
    health = find_health_filter(question) if _LISTING.search(question) else None
    place = None if health and _PILOTS.search(question) else _find_place(question)
    found = [f for f in (_find_lack(question), place, _find_kept(question, register)) if f]
    if health:
        found.append((partial(_has_health, register, health), f"are {health.words}"))
    if not found:
        return None, ""
    checks = [check for check, _ in found]
    said = [words for _, words in found]
    words = said[0] + "".join(f" and {other.removeprefix(said[0].split()[0] + ' ')}" for other in said[1:])
    return (lambda record: all(check(record) for check in checks)), words


def _find_lack(question: str) -> tuple[Keep, str] | None:
    found = _WITHOUT.search(question)
    if found and "owner" in found["what"].lower() + (found["side"] or ""):
        field = _NONE_OF[(found["side"] or "").lower()]
        label = field.replace("_", " ").replace("it ", "IT ").replace("ot ", "OT ")
        return (lambda r: not getattr(r.fields, field)), f"have no {label}"
    if found and "sponsor" in found["what"].lower():
        return (lambda r: not r.fields.sponsor), "have no sponsor"
    return None


def _find_place(question: str) -> tuple[Keep, str] | None:
    for stage in Stage:
        if re.search(rf"\b{stage.value.replace('_', '[ -]')}\b", question, re.I) and "_" in stage.value:
            return partial(_is_in_stage, stage), f"are in {stage.words}"
    if _IN_PHASE.search(question):
        for phase, word in (
            ("shadow", "shadow"),
            ("pilot", "pilot"),
            ("production", "production"),
            ("production", "live"),
        ):
            if re.search(rf"\b{word}", question, re.I):
                return partial(_is_in_phase, phase), f"are in {phase}"
    return None


def _find_kept(question: str, register: Register) -> tuple[Keep, str] | None:
    """Return a filter by what the register holds of an initiative: check-ins in time, a record of some kind."""
    if not _LISTING.search(question):
        return None
    if _SILENT.search(question):
        return (lambda r: describe_status(register, r).missed > 0), "have missed a check-in"
    for model in _KEPT_OF_INITIATIVES:
        words = model.kind.words
        if found := re.search(rf"\b(?P<none>(?:no|without(?: an?)?|lacks?(?: an?)?|missing(?: an?)?|n['’]t have an?) )?(?:\w+ )?{words}s?\b", question, re.I):  # fmt: skip
            article = "" if words.endswith("debt") else "a "
            if found["none"]:
                return partial(_has_none, register, model), f"have no {words}"
            return (lambda r, model=model: not _has_none(register, model, r)), f"have {article}{words}"
    return None


def _has_none(register: Register, model: type[Fields], record: Record[Initiative]) -> bool:
    return not register.of(model, record.subject)


def _has_health(register: Register, health: Health, record: Record[Initiative]) -> bool:
    return describe_status(register, record).health == health.words


def _is_in_stage(stage: Stage, record: Record[Initiative]) -> bool:
    return record.fields.stage is stage


def _is_in_phase(phase: str, record: Record[Initiative]) -> bool:
    return record.fields.stage.phase == phase


def find_health_filter(question: str) -> Health | None:
    """Return the health that a list asks for, or None."""
    for health, pattern in (
        (Health.AT_RISK, r"\bat[- ]risk\b|\bamber\b|\byellow\b"),
        (Health.OFF_TRACK, r"\boff[- ]track\b|\bred\b"),
        (Health.ON_TRACK, r"\bon[- ]track\b|\bgreen\b"),
    ):
        if re.search(pattern, question, re.I):
            return health
    return None


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
