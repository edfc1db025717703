"""What the register holds: one small model a kind of record. Thirteen dimensions are judged by what stands here."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from advisor.domain.base import Value

_UNSAFE = {"Cc", "Cs", "Co", "Cn"}
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _clean(text: str) -> str:
    """Refuse what is not text, and drop the marks that make text read in another order than it is stored."""
    if text.isascii() and text.isprintable():
        return text
    if any(unicodedata.category(c) in _UNSAFE and c not in "\n\t" for c in text):
        raise ValueError("contains bytes that are not text")
    return "".join(c for c in text if c not in _REORDERING)


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_clean)]
Person = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120), AfterValidator(_clean)]
"""A name of a person, or empty while nobody is named."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(_clean)]
Figure = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=18, decimal_places=6)]
Share = Annotated[Decimal, Field(ge=0, le=1)]


class RecordKind(StrEnum):
    """What a record is about."""

    SITE = "site"
    INITIATIVE = "initiative"
    STATUS_UPDATE = "status_update"
    KPI_CARD = "kpi_card"
    KPI_READING = "kpi_reading"
    DECISION_RIGHT = "decision_right"
    DATA_CONTRACT = "data_contract"
    INTEGRATION_DEBT = "integration_debt"
    SHADOW_PERIOD = "shadow_period"
    INTERVENTION = "intervention"
    TRAINING = "training"
    RETRAINING_PLAN = "retraining_plan"
    DEFER_THRESHOLD = "defer_threshold"
    GATE_REVIEW = "gate_review"
    ACTION_ITEM = "action_item"
    LESSON = "lesson"
    EVIDENCE = "evidence"
    TARGET_LEVEL = "target_level"
    PLATFORM_COMMITMENT = "platform_commitment"

    @property
    def words(self) -> str:
        """The kind as a reader would say it."""
        return {"kpi_card": "KPI card", "kpi_reading": "KPI reading"}.get(self.value, self.value.replace("_", " "))


class Track(StrEnum):
    """Which ladder of stages an initiative climbs."""

    FACTORY = "factory"
    LOGISTICS = "logistics"


class Stage(StrEnum):
    """Where an initiative stands on its ladder."""

    SINGLE_LINE_PILOT = "single_line_pilot"
    SINGLE_SHIFT_SHADOW = "single_shift_shadow"
    FULL_SHIFT_OVERRIDE = "full_shift_override"
    MULTI_LINE_SHADOW = "multi_line_shadow"
    PHASED_DEPLOYMENT = "phased_deployment"
    STEADY_STATE = "steady_state"
    PILOT = "pilot"
    SHADOW = "shadow"
    DEFER_THRESHOLD = "defer_threshold"
    LIMITED_AUTONOMY = "limited_autonomy"
    PHASED_ROLLOUT = "phased_rollout"

    @property
    def words(self) -> str:
        """The stage as a reader would say it."""
        return _STAGE_WORDS.get(self.value, self.value.replace("_", " "))

    @property
    def phase(self) -> str:
        """Pilot, shadow or production: the coarsest way to say where an initiative stands."""
        return next((phase for phase in PHASES if phase in self.value), PHASES[-1])


PHASES = ("pilot", "shadow", "production")
_STAGE_WORDS = {
    "single_line_pilot": "single-line pilot",
    "single_shift_shadow": "single-shift shadow",
    "full_shift_override": "full shift with override",
    "multi_line_shadow": "multi-line shadow",
    "defer_threshold": "live with a defer threshold",
}

LADDERS: dict[Track, tuple[Stage, ...]] = {
    Track.FACTORY: (
        Stage.SINGLE_LINE_PILOT,
        Stage.SINGLE_SHIFT_SHADOW,
        Stage.FULL_SHIFT_OVERRIDE,
        Stage.MULTI_LINE_SHADOW,
        Stage.PHASED_DEPLOYMENT,
        Stage.STEADY_STATE,
    ),
    Track.LOGISTICS: (
        Stage.PILOT,
        Stage.SHADOW,
        Stage.DEFER_THRESHOLD,
        Stage.LIMITED_AUTONOMY,
        Stage.PHASED_ROLLOUT,
    ),
}
"""The factory ladder is the source's five stages (S4) and a steady state; the logistics ladder is our default."""


class Health(StrEnum):
    """How an initiative is doing, as its owner says."""

    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    OFF_TRACK = "off_track"
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """The health as a reader would say it."""
        return self.value.replace("_", " ")


class Activity(StrEnum):
    """Whether an initiative is being worked on."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"


class Fields(Value):
    """What a record says. A log entry sets some of the fields; the record is what all its entries add up to."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    kind: ClassVar[RecordKind]


class Site(Fields):
    """A plant or hub."""

    kind: ClassVar = RecordKind.SITE
    name: Name
    type: Track
    label: Text = Field(default="", description="Access label; empty means that everyone may see it.")


class Initiative(Fields):
    """One AI use case at one site."""

    kind: ClassVar = RecordKind.INITIATIVE
    name: Name
    aliases: tuple[Name, ...] = ()
    site: Name
    track: Track
    stage: Stage
    activity: Activity = Activity.ACTIVE
    use_case: Text = ""
    accountable_owner: Person = ""
    business_owner: Person = ""
    it_owner: Person = ""
    ot_owner: Person = ""
    sponsor: Person = ""
    started_on: date | None = None
    go_live_on: date | None = None
    next_gate_on: date | None = None
    check_in_days: int = Field(default=14, ge=1, le=365, description="Days between two status updates.")
    label: Text = Field(default="", description="Access label; empty means that everyone may see it.")


class OfInitiative(Fields):
    """A record that belongs to one initiative."""

    initiative: Name


class StatusUpdate(OfInitiative):
    """What the owner reports; the entry's effective date is the date that it holds for."""

    kind: ClassVar = RecordKind.STATUS_UPDATE
    health: Health
    summary: Text = ""
    risks: Text = ""
    next_step: Text = ""
    false_alarms: int | None = Field(default=None, ge=0, description="False alarms since the update before.")


class KpiCard(OfInitiative):
    """A measure that was agreed on."""

    kind: ClassVar = RecordKind.KPI_CARD
    name: Name
    role: Literal["leading", "lagging", "counter", "adoption", "model_quality"]
    unit: Text = ""
    direction: Literal["up", "down"]
    baseline: Figure | None = None
    target: Figure | None = None
    outcome: Text = Field(default="", description="The business outcome that it stands for.")
    window_months: int | None = Field(default=None, ge=1, le=36, description="Months of production until it is judged.")
    counter_measure: Text = Field(default="", description="The cost or loss watched beside a leading measure.")
    may_be_negative: bool = False


class KpiReading(OfInitiative):
    """One value of a KPI; the entry's effective date is the end of its period."""

    kind: ClassVar = RecordKind.KPI_READING
    card: Name
    role: Text = Field(default="", description="The role of its card; the register fills it in.")
    value: Figure
    source: Text = ""


class DecisionRight(OfInitiative):
    """Who decides when the AI says one thing and a person another."""

    kind: ClassVar = RecordKind.DECISION_RIGHT
    decision: Name
    recommends: Text = ""
    decides: Person = ""
    override_by: Person = ""
    escalate_to: Person = ""
    documented_in: Text = ""
    status: Literal["draft", "signed"] = "draft"


class DataContract(OfInitiative):
    """What a source system promises."""

    kind: ClassVar = RecordKind.DATA_CONTRACT
    source_system: Name
    owner: Person = ""
    fields_described: bool = False
    time_base: Text = ""
    calibration: Text = Field(default="", description="The calibration schedule of the sensors.")
    labels: Text = Field(default="", description="How labels are made and renewed.")
    checked_automatically: bool = False
    status: Literal["draft", "signed", "breached"] = "draft"
    review_on: date | None = None


class IntegrationDebt(OfInitiative):
    """One old compromise that limits the AI."""

    kind: ClassVar = RecordKind.INTEGRATION_DEBT
    system: Name
    type: Literal["no_api", "tagging", "master_data", "segmentation", "identity", "other"]
    workaround: Text = ""
    severity: Literal["critical", "high", "medium", "low"]
    manual_step: bool = Field(default=False, description="Whether a person moves data by hand.")
    action: Literal["modify", "replace", "accept", "undecided"] = "undecided"
    owner: Person = ""
    due_on: date | None = None
    status: Literal["open", "in_progress", "accepted", "closed"] = "open"


class ShadowPeriod(OfInitiative):
    """A time in which recommendations are shown and nobody is expected to act."""

    kind: ClassVar = RecordKind.SHADOW_PERIOD
    started_on: date
    ended_on: date | None = None
    mandatory: bool = False
    track_record_published: bool = False
    precision: Share | None = None
    false_positives: int | None = Field(default=None, ge=0)
    false_positives_first_week: int | None = Field(default=None, ge=0)

    @property
    def days(self) -> int | None:
        """Whole days from start to end; None while it runs."""
        return (self.ended_on - self.started_on).days if self.ended_on else None


class Intervention(OfInitiative):
    """One recommendation and what came of it; the effective date is the day it was delivered."""

    kind: ClassVar = RecordKind.INTERVENTION
    asset: Name
    action: Text
    channel: Literal["cmms", "wms", "operator_dashboard", "email", "portal", "other"]
    deadline_on: date | None = None
    owner: Person = ""
    response: Literal["acted", "deferred", "dismissed", "none"] = "none"
    reason: Text = ""
    outcome: Literal["true_positive", "false_positive", "unknown"] = "unknown"


class Training(OfInitiative):
    """What a role was taught."""

    kind: ClassVar = RecordKind.TRAINING
    role: Name
    topic: Name
    type: Literal["one_time", "continuous"] = "one_time"
    planned_on: date | None = None
    completed_on: date | None = None


class RetrainingPlan(OfInitiative):
    """How a model is kept good."""

    kind: ClassVar = RecordKind.RETRAINING_PLAN
    model: Name
    owner: Person = ""
    every_days: int | None = Field(default=None, ge=1, le=1095)
    budgeted: bool = False
    last_retrained_on: date | None = None
    rollback_tested_on: date | None = None

    @property
    def next_due_on(self) -> date | None:
        """The day of the next retraining; None while there was none, or no schedule."""
        if self.last_retrained_on is None or self.every_days is None:
            return None
        return self.last_retrained_on + timedelta(days=self.every_days)


class DeferThreshold(OfInitiative):
    """The confidence under which a logistics system leaves the decision to people."""

    kind: ClassVar = RecordKind.DEFER_THRESHOLD
    confidence: Share
    calibrated_on: date | None = None
    calibrated_with: Literal["pilot", "production"] = "pilot"
    defer_rate: Share | None = None


class GateReview(OfInitiative):
    """A decision to move on, or not."""

    kind: ClassVar = RecordKind.GATE_REVIEW
    from_stage: Stage
    to_stage: Stage
    outcome: Literal["pass", "conditional", "fail", "override"]
    criteria: tuple[Name, ...] = Field(default=(), description="Ids of the criteria that an override sets aside.")
    reason: Text = ""
    approver: Person = ""


class ActionItem(Fields):
    """One line of a checklist: owned, dated work that keeps its citation."""

    kind: ClassVar = RecordKind.ACTION_ITEM
    title: Name | Text
    initiative: Text = ""
    site: Text = ""
    owner: Person = ""
    due_on: date | None = None
    status: Literal["open", "in_progress", "blocked", "done", "cancelled"] = "open"
    section_id: Text = Field(default="", description="The playbook section that asks for it.")
    quote: Text = ""
    criterion: Text = Field(default="", description="The criterion that it closes.")
    recurs_days: int | None = Field(default=None, ge=1, le=365)
    done_on: date | None = None
    evidence: Text = ""


class Lesson(OfInitiative):
    """What was learnt, written down before it is lost."""

    kind: ClassVar = RecordKind.LESSON
    what_happened: Text
    dimension: Text = ""


class Verdict(StrEnum):
    """What an attestation says of a criterion."""

    MET = "met"
    PARTLY = "partly"
    UNMET = "unmet"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class Evidence(Fields):
    """A document, metric or statement that speaks to a criterion of the program, a site or an initiative."""

    kind: ClassVar = RecordKind.EVIDENCE
    criterion: Name
    verdict: Verdict
    type: Literal["document", "record", "metric", "observation", "attestation"] = "attestation"
    initiative: Text = ""
    site: Text = ""
    reference: Text = Field(default="", description="Where to find it.")
    note: Text = ""
    by: Person = ""
    expires_on: date | None = None


class TargetLevel(Fields):
    """The level that the program wants to reach in a dimension."""

    kind: ClassVar = RecordKind.TARGET_LEVEL
    dimension: Name
    level: int = Field(ge=1, le=5)
    by: date | None = None


class PlatformCommitment(Fields):
    """A decision to buy or extend AI infrastructure; the effective date is the day it was decided."""

    kind: ClassVar = RecordKind.PLATFORM_COMMITMENT
    name: Name
    amount: Text = ""
    operating_model_checked: bool = False


FIELDS: dict[RecordKind, type[Fields]] = {
    model.kind: model
    for model in (
        Site, Initiative, StatusUpdate, KpiCard, KpiReading, DecisionRight, DataContract, IntegrationDebt, ShadowPeriod,
        Intervention, Training, RetrainingPlan, DeferThreshold, GateReview, ActionItem, Lesson, Evidence, TargetLevel,
        PlatformCommitment,
    )
}  # fmt: skip
"""The model of each kind of record."""
