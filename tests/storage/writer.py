"""Writes entries to a register until all are acknowledged; run by test_kills.py as a process that may be killed.

Usage: python -m tests.storage.writer URL WRITER FIRST STOP ACKNOWLEDGEMENTS
"""

from __future__ import annotations

import os
import sys
from datetime import date

from advisor.domain.identity import Caller
from advisor.domain.records import RecordKind
from advisor.domain.register import NewEntry
from advisor.storage.database import open_database
from advisor.storage.register import SqlRegisterLog


def main() -> None:
    url, writer, first, stop, path = sys.argv[1:]
    log = SqlRegisterLog(open_database(url))
    acknowledgements = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for number in range(int(first), int(stop)):
        entry = NewEntry(
            key=f"{writer}/{number}",
            kind=RecordKind.STATUS_UPDATE,
            subject=f"status-{writer}-{number}",
            patch={"initiative": f"line-{writer}", "health": "on_track", "summary": f"Update {number}."},
            effective_on=date(2026, 1, 2),
        )
        (stored,) = log.append(Caller(id=writer), [entry])
        os.write(acknowledgements, f"{number} {stored.number}\n".encode())


if __name__ == "__main__":
    main()
