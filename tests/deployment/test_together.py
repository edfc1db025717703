"""The parts of the compose file run side by side on this machine, started as the files in `deploy/` say."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from sqlalchemy import create_engine, inspect, text

from advisor.settings import Settings
from advisor.storage.database import HEAD
from tests.conftest import SMALL
from tests.deployment.files import (
    SECRETS,
    SERVICES,
    fill,
    fill_environment,
    fill_proxy,
    find_program,
    read_health_check,
    read_manifests,
)
from tests.integrations.conftest import ADVISOR, free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("together")]
PAGE = "https://intranet.example.com"
QUESTION = "How long should coffee brew?"
LIMIT = 30
NGINX = """
daemon off;
{user}
error_log stderr;
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/proxy.conf;
}}
"""
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


class Parts(NamedTuple):
    """What stands behind the replicas, and what they are told about it."""

    environment: dict[str, str]
    folder: Path
    proxy: str
    chroma: subprocess.Popen[bytes]


class Replica(NamedTuple):
    """One `advisor serve`."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def running(command: list[str], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends."""
    process = subprocess.Popen(command, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a port answers, or fail when its program has stopped."""
    host, port = address.split(":")
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        assert process.poll() is None, f"what should listen on {address} stopped"
        time.sleep(0.1)
    pytest.fail(f"nothing listens on {address}")


@pytest.fixture(scope="module")
def parts(indexed: Settings, postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """PostgreSQL, Redis, and Chroma behind nginx, migrated and with an index, in the order of the compose file."""
    folder = tmp_path_factory.mktemp("together")
    data = folder / "data"
    (data / "models").mkdir(parents=True)
    (data / "models" / indexed.model_dir.name).symlink_to(indexed.model_dir)
    known = {name: secrets.token_hex(32) for name in SECRETS}
    redis, chroma, proxy = (f"127.0.0.1:{free_port()}" for _ in range(3))
    with create_engine(postgres_url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("CREATE DATABASE together"))
    with ExitStack() as stack:
        command = [fill(part, known) for part in SERVICES["redis"]["command"]]
        binary = find_program("redis-server")
        place = ["--port", redis.split(":")[1], "--bind", "127.0.0.1", "--dir", str(folder)]
        server = stack.enter_context(running([binary, *command[1:], *place], stdout=subprocess.DEVNULL))
        wait_for(redis, server)

        told = {"/data": str(folder / "vectors"), "0.0.0.0": "127.0.0.1", "8000": chroma.split(":")[1]}
        command = [told.get(part, part) for part in SERVICES["chroma"]["command"]]
        binary = str(Path(sys.executable).with_name(SERVICES["chroma"]["entrypoint"][0]))
        chroma_server = stack.enter_context(running([binary, *command], stdout=subprocess.DEVNULL))
        wait_for(chroma, chroma_server)

        (folder / "nginx").mkdir()
        filled = fill_proxy(token=known["ADVISOR_CHROMA_TOKEN"], address=chroma)
        assert filled.count("listen 8080;") == 1
        (folder / "nginx" / "proxy.conf").write_text(filled.replace("listen 8080;", f"listen {proxy};"))
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx" / "nginx.conf").write_text(NGINX.format(user=user, folder=folder / "nginx"))
        command = [find_program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx" / "nginx.conf")]
        wait_for(proxy, stack.enter_context(running(command)))

        environment = fill_environment("advisor", known)
        moved = {
            "/data": str(data),
            "@postgres:5432/advisor": f"@/together?host={postgres_url.rpartition('=')[2]}",
            "@redis:6379": f"@{redis}",
            "//chroma-proxy:8080": f"//{proxy}",
            "0.0.0.0": "127.0.0.1",
        }
        for old, new in moved.items():
            assert sum(old in value for value in environment.values()) == 1, old
            environment = {name: value.replace(old, new) for name, value in environment.items()}
        environment |= {
            "ADVISOR_KNOWLEDGE_BASE_DIR": str(SMALL),
            "ADVISOR_ALLOWED_ORIGINS": f'["{PAGE}"]',
            "ADVISOR_RATE_LIMIT": f"{LIMIT}/hour",
        }
        for service in ("migrate", "ingest"):
            done = run_advisor(environment, *SERVICES[service]["command"])
            assert done.returncode == 0, done.stderr
        yield Parts(environment, data, proxy, chroma_server)


def run_advisor(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ADVISOR, *arguments], env=outside(environment), capture_output=True, text=True, check=False, timeout=300
    )


def outside(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment of a container: of ours it has only what finds the program."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return {**kept, "HF_HUB_OFFLINE": "1", "HOME": "/nonexistent", **environment}


def as_read_only(folder: Path) -> list[str]:
    """Return what starts a command for which a folder is mounted read-only; nothing where this system forbids it."""
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", "--mount", *rights, "sh", "-c", READ_ONLY, str(folder)]
    tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    return command if tried.returncode == 0 else []


@contextmanager
def replicas(parts: Parts, count: int, log: Path, **more: str) -> Iterator[list[Replica]]:
    """Start replicas at once, as the compose file says, and wait until they can answer."""
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            port = free_port()
            environment = outside({**parts.environment, "ADVISOR_PORT": str(port), **more})
            file = log / f"{port}.log"
            command = [*as_read_only(parts.folder), ADVISOR, *SERVICES["advisor"]["command"]]
            process = stack.enter_context(
                running(command, env=environment, stdout=stack.enter_context(file.open("wb")), stderr=subprocess.STDOUT)
            )
            started.append(Replica(f"http://127.0.0.1:{port}", process, file))
        web = read_manifests()["Deployment/advisor"]["spec"]["template"]["spec"]["containers"][0]
        for replica in started:
            wait_for(replica.address.removeprefix("http://"), replica.process)
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                wait_until_well(replica, web[probe]["httpGet"]["path"])
        yield started


def wait_until_well(replica: Replica, path: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{replica.address}{path}", timeout=30).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert replica.process.poll() is None, replica.log.read_text()
        time.sleep(0.2)
    pytest.fail(f"{path} never became well: {replica.log.read_text()}")


@pytest.fixture(scope="module")
def key(parts: Parts) -> str:
    """An API key for pages of the intranet."""
    return make_key(parts, "intranet")


def make_key(parts: Parts, name: str) -> str:
    areas = ("--area", "ask", "--area", "tokens")
    done = run_advisor(parts.environment, "keys", "create", name, "--permission", "contributor", *areas)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


@pytest.fixture(scope="module")
def pair(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Replica]]:
    """Two replicas that started at the same moment."""
    with replicas(parts, 2, tmp_path_factory.mktemp("logs")) as found:
        yield found


def ask(replica: Replica, credential: str, **headers: str) -> dict[str, object]:
    reply = httpx.post(
        f"{replica.address}/api/v1/ask",
        json={"question": QUESTION},
        headers={"Authorization": f"Bearer {credential}", **headers},
        timeout=60,
    )
    assert reply.status_code == 200, reply.text
    answer: dict[str, object] = reply.json()
    return answer


def list_files(folder: Path) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in sorted(folder.rglob("*"))}


def test_the_job_that_migrates_has_made_the_tables(parts: Parts) -> None:
    tables = inspect(create_engine(parts.environment["ADVISOR_DATABASE_URL"])).get_table_names()
    assert {"alembic_version", "entry", "api_key"} <= set(tables)


def test_two_replicas_give_the_same_answer_and_write_nothing_beside_the_database(
    parts: Parts, pair: list[Replica], key: str
) -> None:
    before = list_files(parts.folder)
    answers = [ask(replica, key) for replica in (*pair, *pair)]
    assert answers[0]["outcome"] == "answered"
    assert "four minutes" in str(answers[0]["text"])
    assert len({str(answer["text"]) for answer in answers}) == 1
    assert {str(answer["notices"]) for answer in answers} == {"[]"}  # the Chroma server gave the vectors
    assert list_files(parts.folder) == before


def test_a_conversation_begun_at_one_goes_on_at_the_other(pair: list[Replica], key: str) -> None:
    first = ask(pair[0], key)
    headers = {"Authorization": f"Bearer {key}"}
    found = httpx.get(f"{pair[1].address}/api/v1/conversations/{first['conversation_id']}", headers=headers)
    assert found.status_code == 200
    assert QUESTION in found.text


def test_a_widget_token_made_at_one_is_good_at_the_other(pair: list[Replica], key: str) -> None:
    wanted = {"user": "anna@example.com", "origin": PAGE}
    headers = {"Authorization": f"Bearer {key}"}
    made = httpx.post(f"{pair[0].address}/api/v1/widget-tokens", json=wanted, headers=headers)
    assert made.status_code == 201
    assert ask(pair[1], made.json()["token"], Origin=PAGE)["outcome"] == "answered"
    forged = httpx.get(f"{pair[1].address}/api/v1/me", headers={"Authorization": f"Bearer {made.json()['token']}x"})
    assert forged.status_code == 401


def test_nobody_acts_as_the_user_of_the_machine(pair: list[Replica]) -> None:
    assert httpx.post(f"{pair[0].address}/api/v1/ask", json={"question": QUESTION}).status_code == 401


def test_the_rate_limit_counts_both_replicas(parts: Parts, pair: list[Replica]) -> None:
    headers = {"Authorization": f"Bearer {make_key(parts, 'limited')}"}
    statuses = [
        httpx.get(f"{pair[number % 2].address}/api/v1/me", headers=headers).status_code for number in range(LIMIT + 4)
    ]
    assert statuses == [200] * LIMIT + [429] * 4


@pytest.mark.parametrize("credential", [None, "Bearer", "Bearer ", "Bearer wrong", "upper", "longer", "Basic"])
def test_the_proxy_lets_nobody_pass_without_the_token(parts: Parts, credential: str | None) -> None:
    token = parts.environment["ADVISOR_CHROMA_TOKEN"]
    made = {"upper": f"Bearer {token.upper()}", "longer": f"Bearer {token}0", "Basic": f"Basic {token}"}
    headers = {} if credential is None else {"Authorization": made.get(credential, credential).rstrip()}
    for method, path in (
        ("GET", "/api/v2/version"),
        ("GET", "/api/v2/tenants/default_tenant/databases/default_database/collections"),
        ("POST", "/api/v2/tenants/default_tenant/databases/default_database/collections"),
        ("POST", "/api/v2/reset"),
        ("GET", "//api/v2/version"),
        ("GET", "/healthz/../api/v2/version"),
    ):
        reply = httpx.request(method, f"http://{parts.proxy}{path}", headers=headers, json={"name": "intruder"})
        assert reply.status_code == 401, path
        assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_the_proxy_lets_the_token_pass_and_probes_see_no_more_than_the_time(parts: Parts) -> None:
    headers = {"Authorization": f"Bearer {parts.environment['ADVISOR_CHROMA_TOKEN']}"}
    collections = "/api/v2/tenants/default_tenant/databases/default_database/collections"
    found = httpx.get(f"http://{parts.proxy}{collections}", headers=headers)
    assert [collection["name"].startswith("advisor-") for collection in found.json()] == [True, True]
    probed = httpx.get(f"http://{parts.proxy}/healthz")
    assert (probed.status_code, list(probed.json())) == (200, ["nanosecond heartbeat"])


def test_the_health_check_of_the_image_tells_the_living_from_the_dead(parts: Parts, pair: list[Replica]) -> None:
    command = [sys.executable, *read_health_check()[1:]]
    for port, well in ((pair[0].address.rpartition(":")[2], True), (str(free_port()), False)):
        done = subprocess.run(command, env={"ADVISOR_PORT": port}, capture_output=True, check=False)
        assert (done.returncode == 0) is well


def test_a_replica_whose_token_the_proxy_refuses_answers_with_a_notice(parts: Parts, key: str, tmp_path: Path) -> None:
    with replicas(parts, 1, tmp_path, ADVISOR_CHROMA_TOKEN="wrong") as (replica,):
        answer = ask(replica, key)
    assert answer["outcome"] == "answered"
    assert "four minutes" in str(answer["text"])
    assert "vector index does not answer" in str(answer["notices"])


def test_replicas_go_on_and_start_while_a_newer_version_has_migrated(
    parts: Parts, pair: list[Replica], key: str, tmp_path: Path
) -> None:
    newer = f"{int(HEAD) + 1:04}"
    with create_engine(parts.environment["ADVISOR_DATABASE_URL"]).begin() as connection:
        connection.execute(text("ALTER TABLE turn ADD COLUMN mood VARCHAR(8) NOT NULL DEFAULT ''"))
        connection.execute(text("UPDATE alembic_version SET version_num = :newer"), {"newer": newer})
    with replicas(parts, 1, tmp_path) as (started,):
        assert [ask(replica, key)["outcome"] for replica in (*pair, started)] == ["answered"] * 3
    with create_engine(parts.environment["ADVISOR_DATABASE_URL"]).connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == newer


def test_one_replica_dies_and_the_other_goes_on(parts: Parts, pair: list[Replica], key: str) -> None:
    pair[0].process.kill()
    pair[0].process.wait()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{pair[0].address}/healthz")
    assert ask(pair[1], key)["outcome"] == "answered"


def test_without_chroma_answers_go_on_with_a_notice(parts: Parts, pair: list[Replica], key: str) -> None:
    parts.chroma.kill()
    parts.chroma.wait()
    assert httpx.get(f"http://{parts.proxy}/healthz").status_code == 502
    answer = ask(pair[1], key)
    assert answer["outcome"] == "answered"
    assert "vector index does not answer" in str(answer["notices"])
