"""What operators rely on: logs without secrets, metrics, an orderly end, several processes over one database."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from advisor.settings import Settings
from tests.integrations.conftest import ADVISOR, environment, serving
from tests.integrations.web.conftest import bearer

SECRETS = {
    "key": "adv_abcdefghijklmnopqrstuvwxyz012345",
    "slack": "xoxb-123456-abcdef",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "email": "eva.secret@example.com",
    "question": "Why does the Aalen plant hide its figures",
}


def read_metrics(address: str) -> dict[str, float]:
    lines = httpx.get(f"{address}/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


@pytest.mark.owasp("LLM02", "ASVS V16")
def test_logs_name_the_request_and_tell_no_secret(indexed: Settings, tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serving(
            indexed, log=log, ADVISOR_DATABASE_URL=f"sqlite:///{tmp_path}/t.sqlite", ADVISOR_LOG_LEVEL="debug"
        ) as server,
    ):
        url = f"{server.address}/api/v1"
        told = " ".join(SECRETS.values())
        asked = httpx.post(f"{url}/ask", json={"question": told}, headers={"X-Request-ID": "request-0001"})
        assert asked.headers["x-request-id"] == "request-0001"
        for secret in (SECRETS["key"], SECRETS["jwt"], SECRETS["slack"]):
            httpx.get(f"{url}/me", headers=bearer(secret))
        httpx.get(f"{url}/search", params={"q": told})
        httpx.get(f"{url}/playbooks/{SECRETS['email']}")
        httpx.post(f"{url}/widget-tokens", json={"user": SECRETS["email"], "origin": SECRETS["key"]})
        httpx.post(f"{url}/feedback", content=told.encode(), headers={"Content-Type": "application/json"})
    text = (tmp_path / "log").read_text()
    assert [name for name, secret in SECRETS.items() if secret in text] == []
    lines = [json.loads(line) for line in text.splitlines()]
    named = next(line for line in lines if line.get("request_id") == "request-0001")
    assert (named["route"], named["status"], named["method"]) == ("/api/v1/ask", 200, "POST")
    assert "local" not in named["caller"]


def test_metrics_tell_what_happened(server: str) -> None:
    before = read_metrics(server)
    httpx.post(f"{server}/api/v1/ask", json={"question": "What is integration debt?"})
    httpx.post(f"{server}/api/v1/ask", json={"question": "What is the capital of France?"})
    after = read_metrics(server)
    for name in (
        'advisor_answers_total{outcome="answered"}', 'advisor_answers_total{outcome="declined"}',
        "advisor_first_block_seconds_count", "advisor_retrieval_seconds_count",
        'advisor_http_requests_total{method="POST",route="/api/v1/ask",status="200"}',
    ):  # fmt: skip
        assert after[name] > before.get(name, 0), name
    assert after["advisor_open_asks"] == 0


def ask_in_a_stream(address: str) -> str:
    with httpx.stream(
        "POST", f"{address}/api/v1/ask", json={"question": "How should we choose KPIs?"},
        headers={"Accept": "text/event-stream"}, timeout=60,
    ) as response:  # fmt: skip
        assert response.status_code == 200
        return response.read().decode()


def test_a_signal_to_stop_lets_open_streams_finish(indexed: Settings, tmp_path: Path) -> None:
    with serving(
        indexed, ADVISOR_DATABASE_URL=f"sqlite:///{tmp_path}/t.sqlite", ADVISOR_RATE_LIMIT="1000/minute"
    ) as server:
        ask_in_a_stream(server.address)
        with ThreadPoolExecutor(40) as pool:
            first_bytes = [pool.submit(_open_stream, server.address) for _ in range(40)]
            opened = [future.result() for future in first_bytes]
            server.process.send_signal(signal.SIGTERM)
            texts = list(pool.map(_finish_stream, opened))
        assert [text for text in texts if "event: done" not in text] == []
        assert server.process.wait(40) in {0, -signal.SIGTERM}


def _open_stream(address: str) -> tuple[httpx.Client, Any]:
    client = httpx.Client(timeout=60)
    request = client.build_request(
        "POST", f"{address}/api/v1/ask", json={"question": "How should we choose KPIs?"},
        headers={"Accept": "text/event-stream"},
    )  # fmt: skip
    return client, client.send(request, stream=True)


def _finish_stream(opened: tuple[httpx.Client, Any]) -> str:
    client, response = opened
    text: str = response.read().decode()
    client.close()
    return text


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_several_processes_answer_over_the_same_data(
    indexed: Settings, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/t.sqlite" if database == "sqlite" else request.getfixturevalue("postgres_url")
    more = {"ADVISOR_DATABASE_URL": url, "ADVISOR_RATE_LIMIT": "1000/minute"}
    created = subprocess.run(
        [ADVISOR, "keys", "create", "test", "--area", "ask"],
        env=environment(indexed, **more), capture_output=True, text=True, check=True,
    )  # fmt: skip
    key = created.stdout.strip().splitlines()[-1]
    with serving(indexed, "--workers", "3", **more) as server:
        children = subprocess.run(
            ["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=True
        ).stdout.split()
        assert len(children) >= 3
        conversation = None
        for question in ("What are the stages of a factory rollout?", "and the second one?", "why?"):
            body = {"question": question, "conversation_id": conversation}
            fresh = httpx.post(f"{server.address}/api/v1/ask", json=body, headers=bearer(key)).json()
            conversation = fresh["conversation_id"]
        with ThreadPoolExecutor(12) as pool:
            assert all("event: done" in text for text in pool.map(lambda _: ask_in_a_stream(server.address), range(36)))
        assert read_metrics(server.address)['advisor_answers_total{outcome="answered"}'] >= 39
        os.kill(int(children[-1]), signal.SIGKILL)  # a process that dies is replaced, and the others go on
        assert "event: done" in ask_in_a_stream(server.address)


def test_keys_and_audit_on_the_command_line(indexed: Settings, tmp_path: Path) -> None:
    env = environment(indexed, ADVISOR_DATABASE_URL=f"sqlite:///{tmp_path}/t.sqlite")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([ADVISOR, *arguments], env=env, capture_output=True, text=True, check=False)

    made = run("keys", "create", "reporting", "--permission", "contributor", "--group", "board", "--expires", "12h")
    id_ = re.search(r"Key (\w+)", made.stdout)[1]  # type: ignore[index]
    assert made.stdout.strip().splitlines()[-1].startswith("adv_")
    assert "active" in run("keys", "list").stdout
    assert "revoked" in run("keys", "revoke", id_).stdout
    assert "revoked" in run("keys", "list").stdout
    for wrong in (
        ("keys", "revoke", "nothing"),
        ("keys", "create", ""),
        ("keys", "create", "x", "--expires", "forever"),
    ):
        assert run(*wrong).returncode == 2
    assert "create key" in run("audit", "show").stdout
    head = run("audit", "verify").stdout.strip().splitlines()[-1]
    assert run("audit", "verify", "--head", head).returncode == 0
    assert run("audit", "verify", "--head", "0" * 63 + "1").returncode == 1
    assert run("audit", "erase", "nobody@example.com", "--yes").returncode == 2
    assert "is erased" in run("audit", "erase", "local", "--yes").stdout
    assert run("audit", "show", "--who", "local").returncode == 2
    assert run("audit", "verify", "--head", head).returncode == 0
