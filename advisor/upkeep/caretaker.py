"""Lists what the knowledge base lacks and what it should look at again, for whoever looks after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import chain

from advisor.domain.identity import Caller, Permission
from advisor.domain.knowledge import DocumentHead, Section
from advisor.domain.upkeep import AnswerLine, ContentGap, Contradiction, Opinion, Stale
from advisor.errors import ForbiddenError, NotFoundError
from advisor.ports import Embedder, Upkeep
from advisor.upkeep.content_gaps import LONGEST_NAME, group
from advisor.upkeep.contradictions import find_contradictions


class Caretaker:
    """Reads across all callers, so it works for admins alone."""

    def __init__(
        self,
        *,
        upkeep: Upkeep,
        embedder: Embedder,
        is_answered: Callable[[Caller, str], bool],
        list_sections: Callable[[], Sequence[Section]],
        list_documents: Callable[[Caller], Sequence[DocumentHead]],
        read_documents: Callable[[Caller], Iterable[Section]],
    ) -> None:
        self._upkeep = upkeep
        self._embedder = embedder
        self._is_answered = is_answered
        self._list_sections = list_sections
        self._list_documents = list_documents
        self._read_documents = read_documents

    def list_content_gaps(self, caller: Caller) -> tuple[ContentGap, ...]:
        """Return what was asked and not met, the most asked first, what is answered by now last."""
        _check(caller)
        owners = self._upkeep.list_owners()
        unmet = self._upkeep.list_unmet()
        return group(unmet, self._embedder, owners, lambda question: self._is_answered(caller, question))

    def list_opinions(self, caller: Caller, limit: int) -> tuple[Opinion, ...]:
        """Return what readers said of answers, newest first."""
        _check(caller)
        return self._upkeep.list_opinions(limit)

    def list_answers(self, caller: Caller, limit: int) -> tuple[AnswerLine, ...]:
        """Return the answers given, newest first."""
        _check(caller)
        return self._upkeep.list_answers(limit)

    def list_documents(self, caller: Caller) -> Sequence[DocumentHead]:
        """Return every document that is indexed."""
        _check(caller)
        return self._list_documents(caller)

    def assign(self, caller: Caller, question: str, owner: str) -> ContentGap:
        """Give the gap that a question names an owner, or none; raise NotFoundError where there is no such gap."""
        gaps = self.list_content_gaps(caller)
        wanted = question.strip().casefold()
        gap = next((found for found in gaps if found.question.strip().casefold() == wanted), None)
        if gap is None:
            raise NotFoundError("There is no content gap with that question.", "Copy one from `advisor content-gaps`.")
        names = [asked[:LONGEST_NAME] for asked in gap.questions]
        self._upkeep.assign(caller, gap.question[:LONGEST_NAME], owner.strip(), instead=names)
        return gap.model_copy(update={"owner": owner.strip()})

    def list_contradictions(self, caller: Caller) -> tuple[Contradiction, ...]:
        """Return pairs of statements, of playbooks or documents, with different figures for the same."""
        _check(caller)
        sections = chain(self._list_sections(), self._read_documents(caller))
        return find_contradictions(sections, self._embedder, self._upkeep.count_citations())

    def list_stale(self, caller: Caller, today: date) -> tuple[Stale, ...]:
        """Return the documents whose day of review has passed, by the answers that rest on them."""
        _check(caller)
        resting = self._upkeep.count_citations()
        stale = [
            Stale(
                title=document.title,
                collection=document.collection,
                review_by=document.review_by,
                resting=resting.get(document.id, 0),
            )
            for document in self._list_documents(caller)
            if document.review_by and document.review_by < today
        ]
        return tuple(sorted(stale, key=lambda one: (-one.resting, one.review_by)))


def _check(caller: Caller) -> None:
    if not caller.may(Permission.ADMIN):
        raise ForbiddenError("Only an admin sees what others asked.", "Ask an admin.")
