"""The one object that doors call: it checks what is asked, has it answered, and keeps answers with their receipts."""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from advisor import __version__
from advisor.domain.dialogue import (
    Answer,
    CitationKind,
    ConversationHead,
    Draft,
    Outcome,
    Query,
    Role,
    Turn,
    parse_question,
    parse_role,
    render_conversation,
)
from advisor.domain.events import AskEvent, BlockEvent, DoneEvent
from advisor.domain.identity import Caller, Permission
from advisor.domain.knowledge import DocumentHead, Passage, Section
from advisor.domain.receipts import Receipt, Replay, digest_answer, find_changes, refer
from advisor.domain.work import Feedback
from advisor.errors import ForbiddenError, InvalidInputError, NotFoundError, StorageError
from advisor.pipeline import Asked, Made, Pipeline, Teller
from advisor.ports import Conversations, DocumentFiles, Library, Meter, ProgramReporter, Retriever

_SWEEP_SECONDS = 3600
_NO_HISTORY = "The database does not answer: what was said before is not known here."
_NOT_KEPT = "The database does not answer: this is not kept, so it has no receipt, and a follow-up will not know of it."
_CONVERSATION_ID = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


class Advisor:
    """The one object that doors call. Safe to share between threads."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        retriever: Retriever,
        conversations: Conversations,
        reporter: ProgramReporter | None = None,
        library: Library | None = None,
        document_files: DocumentFiles | None = None,
        meter: Meter | None = None,
        embedding_model: str = "",
        keep_days: int = 0,
    ) -> None:
        self._pipeline = pipeline
        self._retriever = retriever
        self._conversations = conversations
        self._reporter = reporter
        self._library = library
        self._document_files = document_files
        self._meter = meter
        self._embedding_model = embedding_model
        self._keep_days = keep_days
        self._swept = float("-inf")

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
        asked = self._parse(caller, question, role, conversation_id, start=start)
        for event in self._run(caller, asked, conversation_id or uuid.uuid4().hex, answer_id):
            if isinstance(event, DoneEvent):
                return event.answer
        raise AssertionError("a stream ends with a DoneEvent")

    def stream(
        self, caller: Caller, question: str, *, role: str | None = None, conversation_id: str | None = None
    ) -> Iterator[AskEvent]:
        """Answer a question and tell of it on the way; input is checked before the first event."""
        asked = self._parse(caller, question, role, conversation_id)
        return self._run(caller, asked, conversation_id or uuid.uuid4().hex)

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
        self._pipeline.note_read(caller, what, shown)
        return True

    def record_feedback(self, caller: Caller, feedback: Feedback) -> None:
        """Remember what the caller thinks of an answer of theirs, or of a citation in it; raise NotFoundError."""
        answer = self._conversations.get_answer(caller, feedback.answer_id)
        if feedback.citation is not None and feedback.citation not in {c.number for c in answer.citations}:
            raise InvalidInputError("The answer has no citation with that number.", "Take one of its citations.")
        self._conversations.record_feedback(caller, feedback)

    def list_conversations(self, caller: Caller, limit: int, before: int | None = None) -> tuple[ConversationHead, ...]:
        """Return the caller's conversations, newest first; an anonymous caller, who is many people, has none."""
        return () if caller.anonymous else self._conversations.list_heads(caller, limit, before)

    def get_conversation(self, caller: Caller, conversation_id: str) -> tuple[Turn, ...]:
        """Return the turns of a conversation of the caller, oldest first; raise NotFoundError."""
        turns = self._conversations.get_history(caller, conversation_id)
        return tuple(turn for turn in turns if self._may_see(caller, turn.answer, "conversation"))

    def export_conversation(self, caller: Caller, conversation_id: str) -> str:
        """Return a conversation of the caller as Markdown, with its sources; raise NotFoundError."""
        return render_conversation(self.get_conversation(caller, conversation_id))

    def delete_conversation(self, caller: Caller, conversation_id: str) -> None:
        """Forget a conversation of the caller; raise NotFoundError, and ForbiddenError for an anonymous one."""
        if caller.anonymous:
            raise ForbiddenError("Nobody owns a conversation that was held without signing in.", "Sign in.")
        self._conversations.delete(caller, conversation_id)

    def search(self, caller: Caller, text: str) -> tuple[Passage, ...]:
        """Return the passages nearest to a text that the caller may see: of playbooks and documents."""
        query = Query(text=parse_question(text))
        lists = [self._pipeline.retrieve(query).passages]
        if documents := self._pipeline.search_documents(caller, query, "search"):
            lists.append(documents.passages)
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
        self._pipeline.note_read(caller, "document", [head])
        return head, sections

    def get_document_file(self, caller: Caller, document_id: str) -> tuple[DocumentHead, bytes]:
        """Return the file of a document that the caller may see; raise NotFoundError, also when it changed since."""
        head, _ = self.get_document(caller, document_id)
        if self._document_files is None:
            raise NotFoundError("The files of documents are not kept here.", "Read their text.")
        return head, self._document_files.get(head)

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

    def get_receipt(self, caller: Caller, answer_id: str) -> Receipt:
        """Return what an answer rested on: to whom it was given, or to an admin; raise NotFoundError.

        Passages of documents that are no longer open to the caller are left out.
        """
        if caller.may(Permission.ADMIN):
            return self._conversations.get_receipt(answer_id)
        self.get_answer(caller, answer_id)
        receipt = self._conversations.get_receipt(answer_id)
        documents = {document.id for document in self.list_documents(caller)}
        shown = (p for p in receipt.passages if not p.document or p.section_id.partition("/")[0] in documents)
        return receipt.model_copy(update={"passages": tuple(shown)})

    def replay(self, caller: Caller, answer_id: str) -> Replay:
        """Ask again as it was asked then, keeping nothing, and tell what changed since; raise NotFoundError.

        Where a chat model worded the answer its old replies are read again, and checked against today's passages.
        """
        receipt = self.get_receipt(caller, answer_id)
        turns = self._conversations.get_turns(receipt.conversation_id)
        places = [place for place, turn in enumerate(turns) if turn.answer.id == answer_id]
        if not places:
            raise NotFoundError("The conversation of that answer was deleted.", "Ask the question again.")
        old = turns[places[0]].answer
        asked = Asked(receipt.question, receipt.role, turns[: places[0]], receipt.basis.replies)
        made = self._make(caller, asked)
        answer = _finish(made, asked, old.conversation_id, old.id)
        now = self._issue_receipt(answer, made)
        return Replay(
            receipt=receipt,
            answer=answer,
            reproduced=now.digest == receipt.digest,
            changes=find_changes(receipt, now, self._retriever.list_sections()),
        )

    def is_answered(self, caller: Caller, question: str) -> bool:
        """Whether a question would be answered today; nothing is kept of asking."""
        made = self._make(caller, Asked(question, Role.EXECUTIVE, shown=False))
        return made.draft.outcome is Outcome.ANSWERED

    def _make(self, caller: Caller, asked: Asked) -> Made:
        return next(event for event in self._pipeline.run(caller, asked, Teller()) if isinstance(event, Made))

    def _parse(
        self, caller: Caller, question: str, role: str | None, conversation_id: str | None, *, start: bool = False
    ) -> Asked:
        text, shape = parse_question(question), parse_role(role)
        try:
            return Asked(text, shape, self._recall(caller, conversation_id, start=start))
        except StorageError:
            return Asked(text, shape, notices=(_NO_HISTORY,))

    def _run(
        self, caller: Caller, asked: Asked, conversation_id: str, answer_id: str | None = None
    ) -> Iterator[AskEvent]:
        """Yield the events of an answer; it is kept with its receipt before the last of them."""
        started = time.perf_counter()
        first: float | None = None
        teller = Teller()
        for event in self._pipeline.run(caller, asked, teller):
            if not isinstance(event, Made):
                first = first or (time.perf_counter() - started if isinstance(event, BlockEvent) else None)
                yield event
                continue
            answer = _finish(event, asked, conversation_id, answer_id or uuid.uuid4().hex)
            try:
                self._conversations.record(caller, answer, self._issue_receipt(answer, event))
            except StorageError:
                answer = answer.model_copy(update={"notices": (*answer.notices, _NOT_KEPT)})
            if self._meter:
                self._meter.time("first_block", first or time.perf_counter() - started)
                self._meter.count("answer", answer.outcome.value)
                self._meter.count("dropped", "no citation", len(event.draft.basis.refused))
            yield from teller.tell(answer.blocks, answer.citations)
            self._sweep()
            yield DoneEvent(answer=answer)

    def _sweep(self) -> None:
        """Forget conversations that are over age, once an hour."""
        if self._keep_days and time.monotonic() - self._swept > _SWEEP_SECONDS:
            self._swept = time.monotonic()
            with contextlib.suppress(StorageError):  # the answer is kept; the next hour tries again
                self._conversations.forget_before(datetime.now(UTC) - timedelta(days=self._keep_days))

    def _issue_receipt(self, answer: Answer, made: Made) -> Receipt:
        cited = frozenset(citation.section_id for citation in answer.citations)
        return Receipt(
            answer_id=answer.id,
            conversation_id=answer.conversation_id,
            asked_at=datetime.now(UTC),
            question=answer.question,
            query=answer.query,
            role=answer.role,
            outcome=answer.outcome,
            version=__version__,
            embedding_model=self._embedding_model,
            generation=made.generation,
            library_generation=made.library_generation,
            register_head=made.register_head,
            degraded=made.degraded,
            passages=tuple(refer(passage, cited) for passage in made.passages),
            basis=made.draft.basis,
            took=made.took,
            digest=digest_answer(answer),
        )


def _finish(made: Made, asked: Asked, conversation_id: str, answer_id: str) -> Answer:
    kept = Draft.model_fields.keys() & Answer.model_fields.keys()
    return Answer(
        id=answer_id,
        conversation_id=conversation_id,
        question=asked.question,
        query=made.query,
        role=asked.role,
        generation=made.generation,
        **{name: getattr(made.draft, name) for name in kept},
    )


def _merge(lists: Iterable[Sequence[Passage]]) -> tuple[Passage, ...]:
    """Return several rankings as one: each keeps its order, and the closer next passage goes first."""
    left = [list(found) for found in lists]
    merged: list[Passage] = []
    while any(left):
        best = max((found for found in left if found), key=lambda found: found[0].closeness)
        merged.append(best.pop(0))
    return tuple(merged)
