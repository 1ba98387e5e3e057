"""A loan has the amount lent and the day it was paid out; a party, its place on the tape.

Of the loans and parties on record neither is known: the next tape says it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0033"


def upgrade() -> None:
    op.add_column("loan", sa.Column("original_principal", sa.Numeric(18, 4), nullable=True))
    op.add_column("loan", sa.Column("disbursed_on", sa.Date(), nullable=True))
    op.create_check_constraint("original_principal_positive", "loan", "original_principal > 0")
    op.add_column("loan_party", sa.Column("tape_slot", sa.Text(), nullable=True))
