"""Loans: instalments, payments and their allocations."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
)

from domain.adjustments import AdjustmentKind
from domain.compliance.vocabulary import LimitationFact, Proof
from domain.loans import Component
from domain.payments import ReturnKind
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

loan = Table(
    "loan",
    metadata,
    identity(),
    Column("external_id", Text, nullable=False, unique=True),
    refers_to("borrower"),
    Column("jurisdiction", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("currency", Text, nullable=False),
    money("original_principal", nullable=True),  # what was lent; null: the tape does not say
    Column("disbursed_on", Date),  # when it was paid out; null: the tape does not say
    # of the contract, in percent a year, as exact as it was given; null: the tape does not say
    Column("annual_rate_percent", Numeric),
    Column("delinquent_since", Date),  # as of the last review; null: nothing is past due
    Column("ladder_since", Date),  # … and when its ladder started; null: it has not
    Column("review_on", Date),  # the next day on which its position on the ladder can change
    # the decision failed; it is not reviewed before this
    moment("quarantined_until", nullable=True),
    Column("written_off_on", Date),  # from then on it is not collected here
    moment("written_off_at", nullable=True),  # when this was reported …
    Column("written_off_by", Text),  # … by whom: a staff reference …
    typed("written_off_why_id"),  # … and why
    Column("written_off_why", Text),  # the same, of an earlier release: not encrypted yet
    Column("validation_notice_on", Date),  # the borrower got the validation notice
    Column("tape_as_of", Date),  # business date of the newest tape that has the loan …
    Column("tape_mapping", Text),  # … and the id of its mapping
    Column("restructured_on", Date),  # from when its schedule counts; null: it is the first one
    words("steps_tried"),  # by the lender, before the loan was imported …
    Column("steps_tried_at", Date),  # … for the arrears since this date
    moment("updated_at"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_iso"),
    CheckConstraint("original_principal > 0", name="original_principal_positive"),
    CheckConstraint("annual_rate_percent BETWEEN 0 AND 1000", name="annual_rate_within"),
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
    # A tape sets the date of each loan. A new version of a row needs no entry in any index if it
    # has room in the same page.
    postgresql_with={"fillfactor": 50},
)

instalment = Table(
    "instalment",
    metadata,
    refers_to("loan", primary_key=True),
    Column("due_on", Date, primary_key=True),  # as the contract has it
    Column("counts_from", Date),  # when it really falls due; null: the calendar does not say yet
    *(money(part, server_default="0") for part in Component),
    *(money(f"paid_{part}", server_default="0") for part in Component),
    *(
        CheckConstraint(f"paid_{part} BETWEEN 0 AND {part}", name=f"{part}_not_overpaid")
        for part in Component
    ),
)

# One row for each schedule that another one replaced: how the old one ended, and what came then.
replaced_schedule = Table(
    "replaced_schedule",
    metadata,
    identity(),
    Column("external_id", Text),  # the lender's id of the restructuring; null: a tape
    Column("sender", Text),  # whose id it is
    refers_to("loan"),
    Column("restructured_on", Date, nullable=False),  # from then on the new schedule counts
    moment("recorded_at"),
    Column("actor", Text),  # the staff reference of the person who reported it …
    typed("why_id"),  # … and why
    Column("why", Text),  # the same, of an earlier release: not encrypted yet
    Column("tape_as_of", Date),  # of the first tape with the new one; null: no tape had it yet
    # Of the new schedule, as it was reported:
    Column("instalments", Integer, nullable=False),
    Column("first_due_on", Date, nullable=False),
    Column("last_due_on", Date, nullable=False),
    money("amount"),
    money("paid"),  # what was paid in all when it began
    # SHA-256 of the schedule in the event, by which the same event is known; null: of a tape
    Column("schedule_digest", Text),
    CheckConstraint("(external_id IS NULL) = (sender IS NULL)", name="id_of_a_sender"),
    UniqueConstraint("external_id", "sender"),
    Index(None, "loan_id"),
)

# The instalments of a replaced schedule, and what was paid of them by then.
replaced_instalment = Table(
    "replaced_instalment",
    metadata,
    refers_to("replaced_schedule", primary_key=True),
    Column("due_on", Date, primary_key=True),
    *(money(part) for part in Component),
    *(money(f"paid_{part}") for part in Component),
)

payment = Table(
    "payment",
    metadata,
    identity(),
    Column("external_id", Text, nullable=False),
    Column("sender", Text, nullable=False),  # whose id it is
    refers_to("loan"),
    money("amount"),
    Column("currency", Text, nullable=False),
    Column("paid_on", Date, nullable=False),
    moment("recorded_at"),
    money("unallocated", server_default="0"),
    money("returned", server_default="0"),  # refunded, or reversed in part
    Column("is_recovery", Boolean, nullable=False, server_default="false"),  # of a written-off loan
    Column("instalment", Date),  # the due date of the one that the payer named; null: none
    Column("in_tape_as_of", Date),  # paid before the tape of that date, which contains it
    Column("reversed_on", Date),  # reversed: its allocations are undone
    moment("reversed_at", nullable=True),  # when this was reported
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("unallocated BETWEEN 0 AND amount", name="unallocated_within"),
    UniqueConstraint("external_id", "sender"),
    CheckConstraint("returned BETWEEN 0 AND amount - unallocated", name="returned_within"),
    Index(None, "loan_id"),
    # What was recorded on one day: rows come in the order of time.
    Index(None, "recorded_at", postgresql_using="brin"),
    Index(None, "reversed_at", postgresql_where="reversed_at IS NOT NULL"),
)

# What went back of a payment in part; and reversals of all of it that were taken back.
payment_return = Table(
    "payment_return",
    metadata,
    identity(),
    refers_to("payment"),
    word("kind", ReturnKind),
    Column("external_id", Text),  # the lender's own id; null: a reversal of all of it
    Column("sender", Text),  # whose id it is
    money("amount"),
    money("undone", server_default="0"),  # how much of it was not left over
    Column("returned_on", Date, nullable=False),
    moment("recorded_at"),
    Column("actor", Text),  # the staff reference of the person who recorded it
    Column("in_tape_as_of", Date),  # of a payment that the tape of that date contains
    Column("taken_back_on", Date),
    moment("taken_back_at", nullable=True),  # when this was reported …
    Column("taken_back_by", Text),  # … and by whom
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("(external_id IS NULL) = (sender IS NULL)", name="id_of_a_sender"),
    UniqueConstraint("payment_id", "kind", "external_id", "sender"),
)

# What a tape showed as paid more than was on record: money of which no event had come.
paid_by_tape = Table(
    "paid_by_tape",
    metadata,
    identity(),
    refers_to("loan"),
    Column("tape_as_of", Date, nullable=False),
    Column("previous_tape", Date),  # the date of the loan's tape before it
    # what this payment had left over was taken to be the money; null: the money is not known
    refers_to("payment", nullable=True),
    money("amount"),  # that no event explained since
    CheckConstraint("amount >= 0", name="amount_not_negative"),
    Index(None, "loan_id"),
)

# Write-offs that were taken back.
past_write_off = Table(
    "past_write_off",
    metadata,
    refers_to("loan", primary_key=True),
    Column("written_off_at", DateTime(timezone=True), primary_key=True),  # when it was reported
    Column("written_off_on", Date, nullable=False),
    Column("written_off_by", Text),
    typed("written_off_why_id"),
    Column("written_off_why", Text),  # the same, of an earlier release: not encrypted yet
    Column("taken_back_on", Date, nullable=False),
    moment("taken_back_at"),
    Column("taken_back_by", Text),
    typed("taken_back_why_id"),
    Column("taken_back_why", Text),  # the same, of an earlier release: not encrypted yet
)

acknowledgement = Table(
    "acknowledgement",
    metadata,
    identity(),
    refers_to("loan"),
    # What restarts the limitation period may be any of them, not only the last one.
    Column("acknowledged_on", Date, nullable=False),
    word("proof", Proof),
    # who acknowledged it: the borrower, or another party to the loan
    refers_to("borrower"),
    Column("document", Text),  # the lender's reference of the proof
    Column("actor", Text),  # the staff reference of the person who recorded it
    moment("recorded_at"),
    # What was taken back counts for nothing, and stays as history.
    moment("taken_back_at", nullable=True),
    Column("taken_back_by", Text),
    UniqueConstraint(
        *("loan_id", "acknowledged_on", "proof", "borrower_id", "taken_back_at"),
        name="acknowledgement_once",
        postgresql_nulls_not_distinct=True,
    ),
)

limitation_fact = Table(
    "limitation_fact",
    metadata,
    identity(),
    refers_to("loan"),
    word("fact", LimitationFact),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date),  # of proceedings the day; otherwise the first day without it
    Column("document", Text),  # the lender's reference of the proof
    Column("actor", Text),  # the staff reference of the person who recorded it …
    moment("recorded_at"),
    Column("ended_by", Text),  # … and of the one who recorded its end, if that was later
    moment("end_recorded_at", nullable=True),
    # What was taken back counts for nothing, and stays as history.
    moment("taken_back_at", nullable=True),
    Column("taken_back_by", Text),
    UniqueConstraint(
        *("loan_id", "fact", "starts_on", "taken_back_at"),
        name="limitation_fact_once",
        postgresql_nulls_not_distinct=True,
    ),
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

adjustment = Table(
    "adjustment",
    metadata,
    identity(),
    Column("external_id", Text, nullable=False),
    Column("sender", Text, nullable=False),  # whose id it is
    refers_to("loan"),
    word("kind", AdjustmentKind),
    money("amount", nullable=True),  # null: all that is unpaid, or what is moved
    word("component", Component, nullable=True),  # null: all of them
    Column("instalment", Date),  # the due date of the one that it is about; null: all of them
    Column("due_on", Date),  # when what it adds or moves falls due
    Column("booked_on", Date, nullable=False),  # a tape of a later date contains it
    Column("actor", Text),  # the staff reference of the person who decided it …
    typed("why_id"),  # … and why
    Column("why", Text),  # the same, of an earlier release: not encrypted yet
    moment("recorded_at"),
    Column("in_tape_as_of", Date),  # booked before the tape of that date, which contains it
    Column("taken_back_on", Date),
    moment("taken_back_at", nullable=True),  # when this was reported …
    Column("taken_back_by", Text),  # … and by whom
    CheckConstraint("amount > 0", name="amount_positive"),
    UniqueConstraint("external_id", "sender"),
    Index(None, "loan_id"),
)

# What an adjustment changed in what is owed. It stays when the adjustment is taken back.
adjustment_part = Table(
    "adjustment_part",
    metadata,
    refers_to("adjustment", primary_key=True),
    Column("due_on", Date, primary_key=True),
    word("component", Component, primary_key=True),
    money("amount"),  # below zero: less is owed
    Column("counts_from", Date),  # when that instalment really falls due; null: not known yet
    CheckConstraint("amount <> 0", name="amount_not_zero"),
)
