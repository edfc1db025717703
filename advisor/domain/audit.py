"""The audit log: who wrote what, and who read what is restricted, chained so that no line can be changed unseen."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from advisor.domain.base import Value

ORIGIN = "0" * 64
"""The digest before the first line."""


class NewLine(Value):
    """Something worth remembering: the action, what it was done to, and details that name no person."""

    action: str
    subject: str
    detail: str = ""


class AuditLine(NewLine):
    """A line as logged. `who` is a pseudonym; `digest` covers the line and the digest of the one before."""

    number: int
    at: datetime
    who: str
    digest: str


def digest_line(before: str, number: int, at: datetime, who: str, line: NewLine) -> str:
    """Return the SHA-256 that chains a line to the digest of the one before it."""
    parts = [before, number, at.isoformat(timespec="microseconds"), who, line.action, line.subject, line.detail]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


class AuditVerdict(Value):
    """What checking the chain showed: how many lines hold, the newest digest, and what is wrong."""

    lines: int
    head: str
    problem: str = ""
