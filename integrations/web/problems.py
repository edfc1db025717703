"""Errors as RFC 9457 problem details."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request
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
    UnavailableError,
)

MEDIA_TYPE = "application/problem+json"
_STATUS: tuple[tuple[type[AdvisorError], HTTPStatus], ...] = (
    (InvalidInputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ForbiddenError, HTTPStatus.FORBIDDEN),
    (ConflictError, HTTPStatus.CONFLICT),
    (BusyError, HTTPStatus.CONFLICT),
    (StorageError, HTTPStatus.INSUFFICIENT_STORAGE),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (AdvisorError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


class Problem(BaseModel):
    """A problem as RFC 9457 describes it; `remedy` says what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    remedy: str = ""


def render_problem(status: HTTPStatus, detail: str, remedy: str = "") -> JSONResponse:
    """Return a problem as a response."""
    problem = Problem(title=status.phrase, status=status.value, detail=detail, remedy=remedy)
    return JSONResponse(problem.model_dump(), status_code=status.value, media_type=MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Translate every error of this door, once, here."""

    @app.exception_handler(AdvisorError)
    def _advisor_error(_: Request, error: Exception) -> JSONResponse:
        known = cast("AdvisorError", error)
        status = next(status for kind, status in _STATUS if isinstance(error, kind))
        return render_problem(status, known.problem, known.remedy)

    @app.exception_handler(RequestValidationError)
    def _invalid_body(_: Request, error: Exception) -> JSONResponse:
        first = cast("RequestValidationError", error).errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
        return render_problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"{place}: {str(first['msg']).lower()}.",
            "/openapi.json says what this path takes.",
        )

    @app.exception_handler(HTTPException)
    def _http_error(_: Request, error: Exception) -> JSONResponse:
        known = cast("HTTPException", error)
        return render_problem(
            HTTPStatus(known.status_code), str(known.detail), "See /openapi.json for what can be called."
        )

    @app.exception_handler(Exception)
    def _unexpected(_: Request, __: Exception) -> JSONResponse:
        return render_problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "Something went wrong on our side.",
            "Try again; if it stays, ask the operator.",
        )
