"""A status in plain words is recorded only as it was shown: what was read, and its confirmation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from advisor.domain.identity import Caller
from advisor.domain.register import Entry, Register
from advisor.errors import ConflictError, InvalidInputError
from advisor.program.plain_words import Proposal

if TYPE_CHECKING:
    from advisor.program.office import ProgramOffice


def digest_proposals(proposals: Sequence[Proposal], register: Register) -> str:
    """Return what tells whether a confirmed message still means what was shown, on records that nobody changed."""
    versions = []
    for proposal in proposals:
        initiative = register.find_initiative(proposal.initiative or "")
        status = register.latest_status(proposal.initiative or "")
        versions.append((initiative.version if initiative else 0, status.version if status else 0))
    shown = json.dumps([[proposal.model_dump(mode="json") for proposal in proposals], versions], sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()[:16]


def read_status(office: ProgramOffice, caller: Caller, text: str) -> tuple[tuple[Proposal, ...], str]:
    """Return what a message would record, and the digest that confirms it; record nothing."""
    proposals = office.read_message(caller, text)
    return proposals, digest_proposals(proposals, office.read_register(caller))


def confirm_status(
    office: ProgramOffice, caller: Caller, text: str, digest: str, *, key: str = "", door: str
) -> tuple[Entry, ...]:
    """Record what a message was shown to mean; the same `key` again, with the same text, returns what was recorded.

    Raises ConflictError where it means something else by now, InvalidInputError where something is left to clear up.
    """
    key = f"{key}/{hashlib.sha256(text.encode()).hexdigest()[:16]}" if key else ""
    if key and (recorded := office.find_recorded(caller, key)):
        return recorded
    proposals, now = read_status(office, caller, text)
    if now != digest:
        raise ConflictError("That means something else by now.", "Read it again, and confirm what it says then.")
    if any(proposal.asks for proposal in proposals) or not proposals:
        raise InvalidInputError("There is nothing to record yet.", "Say it again with what is asked cleared up.")
    return office.record(caller, [c for proposal in proposals for c in proposal.changes], key=key, door=door)
