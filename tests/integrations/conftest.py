from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import httpx
import pytest

from advisor.settings import Settings

ADVISOR = str(Path(sys.executable).with_name("advisor"))


def environment(settings: Settings, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "ADVISOR_DATA_DIR": str(settings.data_dir),
        "ADVISOR_KNOWLEDGE_BASE_DIR": str(settings.knowledge_base_dir),
        "COLUMNS": "100",
        **more,
    }


class Server(NamedTuple):
    """A running server."""

    address: str
    process: subprocess.Popen[bytes]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the doors out of the inner loop: they start processes, servers and browsers."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


def free_port() -> int:
    """Return a port that nothing listens on, out of the range from which the system hands out others meanwhile."""
    while True:
        port = random.randint(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def serving(settings: Settings, *arguments: str, log: IO[bytes] | None = None, **more: str) -> Iterator[Server]:
    """Run a real `advisor serve` on loopback until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [ADVISOR, "serve", "--port", str(port), *arguments], env=environment(settings, **more), stderr=log
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{address}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert process.poll() is None, "the server stopped"
            time.sleep(0.2)
        yield Server(address, process)
    finally:
        process.terminate()
        process.wait(40)


@pytest.fixture(scope="session")
def server(indexed: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real `advisor serve` on loopback, with the demo company; yields its address."""
    database = f"sqlite:///{tmp_path_factory.mktemp('server') / 'server.sqlite'}"
    subprocess.run(
        [ADVISOR, "demo"], env=environment(indexed, ADVISOR_DATABASE_URL=database), check=True, capture_output=True
    )
    with serving(indexed, ADVISOR_DATABASE_URL=database, ADVISOR_RATE_LIMIT="100000/minute") as found:
        yield found.address
