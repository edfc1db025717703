"""What one answer rested on, so that anyone can check it later: a receipt, and what asking again comes to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from advisor.domain.base import Value
from advisor.domain.dialogue import Answer, Basis, Outcome, Role
from advisor.domain.knowledge import Passage, Section

_COMPARED = {
    "version": "Advisor",
    "embedding_model": "Embedding model",
    "generation": "Index of the playbooks",
    "library_generation": "Index of the documents",
    "register_head": "Newest entry of the register",
    "degraded": "Found without the vector index",
}


class PassageRef(Value):
    """A passage as it was found: where it stands, a digest of its text, and its scores (cosines 0-1, BM25 raw)."""

    section_id: str
    place: str
    digest: str
    rank: int
    score: float
    dense: float
    keyword: float
    question: float
    cited: bool = False
    document: bool = False
    """Whether it stands in a document of the company, and not in a playbook."""


class Receipt(Value):
    """What an answer rested on. `took` are milliseconds by stage; `digest` is of everything the reader was shown.

    `generation` and `library_generation` are those of the playbooks and of the company's documents; `register_head`
    is the number of the newest entry of the register that the caller could see, where the register was asked.
    """

    answer_id: str
    conversation_id: str
    asked_at: datetime
    question: str
    query: str
    role: Role
    outcome: Outcome
    version: str
    embedding_model: str
    generation: str = ""
    library_generation: str = ""
    register_head: int | None = None
    degraded: bool = False
    passages: tuple[PassageRef, ...] = ()
    basis: Basis = Basis()
    took: Mapping[str, float] = {}
    digest: str = ""


class Replay(Value):
    """What asking again came to. `changes` name what is no longer as it was; `answer` is today's."""

    receipt: Receipt
    answer: Answer
    reproduced: bool
    changes: tuple[str, ...]


def find_changes(then: Receipt, now: Receipt, sections: Iterable[Section]) -> tuple[str, ...]:
    """Return what an answer rested on that is no longer as it was, a line each; `sections` are today's playbooks."""
    today = {section.id: digest_section(section) for section in sections}
    today |= {ref.section_id: ref.digest for ref in now.passages}
    changes = []
    for name, label in _COMPARED.items():
        before, after = getattr(then, name), getattr(now, name)
        if before != after:
            changes.append(f"{label}: {_show(before)} then, {_show(after)} now.")
    for ref in then.passages:
        if ref.section_id not in today:
            changes.append(f"{ref.place} was deleted, or is no longer found or open to you.")
        elif ref.digest != today[ref.section_id]:
            changes.append(f"{ref.place} says something else now.")
    known = {ref.section_id for ref in then.passages}
    new = (ref for ref in now.passages if ref.cited and ref.section_id not in known)
    changes += [f"{ref.place} is cited now; it was not found, or not open to who asked, then." for ref in new]
    for name in sorted({*then.basis.prompts, *now.basis.prompts}):
        if then.basis.prompts.get(name) != now.basis.prompts.get(name):
            changes.append(f"The prompt “{name}” changed.")
    if then.basis.model != now.basis.model:
        changes.append(f"Chat model: {_show(then.basis.model)} then, {_show(now.basis.model)} now.")
    return tuple(changes)


def _show(value: object) -> str:
    return "none" if value in {None, ""} else "yes" if value is True else "no" if value is False else str(value)


def digest_section(section: Section) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of what a section says and what it rests on."""
    parts = (section.heading, *(f"{s.lead}|{s.text}|{s.page or ''}|{','.join(s.sources)}" for s in section.statements))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def digest_answer(answer: Answer) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of what the reader is shown: text, quotes and notices."""
    cited = (f"{c.number} {c.section_id} {c.page or ''} {c.quote}" for c in answer.citations)
    return hashlib.sha256("\n".join((answer.text, *cited, *answer.notices)).encode()).hexdigest()[:16]


def refer(passage: Passage, cited: frozenset[str]) -> PassageRef:
    """Return a passage as a receipt keeps it."""
    return PassageRef(
        section_id=passage.section.id,
        place=passage.section.label,
        digest=digest_section(passage.section),
        rank=passage.rank,
        score=round(passage.score, 4),
        dense=round(passage.dense, 4),
        keyword=round(passage.keyword, 4),
        question=round(passage.question, 4),
        cited=passage.section.id in cited,
        document=passage.document is not None,
    )
