"""Who am I, widget tokens, and the routes of operators."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from advisor import __version__
from advisor.domain.identity import Area, Caller, Permission
from advisor.errors import AdvisorError
from integrations.metrics import CONTENT_TYPE, PrometheusMeter
from integrations.web.guard import BEARER, Guard
from integrations.web.problems import PROBLEMS, render_problem
from integrations.web.tokens import LIFETIME

_METRICS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
    **{status: PROBLEMS[status] for status in (401, 403, 429)},
}


class Me(BaseModel):
    """Who the advisor takes you for, and what you may do."""

    id: str
    permission: Permission
    groups: tuple[str, ...]
    areas: tuple[Area, ...]
    anonymous: bool


class TokenRequest(BaseModel):
    """For whom a page wants a token: the page's own sign-in vouches for it."""

    model_config = ConfigDict(extra="forbid")

    user: str = Field(min_length=3, max_length=250, description="E-mail address of the person who is signed in.")
    groups: tuple[str, ...] = Field(default=(), description="Their groups, as the identity provider names them.")
    origin: str = Field(max_length=250, description="The page's origin: https://intranet.example.com.")


class Token(BaseModel):
    """A token for the widget, and for how many seconds it is good."""

    token: str
    expires_in: int


class Status(BaseModel):
    """How the service is."""

    status: str
    version: str = __version__


def create_access_router(guard: Guard) -> APIRouter:
    """Return the routes about identity."""
    router = APIRouter(prefix="/api/v1", tags=["access"], responses=dict(PROBLEMS), dependencies=[Depends(BEARER)])

    reader = guard.needs(Permission.READER, Area.ASK)
    issuer = guard.needs(Permission.READER, Area.TOKENS)

    @router.get("/me", summary="Who you are to the advisor")
    def me(caller: Caller = reader) -> Me:
        return Me(**caller.model_dump())

    @router.post("/widget-tokens", status_code=201, summary="Make a short-lived token for a person on your page")
    def create_token(
        body: TokenRequest,
        request: Request,
        _: Caller = issuer,
    ) -> Token:
        token = guard.credentials.create_token(request, body.user, body.groups, body.origin)
        return Token(token=token, expires_in=int(LIFETIME.total_seconds()))

    return router


def create_operations_router(guard: Guard, meter: PrometheusMeter, check_ready: Callable[[], None]) -> APIRouter:
    """Return the routes that operators watch. `check_ready` raises an AdvisorError while nothing can be answered."""
    router = APIRouter(tags=["operations"])
    watcher = guard.needs(Permission.READER, Area.METRICS)

    @router.get("/healthz", summary="Whether the process runs")
    def healthz() -> Status:
        return Status(status="ok")

    @router.get(
        "/readyz", summary="Whether questions can be answered", response_model=Status, responses={503: PROBLEMS[503]}
    )
    def readyz(request: Request) -> Any:
        try:
            check_ready()
        except AdvisorError as error:
            return render_problem(HTTPStatus.SERVICE_UNAVAILABLE, error.problem, error.remedy, request.state.request_id)
        return Status(status="ready")

    @router.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses=_METRICS,
        dependencies=[Depends(BEARER)],
    )
    def metrics(_: Caller = watcher) -> Response:
        return Response(meter.render(), media_type=CONTENT_TYPE)

    return router
