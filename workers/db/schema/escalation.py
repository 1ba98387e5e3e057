"""Where each loan stands on its ladder: cases, decisions, actions, holds and approvals."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    column,
    table,
)
from sqlalchemy.dialects.postgresql import UUID

from domain.actions import ACTION_TYPES, CLAIMABLE, ActionStatus
from domain.decision import Outcome
from domain.holds import HoldKind
from domain.promises import PromiseStatus
from workers.db.schema.base import (
    CHANGES_OFTEN,
    identity,
    metadata,
    moment,
    money,
    reasons,
    refers_to,
    typed,
    word,
    words,
)

collection_case = Table(
    "collection_case",
    metadata,
    identity(),
    refers_to("loan"),
    Column("opened_on", Date, nullable=False),
    moment("closed_at", nullable=True),
    Column("closed_because", Text),
    Index(
        "collection_case_one_open_per_loan",
        "loan_id",
        unique=True,
        postgresql_where="closed_at IS NULL",
    ),
    Index(None, "loan_id"),
)

# Append only: one row for every review of a loan, with the facts that it is based on.
decision = Table(
    "decision",
    metadata,
    identity(),
    refers_to("loan"),
    moment("decided_at"),
    Column("business_date", Date, nullable=False),
    word("outcome", Outcome),
    Column("delinquent_since", Date),
    Column("days_past_due", Integer, nullable=False),
    money("past_due"),
    Column("ladder_id", Text),
    Column("ladder_version", Integer),
    Column("ladder_since", Date),  # null: no ladder, or less than its minimum is past due
    Column("ladder_day", Integer),
    Column("step", Text),
    Column("hold_kind", Text),
    words("waits_for"),
    words("rule_packs"),  # names and versions of the rule packs that applied
    Column("review_on", Date),
    Index(None, "loan_id", "id"),
)

action = Table(
    "action",
    metadata,
    identity(),
    refers_to("loan"),
    refers_to("decision", nullable=True),  # null: it follows from something that happened
    Column("ladder_since", Date, nullable=False),  # when the ladder started, see domain/delinquency
    Column("step", Text, nullable=False),
    Column("item", Text, nullable=False),
    word("type", ACTION_TYPES),
    Column("ladder_id", Text, nullable=False),
    Column("ladder_version", Integer, nullable=False),
    word("status", ActionStatus),
    moment("due_at", nullable=True),  # null: waits for a fact, not for a time
    reasons("reason"),
    words("rules"),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    # Of a text: one more each time that it is planned again because the one before did not arrive.
    Column("try_number", SmallInteger, nullable=False, server_default="1"),
    Column("claim_token", UUID(as_uuid=True)),
    moment("claimed_until", nullable=True),
    moment("dispatched_at", nullable=True),  # when its task was last published
    moment("changed_at"),
    # whom it is for, if not for the borrower
    Column("party_id", BigInteger, ForeignKey("loan_party.id")),
    # Of a follow-up: what happened, what it happened to (such as `promise:P-1`), when, and the last
    # day on which it may act. Null: a day of the ladder asks for it.
    Column("follows", Text),
    Column("cause", Text),
    moment("caused_at", nullable=True),
    Column("act_until", Date),
    # At most one action for each loan, start of its ladder, item, party and cause, ever.
    UniqueConstraint(
        *("loan_id", "ladder_since", "item", "party_id", "cause"),
        name="action_once",
        postgresql_nulls_not_distinct=True,
    ),
    CheckConstraint(
        "num_nulls(follows, cause, caused_at, act_until) = CASE WHEN decision_id IS NULL "
        "THEN 0 ELSE 4 END",
        name="decided_or_caused",
    ),
    CheckConstraint(
        "(status = 'claimed') = (claim_token IS NOT NULL)", name="claimed_means_by_token"
    ),
    Index(
        "action_due_idx",
        "type",
        "due_at",
        postgresql_where=f"status IN ({', '.join(repr(str(s)) for s in sorted(CLAIMABLE))})",
    ),
    Index("action_party_id_idx", "party_id", postgresql_where="party_id IS NOT NULL"),
    Index("action_claimed_idx", "claimed_until", postgresql_where="status = 'claimed'"),
    # The lists of those that fail or were given up.
    Index(
        "action_stuck_idx",
        "changed_at",
        "id",
        postgresql_where="status IN ('failed', 'dead')",
    ),
    # Actions that wait for a person or for the result of a provider.
    Index(
        "action_for_people_idx",
        "status",
        "id",
        postgresql_where="status IN ('assigned', 'awaiting_approval', 'dead', 'unknown')",
    ),
    postgresql_with=CHANGES_OFTEN,
)

# Append only: every status change of every action after it was planned.
action_event = Table(
    "action_event",
    metadata,
    identity(),
    refers_to("action"),
    moment("at"),
    Column("from_status", Text, nullable=False),
    Column("to_status", Text, nullable=False),
    moment("due_at", nullable=True),  # when it was due again, if there was such a time
    reasons("reason"),
    words("rules"),
    Index(None, "action_id"),
)

approval = Table(
    "approval",
    metadata,
    Column("action_id", BigInteger, ForeignKey("action.id"), primary_key=True),
    Column("role", Text, nullable=False),
    Column("actor", Text, nullable=False),
    moment("approved_at"),
)

# Of a loan, or of a person: then it stays on the record on which it came in, and pauses every loan
# of the person.
hold = Table(
    "hold",
    metadata,
    identity(),
    refers_to("loan", nullable=True),
    refers_to("borrower", nullable=True),
    Column("external_id", Text),  # null: placed by a promise
    Column("sender", Text),  # whose id it is; null where there is none
    word("kind", HoldKind),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date),  # the first day without it; null: until its release
    Column("actor", Text, nullable=False),
    typed("why_id"),  # null: a promise or a reported death says why
    Column("why", Text),  # the same, of an earlier release: not encrypted yet
    moment("made_at"),
    CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="ends_after_it_starts"),
    CheckConstraint("(loan_id IS NULL) <> (borrower_id IS NULL)", name="of_loan_or_person"),
    CheckConstraint("(external_id IS NULL) = (sender IS NULL)", name="id_of_a_sender"),
    UniqueConstraint("external_id", "sender"),
    CheckConstraint(
        f"(kind IN ({', '.join(repr(str(k)) for k in HoldKind if k.of_person)})) = "
        "(borrower_id IS NOT NULL)",
        name="of_person_where_its_kind_is",
    ),
    Index(None, "loan_id"),
    Index(None, "borrower_id"),
)

# A view: every hold with each loan that it pauses. It is no table, and `metadata` leaves it out.
hold_of_loan = table(
    "hold_of_loan",
    column("id", BigInteger),
    column("loan_id", BigInteger),
    column("kind", Text),
    column("starts_on", Date),
    column("ends_on", Date),
    column("made_at", DateTime(timezone=True)),
)

# Append only: each time that the end of a hold was moved to an earlier day.
hold_release = Table(
    "hold_release",
    metadata,
    identity(),
    refers_to("hold"),
    moment("at"),
    Column("ended_on", Date),  # its previous end; null: it had none
    Column("ends_on", Date, nullable=False),
    Index(None, "hold_id"),
)

promise = Table(
    "promise",
    metadata,
    identity(),
    refers_to("loan"),
    refers_to("hold"),  # pauses the ladder while the promise is open
    Column("external_id", Text, nullable=False),
    Column("sender", Text, nullable=False),  # whose id it is
    money("amount"),
    Column("due_on", Date, nullable=False),  # the last day on which a payment keeps it
    Column("actor", Text, nullable=False),
    moment("made_at"),
    word("status", PromiseStatus),
    moment("completed_at", nullable=True),
    # Whether it was really made: false, if it was recorded by mistake; null, if nobody said so.
    Column("was_made", Boolean),
    # What its terms said when it was made; null in promises of earlier releases, which have none.
    Column("terms", Text),
    money("tolerance", nullable=True),
    Column("grace_days", SmallInteger),
    Column("booking_days", SmallInteger),
    money("partly_from", nullable=True),
    # Who agreed to it beyond what is taken without asking anybody.
    Column("agreed_by", Text),
    # The promise whose place it took while that was open.
    Column("replaces_id", BigInteger, ForeignKey("promise.id")),
    typed("a_month_id"),  # what they said to be able to pay a month; null: nobody asked
    # Who promised, if it was a co-borrower or a guarantor; null: the borrower.
    refers_to("borrower", nullable=True),
    # The first day on which it is known whether its next part was paid; null: two days after it.
    Column("judge_on", Date),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("(status = 'open') = (completed_at IS NULL)", name="completed_unless_open"),
    UniqueConstraint("external_id", "sender"),
    Index(
        "promise_one_open_per_loan",
        "loan_id",
        unique=True,
        postgresql_where="status = 'open'",
    ),
    Index("promise_judge_on_idx", "judge_on", postgresql_where="status = 'open'"),
    Index(None, "loan_id"),
    Index(None, "made_at", postgresql_using="brin"),
)

# Append only: what was promised by which day. A promise of an earlier release is one part, and has
# none here.
promise_part = Table(
    "promise_part",
    metadata,
    refers_to("promise", primary_key=True),
    Column("due_on", Date, primary_key=True),
    money("amount"),
    CheckConstraint("amount > 0", name="amount_positive"),
)

# Append only: every status change of every promise after it was made.
promise_event = Table(
    "promise_event",
    metadata,
    identity(),
    refers_to("promise"),
    moment("at"),
    Column("from_status", Text, nullable=False),
    Column("to_status", Text, nullable=False),
    money("paid", nullable=True),  # what was paid of it in time; null: nobody counted
    Index(None, "promise_id"),
    Index(None, "at", postgresql_using="brin"),
)
