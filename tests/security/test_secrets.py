"""Twenty secrets, sent along every way that leads into the advisor: none comes out again, in no log, error or answer."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from advisor.errors import InvalidInputError
from advisor.settings import Settings, load_settings
from integrations.logs import redact
from integrations.slack.simulator import Fault
from tests.integrations.conftest import serving
from tests.security.conftest import House

pytestmark = pytest.mark.owasp("LLM02", "ASVS V16")

SECRETS = {
    "api key": "adv_seed0123456789abcdefABCDEF",
    "bot token": "xoxb-1234567890-seedbottoken",
    "user token": "xoxp-1234567890-seedusertoken",
    "app token": "xapp-1-A0SEED-1234567890-abcdef",
    "signing secret": "5eed51914e5ec4e70123456789abcdef",
    "signed token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWVkIn0.c2VlZHNpZ25hdHVyZQ",
    "openai key": "sk-proj-seed0123456789abcdefghij",
    "anthropic key": "sk-ant-api03-seed0123456789abcdef",
    "hugging face token": "hf_seedABCDEFGHIJKLMNOPQRSTUVWX",
    "github token": "ghp_seed0123456789abcdefghijABCDEF",
    "aws key": "AKIASEED0123456789AB",
    "google key": "AIzaSyseed0123456789abcdefghijABCDEFG",
    "database password": "seed-db-pa55word",
    "redis password": "seed-redis-pa55word",
    "chroma token": "seed-chroma-t0ken",
    "widget secret": "seed-widget-s1gning-secret-0123456789",
    "basic credential": "c2VlZDpwYXNzd29yZA==",
    "cookie": "session=seedcookie0123456789",
    "e-mail": "eva.seed@example.com",
    "private key": "-----BEGIN PRIVATE KEY-----MIIseed",
}
SHAPED = tuple(name for name in SECRETS if name not in {"signing secret", "database password", "redis password", "chroma token", "widget secret", "cookie", "basic credential"})  # fmt: skip
"""Those that show by their shape what they are; the others are hidden by the name of their field, or never written."""


def find_told(text: str) -> list[str]:
    return [name for name, secret in SECRETS.items() if secret in text or secret.removeprefix("session=") in text]


def test_there_are_twenty() -> None:
    assert len(set(SECRETS.values())) == 20


def seeded(**more: Any) -> Settings:
    given = {
        "database_url": f"postgresql+psycopg://advisor:{SECRETS['database password']}@db.example.com/advisor",
        "redis_url": f"redis://:{SECRETS['redis password']}@redis.example.com:6379/0",
        "chroma_url": f"https://chroma:{SECRETS['chroma token']}@chroma.example.com",
        "chat_base_url": f"https://chat:{SECRETS['openai key']}@chat.example.com/v1",
        "oidc_jwks_url": f"https://keys:{SECRETS['basic credential']}@login.example.com/keys",
        "chroma_token": SecretStr(SECRETS["chroma token"]),
        "mcp_key": SecretStr(SECRETS["api key"]),
        "token_secret": SecretStr(SECRETS["widget secret"]),
        "slack_bot_token": SecretStr(SECRETS["bot token"]),
        "slack_app_token": SecretStr(SECRETS["app token"]),
        "slack_signing_secret": SecretStr(SECRETS["signing secret"]),
    }
    return Settings(_env_file=None, **given | more)


@pytest.mark.parametrize("show", [repr, str, lambda s: f"{s!r}{s.__repr_args__()}"])
def test_settings_show_no_secret(show: Callable[[Settings], str]) -> None:
    assert find_told(show(seeded())) == []


def test_a_setting_that_is_wrong_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "ADVISOR_PORT": SECRETS["api key"],
        "ADVISOR_PEOPLE": f'{{"{SECRETS["e-mail"]}": {{"permission": "{SECRETS["cookie"]}"}}}}',
        "ADVISOR_SLACK_TRANSPORT": SECRETS["bot token"],
        "ADVISOR_COLLECTIONS": SECRETS["private key"],
        "ADVISOR_LOG_LEVEL": SECRETS["aws key"],
        "ADVISOR_THRESHOLDS": f'{{"shadow_days": "{SECRETS["github token"]}"}}',
    }
    for name, value in wrong.items():
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(InvalidInputError, match=name) as told:
                load_settings()
            assert find_told(f"{told.value}{told.value!r}{''.join(traceback.format_exception(told.value))}") == [], name


@pytest.mark.parametrize("name", SHAPED)
def test_a_log_line_hides_what_looks_like_a_secret(name: str) -> None:
    event = {"event": f"failed with {SECRETS[name]} at last", "exception": f"Error: {SECRETS[name]!r}"}
    assert find_told(json.dumps(dict(redact(None, "", event)))) == []


def test_a_running_server_tells_no_secret(indexed: Settings, tmp_path: Path) -> None:
    told = " ".join(SECRETS.values())
    more = {
        "ADVISOR_DATABASE_URL": f"sqlite:///{tmp_path}/t.sqlite",
        "ADVISOR_LOG_LEVEL": "debug",
        "ADVISOR_REDIS_URL": f"redis://:{SECRETS['redis password']}@127.0.0.1:1/0",
        "ADVISOR_TOKEN_SECRET": SECRETS["widget secret"],
        "ADVISOR_RATE_LIMIT": "1000/minute",
    }
    answers = []
    with (tmp_path / "log").open("wb") as log, serving(indexed, log=log, **more) as server:
        for secret in SECRETS.values():
            for headers in (
                {"Authorization": f"Bearer {secret}"},
                {"Authorization": f"Basic {secret}"},
                {
                    "Cookie": secret,
                    "X-Forwarded-Email": secret,
                    "Referer": f"https://a.example/{secret}",
                    "User-Agent": secret,
                },
                {"X-Api-Key": secret, "Proxy-Authorization": secret},
            ):
                answers.append(httpx.get(f"{server.address}/api/v1/me", headers=headers))
        for name in SHAPED:  # an id is for the caller to choose, and comes back to them; a key is no id in the log
            httpx.get(f"{server.address}/api/v1/me", headers={"X-Request-ID": SECRETS[name][:64]})
        for path in ("search", "playbooks/x", "answers/x", "gaps", "export", "nothing"):
            answers.append(httpx.get(f"{server.address}/api/v1/{path}", params={"q": told[:900], "kind": told[:200]}))
        answers.append(httpx.post(f"{server.address}/api/v1/records", content=told.encode()))
        answers.append(httpx.post(f"{server.address}/api/v1/feedback", json={"answer_id": told[:200], "helpful": 5}))
        answers.append(httpx.post(f"{server.address}/api/v1/import?name={SECRETS['aws key']}", content=b"x"))
        httpx.post(f"{server.address}/api/v1/ask", json={"question": told[:900]})
        httpx.post(
            f"{server.address}/v1/chat/completions", json={"messages": [{"role": "user", "content": told[:900]}]}
        )
        httpx.post(f"{server.address}/mcp", content=told.encode(), headers={"Content-Type": "application/json"})
        httpx.get(f"{server.address}/{SECRETS['api key']}/{SECRETS['e-mail']}")
        answers.append(httpx.get(f"{server.address}/metrics"))
    assert find_told((tmp_path / "log").read_text()) == []
    headers_out = [f"{a.headers}{a.text if a.status_code >= 400 else ''}" for a in answers]
    assert [found for text in headers_out if (found := find_told(text))] == []


def test_slack_and_its_faults_tell_no_secret(
    make_house: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with make_house(tmp_path) as house:
        sim = house.slack.sim
        sim.faults.add(Fault(method="chat.postMessage", status=500, times=2))
        for secret in SECRETS.values():
            sim.say("UANNA", "C1", f"<@UBOT> How should we choose KPIs with {secret}?")
        sim.command("UANNA", "C1", "/advisor", f"ask {SECRETS['api key']}")
        sim.command("UANNA", "C1", "/advisor", f"nonsense {SECRETS['private key']}")
        house.slack.settle(60)
    loud = ("integrations.slack.simulator", "asyncio", "uvicorn", "slack_sdk", "slack_bolt", "httpx", "httpcore")
    lines = [f"{r.getMessage()}{r.exc_text or ''}" for r in caplog.records if not r.name.startswith(loud)]
    assert lines
    assert find_told("\n".join(lines)) == []


def test_the_command_line_tells_no_secret(house: House) -> None:
    unreachable = {
        "ADVISOR_DATABASE_URL": f"postgresql+psycopg://advisor:{SECRETS['database password']}@127.0.0.1:1/advisor",
        "ADVISOR_CHROMA_URL": f"http://chroma:{SECRETS['chroma token']}@127.0.0.1:1",
        "ADVISOR_CHROMA_TOKEN": SECRETS["chroma token"],
        "ADVISOR_REDIS_URL": f"redis://:{SECRETS['redis password']}@127.0.0.1:1",
        "OPENAI_API_KEY": SECRETS["openai key"],
        "ADVISOR_CHAT_MODEL": "openai:none",
        "ADVISOR_CHAT_BASE_URL": "http://127.0.0.1:1/v1",
        "ADVISOR_MCP_KEY": SECRETS["api key"],
        "ADVISOR_SLACK_BOT_TOKEN": SECRETS["bot token"],
        "ADVISOR_SLACK_APP_TOKEN": SECRETS["app token"],
        "ADVISOR_SLACK_API_URL": "http://127.0.0.1:1/",
        "ADVISOR_SLACK_SIGNING_SECRET": SECRETS["signing secret"],
    }
    for command in (
        ("ask", "KPIs?"),
        ("doctor",),
        ("slack", "doctor"),
        ("keys", "list"),
        ("status",),
        ("collections",),
    ):
        assert find_told(house.run_cli(*command, **unreachable)) == [], command


@pytest.fixture
def house(make_house: Callable[..., Any], tmp_path: Path) -> Any:
    with make_house(tmp_path) as made:
        yield made
