"""Stand-ins that keep the promises of their ports; the contract suites hold them to it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from advisor.domain.dialogue import Answer, ConversationHead, Query, Turn
from advisor.domain.identity import Caller
from advisor.domain.knowledge import Retrieval, Section
from advisor.domain.receipts import Receipt
from advisor.domain.work import Feedback
from advisor.errors import NotFoundError
from advisor.ports import Progress, Span, Vectors
from advisor.text import content_stems


class HashEmbedder:
    """Bags of hashed stems: texts that share words are close."""

    fingerprint = "hash@1"
    dimension = 64

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        self.embedded += texts
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for stem in content_stems(text) or ["nothing"]:
                vectors[row, int(hashlib.md5(stem.encode()).hexdigest(), 16) % self.dimension] += 1
        if progress and texts:
            progress("Embedding", len(texts), len(texts))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if len(texts) else vectors

    def embed_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]], progress: Progress | None = None
    ) -> tuple[Vectors, list[Vectors]]:
        vectors = self.embed(texts, progress)
        parts = [self.embed([text[a:b] for a, b in own]) for text, own in zip(texts, spans, strict=True)]
        return vectors, parts


class FixedRetriever:
    """Returns what it was given, whatever the query."""

    def __init__(self, retrieval: Retrieval) -> None:
        self.retrieval = retrieval
        self.queries: list[Query] = []

    def correct(self, text: str) -> str:
        return text

    def retrieve(self, query: Query) -> Retrieval:
        self.queries.append(query)
        return self.retrieval

    def list_sections(self) -> tuple[Section, ...]:
        return tuple(passage.section for passage in self.retrieval.passages)


class MemoryConversations:
    """Conversations in a dictionary."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, str], list[Turn]] = defaultdict(list)
        self._numbers: dict[tuple[str, str], int] = {}
        self._last: dict[tuple[str, str], datetime] = {}
        self._receipts: dict[str, Receipt] = {}
        self.feedback: dict[tuple[str, str], Feedback] = {}

    def record(self, caller: Caller, answer: Answer, receipt: Receipt | None = None) -> None:
        self._last[caller.id, answer.conversation_id] = datetime.now(UTC)
        if receipt:
            self._receipts[answer.id] = receipt
        turn = Turn(question=answer.question, query=answer.query, answer=answer)
        self._turns[caller.id, answer.conversation_id].append(turn)
        self._numbers[caller.id, answer.conversation_id] = len(self._numbers) + sum(map(len, self._turns.values()))

    def list_heads(self, caller: Caller, limit: int, before: int | None = None) -> tuple[ConversationHead, ...]:
        heads = [
            ConversationHead(
                id=id_,
                number=self._numbers[caller.id, id_],
                title=turns[0].question,
                turns=len(turns),
                last_at=datetime.now(UTC),
            )
            for (owner, id_), turns in self._turns.items()
            if owner == caller.id and turns and (before is None or self._numbers[caller.id, id_] < before)
        ]
        return tuple(sorted(heads, key=lambda head: -head.number)[:limit])

    def delete(self, caller: Caller, conversation_id: str) -> None:
        if not self._turns.pop((caller.id, conversation_id), None):
            raise NotFoundError("There is no conversation of yours with that id.", "List them.")

    def get_history(self, caller: Caller, conversation_id: str) -> tuple[Turn, ...]:
        turns = self._turns.get((caller.id, conversation_id))
        if not turns:
            raise NotFoundError("There is no conversation of yours with that id.", "Leave it out.")
        return tuple(turns)

    def forget_before(self, moment: datetime) -> int:
        gone = [key for key, last in self._last.items() if last < moment]
        return sum(len(self._turns.pop(key, [])) for key in gone if self._last.pop(key))

    def get_turns(self, conversation_id: str) -> tuple[Turn, ...]:
        return tuple(turn for (_, id_), turns in self._turns.items() if id_ == conversation_id for turn in turns)

    def get_receipt(self, answer_id: str) -> Receipt:
        if answer_id not in self._receipts:
            raise NotFoundError("There is no receipt of that answer.", "Check its id.")
        return self._receipts[answer_id]

    def get_answer(self, caller: Caller, answer_id: str) -> Answer:
        for (owner, _), turns in self._turns.items():
            for turn in turns:
                if owner == caller.id and turn.answer.id == answer_id:
                    return turn.answer
        raise NotFoundError("There is no answer of yours with that id.", "Ask again.")

    def record_feedback(self, caller: Caller, feedback: Feedback) -> None:
        self.feedback[caller.id, feedback.answer_id] = feedback
