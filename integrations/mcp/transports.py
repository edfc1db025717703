"""The two ways in: standard input and output for a program on this machine, streamable HTTP beside the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from advisor import bootstrap
from advisor.domain.identity import LOCAL_CALLER, Caller
from advisor.errors import UnauthenticatedError
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.settings import Settings
from integrations.mcp.server import create_server

PATH = "/mcp"


def run_stdio(settings: Settings) -> None:
    """Serve one client over standard input and output until it hangs up."""
    office = bootstrap.build_program(settings)
    find = make_finder(settings)
    find()
    create_server(bootstrap.build_advisor(settings, office), office, lambda _: find()).run("stdio")


def make_finder(settings: Settings) -> Callable[[], Caller]:
    """Return who asks over standard input: whom the API key in the settings names, else the user of this machine.

    The key is looked up at every call, so that revoking it ends it.
    """
    secret = settings.mcp_key.get_secret_value()
    if not secret:
        return lambda: LOCAL_CALLER
    keys = bootstrap.build_keys(settings)

    def find() -> Caller:
        key = keys.find_by_secret(secret)
        if key is None:
            raise UnauthenticatedError(
                "The key in ADVISOR_MCP_KEY is not known, has expired or was revoked.", "Make one: `advisor keys`."
            )
        return key.caller

    return find


def mount(application: Starlette, advisor: Advisor, office: ProgramOffice, admit: Callable[[Request], Caller]) -> None:
    """Add the streamable HTTP transport to an application; `admit` says who asks, or raises."""
    server = create_server(advisor, office, _read_caller)
    inner = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        json_response=True,
        # pages of other sites are turned away by the application's own limits, which know the pages that may call
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    endpoint = cast("Route", inner.routes[0]).app
    application.router.routes.insert(0, Route(PATH, endpoint=_Admitted(endpoint, admit)))
    around = application.router.lifespan_context

    @asynccontextmanager
    async def live(app: Any) -> AsyncIterator[Any]:
        async with around(app) as state, server.session_manager.run():
            yield state

    application.router.lifespan_context = live


class _Admitted:
    """Lets in who may come in; their name goes along with the request."""

    def __init__(self, app: ASGIApp, admit: Callable[[Request], Caller]) -> None:
        self._app = app
        self._admit = admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        request.state.caller = await anyio.to_thread.run_sync(self._admit, request)
        await self._app(scope, receive, send)


def _read_caller(context: Context[Any, Any]) -> Caller:
    request = cast("Request", context.request_context.request)
    return cast("Caller", request.state.caller)
