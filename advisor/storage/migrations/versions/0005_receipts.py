"""Receipts of answers, opinions of citations, owners of content gaps, tokens spent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turn", sa.Column("outcome", sa.String(16), nullable=False, server_default=""))
    op.add_column("turn", sa.Column("receipt", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_turn_outcome", "turn", ["outcome", "number"])
    op.add_column("feedback", sa.Column("citation", sa.Integer(), nullable=True))
    op.create_table(
        "gap_owner",
        sa.Column("question", sa.String(500), primary_key=True),
        sa.Column("owner", sa.String(120), nullable=False),
    )
    op.create_table(
        "spent",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("tokens", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("spent")
    op.drop_table("gap_owner")
    op.drop_column("feedback", "citation")
    op.drop_index("ix_turn_outcome", "turn")
    op.drop_column("turn", "receipt")
    op.drop_column("turn", "outcome")
