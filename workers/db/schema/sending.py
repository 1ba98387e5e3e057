"""Sending holds, and where the counts of a day began."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from domain.sending import SendingScope, StoppedBecause
from workers.db.schema.base import identity, metadata, moment, reasons, word

# One row each time that sending was stopped; it is never deleted.
sending_hold = Table(
    "sending_hold",
    metadata,
    identity(),
    # What the file of the sending counter names after somebody resumed.
    Column("epoch", UUID(as_uuid=True), nullable=False, server_default=text("gen_random_uuid()")),
    word("scope", SendingScope),
    Column("subject", Text),  # the channel, the jurisdiction or the ladder; null: everything
    word("cause", StoppedBecause),
    reasons("why", nullable=False),
    Column("found", JSONB),  # what showed it: what the file said, or the newest record
    moment("set_at"),
    Column("set_by", Text, nullable=False),  # an account of the server, or `arrears`
    moment("resumed_at", nullable=True),
    Column("resumed_by", Text),  # a staff reference
    CheckConstraint("(scope = 'all') = (subject IS NULL)", name="subject_unless_all"),
    CheckConstraint("(resumed_at IS NULL) = (resumed_by IS NULL)", name="resumed_by_somebody"),
    Index(
        "sending_hold_open_once",
        *("scope", "subject", "cause"),
        unique=True,
        postgresql_where="resumed_at IS NULL",
        postgresql_nulls_not_distinct=True,
    ),
)

# Where each business date began, for the count of what was planned and sent since.
sending_day = Table(
    "sending_day",
    metadata,
    Column("business_date", Date, primary_key=True),
    moment("started_at"),
    Column("action_id", BigInteger, nullable=False),  # the newest row of each table by then
    Column("action_event_id", BigInteger, nullable=False),
    Column("contact_id", BigInteger, nullable=False),
    Column("waiting", JSONB, nullable=False),  # by action type, how many actions waited
)
