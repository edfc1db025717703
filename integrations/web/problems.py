"""Errors as RFC 9457 problem details."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from advisor.errors import (
    AdvisorError,
    BusyError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    StorageError,
    UnauthenticatedError,
    UnavailableError,
)
from integrations.web.limits import TooManyRequestsError
from integrations.web.rendering import render_page

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_STATUS: tuple[tuple[type[AdvisorError], HTTPStatus], ...] = (
    (InvalidInputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UnauthenticatedError, HTTPStatus.UNAUTHORIZED),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ForbiddenError, HTTPStatus.FORBIDDEN),
    (ConflictError, HTTPStatus.CONFLICT),
    (BusyError, HTTPStatus.CONFLICT),
    (StorageError, HTTPStatus.SERVICE_UNAVAILABLE),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (AdvisorError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


class Problem(BaseModel):
    """A problem as RFC 9457 describes it; `remedy` says what to do, `request_id` finds it in the logs."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    remedy: str = ""
    request_id: str = ""


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}}
    for status in (400, 401, 403, 404, 409, 413, 422, 429, 500, 503)
}
"""What any route of the API may answer instead, for its description."""


class OpenAiError(BaseModel):
    """An error as clients of OpenAI's API read it."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class OpenAiProblem(BaseModel):
    """What the routes in OpenAI's shape may answer instead."""

    error: OpenAiError


_BEFORE_ROUTING = (403, 408, 413, 500, 503)
OPENAI_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem | OpenAiProblem if status in _BEFORE_ROUTING else OpenAiProblem} for status in PROBLEMS
}


def make_problem(status: HTTPStatus, detail: str, remedy: str, request_id: str) -> Problem:
    """Return a problem of a kind that a status names."""
    said, todo = (text.encode("utf-8", "replace").decode() for text in (detail, remedy))
    return Problem(title=status.phrase, status=status.value, detail=said, remedy=todo, request_id=request_id)


def describe_defect(request_id: str) -> tuple[str, str]:
    """Return what is said of a defect, and what to do: nothing of its inner workings."""
    return (
        "Something went wrong on our side.",
        f"Try again; if it stays, give the operator the request id {request_id}.",
    )


def render_problem(
    status: HTTPStatus, detail: str, remedy: str = "", request_id: str = "", *, retry_after: int | None = None
) -> JSONResponse:
    """Return a problem as a response."""
    problem = make_problem(status, detail, remedy, request_id)
    headers = _make_headers(status, retry_after)
    return JSONResponse(problem.model_dump(), status_code=status.value, media_type=MEDIA_TYPE, headers=headers)


def _make_headers(status: HTTPStatus, retry_after: int | None) -> dict[str, str]:
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return headers | {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else headers


def answer_problem(
    request: Request, status: HTTPStatus, detail: str, remedy: str, *, retry_after: int | None = None
) -> Response:
    """Return a problem as whoever asked can read it: a page for a browser that wants one, JSON for all others."""
    id_ = str(request.state.request_id)
    if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/"):
        page = render_page("problem.html", status, title=status.phrase, detail=detail, remedy=remedy, request_id=id_)
        page.headers.update(_make_headers(status, retry_after))
        return page
    if request.url.path.startswith("/v1/"):
        said = make_openai_problem(status, f"{detail} {remedy}".strip())
        return JSONResponse(said.model_dump(), status_code=status.value, headers=_make_headers(status, retry_after))
    return render_problem(status, detail, remedy, id_, retry_after=retry_after)


def make_openai_problem(status: HTTPStatus, message: str) -> OpenAiProblem:
    """Return a problem as clients of OpenAI's API read it."""
    kind = "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error"
    return OpenAiProblem(error=OpenAiError(message=message, type=kind))


def find_status(error: AdvisorError) -> HTTPStatus:
    """Return the status that says what kind of error it is."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def add_problem_handlers(app: FastAPI) -> None:
    """Translate every error of this door, once, here; defects are the envelope's."""

    @app.exception_handler(AdvisorError)
    def _advisor_error(request: Request, error: Exception) -> Response:
        known = cast("AdvisorError", error)
        if isinstance(known, StorageError):
            _log.error("storage failed: %s", known, exc_info=known)
        return answer_problem(request, find_status(known), known.problem, known.remedy)

    @app.exception_handler(TooManyRequestsError)
    def _too_many(request: Request, error: Exception) -> Response:
        seconds = cast("TooManyRequestsError", error).seconds
        return answer_problem(
            request,
            HTTPStatus.TOO_MANY_REQUESTS,
            "You have asked too often.",
            f"Wait {seconds} s.",
            retry_after=seconds,
        )

    @app.exception_handler(RequestValidationError)
    def _invalid_body(request: Request, error: Exception) -> Response:
        first = cast("RequestValidationError", error).errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
        return answer_problem(
            request,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"{place}: {str(first['msg']).lower()}.",
            "/openapi.json says what this path takes.",
        )

    @app.exception_handler(HTTPException)
    def _http_error(request: Request, error: Exception) -> Response:
        known = cast("HTTPException", error)
        response = answer_problem(
            request,
            HTTPStatus(known.status_code),
            str(known.detail),
            "See /openapi.json for what can be called.",
        )
        response.headers.update(known.headers or {})
        return response
