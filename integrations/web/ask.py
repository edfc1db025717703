"""Questions over HTTP: ask, conversations, feedback, search, playbooks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field

from advisor.domain.dialogue import Answer, ConversationHead
from advisor.domain.events import AskEvent
from advisor.domain.identity import Area, Caller, Permission
from advisor.domain.knowledge import DocumentHead, Section, StatementKind
from advisor.domain.receipts import Receipt
from advisor.domain.work import Feedback
from advisor.errors import AdvisorError, NotFoundError
from advisor.service import Advisor
from integrations.web.guard import BEARER, Guard
from integrations.web.paging import Page, make_page
from integrations.web.problems import PROBLEMS, describe_defect, find_status, make_problem

_EVENT_STREAM = "text/event-stream"
_log = logging.getLogger(__name__)


class AskRequest(BaseModel):
    """A question. Who asks is decided by the door, never by the body."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(description="What you want to know, at most 4,000 characters.")
    role: str | None = Field(default=None, description="executive, change_lead, plant_manager or engineer.")
    conversation_id: str | None = Field(default=None, description="The id of an earlier answer, to follow up on it.")


class FeedbackRequest(BaseModel):
    """What a reader thought of an answer, or of one of its citations, by number."""

    model_config = ConfigDict(extra="forbid")

    answer_id: str = Field(max_length=64)
    helpful: bool
    reason: str = Field(default="", max_length=2000)
    citation: int | None = Field(default=None, ge=1, le=1000)


class Conversation(BaseModel):
    """A conversation of the caller, oldest answer first."""

    id: str
    answers: tuple[Answer, ...]


class ConversationPage(BaseModel):
    """Some conversations, newest first; `next` is the cursor of the following page, 0 on the last."""

    items: tuple[ConversationHead, ...]
    next: int = 0


class Hit(BaseModel):
    """A passage that a search found."""

    section_id: str
    title: str
    section: str
    text: str
    page: int | None
    collection: str
    """Of the company's documents; empty for a playbook."""
    as_of: date | None
    """When the playbook was reviewed, or the document changed."""
    score: float


class SectionHead(BaseModel):
    """A section in the list of a playbook."""

    id: str
    heading: str


class PlaybookHead(BaseModel):
    """A playbook and its sections."""

    id: str
    title: str
    reviewed_on: date | None
    sections: tuple[SectionHead, ...]


class SectionView(BaseModel):
    """A section to read."""

    id: str
    playbook: str
    heading: str
    text: str
    tasks: tuple[str, ...]


def create_ask_router(advisor: Advisor, guard: Guard) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1", tags=["ask"], responses=dict(PROBLEMS), dependencies=[Depends(BEARER)])
    reader = guard.needs(Permission.READER, Area.ASK)

    @router.post(
        "/ask",
        summary="Ask a question",
        description="Returns the answer as JSON, or, with `Accept: text/event-stream`, as events `status`, `query`, "
        "`citation`, `block` and `done`, or `error`, while it is made. A `block` takes the place of an earlier one "
        "with the same `place`; `done` carries the answer as it is kept.",
        response_model=Answer,
        responses={200: {"model": Answer, "content": {_EVENT_STREAM: {}}}},
    )
    def ask(body: AskRequest, request: Request, caller: Caller = reader) -> Any:
        if _EVENT_STREAM in request.headers.get("accept", ""):
            events = advisor.stream(caller, body.question, role=body.role, conversation_id=body.conversation_id)
            return StreamingResponse(
                _render_events(events, request.state.request_id),
                media_type=_EVENT_STREAM,
                headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            )
        return advisor.ask(caller, body.question, role=body.role, conversation_id=body.conversation_id)

    @router.get("/conversations", summary="List your conversations, newest first")
    def conversations(
        cursor: Annotated[int, Query(ge=0, le=2**53)] = 0,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        caller: Caller = reader,
    ) -> ConversationPage:
        heads = advisor.list_conversations(caller, limit + 1, cursor or None)
        return ConversationPage(items=heads[:limit], next=heads[limit - 1].number if len(heads) > limit else 0)

    @router.get("/conversations/{conversation_id}", summary="Read a conversation of yours")
    def conversation(conversation_id: str, caller: Caller = reader) -> Conversation:
        turns = advisor.get_conversation(caller, conversation_id)
        return Conversation(id=conversation_id, answers=tuple(turn.answer for turn in turns))

    @router.get("/conversations/{conversation_id}/markdown", summary="Save a conversation of yours as Markdown")
    def export(conversation_id: str, caller: Caller = reader) -> Response:
        named = {"Content-Disposition": 'attachment; filename="conversation.md"'}
        text = advisor.export_conversation(caller, conversation_id)
        return Response(text, media_type="text/markdown; charset=utf-8", headers=named)

    @router.delete("/conversations/{conversation_id}", status_code=204, summary="Forget a conversation of yours")
    def forget(conversation_id: str, caller: Caller = reader) -> Response:
        advisor.delete_conversation(caller, conversation_id)
        return Response(status_code=204)

    @router.get("/answers/{answer_id}", summary="Read an answer that you were given")
    def answer(answer_id: str, caller: Caller = reader) -> Answer:
        return advisor.get_answer(caller, answer_id)

    @router.get("/answers/{answer_id}/receipt", summary="Read what an answer of yours rested on")
    def receipt(answer_id: str, caller: Caller = reader) -> Receipt:
        return advisor.get_receipt(caller, answer_id)

    @router.post("/feedback", status_code=201, summary="Say what you thought of an answer")
    def feedback(body: FeedbackRequest, caller: Caller = reader) -> FeedbackRequest:
        advisor.record_feedback(caller, Feedback(**body.model_dump()))
        return body

    @router.get("/search", summary="Find passages in playbooks and documents")
    def search(
        q: Annotated[str, Query(description="What to look for.")],
        limit: Annotated[int, Query(ge=1, le=16)] = 8,
        caller: Caller = reader,
    ) -> tuple[Hit, ...]:
        return tuple(
            Hit(
                section_id=passage.section.id,
                title=passage.section.playbook_title,
                section=passage.section.heading,
                text=passage.section.text,
                page=passage.page,
                collection=passage.document.collection if passage.document else "",
                as_of=passage.document.modified_on if passage.document else passage.section.reviewed_on,
                score=round(passage.score, 4),
            )
            for passage in advisor.search(caller, q)[:limit]
        )

    @router.get("/documents", summary="List the company's documents that you may see")
    def documents(
        cursor: str = "", limit: Annotated[int, Query(ge=1, le=500)] = 100, caller: Caller = reader
    ) -> Page[DocumentHead]:
        return make_page(advisor.list_documents(caller), lambda head: f"{head.collection}/{head.path}", cursor, limit)

    @router.get("/playbooks", summary="List the playbooks and their sections")
    def playbooks(_: Caller = reader) -> tuple[PlaybookHead, ...]:
        return list_playbooks(advisor)

    @router.get("/playbooks/{playbook_id}", summary="Read a playbook")
    def playbook(playbook_id: str, _: Caller = reader) -> tuple[SectionView, ...]:
        return tuple(
            SectionView(
                id=section.id,
                playbook=section.playbook_title,
                heading=section.heading,
                text=section.text,
                tasks=tuple(statement.text for statement in section.of_kind(StatementKind.TASK)),
            )
            for section in find_sections(advisor, playbook_id)
        )

    return router


def list_playbooks(advisor: Advisor) -> tuple[PlaybookHead, ...]:
    """Return the playbooks that answers may rest on."""
    books: dict[str, list[Section]] = {}
    for section in advisor.list_sections():
        books.setdefault(section.playbook, []).append(section)
    return tuple(
        PlaybookHead(
            id=id_,
            title=found[0].playbook_title,
            reviewed_on=found[0].reviewed_on,
            sections=tuple(SectionHead(id=section.id, heading=section.heading) for section in found),
        )
        for id_, found in books.items()
    )


def find_sections(advisor: Advisor, playbook_id: str) -> tuple[Section, ...]:
    """Return the sections of a playbook; raise NotFoundError."""
    found = tuple(section for section in advisor.list_sections() if section.playbook == playbook_id)
    if not found:
        raise NotFoundError(f'There is no playbook "{playbook_id[:80]}".', "List them at /api/v1/playbooks.")
    return found


def _render_events(events: Iterator[AskEvent], request_id: str) -> Iterator[bytes]:
    """Return events in the wire format; an error on the way becomes an `error` event with a problem."""
    try:
        for event in events:
            inner = getattr(event, "answer", event)
            yield format_sse_event(event=event.type, data_str=inner.model_dump_json())
    except AdvisorError as error:
        problem = make_problem(find_status(error), error.problem, error.remedy, request_id)
        yield format_sse_event(event="error", data_str=problem.model_dump_json())
    except Exception:  # noqa: BLE001  a response that has begun can only end with an event
        _log.exception("answering failed")
        problem = make_problem(HTTPStatus.INTERNAL_SERVER_ERROR, *describe_defect(request_id), request_id)
        yield format_sse_event(event="error", data_str=problem.model_dump_json())
