"""Disputes and complaints, each with its clock, who handles it, and the letter that answers it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from domain.compliance.answer_period import ClockState
from domain.disputes import (
    OPEN,
    ComplaintKind,
    DisputeKind,
    Finding,
    MatterField,
    MatterStatus,
    RaisedBy,
)
from workers.db.schema.base import (
    identity,
    metadata,
    moment,
    money,
    refers_to,
    typed,
    word,
    words,
)

_OPEN = ", ".join(f"'{status}'" for status in MatterStatus if status in OPEN)


def _columns(kinds: type[StrEnum], statuses: Iterable[MatterStatus]) -> list[Any]:
    """What disputes and complaints have in common."""
    return [
        identity(),
        Column("external_id", Text, nullable=False),
        Column("sender", Text, nullable=False),  # whose id it is
        refers_to("loan"),
        refers_to("borrower"),  # the record of whoever raised it
        word("kind", kinds),
        word("raised_by", RaisedBy),
        refers_to("contact", nullable=True),  # the contact in question
        moment("received_at"),
        moment("recorded_at"),
        Column("actor", Text, nullable=False),  # who wrote it down
        typed("why_id"),
        word("status", statuses),
        words("rules"),  # those that decide the clock and what is stopped
        moment("acknowledge_by", nullable=True),  # from then on it is late
        moment("acknowledged_at", nullable=True),
        Column("acknowledged_by", Text),
        moment("answer_by", nullable=True),  # from then on it is late
        Column("extensions", Integer, nullable=False, server_default="0"),
        word("clock", ClockState),  # of the next deadline
        # When the clock changes next; of what is decided, when it is asked whether its letter was
        # printed. Null: nothing is waited for.
        moment("check_at", nullable=True),
        Column("handler", Text),  # staff reference
        moment("taken_at", nullable=True),
        refers_to("hold", nullable=True),  # what it stops
        moment("resolved_at", nullable=True),
        Column("resolved_by", Text),
        word("finding", Finding, nullable=True),
        typed("finding_why_id"),
        Column("letter_template", Text),
        Column("letter_template_version", Text),
        Column("letter_locale", Text),
        Column("letter_encrypted", LargeBinary),  # null: none, or erased
        moment("letter_printed_at", nullable=True),  # the first time that it was opened
        Column("letter_printed_by", Text),  # the staff reference of who did
        UniqueConstraint("external_id", "sender"),
        CheckConstraint(f"(status IN ({_OPEN})) = (resolved_at IS NULL)", name="over_once"),
        CheckConstraint(
            "status <> 'investigating' OR handler IS NOT NULL", name="somebody_investigates"
        ),
        CheckConstraint("(handler IS NULL) = (taken_at IS NULL)", name="taken_by_somebody"),
        CheckConstraint(
            "(letter_printed_at IS NULL) = (letter_printed_by IS NULL)", name="printed_by_somebody"
        ),
        Index(None, "loan_id"),
        Index(None, "borrower_id"),
        Index(None, "hold_id"),
        Index(None, "check_at", postgresql_where="check_at IS NOT NULL"),
    ]


dispute = Table(
    "dispute",
    metadata,
    *_columns(DisputeKind, MatterStatus),
    money("amount", nullable=True),  # how much of it is disputed; null: all, or not said
    Column("corrected_by", Text),  # the lender's id of the adjustment or the payment
)

complaint = Table(
    "complaint",
    metadata,
    *_columns(ComplaintKind, (s for s in MatterStatus if s is not MatterStatus.CLOSED)),
    Column("about_staff", Text),  # staff reference; null: about nobody in particular
    CheckConstraint("handler <> about_staff", name="another_handles_it"),
    Index(None, "about_staff", postgresql_where="about_staff IS NOT NULL"),
)

# Append only: what was changed of one while it was open. Nothing is overwritten without a trace.
matter_change = Table(
    "matter_change",
    metadata,
    identity(),
    refers_to("dispute", nullable=True),
    refers_to("complaint", nullable=True),
    refers_to("borrower"),  # of the dispute or the complaint
    word("field", MatterField),
    Column("before", Text),
    Column("after", Text),
    Column("actor", Text, nullable=False),  # who changed it
    moment("at"),
    typed("why_id"),
    CheckConstraint("num_nonnulls(dispute_id, complaint_id) = 1", name="of_one"),
    Index(None, "dispute_id", postgresql_where="dispute_id IS NOT NULL"),
    Index(None, "complaint_id", postgresql_where="complaint_id IS NOT NULL"),
    Index(None, "borrower_id"),
)
