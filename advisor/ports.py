"""Sockets: what rooms promise each other. Two implementations each, a fake counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from advisor.domain.audit import NewLine
from advisor.domain.dialogue import Answer, ConversationHead, Draft, Query, Report, Role, Turn
from advisor.domain.identity import Caller
from advisor.domain.knowledge import (
    BuildReport,
    Chunk,
    Document,
    DocumentHead,
    KnowledgeBase,
    LibraryReport,
    Passage,
    Retrieval,
    Section,
    Skipped,
)
from advisor.domain.receipts import Receipt
from advisor.domain.register import Entry, NewEntry
from advisor.domain.upkeep import AnswerLine, Opinion, Unmet
from advisor.domain.work import Feedback, NewWork, Queue, Work

Vectors = NDArray[np.float32]
"""Shape (n, dimension); rows have length one, so a dot product is a cosine."""

Span = tuple[int, int]
"""First character and the one after the last of a part of a text."""

Progress = Callable[[str, int, int], None]
"""Called as progress(stage, done, total)."""


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def fingerprint(self) -> str:
        """Name and digest of the model: vectors of different fingerprints never mix."""
        ...

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        ...

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Return one unit vector per text, in order."""
        ...

    def embed_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]], progress: Progress | None = None
    ) -> tuple[Vectors, list[Vectors]]:
        """Return one unit vector per text and one for each of its spans of characters (start, end), in order."""
        ...


class Retriever(Protocol):
    """Finds the passages that a query is about."""

    def retrieve(self, query: Query) -> Retrieval:
        """Return the best passages, best first; raise IndexUnavailableError when there is no index."""
        ...

    def correct(self, text: str) -> str:
        """Return a question with its slips of the finger mended."""
        ...

    def list_sections(self) -> tuple[Section, ...]:
        """Return every section that answers may rest on, in order; raise IndexUnavailableError."""
        ...


class Library(Protocol):
    """Finds passages in the company's own documents."""

    def retrieve(self, query: Query, caller: Caller) -> Retrieval:
        """Return the best passages that the caller may see, best first; none where there are no documents."""
        ...

    def list_documents(self, caller: Caller) -> tuple[DocumentHead, ...]:
        """Return the documents that the caller may see, by collection and path."""
        ...

    def get_document(self, caller: Caller, document_id: str) -> tuple[DocumentHead, tuple[Section, ...]]:
        """Return a document that the caller may see, with its sections; raise NotFoundError."""
        ...


class ChatModel(Protocol):
    """A language model that is told one thing and replies once."""

    @property
    def fingerprint(self) -> str:
        """Name of the model, for receipts."""
        ...

    def stream(self, instructions: str) -> Iterator[str]:
        """Yield the reply in pieces; raise ModelError when none comes in time, or it breaks off."""
        ...


class TokenBudget(Protocol):
    """How much of the chat model may be used today."""

    def find_left(self) -> int:
        """Return the tokens that may still be used."""
        ...

    def spend(self, tokens: int) -> None:
        """Note tokens that were used."""
        ...


class Reranker(Protocol):
    """Looks at a query and a text together."""

    def score(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return how well each text answers the query, in any scale, higher is better."""
        ...


class DocumentFiles(Protocol):
    """The files that documents were read from."""

    def get(self, head: DocumentHead) -> bytes:
        """Return the file of a document; raise NotFoundError where it is gone or has changed since it was indexed."""
        ...


class RestrictedReads(Protocol):
    """Remembers who was shown what carries an access label."""

    def note(self, caller: Caller, what: str, subjects: tuple[str, ...]) -> None:
        """Note that a caller was shown these, by their ids."""
        ...


class LibraryWriter(Protocol):
    """Builds and publishes the index of the company's documents."""

    def find_known(self) -> Mapping[str, DocumentHead]:
        """Return the documents that the serving index holds, by id."""
        ...

    def build(
        self, documents: Iterable[Document], skipped: Sequence[Skipped], progress: Progress | None
    ) -> LibraryReport:
        """Build an index of exactly these documents beside the serving one, check it, and switch to it."""
        ...


class IndexWriter(Protocol):
    """Builds and publishes an index generation."""

    def build(
        self,
        knowledge: KnowledgeBase,
        chunks: Sequence[Chunk],
        *,
        chunker: str,
        rebuild: bool,
        progress: Progress | None,
    ) -> BuildReport:
        """Build a generation beside the serving one, check it, and switch to it; all or nothing.

        `chunker` names the version of the rules that made the chunks.
        """
        ...


class Answerer(Protocol):
    """Composes an answer from what was retrieved."""

    def compose(
        self, query: Query, retrieval: Retrieval, role: Role, *, replies: Sequence[str] | None = None
    ) -> Iterator[Draft]:
        """Yield a draft whose every sentence is cited, or one that abstains; first as far as it got, at last whole.

        With `replies` of old a chat model is not asked again.
        """
        ...


class Verifier(Protocol):
    """Compares what is about to be shown with what it cites."""

    def verify(self, draft: Draft, passages: Sequence[Passage]) -> Draft:
        """Return the draft without the sentences that do not hold; its basis tells which those were."""
        ...


class DocumentAnswerer(Protocol):
    """Composes what the company's own documents say."""

    def answer(self, retrieval: Retrieval, role: Role, today: date) -> Draft | None:
        """Return a draft whose every sentence is cited, or None where the documents are not about the question."""
        ...


class Rewriter(Protocol):
    """Makes a question standalone with the help of the conversation."""

    def rewrite(self, question: str, history: Sequence[Turn]) -> Query | None:
        """Return the query, or None when the question cannot be understood without a history there is not."""
        ...


class Greeter(Protocol):
    """Meets messages that no playbook needs to answer."""

    def greet(self, question: str) -> Draft | None:
        """Return a draft for courtesy or for a question in another language, or None for a real question."""
        ...


class Conversations(Protocol):
    """Remembers conversations, each visible to the caller who had it."""

    def record(self, caller: Caller, answer: Answer, receipt: Receipt | None = None) -> None:
        """Append one turn to the conversation that the answer names."""
        ...

    def get_receipt(self, answer_id: str) -> Receipt:
        """Return what an answer rested on, whoever got it; raise NotFoundError."""
        ...

    def get_turns(self, conversation_id: str) -> tuple[Turn, ...]:
        """Return the turns of a conversation, whoever had it, oldest first; empty where there are none."""
        ...

    def get_history(self, caller: Caller, conversation_id: str) -> tuple[Turn, ...]:
        """Return the turns so far, oldest first; raise NotFoundError if the caller has no such conversation."""
        ...

    def get_answer(self, caller: Caller, answer_id: str) -> Answer:
        """Return an answer that the caller was given; raise NotFoundError."""
        ...

    def record_feedback(self, caller: Caller, feedback: Feedback) -> None:
        """Remember what a caller thinks of an answer; the newest opinion of a caller counts."""
        ...

    def list_heads(self, caller: Caller, limit: int, before: int | None = None) -> tuple[ConversationHead, ...]:
        """Return the caller's conversations, newest first; only those with numbers below `before`."""
        ...

    def forget_before(self, moment: datetime) -> int:
        """Forget the conversations of everybody whose last turn was before; return how many turns those had."""
        ...

    def delete(self, caller: Caller, conversation_id: str) -> None:
        """Forget a conversation; raise NotFoundError if the caller has no such conversation."""
        ...


class Upkeep(Protocol):
    """Remembers what was asked and not met, and what answers rest on; for those who look after the knowledge base."""

    def list_unmet(self) -> tuple[Unmet, ...]:
        """Return the questions that were not answered, and those whose answer is disliked, newest first."""
        ...

    def list_opinions(self, limit: int) -> tuple[Opinion, ...]:
        """Return what readers said of answers, newest first."""
        ...

    def list_answers(self, limit: int) -> tuple[AnswerLine, ...]:
        """Return the answers given, newest first."""
        ...

    def count_citations(self) -> Mapping[str, int]:
        """Return how many kept answers cite each section."""
        ...

    def list_owners(self) -> Mapping[str, str]:
        """Return who takes care of a content gap, by the question that names it."""
        ...

    def assign(self, caller: Caller, question: str, owner: str, *, instead: Sequence[str]) -> None:
        """Give a content gap an owner in place of those of its questions; an empty one takes them away."""
        ...


class ProgramReporter(Protocol):
    """Answers from the register what concerns the company's own program."""

    def report(self, caller: Caller, question: str, query: Query | None, role: Role) -> Report | None:
        """Return what the register answers, or None for a question that is for the playbooks alone."""
        ...

    def comment(self, caller: Caller, draft: Draft) -> Draft | None:
        """Return how the program stands to what an answer from the playbooks asks for, or None."""
        ...

    def find_head(self, caller: Caller) -> int:
        """Return the number of the newest entry that the caller may see."""
        ...

    def may_see(self, caller: Caller, answer: Answer) -> bool:
        """Whether the caller may still see every record that an answer of old rests on."""
        ...


class RegisterLog(Protocol):
    """Keeps the facts of the register, in the order in which they were acknowledged."""

    def append(
        self, caller: Caller, entries: Sequence[NewEntry], expected: Mapping[str, int] | None = None
    ) -> tuple[Entry, ...]:
        """Log all entries or none; a key that is known returns what was logged with it.

        Raises ConflictError when a key was used for another fact, or when the newest entry on a subject of `expected`
        has another number than the one given there.
        """
        ...

    def read(self, after: int = 0) -> tuple[Entry, ...]:
        """Return the entries with numbers above `after`, in order."""
        ...

    def find_epoch(self) -> int:
        """Return a number that changes whenever entries were rewritten, as the erasure of a person does."""
        ...


class WorkQueue(Protocol):
    """Keeps work until it is done, through crashes and across replicas. Times are seconds since the epoch."""

    def put(self, work: Sequence[NewWork]) -> int:
        """Queue what is not known yet; return how many pieces that were."""
        ...

    def take(self, queue: Queue, now: float, *, lease: float, pace: float = 0) -> Work | None:
        """Return the oldest piece that may be done now, or None; nobody else gets it for `lease` seconds.

        A lane waits for its first piece, and `pace` seconds after each piece that was finished.
        """
        ...

    def leave_note(self, work: Work, note: Mapping[str, Any]) -> None:
        """Keep what the next attempt must know, should this one be cut off, beside what was left before."""
        ...

    def finish(self, work: Work, now: float, *, follow: Sequence[NewWork] = ()) -> None:
        """Mark as done, drop the payload, and queue what follows, all or nothing."""
        ...

    def postpone(self, work: Work, until: float) -> None:
        """Put back, to be taken again at a later time."""
        ...

    def give_up(self, work: Work, now: float, reason: str) -> None:
        """Mark as failed for good."""
        ...

    def knows(self, key: str) -> bool:
        """Whether a piece was ever queued under a key."""
        ...

    def count(self, queue: Queue) -> dict[str, int]:
        """Return how many pieces are waiting, done and failed."""
        ...


class AuditLog(Protocol):
    """Remembers who did what, so that it cannot be changed unseen."""

    def note(self, caller: Caller, line: NewLine) -> None:
        """Append a line; raise StorageError when it cannot be kept."""
        ...


class Meter(Protocol):
    """Counts what operators watch."""

    def time(self, stage: str, seconds: float) -> None:
        """Note how long a stage took: retrieval, or first_block."""
        ...

    def count(self, event: str, kind: str, by: int = 1) -> None:
        """Count what happened: answer by outcome, dropped sentences by reason, slack deliveries by result."""
        ...
