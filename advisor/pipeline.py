"""The order of steps of one answer: greet, rewrite, ask the register, retrieve, answer, look beside."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import NamedTuple

from advisor.domain.dialogue import (
    Block,
    Citation,
    Draft,
    Outcome,
    Paragraph,
    Query,
    Report,
    Role,
    Sentence,
    Turn,
    drop_dangling,
    find_citation_numbers,
    join_drafts,
    title_first,
)
from advisor.domain.events import AskEvent, BlockEvent, CitationEvent, QueryEvent, StatusEvent
from advisor.domain.forms import FormKind, Wish, find_meant, find_wish, reshape
from advisor.domain.identity import Caller
from advisor.domain.knowledge import DocumentHead, Passage, Retrieval
from advisor.errors import IndexUnavailableError, StorageError
from advisor.ports import (
    Answerer,
    DocumentAnswerer,
    Greeter,
    Library,
    Meter,
    ProgramReporter,
    RestrictedReads,
    Retriever,
    Rewriter,
    Verifier,
)

_DEGRADED = "The vector index does not answer at the moment: this was found without it, and may be less complete."
_NO_REGISTER = "Your program's register cannot be read at the moment: this rests on the playbooks alone."
_NO_DOCUMENTS = "Your documents cannot be searched at the moment: this rests on the playbooks alone."
_NOTHING_BEFORE = Draft(
    outcome=Outcome.CLARIFY,
    blocks=(
        Paragraph(
            sentences=(
                Sentence(
                    text="I cannot tell what that refers to: please name the subject, for example "
                    "“Why do shadow periods matter?”."
                ),
            )
        ),
    ),
)


class Asked(NamedTuple):
    """A question with what came before it.

    `replies` are a chat model's of old, to be read in place of new ones; unless the answer is `shown` to somebody, what
    is labelled was read by nobody. `notices` are what the reader must know of how it came to be asked.
    """

    question: str
    role: Role
    history: tuple[Turn, ...] = ()
    replies: tuple[str, ...] | None = None
    shown: bool = True
    notices: tuple[str, ...] = ()


class Made(NamedTuple):
    """What the steps came to, and what they saw on the way; `took` are milliseconds by stage."""

    draft: Draft
    query: str = ""
    generation: str = ""
    library_generation: str = ""
    register_head: int | None = None
    degraded: bool = False
    passages: tuple[Passage, ...] = ()
    took: Mapping[str, float] = {}


class Trace:
    """What happens on the way to one answer: milliseconds by stage, and what had to be done without."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self.lacking: dict[str, None] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what happens inside to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.took[name] = round(self.took.get(name, 0.0) + (time.perf_counter() - started) * 1000, 1)

    @contextmanager
    def spare(self, notice: str) -> Iterator[None]:
        """Go on without what happens inside when its storage does not answer; the reader is told with a notice."""
        try:
            yield
        except StorageError:
            self.lacking[notice] = None


class Pipeline:
    """Makes answers; keeps none. Safe to share between threads."""

    def __init__(
        self,
        *,
        greeter: Greeter,
        rewriter: Rewriter,
        retriever: Retriever,
        answerer: Answerer,
        reporter: ProgramReporter | None = None,
        library: Library | None = None,
        document_answerer: DocumentAnswerer | None = None,
        restricted: RestrictedReads | None = None,
        verifier: Verifier | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._greeter = greeter
        self._rewriter = rewriter
        self._retriever = retriever
        self._answerer = answerer
        self._reporter = reporter
        self._library = library
        self._document_answerer = document_answerer
        self._restricted = restricted
        self._verifier = verifier
        self._meter = meter
        self._turns = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))

    def run(self, caller: Caller, asked: Asked, teller: Teller) -> Iterator[AskEvent | Made]:
        """Yield what a reader may see as soon as it may be seen, and at the end what was made, checked."""
        trace = Trace()
        wish = find_wish(asked.question)
        if wish is not None:
            asked = _mean(asked, wish)
        for event in self._steps(caller, asked, teller, trace):
            if not isinstance(event, Made):
                if wish is None or not isinstance(event, BlockEvent | CitationEvent):
                    yield event
                continue
            draft = drop_dangling(event.draft)
            draft = reshape(draft, wish.form) if wish else draft
            notices = dict.fromkeys((*draft.notices, *asked.notices, *trace.lacking))
            yield event._replace(draft=draft.model_copy(update={"notices": tuple(notices)}), took=trace.took)

    def _steps(self, caller: Caller, asked: Asked, teller: Teller, trace: Trace) -> Iterator[AskEvent | Made]:
        yield StatusEvent(text="Reading the playbooks")
        draft = self._greeter.greet(asked.question)
        if draft is not None:
            yield Made(draft)
            return
        with trace.stage("rewrite"):
            query = self._rewriter.rewrite(self._retriever.correct(asked.question), asked.history)
        report, head = None, None
        with trace.stage("register"), trace.spare(_NO_REGISTER):
            report = self._report(caller, asked, query)
            head = self._reporter.find_head(caller) if self._reporter else None
        query_text = query.standalone if query else asked.question
        yield QueryEvent(query=query_text)
        if report is not None and ((report.sure and not report.wants_playbook) or query is None):
            yield Made(report.draft, query_text, register_head=head)
        elif query is None:
            yield Made(_NOTHING_BEFORE, query_text)
        else:
            found = Made(_NOTHING_BEFORE, query_text, register_head=head)
            yield from self._consult(caller, asked, query, report, teller, trace, found)

    def _consult(
        self,
        caller: Caller,
        asked: Asked,
        query: Query,
        report: Report | None,
        teller: Teller,
        trace: Trace,
        made: Made,
    ) -> Iterator[AskEvent | Made]:
        """Answer from the playbooks, and say what documents and register hold beside."""
        with trace.stage("retrieval"):
            retrieval = self.retrieve(query)
        growing = self._answerer.compose(query, retrieval, asked.role, replies=asked.replies)
        while True:
            with trace.stage("answer"):
                found = next(growing, None)
            if found is None:
                break
            draft = found
            if report is None and draft.growing:
                yield from teller.tell(draft.blocks, draft.citations)
        draft = _note_degraded(draft, retrieval)
        beside = None
        with trace.stage("documents"), trace.spare(_NO_DOCUMENTS):  # nor is what is labelled shown without a line of it
            draft, beside = self._beside_documents(caller, query, asked, draft)
        cited = {citation.section_id for citation in draft.citations}
        aside = [p for part in retrieval.parts for p in part.passages if p.section.id in cited]
        passages = _list_once((*retrieval.passages, *aside, *(beside.passages if beside else ())))
        with trace.stage("verify"):
            draft = self._verifier.verify(draft, passages) if self._verifier else draft
        with trace.stage("register"), trace.spare(_NO_REGISTER):
            draft = self._beside_program(caller, draft, report) if asked.shown else draft
        yield made._replace(
            draft=draft,
            generation=retrieval.generation,
            library_generation=beside.generation if beside else "",
            degraded=retrieval.degraded or bool(beside and beside.degraded),
            passages=passages,
        )

    def retrieve(self, query: Query) -> Retrieval:
        """Retrieve, no more at a time than there are processors: a crowd of threads would only slow each other."""
        asked = time.perf_counter()
        with self._turns:
            retrieval = self._retriever.retrieve(query)
        if self._meter:
            self._meter.time("retrieval", time.perf_counter() - asked)
        return retrieval

    def search_documents(self, caller: Caller, query: Query, what: str) -> Retrieval | None:
        """Return what the company's documents hold that the caller may see, or None where there are none."""
        if self._library is None:
            return None
        with self._turns:
            found = self._library.retrieve(query, caller)
        if what:
            self.note_read(caller, what, [p.document for p in found.passages if p.document])
        return found

    def note_read(self, caller: Caller, what: str, heads: Iterable[DocumentHead]) -> None:
        """Note that a caller was shown documents that carry a label."""
        labelled = tuple(sorted({head.id for head in heads if head.label}))
        if self._restricted and labelled:
            self._restricted.note(caller, what, labelled)

    def _report(self, caller: Caller, asked: Asked, query: Query | None) -> Report | None:
        if self._reporter is None or not asked.shown:
            return None
        return self._reporter.report(caller, asked.question, query, asked.role)

    def _beside_documents(
        self, caller: Caller, query: Query, asked: Asked, draft: Draft
    ) -> tuple[Draft, Retrieval | None]:
        """Return an answer from the playbooks with what the company's own documents say under a title of its own."""
        if self._document_answerer is None:
            return draft, None
        try:
            retrieval = self.search_documents(caller, query, "")
        except IndexUnavailableError:  # the playbooks answer all the same
            return draft.model_copy(update={"notices": (*draft.notices, _NO_DOCUMENTS)}), None
        found = self._document_answerer.answer(retrieval, asked.role, date.today()) if retrieval else None
        if found is None or retrieval is None:
            return draft, retrieval
        cited = {citation.section_id for citation in found.citations}
        if asked.shown:
            shown = [p.document for p in retrieval.passages if p.document and p.section.id in cited]
            self.note_read(caller, "answer", shown)
        found = _note_degraded(found, retrieval)
        if draft.outcome is Outcome.DECLINED:
            return found.model_copy(
                update={"notices": tuple(dict.fromkeys((*found.notices, *draft.notices))), "basis": draft.basis}
            ), retrieval
        return join_drafts(draft, found), retrieval

    def _beside_program(self, caller: Caller, draft: Draft, report: Report | None) -> Draft:
        """Return an answer from the playbooks with what the register shows beside it, each under its own title."""
        if report is not None and (report.sure or draft.outcome is not Outcome.ANSWERED):
            if draft.outcome is Outcome.DECLINED or not report.wants_playbook:
                return report.draft
            joined = join_drafts(report.draft, title_first(draft, "The playbook says"))
            return joined.model_copy(update={"basis": draft.basis})
        comment = self._reporter.comment(caller, draft) if self._reporter else None
        return join_drafts(draft, comment) if comment else draft


def _mean(asked: Asked, wish: Wish) -> Asked:
    """Return what is asked once its form is set aside: the question that is left, or the one before."""
    place = None if wish.question else find_meant(asked.history)
    if place is not None:
        asked = asked._replace(question=asked.history[place].question, history=asked.history[:place])
        if (earlier := find_wish(asked.question)) is not None:
            asked = asked._replace(question=earlier.question)
    elif wish.question:
        asked = asked._replace(question=wish.question)
    return asked._replace(role=Role.CHANGE_LEAD) if wish.form.kind is FormKind.CHECKLIST else asked


class Teller:
    """Turns an answer that grows into events: each citation before the block that first uses it, nothing twice."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._cited: dict[int, Citation] = {}

    def tell(self, blocks: Sequence[Block], citations: Sequence[Citation]) -> Iterator[AskEvent]:
        """Yield what is new or changed since the last time."""
        known = {citation.number: citation for citation in citations}
        for place, block in enumerate(blocks):
            if place < len(self._blocks) and self._blocks[place] == block:
                continue
            for number in find_citation_numbers(block):
                if number in known and self._cited.get(number) != known[number]:
                    self._cited[number] = known[number]
                    yield CitationEvent(citation=known[number])
            self._blocks[place : place + 1] = [block]
            yield BlockEvent(block=block, place=place)


def _note_degraded(draft: Draft, retrieval: Retrieval) -> Draft:
    """Return a draft that says so when its passages were found without the vector index."""
    if not retrieval.degraded:
        return draft
    return draft.model_copy(update={"notices": (*draft.notices, _DEGRADED)})


def _list_once(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    by_section: dict[str, Passage] = {}
    for passage in passages:
        by_section.setdefault(passage.section.id, passage)
    return tuple(by_section.values())
