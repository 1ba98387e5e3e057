"""Contacts: who was contacted, when, how, and with which result."""

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
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from domain.compliance.vocabulary import AskedAgain, Channel, Party, Purpose
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from domain.inbound_texts import Meaning, ReplyKind
from domain.messages import MessageStatus
from domain.outcome_follows import Owner
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

# Append only: one row for every attempt to contact a person, or somebody else about them, and for
# every contact that the person began. Frequency caps count these rows.
contact = Table(
    "contact",
    metadata,
    identity(),
    refers_to("borrower"),
    refers_to("loan"),
    refers_to("action", nullable=True),  # null: no item of a ladder asked for it
    word("channel", Channel),
    moment("at"),
    words("rules"),  # the rules that the gate checked when it allowed this
    words("rule_packs"),
    words("zones"),  # the borrower's zones at that time: the contact had to be lawful in all
    words("warnings"),  # advisory rules that advised against it
    word("party", Party, server_default=Party.BORROWER),
    word("purpose", Purpose, nullable=True),  # null: to collect
    # why a third party was asked once more where the borrower is
    word("again_because", AskedAgain, nullable=True),
    Column("number_blind_index", LargeBinary),  # keyed hash: caps may count contacts at one number
    Column("address_blind_index", LargeBinary),  # of a visit: keyed hash of the address
    reasons("passed_over"),  # why earlier numbers of the record were not used; null: none was
    Column("at_work", Boolean, nullable=False, server_default=false()),
    Column("attempt", Text),  # of a call or a visit: the id under which its outcome is reported
    Column("sender", Text),  # whose id it is, of a contact that the person began; null: unknown
    Column("actor", Text),  # the staff reference of the caller, or of who took the call
    Column("inbound", Boolean),  # true: the person began it; null: the lender did
    Column("also_loan_ids", ARRAY(BigInteger)),  # the other loans that it was about
    # One text or one call about several loans has a row for each: the others refer to the first,
    # which alone is counted. Null: the first, or the only one.
    Column("part_of", BigInteger, ForeignKey("contact.id")),
    CheckConstraint(
        "action_id IS NOT NULL OR inbound IS TRUE OR purpose IS NOT NULL",
        name="has_action_or_purpose",
    ),
    Index(
        "contact_attempt_sender_idx",
        *("attempt", "sender"),
        unique=True,
        postgresql_where="attempt IS NOT NULL",
    ),
    Index(
        "contact_attempt_idx",
        "attempt",
        unique=True,
        postgresql_where="attempt IS NOT NULL AND sender IS NULL",
    ),
    Index(None, "actor", "at", postgresql_where="attempt IS NOT NULL"),
    Index(None, "borrower_id", "at"),
    Index(None, "number_blind_index", "at", postgresql_where="number_blind_index IS NOT NULL"),
    Index(None, "address_blind_index", postgresql_where="address_blind_index IS NOT NULL"),
    Index(None, "action_id"),
    Index(None, "part_of", postgresql_where="part_of IS NOT NULL"),
    # What was recorded on one day: rows come in the order of time.
    Index(None, "at", postgresql_using="brin"),
)

# Append only: the outcome of a call or a visit, as the person who made it reported it.
contact_outcome = Table(
    "contact_outcome",
    metadata,
    refers_to("contact", primary_key=True),
    word("outcome", ContactOutcome),
    # a person was reached; some laws count only these
    Column("connected", Boolean, nullable=False),
    word("reason", ArrearsReason, nullable=True),  # why the loan is overdue, as the borrower said
    Column("also_loan_ids", ARRAY(BigInteger)),  # the other loans that were mentioned
    moment("callback_at", nullable=True),  # when the borrower asked to be called again
    Column("recording", Text),  # the dialer's reference of the recording
    typed("why_id"),  # what the person said, in words
    Column("actor", Text, nullable=False),  # the staff reference of the reporter
    moment("reported_at"),
    # The event that reported it, as long as it is kept; null: by an earlier release.
    Column("event_id", BigInteger),
    CheckConstraint(
        "(outcome = 'callback_requested') = (callback_at IS NOT NULL)", name="callback_has_moment"
    ),
    # Callbacks that are late fall to the team.
    Index(None, "callback_at", postgresql_where="callback_at IS NOT NULL"),
    Index(None, "reported_at", postgresql_using="brin"),
)

# Append only: each time that somebody's answers were compared with what is on record. The answers
# are not kept.
party_check = Table(
    "party_check",
    metadata,
    identity(),
    refers_to("contact"),
    refers_to("borrower"),  # whose record it was
    Column("actor", Text, nullable=False),  # the staff reference of who asked
    moment("at"),
    words("questions"),
    words("matched"),  # those of the questions that were answered rightly
    Column("at_least", SmallInteger, nullable=False),
    Column("passed", Boolean, nullable=False),
    CheckConstraint("passed = (cardinality(matched) >= at_least)", name="passed_by_its_answers"),
    CheckConstraint("matched <@ questions", name="matched_what_was_asked"),
    Index(None, "contact_id"),
    Index(None, "borrower_id", "at"),
)

# What somebody owes after a conversation, or a notice of default that has no way to the person:
# who, and by when. It says only that it is to be done; what is done stands where it is recorded.
duty = Table(
    "duty",
    metadata,
    identity(),
    refers_to("loan"),
    refers_to("contact", nullable=True),
    word("outcome", ContactOutcome, nullable=True),
    refers_to("arrangement", nullable=True),  # whose default somebody tells the person of
    refers_to("dispute", nullable=True),  # that somebody takes
    refers_to("complaint", nullable=True),  # that somebody takes
    word("owner", Owner),
    Column(
        "staff", Text
    ),  # the staff reference of a collector who owes it; null: any of the owners
    moment("due_at"),
    moment("made_at"),
    moment("ended_at", nullable=True),
    Column("ended_by", Text),  # the staff reference of who did it
    CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
    CheckConstraint(
        "num_nonnulls(contact_id, arrangement_id, dispute_id, complaint_id) = 1",
        name="about_one_thing",
    ),
    CheckConstraint("(arrangement_id IS NULL) = (outcome IS NOT NULL)", name="after_an_outcome"),
    UniqueConstraint("contact_id", "outcome", name="duty_once"),
    Index("duty_open_idx", "due_at", "id", postgresql_where="ended_at IS NULL"),
    Index(None, "loan_id"),
)

# A text about several loans has a row for each, whose contact is part of that of the first. The
# provider knows the first only: its id and its `sid`. They change their statuses together.
message = Table(
    "message",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    refers_to("action"),
    refers_to("contact"),
    Column("provider", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("sid", Text),  # the provider's own id, once it is known
    word("status", MessageStatus),
    Column("code", Text),  # the provider's code of a refusal or a failure
    Column("try_number", SmallInteger, nullable=False, server_default="1"),  # of its action
    Column("template", Text, nullable=False),
    Column("template_version", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("segments", SmallInteger, nullable=False),
    Column("body_encrypted", LargeBinary),  # null: erased
    moment("created_at"),
    moment("changed_at"),
    moment("asked_at", nullable=True),  # when it was last looked up at the provider
    moment("parked_at", nullable=True),  # when it was left to a person
    moment("presumed_at", nullable=True),  # no receipt in time: tried for the ladder, never proof
    UniqueConstraint("provider", "sid"),
    # One try of an action never has two texts that may both have been sent.
    Index(
        "message_one_live_per_try",
        "action_id",
        "try_number",
        unique=True,
        postgresql_where="status NOT IN ('not_sent', 'refused')",
    ),
    Index(
        "message_unknown_idx",
        "created_at",
        postgresql_where="status IN ('unknown', 'parked')",
    ),
    # Texts of which the provider may still be asked whether they were delivered.
    Index(
        "message_on_the_way_idx",
        "created_at",
        postgresql_where="status IN ('accepted', 'sent') AND presumed_at IS NULL",
    ),
    Index(None, "contact_id"),
    postgresql_with=CHANGES_OFTEN,
)

# The rate limit of each sender, stored here because all workers share it.
sender_pace = Table(
    "sender_pace",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("sender", Text, primary_key=True),
    moment("next_at"),  # the earliest moment of the next text
)

# Texts from borrowers. What a text asks for becomes a fact of the number or of the person. One that
# a person must read puts off all texts to its number until a collector has handled it.
reply = Table(
    "reply",
    metadata,
    identity(),
    refers_to("contact_point", nullable=True),  # the number that it came from
    refers_to("borrower", nullable=True),  # null: no borrower has that number
    refers_to("loan", nullable=True),  # the loan last texted about
    Column("provider", Text, nullable=False),
    Column("sid", Text, nullable=False),
    word("kind", ReplyKind),
    Column("to_read", Boolean, nullable=False),  # it says something that was not understood
    Column("body_encrypted", LargeBinary),  # null: erased
    moment("received_at"),
    refers_to("staff", nullable=True),  # its collector
    moment("assigned_at", nullable=True),
    moment("handled_at", nullable=True),
    Column("actor", Text),  # the staff reference of who handled it
    word("meaning", Meaning, nullable=True),  # what that person said that it means
    CheckConstraint("(handled_at IS NULL) = (actor IS NULL)", name="handled_by_somebody"),
    UniqueConstraint("provider", "sid"),
    Index("reply_unhandled_idx", "id", postgresql_where="to_read AND handled_at IS NULL"),
    Index(None, "borrower_id"),
    Index(None, "contact_point_id"),
    Index(None, "loan_id"),
)

# Append only: what the provider reported, each status once.
receipt = Table(
    "receipt",
    metadata,
    identity(),
    Column("message_id", UUID(as_uuid=True), ForeignKey("message.id"), nullable=False),
    Column("sid", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("code", Text),
    moment("received_at"),
    # message_id is first, so that this index also finds the receipts of a message.
    UniqueConstraint("message_id", "sid", "status", name="receipt_once"),
)

document = Table(
    "document",
    metadata,
    identity(),
    refers_to("loan"),
    # What it is about: an action of the ladder, or an arrangement.
    Column("action_id", BigInteger, ForeignKey("action.id")),
    refers_to("arrangement", nullable=True),
    Column("kind", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("template_version", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("body_encrypted", LargeBinary),  # null: erased
    moment("created_at"),
    moment("printed_at", nullable=True),  # the first time that it was opened to be printed
    Column("printed_by", Text),  # the staff reference of who did
    CheckConstraint("(printed_at IS NULL) = (printed_by IS NULL)", name="printed_by_somebody"),
    CheckConstraint("num_nonnulls(action_id, arrangement_id) = 1", name="about_one_thing"),
    Index(None, "action_id"),
    Index(None, "arrangement_id", postgresql_where="arrangement_id IS NOT NULL"),
)
