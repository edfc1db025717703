"""Reads of what carries an access label, told to the audit log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from advisor.domain.audit import NewLine
from advisor.domain.dialogue import Draft, render_markdown
from advisor.domain.identity import Caller
from advisor.domain.register import AnyRecord, Register
from advisor.ports import AuditLog

QUIET_SECONDS = 60.0
"""The same person reading the same things again this soon is the same read."""
_MOST_REMEMBERED = 10_000


class RestrictedReads:
    """Notes who read which restricted initiatives, sites and documents. Safe to share between threads."""

    def __init__(self, audit: AuditLog | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._audit = audit
        self._clock = clock
        self._noted: dict[tuple[str, str, tuple[str, ...]], float] = {}
        self._lock = threading.Lock()

    def note_all(self, caller: Caller, what: str, register: Register) -> None:
        """Note that a caller was shown everything of a register."""
        self.note(caller, what, tuple(record.subject for record in register.restricted))

    def note_record(self, caller: Caller, what: str, register: Register, record: AnyRecord) -> None:
        """Note that a caller was shown one record, where what it belongs to is restricted."""
        places = {record.subject, getattr(record.fields, "initiative", ""), getattr(record.fields, "site", "")}
        self.note(caller, what, tuple(r.subject for r in register.restricted if r.subject in places))

    def note_draft(self, caller: Caller, what: str, register: Register, draft: Draft | None) -> None:
        """Note that an answer names restricted initiatives or sites."""
        if draft is None or not register.restricted:
            return
        told = render_markdown(draft.blocks) + " ".join(citation.quote for citation in draft.citations)
        self.note(caller, what, tuple(r.subject for r in register.restricted if r.fields.name in told))

    def note(self, caller: Caller, what: str, subjects: tuple[str, ...]) -> None:
        """Note that a caller was shown these, by their ids."""
        if self._audit is None or not subjects:
            return
        key, now = (caller.id, what, subjects), self._clock()
        with self._lock:
            if now - self._noted.get(key, float("-inf")) < QUIET_SECONDS:
                return
        self._audit.note(caller, NewLine(action="read restricted", subject=", ".join(subjects), detail=what))
        with self._lock:  # once it is kept: what could not be noted is noted at the next try
            if len(self._noted) > _MOST_REMEMBERED:
                self._noted.clear()
            self._noted[key] = now
