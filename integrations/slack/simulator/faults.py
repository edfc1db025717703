"""Faults of the Web API on demand."""

from __future__ import annotations

import fnmatch
import random
import threading
from dataclasses import dataclass


@dataclass(slots=True)
class Fault:
    """What shall go wrong for calls of a method (a pattern such as `chat.*`).

    `drop` closes the connection before any work, `lose_reply` after it. Without `times` the fault stays.
    """

    method: str = "*"
    status: int | None = None
    retry_after: int = 30
    error: str | None = None
    drop: bool = False
    lose_reply: bool = False
    latency: float = 0.0
    times: int | None = None
    probability: float = 1.0

    @property
    def ends_call(self) -> bool:
        """Return whether the call goes wrong, not only slowly."""
        return bool(self.status or self.error or self.drop or self.lose_reply)


class Faults:
    """The faults in force, each drawn with a seeded random number."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 (for tests, not for secrets)
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Lift all faults."""
        with self._lock:
            self._faults.clear()

    def draw(self, method: str) -> tuple[float, Fault | None]:
        """Return how long a call waits and the fault it meets, if any."""
        latency = 0.0
        with self._lock:
            for fault in self._faults:
                if fault.times == 0 or not fnmatch.fnmatchcase(method, fault.method):
                    continue
                if fault.probability < 1.0 and self._random.random() >= fault.probability:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                latency += fault.latency
                if fault.ends_call:
                    return latency, fault
        return latency, None
