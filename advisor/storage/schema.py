"""Tables. Rows are written once; the present is derived."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, DateTime, Double, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The one registry of tables."""


class TurnRow(Base):
    """One question of a conversation with its answer, as asked by one caller."""

    __tablename__ = "turn"
    __table_args__ = (
        Index("ix_turn_conversation", "conversation_id", "number"),
        Index("ix_turn_answer", "answer_id"),
        Index("ix_turn_caller", "caller_id", "number"),
        Index("ix_turn_outcome", "outcome", "number"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    conversation_id: Mapped[str] = mapped_column(String(64))
    caller_id: Mapped[str] = mapped_column(String(255))
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    answer: Mapped[str] = mapped_column(Text)
    answer_id: Mapped[str] = mapped_column(String(64), server_default="")
    outcome: Mapped[str] = mapped_column(String(16), server_default="")
    receipt: Mapped[str] = mapped_column(Text, server_default="")


class FeedbackRow(Base):
    """What one caller thought of one answer, each time they said so."""

    __tablename__ = "feedback"
    __table_args__ = (Index("ix_feedback_answer", "answer_id"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    answer_id: Mapped[str] = mapped_column(String(64))
    caller_id: Mapped[str] = mapped_column(String(255))
    helpful: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    citation: Mapped[int | None]
    given_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class WorkRow(Base):
    """A piece of work; `state` is waiting, done or failed. Times are seconds since the epoch."""

    __tablename__ = "work"
    __table_args__ = (
        Index("ix_work_waiting", "queue", "state", "number"),
        Index("ix_work_lane", "queue", "lane", "state", "number"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    queue: Mapped[str] = mapped_column(String(8))
    key: Mapped[str] = mapped_column(String(250), unique=True)
    alias: Mapped[str | None] = mapped_column(String(250), unique=True)
    lane: Mapped[str] = mapped_column(String(250))
    payload: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int]
    not_before: Mapped[float] = mapped_column(Double)
    leased_until: Mapped[float] = mapped_column(Double)
    finished_at: Mapped[float | None] = mapped_column(Double)
    note: Mapped[str] = mapped_column(Text)


class EntryRow(Base):
    """One fact of the register's log. `patch` is JSON; `number` grows in the order of commits."""

    __tablename__ = "entry"
    __table_args__ = (Index("ix_entry_subject", "subject", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    patch: Mapped[str] = mapped_column(Text)
    effective_on: Mapped[date] = mapped_column(Date)
    door: Mapped[str] = mapped_column(String(40))
    supersedes: Mapped[int | None]
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    recorded_by: Mapped[str] = mapped_column(String(255))


class KeyRow(Base):
    """An API key; `digest` is the SHA-256 of its secret, `groups` and `areas` are JSON lists."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    permission: Mapped[str] = mapped_column(String(16))
    groups: Mapped[str] = mapped_column(Text)
    areas: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[str] = mapped_column(String(255))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class AuditRow(Base):
    """A line of the audit log. `digest` chains it to the line before."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_action", "action", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    who: Mapped[str] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))


class PseudonymRow(Base):
    """Who a pseudonym of the audit log is; without this row nobody can tell."""

    __tablename__ = "pseudonym"

    caller_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    pseudonym: Mapped[str] = mapped_column(String(32), unique=True)


class GapOwnerRow(Base):
    """Who takes care of a content gap; `question` is the one that names it."""

    __tablename__ = "gap_owner"

    question: Mapped[str] = mapped_column(String(500), primary_key=True)
    owner: Mapped[str] = mapped_column(String(120))


class SpentRow(Base):
    """Tokens that the chat model took on a day (UTC)."""

    __tablename__ = "spent"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    tokens: Mapped[int]
