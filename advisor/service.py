"""The order of steps: parse, recall, rewrite, retrieve, answer, record."""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from advisor.domain.dialogue import (
    Answer,
    CitationKind,
    ConversationHead,
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
    parse_question,
    parse_role,
    title_first,
)
from advisor.domain.events import AskEvent, BlockEvent, CitationEvent, DoneEvent, QueryEvent, StatusEvent
from advisor.domain.identity import Caller
from advisor.domain.knowledge import DocumentHead, Passage, Retrieval, Section
from advisor.domain.work import Feedback
from advisor.errors import ForbiddenError, IndexUnavailableError, InvalidInputError, NotFoundError
from advisor.ports import (
    Answerer,
    Conversations,
    DocumentAnswerer,
    DocumentFiles,
    Greeter,
    Library,
    Meter,
    ProgramReporter,
    RestrictedReads,
    Retriever,
    Rewriter,
)

_CONVERSATION_ID = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
_DEGRADED = "The vector index does not answer at the moment: this was found without it, and may be less complete."
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


class Advisor:
    """The one object that doors call. Safe to share between threads."""

    def __init__(
        self,
        *,
        greeter: Greeter,
        rewriter: Rewriter,
        retriever: Retriever,
        answerer: Answerer,
        conversations: Conversations,
        reporter: ProgramReporter | None = None,
        library: Library | None = None,
        document_answerer: DocumentAnswerer | None = None,
        document_files: DocumentFiles | None = None,
        restricted: RestrictedReads | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._greeter = greeter
        self._rewriter = rewriter
        self._retriever = retriever
        self._answerer = answerer
        self._conversations = conversations
        self._reporter = reporter
        self._library = library
        self._document_answerer = document_answerer
        self._document_files = document_files
        self._restricted = restricted
        self._meter = meter
        self._turns = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))

    def ask(
        self,
        caller: Caller,
        question: str,
        *,
        role: str | None = None,
        conversation_id: str | None = None,
        start: bool = False,
        answer_id: str | None = None,
    ) -> Answer:
        """Answer a question.

        With `start` a conversation that does not exist yet begins under the id given. `answer_id` is for doors that
        may ask again after a crash: an answer that was given under it is returned as it is.

        Raises InvalidInputError for a question, role or conversation id that cannot be used, NotFoundError for a
        conversation that is not the caller's, and UnavailableError when there is no index.
        """
        if answer_id is not None:
            try:
                return self.get_answer(caller, answer_id)
            except NotFoundError:
                pass
        text = parse_question(question)
        shape = parse_role(role)
        history = self._recall(caller, conversation_id, start=start)
        for event in self._steps(caller, text, shape, conversation_id or uuid.uuid4().hex, history, answer_id):
            if isinstance(event, DoneEvent):
                return event.answer
        raise AssertionError("a stream ends with a DoneEvent")

    def stream(
        self, caller: Caller, question: str, *, role: str | None = None, conversation_id: str | None = None
    ) -> Iterator[AskEvent]:
        """Answer a question and tell of it on the way; input is checked before the first event."""
        text = parse_question(question)
        shape = parse_role(role)
        history = self._recall(caller, conversation_id)
        return self._steps(caller, text, shape, conversation_id or uuid.uuid4().hex, history)

    def get_answer(self, caller: Caller, answer_id: str) -> Answer:
        """Return an answer that was given to the caller and rests on what they may still see; raise NotFoundError."""
        answer = self._conversations.get_answer(caller, answer_id)
        if not self._may_see(caller, answer, "answer again"):
            raise NotFoundError("What that answer rests on is no longer open to you.", "Ask the question again.")
        return answer

    def _may_see(self, caller: Caller, answer: Answer, what: str) -> bool:
        """Whether labels still let a caller see the records and documents that an answer cites; it is noted if so."""
        if self._reporter and not self._reporter.may_see(caller, answer):
            return False
        cited = {c.section_id.partition("/")[0] for c in answer.citations if c.kind is CitationKind.DOCUMENT}
        if not cited:
            return True
        shown = [document for document in self.list_documents(caller) if document.id in cited]
        if len(shown) < len(cited):
            return False
        self._note_read(caller, what, shown)
        return True

    def record_feedback(self, caller: Caller, feedback: Feedback) -> None:
        """Remember what the caller thinks of an answer of theirs; raise NotFoundError when it is not theirs."""
        self._conversations.get_answer(caller, feedback.answer_id)
        self._conversations.record_feedback(caller, feedback)

    def list_conversations(self, caller: Caller, limit: int, before: int | None = None) -> tuple[ConversationHead, ...]:
        """Return the caller's conversations, newest first; an anonymous caller, who is many people, has none."""
        return () if caller.anonymous else self._conversations.list_heads(caller, limit, before)

    def get_conversation(self, caller: Caller, conversation_id: str) -> tuple[Turn, ...]:
        """Return the turns of a conversation of the caller, oldest first; raise NotFoundError."""
        turns = self._conversations.get_history(caller, conversation_id)
        return tuple(turn for turn in turns if self._may_see(caller, turn.answer, "conversation"))

    def delete_conversation(self, caller: Caller, conversation_id: str) -> None:
        """Forget a conversation of the caller; raise NotFoundError, and ForbiddenError for an anonymous one."""
        if caller.anonymous:
            raise ForbiddenError("Nobody owns a conversation that was held without signing in.", "Sign in.")
        self._conversations.delete(caller, conversation_id)

    def search(self, caller: Caller, text: str) -> tuple[Passage, ...]:
        """Return the passages nearest to a text that the caller may see: of playbooks and documents."""
        query = Query(text=parse_question(text))
        lists = [self._retrieve(query).passages]
        if self._library:
            lists.append(self._library.retrieve(query, caller).passages)
            self._note_read(caller, "search", [p.document for p in lists[-1] if p.document])
        return _merge(lists)

    def list_documents(self, caller: Caller) -> tuple[DocumentHead, ...]:
        """Return the company's documents that the caller may see."""
        return self._library.list_documents(caller) if self._library else ()

    def list_sections(self) -> tuple[Section, ...]:
        """Return every section that answers may rest on, in order."""
        return self._retriever.list_sections()

    def get_document(self, caller: Caller, document_id: str) -> tuple[DocumentHead, tuple[Section, ...]]:
        """Return a document of the company that the caller may see, with its sections; raise NotFoundError."""
        if self._library is None:
            raise NotFoundError("No documents are indexed.", "Add a folder with `advisor ingest FOLDER`.")
        head, sections = self._library.get_document(caller, document_id)
        self._note_read(caller, "document", [head])
        return head, sections

    def get_document_file(self, caller: Caller, document_id: str) -> tuple[DocumentHead, bytes]:
        """Return the file of a document that the caller may see; raise NotFoundError, also when it changed since."""
        head, _ = self.get_document(caller, document_id)
        if self._document_files is None:
            raise NotFoundError("The files of documents are not kept here.", "Read their text.")
        return head, self._document_files.get(head)

    def _note_read(self, caller: Caller, what: str, heads: Iterable[DocumentHead]) -> None:
        labelled = tuple(sorted({head.id for head in heads if head.label}))
        if self._restricted and labelled:
            self._restricted.note(caller, what, labelled)

    def _beside_documents(self, caller: Caller, query: Query, role: Role, draft: Draft) -> Draft:
        """Return an answer from the playbooks with what the company's own documents say under a title of its own."""
        if self._library is None or self._document_answerer is None:
            return draft
        try:
            with self._turns:
                retrieval = self._library.retrieve(query, caller)
        except IndexUnavailableError:  # the playbooks answer all the same
            return draft.model_copy(update={"notices": (*draft.notices, _NO_DOCUMENTS)})
        found = self._document_answerer.answer(retrieval, role, date.today())
        if found is None:
            return draft
        cited = {citation.section_id for citation in found.citations}
        shown = [p.document for p in retrieval.passages if p.document and p.section.id in cited]
        self._note_read(caller, "answer", shown)
        found = _note_degraded(found, retrieval)
        if draft.outcome is Outcome.DECLINED:
            return found.model_copy(update={"notices": tuple(dict.fromkeys((*found.notices, *draft.notices)))})
        return join_drafts(draft, found)

    def _beside_program(self, caller: Caller, draft: Draft, report: Report | None) -> Draft:
        """Return an answer from the playbooks with what the register shows beside it, each under its own title."""
        if report is not None:
            if draft.outcome is Outcome.DECLINED:
                return report.draft
            return join_drafts(report.draft, title_first(draft, "The playbook says"))
        comment = self._reporter.comment(caller, draft) if self._reporter else None
        return join_drafts(draft, comment) if comment else draft

    def _recall(self, caller: Caller, conversation_id: str | None, *, start: bool = False) -> tuple[Turn, ...]:
        if conversation_id is None:
            return ()
        if not _CONVERSATION_ID.match(conversation_id):
            raise InvalidInputError(
                "The conversation id is malformed.",
                "Send back the id that the first answer carried, or leave it out.",
            )
        try:
            return self.get_conversation(caller, conversation_id)
        except NotFoundError:
            if not start:
                raise
            return ()

    def _retrieve(self, query: Query) -> Retrieval:
        """Retrieve, no more at a time than there are processors: a crowd of threads would only slow each other."""
        asked = time.perf_counter()
        with self._turns:
            retrieval = self._retriever.retrieve(query)
        if self._meter:
            self._meter.time("retrieval", time.perf_counter() - asked)
        return retrieval

    def _steps(
        self,
        caller: Caller,
        question: str,
        role: Role,
        conversation_id: str,
        history: tuple[Turn, ...],
        answer_id: str | None = None,
    ) -> Iterator[AskEvent]:
        started = time.perf_counter()
        yield StatusEvent(text="Reading the playbooks")
        query_text, generation = "", ""
        draft = self._greeter.greet(question)
        if draft is None:
            query = self._rewriter.rewrite(question, history)
            report = self._reporter.report(caller, question, query, role) if self._reporter else None
            query_text = query.standalone if query else question
            yield QueryEvent(query=query_text)
            if report is not None and not report.wants_playbook:
                draft = report.draft
            elif query is None:
                draft = _NOTHING_BEFORE
            else:
                retrieval = self._retrieve(query)
                generation = retrieval.generation
                draft = _note_degraded(self._answerer.answer(query, retrieval, role), retrieval)
                draft = self._beside_documents(caller, query, role, draft)
                draft = self._beside_program(caller, draft, report)
        draft, dropped = drop_dangling(draft)
        answer = Answer(
            id=answer_id or uuid.uuid4().hex,
            conversation_id=conversation_id,
            question=question,
            query=query_text,
            role=role,
            generation=generation,
            **{name: getattr(draft, name) for name in Draft.model_fields},
        )
        self._conversations.record(caller, answer)
        if self._meter:
            self._meter.time("first_block", time.perf_counter() - started)
            self._meter.count("answer", answer.outcome.value)
            self._meter.count("dropped", "no citation", dropped)
        yield from _tell(answer)


def _merge(lists: Iterable[Sequence[Passage]]) -> tuple[Passage, ...]:
    """Return several rankings as one: each keeps its order, and the closer next passage goes first."""
    left = [list(found) for found in lists]
    merged: list[Passage] = []
    while any(left):
        best = max((found for found in left if found), key=lambda found: found[0].closeness)
        merged.append(best.pop(0))
    return tuple(merged)


def _note_degraded(draft: Draft, retrieval: Retrieval) -> Draft:
    """Return a draft that says so when its passages were found without the vector index."""
    if not retrieval.degraded:
        return draft
    return draft.model_copy(update={"notices": (*draft.notices, _DEGRADED)})


def _tell(answer: Answer) -> Iterator[AskEvent]:
    """Return the events of a finished answer: each citation before the first block that uses it."""
    cited = {citation.number: citation for citation in answer.citations}
    for block in answer.blocks:
        for number in find_citation_numbers(block):
            if citation := cited.pop(number, None):
                yield CitationEvent(citation=citation)
        yield BlockEvent(block=block)
    yield DoneEvent(answer=answer)
