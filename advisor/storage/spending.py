"""Tokens of the chat model by day, shared by all processes."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, UpdateBase, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from advisor.errors import StorageError
from advisor.storage.schema import SpentRow


class SqlTokenBudget:
    """Counts what is spent on a day (UTC) against a daily limit."""

    def __init__(self, engine: Engine, daily: int) -> None:
        self._engine = engine
        self._daily = daily

    def find_left(self) -> int:
        """Return the tokens that may still be used today, 0 or more."""
        statement = select(SpentRow.tokens).where(SpentRow.day == datetime.now(UTC).date())
        try:
            with self._engine.connect() as connection:
                return max(0, self._daily - (connection.scalar(statement) or 0))
        except SQLAlchemyError as error:
            raise StorageError("The spent tokens could not be read.", "Check the database.") from error

    def spend(self, tokens: int) -> None:
        """Add to what is spent today."""
        day = datetime.now(UTC).date()
        more = update(SpentRow).where(SpentRow.day == day).values(tokens=SpentRow.tokens + tokens)
        try:
            if self._run(more):
                return
            try:
                self._run(insert(SpentRow).values(day=day, tokens=tokens))
            except IntegrityError:  # another process was the first of the day meanwhile
                self._run(more)
        except SQLAlchemyError as error:
            raise StorageError("The spent tokens could not be saved.", "Check the database.") from error

    def _run(self, statement: UpdateBase) -> int:
        with self._engine.connect().execution_options(immediate=True) as connection, connection.begin():
            return connection.execute(statement).rowcount
