"""Arrangements: deferrals and instalment plans, from the request to their end."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.arrangements import (
    OPEN,
    AcceptanceProof,
    ArrangementKind,
    ArrangementStatus,
    AskedBy,
    Refusal,
)
from workers.db.schema.base import (
    identity,
    metadata,
    moment,
    money,
    refers_to,
    typed,
    word,
)

_OPEN = ", ".join(f"'{status}'" for status in OPEN)

arrangement = Table(
    "arrangement",
    metadata,
    identity(),
    refers_to("loan"),
    Column("external_id", Text, nullable=False),
    Column("sender", Text, nullable=False),  # whose id it is
    word("status", ArrangementStatus),
    # The request.
    word("asked_by", AskedBy),
    Column("asked_in", Text),  # the id of the text, the attempt or the form in which it was asked
    Column("requested_by", Text, nullable=False),
    moment("requested_at"),
    # Who asked, if it was a co-borrower or a guarantor; null: the borrower.
    refers_to("borrower", nullable=True),
    Column("answer_by", Date),  # the last day on which an answer is in time; null: not set yet
    Column("lapses_on", Date),  # from then on nobody answers it any more
    # Pauses the ladder while it waits for an answer, and while its offer can be accepted.
    Column("request_hold_id", BigInteger, ForeignKey("hold.id")),
    word("kind", ArrangementKind, nullable=True),  # null: not said yet
    Column("wish_days", Integer),
    Column("wish_instalments", Integer),
    Column("wish_until", Date),
    money("wish_monthly", nullable=True),  # of an earlier release; by now it is kept encrypted:
    typed("wish_monthly_id"),
    # The offer: the newest quote.
    Column("offer", SmallInteger),  # its number; null: none, or of an earlier release
    Column("terms_id", Text),
    Column("terms_version", Integer),
    Column("quoted_on", Date),
    Column("valid_until", Date),
    Column("quote", JSONB(none_as_null=True)),  # as it was shown: days, amounts, words of the terms
    Column("quote_digest", Text),
    money("to_pay_before", nullable=True),
    money("to_pay_after", nullable=True),
    Column("grace_days", SmallInteger),
    Column("missed_ends_it", SmallInteger),
    Column("offered_by", Text),
    Column("offered_as", Text),  # the role
    Column("agreed_by", Text),  # the second person, where it was beyond that role
    moment("offered_at", nullable=True),
    # The acceptance.
    Column("accepted_on", Date),
    moment("accepted_at", nullable=True),
    Column("accepted_by", Text),  # who recorded it
    word("proof", AcceptanceProof, nullable=True),
    Column("proof_reference", Text),
    Column("confirm_by", Date),  # until then nobody is contacted while the ledger has not answered
    refers_to("hold", nullable=True),  # pauses the ladder, until the answer or while it is kept
    # What the ledger made of it.
    refers_to("replaced_schedule", nullable=True),
    moment("confirmed_at", nullable=True),
    Column("missed", SmallInteger, nullable=False, server_default="0"),
    # A letter says that too much was missed; null: none counts.
    moment("noticed_at", nullable=True),
    Column("notice_days", SmallInteger),
    # Money of it went back, or its end was taken back: days of grace run anew until then.
    Column("no_default_before", Date),
    moment("ended_at", nullable=True),
    Column("ended_by", Text),
    word("refusal", Refusal, nullable=True),  # why it was declined
    typed("why_id"),
    Column("review_on", Date),  # the day on which it is looked at again; null: never
    CheckConstraint(f"(status IN ({_OPEN})) = (ended_at IS NULL)", name="ended_unless_open"),
    CheckConstraint("(noticed_at IS NULL) = (notice_days IS NULL)", name="noticed_for_days"),
    CheckConstraint("(accepted_at IS NULL) = (proof IS NULL)", name="accepted_with_proof"),
    CheckConstraint("(quote IS NULL) = (quoted_on IS NULL)", name="quote_of_a_day"),
    UniqueConstraint("external_id", "sender"),
    Index(
        "arrangement_one_open_per_loan",
        "loan_id",
        unique=True,
        postgresql_where=f"status IN ({_OPEN})",
    ),
    Index("arrangement_review_idx", "review_on", postgresql_where="review_on IS NOT NULL"),
    Index(None, "loan_id"),
)

# The instalments of an arrangement: as they were offered, and once the ledger has confirmed it, as
# they are in its schedule.
arrangement_instalment = Table(
    "arrangement_instalment",
    metadata,
    Column("arrangement_id", BigInteger, ForeignKey("arrangement.id"), primary_key=True),
    Column("due_on", Date, primary_key=True),
    money("principal"),
    money("interest"),
    money("fees"),
)

# Append only: the end of an arrangement was taken back, and it goes on or is completed.
arrangement_return = Table(
    "arrangement_return",
    metadata,
    identity(),
    refers_to("arrangement"),
    moment("at"),
    moment("ended_at"),  # when it had ended
    Column("from_status", Text, nullable=False),
    Column("to_status", Text, nullable=False),
    Index(None, "arrangement_id"),
)
