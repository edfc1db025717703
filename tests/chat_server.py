"""A chat model for tests: OpenAI's chat completions protocol over HTTP on loopback, streamed, and what can go wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

Reply = Callable[[str], str]
"""From the instructions to what the model writes."""


class ChatServer:
    """Answers with what `reply` returns; `faults` are used up one a request, before replies are given.

    Faults: 429, 500, "hang" (before the first token), "stall" (mid-stream), "close" (mid-stream), "garbage" (not JSON).
    """

    def __init__(self, reply: Reply | str = "", *faults: int | str) -> None:
        self.reply: Reply = reply if callable(reply) else lambda _: str(reply)
        self.faults = list(faults)
        self.asked: list[str] = []
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Stay silent."""

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                instructions = body["messages"][-1]["content"]
                outer.asked.append(instructions)
                fault = outer.faults.pop(0) if outer.faults else None
                if isinstance(fault, int):
                    self._send_error(fault)
                elif fault == "hang":
                    outer._closing.wait(30)
                else:
                    self._stream(outer.reply(instructions), fault)

            def _send_error(self, status: int) -> None:
                text = json.dumps({"error": {"message": "no", "type": "server_error", "code": "no"}}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def _stream(self, text: str, fault: str | None) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                if fault == "garbage":
                    self.wfile.write(b"data: {not json\n\n")
                    return
                size = max(1, len(text) // 20)
                for place, start in enumerate(range(0, len(text), size)):
                    if fault == "close" and place == 5:
                        return
                    if fault == "stall" and place == 5:
                        outer._closing.wait(30)
                        return
                    self._send_piece({"content": text[start : start + size]}, None)
                self._send_piece({}, "stop")
                self.wfile.write(b"data: [DONE]\n\n")

            def _send_piece(self, delta: dict[str, str], reason: str | None) -> None:
                choice = {"index": 0, "delta": delta, "finish_reason": reason}
                piece = {"id": "c", "object": "chat.completion.chunk", "created": int(time.time()), "model": "scripted"}
                self.wfile.write(f"data: {json.dumps(piece | {'choices': [choice]})}\n\n".encode())
                self.wfile.flush()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> ChatServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
