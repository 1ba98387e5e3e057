"""Who is who: what a tape said last of each field, and every status that a pair of records had.

What a tape said last of a borrower was one hash of all fields, which tells nothing of one field. So
the next tape counts as the first one, except for what an event changed meanwhile: that stays until
a tape changes it. Hashes of names are made with the next tape too: only then are records joined
whose name and number agree.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

# Whoever had the id of a loan keeps it, in the space of ids that no customer can have.
BORROWERS_OF_LOANS = """
UPDATE borrower b SET external_id = 'loan:' || b.external_id
 WHERE EXISTS (SELECT FROM loan l WHERE l.borrower_id = b.id AND l.external_id = b.external_id)
   AND NOT EXISTS (SELECT FROM loan l
                    WHERE l.borrower_id = b.id AND l.external_id <> b.external_id);
UPDATE inbox_event e SET payload = jsonb_set(payload, '{borrower}', to_jsonb(b.external_id))
  FROM borrower b
 WHERE b.external_id = 'loan:' || (e.payload ->> 'borrower');
"""

CHANGED_BY_EVENT = """
UPDATE borrower b
   SET tape_digests = (SELECT jsonb_object_agg(field, 'kept')
                         FROM unnest(ARRAY['phone', 'address', 'zones', 'locale']) field
                        WHERE e.changed ?| ARRAY[field, field || '_encrypted'])
  FROM (SELECT payload ->> 'borrower' AS borrower, jsonb_object_agg(key, true) AS changed
          FROM inbox_event, jsonb_object_keys(payload) key
         WHERE kind = 'contact_change' AND status = 'applied'
         GROUP BY 1) e
 WHERE e.borrower = b.external_id AND b.erased_at IS NULL
   AND e.changed ?| ARRAY['phone_encrypted', 'address_encrypted', 'zones', 'locale'];
"""


def upgrade() -> None:
    op.drop_constraint(op.f("borrower_erased_means_all_of_it"), "borrower")
    op.drop_index("borrower_identity_idx", "borrower")
    op.drop_column("borrower", "identity_digest")
    op.drop_column("borrower", "facts_digest")
    op.add_column("borrower", sa.Column("name_digest", sa.LargeBinary(), nullable=True))
    op.add_column(
        "borrower",
        sa.Column("tape_digests", postgresql.JSONB(), server_default="{}", nullable=False),
    )
    op.add_column(
        "borrower",
        sa.Column(
            "identity_digest",
            sa.LargeBinary(),
            sa.Computed("sha256(name_digest || phone_blind_index)", persisted=True),
            nullable=True,
        ),
    )
    op.create_index("borrower_identity_idx", "borrower", ["identity_digest"], unique=False)
    op.create_check_constraint(
        op.f("borrower_erased_means_all_of_it"),
        "borrower",
        "erased_at IS NULL OR (phone_encrypted IS NULL AND phone_blind_index IS NULL AND address_encrypted IS NULL AND name_digest IS NULL AND tape_digests = '{}')",
    )
    op.create_table(
        "same_person_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('presumed', 'confirmed', 'parted')",
            name=op.f("same_person_change_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("same_person_change_borrower_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["borrower.id"], name=op.f("same_person_change_other_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("same_person_change_pkey")),
    )
    for column in ("borrower_id", "other_id"):
        op.create_index(
            op.f(f"same_person_change_{column}_idx"), "same_person_change", [column], unique=False
        )
    op.execute(
        "INSERT INTO same_person_change (borrower_id, other_id, status, reason, at, actor) "
        "SELECT borrower_id, other_id, status, reason, coalesce(decided_at, made_at), actor "
        "FROM same_person"
    )
    op.execute(BORROWERS_OF_LOANS)
    op.execute(CHANGED_BY_EVENT)
