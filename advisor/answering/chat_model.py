"""Chat models through LangChain. One call, no tools; bounded in time, in length and in retries."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Any

from advisor.errors import ModelError

_LONGEST = 20_000
"""Characters that are read of one reply; a model that goes on is cut off."""
_ENDINGS = frozenset({"finish_reason", "stop_reason", "done_reason"})
"""By which providers say that a reply is whole; a connection that closed early looks like the end of one."""
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
    ) -> None:
        """Open the model; raise ModelError when its provider is not installed or not set up.

        The three times bound the wait for the first piece of a reply, for each further one, and for the whole.
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

    @property
    def fingerprint(self) -> str:
        """What a receipt says of the model."""
        return self._name

    def complete(self, instructions: str) -> str:
        """Return the reply to one message; raise ModelError when none comes in time."""
        deadline = time.monotonic() + self._whole_seconds
        for attempt in range(self._retries + 1):
            try:
                return self._read(instructions, deadline)
            except ModelError:
                wait = random.uniform(0.1, 0.4) * 2**attempt  # noqa: S311  jitter, not a secret
                if attempt == self._retries or time.monotonic() + wait > deadline:
                    raise
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _read(self, instructions: str, deadline: float) -> str:
        """Return one reply, read in a thread of its own so that a stalled connection holds nobody up."""
        pieces: SimpleQueue[str | Exception | None] = SimpleQueue()
        given_up = threading.Event()

        def run() -> None:
            try:
                for piece in self._stream(instructions):
                    if given_up.is_set():
                        return
                    pieces.put(piece)
                pieces.put(None)
            except Exception as error:  # noqa: BLE001  providers raise what they like; the caller gets one kind
                pieces.put(error)

        threading.Thread(target=run, daemon=True, name="chat-model").start()
        text = ""
        wait = self._first_seconds
        try:
            while len(text) <= _LONGEST:
                piece = pieces.get(timeout=max(0.0, min(wait, deadline - time.monotonic())))
                if piece is None:
                    break
                if isinstance(piece, Exception):
                    raise ModelError(f"The chat model failed ({type(piece).__name__}).", _REMEDY) from piece
                text += piece
                wait = self._idle_seconds
        except Empty:
            raise ModelError("The chat model took too long.", _REMEDY) from None
        finally:
            given_up.set()
        if not text.strip():
            raise ModelError("The chat model returned nothing.", _REMEDY)
        return text[:_LONGEST]

    def _stream(self, instructions: str) -> Iterator[str]:
        ended = False
        for chunk in self._model.stream([("user", instructions)]):
            ended = ended or not _ENDINGS.isdisjoint(chunk.response_metadata)
            yield str(chunk.text)
        if not ended:
            raise ModelError("The chat model broke off.", _REMEDY)
