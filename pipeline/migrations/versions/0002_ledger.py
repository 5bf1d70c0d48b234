"""The send ledger, approvals and the schedule."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; see pipeline/ledger/_tables.py for what each column means."""
    op.create_table(
        "send",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("edition", sa.Text, nullable=False),
        sa.Column("slot", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("finished_at", sa.Float),
        sa.UniqueConstraint("edition", "slot"),
    )
    op.create_table(
        "batch",
        sa.Column("send", sa.Integer, sa.ForeignKey("send.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("not_before", sa.Float, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("claim", sa.Text),
        sa.Column("key", sa.Text),
        sa.Column("body_hash", sa.Text),
        sa.Column("first_push_at", sa.Float),
        sa.Column("done_at", sa.Float),
        sa.Column("note", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("batch_by_state", "batch", ["send", "state"])
    _readers()
    _decisions()


def _readers() -> None:
    op.create_table(
        "delivery",
        sa.Column("send", sa.Integer, sa.ForeignKey("send.id"), primary_key=True),
        sa.Column("subscriber", sa.Integer, primary_key=True),
        sa.Column("batch", sa.Integer, nullable=False),
        sa.Column("fate", sa.Text, nullable=False),
        sa.Column("service_id", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("delivery_by_batch", "delivery", ["send", "batch"])
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("send", sa.Integer, nullable=False),
        sa.Column("batch", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )


def _decisions() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("edition", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("waivers", sa.Text, nullable=False),
    )
    op.create_table(
        "schedule",
        sa.Column("edition", sa.Text, primary_key=True),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
