"""What was said to whom, when, and what became of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from domain.rules import Channel
from domain.statuses import MessageStatus
from workers.store.schema.base import identity, metadata, moment, one_of, refers_to, words

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
    one_of("channel", Channel),
    Index(None, "borrower_id", "at"),
    Index(None, "action_id"),
)

message = Table(
    "message",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    refers_to("action"),
    refers_to("contact"),
    Column("provider", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("sid", Text, unique=True),  # the provider's own id, once it is known
    Column("status", Text, nullable=False),
    Column("code", Text),  # the provider's code of a refusal or a failure
    Column("template", Text, nullable=False),
    Column("template_version", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("segments", SmallInteger, nullable=False),
    Column("body_sealed", LargeBinary, nullable=False),
    moment("created_at"),
    moment("changed_at"),
    one_of("status", MessageStatus),
    # Promise 1 again: an action never has two texts that may both have gone out.
    Index(
        "message_one_live_per_action",
        "action_id",
        unique=True,
        postgresql_where=text("status <> 'refused'"),
    ),
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
    UniqueConstraint("sid", "status", name="receipt_once"),
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
    Column("body_sealed", LargeBinary, nullable=False),
    moment("created_at"),
    UniqueConstraint("action_id", "kind", name="document_once"),
)
