"""Reads questions on the program: by rule, and where that says nothing, by the records that fit them best."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from advisor.domain.knowledge import Section
from advisor.ports import Embedder
from advisor.program.asked import Asked, Topic
from advisor.program.engine import Engine
from advisor.program.lookup import Lookup
from advisor.program.mentions import leave_out, pair_stems
from advisor.program.understanding import ask_for_found, asks_what_was, may_ask_of_records, understand
from advisor.text import content_stems

_LIKELY, _SURE, _CLOSE, _MOST_FOUND = 0.45, 0.75, 0.85, 3
"""How well a record has to fit a question, by what else speaks for it; how near to the best others stand; how many."""


class QuestionReader:
    """Says what a question asks of a register, or that it is one for the playbooks."""

    def __init__(self, sections: Mapping[str, Section]) -> None:
        """Take the sections of the playbooks, whose words name no initiative."""
        self._sections = sections
        self._lookup = Lookup()

    @cached_property
    def _ordinary(self) -> frozenset[str]:
        """Stems of the words, and of pairs of words, that playbooks use."""
        texts = [section.text for section in self._sections.values()]
        return frozenset(stem for text in texts for stem in (*content_stems(text), *pair_stems(text)))

    def use(self, embedder: Embedder) -> None:
        """Find records by what a question means too, from now on."""
        self._lookup.use(embedder)

    def read(self, engine: Engine, question: str, before: str = "") -> Asked | None:
        """Return what a question asks, or None; `before` is the earlier one that a follow-up leans on."""
        asked = understand(
            question,
            engine.register,
            engine.register.as_of,
            before=before,
            dimensions=engine.book.dimensions,
            ordinary=self._ordinary,
        )
        return self._look_up(engine, question, asked)

    def _look_up(self, engine: Engine, question: str, asked: Asked | None) -> Asked | None:
        """Return a question that nothing else tells the meaning of as one after the records that fit it best."""
        if asked is not None and not asked.vague:
            return asked
        if asked is None:
            own = may_ask_of_records(question) and self._lookup.find_own(engine, question, self._ordinary)
            if not own and not (may_ask_of_records(question) and asks_what_was(question)):
                return None
            least = _LIKELY if own else _LIKELY + 0.1
            chosen = engine.active
        else:
            least = _SURE - 0.1 if asked.dimensions else _LIKELY
            named, sites = ({r.subject for r in records} for records in (asked.initiatives, asked.sites))
            chosen = tuple(
                i for i in engine.active if (not named or i.subject in named) and (not sites or i.fields.site in sites)
            )
        rest = leave_out(question, [*(asked.initiatives if asked else ()), *(asked.sites if asked else ())])
        found = self._lookup.find(engine, rest, {i.subject for i in chosen})
        least = max(least, found[0].score * _CLOSE) if found else least
        best = [one.record for one in found[:_MOST_FOUND] if one.score >= least]
        if best:
            return ask_for_found(question, engine.register, best, asked)
        return asked._replace(topic=Topic.WEAKEST) if asked and asked.dimensions else asked
