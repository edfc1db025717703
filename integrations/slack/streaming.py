"""Writes an answer as a stream, which Slack ends by itself after five minutes and above a certain length."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

MOST_CHARACTERS = 11_000
MOST_SECONDS = 240.0
PIECE = 1_000
CONTINUED = "_(continued)_\n\n"
STOPPED = "\n\n_Stopped at your request._"
_PASSING = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})


class StreamCutError(Exception):
    """A stream broke for good; `ts` is its last message, empty when none was started."""

    def __init__(self, ts: str) -> None:
        super().__init__("the stream broke")
        self.ts = ts


class StreamWriter:
    """One answer as one or more streams in a thread: the last one carries the sources, the buttons and the metadata."""

    def __init__(
        self,
        client: WebClient,
        *,
        channel: str,
        thread: str,
        team: str,
        user: str,
        clock: Callable[[], float] = time.time,
        on_start: Callable[[str], None],
        is_stopped: Callable[[str], bool],
    ) -> None:
        self._client = client
        self._channel = channel
        self._thread = thread
        self._team = team
        self._user = user
        self._clock = clock
        self._on_start = on_start
        self._is_stopped = is_stopped
        self._ts = ""
        self._began = 0.0
        self._written = 0

    def write(self, markdown: str, *, end: Sequence[dict[str, Any]], metadata: dict[str, Any]) -> None:
        """Stream a text and end it with blocks.

        Raises StreamCutError when the stream broke, and SlackApiError or OSError when nothing was started and trying
        again may help.
        """
        for piece in _pieces(markdown):
            if self._ts and self._is_stopped(self._ts):
                self._stop(STOPPED, end, metadata)
                return
            if self._ts and (
                self._written + len(piece) > MOST_CHARACTERS or self._clock() - self._began > MOST_SECONDS
            ):
                self._stop("", (), {**metadata, "event_payload": {"part_of": metadata["event_payload"]["key"]}})
                self._start(CONTINUED + piece)
            elif self._ts:
                self._append(piece)
            else:
                self._start(piece)
        self._stop("", end, metadata)

    def _start(self, piece: str) -> None:
        again = bool(self._ts)
        try:
            reply = self._client.chat_startStream(
                channel=self._channel,
                thread_ts=self._thread,
                recipient_team_id=self._team,
                recipient_user_id=self._user,
                markdown_text=piece,
            )
        except SlackApiError as error:
            if again or error.response.get("error") not in _PASSING:
                raise StreamCutError(self._ts) from error
            raise
        except OSError as error:
            if again:
                raise StreamCutError(self._ts) from error
            raise
        if not again:
            self._on_start(reply["ts"])
        self._ts, self._began, self._written = reply["ts"], self._clock(), len(piece)

    def _append(self, piece: str) -> None:
        try:
            self._client.chat_appendStream(channel=self._channel, ts=self._ts, markdown_text=piece)
        except (SlackApiError, OSError) as error:
            raise StreamCutError(self._ts) from error
        self._written += len(piece)

    def _stop(self, text: str, end: Sequence[dict[str, Any]], metadata: dict[str, Any]) -> None:
        given: dict[str, Any] = {"metadata": metadata} | ({"blocks": list(end)} if end else {})
        given |= {"markdown_text": text} if text else {}
        try:
            self._client.chat_stopStream(channel=self._channel, ts=self._ts, **given)
        except (SlackApiError, OSError) as error:
            raise StreamCutError(self._ts) from error


def _pieces(text: str) -> Iterator[str]:
    """Return a text in pieces that end between words where they can."""
    while text:
        cut = len(text) if len(text) <= PIECE else (text.rfind("\n", 1, PIECE) + 1 or text.rfind(" ", 1, PIECE) + 1)
        cut = cut or PIECE
        yield text[:cut]
        text = text[cut:]
