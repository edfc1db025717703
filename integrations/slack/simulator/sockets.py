"""Socket Mode: one-use tickets, several sockets, envelopes and their acknowledgements."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from integrations.slack.simulator.errors import Json
from integrations.slack.simulator.world import APP_ID, World

_HOST = "applink-simulated"
_CLOSE_AFTER = 1.0


class _Socket:
    """One open connection and the envelopes it has not acknowledged yet."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self.pending: dict[str, Future[Json]] = {}


class Sockets:
    """The connections of the app; each envelope goes to one of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tickets: set[str] = set()
        self._open: list[_Socket] = []
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.address = ""

    def issue_ticket(self) -> str:
        """Return an address that can be connected to once."""
        ticket = self._world.new_id("ticket-")
        with self._changed:
            self._tickets.add(ticket)
        return f"{self.address}?ticket={ticket}&app_id={APP_ID}"

    def count(self) -> int:
        """Return how many sockets take envelopes."""
        with self._changed:
            return len(self._open)

    def wait(self, count: int = 1, timeout: float = 5.0) -> bool:
        """Wait until so many sockets are connected."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._open) >= count, timeout)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection until it closes."""
        with self._changed:
            known = websocket.query_params.get("ticket", "") in self._tickets
            self._tickets.discard(websocket.query_params.get("ticket", ""))
        if not known:
            await websocket.close()
            return
        await websocket.accept()
        socket = _Socket(websocket)
        debug = {"host": _HOST, "approximate_connection_time": 3600, "started": time.strftime("%Y-%m-%d %H:%M:%S")}
        hello = {"type": "hello", "num_connections": self.count() + 1, "debug_info": debug}
        await websocket.send_text(json.dumps(hello | {"connection_info": {"app_id": APP_ID}}))
        with self._changed:
            self._loop = asyncio.get_running_loop()
            self._open.append(socket)
            self._changed.notify_all()
        try:
            while True:
                self._take_ack(socket, await websocket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            self._retire(socket)
            for waiting in list(socket.pending.values()):
                waiting.cancel()

    def deliver(self, envelope: Json, *, connect_wait: float, deadline: float) -> tuple[str, Json]:
        """Send an envelope to one socket and return an empty reason and the answer, or why it failed."""
        if not self.wait(1, connect_wait):
            return "connection_failed", {}
        waiting: Future[Json] = Future()
        with self._changed:
            if not self._open or self._loop is None:
                return "connection_failed", {}
            socket = self._world.random.choice(self._open)
            socket.pending[envelope["envelope_id"]] = waiting
            sending = socket.websocket.send_text(json.dumps(envelope))
            sent = asyncio.run_coroutine_threadsafe(sending, self._loop)
        try:
            return "", waiting.result(deadline)
        except FutureTimeoutError:
            return "timeout", {}
        except CancelledError:
            return "connection_failed", {}
        finally:
            sent.cancel()
            socket.pending.pop(envelope["envelope_id"], None)

    def disconnect(self, reason: str) -> None:
        """Ask all clients to connect anew; a mere `warning` leaves their sockets open."""
        with self._changed:
            sockets, loop = list(self._open), self._loop
        if loop is None:
            return
        waiting = [asyncio.run_coroutine_threadsafe(self._disconnect(s, reason), loop) for s in sockets]
        for future in waiting:
            future.result(5.0)

    async def _disconnect(self, socket: _Socket, reason: str) -> None:
        if reason != "warning":
            self._retire(socket)
        message = {"type": "disconnect", "reason": reason, "debug_info": {"host": _HOST}}
        await socket.websocket.send_text(json.dumps(message))
        if reason != "warning":
            asyncio.get_running_loop().call_later(_CLOSE_AFTER, lambda: asyncio.ensure_future(_close(socket)))

    def _retire(self, socket: _Socket) -> None:
        with self._changed:
            if socket in self._open:
                self._open.remove(socket)
                self._changed.notify_all()

    def _take_ack(self, socket: _Socket, text: str) -> None:
        try:
            message: Any = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, dict) or "envelope_id" not in message:
            self._world.warnings.append("a socket sent something that is no acknowledgement")
            return
        waiting = socket.pending.get(message["envelope_id"])
        if waiting is not None and not waiting.done():
            waiting.set_result(message.get("payload") or {})


async def _close(socket: _Socket) -> None:
    try:
        await socket.websocket.close()
    except RuntimeError:  # closed by the client meanwhile
        return
