"""Who is known, by what, and what they were allowed: machines, tokens, permissions used, requests
for a second person."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.actors import ActorKind
from domain.second_person import RequestStatus
from workers.db.schema.base import identity, metadata, moment, refers_to, typed, word, words

# A system of the lender's. Its name is that of a sender of events.
machine = Table(
    "machine",
    metadata,
    identity(),
    Column("name", Text, nullable=False, unique=True),
    words("scopes"),  # permissions
    Column("calls_a_minute", Integer, nullable=False),
    moment("created_at"),
    Column("created_by", Text, nullable=False),
    moment("expires_at", nullable=True),
    moment("revoked_at", nullable=True),
    Column("revoked_by", Text),
    moment("last_used_at", nullable=True),
    CheckConstraint("calls_a_minute > 0", name="some_calls"),
)

# What somebody proves with that they are whom they say: a secret that only they have.
token = Table(
    "token",
    metadata,
    identity(),
    refers_to("staff", nullable=True),
    refers_to("machine", nullable=True),
    Column("digest", LargeBinary, nullable=False, unique=True),  # SHA-256 of the secret
    moment("created_at"),
    Column("created_by", Text, nullable=False),
    moment("expires_at"),
    moment("revoked_at", nullable=True),
    Column("revoked_by", Text),
    moment("last_used_at", nullable=True),
    CheckConstraint("(staff_id IS NULL) <> (machine_id IS NULL)", name="of_one_holder"),
    Index("token_staff_idx", "staff_id", postgresql_where="staff_id IS NOT NULL"),
    Index("token_machine_idx", "machine_id", postgresql_where="machine_id IS NOT NULL"),
)

# Every permission that a command asked for, given or refused. Events of machines stand in
# inbox_event with their sender; here is how often one was refused, a row a minute at most.
permission_use = Table(
    "permission_use",
    metadata,
    identity(),
    moment("at"),
    moment("recorded_at", server_default=func.clock_timestamp()),
    Column("actor", Text),  # null: nobody who is known
    # Only the role of the commands may set it: no service writes what a person did.
    word("actor_kind", ActorKind, nullable=True, server_default=ActorKind.MACHINE),
    Column("permission", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("times", Integer),  # how often within a minute; null: once
)

# Append only: who asked for more telephone numbers within a minute than anybody dials; they were
# refused. A row a minute at most for each.
number_alarm = Table(
    "number_alarm",
    metadata,
    identity(),
    moment("at"),
    moment("recorded_at", server_default=func.clock_timestamp()),
    Column("actor", Text, nullable=False),
    word("actor_kind", ActorKind),
    Column("numbers", Integer, nullable=False),  # that they had been given within that minute
)

# What was done on the server without a token, because nobody who has one was there.
break_glass = Table(
    "break_glass",
    metadata,
    identity(),
    moment("at"),
    moment("recorded_at", server_default=func.clock_timestamp()),
    Column("os_user", Text, nullable=False),
    Column("what", Text, nullable=False),  # in English …
    Column("said", JSONB(none_as_null=True)),  # … and as texts with values
    Column("why", Text, nullable=False),  # `typed`: as a person typed it …
    typed("why_id"),  # … here
)

second_person_request = Table(
    "second_person_request",
    metadata,
    identity(),
    Column("permission", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # of what is asked for, to the letter
    Column("shown", Text, nullable=False),  # what both saw, in English; no personal data …
    Column("said", JSONB(none_as_null=True)),  # … the same as texts with values …
    typed("why_id"),  # … and why, as whoever asks typed it
    word("status", RequestStatus),
    Column("asked_by", Text, nullable=False),
    moment("asked_at"),
    Column("decided_by", Text),
    moment("decided_at", nullable=True),
    moment("done_at", nullable=True),
    Column("loan", Text),  # that it is about: the lender's id
    Column("borrower", Text),  # that it is about: the lender's id
    Column("decided_in", Text),  # the language in which whoever decided saw it
    CheckConstraint("(decided_by = asked_by) = (status = 'withdrawn')", name="decided_by_another"),
    Index("second_person_request_waiting_idx", "id", postgresql_where="status = 'asked'"),
    Index("second_person_request_loan_idx", "loan", postgresql_where="loan IS NOT NULL"),
    Index(
        "second_person_request_borrower_idx", "borrower", postgresql_where="borrower IS NOT NULL"
    ),
)
