"""Chat completions in OpenAI's shape, so that Open WebUI, LibreChat and any SDK can use the advisor as a model.

Each role is a model of its own. The client sends the whole conversation every time; the receipt at the end of the last
answer in it says which conversation that was, so that follow-ups are understood. Instructions to the model, its
temperature and its tools mean nothing here.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from advisor.domain.dialogue import Answer, Role, render_with_sources
from advisor.domain.events import AskEvent, DoneEvent
from advisor.domain.identity import Area, Caller, Permission
from advisor.errors import AdvisorError, NotFoundError
from advisor.service import Advisor
from integrations.web.chat_tasks import do_chore
from integrations.web.guard import BEARER, Guard
from integrations.web.problems import OPENAI_PROBLEMS, describe_defect, find_status, make_openai_problem

_OWNER = "operating-model-advisor"
_DEFAULT = "advisor"
MODELS: Mapping[str, Role] = {_DEFAULT: Role.EXECUTIVE} | {
    f"{_DEFAULT}-{role.value.replace('_', '-')}": role for role in Role if role is not Role.EXECUTIVE
}
"""The role that answers under each name of a model."""
_log = logging.getLogger(__name__)
_RECEIPT = re.compile(r"Receipt `([\w-]{8,64})`")


class ContentPart(BaseModel):
    """A part of a message; only text is read."""

    type: str
    text: str = ""


class ChatMessage(BaseModel):
    """A message as the client tells it."""

    role: str = Field(max_length=40)
    content: str | list[ContentPart] | None = None

    @property
    def text(self) -> str:
        """What it says."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text").strip()
        return (self.content or "").strip()


class StreamOptions(BaseModel):
    """What a stream carries besides the answer."""

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """A conversation whose last question is to be answered; what else a client sends is left aside."""

    model: str = Field(default=_DEFAULT, max_length=100)
    messages: list[ChatMessage] = Field(min_length=1, max_length=500)
    stream: bool = False
    stream_options: StreamOptions | None = None


class Model(BaseModel):
    """A model that can be asked."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = _OWNER


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: tuple[Model, ...]


class CompletionMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str


class Choice(BaseModel):
    """The one completion that there is."""

    index: int = 0
    message: CompletionMessage
    finish_reason: Literal["stop"] = "stop"


class Usage(BaseModel):
    """Tokens that were billed: none."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class Completion(BaseModel):
    """A completion."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: Usage = Usage()


def create_completions_router(advisor: Advisor, guard: Guard) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["openai"], responses=dict(OPENAI_PROBLEMS), dependencies=[Depends(BEARER)])
    reader = guard.needs(Permission.READER, Area.ASK)

    @router.get("/models", summary="List the advisor's roles as models")
    def models(_: Caller = reader) -> ModelList:
        return ModelList(data=tuple(Model(id=name) for name in MODELS))

    @router.get("/models/{model}", summary="Read a model")
    def model(model: str, _: Caller = reader) -> Model:
        _find_role(model)
        return Model(id=model)

    @router.post(
        "/chat/completions",
        summary="Answer the last question of a conversation, in OpenAI's shape",
        response_model=Completion,
        responses={200: {"model": Completion, "content": {"text/event-stream": {}}}},
    )
    def complete(body: CompletionRequest, request: Request, caller: Caller = reader) -> Any:
        role = _find_role(body.model)
        asked = [message.text for message in body.messages if message.role == "user"]
        chores = asked or [message.text for message in body.messages]  # some programs ask them as the system
        question = asked[-1] if asked else ""
        chore = do_chore(chores[-1])
        if chore is not None:
            told = _Told(f"chatcmpl-{request.state.request_id}", chore)
            return _respond(_cut(body, told)) if body.stream else _complete(body.model, told)
        place = _find_conversation(advisor, caller, body.messages)
        if body.stream:
            events = advisor.stream(caller, question, role=role.value, conversation_id=place)
            return _respond(_stream(body, events, request.state.request_id))
        answer = advisor.ask(caller, question, role=role.value, conversation_id=place)
        return _complete(body.model, _tell(answer))

    return router


def render_completion(answer: Answer) -> str:
    """Return an answer as a chat program shows it: Markdown, its sources, and its receipt."""
    return f"{render_with_sources(answer)}\n\n_Receipt `{answer.id}`_"


class _Told(NamedTuple):
    """A completion that is known whole."""

    id: str
    text: str


def _tell(answer: Answer) -> _Told:
    return _Told(f"chatcmpl-{answer.id}", render_completion(answer))


def _find_role(model: str) -> Role:
    try:
        return MODELS[model]
    except KeyError:
        raise NotFoundError(f'There is no model "{model[:60]}".', f"Use one of: {', '.join(MODELS)}.") from None


def _find_conversation(advisor: Advisor, caller: Caller, messages: Sequence[ChatMessage]) -> str | None:
    """Return the conversation of the last answer that the client shows, if it was the caller's."""
    for message in reversed(messages):
        if message.role == "assistant" and (found := _RECEIPT.findall(message.text)):
            try:
                return advisor.get_answer(caller, found[-1]).conversation_id
            except NotFoundError:
                return None
    return None


def _complete(model: str, told: _Told) -> Completion:
    choice = Choice(message=CompletionMessage(content=told.text))
    return Completion(id=told.id, created=int(time.time()), model=model, choices=(choice,))


def _respond(chunks: Iterator[bytes]) -> StreamingResponse:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(chunks, media_type="text/event-stream", headers=headers)


def _stream(body: CompletionRequest, events: Iterator[AskEvent], request_id: str) -> Iterator[bytes]:
    """Yield the chunks of an answer.

    What a client was sent cannot be taken back, so the answer follows once it has passed every check; until then
    comments keep the line open.
    """
    try:
        for event in events:
            if isinstance(event, DoneEvent):
                yield from _cut(body, _tell(event.answer))
            else:
                yield f": {event.type}\n\n".encode()
    except AdvisorError as error:
        yield _frame(make_openai_problem(find_status(error), str(error)).model_dump())
    except Exception:  # noqa: BLE001  a response that has begun can only end with an event
        _log.exception("answering failed")
        said = " ".join(describe_defect(request_id))
        yield _frame(make_openai_problem(HTTPStatus.INTERNAL_SERVER_ERROR, said).model_dump())


def _cut(body: CompletionRequest, told: _Told) -> Iterator[bytes]:
    """Yield a completion in chunks, a paragraph each."""
    head = {"id": told.id, "object": "chat.completion.chunk", "created": int(time.time()), "model": body.model}
    yield _frame(head | {"choices": [_choose({"role": "assistant", "content": ""})]})
    for piece in re.split(r"(?<=\n\n)", told.text):
        yield _frame(head | {"choices": [_choose({"content": piece})]})
    yield _frame(head | {"choices": [_choose({}, "stop")]})
    if body.stream_options and body.stream_options.include_usage:
        yield _frame(head | {"choices": [], "usage": Usage().model_dump()})
    yield b"data: [DONE]\n\n"


def _choose(delta: Mapping[str, str], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": dict(delta), "finish_reason": reason}


def _frame(data: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
