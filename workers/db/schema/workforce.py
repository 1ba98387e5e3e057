"""Staff and their work: shifts, calls, visits, legal files.

Staff have only the lender's reference, never a name.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint

from domain.next_work import SERVED_AS, LeaseEnd
from domain.staffing import AbsenceKind
from workers.db.schema.base import (
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

_LIVE = text("cancelled_at IS NULL")

team = Table(
    "team",
    metadata,
    identity(),
    Column("external_id", Text, nullable=False, unique=True),
    Column("supervisor", Text),  # a staff reference
)

staff = Table(
    "staff",
    metadata,
    identity(),
    Column("external_id", Text, nullable=False, unique=True),
    words("roles"),
    words("languages"),  # BCP 47
    words("regions"),  # where a visitor works; empty: everywhere
    Column("daily_capacity", Integer, nullable=False),
    Column("trained_on", Date),  # last training; untrained staff get no work
    Column("left_on", Date),  # from that day on they may do nothing
    words("stands_in_for"),  # roles of somebody who is absent …
    Column("stands_in_until", Date),  # … and the last day on which they count
    refers_to("team", nullable=True),
    Column("skills", ARRAY(Text)),  # null, as in rows of an older roster: none
    Column("minutes_a_day", Integer),  # of calls and replies; null: only their number is limited
    CheckConstraint("daily_capacity >= 0", name="capacity_not_negative"),
)

# What somebody is certified for, beside the yearly training.
certificate = Table(
    "certificate",
    metadata,
    refers_to("staff", primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("valid_until", Date, nullable=False),  # the last day
)

# When somebody does not work although the roster has a shift. It stays as a record.
absence = Table(
    "absence",
    metadata,
    identity(),
    refers_to("staff"),
    word("kind", AbsenceKind),
    moment("starts_at"),
    moment("ends_at", nullable=True),  # null: it is not known yet
    Column("by_roster", Boolean, nullable=False),  # whether the roster says so, which may change it
    Column("noted_by", Text, nullable=False),
    moment("noted_at"),
    CheckConstraint("ends_at >= starts_at", name="ends_after_it_starts"),
    Index(None, "staff_id", "starts_at"),
    Index(None, "ends_at"),
)

# Whom a collector or visitor is never given: a relative, or somebody who complained about them.
must_not_handle = Table(
    "must_not_handle",
    metadata,
    identity(),
    refers_to("staff"),
    refers_to("borrower"),
    Column("by_roster", Boolean, nullable=False),
    typed("why_id"),
    Column("noted_by", Text, nullable=False),
    moment("noted_at"),
    moment("ended_at", nullable=True),  # by a later roster
    Index(None, "staff_id"),
    Index(None, "borrower_id"),
)

# What a collector was given on a business day: guarded here, so that nobody is given too much.
collector_day = Table(
    "collector_day",
    metadata,
    refers_to("staff", primary_key=True),
    Column("day", Date, primary_key=True),
    Column("pieces", Integer, nullable=False),  # calls and replies
    Column("minutes", Integer, nullable=False),
    Column("share", Integer, nullable=False),  # 1000 is the value of an average call
    CheckConstraint("pieces >= 0 AND minutes >= 0", name="not_negative"),
)

# Who is to get which call that is due: what was planned last. A row goes when its call is given.
call_plan = Table(
    "call_plan",
    metadata,
    refers_to("action", primary_key=True),
    refers_to("staff", nullable=True),  # null: nobody, because …
    Column("day", Date, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("share", Integer, nullable=False),
    reasons("reason"),  # … of this limit
    moment("due_at", nullable=True),  # when to ask again
    moment("planned_at"),
)

# Every roster that was loaded, as it was read. It has no names.
roster_version = Table(
    "roster_version",
    metadata,
    identity(),
    moment("loaded_at"),
    Column("loaded_by", Text, nullable=False),
    Column("members", JSONB, nullable=False),
)

shift = Table(
    "shift",
    metadata,
    refers_to("staff", primary_key=True),
    moment("starts_at", primary_key=True),
    moment("ends_at"),
    CheckConstraint("ends_at > starts_at", name="ends_after_it_starts"),
)

call = Table(
    "call",
    metadata,
    identity(),
    refers_to("loan"),
    Column("action_id", BigInteger, ForeignKey("action.id"), nullable=False),
    refers_to("staff"),
    Column("purpose", Text, nullable=False),
    words("must_learn"),
    words("may_offer"),
    Column("language", Text, nullable=False),
    moment("assigned_at"),
    moment("cancelled_at", nullable=True),  # its arrears ended before it was made
    moment("ended_at", nullable=True),  # its action is no collector's any more, made or not
    # One call about several loans has a row for each: the others refer to the first.
    Column("part_of", BigInteger, ForeignKey("call.id")),
    # Of the first row: what it counted for on its collector's day. Null: an old call.
    Column("minutes", Integer),
    Column("share", Integer),
    Index(None, "staff_id", "assigned_at"),
    # What a collector still has to do.
    Index(
        "call_open_idx",
        "staff_id",
        postgresql_where="ended_at IS NULL AND cancelled_at IS NULL",
    ),
    Index(None, "part_of", postgresql_where="part_of IS NOT NULL"),
    # An action has one call at most that is not cancelled.
    Index("call_one_live_per_action", "action_id", unique=True, postgresql_where=_LIVE),
    Index(None, "action_id"),
)

# Work that was served to a collector. While a row has no end, nobody else is served the person.
work_lease = Table(
    "work_lease",
    metadata,
    identity(),
    refers_to("staff"),
    refers_to("borrower"),  # the record of whom it is about
    refers_to("person"),
    refers_to("loan", nullable=True),  # the first one that it is about
    refers_to("call", nullable=True),
    refers_to("reply", nullable=True),
    word("band", SERVED_AS),
    Column("first_contact", Boolean, nullable=False),
    reasons("why", nullable=False),
    moment("served_at"),
    moment("until"),  # without a sign of life it lapses then
    moment("ended_at", nullable=True),
    word("ended_because", LeaseEnd, nullable=True),
    refers_to("duty", nullable=True),
    CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended_with_its_reason"),
    Index(
        "work_lease_one_live_per_staff",
        "staff_id",
        unique=True,
        postgresql_where="ended_at IS NULL",
    ),
    Index(
        "work_lease_one_live_per_person",
        "person_id",
        unique=True,
        postgresql_where="ended_at IS NULL",
    ),
    Index(None, "staff_id", "served_at"),
    Index(None, "borrower_id"),
)

# Append only: who took work over from a collector.
work_takeover = Table(
    "work_takeover",
    metadata,
    identity(),
    refers_to("work_lease"),
    Column("taken_from", Text, nullable=False),  # the staff reference of who had it …
    Column("given_to", Text, nullable=False),  # … and of who has it now
    Column("actor", Text, nullable=False),  # who decided it …
    typed("why_id"),  # … and why
    moment("at"),
    Index(None, "work_lease_id"),
)

visit = Table(
    "visit",
    metadata,
    identity(),
    refers_to("loan"),
    Column("action_id", BigInteger, ForeignKey("action.id"), nullable=False),
    Column("purpose", Text, nullable=False),
    moment("starts_at"),
    moment("ends_at"),
    moment("scheduled_at"),
    refers_to("contact", nullable=True),  # counted by the frequency caps; null: an old visit
    moment("started_at", nullable=True),  # the gate allowed it again at its start
    moment("cancelled_at", nullable=True),  # its arrears ended before it took place
    moment("unreported_at", nullable=True),  # it was noticed that nobody reported it
    Index(None, "contact_id"),
    Index("visit_one_live_per_action", "action_id", unique=True, postgresql_where=_LIVE),
    Index(None, "action_id"),
)

visit_staff = Table(
    "visit_staff",
    metadata,
    refers_to("visit", primary_key=True),
    refers_to("staff", primary_key=True),
    moment("starts_at"),
    moment("ends_at"),
    moment("cancelled_at", nullable=True),  # from then on the person is free
)
# Nobody has two visits at the same time, in any time zones. The id is a range with one element, so
# that PostgreSQL needs no extension.
visit_staff.append_constraint(
    ExcludeConstraint(
        (func.int8range(visit_staff.c.staff_id, visit_staff.c.staff_id, "[]"), "&&"),
        (func.tstzrange(visit_staff.c.starts_at, visit_staff.c.ends_at), "&&"),
        where=text("cancelled_at IS NULL"),
        name="visit_staff_one_place_at_a_time",
    )
)

legal_file = Table(
    "legal_file",
    metadata,
    identity(),
    refers_to("loan"),
    Column("action_id", BigInteger, ForeignKey("action.id"), nullable=False, unique=True),
    Column("currency", Text, nullable=False),
    money("principal"),
    money("interest"),
    money("fees"),
    Column("limitation_on", Date),  # the last day on which the claim can be brought, if known
    moment("opened_at"),
)

# The claim when the file was opened, by instalment.
legal_file_line = Table(
    "legal_file_line",
    metadata,
    refers_to("legal_file", primary_key=True),
    Column("due_on", Date, primary_key=True),
    money("principal"),
    money("interest"),
    money("fees"),
)

legal_file_need = Table(
    "legal_file_need",
    metadata,
    refers_to("legal_file", primary_key=True),
    Column("need", Text, primary_key=True),
    reasons("met_by"),  # null: still missing
)
