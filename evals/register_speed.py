"""Time and memory of the gap summary on a large register in a real database, and how they grow with the register."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from advisor.bootstrap import build_program
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.records import Health, RecordKind
from advisor.domain.register import NewEntry, RecordChange
from advisor.settings import Settings, load_settings
from advisor.storage.database import open_database
from advisor.storage.register import SqlRegisterLog

WEEKS = 52
ROUNDS = 20
_BATCH = 2_000


class Figures(NamedTuple):
    """Seconds, and peak resident megabytes, of one process that works on one register."""

    entries: int
    first: float
    median: float
    p95: float
    write: float
    megabytes: float


def compare(console: Console, initiatives: int = 200, factor: int = 10) -> None:
    """Print the figures of a register and of one `factor` times as large, with their ratios."""
    small, large = (_measure_apart(number) for number in (initiatives, initiatives * factor))
    table = Table(title=f"Gap summary, {initiatives} and {initiatives * factor} initiatives x {WEEKS} weeks, SQLite")
    for column in ("", f"{initiatives}", f"{initiatives * factor}", "ratio"):
        table.add_column(column, justify="right" if column else "left")
    for name, unit, a, b in (
        ("entries", "", small.entries, large.entries),
        ("first summary, cold", "s", small.first, large.first),
        ("summary after a new record, median", "s", small.median, large.median),
        ("summary after a new record, p95", "s", small.p95, large.p95),
        ("recording one status, median", "s", small.write, large.write),
        ("peak memory", "MB", small.megabytes, large.megabytes),
    ):
        table.add_row(name, f"{a:.3g} {unit}".strip(), f"{b:.3g} {unit}".strip(), f"{b / a:.1f}")
    console.print(table)


def _measure_apart(initiatives: int) -> Figures:
    """Measure in a process of its own, so that its peak of memory is its own."""
    command = [sys.executable, "-m", "evals.register_speed"]
    with TemporaryDirectory() as folder:
        subprocess.run([*command, "fill", folder, str(initiatives)], check=True)
        run = subprocess.run([*command, "measure", folder], check=True, capture_output=True, text=True)
    numbers = [float(word) for word in run.stdout.split()]
    return Figures(int(numbers[0]), *numbers[1:])


def _settings(folder: str) -> Settings:
    return load_settings().model_copy(update={"database_url": f"sqlite:///{folder}/register.sqlite"})


def fill(folder: str, initiatives: int) -> None:
    """Write a register of a year: sites, initiatives, their KPI cards, and a status a week each."""
    log = SqlRegisterLog(open_database(_settings(folder).effective_database_url))
    batch: list[NewEntry] = []
    for entry in _entries(initiatives, date.today()):
        batch.append(entry)
        if len(batch) == _BATCH:
            log.append(LOCAL_CALLER, batch)
            batch.clear()
    log.append(LOCAL_CALLER, batch)


def _entries(initiatives: int, today: date) -> Iterator[NewEntry]:
    start = today - timedelta(weeks=WEEKS)
    health = list(Health)
    for site in range(max(1, initiatives // 10)):
        yield _entry(RecordKind.SITE, f"site-{site}", start, name=f"Site {site}", type="factory")
    for number in range(initiatives):
        id_ = f"initiative-{number}"
        yield _entry(
            RecordKind.INITIATIVE,
            id_,
            start,
            name=f"Initiative {number}",
            site=f"site-{number // 10}",
            track="factory",
            stage="single_line_pilot",
            accountable_owner=f"Owner {number}" if number % 3 else "",
        )
        yield _entry(
            RecordKind.KPI_CARD,
            f"card-{number}",
            start,
            initiative=id_,
            name=f"Stops {number}",
            role="lagging",
            direction="down",
        )
        for week in range(WEEKS):
            yield _entry(
                RecordKind.STATUS_UPDATE,
                f"status-{number}-{week}",
                start + timedelta(weeks=week),
                initiative=id_,
                health=health[(number + week) % len(health)].value,
                summary=f"Week {week}: running.",
            )
        if number % 4 == 1:
            yield _entry(RecordKind.INITIATIVE, id_, start + timedelta(weeks=30), stage="single_shift_shadow")


def _entry(kind: RecordKind, subject: str, day: date, **patch: object) -> NewEntry:
    return NewEntry(key=f"{kind}/{subject}/{day}", kind=kind, subject=subject, patch=patch, effective_on=day, door="x")


def measure(folder: str) -> Figures:
    """Return the figures of the register in a folder."""
    started = time.perf_counter()
    office = build_program(_settings(folder))
    office.summarise(LOCAL_CALLER)
    first = time.perf_counter() - started
    seconds: list[float] = []
    writes: list[float] = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        change = RecordChange(
            kind=RecordKind.STATUS_UPDATE,
            fields={"initiative": f"initiative-{number}", "health": "on_track", "summary": "Running."},
        )
        office.record(LOCAL_CALLER, [change], door="benchmark")
        writes.append(time.perf_counter() - started)
        started = time.perf_counter()
        summary = office.summarise(LOCAL_CALLER)
        seconds.append(time.perf_counter() - started)
    return Figures(
        summary.entries,
        first,
        statistics.median(seconds),
        statistics.quantiles(seconds, n=20)[-1],
        statistics.median(writes),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def main(arguments: Sequence[str]) -> None:
    """Run one half of a measurement in this process."""
    if arguments[0] == "fill":
        fill(arguments[1], int(arguments[2]))
    else:
        print(*measure(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
