"""Who asks. Doors authenticate and make the Caller; nothing in a request body can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from advisor.domain.base import Value
from advisor.domain.dialogue import Role
from advisor.errors import ForbiddenError


class Permission(StrEnum):
    """What a caller may do; each includes the ones before it."""

    READER = "reader"
    CONTRIBUTOR = "contributor"
    APPROVER = "approver"
    ADMIN = "admin"

    def includes(self, needed: Permission) -> bool:
        """Whether this permission is the one needed, or more."""
        order = list(Permission)
        return order.index(self) >= order.index(needed)


class Area(StrEnum):
    """A part of the API that a key may be limited to."""

    ASK = "ask"
    """Questions, conversations, feedback, search, playbooks."""
    PROGRAM = "program"
    """Register, assessment, gates, gaps, checklists."""
    TOKENS = "tokens"
    """Making widget tokens for the people of an intranet."""
    METRICS = "metrics"
    """What operators watch."""


WORK_AREAS = (Area.ASK, Area.PROGRAM)


class Caller(Value):
    """A person or program as authenticated by a door. `groups` are the access labels that they hold."""

    id: str
    permission: Permission = Permission.READER
    groups: tuple[str, ...] = ()
    areas: tuple[Area, ...] = WORK_AREAS
    anonymous: bool = False
    """Whether many people share this caller, so that nothing is kept in their name."""

    def may(self, needed: Permission) -> bool:
        """Whether the caller holds a permission, or one that includes it."""
        return self.permission.includes(needed)

    def may_see(self, label: str) -> bool:
        """Whether an access label is open to the caller: an empty label is open to all, an admin sees everything."""
        return not label or label in self.groups or self.permission is Permission.ADMIN


def require(caller: Caller, permission: Permission, area: Area) -> None:
    """Raise ForbiddenError for a caller whose credential does not open an area, or who lacks a permission."""
    if area not in caller.areas:
        raise ForbiddenError(f"This credential does not open the area {area.value}.", "Use a key that was made for it.")
    if not caller.may(permission):
        raise ForbiddenError(
            f"You have the permission {caller.permission.value}; this needs {permission.value}.",
            "Ask the operator for the permission.",
        )


LOCAL_CALLER = Caller(id="local", permission=Permission.ADMIN, areas=tuple(Area))
"""Whoever sits at this machine: sees everything."""
ANONYMOUS = Caller(id="anonymous", anonymous=True)
"""Whoever reaches a closed intranet's advisor: reads what everyone may read."""


class Person(Value):
    """What someone may do and see, and how answers are shaped for them."""

    permission: Permission = Permission.CONTRIBUTOR
    groups: tuple[str, ...] = ()
    role: Role = Role.EXECUTIVE


class Grant(Value):
    """What membership of a group of the identity provider gives: access labels, and a permission if it is higher."""

    labels: tuple[str, ...] = ()
    permission: Permission = Permission.READER


class Directory:
    """The people and groups that settings name, for every door alike."""

    def __init__(
        self,
        people: Mapping[str, Person],
        grants: Mapping[str, Grant] | None = None,
        *,
        otherwise: Permission = Permission.CONTRIBUTOR,
    ) -> None:
        """`otherwise` is what someone of the company may do whom nothing names."""
        self._people = {email.lower(): person for email, person in people.items()}
        self._grants = grants or {}
        self._otherwise = Person(permission=otherwise)

    def find(self, email: str, groups: Iterable[str] = ()) -> Person:
        """Return what a person of the company may do: as listed, and more where a group of theirs gives it."""
        person = self._people.get(email.lower(), self._otherwise)
        given = [self._grants[group] for group in groups if group in self._grants]
        permission = max((person.permission, *(grant.permission for grant in given)), key=list(Permission).index)
        labels = dict.fromkeys((*person.groups, *(label for grant in given for label in grant.labels)))
        return person.model_copy(update={"permission": permission, "groups": tuple(labels)})


class NewKey(Value):
    """An API key about to be made. It never gives more than `permission`, `groups` and `areas` say."""

    name: str = Field(min_length=1, max_length=80)
    permission: Permission = Permission.READER
    groups: tuple[str, ...] = ()
    areas: tuple[Area, ...] = WORK_AREAS
    expires_at: datetime


class ApiKey(NewKey):
    """An API key as stored: its secret is not, only a digest of it."""

    id: str
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    def describe(self, now: datetime) -> str:
        """Return active, expired or revoked."""
        return "revoked" if self.revoked_at else "expired" if self.expires_at <= now else "active"

    @property
    def caller(self) -> Caller:
        """Who asks with this key."""
        return Caller(id=f"key:{self.id}", permission=self.permission, groups=self.groups, areas=self.areas)
