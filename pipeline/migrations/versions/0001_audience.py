"""The audience: subscribers, their consent, suppression, the log of exports, and which key it was all written with.

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the five tables."""
    _make_subscriber()
    _make_consent()
    op.create_table(
        "suppression",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("reason IN ('erased', 'bounced', 'complained')", name="suppression_reason"),
    )
    op.create_table(
        "export_log",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
    )
    op.create_table(
        "key_check",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("id = 1", name="key_check_single_row"),
    )


def _make_subscriber() -> None:
    op.create_table(
        "subscriber",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("public_id", sa.LargeBinary, nullable=False),
        sa.Column("address_sealed", sa.LargeBinary, nullable=False),
        sa.Column("address_index", sa.LargeBinary, nullable=False),
        sa.Column("suppression_hash", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("public_id", name="subscriber_public_id"),
        sa.UniqueConstraint("address_index", "kind", name="subscriber_address"),
        sa.CheckConstraint("kind IN ('reader', 'test')", name="subscriber_kind"),
        sa.CheckConstraint(
            "state IN ('active', 'pending', 'unsubscribed', 'bounced', 'complained')", name="subscriber_state"
        ),
        sqlite_autoincrement=True,
    )


def _make_consent() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("subscriber_id", sa.Integer, sa.ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("wording", sa.Text, nullable=False),
        sa.CheckConstraint("kind IN ('imported', 'confirmed', 'withdrawn')", name="consent_kind"),
    )
    op.create_index("consent_subscriber", "consent", ["subscriber_id"])


def downgrade() -> None:
    """Drop everything that `upgrade` made, with all subscribers in it."""
    for table in ("key_check", "export_log", "suppression", "consent", "subscriber"):
        op.drop_table(table)
