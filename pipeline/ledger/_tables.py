"""The ledger's tables. Times are UTC seconds since 1970: they are compared and subtracted, never shown as they are."""

import sqlalchemy as sa

from pipeline import database

send = sa.Table(
    "send",
    database.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("slot", sa.Text, nullable=False),  # "all", or "test/..." for one test send
    sa.Column("token", sa.Text, nullable=False),  # random: makes batch keys of two installations differ
    sa.Column("state", sa.Text, nullable=False),  # model.SendState
    sa.Column("service", sa.Text, nullable=False),  # a doubtful batch can only be settled where it went
    sa.Column("digest", sa.Text, nullable=False),  # of the manifest that was approved
    sa.Column("mail", sa.Text, nullable=False, server_default=""),  # SHA-256 of the mail: a resumed send has no other
    sa.Column("note", sa.Text, nullable=False, default=""),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("finished_at", sa.Float),
    sa.UniqueConstraint("edition", "slot"),  # an edition goes out once
)

batch = sa.Table(
    "batch",
    database.metadata,
    sa.Column("send", sa.ForeignKey("send.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),  # model.BatchState
    sa.Column("not_before", sa.Float, nullable=False, default=0.0),  # a doubtful batch is not asked for until then
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("claim", sa.Text),  # token of the process that holds it
    sa.Column("key", sa.Text),  # hash of send and recipients; the service may honour it
    sa.Column("body_hash", sa.Text),  # SHA-256 of the request body of the first push
    sa.Column("first_push_at", sa.Float),  # a service's window for its keys counts from here
    sa.Column("done_at", sa.Float),
    sa.Column("note", sa.Text, nullable=False, default=""),
    sqlite_with_rowid=False,
)
sa.Index("batch_by_state", batch.c.send, batch.c.state)

delivery = sa.Table(
    "delivery",
    database.metadata,
    sa.Column("send", sa.ForeignKey("send.id"), primary_key=True),
    sa.Column("subscriber", sa.Integer, primary_key=True),  # once in a send: the database itself forbids twice
    sa.Column("batch", sa.Integer, nullable=False),  # NO_BATCH for those excluded when it was planned
    sa.Column("fate", sa.Text, nullable=False),  # model.Fate
    sa.Column("service_id", sa.Text, nullable=False, default=""),
    sa.Column("detail", sa.Text, nullable=False, default=""),  # reason of an exclusion, words of a refusal
    sqlite_with_rowid=False,
)
sa.Index("delivery_by_batch", delivery.c.send, delivery.c.batch)

attempt = sa.Table(
    "attempt",
    database.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("send", sa.Integer, nullable=False),
    sa.Column("batch", sa.Integer, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("what", sa.Text, nullable=False),  # an event word: claimed, pushing, recorded, handed-back, split,
    # doubtful, orphaned, reprieved, settled
    sa.Column("detail", sa.Text, nullable=False, default=""),
)

approval = sa.Table(
    "approval",
    database.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("waivers", sa.Text, nullable=False),  # JSON list of {code, file, reason, by}
)

schedule = sa.Table(
    "schedule",
    database.metadata,
    sa.Column("edition", sa.Text, primary_key=True),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),  # as given, to be shown
    sa.Column("state", sa.Text, nullable=False),  # model.ScheduleState
    sa.Column("note", sa.Text, nullable=False, default=""),
)

NO_BATCH = -1
