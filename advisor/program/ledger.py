"""The log read into registers and engines, each made once for as long as it holds. Safe to share between threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from typing import TypeVar

from advisor.domain.criteria import CriteriaBook
from advisor.domain.identity import Caller, Permission
from advisor.domain.records import RecordKind
from advisor.domain.register import Entry, Projection, Register
from advisor.ports import RegisterLog
from advisor.program.engine import Engine

K = TypeVar("K")
V = TypeVar("V")
_REMEMBERED = 10


class Ledger:
    """What the log says as of any day, and how the criteria stand on it."""

    def __init__(self, log: RegisterLog, book: CriteriaBook) -> None:
        self._log = log
        self._book = book
        self._projection = Projection()
        self._epoch = 0
        self._lock = threading.Lock()
        self._registers: OrderedDict[tuple[date, int], Register] = OrderedDict()
        self._engines: OrderedDict[tuple[date, int, int, str, str], Engine] = OrderedDict()

    def read(self, day: date) -> Register:
        """Return the whole register as of the end of a day, with what others have logged since."""
        return self._read_all(day)[0]

    def read_visible(self, caller: Caller, day: date) -> Register:
        """Return what a caller may see, by the labels of today, of the register as of the end of a day."""
        register, present = self._read_all(day, date.max)
        return register.visible_to(caller, present)

    def _read_all(self, *days: date) -> list[Register]:
        """Return the register as of the end of each day; the log is looked at once."""
        with self._lock:
            epoch = self._log.find_epoch()
            if epoch != self._epoch:  # entries were rewritten: what was read is read anew
                self._epoch, self._projection = epoch, Projection()
                self._registers.clear()
                self._engines.clear()
            self._projection.apply(self._log.read(after=self._projection.head))
            return [self._remember_day(day) for day in days]

    def _remember_day(self, day: date) -> Register:
        key = (day, self._projection.head_of(day))
        return _remember(self._registers, key, lambda: self._projection.as_of(day))

    def get_engine(self, caller: Caller, day: date, *, site: str = "", initiative: str = "") -> Engine:
        """Return the engine on what a caller may see of the program, a site or an initiative."""
        register, present = self._read_all(day, date.max)

        def make() -> Engine:
            return Engine(register.visible_to(caller, present).within(site=site, initiative=initiative), self._book)

        key = (register.as_of, register.head, present.head, name_view(caller), f"{site}|{initiative}")
        with self._lock:
            return _remember(self._engines, key, make)

    def get_history(self, kind: RecordKind, subject: str) -> tuple[Entry, ...]:
        """Return every entry on a record that was read so far, in order of their numbers."""
        return self._projection.history(kind, subject)

    def find_key(self, key: str) -> Entry | None:
        """Return the entry that was logged with a key, as far as the log was read."""
        return self._projection.find_key(key)


def _remember(cache: OrderedDict[K, V], key: K, make: Callable[[], V]) -> V:
    """Return what a cache holds, made now if need be; what was not asked for the longest gives way."""
    if key not in cache:
        cache[key] = make()
        if len(cache) > _REMEMBERED:
            cache.popitem(last=False)
    cache.move_to_end(key)
    return cache[key]


def name_view(caller: Caller) -> str:
    """Return what tells apart callers who see different registers; no group can pass for an admin."""
    return repr(("admin",) if caller.permission is Permission.ADMIN else ("groups", *sorted(set(caller.groups))))
