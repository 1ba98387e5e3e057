"""Several numbers of a record, in order; an address is a contact point too.

The number of a record becomes the first of its numbers. The new columns of contacts are empty in
older rows: the hash of a row of evidence covers what is not null. The hash of an address is made by
`arrears migrate` after this, because a migration has no keys.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"

POINTS = """
INSERT INTO contact_point (blind_index)
SELECT DISTINCT phone_blind_index FROM borrower WHERE phone_blind_index IS NOT NULL
 ORDER BY 1
ON CONFLICT DO NOTHING
"""

NUMBERS = """
INSERT INTO borrower_number (borrower_id, position, contact_point_id, number_encrypted, tape_field)
SELECT b.id, 1, n.id, b.phone_encrypted, 1
  FROM borrower b JOIN contact_point n ON n.blind_index = b.phone_blind_index
 WHERE b.phone_encrypted IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("contact", sa.Column("address_blind_index", sa.LargeBinary(), nullable=True))
    op.add_column(
        "contact",
        sa.Column("passed_over", postgresql.JSONB(none_as_null=True), nullable=True),
    )
    op.add_column(
        "contact_point",
        sa.Column("kind", sa.Text(), server_default="number", nullable=False),
    )
    op.create_check_constraint(
        op.f("contact_point_kind_known"),
        "contact_point",
        "kind IN ('number', 'extension', 'address')",
    )
    op.drop_constraint(op.f("contact_point_fact_kind_known"), "contact_point_fact")
    op.create_check_constraint(
        op.f("contact_point_fact_kind_known"),
        "contact_point_fact",
        "kind IN ('opted_out', 'reaches_nobody', 'somebody_else', 'no_texts', 'at_work', "
        "'shared', 'refused', 'has_extension', 'inconvenient', 'unread_reply')",
    )
    op.create_table(
        "borrower_number",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("contact_point_id", sa.BigInteger(), nullable=False),
        sa.Column("number_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("tape_field", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint("position > 0", name=op.f("borrower_number_position_positive")),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("borrower_number_borrower_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["contact_point_id"],
            ["contact_point.id"],
            name=op.f("borrower_number_contact_point_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("borrower_number_pkey")),
        sa.UniqueConstraint(
            "borrower_id", "position", name=op.f("borrower_number_borrower_id_position_key")
        ),
    )
    op.execute(POINTS)
    op.execute(NUMBERS)
    op.create_index(
        "borrower_number_once", "borrower_number", ["contact_point_id", "borrower_id"], unique=True
    )
    op.drop_constraint(op.f("borrower_erased_means_all_of_it"), "borrower")
    op.drop_index("borrower_identity_idx", "borrower")
    op.drop_index(op.f("borrower_phone_blind_index_idx"), "borrower")
    op.drop_column("borrower", "identity_digest")
    op.drop_column("borrower", "phone_blind_index")
    op.drop_column("borrower", "phone_encrypted")
    op.add_column("borrower", sa.Column("address_point_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("borrower_address_point_id_fkey"),
        "borrower",
        "contact_point",
        ["address_point_id"],
        ["id"],
    )
    op.create_index(
        op.f("borrower_address_point_id_idx"), "borrower", ["address_point_id"], unique=False
    )
    op.create_check_constraint(
        op.f("borrower_erased_means_all_of_it"),
        "borrower",
        "erased_at IS NULL OR (address_encrypted IS NULL AND address_point_id IS NULL AND "
        "name_digest IS NULL AND tape_digests = '{}')",
    )
    op.create_check_constraint(
        op.f("borrower_address_has_its_value"),
        "borrower",
        "address_point_id IS NULL OR address_encrypted IS NOT NULL",
    )
