"""The FastAPI application: routes, pages, and what stands around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from advisor import __version__
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.settings import Settings
from advisor.storage.keys import SqlKeys
from integrations.metrics import PrometheusMeter
from integrations.web.access import create_access_router, create_operations_router
from integrations.web.admin import create_admin_router
from integrations.web.ask import create_ask_router
from integrations.web.chat_completions import create_completions_router
from integrations.web.credentials import Credentials
from integrations.web.guard import Guard
from integrations.web.limits import RateLimits
from integrations.web.middleware import Envelope, Limits
from integrations.web.pages import add_pages
from integrations.web.problems import add_problem_handlers
from integrations.web.program import create_program_router
from integrations.web.tokens import load_secret

_SPARE_THREADS = 20
_REMEMBERED_PREFLIGHT = 600


def create_app(
    settings: Settings,
    advisor: Advisor,
    office: ProgramOffice,
    *,
    keys: SqlKeys,
    meter: PrometheusMeter,
    check_ready: Callable[[], None],
) -> FastAPI:
    """Return the application. `check_ready` raises an AdvisorError while questions cannot be answered.

    Raises InvalidInputError for settings of identity or limits that cannot be used.
    """
    guard = Guard(Credentials(settings, keys), RateLimits(settings))

    @asynccontextmanager
    async def widen(_: FastAPI) -> AsyncIterator[None]:
        """Let every open stream have its thread; the framework's default is 40."""
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.max_asks + _SPARE_THREADS
        yield

    app = FastAPI(
        title="Operating-Model Advisor",
        version=__version__,
        description="Cited answers from operating-model playbooks, and the register of a company's AI initiatives.",
        docs_url=None,  # drawn with scripts from another host, which an intranet may not reach
        redoc_url=None,
        lifespan=widen,
        redirect_slashes=False,
    )
    app.state.guard = guard
    add_problem_handlers(app)
    app.include_router(create_ask_router(advisor, guard))
    app.include_router(create_completions_router(advisor, guard))
    app.include_router(create_program_router(office, advisor, guard))
    app.include_router(create_access_router(guard))
    app.include_router(create_operations_router(guard, meter, check_ready))
    app.include_router(create_admin_router(settings, keys, guard))
    add_pages(app, advisor, office, guard)
    app.add_middleware(Limits, meter=meter, most_asks=settings.max_asks, origins=settings.allowed_origins)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Accept", "Idempotency-Key", "X-Request-ID"],
        expose_headers=["X-Request-ID", "Retry-After"],
        allow_credentials=True,
        max_age=_REMEMBERED_PREFLIGHT,
    )
    app.add_middleware(Envelope, meter=meter, secret=load_secret(settings))
    return app
