"""FastAPI application: ask, health, readiness, and the chat page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.sse import format_sse_event
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field

from advisor import __version__
from advisor.domain.dialogue import Answer
from advisor.domain.events import AskEvent, BlockEvent, DoneEvent, StatusEvent
from advisor.domain.identity import LOCAL_CALLER, Caller
from advisor.errors import AdvisorError
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from integrations.web.problems import Problem, add_problem_handlers, render_problem
from integrations.web.program import create_router

_STATIC = Path(__file__).parent / "static"
_EVENT_STREAM = "text/event-stream"
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class AskRequest(BaseModel):
    """A question. Who asks is decided by the door, never by the body."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(description="What you want to know, at most 4,000 characters.")
    role: str | None = Field(default=None, description="executive, change_lead, plant_manager or engineer.")
    conversation_id: str | None = Field(default=None, description="The id of an earlier answer, to follow up on it.")


class Status(BaseModel):
    """How the service is."""

    status: str
    version: str = __version__


def create_app(advisor: Advisor, *, check_ready: Callable[[], None], office: ProgramOffice | None = None) -> FastAPI:
    """Return the application. `check_ready` raises an AdvisorError while questions cannot be answered."""
    app = FastAPI(
        title="Operating-Model Advisor",
        version=__version__,
        description="Cited answers from operating-model playbooks.",
        docs_url=None,  # drawn with scripts from another host, which an intranet may not reach
        redoc_url=None,
    )
    add_problem_handlers(app)
    app.middleware("http")(_add_headers)
    problems: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "content": {"application/problem+json": {}}} for status in (403, 404, 409, 422, 503)
    }

    @app.post(
        "/api/v1/ask",
        summary="Ask a question",
        description="Returns the answer as JSON, or, with `Accept: text/event-stream`, as events `status`, `block` "
        "and `done` while it is made.",
        response_model=Answer,
        responses=problems | {200: {"model": Answer, "content": {_EVENT_STREAM: {}}}},
    )
    def ask(body: AskRequest, request: Request) -> Any:
        caller = _authenticate(request)
        if _EVENT_STREAM in request.headers.get("accept", ""):
            events = advisor.stream(caller, body.question, role=body.role, conversation_id=body.conversation_id)
            return StreamingResponse(
                _render_events(events), media_type=_EVENT_STREAM, headers={"Cache-Control": "no-cache"}
            )
        return advisor.ask(caller, body.question, role=body.role, conversation_id=body.conversation_id)

    if office is not None:
        app.include_router(create_router(office, _authenticate, problems))

    @app.get("/healthz", summary="Whether the process runs")
    def healthz() -> Status:
        return Status(status="ok")

    @app.get("/readyz", summary="Whether questions can be answered", responses={503: problems[503]})
    def readyz() -> Any:
        try:
            check_ready()
        except AdvisorError as error:
            return render_problem(HTTPStatus.SERVICE_UNAVAILABLE, error.problem, error.remedy)
        return Status(status="ready")

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(_STATIC / "index.html")

    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    return app


def _authenticate(_: Request) -> Caller:
    """Return who asks: for now the local user, who sees everything."""
    return LOCAL_CALLER


def _render_events(events: Iterator[AskEvent]) -> Iterator[bytes]:
    """Return events in the wire format; an error on the way becomes an `error` event with a problem."""
    try:
        for event in events:
            match event:
                case DoneEvent():
                    yield format_sse_event(event="done", data_str=event.answer.model_dump_json())
                case BlockEvent() | StatusEvent():
                    yield format_sse_event(event=event.type, data_str=event.model_dump_json())
    except AdvisorError as error:
        problem = Problem(title="Cannot answer", status=503, detail=error.problem, remedy=error.remedy)
        yield format_sse_event(event="error", data_str=problem.model_dump_json())


async def _add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
