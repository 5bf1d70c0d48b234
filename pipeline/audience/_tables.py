"""The tables of the audience, the words they hold, and the check that the key in use is the one they were written with.

Instants are whole seconds UTC (see `database.Instant`). The ledger names subscribers by number
and without a foreign key, so that erasing a person leaves its history standing.
"""

import enum

import sqlalchemy as sa

from pipeline import database, errors, vault


class Kind(enum.StrEnum):
    """Who a row of `subscriber` stands for; the same address may be both."""

    READER = "reader"  # a person who asked for the digest
    TEST = "test"  # somebody of the team, for test sends only


class Consent(enum.StrEnum):
    """What a row of `consent` proves."""

    IMPORTED = "imported"  # somebody else holds the proof: `source` says who
    CONFIRMED = "confirmed"  # the reader clicked the link of a confirmation mail
    WITHDRAWN = "withdrawn"  # the reader asked to stop


class Suppression(enum.StrEnum):
    """Why an address is never to be mailed again, whatever a file or a form says."""

    ERASED = "erased"  # the person asked to be forgotten
    BOUNCED = "bounced"  # the mailbox does not exist
    COMPLAINED = "complained"  # the person called the digest spam


# AUTOINCREMENT: without it SQLite gives the number of an erased reader to the next one, with that history.
subscriber = sa.Table(
    "subscriber",
    database.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("public_id", sa.LargeBinary, nullable=False),
    sa.Column("address_sealed", sa.LargeBinary, nullable=False),
    sa.Column("address_index", sa.LargeBinary, nullable=False),
    sa.Column("suppression_hash", sa.LargeBinary, nullable=False),  # so that a join finds it without the address
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", database.Instant, nullable=False),  # of one who has to confirm: when last asked for
    sa.UniqueConstraint("public_id", name="subscriber_public_id"),
    sa.UniqueConstraint("address_index", "kind", name="subscriber_address"),
    sa.CheckConstraint("kind IN ('reader', 'test')", name="subscriber_kind"),
    sa.CheckConstraint(
        "state IN ('active', 'pending', 'unsubscribed', 'bounced', 'complained')", name="subscriber_state"
    ),
    sqlite_autoincrement=True,
)

consent = sa.Table(
    "consent",
    database.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subscriber_id", sa.Integer, sa.ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", database.Instant, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("wording", sa.Text, nullable=False),  # the sentence the reader agreed to; "" when a file does not say
    sa.CheckConstraint("kind IN ('imported', 'confirmed', 'withdrawn')", name="consent_kind"),
    sa.Index("consent_subscriber", "subscriber_id"),
)

suppression = sa.Table(
    "suppression",
    database.metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", database.Instant, nullable=False),
    sa.CheckConstraint("reason IN ('erased', 'bounced', 'complained')", name="suppression_reason"),
)

export_log = sa.Table(
    "export_log",
    database.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", database.Instant, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
)

key_check = sa.Table(
    "key_check",
    database.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.CheckConstraint("id = 1", name="key_check_single_row"),
)


def check_key(engine: sa.Engine, keys: vault.Vault) -> None:
    """Refuse to go on with another key than the one the subscribers were stored with."""
    with database.writing(engine) as connection:
        require_key(connection, keys)


def require_key(connection: sa.Connection, keys: vault.Vault) -> None:
    """Refuse another key than the one the rows were written with; the first writer leaves its fingerprint.

    With another key no address would be found again: an import would add everyone a second time,
    those who unsubscribed and those who were erased among them.
    """
    known = connection.scalar(sa.select(key_check.c.fingerprint))
    if known is None:
        connection.execute(sa.insert(key_check).values(id=1, fingerprint=keys.fingerprint))
    elif known != keys.fingerprint:
        msg = "the installation key is not the one these subscribers were stored with"
        raise errors.StorageProblem(msg, hint="restore the var/keys/installation.key that belongs to this database")
