from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from advisor.domain.dialogue import Answer
from advisor.errors import AdvisorError, IndexUnavailableError
from tests.conftest import OfficeMaker
from tests.web import local_client, make_web

pytestmark = pytest.mark.xdist_group("server")

QUESTION = {"question": "How long should a shadow period be?"}


def test_an_answer_is_the_answer_of_every_door(server: str) -> None:
    response = httpx.post(f"{server}/api/v1/ask", json=QUESTION)
    assert response.status_code == 200
    body = response.json()
    assert body["outcome"] == "answered"
    assert body["abstained"] is False
    assert "six weeks" in body["text"]
    answer = Answer.model_validate({k: v for k, v in body.items() if k not in {"text", "abstained"}})
    assert answer.text == body["text"]


def test_events_arrive_in_order_and_end_with_the_answer(server: str) -> None:
    headers = {"Accept": "text/event-stream"}
    with httpx.stream("POST", f"{server}/api/v1/ask", json=QUESTION, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        text = response.read().decode()
    events = [dict(line.split(": ", 1) for line in part.splitlines()) for part in text.strip().split("\n\n")]
    assert events[0]["event"] == "status"
    assert events[-1]["event"] == "done"
    assert {event["event"] for event in events} == {"status", "query", "citation", "block", "done"}
    blocks = [json.loads(event["data"])["block"] for event in events if event["event"] == "block"]
    assert blocks == json.loads(events[-1]["data"])["blocks"]


def test_a_follow_up_uses_the_conversation(server: str) -> None:
    first = httpx.post(f"{server}/api/v1/ask", json={"question": "What are the stages of a factory rollout?"}).json()
    follow = {"question": "and the second one?", "conversation_id": first["conversation_id"]}
    second = httpx.post(f"{server}/api/v1/ask", json=follow).json()
    assert second["blocks"][0]["sentences"][0]["text"].startswith("Single-shift shadow")


@pytest.mark.parametrize(
    ("content", "status", "detail"),
    [
        (b'{"question": ""}', 422, "The question is empty."),
        (json.dumps({"question": "x" * 4001}).encode(), 422, "4,001 characters"),
        (b'{"question": "a\\u0000b"}', 422, "not text"),
        (b'{"question": "\\ud800"}', 422, ""),
        (b'{"question": "x", "role": "king"}', 422, 'no role "king"'),
        (b'{"question": "x", "conversation_id": "no such"}', 422, "malformed"),
        (b'{"question": "x", "conversation_id": "unknown"}', 404, "no conversation"),
        (b'{"question": "x", "caller": {"id": "boss"}}', 422, "caller"),
        (b'{"question": 7}', 422, "question"),
        (b"{}", 422, "question"),
        (b"not json", 422, ""),
        (b"\xff\xfe\x00", 400, ""),
    ],
)
def test_bad_input_is_a_problem_with_a_remedy(server: str, content: bytes, status: int, detail: str) -> None:
    response = httpx.post(f"{server}/api/v1/ask", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert {"type", "title", "status", "detail", "remedy"} <= set(problem)
    assert detail in problem["detail"]
    assert problem["remedy"]


def test_unknown_paths_and_methods_are_problems_too(server: str) -> None:
    for response in (httpx.get(f"{server}/nothing"), httpx.get(f"{server}/api/v1/ask")):
        assert response.headers["content-type"] == "application/problem+json"


def test_health_and_readiness(server: str) -> None:
    assert httpx.get(f"{server}/healthz").json()["status"] == "ok"
    assert httpx.get(f"{server}/readyz").json()["status"] == "ready"


def test_the_page_may_load_nothing_from_elsewhere(server: str) -> None:
    response = httpx.get(server)
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "http" not in response.text.replace("http-equiv", "")


def test_many_at_once_get_their_own_answers(server: str) -> None:
    questions = ["How should we choose KPIs?", "What is integration debt?", "How long should a shadow period be?"] * 8
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(lambda q: httpx.post(f"{server}/api/v1/ask", json={"question": q}, timeout=30).json(), questions)
        )
    assert [answer["question"] for answer in answers] == questions
    assert len({answer["text"] for answer in answers}) == 3


def test_the_api_is_described(server: str) -> None:
    schema = httpx.get(f"{server}/openapi.json").json()
    assert {"/api/v1/ask", "/api/v1/records", "/api/v1/gap-summary", "/healthz", "/readyz"} <= set(schema["paths"])
    assert "text/event-stream" in schema["paths"]["/api/v1/ask"]["post"]["responses"]["200"]["content"]


class BrokenAdvisor:
    """An advisor without an index, or with a defect."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def ask(self, *_: object, **__: object) -> None:
        raise self.error

    def stream(self, *_: object, **__: object):  # type: ignore[no-untyped-def]
        raise self.error
        yield


@pytest.fixture
def call(make_office: OfficeMaker, tmp_path: Path) -> Callable[..., httpx.Response]:
    def send(error: Exception, **headers: str) -> httpx.Response:
        app = make_web(tmp_path, BrokenAdvisor(error), make_office(f"sqlite:///{tmp_path}/t.sqlite"))
        with local_client(app) as client:
            return client.post("/api/v1/ask", json=QUESTION, headers=headers)

    return send


def test_no_index_is_a_503(call: Callable[..., httpx.Response]) -> None:
    response = call(IndexUnavailableError("There is no index yet.", "Run `advisor ingest`."))
    assert (response.status_code, response.json()["remedy"]) == (503, "Run `advisor ingest`.")


def test_an_error_on_the_way_becomes_an_event(call: Callable[..., httpx.Response]) -> None:
    response = call(AdvisorError("It broke.", "Fix it."), Accept="text/event-stream")
    assert "event: error" in response.text
    assert "It broke." in response.text


@pytest.mark.owasp("ASVS V4")
def test_a_defect_shows_no_inner_workings(call: Callable[..., httpx.Response]) -> None:
    response = call(ZeroDivisionError("secret detail"))
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.headers["x-request-id"] in response.json()["remedy"]
    assert "content-security-policy" in response.headers
    streamed = call(ZeroDivisionError("secret detail"), Accept="text/event-stream")
    assert "event: error" in streamed.text
    assert "secret" not in streamed.text
