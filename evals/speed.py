"""Time and memory beside the tutorial stack, paired: the two take turns, so that noise hits both alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from advisor.bootstrap import build_retriever
from advisor.domain.dialogue import Query
from advisor.settings import Settings
from evals.cases import Half, Kind, load_suite

QUESTION = "How long should a shadow period be?"


class Run(NamedTuple):
    """One process: wall seconds and peak resident megabytes."""

    seconds: float
    megabytes: float


def measure(command: Sequence[str], environment: dict[str, str]) -> Run:
    """Run a command to its end."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed")
    return Run(time.perf_counter() - started, usage.ru_maxrss / 1024)


def compare(settings: Settings, console: Console, runs: int = 5, documents: Path | None = None) -> None:
    """Print ingest, cold ask, memory and warm retrieval of both, and their ratios."""
    advisor = str(Path(sys.executable).with_name("advisor"))
    questions = [case.question for case in load_suite().load_cases(Half.TUNED) if case.kind is Kind.DIRECT]
    environment = os.environ | {"ADVISOR_DATA_DIR": str(settings.data_dir.absolute()), "HF_HUB_OFFLINE": "1"}
    with TemporaryDirectory() as folder:
        measure([advisor, "ingest"], environment)
        tutorial = [sys.executable, "-m", "evals.tutorial"]
        ingests = [("ingest, playbooks", [advisor, "ingest", "--rebuild"], [*tutorial, "index", folder])]
        if documents:
            theirs_there = [*tutorial, "index", f"{folder}/documents", str(documents)]
            ingests.append((f"ingest, {documents.name}", [advisor, "ingest", str(documents)], theirs_there))
        rows = [(name, measure(a, environment), measure(b, environment)) for name, a, b in ingests]
        if documents:
            again = _ingest_again(advisor, documents, environment)
            rows.append(("the same with one file changed", again, rows[-1][2]))
        ours: list[Run] = []
        theirs: list[Run] = []
        for _ in range(runs):
            theirs.append(measure([*tutorial, "ask", folder, QUESTION], environment))
            ours.append(measure([advisor, "ask", QUESTION], environment))
        ours_warm: list[float] = []
        theirs_warm: list[float] = []
        for _ in range(runs):
            warm = subprocess.run(
                [*tutorial, "warm", folder, *questions], env=environment, capture_output=True, text=True, check=True
            )
            theirs_warm += [float(line) for line in warm.stdout.split()]
            ours_warm += _warm(settings, questions)
    table = Table(title=f"Beside the tutorial stack ({runs} runs each, medians)")
    for column in ("", "advisor", "tutorial", "ratio"):
        table.add_column(column, justify="right" if column else "left")
    for name, one, other in rows:
        table.add_row(name, f"{one.seconds:.1f} s", f"{other.seconds:.1f} s", f"{one.seconds / other.seconds:.2f}")
        megabytes = (f"{run.megabytes:.0f} MB" for run in (one, other))
        table.add_row("  peak memory", *megabytes, f"{one.megabytes / other.megabytes:.2f}")
    for name, unit, a, b in (
        ("cold ask", "s", [run.seconds for run in ours], [run.seconds for run in theirs]),
        ("peak memory", "MB", [run.megabytes for run in ours], [run.megabytes for run in theirs]),
        ("warm retrieval", "ms", [s * 1000 for s in ours_warm], [s * 1000 for s in theirs_warm]),
    ):
        first, second = statistics.median(a), statistics.median(b)
        table.add_row(name, f"{first:.3g} {unit}", f"{second:.3g} {unit}", f"{first / second:.2f}")
    console.print(table)


def _ingest_again(advisor: str, documents: Path, environment: dict[str, str]) -> Run:
    """Return how long an ingest takes after one file changed; the file is as it was afterwards."""
    changed = min(documents.rglob("*.md"))
    before = changed.read_bytes()
    try:
        changed.write_bytes(before + b"\n\nOne more sentence stands here now.\n")
        return measure([advisor, "ingest", str(documents)], environment)
    finally:
        changed.write_bytes(before)


def _warm(settings: Settings, questions: Sequence[str]) -> list[float]:
    retriever = build_retriever(settings)
    retriever.retrieve(Query(text=questions[0]))
    seconds: list[float] = []
    for question in questions:
        started = time.perf_counter()
        retriever.retrieve(Query(text=question))
        seconds.append(time.perf_counter() - started)
    return seconds
