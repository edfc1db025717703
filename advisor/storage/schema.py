"""Tables. Rows are written once; the present is derived."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, DateTime, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The one registry of tables."""


class TurnRow(Base):
    """One question of a conversation with its answer, as asked by one caller."""

    __tablename__ = "turn"
    __table_args__ = (Index("ix_turn_conversation", "conversation_id", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    conversation_id: Mapped[str] = mapped_column(String(64))
    caller_id: Mapped[str] = mapped_column(String(255))
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    answer: Mapped[str] = mapped_column(Text)


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
