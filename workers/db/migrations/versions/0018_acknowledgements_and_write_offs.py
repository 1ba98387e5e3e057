"""Every acknowledgement of a debt is kept, with its proof; before, only the last day was.

A payment set that day too. Payments are on record, so what is taken over has another day than each of
them that counts, and a proof that nobody has said. Acknowledgements before the last are in their
events, as long as these are kept. Who wrote a loan off, and why, was in the event only.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "acknowledgement",
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_on", sa.Date(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "proof IN ('signed', 'written', 'recorded', 'not_said')",
            name=op.f("acknowledgement_proof_known"),
        ),
        sa.ForeignKeyConstraint(
            ["loan_id"], ["loan.id"], name=op.f("acknowledgement_loan_id_fkey")
        ),
        sa.PrimaryKeyConstraint(
            "loan_id", "acknowledged_on", "proof", name=op.f("acknowledgement_pkey")
        ),
    )
    op.execute(
        """
        INSERT INTO acknowledgement (loan_id, acknowledged_on, proof, recorded_at)
        SELECT l.id, l.acknowledged_on, 'not_said', now()
          FROM loan l
         WHERE l.acknowledged_on IS NOT NULL
           AND NOT EXISTS (SELECT FROM payment p
                            WHERE p.loan_id = l.id AND p.paid_on = l.acknowledged_on
                              AND p.reversed_on IS NULL)
         UNION
        SELECT l.id, CAST(e.payload ->> 'acknowledged_on' AS date), 'not_said', now()
          FROM inbox_event e JOIN loan l ON l.external_id = e.payload ->> 'loan'
         WHERE e.kind = 'acknowledgement' AND e.status = 'applied'
        """
    )
    op.drop_column("loan", "acknowledged_on")
    op.add_column("loan", sa.Column("written_off_by", sa.Text()))
    op.add_column("loan", sa.Column("written_off_why", sa.Text()))
    op.execute(
        """
        UPDATE loan
           SET written_off_by = e.payload ->> 'actor', written_off_why = e.payload ->> 'why'
          FROM inbox_event e
         WHERE e.kind = 'write_off' AND e.status = 'applied'
           AND loan.written_off_on IS NOT NULL AND e.payload ->> 'loan' = loan.external_id
        """
    )
