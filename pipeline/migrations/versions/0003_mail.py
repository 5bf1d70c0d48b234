"""The hash of the mail itself, so that a send goes on with the same mail and with no other."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a send that was begun before it knows no mail, and does not go on with any."""
    op.add_column("send", sa.Column("mail", sa.Text, nullable=False, server_default=""))
