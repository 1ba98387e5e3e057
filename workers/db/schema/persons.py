"""Persons, the lender's customer records that stand for them, telephone numbers and addresses."""

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
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.actors import ActorKind
from domain.compliance.vocabulary import OF_LENDER
from domain.contact_points import NumberFact, PointKind
from domain.inconvenient import Location
from domain.parties import ROLES, RepresentativeKind
from domain.persons import OF_REPRESENTATIVES, Link, PersonFact
from workers.db.schema.base import (
    identity,
    metadata,
    moment,
    reasons,
    refers_to,
    typed,
    word,
    words,
)

# What a fact protects: every borrower row that refers to it. A claim locks it first.
person = Table("person", metadata, identity(), moment("made_at"))

# A telephone number or an address, known by its keyed hash only. A claim locks it last.
contact_point = Table(
    "contact_point",
    metadata,
    identity(),
    word("kind", PointKind, server_default=PointKind.NUMBER),
    Column("blind_index", LargeBinary, nullable=False, unique=True),
)

# A record of the lender's customers. Several may stand for one person.
# Columns named `*_encrypted` are encrypted and decrypted only by workers.db.encryption.
borrower = Table(
    "borrower",
    metadata,
    identity(),
    refers_to("person"),
    # the lender's, or that of the loan where it gave none: domain.persons.borrower_of_loan
    Column("external_id", Text, nullable=False, unique=True),
    Column("name_encrypted", LargeBinary),  # null: erased
    Column("address_encrypted", LargeBinary),
    # the address; null with an address: its hash is made by the next `arrears migrate`
    Column("address_point_id", BigInteger, ForeignKey("contact_point.id")),
    Column("name_digest", LargeBinary),  # keyed hash of the name, however it is written
    # keyed hash of each field as the last tape had it: only what a tape changed is changed here
    Column("tape_digests", JSONB, nullable=False, server_default="{}"),
    words("zones"),  # IANA; empty: unknown, and then no contact is allowed
    Column("locale", Text, nullable=False),
    Column("region", Text),
    moment("updated_at"),
    moment("erased_at", nullable=True),  # the personal data was erased; the records stay
    CheckConstraint(
        "(erased_at IS NULL) = (name_encrypted IS NOT NULL)", name="named_unless_erased"
    ),
    CheckConstraint(
        "erased_at IS NULL OR (address_encrypted IS NULL AND address_point_id IS NULL AND "
        "name_digest IS NULL AND tape_digests = '{}')",
        name="erased_means_all_of_it",
    ),
    CheckConstraint(
        "address_point_id IS NULL OR address_encrypted IS NOT NULL", name="address_has_its_value"
    ),
    Index(None, "person_id"),
    Index(None, "address_point_id"),
)

# The telephone numbers of a record, in the order in which they are tried.
borrower_number = Table(
    "borrower_number",
    metadata,
    identity(),
    refers_to("borrower"),
    Column("position", SmallInteger, nullable=False),  # gaps mean nothing
    refers_to("contact_point"),
    Column("number_encrypted", LargeBinary, nullable=False),
    # which of the tape's numbers it is, 1 to 3; null: no tape gave it
    Column("tape_field", SmallInteger),
    CheckConstraint("position > 0", name="position_positive"),
    UniqueConstraint("borrower_id", "position"),
    # who has a number; and nobody has it twice
    Index("borrower_number_once", "contact_point_id", "borrower_id", unique=True),
)

# The numbers that a record had before: whoever comes in with the same name and one of them is the
# same person. It goes when the record is erased.
former_number = Table(
    "former_number",
    metadata,
    Column("contact_point_id", BigInteger, ForeignKey("contact_point.id"), primary_key=True),
    Column("borrower_id", BigInteger, ForeignKey("borrower.id"), primary_key=True),
    Index(None, "borrower_id"),
)

# Why two records stand for one person. A person is all records that such links join.
same_person = Table(
    "same_person",
    metadata,
    Column("borrower_id", BigInteger, ForeignKey("borrower.id"), primary_key=True),
    Column("other_id", BigInteger, ForeignKey("borrower.id"), primary_key=True),
    word("status", Link),
    reasons("reason", nullable=False),
    moment("made_at"),
    moment("decided_at", nullable=True),  # when somebody confirmed or parted them
    # when a tape moved a loan from one to the other, or gave it a party under the other's name
    moment("moved_at", nullable=True),
    Column("actor", Text),  # the staff reference of who did
    CheckConstraint("borrower_id < other_id", name="each_pair_once"),
    Index(None, "other_id"),
    # The list of those that nobody has confirmed or parted.
    Index(
        "same_person_presumed_idx",
        "made_at",
        "borrower_id",
        "other_id",
        postgresql_where="status = 'presumed'",
    ),
)

# Append only: every status that a pair had, for the history.
same_person_change = Table(
    "same_person_change",
    metadata,
    identity(),
    Column("borrower_id", BigInteger, ForeignKey("borrower.id"), nullable=False),
    Column("other_id", BigInteger, ForeignKey("borrower.id"), nullable=False),
    word("status", Link),
    reasons("reason"),  # what showed it; null: somebody decided it
    moment("at"),
    Column("actor", Text),
    typed("why_id"),
    Column("why", Text),  # the same, of an earlier release: not encrypted yet
    Index(None, "borrower_id"),
    Index(None, "other_id"),
)

# It stays on the record on which it came in, and reaches every record of the person.
person_fact = Table(
    "person_fact",
    metadata,
    identity(),
    refers_to("borrower"),
    word("kind", PersonFact),
    # for `no_channel`; for what is inconvenient, null: by all channels
    word("channel", OF_LENDER, nullable=True),
    refers_to("loan", nullable=True),  # only about this debt; null: about all of them
    moment("since"),
    moment("said_last", nullable=True),  # when it was said again; null: once, at `since`
    Column("source", Text, nullable=False),
    word("source_kind", ActorKind),
    # for `inconvenient_time`: days, starts, ends, as domain.inconvenient.InconvenientTime has them
    Column("times", JSONB(none_as_null=True)),
    word("place", Location, nullable=True),  # for `inconvenient_place`
    # The number or the address, where that is the place: inconvenient for this person, whoever
    # else has it.
    refers_to("contact_point", nullable=True),
    Column("locale", Text),  # for `language`; BCP 47
    # of a consent, and of what is inconvenient: from then on it counts no more
    moment("until", nullable=True),
    moment("ended_at", nullable=True),
    Column("ended_by", Text),
    CheckConstraint(
        "until IS NULL OR kind IN ('agreed_more_contacts', 'agreed_other_hours', "
        "'inconvenient_time', 'inconvenient_place')",
        name="until_where_it_expires",
    ),
    CheckConstraint(
        "CASE WHEN kind = 'no_channel' THEN channel IS NOT NULL "
        "ELSE channel IS NULL OR kind IN ('inconvenient_time', 'inconvenient_place') END",
        name="channel_if_needed",
    ),
    CheckConstraint("(kind = 'inconvenient_time') = (times IS NOT NULL)", name="times_if_needed"),
    CheckConstraint("(kind = 'inconvenient_place') = (place IS NOT NULL)", name="place_if_needed"),
    CheckConstraint(
        "(contact_point_id IS NOT NULL) = (coalesce(place, '') IN ('number', 'address'))",
        name="number_if_needed",
    ),
    CheckConstraint("(kind = 'language') = (locale IS NOT NULL)", name="locale_if_needed"),
    Index(None, "borrower_id"),
    Index(
        "person_fact_once",
        "borrower_id",
        "kind",
        text("coalesce(channel, '')"),
        text("coalesce(loan_id, 0)"),
        text("coalesce(times::text, '')"),
        text("coalesce(place, '')"),
        text("coalesce(contact_point_id, 0)"),
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index(None, "contact_point_id", postgresql_where=text("contact_point_id IS NOT NULL")),
)

# Who else is party to a loan. The party is a record and a person like any borrower. A row is one
# party for ever: who comes back after the end is the same party.
loan_party = Table(
    "loan_party",
    metadata,
    identity(),
    refers_to("loan"),
    refers_to("borrower"),
    word("role", ROLES),
    Column("from_tape", Boolean, nullable=False),  # then a later tape without them ends it
    Column("tape_slot", Text),  # the columns of the newest tape that has them; null: not known
    moment("ended_at", nullable=True),
    UniqueConstraint("loan_id", "borrower_id", "role"),
    Index(None, "borrower_id"),
)

# Append only: each time that somebody became party to a loan, or was it no longer.
loan_party_change = Table(
    "loan_party_change",
    metadata,
    identity(),
    refers_to("loan_party"),
    moment("at"),
    Column("is_party", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    word("source_kind", ActorKind),
    Index(None, "loan_party_id"),
)

# Who acts for a person of whom a fact says `represented`. It ends with that fact.
representative = Table(
    "representative",
    metadata,
    identity(),
    refers_to("person_fact"),
    word("kind", RepresentativeKind),
    # whether they may be contacted instead of the person, where a rule says so
    Column("contacted", Boolean, nullable=False),
    Column("name_encrypted", LargeBinary),  # null: not known, or erased
    Column("phone_encrypted", LargeBinary),
    Column("phone_blind_index", LargeBinary),
    Column("address_encrypted", LargeBinary),
    words("zones"),  # IANA; empty: those of the person
    moment("since"),
    Column("source", Text, nullable=False),
    moment("ended_at", nullable=True),  # others took their place
    Index(
        "representative_once", "person_fact_id", unique=True, postgresql_where="ended_at IS NULL"
    ),
    Index(None, "person_fact_id"),
    # For whom somebody acts who has this number.
    Index(None, "phone_blind_index", postgresql_where="phone_blind_index IS NOT NULL"),
)

# What who acts for others asked for. They are known by their number, whomever they act for: it
# says nothing of the persons for whom they act.
representative_wish = Table(
    "representative_wish",
    metadata,
    identity(),
    refers_to("contact_point"),  # the number of the representative
    word("kind", OF_REPRESENTATIVES),
    word("channel", OF_LENDER, nullable=True),  # the only one; null: all of them
    Column("times", JSONB(none_as_null=True)),  # as in person_fact
    word("place", Location, nullable=True),  # `number`: this one
    Column("locale", Text),  # for `language`; BCP 47
    moment("since"),
    moment("said_last", nullable=True),  # when it was said again; null: once, at `since`
    Column("source", Text, nullable=False),
    word("source_kind", ActorKind),
    moment("until", nullable=True),  # from then on it counts no more
    moment("ended_at", nullable=True),
    Column("ended_by", Text),
    CheckConstraint("(kind = 'inconvenient_time') = (times IS NOT NULL)", name="times_if_needed"),
    CheckConstraint("(kind = 'inconvenient_place') = (place IS NOT NULL)", name="place_if_needed"),
    CheckConstraint("(kind = 'language') = (locale IS NOT NULL)", name="locale_if_needed"),
    Index(
        "representative_wish_once",
        "contact_point_id",
        "kind",
        text("coalesce(channel, '')"),
        text("coalesce(times::text, '')"),
        text("coalesce(place, '')"),
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
)

contact_point_fact = Table(
    "contact_point_fact",
    metadata,
    identity(),
    refers_to("contact_point"),
    word("kind", NumberFact),
    moment("since"),
    moment("said_last", nullable=True),  # when it was said again; null: once, at `since`
    Column("source", Text, nullable=False),
    word("source_kind", ActorKind),
    moment("ended_at", nullable=True),
    Column("ended_by", Text),
    Index(
        "contact_point_fact_once",
        "contact_point_id",
        "kind",
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index(None, "contact_point_id"),
)
