"""What was asked and not met, out of the kept conversations."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Engine, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from advisor.domain.audit import NewLine
from advisor.domain.dialogue import Answer, Outcome
from advisor.domain.identity import Caller
from advisor.domain.upkeep import AnswerLine, Opinion, Unmet
from advisor.errors import StorageError
from advisor.storage.audit import append_line
from advisor.storage.database import as_utc
from advisor.storage.schema import FeedbackRow, GapOwnerRow, TurnRow

_NEWEST = 2_000
"""Turns that are looked at."""
_OPEN = (Outcome.DECLINED.value, Outcome.PARTIAL.value)


class SqlUpkeep:
    """Reads across all callers; whom a question came from is told only as a digest."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list_unmet(self) -> tuple[Unmet, ...]:
        """Return the questions that were not answered, and those whose answer is disliked, newest first."""
        latest = select(func.max(FeedbackRow.number)).group_by(
            FeedbackRow.answer_id, FeedbackRow.caller_id, FeedbackRow.citation
        )
        disliked = (
            select(TurnRow, FeedbackRow.reason)
            .join(FeedbackRow, FeedbackRow.answer_id == TurnRow.answer_id)
            .where(FeedbackRow.number.in_(latest), FeedbackRow.helpful.is_(False))
        )
        declined = select(TurnRow).where(TurnRow.outcome.in_(_OPEN))
        try:
            with self._engine.connect() as connection:
                found = [
                    _read(row, disliked=True, reason=row.reason)
                    for row in connection.execute(disliked.order_by(TurnRow.number.desc()).limit(_NEWEST))
                ]
                found += [
                    _read(row) for row in connection.execute(declined.order_by(TurnRow.number.desc()).limit(_NEWEST))
                ]
        except SQLAlchemyError as error:
            raise StorageError("The questions could not be read.", "Check the database.") from error
        return tuple(sorted(found, key=lambda one: one.asked_at, reverse=True))

    def list_opinions(self, limit: int) -> tuple[Opinion, ...]:
        """Return what readers said of answers that are still kept, newest first."""
        statement = (
            select(FeedbackRow, TurnRow.answer)
            .join(TurnRow, FeedbackRow.answer_id == TurnRow.answer_id)
            .order_by(FeedbackRow.number.desc())
            .limit(limit)
        )
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(statement).all()
        except SQLAlchemyError as error:
            raise StorageError("The feedback could not be read.", "Check the database.") from error
        return tuple(
            Opinion(
                answer_id=row.answer_id,
                question=Answer.model_validate_json(row.answer).question,
                helpful=row.helpful,
                reason=row.reason,
                citation=row.citation,
                given_at=as_utc(row.given_at),
            )
            for row in rows
        )

    def list_answers(self, limit: int) -> tuple[AnswerLine, ...]:
        """Return the answers given, newest first."""
        statement = select(TurnRow.answer, TurnRow.asked_at).order_by(TurnRow.number.desc()).limit(limit)
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(statement).all()
        except SQLAlchemyError as error:
            raise StorageError("The answers could not be read.", "Check the database.") from error
        found = ((Answer.model_validate_json(row.answer), as_utc(row.asked_at)) for row in rows)
        return tuple(
            AnswerLine(
                answer_id=answer.id,
                question=answer.question,
                outcome=answer.outcome,
                role=answer.role,
                asked_at=asked_at,
            )
            for answer, asked_at in found
        )

    def count_citations(self) -> Mapping[str, int]:
        """Return how many of the newest kept answers cite each section, and each document by its id alone."""
        statement = select(TurnRow.answer).order_by(TurnRow.number.desc()).limit(_NEWEST)
        try:
            with self._engine.connect() as connection:
                answers = [Answer.model_validate_json(text) for text in connection.scalars(statement)]
        except SQLAlchemyError as error:
            raise StorageError("The answers could not be read.", "Check the database.") from error
        counted: Counter[str] = Counter()
        for answer in answers:
            sections = {citation.section_id for citation in answer.citations}
            counted.update(sections | {section.partition("/")[0] for section in sections})
        return counted

    def list_owners(self) -> Mapping[str, str]:
        """Return who takes care of a content gap, by the question that names it."""
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(select(GapOwnerRow.question, GapOwnerRow.owner)).all()
        except SQLAlchemyError as error:
            raise StorageError("The owners could not be read.", "Check the database.") from error
        return {row.question: row.owner for row in rows}

    def assign(self, caller: Caller, question: str, owner: str, *, instead: Sequence[str]) -> None:
        """Give a content gap an owner in place of those of its questions; an empty one takes them away."""
        named = NewLine(action="assign content gap", subject=hashlib.sha256(question.encode()).hexdigest()[:16])
        try:
            with self._engine.connect().execution_options(immediate=True) as connection, connection.begin():
                connection.execute(delete(GapOwnerRow).where(GapOwnerRow.question.in_([question, *instead])))
                if owner:
                    connection.execute(insert(GapOwnerRow).values(question=question, owner=owner[:120]))
                append_line(connection, caller, named)
        except SQLAlchemyError as error:
            raise StorageError("The owner could not be saved.", "Check the database.") from error


def _read(row: object, *, disliked: bool = False, reason: str = "") -> Unmet:
    answer = Answer.model_validate_json(row.answer)  # type: ignore[attr-defined]
    return Unmet(
        answer_id=answer.id,
        question=answer.query or answer.question,
        outcome=answer.outcome,
        asked_at=as_utc(row.asked_at),  # type: ignore[attr-defined]
        who=hashlib.sha256(row.caller_id.encode()).hexdigest()[:12],  # type: ignore[attr-defined]
        disliked=disliked,
        reason=reason,
    )
