"""Real servers that are hurt on purpose."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from advisor.bootstrap import build_ingest
from advisor.settings import Settings
from tests.conftest import missing
from tests.integrations.conftest import ADVISOR, environment

COFFEE, BREWING = "How long should coffee brew?", "four minutes"
SHADOW, WEEKS = "How long should a shadow period be?", "four to six weeks"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


def ask(address: str, question: str = COFFEE, **more: Any) -> httpx.Response:
    return httpx.post(f"{address}/api/v1/ask", json={"question": question, **more}, timeout=60)


def run(settings: Settings, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ADVISOR, *arguments], env=environment(settings, **more), capture_output=True, text=True, check=False
    )


def wait_until(holds: Callable[[], Any], seconds: float = 60) -> Any:
    """Return what a condition gives once it gives something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            if found := holds():
                return found
        time.sleep(0.1)
    raise AssertionError("it never came to hold")


@pytest.fixture
def own(small: Settings) -> Settings:
    """A data directory of its own with the small playbooks indexed."""
    build_ingest(small).run()
    return small


@pytest.fixture
def whole(indexed: Settings, tmp_path: Path) -> Settings:
    """A data directory of its own with our playbooks indexed, and the demo company's criteria with them."""
    (tmp_path / "data").mkdir()
    for name in ("models", "generations"):
        (tmp_path / "data" / name).symlink_to(indexed.data_dir / name)
    return Settings(data_dir=tmp_path / "data", _env_file=None)


@pytest.fixture
def tight(tmp_path: Path, indexed: Settings) -> Iterator[Settings]:
    """A data directory on a small disk of its own, with the model in place."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        missing("The right to mount a disk")
    try:
        settings = Settings(data_dir=disk / "data", _env_file=None)
        settings.model_dir.parent.mkdir(parents=True)
        shutil.copytree(indexed.model_dir, settings.model_dir)
        yield settings
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def fill(folder: Path) -> Path:
    """Leave no byte free on the disk of a folder; return the file that takes the space."""
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(1 << 16))
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as stream:
        while True:
            stream.write(b"\0")
    return filler


@contextlib.contextmanager
def frozen(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Stop a process from answering without ending it."""
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)
