"""Conversations in SQL: append-only turns."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Engine, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from advisor.domain.audit import NewLine
from advisor.domain.dialogue import Answer, CitationKind, ConversationHead, Turn
from advisor.domain.identity import Caller
from advisor.domain.receipts import Receipt
from advisor.domain.work import Feedback
from advisor.errors import NotFoundError, StorageError
from advisor.storage.audit import append_line
from advisor.storage.database import as_utc, empty_write_ahead_log
from advisor.storage.schema import Base, FeedbackRow, TurnRow


class SqlConversations:
    """Turns in a SQL database; a caller sees only conversations of their own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, caller: Caller, answer: Answer, receipt: Receipt | None = None) -> None:
        """Append one turn."""
        row = TurnRow(
            conversation_id=answer.conversation_id,
            caller_id=caller.id,
            asked_at=datetime.now(UTC),
            answer=answer.model_dump_json(exclude={"text", "abstained"}),
            answer_id=answer.id,
            outcome=answer.outcome.value,
            receipt=receipt.model_dump_json() if receipt else "",
        )
        self._add(row, "The conversation could not be saved.")

    def get_history(self, caller: Caller, conversation_id: str) -> tuple[Turn, ...]:
        """Return the turns so far, oldest first; raise NotFoundError if the caller has no such conversation."""
        turns = self._read_turns(TurnRow.conversation_id == conversation_id, TurnRow.caller_id == caller.id)
        if not turns:
            raise NotFoundError(
                "There is no conversation of yours with that id.",
                "Leave conversation_id out to start a new one.",
            )
        return turns

    def get_turns(self, conversation_id: str) -> tuple[Turn, ...]:
        """Return the turns of a conversation, whoever had it, oldest first; empty where there are none."""
        return self._read_turns(TurnRow.conversation_id == conversation_id)

    def _read_turns(self, *conditions: ColumnElement[bool]) -> tuple[Turn, ...]:
        try:
            with Session(self._engine) as session:
                stored = session.scalars(select(TurnRow.answer).where(*conditions).order_by(TurnRow.number)).all()
        except SQLAlchemyError as error:
            raise StorageError("The conversation could not be read.", "Check the database.") from error
        answers = [Answer.model_validate_json(text) for text in stored]
        return tuple(Turn(question=a.question, query=a.query, answer=a) for a in answers)

    def get_receipt(self, answer_id: str) -> Receipt:
        """Return what an answer rested on, whoever got it; raise NotFoundError."""
        statement = select(TurnRow.receipt).where(TurnRow.answer_id == answer_id).order_by(TurnRow.number)
        try:
            with Session(self._engine) as session:
                stored = session.scalars(statement).first()
        except SQLAlchemyError as error:
            raise StorageError("The receipt could not be read.", "Check the database.") from error
        if not stored:
            raise NotFoundError("There is no receipt of that answer.", "Check its id; it may have been deleted.")
        return Receipt.model_validate_json(stored)

    def get_answer(self, caller: Caller, answer_id: str) -> Answer:
        """Return an answer that the caller was given; raise NotFoundError."""
        statement = (
            select(TurnRow.answer)
            .where(TurnRow.answer_id == answer_id, TurnRow.caller_id == caller.id)
            .order_by(TurnRow.number)
        )
        try:
            with Session(self._engine) as session:
                stored = session.scalars(statement).first()
        except SQLAlchemyError as error:
            raise StorageError("The answer could not be read.", "Check the database.") from error
        if stored is None:
            raise NotFoundError("There is no answer of yours with that id.", "Ask the question again.")
        return Answer.model_validate_json(stored)

    def record_feedback(self, caller: Caller, feedback: Feedback) -> None:
        """Remember what a caller thinks of an answer."""
        values = feedback.model_dump() | {"caller_id": caller.id, "given_at": datetime.now(UTC)}
        try:
            with self._engine.connect().execution_options(immediate=True) as connection, connection.begin():
                connection.execute(insert(FeedbackRow).values(**values))
                append_line(connection, caller, NewLine(action="feedback", subject=feedback.answer_id))
        except SQLAlchemyError as error:
            raise StorageError("Your opinion could not be saved.", "Check the database.") from error

    def list_heads(self, caller: Caller, limit: int, before: int | None = None) -> tuple[ConversationHead, ...]:
        """Return the caller's conversations, newest first; only those with numbers below `before`."""
        newest = func.max(TurnRow.number)
        statement = (
            select(func.min(TurnRow.number), newest, func.count())
            .where(TurnRow.caller_id == caller.id)
            .group_by(TurnRow.conversation_id)
            .order_by(newest.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.having(newest < before)
        try:
            with Session(self._engine) as session:
                found = session.execute(statement).all()
                wanted = {number for first, last, _ in found for number in (first, last)}
                rows = {row.number: row for row in session.scalars(select(TurnRow).where(TurnRow.number.in_(wanted)))}
        except SQLAlchemyError as error:
            raise StorageError("The conversations could not be read.", "Check the database.") from error
        return tuple(
            ConversationHead(
                id=rows[first].conversation_id,
                number=last,
                title=Answer.model_validate_json(rows[first].answer).question,
                turns=turns,
                last_at=as_utc(rows[last].asked_at),
            )
            for first, last, turns in found
            if first in rows and last in rows  # else it was deleted between the two reads
        )

    def delete(self, caller: Caller, conversation_id: str) -> None:
        """Forget a conversation and what was thought of its answers."""
        mine = (TurnRow.conversation_id == conversation_id, TurnRow.caller_id == caller.id)
        try:
            with self._engine.connect().execution_options(immediate=True) as connection, connection.begin():
                answers = connection.scalars(select(TurnRow.answer_id).where(*mine)).all()
                opinions = (FeedbackRow.answer_id.in_(answers), FeedbackRow.caller_id == caller.id)
                connection.execute(delete(FeedbackRow).where(*opinions))
                connection.execute(delete(TurnRow).where(*mine))
                if answers:
                    append_line(connection, caller, NewLine(action="delete conversation", subject=conversation_id))
            if answers:
                empty_write_ahead_log(self._engine)
        except SQLAlchemyError as error:
            raise StorageError("The conversation could not be deleted.", "Check the database.") from error
        if not answers:
            raise NotFoundError("There is no conversation of yours with that id.", "List them for their ids.")

    def forget_before(self, moment: datetime) -> int:
        """Delete the conversations of everybody whose last turn was before, with what was thought of their answers."""
        old = (
            select(TurnRow.conversation_id)
            .group_by(TurnRow.conversation_id)
            .having(func.max(TurnRow.asked_at) < moment)
        )
        try:
            with self._engine.connect().execution_options(immediate=True) as connection, connection.begin():
                rows = connection.execute(
                    select(TurnRow.number, TurnRow.answer_id).where(TurnRow.conversation_id.in_(old))
                ).all()
                for start in range(0, len(rows), 500):
                    part = rows[start : start + 500]
                    connection.execute(
                        delete(FeedbackRow).where(FeedbackRow.answer_id.in_([r.answer_id for r in part]))
                    )
                    connection.execute(delete(TurnRow).where(TurnRow.number.in_([r.number for r in part])))
            if rows:
                empty_write_ahead_log(self._engine)
        except SQLAlchemyError as error:
            raise StorageError("Old conversations could not be deleted.", "Check the database.") from error
        return len(rows)

    def forget_documents(self, kept: Collection[str]) -> int:
        """Delete the turns of everybody that quote a document which is not kept; return how many those were."""
        quoting = select(TurnRow.number, TurnRow.answer).where(TurnRow.answer.like('%"kind":"document"%'))
        gone: list[int] = []
        try:
            with self._engine.connect().execution_options(immediate=True) as connection, connection.begin():
                for number, text in connection.execute(quoting):
                    cited = {
                        citation.section_id.partition("/")[0]
                        for citation in Answer.model_validate_json(text).citations
                        if citation.kind is CitationKind.DOCUMENT
                    }
                    if not cited <= set(kept):
                        gone.append(number)
                for start in range(0, len(gone), 500):
                    connection.execute(delete(TurnRow).where(TurnRow.number.in_(gone[start : start + 500])))
            if gone:
                empty_write_ahead_log(self._engine)
        except SQLAlchemyError as error:
            raise StorageError("What removed documents said could not be deleted.", "Run `advisor ingest`.") from error
        return len(gone)

    def _add(self, row: Base, problem: str) -> None:
        try:
            with Session(self._engine) as session, session.begin():
                session.add(row)
        except SQLAlchemyError as error:
            raise StorageError(problem, "Check the database and the free space of the disk.") from error
