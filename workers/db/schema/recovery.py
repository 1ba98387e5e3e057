"""Recoveries after a restore: what was brought back, and from where."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.recovery import RecoveryStep, StepStatus
from workers.db.schema.base import identity, metadata, moment, refers_to, typed, word

# One row each time that a database was recovered, or that somebody said that none was restored.
recovery = Table(
    "recovery",
    metadata,
    identity(),
    moment("since"),  # everything after that may be missing
    Column("restored", Boolean, nullable=False),  # false: somebody says that nothing was restored
    moment("started_at"),
    Column("started_by", Text, nullable=False),  # a staff reference
    moment("finished_at", nullable=True),
    Column("finished_by", Text),
    CheckConstraint("(finished_at IS NULL) = (finished_by IS NULL)", name="finished_by_somebody"),
)

recovery_step = Table(
    "recovery_step",
    metadata,
    identity(),
    refers_to("recovery"),
    word("step", RecoveryStep),
    Column("subject", Text, nullable=False),  # the provider, or the lender's system; empty: none
    word("status", StepStatus),
    Column("found", JSONB(none_as_null=True)),  # counts and ids, nothing about persons
    moment("at"),
    Column("actor", Text, nullable=False),
    typed("why_id"),  # why to go on without it
    Column("why", Text),  # the same, of an earlier release: not encrypted yet
    UniqueConstraint("recovery_id", "step", "subject"),
)

# A text that a provider has sent, and that the restored database does not know.
recovered_text = Table(
    "recovered_text",
    metadata,
    identity(),
    refers_to("recovery"),
    Column("provider", Text, nullable=False),
    Column("sid", Text, nullable=False),  # the provider's id of it
    moment("at"),
    Column("number_blind_index", LargeBinary, nullable=False, index=True),
    # the contact that it was; null: nobody has the number
    Column("contact_id", BigInteger, ForeignKey("contact.id")),
    UniqueConstraint("provider", "sid"),
)
