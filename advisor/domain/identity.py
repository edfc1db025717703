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

    def may(self, needed: Permission) -> bool:
        """Whether the caller holds a permission, or one that includes it."""
        order = list(Permission)
        return order.index(self.permission) >= order.index(needed)

    def may_see(self, label: str) -> bool:
        """Whether an access label is open to the caller: an empty label is open to all, an admin sees everything."""
        return not label or label in self.groups or self.permission is Permission.ADMIN


LOCAL_CALLER = Caller(id="local", permission=Permission.ADMIN)
"""Whoever sits at this machine: sees everything."""
