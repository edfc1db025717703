"""Queues of work in SQL. A piece is taken under a lock, with a lease; what a crash leaves behind is taken again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Executable,
    Row,
    Select,
    and_,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import aliased

from advisor.domain.work import NewWork, Queue, Work
from advisor.errors import StorageError
from advisor.storage.schema import WorkRow

_LOCK = 7_203_116
"""Any number that no other advisory lock of the database uses."""
_WAITING, _DONE, _FAILED = "waiting", "done", "failed"


class SqlWorkQueue:
    """Work in a SQL database, shared by any number of processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, work: Sequence[NewWork]) -> int:
        """Queue what is not known yet; return how many pieces that were."""
        with self._writing() as connection:
            return _put(connection, work)

    def take(self, queue: Queue, now: float, *, lease: float, pace: float = 0) -> Work | None:
        """Return the oldest piece that may be done now, or None; nobody else gets it for `lease` seconds."""
        with self._writing() as connection:
            row = connection.execute(_find_next(queue, now, pace)).first()
            if row is None:
                return None
            values = row._mapping
            connection.execute(
                update(WorkRow)
                .where(WorkRow.number == values["number"])
                .values(leased_until=now + lease, attempts=values["attempts"] + 1)
            )
        return Work(
            queue=Queue(values["queue"]),
            key=values["key"],
            alias=values["alias"],
            lane=values["lane"],
            payload=json.loads(values["payload"]),
            not_before=values["not_before"],
            number=values["number"],
            attempts=values["attempts"] + 1,
            note=json.loads(values["note"]),
        )

    def leave_note(self, work: Work, note: Mapping[str, Any]) -> None:
        """Keep what the next attempt must know, beside what was left before."""
        with self._writing() as connection:
            kept = connection.scalar(select(WorkRow.note).where(WorkRow.number == work.number)) or "{}"
            _set(connection, work, note=json.dumps(json.loads(kept) | dict(note)))

    def finish(self, work: Work, now: float, *, follow: Sequence[NewWork] = ()) -> None:
        """Mark as done, drop the payload, and queue what follows, all or nothing."""
        with self._writing() as connection:
            _set(connection, work, state=_DONE, payload="{}", finished_at=now)
            _put(connection, follow)

    def postpone(self, work: Work, until: float) -> None:
        """Put back, to be taken again at a later time."""
        with self._writing() as connection:
            _set(connection, work, not_before=until, leased_until=0.0)

    def give_up(self, work: Work, now: float, reason: str) -> None:
        """Mark as failed for good."""
        with self._writing() as connection:
            _set(connection, work, state=_FAILED, payload="{}", finished_at=now, note=json.dumps({"reason": reason}))

    def knows(self, key: str) -> bool:
        """Whether a piece was ever queued under a key."""
        return bool(self._read(select(WorkRow.number).where(WorkRow.key == key)))

    def count(self, queue: Queue) -> dict[str, int]:
        """Return how many pieces are waiting, done and failed."""
        statement = select(WorkRow.state, func.count()).where(WorkRow.queue == queue.value).group_by(WorkRow.state)
        found = {str(state): int(number) for state, number in (tuple(row) for row in self._read(statement))}
        return {state: found.get(state, 0) for state in (_WAITING, _DONE, _FAILED)}

    def _read(self, statement: Executable) -> Sequence[Row[Any]]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(statement).all()
        except SQLAlchemyError as error:
            raise StorageError("The queue could not be read.", "Check the database.") from error

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(immediate=True) as connection, connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                yield connection
        except SQLAlchemyError as error:
            raise StorageError(
                "The queue could not be written.", "Check the database and the free space of the disk."
            ) from error


def _find_next(queue: Queue, now: float, pace: float) -> Select[Any]:
    earlier = aliased(WorkRow)
    same_lane = and_(earlier.queue == WorkRow.queue, earlier.lane == WorkRow.lane)
    in_the_way = and_(earlier.state == _WAITING, earlier.number < WorkRow.number)
    if pace:
        in_the_way = or_(in_the_way, and_(earlier.state == _DONE, earlier.finished_at > now - pace))
    return (
        select(WorkRow.__table__)
        .where(
            WorkRow.queue == queue.value,
            WorkRow.state == _WAITING,
            WorkRow.not_before <= now,
            WorkRow.leased_until <= now,
            ~exists().where(same_lane, in_the_way),
        )
        .order_by(WorkRow.number)
        .limit(1)
    )


def _put(connection: Connection, work: Sequence[NewWork]) -> int:
    added = 0
    for piece in work:
        names = [name for name in (piece.key, piece.alias) if name]
        known = select(WorkRow.number).where(or_(WorkRow.key.in_(names), WorkRow.alias.in_(names)))
        if connection.execute(known.limit(1)).first() is not None:
            continue
        connection.execute(
            insert(WorkRow).values(
                queue=piece.queue.value,
                key=piece.key,
                alias=piece.alias,
                lane=piece.lane,
                payload=json.dumps(dict(piece.payload), ensure_ascii=False),
                state=_WAITING,
                attempts=0,
                not_before=piece.not_before,
                leased_until=0.0,
                note="{}",
            )
        )
        added += 1
    return added


def _set(connection: Connection, work: Work, **values: object) -> None:
    connection.execute(update(WorkRow).where(WorkRow.number == work.number).values(**values))
