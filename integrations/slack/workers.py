"""The threads that empty inbox and outbox, and look at the clock for the weekly work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from advisor.errors import AdvisorError
from advisor.ports import WorkQueue
from integrations.slack.clerk import Clerk
from integrations.slack.jobs import due_work
from integrations.slack.postman import Postman

CLERKS, POSTMEN = 3, 3
IDLE_SECONDS = 1.0
_SCHEDULE_SECONDS = 30.0
_log = logging.getLogger(__name__)


class Workers:
    """Starts and stops the threads. What is not done when they stop is done after the next start."""

    def __init__(
        self,
        queue: WorkQueue,
        clerk: Clerk,
        postman: Postman,
        *,
        team: str,
        weekly: str,
        clock: Callable[[], float] = time.time,
        idle: float = IDLE_SECONDS,
    ) -> None:
        self._queue = queue
        self._team = team
        self._weekly = weekly
        self._clock = clock
        self._idle = idle
        self._since = clock() - 24 * 3600  # what fell due while nobody was here is made up for, for a day
        self._stopping = threading.Event()
        self._bells = (threading.Event(), threading.Event())
        jobs: list[tuple[Callable[[], bool], threading.Event, threading.Event | None]]
        jobs = [(clerk.handle_next, self._bells[0], self._bells[1])] * CLERKS
        jobs += [(postman.deliver_next, self._bells[1], None)] * POSTMEN
        self._threads = [threading.Thread(target=self._work, args=job, daemon=True) for job in jobs]
        self._threads.append(threading.Thread(target=self._schedule, daemon=True))

    def start(self) -> None:
        """Start all threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience: float = 10.0) -> None:
        """Let every thread finish what it holds, for so many seconds."""
        self._stopping.set()
        for bell in self._bells:
            bell.set()
        until = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def wake(self) -> None:
        """Tell that something came in."""
        self._bells[0].set()

    def _work(self, step: Callable[[], bool], bell: threading.Event, following: threading.Event | None) -> None:
        while not self._stopping.is_set():
            try:
                busy = step()
            except AdvisorError as error:
                _log.error("%s", error)
                busy = False
            except Exception as error:  # noqa: BLE001  the thread must live on; the work is taken again
                _log.error("A worker stumbled over %s", type(error).__name__)
                busy = False
            if busy:
                if following:
                    following.set()
                continue
            bell.wait(self._idle)
            bell.clear()

    def _schedule(self) -> None:
        while not self._stopping.wait(min(_SCHEDULE_SECONDS, self._idle * 30)):
            try:
                self._queue.put(due_work(self._weekly, self._team, self._clock(), since=self._since))
            except AdvisorError as error:
                _log.error("%s", error)
            self.wake()
