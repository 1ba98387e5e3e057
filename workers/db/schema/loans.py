"""Loans: borrowers, instalments, payments, opt-outs."""

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
from workers.db.schema.base import identity, metadata, moment, money, refers_to, word, words

# Columns named `*_encrypted` are encrypted and decrypted only by workers.db.encryption.
borrower = Table(
    "borrower",
    metadata,
    identity(),
    Column("external_id", Text, nullable=False, unique=True),
    Column("name_encrypted", LargeBinary),  # null: erased
    Column("phone_encrypted", LargeBinary),
    Column("phone_blind_index", LargeBinary),  # keyed hash: finds the borrower of an inbound text
    Column("address_encrypted", LargeBinary),
    Column("facts_digest", LargeBinary, nullable=False),  # keyed hash: whether a tape has changes
    words("zones"),  # IANA; empty: unknown, and then no contact is allowed
    Column("locale", Text, nullable=False),
    Column("region", Text),
    # it belongs to a workplace
    Column("phone_at_work", Boolean, nullable=False, server_default=false()),
    moment("phone_invalid_at", nullable=True),  # since when the number is known to be invalid
    moment("ceased_at", nullable=True),  # asked not to be contacted any more by any channel
    moment("updated_at"),
    moment("erased_at", nullable=True),  # the personal data was erased; the records stay
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
    word("channel", Channel, primary_key=True),
    moment("since"),
    Column("source", Text, nullable=False),
    word("source_kind", ActorKind),
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
    Column("delinquent_since", Date),  # as of the last review; null: nothing is past due
    Column("ladder_since", Date),  # … and when its ladder started; null: it has not
    Column("review_on", Date),  # the next day on which its position on the ladder can change
    # the decision failed; it is not reviewed before this
    moment("quarantined_until", nullable=True),
    Column("written_off_on", Date),  # from then on it is not collected here
    moment("written_off_at", nullable=True),  # when this was reported
    Column("validation_notice_on", Date),  # the borrower got the validation notice
    Column("acknowledged_on", Date),  # last acknowledgement: restarts the limitation period
    Column("tape_as_of", Date),  # business date of the newest tape that has the loan
    words("steps_tried"),  # by the lender, before the loan was imported …
    Column("steps_tried_at", Date),  # … for the arrears since this date
    moment("updated_at"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_iso"),
    Index(None, "borrower_id"),
    # The scan reads only this index, so its cost depends on the due loans, not on all loans.
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
    Index("loan_ladder_since_idx", "ladder_since", postgresql_where="ladder_since IS NOT NULL"),
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
    Column("in_tape_as_of", Date),  # paid before the tape of that date, which contains it
    Column("reversed_on", Date),  # reversed: its allocations are undone
    moment("reversed_at", nullable=True),  # when this was reported
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("unallocated BETWEEN 0 AND amount", name="unallocated_within"),
    Index(None, "loan_id"),
)

allocation = Table(
    "allocation",
    metadata,
    refers_to("payment", primary_key=True),
    Column("due_on", Date, primary_key=True),
    word("component", Component, primary_key=True),
    money("amount"),
    CheckConstraint("amount > 0", name="amount_positive"),
)
