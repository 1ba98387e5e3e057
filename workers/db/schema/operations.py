"""Operations: scan runs, events in and out, policy versions, imports, access, problems."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from domain.access_log import Opened
from domain.actors import ActorKind
from domain.events import InboxStatus, OutboxStatus
from workers.db.schema.base import (
    CHANGES_OFTEN,
    identity,
    metadata,
    moment,
    reasons,
    refers_to,
    typed,
    word,
    words,
)

# One row for each business date, so that a day is scanned once even with two beats.
scan_run = Table(
    "scan_run",
    metadata,
    Column("business_date", Date, primary_key=True),
    moment("started_at"),
    moment("finished_at", nullable=True),  # when all due loans were published
    Column("loans", BigInteger, nullable=False, server_default="0"),
    Column("envelopes", BigInteger, nullable=False, server_default="0"),
    Column("policy_digest", Text, nullable=False),
)

# When something last worked, by the clock of the database: a queue, a task of the schedule.
sign_of_life = Table(
    "sign_of_life",
    metadata,
    Column("name", Text, primary_key=True),
    moment("at"),
)


# Tasks that run once a day: the first start of a business date counts.
daily_run = Table(
    "daily_run",
    metadata,
    Column("task", Text, primary_key=True),
    Column("business_date", Date, primary_key=True),
    moment("started_at"),
)

# The range of loans that one scan has published, in the order (review date, id). It grows with the
# scan. Until it expires, no other scan publishes loans in it.
announcement = Table(
    "announcement",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("from_review_on", Date, nullable=False),
    Column("from_loan_id", BigInteger, nullable=False),
    Column("to_review_on", Date, nullable=False),
    Column("to_loan_id", BigInteger, nullable=False),
    moment("lapses_at"),
)

policy_version = Table(
    "policy_version",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    moment("first_seen_at"),
)

# Everything from outside is stored before it is applied. No personal data in payloads.
inbox_event = Table(
    "inbox_event",
    metadata,
    identity(),
    Column("sender", Text, nullable=False),  # a system of the lender's, a provider, the staff …
    Column("external_id", Text, nullable=False),  # … and the id that it gave
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    # As its kind says, in workers/inbox/kinds/: whether those whom its payload names are not
    # contacted until it is applied, and whether all who have the number, or the address, of its
    # borrower are not.
    Column("stops_contact", Boolean, nullable=False),
    Column("reaches_number", Boolean, nullable=False),
    Column("reaches_address", Boolean, nullable=False),
    word("status", InboxStatus),
    reasons("reason"),
    moment("received_at"),
    moment("corrected_at", nullable=True),  # when its sender corrected it last
    moment("completed_at", nullable=True),
    moment("dispatched_at", nullable=True),
    Index("inbox_event_waiting_idx", "id", postgresql_where="status = 'received'"),
    Index("inbox_event_rejected_idx", "id", postgresql_where="status = 'rejected'"),
    # The claim asks whether an event is pending that reaches the person. The history of a loan
    # shows those that were rejected or discarded as well.
    Index(
        "inbox_event_loan_unapplied_idx",
        text("(payload ->> 'loan')"),
        postgresql_where="status <> 'applied' AND (payload ->> 'loan') IS NOT NULL",
    ),
    *(
        Index(
            f"inbox_event_{name}_waiting_idx",
            text(f"(payload ->> '{name}')"),
            postgresql_where=f"status = 'received' AND (payload ->> '{name}') IS NOT NULL",
        )
        for name in ("borrower", "other", "attempt", "reply", "number")
    ),
    Index(
        "inbox_event_numbers_waiting_idx",
        text("(payload -> 'numbers')"),
        postgresql_using="gin",
        postgresql_where="status = 'received' AND (payload -> 'numbers') IS NOT NULL",
    ),
    # Events with personal data, which an erasure empties. The history of a loan shows when its
    # borrower's contacts changed, and when their numbers were put into another order.
    Index(
        "inbox_event_personal_idx",
        text("(payload ->> 'borrower')"),
        postgresql_where=(
            "kind IN ('contact_change', 'loan_party', 'number_order', 'representative')"
        ),
    ),
    # When a customer id goes to somebody else, the other events stay with whom they were about too.
    Index(
        "inbox_event_borrower_idx",
        text("(payload ->> 'borrower')"),
        postgresql_where=(
            "kind NOT IN ('contact_change', 'loan_party', 'number_order', 'representative') "
            "AND (payload ->> 'borrower') IS NOT NULL"
        ),
    ),
    Index(
        "inbox_event_other_idx",
        text("(payload ->> 'other')"),
        postgresql_where="(payload ->> 'other') IS NOT NULL",
    ),
    UniqueConstraint("external_id", "sender"),
    postgresql_with=CHANGES_OFTEN,
)

# Append only: what an event said before its sender corrected it, without what was encrypted and
# every keyed hash: an erasure has nothing to erase here.
replaced_event = Table(
    "replaced_event",
    metadata,
    identity(),
    Column(
        "event_id", BigInteger, ForeignKey("inbox_event.id", ondelete="CASCADE"), nullable=False
    ),
    Column("payload", JSONB, nullable=False),
    word("status", InboxStatus),  # the event's when it was corrected, and the reason of it
    reasons("reason"),
    moment("replaced_at"),
    Index(None, "event_id"),
)

# Events for the lender's systems, in the order in which they happened to each loan. Ids only.
outbox_event = Table(
    "outbox_event",
    metadata,
    identity(),  # the order of delivery
    Column("event_id", UUID(as_uuid=True), nullable=False, unique=True),  # the receiver's key
    refers_to("loan"),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    moment("happened_at"),
    word("status", OutboxStatus),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    moment("due_at", nullable=True),  # when it is tried (again)
    reasons("reason"),
    moment("dispatched_at", nullable=True),
    moment("claimed_until", nullable=True),  # the lease of the worker that delivers it
    moment("completed_at", nullable=True),
    CheckConstraint("(status = 'waiting') = (due_at IS NOT NULL)", name="waiting_has_a_time"),
    Index("outbox_event_waiting_idx", "due_at", postgresql_where="status = 'waiting'"),
    Index("outbox_event_dead_idx", "id", postgresql_where="status = 'dead'"),
    Index("outbox_event_order_idx", "loan_id", "id", postgresql_where="status = 'waiting'"),
    postgresql_with=CHANGES_OFTEN,
)

# Append only: who opened which personal data, when, and for which purpose.
access = Table(
    "access",
    metadata,
    identity(),
    refers_to("loan", nullable=True),  # null: about no loan in particular
    refers_to("borrower", nullable=True),  # the owner, if no loan and no reply says so
    refers_to("reply", nullable=True),  # the reply that was read
    moment("at"),
    word("what", Opened),
    Column("purpose", Text, nullable=False),
    typed("purpose_id"),  # as a person typed it; null: the usual one
    Column("item", Text),  # the ladder item of the letter, call or visit
    Column("actor", Text, nullable=False),  # the staff reference of who opened it
    Column("machine", Text),  # … and the machine that was given it for them; null: none
    CheckConstraint("num_nonnulls(loan_id, borrower_id, reply_id) > 0", name="about_somebody"),
    Index(None, "loan_id"),
    Index(None, "borrower_id"),
    Index(None, "reply_id"),
    Index(None, "machine", "at", postgresql_where="machine IS NOT NULL"),
)

# Append only: whose personal data was erased, when, by whom, and based on which rules.
erasure = Table(
    "erasure",
    metadata,
    identity(),
    refers_to("borrower"),
    moment("at"),
    Column("actor", Text, nullable=False),  # a staff reference, or the name of the task
    word("actor_kind", ActorKind),
    Column("why", Text, nullable=False),  # `typed`: as a person typed it …
    typed("why_id"),  # … here
    typed("law_id"),  # what required it in spite of a retention rule
    Column("law", Text),  # the same, of an earlier release
    words("rules"),  # the retention rules that had ended, or that the law overrode
    Column("kept_until", Date),  # the last day that these rules required; null: no rule
    Index(None, "borrower_id"),
)

# The keys that may have encrypted stored data. Each row has the key of the blind indexes, encrypted
# with that key. The key of the blind indexes never changes, so numbers are found after a rotation.
encryption_key = Table(
    "encryption_key",
    metadata,
    identity(),  # the highest id is the current key
    # identifies the key, and does not reveal it
    Column("key_id", Text, nullable=False, unique=True),
    Column("index_key_encrypted", LargeBinary, nullable=False),
    moment("since"),
)

# Problems of loans. An open problem may prevent actions until it is resolved.
problem = Table(
    "problem",
    metadata,
    identity(),
    refers_to("loan"),
    # The party whose it is; null: it is about the borrower, or about the loan.
    Column("party_id", BigInteger, ForeignKey("loan_party.id")),
    Column("kind", Text, nullable=False),
    reasons("detail", nullable=False),
    moment("found_at"),
    moment("resolved_at", nullable=True),
    Column("actor", Text),  # the staff reference of who resolved it; null: resolved by itself
    typed("why_id"),
    Column("why", Text),  # the same, of an earlier release: not encrypted yet
    Index(
        "problem_once_while_open",
        "loan_id",
        "kind",
        "party_id",
        unique=True,
        postgresql_where="resolved_at IS NULL",
        postgresql_nulls_not_distinct=True,
    ),
    # The list of open problems, of all kinds or of one.
    Index("problem_open_idx", "id", "kind", postgresql_where="resolved_at IS NULL"),
    Index(None, "loan_id"),
    Index(None, "party_id", postgresql_where="party_id IS NOT NULL"),
)
