"""What was said to whom, when, and what became of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from domain.compliance.vocabulary import Channel, Party
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from domain.inbound_texts import ReplyKind
from domain.messages import MessageStatus
from workers.db.schema.base import (
    CHANGES_OFTEN,
    identity,
    metadata,
    moment,
    one_of,
    refers_to,
    words,
)

# Append only: one row for every attempt to reach a person; what legal caps count.
contact = Table(
    "contact",
    metadata,
    identity(),
    refers_to("borrower"),
    refers_to("loan"),
    refers_to("action"),
    Column("channel", Text, nullable=False),
    moment("at"),
    words("rules"),  # what the gate looked at when it allowed this
    words("rule_packs"),
    words("zones"),  # the borrower's at that time: in which the contact had to be lawful
    words("warnings"),  # advisory rules that spoke against it and did not stop it
    Column("party", Text, nullable=False, server_default=Party.BORROWER),
    Column("number_blind_index", LargeBinary),  # keyed hash: caps may count contacts at one number
    Column("at_work", Boolean, nullable=False, server_default=false()),
    Column("attempt", Text),  # of a call or a visit: the id under which its outcome is told
    Column("actor", Text),  # the staff reference of whoever made the call
    one_of("channel", Channel),
    one_of("party", Party),
    UniqueConstraint("attempt"),
    Index(None, "borrower_id", "at"),
    Index(None, "action_id"),
)

# Append only: what became of a contact that a person made, as they reported it.
contact_outcome = Table(
    "contact_outcome",
    metadata,
    refers_to("contact", primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("connected", Boolean, nullable=False),  # a person was reached: what some laws count
    Column("reason", Text),  # why the loan is overdue, as the borrower told it
    Column("actor", Text, nullable=False),  # the staff reference of whoever reported it
    moment("reported_at"),
    one_of("outcome", ContactOutcome),
    one_of("reason", ArrearsReason),
)

message = Table(
    "message",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    refers_to("action"),
    refers_to("contact"),
    Column("provider", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("sid", Text),  # the provider's own id, once it is known
    Column("status", Text, nullable=False),
    Column("code", Text),  # the provider's code of a refusal or a failure
    Column("template", Text, nullable=False),
    Column("template_version", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("segments", SmallInteger, nullable=False),
    Column("body_encrypted", LargeBinary),  # null: erased
    moment("created_at"),
    moment("changed_at"),
    moment("asked_at", nullable=True),  # when the provider was last asked what became of it
    moment("parked_at", nullable=True),  # when it was left to a person, whatever came of that
    one_of("status", MessageStatus),
    UniqueConstraint("provider", "sid"),
    # Promise 1 again: an action never has two texts that may both have gone out.
    Index(
        "message_one_live_per_action",
        "action_id",
        unique=True,
        postgresql_where=text("status NOT IN ('not_sent', 'refused')"),
    ),
    Index(
        "message_unknown_idx",
        "created_at",
        postgresql_where=text("status IN ('unknown', 'parked')"),
    ),
    Index(None, "contact_id"),
    postgresql_with=CHANGES_OFTEN,
)

# What each sender may still send: held here, so that all workers together keep to its pace.
sender_pace = Table(
    "sender_pace",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("sender", Text, primary_key=True),
    moment("next_at"),  # the next text may go no sooner
)

# What borrowers write back. A STOP is an opt-out as well; anything that asks for a person waits
# for a collector until it is handled.
reply = Table(
    "reply",
    metadata,
    identity(),
    refers_to("borrower", nullable=True),  # null: nobody on the book has that number
    refers_to("loan", nullable=True),  # the loan last texted about
    Column("provider", Text, nullable=False),
    Column("sid", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body_encrypted", LargeBinary),  # null: erased
    moment("received_at"),
    refers_to("staff", nullable=True),  # the collector whose work it is
    moment("assigned_at", nullable=True),
    moment("handled_at", nullable=True),
    Column("actor", Text),  # the staff reference of whoever did
    one_of("kind", ReplyKind),
    CheckConstraint("(handled_at IS NULL) = (actor IS NULL)", name="handled_by_somebody"),
    UniqueConstraint("provider", "sid"),
    Index(
        "reply_unhandled_idx", "id", postgresql_where=text("kind = 'other' AND handled_at IS NULL")
    ),
    Index(None, "borrower_id"),
    Index(None, "loan_id"),
    Index(None, "staff_id", "assigned_at"),
)

# Append only: what the provider told us, each thing once.
receipt = Table(
    "receipt",
    metadata,
    identity(),
    Column("message_id", UUID(as_uuid=True), ForeignKey("message.id"), nullable=False),
    Column("sid", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("code", Text),
    moment("received_at"),
    # The text first, so that its receipts are found by the same index.
    UniqueConstraint("message_id", "sid", "status", name="receipt_once"),
)

document = Table(
    "document",
    metadata,
    identity(),
    refers_to("loan"),
    Column("action_id", BigInteger, ForeignKey("action.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("template_version", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("body_encrypted", LargeBinary),  # null: erased
    moment("created_at"),
    Index(None, "action_id"),
)
