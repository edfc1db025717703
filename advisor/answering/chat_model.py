"""Chat models through LangChain. One call, no tools; bounded in time, in length and in retries."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Any

from advisor.errors import ModelError, StorageError
from advisor.ports import TokenBudget

_LONGEST = 20_000
"""Characters that are read of one reply; a model that goes on is cut off."""
_ENDINGS = frozenset({"finish_reason", "stop_reason", "done_reason"})
"""By which providers say that a reply is whole; a connection that closed early looks like the end of one."""
_CHARACTERS_A_TOKEN = 4
"""About, in English; for providers that do not count."""
_REPLY_TOKENS = 1_000
"""Set aside for a reply that has not come yet."""
_REMEDY = "Check ADVISOR_CHAT_MODEL; until it answers, so does the advisor without it."


class LangChainChatModel:
    """Any chat model that LangChain's `init_chat_model` knows, by "provider:name"."""

    def __init__(
        self,
        model: str,
        *,
        base_url: str = "",
        first_seconds: float = 8.0,
        idle_seconds: float = 6.0,
        whole_seconds: float = 20.0,
        retries: int = 2,
        budget: TokenBudget | None = None,
    ) -> None:
        """Open the model; raise ModelError when its provider is not installed or not set up.

        The three times bound the wait for the first piece of a reply, for each further one, and for the whole.
        Without what is left of a `budget` nothing is asked.
        """
        from langchain.chat_models import init_chat_model  # noqa: PLC0415  half a second to import

        options: dict[str, Any] = {"timeout": whole_seconds, "max_retries": 0, "temperature": 0}
        if base_url:
            options["base_url"] = base_url
        try:
            self._model = init_chat_model(model, **options)
        except Exception as error:
            raise ModelError(
                f'The chat model "{model}" cannot be opened ({type(error).__name__}).',
                "Write it as provider:name, install the provider (pip install '.[openai]'), and set its key.",
            ) from error
        self._name = model
        self._first_seconds = first_seconds
        self._idle_seconds = idle_seconds
        self._whole_seconds = whole_seconds
        self._retries = retries
        self._budget = budget
        self._reserving = threading.Lock()
        self._reserved = 0

    @property
    def fingerprint(self) -> str:
        """What a receipt says of the model."""
        return self._name

    def stream(self, instructions: str) -> Iterator[str]:
        """Yield the reply to one message in pieces; raise ModelError when none comes in time, or it breaks off.

        What fails before the first piece is tried again.
        """
        reserved = self._reserve(len(instructions) // _CHARACTERS_A_TOKEN + _REPLY_TOKENS)
        try:
            deadline = time.monotonic() + self._whole_seconds
            for attempt in range(self._retries + 1):
                pieces = self._read(instructions, deadline)
                try:
                    first = next(pieces)
                except ModelError:
                    wait = random.uniform(0.1, 0.4) * 2**attempt  # noqa: S311  jitter, not a secret
                    if attempt == self._retries or time.monotonic() + wait > deadline:
                        raise
                    time.sleep(wait)
                    continue
                yield first
                yield from pieces
                return
        finally:
            with self._reserving:
                self._reserved -= reserved

    def _reserve(self, tokens: int) -> int:
        """Set tokens aside, so that calls side by side do not all spend the same last ones; raise ModelError."""
        if not self._budget:
            return 0
        with self._reserving:
            try:
                left = self._budget.find_left() - self._reserved
            except StorageError as error:
                raise ModelError("What the chat model may still use is not known.", "Check the database.") from error
            if left <= 0:
                raise ModelError("Today's tokens of the chat model are used up.", "Raise ADVISOR_CHAT_DAILY_TOKENS.")
            self._reserved += tokens
        return tokens

    def _read(self, instructions: str, deadline: float) -> Iterator[str]:
        """Yield one reply, read in a thread of its own so that a stalled connection holds nobody up."""
        pieces: SimpleQueue[str | Exception | None] = SimpleQueue()
        given_up = threading.Event()

        def run() -> None:
            try:
                for piece in self._receive(instructions):
                    if given_up.is_set():
                        return
                    pieces.put(piece)
                pieces.put(None)
            except Exception as error:  # noqa: BLE001  providers raise what they like; the caller gets one kind
                pieces.put(error)

        threading.Thread(target=run, daemon=True, name="chat-model").start()
        length = 0
        wait = self._first_seconds
        try:
            while length <= _LONGEST:
                piece = pieces.get(timeout=max(0.0, min(wait, deadline - time.monotonic())))
                if piece is None:
                    break
                if isinstance(piece, Exception):
                    raise ModelError(f"The chat model failed ({type(piece).__name__}).", _REMEDY) from piece
                if piece:
                    yield piece[: _LONGEST - length]
                length += len(piece)
                wait = self._idle_seconds
        except Empty:
            raise ModelError("The chat model took too long.", _REMEDY) from None
        finally:
            given_up.set()
        if not length:
            raise ModelError("The chat model returned nothing.", _REMEDY)

    def _receive(self, instructions: str) -> Iterator[str]:
        ended = False
        spent = length = 0
        try:
            for chunk in self._model.stream([("user", instructions)]):
                ended = ended or not _ENDINGS.isdisjoint(chunk.response_metadata)
                spent += (chunk.usage_metadata or {}).get("total_tokens", 0)
                length += len(str(chunk.text))
                yield str(chunk.text)
        finally:
            if self._budget:
                self._budget.spend(spent or (len(instructions) + length) // _CHARACTERS_A_TOKEN)
        if not ended:
            raise ModelError("The chat model broke off.", _REMEDY)
