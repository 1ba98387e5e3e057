"""The numbers that a record had before are kept, as their keyed hashes: whoever comes in with the
same name and one of them is the same person.

Of earlier changes, contacts show the numbers. A number of a text that nobody has any more comes
back as its hash; one of a call does not, because it may have had an extension.
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0042"

TEXTED = """
INSERT INTO contact_point (kind, blind_index)
SELECT DISTINCT 'number', c.number_blind_index
  FROM contact c JOIN borrower b ON b.id = c.borrower_id
 WHERE c.channel = 'sms' AND c.number_blind_index IS NOT NULL AND b.erased_at IS NULL
ON CONFLICT DO NOTHING
"""

CONTACTED = """
INSERT INTO former_number (contact_point_id, borrower_id)
SELECT DISTINCT p.id, c.borrower_id
  FROM contact c
  JOIN borrower b ON b.id = c.borrower_id
  JOIN contact_point p ON p.blind_index = c.number_blind_index
 WHERE c.party IN ('borrower', 'co_borrower', 'guarantor') AND c.purpose IS NULL
   AND b.erased_at IS NULL
   AND NOT EXISTS (SELECT FROM borrower_number n
                    WHERE n.contact_point_id = p.id AND n.borrower_id = c.borrower_id)
"""


def upgrade() -> None:
    op.create_table(
        "former_number",
        sa.Column("contact_point_id", sa.BigInteger(), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_point_id"],
            ["contact_point.id"],
            name=op.f("former_number_contact_point_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("former_number_borrower_id_fkey")
        ),
        sa.PrimaryKeyConstraint("contact_point_id", "borrower_id", name=op.f("former_number_pkey")),
    )
    op.create_index(op.f("former_number_borrower_id_idx"), "former_number", ["borrower_id"])
    op.execute(TEXTED)
    op.execute(CONTACTED)
