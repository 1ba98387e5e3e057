"""Facts of persons and of telephone numbers leave the loans and the single records.

Each customer record becomes a person of its own. What was known of a record moves to the person or
to the number, so that it protects no less than before.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

OF_PERSON = (
    "'vulnerability', 'moratorium', 'breathing_space', 'mental_health_crisis', 'insolvency', "
    "'deceased'"
)

PERSONS = """
INSERT INTO person (id, made_at) OVERRIDING SYSTEM VALUE SELECT id, updated_at FROM borrower;
SELECT setval(pg_get_serial_sequence('person', 'id'), (SELECT max(id) FROM person));
UPDATE borrower SET person_id = id;
INSERT INTO contact_point (blind_index)
SELECT DISTINCT phone_blind_index FROM borrower WHERE phone_blind_index IS NOT NULL;
"""

FACTS = """
INSERT INTO person_fact (borrower_id, kind, since, source, source_kind)
SELECT id, 'ceased', ceased_at, 'revision 0004', 'system' FROM borrower
 WHERE ceased_at IS NOT NULL;
INSERT INTO person_fact (borrower_id, kind, channel, since, source, source_kind)
SELECT borrower_id, 'no_channel', channel, since, source, source_kind FROM opt_out
 WHERE channel <> 'sms' OR source_kind NOT IN ('borrower', 'provider')
    OR (SELECT phone_blind_index FROM borrower b WHERE b.id = borrower_id) IS NULL;
INSERT INTO contact_point_fact (contact_point_id, kind, since, source, source_kind)
SELECT DISTINCT ON (p.id) p.id, 'opted_out', o.since, o.source, o.source_kind
  FROM opt_out o
  JOIN borrower b ON b.id = o.borrower_id
  JOIN contact_point p ON p.blind_index = b.phone_blind_index
 WHERE o.channel = 'sms' ORDER BY p.id, o.since;
INSERT INTO contact_point_fact (contact_point_id, kind, since, source, source_kind)
SELECT p.id, 'reaches_nobody', min(b.phone_invalid_at), 'revision 0004', 'system'
  FROM borrower b JOIN contact_point p ON p.blind_index = b.phone_blind_index
 WHERE b.phone_invalid_at IS NOT NULL GROUP BY p.id;
INSERT INTO contact_point_fact (contact_point_id, kind, since, source, source_kind)
SELECT p.id, 'at_work', min(b.updated_at), 'revision 0004', 'system'
  FROM borrower b JOIN contact_point p ON p.blind_index = b.phone_blind_index
 WHERE b.phone_at_work GROUP BY p.id;
"""

HOLDS = f"""
UPDATE hold h SET borrower_id = l.borrower_id, loan_id = NULL
  FROM loan l WHERE l.id = h.loan_id AND h.kind IN ({OF_PERSON});
"""  # noqa: S608 the kinds are the constant above

HOLD_OF_LOAN = """
CREATE VIEW hold_of_loan AS
SELECT id, loan_id, kind, starts_on, ends_on, made_at FROM hold WHERE loan_id IS NOT NULL
 UNION ALL
SELECT h.id, l.id, h.kind, h.starts_on, h.ends_on, h.made_at
  FROM hold h
  JOIN borrower b ON b.id = h.borrower_id
  JOIN borrower x ON x.person_id = b.person_id
  JOIN loan l ON l.borrower_id = x.id
"""

REPLIES = """
INSERT INTO contact_point (blind_index)
SELECT DISTINCT b.phone_blind_index FROM reply r JOIN borrower b ON b.id = r.borrower_id
 WHERE b.phone_blind_index IS NOT NULL ON CONFLICT DO NOTHING;
UPDATE reply r SET contact_point_id = p.id
  FROM borrower b JOIN contact_point p ON p.blind_index = b.phone_blind_index
 WHERE b.id = r.borrower_id;
"""


def upgrade() -> None:
    op.create_table(
        "contact_point",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("blind_index", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("contact_point_pkey")),
        sa.UniqueConstraint("blind_index", name=op.f("contact_point_blind_index_key")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("person_pkey")),
    )
    op.create_table(
        "contact_point_fact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("contact_point_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('opted_out', 'reaches_nobody', 'somebody_else', 'no_texts', 'at_work', 'refused', 'unread_reply')",
            name=op.f("contact_point_fact_kind_known"),
        ),
        sa.CheckConstraint(
            "source_kind IN ('staff', 'system', 'provider', 'borrower')",
            name=op.f("contact_point_fact_source_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_point_id"],
            ["contact_point.id"],
            name=op.f("contact_point_fact_contact_point_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("contact_point_fact_pkey")),
    )
    op.create_index(
        op.f("contact_point_fact_contact_point_id_idx"),
        "contact_point_fact",
        ["contact_point_id"],
        unique=False,
    )
    op.create_index(
        "contact_point_fact_once",
        "contact_point_fact",
        ["contact_point_id", "kind"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "same_person",
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('presumed', 'confirmed', 'parted')", name=op.f("same_person_status_known")
        ),
        sa.CheckConstraint("borrower_id < other_id", name=op.f("same_person_each_pair_once")),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("same_person_borrower_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["borrower.id"], name=op.f("same_person_other_id_fkey")
        ),
        sa.PrimaryKeyConstraint("borrower_id", "other_id", name=op.f("same_person_pkey")),
    )
    op.create_index(op.f("same_person_other_id_idx"), "same_person", ["other_id"], unique=False)
    op.create_table(
        "person_fact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("loan_id", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'no_channel') = (channel IS NOT NULL)",
            name=op.f("person_fact_channel_if_needed"),
        ),
        sa.CheckConstraint(
            "channel IN ('sms', 'call', 'visit', 'legal')", name=op.f("person_fact_channel_known")
        ),
        sa.CheckConstraint(
            "kind IN ('ceased', 'no_channel', 'represented', 'employer_forbids')",
            name=op.f("person_fact_kind_known"),
        ),
        sa.CheckConstraint(
            "source_kind IN ('staff', 'system', 'provider', 'borrower')",
            name=op.f("person_fact_source_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("person_fact_borrower_id_fkey")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("person_fact_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("person_fact_pkey")),
    )
    op.create_index(op.f("person_fact_borrower_id_idx"), "person_fact", ["borrower_id"])
    op.create_index(
        "person_fact_once",
        "person_fact",
        [
            "borrower_id",
            "kind",
            sa.literal_column("coalesce(channel, '')"),
            sa.literal_column("coalesce(loan_id, 0)"),
        ],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.add_column("borrower", sa.Column("person_id", sa.BigInteger(), nullable=True))
    op.add_column("borrower", sa.Column("identity_digest", sa.LargeBinary(), nullable=True))
    op.execute(PERSONS)
    op.alter_column("borrower", "person_id", nullable=False)
    op.create_index("borrower_identity_idx", "borrower", ["identity_digest"], unique=False)
    op.create_index(op.f("borrower_person_id_idx"), "borrower", ["person_id"], unique=False)
    op.create_foreign_key(
        op.f("borrower_person_id_fkey"), "borrower", "person", ["person_id"], ["id"]
    )
    op.execute(FACTS)
    op.drop_table("opt_out")
    op.drop_column("borrower", "phone_invalid_at")
    op.drop_column("borrower", "ceased_at")
    op.drop_column("borrower", "phone_at_work")
    op.add_column("hold", sa.Column("borrower_id", sa.BigInteger(), nullable=True))
    op.alter_column("hold", "loan_id", existing_type=sa.BIGINT(), nullable=True)
    op.execute(HOLDS)
    op.create_check_constraint(
        op.f("hold_of_loan_or_person"), "hold", "(loan_id IS NULL) <> (borrower_id IS NULL)"
    )
    op.create_check_constraint(
        op.f("hold_of_person_where_its_kind_is"),
        "hold",
        f"(kind IN ({OF_PERSON})) = (borrower_id IS NOT NULL)",
    )
    op.create_index(op.f("hold_borrower_id_idx"), "hold", ["borrower_id"], unique=False)
    op.create_foreign_key(
        op.f("hold_borrower_id_fkey"), "hold", "borrower", ["borrower_id"], ["id"]
    )
    op.add_column("reply", sa.Column("contact_point_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("reply_contact_point_id_idx"), "reply", ["contact_point_id"], unique=False)
    op.create_foreign_key(
        op.f("reply_contact_point_id_fkey"), "reply", "contact_point", ["contact_point_id"], ["id"]
    )
    op.execute(HOLD_OF_LOAN)
    op.execute(REPLIES)
    op.drop_constraint("borrower_erased_means_all_of_it", "borrower")
    op.create_check_constraint(
        op.f("borrower_erased_means_all_of_it"),
        "borrower",
        "erased_at IS NULL OR (phone_encrypted IS NULL AND phone_blind_index IS NULL AND address_encrypted IS NULL AND identity_digest IS NULL)",
    )
