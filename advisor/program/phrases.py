"""What words of a status message mean: days, health, stages, figures. By rule; what is not understood is not guessed."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from advisor.domain.records import LADDERS, Activity, Health, Stage, Track

_MONTHS = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)}  # fmt: skip
_MONTH = r"(?P<{0}>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = r"\b(?P<plan>next |coming |by |until |till |before |every |each )?(?P<day>(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)day|mon|tue|tues|wed|thu|thur|thurs|fri)s?\b"
_ISO = re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})\b")
_DAY_FIRST = re.compile(
    rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH.format('month')}(?:,? (?P<y>\d{{4}}))?\b", re.I
)
_MONTH_FIRST = re.compile(rf"\b{_MONTH.format('month')} (?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<y>\d{{4}}))?\b", re.I)
_DOTTED = re.compile(r"\b(?P<d>\d{1,2})[./](?P<m>\d{1,2})[./](?P<y>\d{4})\b")
_AGO = re.compile(r"\b(?P<n>\w+(?:-\w+)?) (?P<unit>day|week)s? ago\b", re.I)
_ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
         "eighteen nineteen").split()  # fmt: skip
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
NUMBER = (
    r"(?:-?\d+(?:[.,]\d+)?|(?:"
    + "|".join(_TENS)
    + r")(?:[- ](?:"
    + "|".join(_ONES[1:10])
    + r"))?|"
    + "|".join(sorted(_ONES, key=len, reverse=True))
    + r"|no|a dozen)"
)
"""A number in digits or in words, as a pattern."""

_HEALTH = (
    (Health.ON_TRACK, r"(?:back )?on[- ]track|green(?! light)|doing (?:fine|well|great|ok(?:ay)?)|all (?:good|fine|well)|(?:looking|looks) good|healthy|running smoothly"),
    (Health.AT_RISK, r"at[- ]risk|amber|yellow|orange|(?:a bit )?(?:shaky|wobbly)|slipping"),
    (Health.OFF_TRACK, r"off[- ]track|red(?! (?:light|tape|button|lamp|line|cable|flag))|in trouble|derailed"),
)  # fmt: skip
_NEGATED = re.compile(
    r"(?:\bnot|n['’]t|\bno longer|\bneither|\bnor|\bnever|\bout of(?: the)?|\bwithout|\bfrom|\bwas|\bwere|\bhad been)(?: \w+){0,2}\W*$",
    re.I,
)
_STAGES: tuple[tuple[str, tuple[Stage, ...]], ...] = (
    (r"single[- ]line pilot", (Stage.SINGLE_LINE_PILOT,)),
    (r"single[- ]shift(?: shadow(?:ing)?(?: operation| mode| period)?)?", (Stage.SINGLE_SHIFT_SHADOW,)),
    (r"full[- ]shift(?:(?: operation)?(?: on one line)?(?: with)?(?: manual)?[- ]override)?", (Stage.FULL_SHIFT_OVERRIDE,)),
    (r"multi[- ]?line(?: shadow(?:ing)?)?", (Stage.MULTI_LINE_SHADOW,)),
    (r"(?:phased )?(?:deployment|rollout|roll-out)", (Stage.PHASED_DEPLOYMENT, Stage.PHASED_ROLLOUT)),
    (r"steady[- ]state", (Stage.STEADY_STATE,)),
    (r"(?:live with (?:a |the )?)?defer(?:ral)?[- ]threshold", (Stage.DEFER_THRESHOLD,)),
    (r"limited autonomy", (Stage.LIMITED_AUTONOMY,)),
    (r"shadow(?:ing)?(?: operation| mode| period| stage)?", (Stage.SINGLE_SHIFT_SHADOW, Stage.MULTI_LINE_SHADOW, Stage.SHADOW)),
    (r"pilot(?: stage| phase)?", (Stage.PILOT, Stage.SINGLE_LINE_PILOT)),
)  # fmt: skip
_INTO = (
    r"(?:(?:has |have |had |was |been |just |now |finally |got |to )*(?:mov(?:ed?|ing)|went|gone?|going|jump(?:ed)?|switched|promoted"
    r"|progressed|advanced|graduated|stepped|fell|dropped|slipped|pushed|put|set|taken|transitioned|shifted)"
    r"(?: up| down| on| over| back| straight| directly| again)*(?: from [\w\s-]{3,40}?)? (?:in)?to|entered|reached|hit|starte?d(?: the| with)?"
    r"|began|kicked off|is now (?:in|at)|(?:now|currently|back) in|is in|are in|goes into|moves (?:in)?to|go(?:es)? back to|go(?:es)? live (?:with|in)|live (?:in|with))"
)  # fmt: skip
_NOT_MOVED = re.compile(r"(?:n['’]t|\bnot|\bnever|\bshould|\bwill|\bwould|\bmight|\bcould|\bwants? to|\bplans? to|\bready to|\babout to|\bhop(?:e|ing) to|\bplan is to|\bgoing to)(?: \w+){0,2}\W*$", re.I)  # fmt: skip


_LIVE = re.compile(r"\b(?:went|has gone|gone|is now|are now) live\b(?! (?:with|in)\b)", re.I)


class Day(NamedTuple):
    """A day that a message names. `problem` says why it cannot be used."""

    day: date | None
    problem: str = ""


def find_day(text: str, today: date) -> Day | None:
    """Return the day on which the facts of a message hold, or None when it names none."""
    for pattern in (_ISO, _DOTTED, _DAY_FIRST, _MONTH_FIRST):
        if found := pattern.search(text):
            return _from_calendar(found, today)
    low = text.lower()
    if re.search(r"\byesterday\b|\blast night\b", low):
        return Day(today - timedelta(days=1))
    if re.search(r"\b(?:tomorrow|next week|next month)\b", low) and not re.search(r"\btoday\b", low):
        moved = find_move(text, None, None)
        return Day(None, "That has not happened yet.") if moved else None
    if re.search(r"\b(?:today|this morning|this afternoon|tonight|this evening|as of now)\b", low):
        return Day(today)
    if found := _AGO.search(text):
        number = parse_number(found["n"])
        if number is not None:
            return Day(today - timedelta(days=int(number) * (7 if found["unit"].lower() == "week" else 1)))
    for found in re.finditer(_WEEKDAY, text, re.I):
        if not found["plan"]:
            place = next(i for i, name in enumerate(_WEEKDAYS) if name.startswith(found["day"].lower()[:3]))
            return Day(today - timedelta(days=(today.weekday() - place) % 7))
    return None


def _from_calendar(found: re.Match[str], today: date) -> Day:
    groups = found.groupdict()
    month = _MONTHS[groups["month"].lower()[:3]] if groups.get("month") else int(groups["m"])
    year = int(groups["y"]) if groups.get("y") else today.year
    try:
        day = date(year, month, int(groups["d"]))
    except ValueError:
        return Day(None, f"{found.group().strip()} is no day of the calendar.")
    if day > today and not groups.get("y"):
        earlier = date(year - 1, month, int(groups["d"])) if (month, int(groups["d"])) != (2, 29) else None
        if earlier and (today - earlier).days <= 120:
            return Day(earlier)
    if day > today:
        return Day(None, f"{found.group().strip()} is in the future.")
    return Day(day)


def parse_number(raw: str) -> Decimal | None:
    """Return the number that digits or words mean, or None."""
    text = raw.strip().lower().replace(",", ".")
    if re.fullmatch(r"-?\d+(?:\.\d+)?", text):
        return Decimal(text)
    if text in {"no", "zero", "none"}:
        return Decimal(0)
    if text in {"a dozen", "dozen"}:
        return Decimal(12)
    if text in {"a", "an"}:
        return Decimal(1)
    if text in _ONES:
        return Decimal(_ONES.index(text))
    tens, _, ones = text.replace(" ", "-").partition("-")
    if tens in _TENS and (not ones or ones in _ONES[1:10]):
        return Decimal(_TENS[tens] + (_ONES.index(ones) if ones else 0))
    return None


def denies_health(text: str) -> bool:
    """Whether a message says only what the health is not, so that what it is has to be asked."""
    return find_health(text) is None and any(
        re.search(r"(?:\bnot|n['’]t|\bno longer|\bneither|\bnor)(?: \w+){0,2}\W*$", text[: found.start()][-40:], re.I)
        for _, pattern in _HEALTH
        for found in re.finditer(rf"\b(?:{pattern})\b", text, re.I)
    )


def find_activity(text: str) -> Activity | None:
    """Return whether a message says that the work was paused or stopped."""
    for activity, pattern in (
        (Activity.PAUSED, r"\b(?:is|was|has been|we|put|now) (?:paused|on hold|suspended)\b|\bon hold\b"),
        (Activity.STOPPED, r"\b(?:we|was|is|has been|have been|been) (?:\w+ )?(?:stopped|cancelled|canceled|killed|shut down|abandoned)\b(?! (?:for|by|at|on|the line))|\bis dead\b"),
    ):  # fmt: skip
        if re.search(pattern, text, re.I):
            return activity
    return None


def find_health(text: str) -> Health | None:
    """Return the health that a message states now: what it was, or no longer is, does not count."""
    stated: list[tuple[int, Health]] = []
    for health, pattern in _HEALTH:
        for found in re.finditer(rf"\b(?:{pattern})\b", text, re.I):
            if not _NEGATED.search(text[: found.start()][-40:]):
                stated.append((found.start(), health))
    return max(stated)[1] if stated else None


class Move(NamedTuple):
    """A move to a stage that a message states. `stage` is None when the stage is not understood."""

    stage: Stage | None
    said: str


def find_move(text: str, track: Track | None, present: Stage | None) -> Move | None:
    """Return the move that a message states, or None when it states none."""
    names = "|".join(pattern for pattern, _ in _STAGES)
    for found in re.finditer(
        rf"\b{_INTO}\s+(?:the |its |their |a )?(?P<to>(?:{names})\b|[\w-]+(?: [\w-]+)? stage\b)", text, re.I
    ):
        if _NOT_MOVED.search(text[: found.start()][-40:]):
            continue
        said = found["to"].lower()
        stages = next((stages for pattern, stages in _STAGES if re.fullmatch(pattern, said, re.I)), ())
        return Move(_choose(stages, track, present), said)
    if (live := _LIVE.search(text)) and not _NOT_MOVED.search(text[: live.start()][-40:]):
        return Move(None, "live")
    return None


def _choose(stages: tuple[Stage, ...], track: Track | None, present: Stage | None) -> Stage | None:
    """Return the stage of the track that is meant; of several, the next one on the ladder, else the present one."""
    if track is None:
        return stages[0] if len(stages) == 1 else None
    fitting = [stage for stage in stages if stage in LADDERS[track]]
    if not fitting:
        return None
    if present is None or len(fitting) == 1:
        return fitting[0]
    place = LADDERS[track].index(present)
    return min(fitting, key=lambda s: ((LADDERS[track].index(s) - place) != 1, abs(LADDERS[track].index(s) - place)))


def find_false_alarms(text: str) -> int | None:
    """Return how many false alarms a message reports, or None."""
    found = re.search(rf"(?<![\w-])(?P<n>{NUMBER})(?: \w+)? false[- ](?:alarms?|positives?|alerts?)", text, re.I)
    if not found:
        found = re.search(
            rf"false[- ](?:alarms?|positives?|alerts?)(?: count)?(?: \w+)?(?: at| is| are|:|,| =)+ ?(?P<n>{NUMBER})\b",
            text,
            re.I,
        )
    number = parse_number(found["n"]) if found else None
    if number is None and re.search(
        r"\b(?:without(?: any)?|not a single|free of) false[- ](?:alarm|positive|alert)", text, re.I
    ):
        return 0
    return int(number) if number is not None and number == int(number) else None


def find_reading(text: str, name: str) -> Decimal | None:
    """Return the value of a KPI that a message reports, or None."""
    kpi = r"[\s-]+".join(re.escape(word) for word in name.split())
    span = rf"\bfrom {NUMBER}(?: ?\S{{1,12}})? to (?P<n>{NUMBER})"
    for pattern in (
        rf"\b{kpi}\b[^.;!?\n]{{0,25}}?{span}",
        rf"\b{kpi}\b(?!\s+target)(?:\s+(?:is|was|are|came|come|comes|in|at|now|rose|fell|dropped|climbed|went|up|down|to|stands|stood|hit|reached|of|reads|back|only|just|still|again|this|last|week|month|today|yesterday|around|about|roughly))*[\s:=,–-]*(?P<n>{NUMBER})\b",
        rf"\b(?P<n>{NUMBER})\s+{kpi}s?\b",
        rf"\b(?P<n>{NUMBER})\s*(?:%|percent|hours?|kwh|h)?\s+(?:of\s+)?{kpi}\b",
    ):
        if found := re.search(pattern, text, re.I):
            return parse_number(found["n"])
    return None
