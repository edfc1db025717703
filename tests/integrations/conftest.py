from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def server(indexed: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real `advisor serve` on loopback; yields its address."""
    port = free_port()
    database = f"sqlite:///{tmp_path_factory.mktemp('server') / 'server.sqlite'}"
    process = subprocess.Popen(
        [ADVISOR, "serve", "--port", str(port)], env=environment(indexed, ADVISOR_DATABASE_URL=database)
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
        yield address
    finally:
        process.terminate()
        process.wait(20)
