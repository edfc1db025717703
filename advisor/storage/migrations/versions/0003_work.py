"""Work queues, opinions on answers, and answers by id."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "work",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("queue", sa.String(8), nullable=False),
        sa.Column("key", sa.String(250), nullable=False, unique=True),
        sa.Column("alias", sa.String(250), nullable=True, unique=True),
        sa.Column("lane", sa.String(250), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("leased_until", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
    )
    op.create_index("ix_work_waiting", "work", ["queue", "state", "number"])
    op.create_index("ix_work_lane", "work", ["queue", "lane", "state", "number"])
    op.create_table(
        "feedback",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("answer_id", sa.String(64), nullable=False),
        sa.Column("caller_id", sa.String(255), nullable=False),
        sa.Column("helpful", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_feedback_answer", "feedback", ["answer_id"])
    op.add_column("turn", sa.Column("answer_id", sa.String(64), nullable=False, server_default=""))
    turn = sa.table("turn", sa.column("number"), sa.column("answer"), sa.column("answer_id"))
    connection = op.get_bind()
    for number, answer in connection.execute(sa.select(turn.c.number, turn.c.answer)).all():
        connection.execute(turn.update().where(turn.c.number == number).values(answer_id=json.loads(answer)["id"]))
    op.create_index("ix_turn_answer", "turn", ["answer_id"])


def downgrade() -> None:
    op.drop_index("ix_turn_answer", "turn")
    with op.batch_alter_table("turn") as batch:
        batch.drop_column("answer_id")
    op.drop_index("ix_feedback_answer", "feedback")
    op.drop_table("feedback")
    op.drop_index("ix_work_lane", "work")
    op.drop_index("ix_work_waiting", "work")
    op.drop_table("work")
