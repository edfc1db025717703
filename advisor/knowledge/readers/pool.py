"""Reads files in worker processes with limits of memory, processor and wall time; a bad file ends its worker alone."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from advisor.knowledge.readers.extract import Extract, UnreadableError

FILES_PER_WORKER = 50
WALL_SECONDS = 60.0
PROCESSOR_SECONDS = 60
MEMORY_BYTES = 2_000_000_000
_READ_AHEAD = 2


class Reading(NamedTuple):
    """What came of a file: its text, or why there is none."""

    path: Path
    extract: Extract | None
    problem: str = ""


class ReaderPool:
    """Workers that are replaced after some files, and at once after a crash or a timeout."""

    def __init__(self, workers: int | None = None, *, wall_seconds: float = WALL_SECONDS) -> None:
        self._workers = workers or max(1, os.cpu_count() or 1)
        self._wall_seconds = wall_seconds

    def read_all(self, paths: Sequence[Path]) -> Iterator[Reading]:
        """Yield a reading for each path, in order. One bad file never stops the rest."""
        idle: SimpleQueue[_Worker] = SimpleQueue()
        workers = [_Worker(self._wall_seconds) for _ in range(min(self._workers, max(1, len(paths))))]
        for worker in workers:
            idle.put(worker)

        def read(path: Path) -> Reading:
            worker = idle.get()
            try:
                return worker.read(path)
            finally:
                idle.put(worker)

        try:
            with ThreadPoolExecutor(len(workers)) as threads:
                ahead: deque[Future[Reading]] = deque()
                for path in paths:  # no more than a few readings wait in memory to be taken
                    ahead.append(threads.submit(read, path))
                    if len(ahead) > _READ_AHEAD * len(workers):
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
        finally:
            for worker in workers:
                worker.stop()


class _Worker:
    """One process at a time, started when it is needed."""

    def __init__(self, wall_seconds: float) -> None:
        self._wall_seconds = wall_seconds
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._done = 0

    def read(self, path: Path) -> Reading:
        pipe = self._start()
        try:
            pipe.send(path)
            if not pipe.poll(self._wall_seconds):
                self.stop()
                return Reading(path, None, f"took more than {self._wall_seconds:.0f} s to read")
            extract, problem = pipe.recv()
        except (EOFError, OSError):
            self.stop()
            return Reading(path, None, "reading it took too much memory or time, or crashed the reader")
        self._done += 1
        if self._done >= FILES_PER_WORKER:
            self.stop()
        return Reading(path, extract, problem)

    def _start(self) -> Connection:
        if self._process is None or self._pipe is None or not self._process.is_alive():
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs,), daemon=True)
            process.start()
            self._process = process
            theirs.close()
            self._done = 0
        return self._pipe

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None


def _work(pipe: Connection) -> None:
    """Read files until the pipe closes."""
    from advisor.knowledge.readers.registry import read_file  # noqa: PLC0415  opens the vendors in the worker alone

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    while True:
        try:
            path = pipe.recv()
        except EOFError:
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime) + PROCESSOR_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
        try:
            answer: tuple[Extract | None, str] = (read_file(path), "")
        except UnreadableError as error:
            answer = (None, str(error))
        except MemoryError:
            answer = (None, "reading it takes too much memory")
        except RecursionError:
            answer = (None, "nested too deeply")
        except Exception as error:  # noqa: BLE001  a parser may raise anything at all over a malformed file
            answer = (None, f"damaged ({type(error).__name__})")
        with contextlib.suppress(BrokenPipeError):
            pipe.send(answer)
