"""API keys in SQL. Only a digest of the secret is kept: 32 random bytes need no slow hash."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, Row, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from advisor.domain.audit import NewLine
from advisor.domain.identity import ApiKey, Caller, NewKey
from advisor.errors import NotFoundError, StorageError
from advisor.storage.audit import append_line
from advisor.storage.database import as_utc
from advisor.storage.schema import KeyRow

PREFIX = "adv_"
_USED_EVERY = timedelta(minutes=1)
"""How old the time of last use may be."""


def hash_secret(secret: str) -> str:
    """Return what is stored of a key."""
    return hashlib.sha256(secret.encode()).hexdigest()


class SqlKeys:
    """The keys of an installation, shared by all its processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, by: Caller, key: NewKey) -> tuple[ApiKey, str]:
        """Make a key; return it with its secret, which cannot be shown again."""
        secret = PREFIX + secrets.token_urlsafe(32)
        made = ApiKey(**key.model_dump(), id=secrets.token_hex(4), created_at=datetime.now(UTC), created_by=by.id)
        values = made.model_dump() | {
            "groups": json.dumps(made.groups),
            "areas": json.dumps(made.areas),
            "permission": made.permission.value,
            "digest": hash_secret(secret),
        }
        with self._writing() as connection:
            connection.execute(insert(KeyRow).values(**values))
            append_line(connection, by, NewLine(action="create key", subject=made.id, detail=made.permission.value))
        return made, secret

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return all keys, oldest first."""
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(select(KeyRow.__table__).order_by(KeyRow.created_at, KeyRow.id)).all()
        except SQLAlchemyError as error:
            raise StorageError("The keys could not be read.", "Check the database.") from error
        return tuple(_to_key(row) for row in rows)

    def revoke(self, by: Caller, id_: str) -> ApiKey:
        """End a key now, with every token made with it; raise NotFoundError."""
        with self._writing() as connection:
            row = connection.execute(select(KeyRow.__table__).where(KeyRow.id == id_)).first()
            if row is None:
                raise NotFoundError(f'There is no key "{id_[:20]}".', "See `advisor keys list`.")
            if row.revoked_at is None:
                connection.execute(update(KeyRow).where(KeyRow.id == id_).values(revoked_at=datetime.now(UTC)))
                append_line(connection, by, NewLine(action="revoke key", subject=id_))
            after = connection.execute(select(KeyRow.__table__).where(KeyRow.id == id_)).one()
        return _to_key(after)

    def note(self, by: Caller, line: NewLine) -> None:
        """Tell the audit log what a key was used for."""
        with self._writing() as connection:
            append_line(connection, by, line)

    def find_by_secret(self, secret: str) -> ApiKey | None:
        """Return the key that a secret opens while it is neither expired nor revoked; remember that it was used."""
        return self._find_active(KeyRow.digest == hash_secret(secret))

    def find_active(self, id_: str) -> ApiKey | None:
        """Return a key by its id while it is neither expired nor revoked."""
        return self._find_active(KeyRow.id == id_)

    def _find_active(self, condition: ColumnElement[bool]) -> ApiKey | None:
        now = datetime.now(UTC)
        try:
            with self._engine.connect() as connection:
                row = connection.execute(select(KeyRow.__table__).where(condition)).first()
            key = _to_key(row) if row else None
            if key is None or key.describe(now) != "active":
                return None
            if key.used_at is None or now - key.used_at > _USED_EVERY:
                with self._engine.begin() as connection:
                    connection.execute(update(KeyRow).where(KeyRow.id == key.id).values(used_at=now))
        except SQLAlchemyError as error:
            raise StorageError("The keys could not be read.", "Check the database.") from error
        return key

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Open a transaction that reads before it writes."""
        try:
            with self._engine.connect().execution_options(immediate=True) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise StorageError("The keys could not be changed.", "Check the database.") from error


def _to_key(row: Row[tuple[object, ...]]) -> ApiKey:
    values = dict(row._mapping)
    values.pop("digest")
    moments = {
        name: as_utc(values[name]) if values[name] else None
        for name in ("created_at", "expires_at", "revoked_at", "used_at")
    }
    return ApiKey.model_validate(
        values | moments | {"groups": json.loads(values["groups"]), "areas": json.loads(values["areas"])}
    )
