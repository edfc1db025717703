"""Which initiatives a list keeps: by what they lack, where they stand, how they do, what is recorded of them."""

from __future__ import annotations

import re
from collections.abc import Callable
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
    Intervention,
    KpiCard,
    Lesson,
    PlatformCommitment,
    RetrainingPlan,
    ShadowPeriod,
    Stage,
    StatusUpdate,
    Training,
)
from advisor.domain.register import AnyRecord, Record, Register
from advisor.program.gates import describe_status
from advisor.text import content_stems

Keep = Callable[[Record[Initiative]], bool]
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
_SILENT = re.compile(r"\bmiss(?:ed|es|ing)? (?:a |an? |their |its )?(?:last )?(?:check-?ins?|updates?|reports?|status)|\bsilent\b|\bgone quiet\b|\bno(?:t| recent)? (?:report|updat|status)", re.I)  # fmt: skip
_PILOTS = re.compile(r"\b(?:which|what|how many|our|all|any) pilots\b", re.I)
"""Where people say pilots and mean all initiatives."""
_KEPT_OF_INITIATIVES = (
    IntegrationDebt, DataContract, DecisionRight, ShadowPeriod, KpiCard, Training, DeferThreshold, RetrainingPlan, GateReview,
)  # fmt: skip
LISTING = re.compile(r"\b(?:which|how many|list|name (?:them|all|every)|show|count|everything|what (?:initiatives|projects|pilots)|is anything|are any|do any|any of|who(?:se)? (?:has|have) no|where do we)\b", re.I)  # fmt: skip


def find_filter(question: str, register: Register) -> tuple[Keep | None, str]:
    """Return which initiatives a list asks for, and those words; several filters narrow each other."""
    health = find_health_filter(question) if LISTING.search(question) else None
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
    if not LISTING.search(question):
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


class Records(NamedTuple):
    """Records that a question asks for: of which kind, which of them, and those words."""

    model: type[Fields]
    keep: Callable[[AnyRecord], bool] | None
    words: str


def find_records(question: str) -> Records | None:
    """Return the kind of record that a question names, and how it narrows it; None when it names none."""
    for model, pattern in _KINDS:
        if re.search(pattern, question, re.I):
            for name, words, wanted, values in _STATES:
                if name in model.model_fields and re.search(words, question, re.I):
                    return Records(model, partial(_has_value, name, values), wanted)
            return Records(model, None, "")
    return None


def find_titled(question: str, register: Register) -> Records | None:
    """Return the records of which a question uses two words of the title, or None."""
    said = set(content_stems(question))
    titles = [r.fields.name for r in register.initiatives] + [r.fields.name for r in register.sites]
    names = {stem for title in titles for stem in content_stems(title)}
    for model, field in _TITLES:
        found = [
            r for r in register.all(model) if len((set(content_stems(getattr(r.fields, field))) - names) & said) > 1
        ]
        if found:
            return Records(model, partial(_is_one_of, frozenset(r.subject for r in found)), "")
    return None


def _is_one_of(subjects: frozenset[str], record: AnyRecord) -> bool:
    return record.subject in subjects


def _has_value(name: str, values: tuple[str, ...], record: AnyRecord) -> bool:
    return str(getattr(record.fields, name)) in values


_TITLES: tuple[tuple[type[Fields], str], ...] = ((PlatformCommitment, "name"), (IntegrationDebt, "system"))
"""Records that people ask for by their titles."""
_KINDS: tuple[tuple[type[Fields], str], ...] = (
    (DataContract, r"\bdata contracts?\b"),
    (IntegrationDebt, r"\bintegration debts?\b|\btechnical debt\b|\bworkarounds?\b"),
    (DecisionRight, r"\bdecision rights?\b|\bwho (?:can|may|is allowed to|has the right to|decides|gets to) (?:\w+ )?(?:overrid\w+|overrul\w+|stop|whether|when)|\boverride (?:rule|right)s?\b"),
    (Intervention, r"\binterventions?\b|\b(?:tips|recommendations?|suggestions?|alerts|warnings)\b.*\b(?:repl(?:y|ied|ies)|respon\w+|answer(?:ed|s)?|follow(?:ed)?|dismiss\w*|ignored?|acted|email|e-mail|mail)\b"),
    (RetrainingPlan, r"\bre-?train(?:s|ed|ing)?\b"),
    (Training, r"\btrainings?\b|\bwho (?:was|were|has been|have been) trained\b"),
    (DeferThreshold, r"\bdefer(?:ral)? thresholds?\b|\bcut[- ]?offs?\b|\bconfidence\b.*\b(?:cut[- ]?off|thresholds?|limit|set|calibrated)\b|\b(?:cut[- ]?off|thresholds?)\b.*\b(?:confidence|calibrated)\b"),
    (GateReview, r"\bgate (?:reviews?|decisions?|approvals?)\b|\boverrides? of gates?\b|\bwho (?:approved|signed off|waved|cleared|let)\b|\b(?:was|were|got|been) approved\b"),
    (Lesson, r"\blessons?\b|\bwhat did we learn\b"),
    (PlatformCommitment, r"\b(?:platform|infrastructure) (?:commitments?|decisions?|spend(?:ing)?|investments?|costs?|contracts?|licen[cs]es?|money)\b|\b(?:committed|commitments?|spent|spend)\b.*\b(?:platforms?|infrastructure)\b"),
    (StatusUpdate, r"\bfalse (?:alarms?|positives?|alerts?)\b"),
)  # fmt: skip
_STATES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("status", r"\b(?:not (?:yet )?signed|unsigned|draft|still to be signed|without signature)\b", "are unsigned", ("draft", "breached")),
    ("status", r"\bbreach", "are breached", ("breached",)),
    ("status", r"\bsigned\b", "are signed", ("signed",)),
    ("status", r"\b(?:open|unresolved|left|outstanding)\b", "are open", ("open", "in_progress")),
    ("status", r"\b(?:closed|resolved|done)\b", "are closed", ("closed", "done")),
    ("response", r"\bdismiss", "were dismissed", ("dismissed",)),
    ("response", r"\b(?:deferred|put off)\b", "were deferred", ("deferred",)),
    ("response", r"\bacted\b|\bfollowed\b", "were acted on", ("acted",)),
    ("response", r"\b(?:ignored|no response|unanswered|without a response)\b", "got no response", ("none",)),
    ("outcome", r"\boverrid", "were overrides", ("override",)),
)  # fmt: skip
