"""Who asks. Doors authenticate and make the Caller; nothing in a request body can."""

from __future__ import annotations

from enum import StrEnum

from advisor.domain.base import Value


class Permission(StrEnum):
    """What a caller may do; each includes the ones before it."""

    READER = "reader"
    CONTRIBUTOR = "contributor"
    APPROVER = "approver"
    ADMIN = "admin"


class Caller(Value):
    """A person or program as authenticated by a door."""

    id: str
    permission: Permission = Permission.READER
    groups: tuple[str, ...] = ()


LOCAL_CALLER = Caller(id="local", permission=Permission.ADMIN)
"""Whoever sits at this machine: sees everything."""
