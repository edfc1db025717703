"""What checking the register against the criteria yields: findings, levels, gaps, gates, and the page telling them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from advisor.domain.base import Value
from advisor.domain.criteria import Criterion, Scope
from advisor.domain.dialogue import CitedSource
from advisor.domain.records import RecordKind, Stage
from advisor.domain.register import AnyRecord

TOP_GAPS = 5
PROGRAM = "program"
"""The place of what is asked once of the whole program."""
_MOST_ABOUT_ONE = 2


class State(StrEnum):
    """How a criterion stands. Unknown is never counted as zero."""

    MET = "met"
    UNMET = "unmet"
    STALE = "stale"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class EntryRef(Value):
    """A citation of the register: the record, its newest entry, the day that it holds for, and what it says."""

    kind: RecordKind
    subject: str
    number: int
    as_of: date
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How one criterion stands for one initiative, one site, or (with an empty subject) the program.

    `attested` says whether it rests on what someone said and not on records; `conflict` what an attestation says
    against the records.
    """

    criterion: Criterion
    scope: Scope
    subject: str
    state: State
    say: Callable[[], str]
    records: tuple[AnyRecord, ...] = ()
    attested: bool = False
    conflict: str = ""

    @property
    def reason(self) -> str:
        """What the register shows, in a sentence."""
        return self.say()

    @property
    def open(self) -> bool:
        """Whether something is left to do: not met, and asked at all."""
        return self.state not in {State.MET, State.NOT_APPLICABLE}


class DimensionLevel(Value):
    """A level of 0 to 5, or None while nothing is known.

    `floor` is the highest level of which every criterion that is asked, at that level and below, is met; `average` the
    mean of the levels of the `known_initiatives` that have one, to one decimal. `known` of `asked` findings rest on
    evidence.
    """

    dimension: str
    title: str
    short: str
    floor: int | None
    average: float | None
    target: int
    known: int
    asked: int
    initiatives: int = 0
    known_initiatives: int = 0
    before: float | None = None
    """The average at the day of comparison."""


class PlaybookRef(Value):
    """A citation of the playbook passage that asks for something."""

    section_id: str
    playbook: str
    section: str
    quote: str
    sources: tuple[CitedSource, ...] = ()
    reviewed_on: date | None = None


class Gap(Value):
    """A criterion that does not hold, for all initiatives or sites where it does not, cited on both sides.

    `proposed` says that owner and due date are a proposal, since no action item names them.
    """

    criterion: str
    title: str
    says: str
    why: str
    dimension: str
    level: int
    state: State
    where: tuple[str, ...]
    subjects: tuple[str, ...]
    asked: int
    priority: float
    blocks: tuple[str, ...]
    reason: str
    evidence: tuple[EntryRef, ...]
    playbook: PlaybookRef
    threshold_notes: tuple[str, ...]
    action: str
    owner: str
    due: date
    proposed: bool
    overdue: bool = False
    conflict: str = ""


class Sign(StrEnum):
    """What makes an initiative look stalled."""

    TIME = "time"
    SILENCE = "silence"
    NO_OWNER = "no_owner"


class GateItem(Value):
    """One exit criterion of the stage and how it stands; `title` names what is wrong when it does not hold."""

    criterion: str
    title: str
    says: str
    state: State
    reason: str
    action: str
    evidence: tuple[EntryRef, ...]
    playbook: PlaybookRef


class GateReadiness(Value):
    """Whether an initiative may leave its stage. `set_aside` are criteria that an override names, with its reason."""

    initiative: str
    name: str
    stage: Stage
    next_stage: Stage | None
    since: date
    days_in_stage: int
    day_limit: int | None
    gate_on: date | None
    items: tuple[GateItem, ...]
    set_aside: tuple[str, ...] = ()
    override: str = ""
    signs: tuple[Sign, ...] = ()
    stalled: bool = False

    @property
    def open_items(self) -> tuple[GateItem, ...]:
        """The exit criteria that are unmet, stale or unknown, and that no override sets aside."""
        open_states = (State.UNMET, State.STALE, State.UNKNOWN)
        return tuple(i for i in self.items if i.state in open_states and i.criterion not in self.set_aside)

    @property
    def ready(self) -> bool:
        """Whether every exit criterion is met, does not apply, or was set aside."""
        return self.next_stage is not None and not self.open_items


class Change(Value):
    """A finding that differs from the one at the day of comparison, and why."""

    criterion: str
    dimension: str
    says: str
    where: str
    before: State
    after: State
    why: str

    @property
    def improved(self) -> bool:
        """Whether it went from open to met."""
        return self.after is State.MET


class OverdueItem(Value):
    """An action whose day has passed."""

    subject: str
    title: str
    owner: str
    due: date
    days: int
    where: str


class UnknownTopic(Value):
    """A dimension in which the register holds no evidence, and who could supply it."""

    dimension: str
    title: str
    open: int
    ask: str
    """The first question that an answer to would help."""
    who: str


class StatusLine(Value):
    """How one initiative stands in its owner's words, and how old that is."""

    initiative: str
    name: str
    site: str
    stage: Stage
    health: str
    owner: str
    summary: str
    as_of: date | None
    age: int | None
    """Days since the last status update."""
    missed: int
    """Check-ins that were due since then."""
    ref: EntryRef | None = None


class GapSummary(Value):
    """The one page. Every number in it is counted from the register, and each rendering shows the same ones."""

    headline: str
    decision: str
    scope: str
    as_of: date
    since: date
    empty: bool
    initiatives: int
    by_phase: tuple[tuple[str, int], ...]
    """Active initiatives in pilot, in shadow and in production."""
    fresh: int
    """Initiatives whose last status update is no older than their check-in cadence."""
    blocked: int
    """Initiatives that lack an exit criterion of their stage."""
    levels: tuple[DimensionLevel, ...]
    heat: tuple[tuple[str, tuple[int | None, ...]], ...]
    """Name of each initiative and its level in each dimension, in the order of `levels`."""
    trend: tuple[tuple[date, tuple[float | None, ...]], ...]
    """The average of every dimension, in the order of `levels`, at the end of each of the last months."""
    gaps: tuple[Gap, ...]
    open_gaps: int
    improved: tuple[Change, ...]
    worsened: tuple[Change, ...]
    arisen: tuple[Change, ...]
    overdue: tuple[OverdueItem, ...]
    stalled: tuple[str, ...]
    unknown: tuple[UnknownTopic, ...]
    caveats: tuple[str, ...]
    entries: int
    """Number of the newest entry that the page rests on."""
    digest: str
    """Fingerprint of the criteria and findings."""

    @property
    def top(self) -> tuple[Gap, ...]:
        """The gaps for the page: the most pressing ones, no more than two about one initiative alone."""
        shown: list[Gap] = []
        alone: Counter[str] = Counter()
        for gap in self.gaps:
            if len(gap.where) == 1 and gap.where[0] != PROGRAM:
                alone[gap.where[0]] += 1
                if alone[gap.where[0]] > _MOST_ABOUT_ONE:
                    continue
            shown.append(gap)
        return tuple(shown[:TOP_GAPS])
