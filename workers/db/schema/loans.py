"""The loan book: who owes, what falls due when, and what was paid."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    LargeBinary,
    Table,
    Text,
    false,
)

from domain.actors import ActorKind
from domain.compliance.vocabulary import Channel
from domain.loans import Component
from workers.db.schema.base import identity, metadata, moment, money, one_of, refers_to, words

# Columns named `*_encrypted` are encrypted and opened only by workers.db.encryption.
borrower = Table(
    "borrower",
    metadata,
    identity(),
    Column("external_id", Text, nullable=False, unique=True),
    Column("name_encrypted", LargeBinary),  # null: erased
    Column("phone_encrypted", LargeBinary),
    Column("phone_blind_index", LargeBinary),  # keyed hash: finds the borrower of an inbound text
    Column("address_encrypted", LargeBinary),
    Column("facts_digest", LargeBinary, nullable=False),  # keyed hash: whether a tape tells news
    words("zones"),  # IANA; empty means unknown, and then nothing may reach the borrower
    Column("locale", Text, nullable=False),
    Column("region", Text),
    Column("phone_at_work", Boolean, nullable=False, server_default=false()),  # of a workplace
    moment("phone_invalid_at", nullable=True),  # since when the number is known to reach nobody
    moment("ceased_at", nullable=True),  # asked that nobody contact them any more, whatever the way
    moment("updated_at"),
    moment("erased_at", nullable=True),  # nothing personal is held any more; the records stay
    CheckConstraint(
        "(erased_at IS NULL) = (name_encrypted IS NOT NULL)", name="named_unless_erased"
    ),
    CheckConstraint(
        "erased_at IS NULL OR (phone_encrypted IS NULL AND phone_blind_index IS NULL AND "
        "address_encrypted IS NULL)",
        name="erased_means_all_of_it",
    ),
    Index(None, "phone_blind_index"),
)

opt_out = Table(
    "opt_out",
    metadata,
    refers_to("borrower", primary_key=True),
    Column("channel", Text, primary_key=True),
    moment("since"),
    Column("source", Text, nullable=False),
    Column("source_kind", Text, nullable=False),
    one_of("channel", Channel),
    one_of("source_kind", ActorKind),
)

loan = Table(
    "loan",
    metadata,
    identity(),
    Column("external_id", Text, nullable=False, unique=True),
    refers_to("borrower"),
    Column("jurisdiction", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("delinquent_since", Date),  # as of the last look; null when nothing was past due
    Column("review_on", Date),  # the next day on which its position on the ladder can change
    moment("quarantined_until", nullable=True),  # it could not be decided, and the others go first
    Column("written_off_on", Date),  # from then on it is not collected here
    moment("written_off_at", nullable=True),  # when the house was told so
    Column("validation_notice_on", Date),  # told in writing what is owed, and how to dispute it
    Column("acknowledged_on", Date),  # the debt, last: the time to sue runs anew from then
    Column("tape_as_of", Date),  # of the newest tape that told of it: what it stands for is in it
    words("steps_tried"),  # by the lender, before the loan came here …
    Column("steps_tried_at", Date),  # … for the arrears anchored on this date
    moment("updated_at"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_iso"),
    Index(None, "borrower_id"),
    # The scan reads this index and nothing else: its cost is what is due, not what is on the book.
    Index(
        "loan_review_idx",
        "review_on",
        "id",
        postgresql_include=["quarantined_until"],
        postgresql_where="review_on IS NOT NULL",
    ),
    Index(
        "loan_delinquent_since_idx",
        "delinquent_since",
        postgresql_where="delinquent_since IS NOT NULL",
    ),
)

instalment = Table(
    "instalment",
    metadata,
    refers_to("loan", primary_key=True),
    Column("due_on", Date, primary_key=True),
    *(money(part, server_default="0") for part in Component),
    *(money(f"paid_{part}", server_default="0") for part in Component),
    *(
        CheckConstraint(f"paid_{part} BETWEEN 0 AND {part}", name=f"{part}_not_overpaid")
        for part in Component
    ),
)

payment = Table(
    "payment",
    metadata,
    identity(),
    Column("external_id", Text, nullable=False, unique=True),
    refers_to("loan"),
    money("amount"),
    Column("currency", Text, nullable=False),
    Column("paid_on", Date, nullable=False),
    moment("recorded_at"),
    money("unallocated", server_default="0"),
    Column("in_tape_of", Date),  # booked before the tape of that date, which still contains it
    Column("reversed_on", Date),  # it bounced, or was taken back: its allocations are undone
    moment("reversed_at", nullable=True),  # when the house was told so
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("unallocated BETWEEN 0 AND amount", name="unallocated_within"),
    Index(None, "loan_id"),
)

allocation = Table(
    "allocation",
    metadata,
    refers_to("payment", primary_key=True),
    Column("due_on", Date, primary_key=True),
    Column("component", Text, primary_key=True),
    money("amount"),
    CheckConstraint("amount > 0", name="amount_positive"),
    one_of("component", Component),
)
