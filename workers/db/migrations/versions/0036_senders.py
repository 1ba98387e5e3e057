"""An id belongs to the sender that gave it; what a corrected event said before is kept.

What is on record under an id counts as the lender's, whose systems may name it. Of the events, those
that a provider or the staff sent are told by their ids.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision = "0029"

STATUSES = "'received', 'applied', 'rejected', 'discarded'"


TABLES = ("adjustment", "hold", "inbox_event", "payment", "promise")


def upgrade() -> None:
    # An id without its sender's name may be that of another event until the senders are told.
    for table in TABLES:
        op.drop_constraint(op.f(f"{table}_external_id_key"), table, type_="unique")
    for table in ("adjustment", "payment", "promise"):
        op.add_column(
            table, sa.Column("sender", sa.Text(), nullable=False, server_default="lender")
        )
        op.alter_column(table, "sender", server_default=None)
    op.add_column("hold", sa.Column("sender", sa.Text(), nullable=True))
    op.execute("UPDATE hold SET sender = 'lender' WHERE external_id IS NOT NULL")
    op.create_check_constraint(
        op.f("hold_id_of_a_sender"), "hold", "(external_id IS NULL) = (sender IS NULL)"
    )
    op.add_column(
        "inbox_event", sa.Column("sender", sa.Text(), nullable=False, server_default="staff")
    )
    op.alter_column("inbox_event", "sender", server_default=None)
    op.execute("""
        UPDATE inbox_event SET sender = 'lender', external_id = substr(external_id, 8)
         WHERE external_id LIKE 'lender:%'
    """)
    op.execute("""
        UPDATE inbox_event SET sender = payload ->> 'provider',
               external_id = substr(external_id, length(payload ->> 'provider') + 2)
         WHERE kind = 'receipt' AND external_id LIKE (payload ->> 'provider') || ':%'
    """)
    op.execute("""
        UPDATE inbox_event SET sender = payload ->> 'provider',
               external_id = 'text:' || (payload ->> 'sid')
         WHERE kind = 'inbound_text' AND payload ->> 'provider' IS NOT NULL
    """)
    for table in TABLES:
        op.create_unique_constraint(
            op.f(f"{table}_external_id_sender_key"), table, ["external_id", "sender"]
        )
    op.create_table(
        "replaced_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"status IN ({STATUSES})", name=op.f("replaced_event_status_known")),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["inbox_event.id"],
            name=op.f("replaced_event_event_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("replaced_event_pkey")),
    )
    op.create_index(op.f("replaced_event_event_id_idx"), "replaced_event", ["event_id"])
