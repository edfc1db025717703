"""What the playbooks require of a program, as rules that the register can be checked against."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, Literal

from pydantic import Field, field_validator

from advisor.domain.base import Value
from advisor.domain.dialogue import CitedSource
from advisor.domain.records import FIELDS, LADDERS, RecordKind, Stage, Track

_BOUND = re.compile(r"^(?P<sign>>=|<=)\s*(?P<bound>\d+(?:\.\d+)?|[a-z][a-z_]*)$")
_QUANTITY = re.compile(r"^(?P<what>count|share)\s*(?P<bound>(?:>=|<=).*)$")
MAX_LEVEL = 5


class Scope(StrEnum):
    """Of what a criterion is asked: of each initiative, of each site, or once of the whole program."""

    INITIATIVE = "initiative"
    SITE = "site"
    PROGRAM = "program"


class Dimension(Value):
    """One of the sides from which an operating model is judged. `weight` is 1 to 3; `target` the level aimed at."""

    id: str
    title: str
    short: str
    """The title in a word or two, for narrow places."""
    weight: int = Field(ge=1, le=3)
    target: int = Field(default=3, ge=1, le=MAX_LEVEL)
    playbook: str
    """The playbook that it mainly rests on."""
    words: tuple[str, ...] = ()
    """What people say who ask after it; longer forms of a word count too."""


class Threshold(Value):
    """A figure that criteria use. `origin` is the source that gives it, or "default" for ours; settings change it."""

    name: str
    value: float
    unit: str
    says: str
    origin: str
    section_id: str = ""
    overridden: bool = False

    @property
    def ours(self) -> bool:
        """Whether the figure is our default or the company's own, and not a source's."""
        return self.overridden or self.origin == "default"


class Bound(Value):
    """A limit: a number, or the name of a threshold."""

    sign: Literal[">=", "<="]
    number: float | None = None
    threshold: str = ""


@lru_cache(maxsize=1000)
def parse_bound(raw: str) -> Bound | None:
    """Return the bound that a text like `>= 28` or `<= shadow_days` means, or None."""
    if not (found := _BOUND.match(raw.strip())):
        return None
    bound = found["bound"]
    sign: Literal[">=", "<="] = ">=" if found["sign"] == ">=" else "<="
    return Bound(sign=sign, threshold=bound) if bound[0].isalpha() else Bound(sign=sign, number=float(bound))


class Need(Value):
    """What must stand in the register: records of a kind that satisfy `where`, in a quantity.

    A condition is a value that the field must equal, a list of which it must be one, "set", "unset", or a bound.
    Of a date, a bound counts the days that have passed since it. `within_days` looks at younger records only;
    `fresh_days` says how old the evidence may be before it counts as stale; both may name a threshold.
    """

    record: RecordKind
    where: Mapping[str, Any] = {}
    only: Mapping[str, Any] = {}
    quantity: str = "any"
    within_days: int | str | None = None
    fresh_days: int | str | None = None

    @field_validator("quantity")
    @classmethod
    def _known_quantity(cls, raw: str) -> str:
        if raw in {"any", "all", "none"}:
            return raw
        found = _QUANTITY.match(raw)
        if not found or parse_bound(found["bound"]) is None:
            raise ValueError('write any, all, none, "count >= 2" or "share >= 0.8"')
        return raw

    @cached_property
    def count_bound(self) -> tuple[str, Bound] | None:
        """`("count" | "share", bound)` when the quantity is one, else None."""
        found = _QUANTITY.match(self.quantity)
        bound = parse_bound(found["bound"]) if found else None
        return (found["what"], bound) if found and bound else None

    def thresholds(self) -> set[str]:
        """Return the names of the thresholds that the need uses."""
        bounds = [parse_bound(value) for value in (*self.where.values(), *self.only.values()) if isinstance(value, str)]
        bounds += [self.count_bound[1]] if self.count_bound else []
        ages = {age for age in (self.within_days, self.fresh_days) if isinstance(age, str)}
        return ages | {bound.threshold for bound in bounds if bound and bound.threshold}


class CriterionRule(Value):
    """A criterion as a sidecar writes it."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    says: str
    ask: str
    gap: str = Field(max_length=48)
    why: str = Field(max_length=110)
    quote: str
    dimension: str
    level: int = Field(ge=1, le=MAX_LEVEL)
    scope: Scope = Scope.INITIATIVE
    track: Track | None = None
    from_stage: tuple[Stage, ...] = ()
    gate: tuple[Stage, ...] = ()
    weight: int = Field(default=2, ge=1, le=3)
    absence: Literal["unmet", "unknown"] = "unknown"
    needs: tuple[Need, ...] = ()
    action: str
    owner: Literal["accountable_owner", "business_owner", "it_owner", "ot_owner", "sponsor"] = "accountable_owner"


class Criterion(CriterionRule):
    """One checkable requirement of a playbook section, with the passage that makes it.

    `says` is the requirement as a statement and `ask` as a question; `gap` names in a few words what is wrong when it
    does not hold, and `why` what that costs; `quote` stands verbatim in the section. It is
    asked from `from_stage` of each track on (of every stage when empty), and must hold to leave the stages of `gate`.
    `absence` is what it means when the register holds no record at all. Without `needs` only evidence can meet it.
    """

    section_id: str
    section: str
    playbook: str
    sources: tuple[CitedSource, ...] = ()
    reviewed_on: date | None = None

    def applies_to(self, initiatives: Iterable[tuple[Track, Stage]]) -> bool:
        """Whether it is asked of a site or program with these initiatives: one of them has come far enough."""
        return (not self.from_stage and self.track is None) or any(self.applies_at(*place) for place in initiatives)

    def applies_at(self, track: Track, stage: Stage) -> bool:
        """Whether it is asked of an initiative on this track at this stage."""
        if self.track is not None and self.track is not track:
            return False
        first = next((s for s in self.from_stage if s in LADDERS[track]), None)
        if first is None:
            return not self.from_stage
        ladder = LADDERS[track]
        return ladder.index(stage) >= ladder.index(first)


class CriteriaBook(Value):
    """All criteria, the dimensions that they belong to, and the thresholds that they use."""

    dimensions: tuple[Dimension, ...]
    thresholds: tuple[Threshold, ...]
    criteria: tuple[Criterion, ...]

    @cached_property
    def by_id(self) -> dict[str, Criterion]:
        """Criteria by id."""
        return {criterion.id: criterion for criterion in self.criteria}

    @cached_property
    def dimension_by_id(self) -> dict[str, Dimension]:
        """Dimensions by id."""
        return {dimension.id: dimension for dimension in self.dimensions}

    @cached_property
    def threshold_by_name(self) -> dict[str, Threshold]:
        """Thresholds by name."""
        return {threshold.name: threshold for threshold in self.thresholds}

    def days(self, age: int | str | None) -> int | None:
        """Return a number of days that is written as such or as the name of a threshold; None where there is none."""
        if isinstance(age, str):
            return int(self.threshold_by_name[age].value) if age in self.threshold_by_name else None
        return age

    def figure(self, bound: Bound) -> float:
        """Return the number that a bound stands for."""
        return self.threshold_by_name[bound.threshold].value if bound.threshold else bound.number or 0.0


def find_schema_problem(need: Need) -> str | None:
    """Return what is wrong with a need as measured against the register's schema, or None."""
    model = FIELDS[need.record]
    for name in (*need.where, *need.only):
        if name not in model.model_fields and not isinstance(getattr(model, name, None), property):
            known = ", ".join(sorted(set(model.model_fields) - {"initiative"}))
            return f'a {need.record.words} has no field "{name}" (it has {known})'
    return None
