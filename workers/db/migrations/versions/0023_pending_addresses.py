"""What waits about an address, or about several numbers, holds back everybody whom it would reach.

An event that waited about an address held back its borrower alone. The numbers in a change of
contacts that waits already are encrypted and cannot be found: of several it holds back who has the
first one, as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column(
        "inbox_event",
        sa.Column("reaches_address", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.alter_column("inbox_event", "reaches_address", server_default=None)
    op.execute(
        "UPDATE inbox_event SET reaches_address = true WHERE status = 'received'"
        " AND kind IN ('address_fact', 'address_fact_end', 'letter_returned')"
    )
    op.create_index(
        "contact_address_blind_index_idx",
        "contact",
        ["address_blind_index"],
        unique=False,
        postgresql_where=sa.text("address_blind_index IS NOT NULL"),
    )
    op.create_index(
        "inbox_event_numbers_waiting_idx",
        "inbox_event",
        [sa.literal_column("(payload -> 'numbers')")],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("status = 'received' AND (payload -> 'numbers') IS NOT NULL"),
    )
