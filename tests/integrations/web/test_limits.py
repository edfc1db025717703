"""Too often, too much, too many at once, from the wrong page."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.errors import InvalidInputError
from integrations.web.limits import RateLimits, TooManyRequestsError
from tests.conftest import missing
from tests.integrations.conftest import free_port
from tests.integrations.web.conftest import OpenDoor, bearer
from tests.web import web_settings

PAGE = "https://intranet.example.com"


def test_each_caller_has_a_share_and_is_told_when_to_come_back(open_door: OpenDoor) -> None:
    door = open_door(rate_limit="3/minute")
    first, second = door.make_key(), door.make_key()
    statuses = [door.get_me(**bearer(first)).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = door.get_me(**bearer(first))
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["content-type"] == "application/problem+json"
    assert door.get_me(**bearer(second)).status_code == 200


def test_guessing_keys_is_slowed_down(open_door: OpenDoor) -> None:
    door = open_door()
    statuses = {door.get_me(**bearer(f"adv_guess{number}")).status_code for number in range(40)}
    assert statuses == {401, 429}


@pytest.mark.owasp("LLM10")
def test_what_is_too_large_is_turned_away(open_door: OpenDoor) -> None:
    door = open_door(anonymous=True)
    large = b'{"question": "' + b"x" * 1_100_000 + b'"}'
    for content in (large, iter([large[:600_000], large[600_000:]])):
        answer = door.client.post("/api/v1/ask", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.owasp("ASVS V3", "ASVS V9")
@pytest.mark.parametrize(
    ("origin", "status"),
    [("", 200), ("http://advisor.example.com", 200), (PAGE, 200), ("https://evil.example.com", 403), ("null", 403)],
)
def test_a_strange_page_changes_nothing(open_door: OpenDoor, origin: str, status: int) -> None:
    door = open_door(anonymous=True, allowed_origins=(PAGE,))
    headers = {"Origin": origin} if origin else {}
    asked = door.client.post("/api/v1/ask", json={"question": "What is integration debt?"}, headers=headers)
    assert asked.status_code == status
    assert asked.headers.get("access-control-allow-origin") == (PAGE if origin == PAGE else None)


@pytest.mark.owasp("ASVS V3", "ASVS V9")
def test_a_form_sent_from_another_site_is_refused(open_door: OpenDoor) -> None:
    door = open_door(trusted_proxies=("192.0.2.7",))
    headers = {"X-Forwarded-Email": "eva@example.com", "Sec-Fetch-Site": "cross-site"}
    answer = door.client.post("/program/check-in", data={"initiative": "yard-slotting"}, headers=headers)
    assert answer.status_code == 403


@pytest.mark.owasp("ASVS V3", "ASVS V9")
def test_a_preflight_lets_in_listed_pages_only(open_door: OpenDoor) -> None:
    door = open_door(allowed_origins=(PAGE,))
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    assert door.client.options("/api/v1/ask", headers=asks | {"Origin": PAGE}).status_code == 200
    assert door.client.options("/api/v1/ask", headers=asks | {"Origin": "https://evil.example.com"}).status_code == 400


def test_every_answer_carries_the_headers_of_a_careful_site(open_door: OpenDoor) -> None:
    door = open_door()
    for path in ("/", "/api/v1/me", "/nothing", "/static/icon.svg", "/widget.js", "/program"):
        headers = door.client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["strict-transport-security"]
        assert headers["x-request-id"]


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of its own; needs Debian's `redis-server`."""
    binary = shutil.which("redis-server")
    if binary is None:
        missing("Redis")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [str(binary), "--port", str(port), "--dir", str(folder), "--save", ""], stdout=subprocess.DEVNULL
    )
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.mark.owasp("LLM10")
def test_replicas_share_a_limit_through_redis(redis_url: str, tmp_path: Path) -> None:
    replicas = [RateLimits(web_settings(tmp_path, redis_url=redis_url, rate_limit="4/minute")) for _ in range(2)]
    for number in range(4):
        replicas[number % 2].spend("anna")
    for replica in replicas:
        with pytest.raises(TooManyRequestsError):
            replica.spend("anna")
        replica.spend("ben")


def test_without_redis_each_process_counts_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    alone = RateLimits(web_settings(tmp_path, redis_url=f"redis://127.0.0.1:{free_port()}", rate_limit="2/minute"))
    alone.spend("anna")
    alone.spend("anna")
    with pytest.raises(TooManyRequestsError):
        alone.spend("anna")
    assert "out of reach" in caplog.text


def test_a_redis_url_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        RateLimits(web_settings(tmp_path, redis_url="nonsense://x"))


def test_a_second_line_of_forwarded_addresses_is_no_way_around(open_door: OpenDoor) -> None:
    door = open_door(trusted_proxies=("192.0.2.7",))
    statuses = set()
    for number in range(40):
        lines = [("X-Forwarded-For", f"203.0.113.{number}"), ("X-Forwarded-For", "198.51.100.9")]
        statuses.add(door.client.get("/api/v1/me", headers=[*lines, ("Authorization", "Bearer adv_guess")]).status_code)
    assert statuses == {401, 429}


def test_a_refusal_on_a_page_says_as_much_as_one_in_the_api(open_door: OpenDoor) -> None:
    door = open_door(rate_limit="1/minute")
    headers = bearer(door.make_key()) | {"Accept": "text/html"}
    door.client.get("/playbooks", headers=headers)
    refused = door.client.get("/playbooks", headers=headers)
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
    assert door.client.get("/playbooks", headers={"Accept": "text/html"}).headers["www-authenticate"] == "Bearer"
    assert refused.headers["cache-control"] == "no-store"
