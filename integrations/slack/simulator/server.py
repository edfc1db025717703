"""The HTTP and websocket server of the simulator, in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from uvicorn.protocols.http.h11_impl import H11Protocol

from integrations.slack.simulator.errors import Json
from integrations.slack.simulator.faults import Faults
from integrations.slack.simulator.files import take
from integrations.slack.simulator.sockets import Sockets
from integrations.slack.simulator.web_api import WebApi, parse_arguments, respond
from integrations.slack.simulator.world import World


class Server:
    """Serve the Web API, response URLs and Socket Mode on a random local port."""

    def __init__(self, world: World, api: WebApi, sockets: Sockets, faults: Faults) -> None:
        self._world, self._api, self._sockets, self._faults = world, api, sockets, faults
        self._transports: dict[Any, asyncio.Transport] = {}
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    def start(self) -> None:
        """Serve in the background and return once requests are taken."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self._world.address = f"http://127.0.0.1:{self.port}"
        self._sockets.address = f"ws://127.0.0.1:{self.port}/link"
        config = uvicorn.Config(
            self._app(),
            http=self._protocol(),
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="slack-simulator", daemon=True
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop serving."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(10)
        self._server = self._thread = None

    def _app(self) -> Starlette:
        routes = [
            Route("/api/{name}", self._call, methods=["GET", "POST"]),
            Route("/upload/{id}", self._upload, methods=["POST"]),
            Route("/response/{token}", self._respond, methods=["POST"]),
            WebSocketRoute("/link", self._sockets.serve),
        ]
        return Starlette(routes=routes)

    def _protocol(self) -> type[H11Protocol]:
        transports = self._transports

        class Protocol(H11Protocol):
            """Remember each connection, so that a fault can close it."""

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                transports[transport.get_extra_info("peername")] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.transport.get_extra_info("peername"), None)
                super().connection_lost(exc)

        return Protocol

    async def _call(self, request: Request) -> Response:
        name = request.path_params["name"]
        try:
            content_type = request.headers.get("content-type", "")
            args = parse_arguments(content_type, await request.body(), request.url.query)
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_json"})
        latency, fault = self._faults.draw(name)
        if latency:
            await asyncio.sleep(latency)
        if fault is not None and fault.drop:
            self._api.record(name, args, {}, 0)
            return await self._hang_up(request)
        if fault is not None and fault.status:
            error = "ratelimited" if fault.status == 429 else "internal_error"
            self._api.record(name, args, {"ok": False, "error": error}, fault.status)
            headers = {"Retry-After": str(fault.retry_after)} if fault.status == 429 else {}
            return JSONResponse({"ok": False, "error": error}, fault.status, headers)
        if fault is not None and fault.error:
            body: Json = {"ok": False, "error": fault.error}
        else:
            body = self._api.call(name, args, _bearer(request))
        self._api.record(name, args, body, 0 if fault is not None and fault.lose_reply else 200)
        if fault is not None and fault.lose_reply:
            return await self._hang_up(request)
        return JSONResponse(body, headers={"x-oauth-scopes": ",".join(self._world.scopes)})

    async def _respond(self, request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except ValueError:
            body = None
        status, answer = respond(self._world, request.path_params["token"], body)
        return Response("ok") if status == 200 else JSONResponse(answer, status)

    async def _upload(self, request: Request) -> Response:
        status = take(self._world, request.path_params["id"], await request.body())
        return Response("OK" if status == 200 else "wrong length", status)

    async def _hang_up(self, request: Request) -> Response:
        client = request.client
        transport = self._transports.get((client.host, client.port)) if client else None
        if transport is not None:
            transport.abort()
            await asyncio.sleep(0)
        return Response()


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
