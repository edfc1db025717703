"""No acknowledged write is lost and none is there twice, although writers are killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from advisor.storage.database import open_database
from advisor.storage.register import SqlRegisterLog
from tests.conftest import ROOT

WRITERS = 4
UPDATES = 2_500
KILLS = 40


class Writer:
    """A process that writes its share, and begins again a little before where it was killed, as a client does."""

    def __init__(self, url: str, name: str, folder: Path) -> None:
        self.name = name
        self._url = url
        self._path = folder / f"{name}.txt"
        self._start()

    def _start(self) -> None:
        first = max((number for number, _ in self.acknowledged), default=0)
        arguments = [self._url, self.name, str(max(0, first - 3)), str(UPDATES), str(self._path)]
        self.process = subprocess.Popen([sys.executable, "-m", "tests.storage.writer", *arguments], cwd=ROOT)

    @property
    def acknowledged(self) -> list[tuple[int, int]]:
        """The number of each update that was acknowledged, and the number of its entry."""
        if not self._path.exists():
            return []
        lines = self._path.read_text().split("\n")[:-1]  # the last may be half written
        return [(int(number), int(entry)) for number, entry in (line.split() for line in lines)]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._start()


@pytest.mark.slow
@pytest.mark.xdist_group("kills")  # one after the other: writers that start slowly are killed seldom
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.fault("R2")
def test_acknowledged_writes_survive_40_kills(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/t.sqlite" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    log = SqlRegisterLog(open_database(url))
    head = max((entry.number for entry in log.read()), default=0)
    writers = [Writer(url, f"{kind}-{place}", tmp_path) for place in range(WRITERS)]
    chance = random.Random(40)
    kills = 0
    while kills < KILLS:
        written = [len(writer.acknowledged) for writer in writers]
        time.sleep(chance.uniform(0.1, 0.6))
        at_work = [
            writer
            for writer, before in zip(writers, written, strict=True)
            if writer.process.poll() is None and len(writer.acknowledged) > before
        ]
        if at_work:
            chance.choice(at_work).kill()
            kills += 1
        assert any(writer.process.poll() is None for writer in writers), f"all was written after {kills} kills"
    for writer in writers:
        assert writer.process.wait() == 0
    stored = {entry.key: entry for entry in log.read(after=head)}
    numbers = [entry.number for entry in log.read(after=head)]
    assert len(numbers) == len(stored) == WRITERS * UPDATES
    assert numbers == sorted(numbers)
    for writer in writers:
        acknowledged = writer.acknowledged
        assert {number for number, _ in acknowledged} == set(range(UPDATES))
        for number, entry in acknowledged:
            assert stored[f"{writer.name}/{number}"].number == entry
            assert stored[f"{writer.name}/{number}"].patch["summary"] == f"Update {number}."
