"""Judges of form: the shape of a role and what it is owed, and no more words than a page."""

from __future__ import annotations

from advisor.domain.dialogue import Answer, Checklist, CitationKind, ListBlock, Outcome, Paragraph, Role, Table
from advisor.domain.knowledge import Section, StatementKind
from advisor.text import count_words
from evals.cases import Kind
from evals.seen import Score, Seen, list_sentences, share

MOST_WORDS = 180
_SHAPE = {Role.EXECUTIVE: (3, 1), Role.CHANGE_LEAD: (99, 8), Role.PLANT_MANAGER: (99, 3), Role.ENGINEER: (99, 3)}
"""The most bullets and next steps of each role. As many steps as the opening section has, up to that, are owed."""
_DETAIL = 4
"""Reasons that an engineer is owed where the opening section has as many, and words are left."""
_NEARLY_FULL = 140
"""Words from which on another reason may not fit any more."""
OF_PLAYBOOKS = frozenset({Kind.DIRECT, Kind.SYNTHESIS, Kind.MULTI_TURN, Kind.MISCONCEPTION})


def score_role(seen: Seen) -> Score | None:
    """Whether an answer has the shape of its role, no more and no less: one bottom line first, its bullets, its steps.

    What a role is owed is judged on first questions only: a follow-up leaves out what was told.
    """
    if seen.case.kind not in OF_PLAYBOOKS or seen.answer.outcome is not Outcome.ANSWERED:
        return None
    first, role = seen.answer.blocks[0], seen.answer.role
    bullets, steps = _SHAPE[role]
    tasks = sum(len(block.items) for block in seen.answer.blocks if isinstance(block, Checklist))
    listed = [len(block.items) for block in seen.answer.blocks if isinstance(block, ListBlock) and not block.ordered]
    opened = isinstance(first, Paragraph) and len(first.sentences) == 1 and first.sentences[0].strong
    checks = {
        "one bottom line first": opened,
        "the role that was asked for": role is seen.case.role,
        f"{max(listed, default=0)} bullets": max(listed, default=0) <= bullets,
        f"{tasks} next steps": tasks <= steps,
    }
    main = _find_main(seen)
    if main is not None and not seen.case.history:
        owed = min(steps, len(main.of_kind(StatementKind.TASK)))
        checks[f"{tasks} next steps of {owed} that are owed"] = tasks >= owed
        if role is Role.ENGINEER:
            told, due = _count_reasons(seen.answer), min(_DETAIL, _count_offered(main))
            full = count_prose_words(seen.answer) >= _NEARLY_FULL
            checks[f"{told} reasons of {due} that are owed"] = told >= due or full
    return share(checks)


def _find_main(seen: Seen) -> Section | None:
    """Return the section that the bottom line cites."""
    numbers = next((numbers for _, numbers in list_sentences(seen.answer)), ())
    cited = next((c for c in seen.answer.citations if c.number in numbers), None)
    return seen.sections.get(cited.section_id) if cited and cited.kind is CitationKind.PLAYBOOK else None


def _count_reasons(answer: Answer) -> int:
    """Return how many sentences, items and rows an answer has beside its bottom line and its tasks."""
    sizes = {Paragraph: "sentences", ListBlock: "items", Table: "rows"}
    return sum(len(getattr(block, sizes[type(block)])) for block in answer.blocks if type(block) in sizes) - 1


def _count_offered(section: Section) -> int:
    kinds = (StatementKind.POINT, StatementKind.REASON, StatementKind.STEP, StatementKind.ROW)
    return len(section.of_kind(*kinds)) - 1


def score_length(seen: Seen) -> Score | None:
    """Whether the prose on playbooks and documents stays within its limit."""
    words = count_prose_words(seen.answer)
    of_playbooks = seen.answer.citations and not seen.case.on_register
    return share({f"{words} words": words <= MOST_WORDS}) if of_playbooks else None


def count_prose_words(answer: Answer) -> int:
    """Words of the answer outside tables, ordered lists and checklists."""
    total = 0
    for block in answer.blocks:
        if isinstance(block, Paragraph):
            total += sum(count_words(sentence.text) for sentence in block.sentences)
        elif isinstance(block, ListBlock) and not block.ordered:
            total += sum(count_words(item.text) for item in block.items)
    return total
