"""What is asked about one loan is found by an index; tables that change often are vacuumed often.

Run it while no worker runs, as any other: each index locks its table for as long as it is built.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BY_LOAN = ("collection_case", "problem", "promise", "reply")
CHANGE_OFTEN = ("action", "message", "inbox_event", "outbox_event")


def upgrade() -> None:
    for table in BY_LOAN:
        op.create_index(op.f(f"{table}_loan_id_idx"), table, ["loan_id"])
    for table in ("call", "visit"):
        op.create_index(op.f(f"{table}_action_id_idx"), table, ["action_id"])
    op.drop_constraint("receipt_once", "receipt", type_="unique")
    op.create_unique_constraint("receipt_once", "receipt", ["message_id", "sid", "status"])
    op.drop_index("action_unknown_idx", table_name="action")
    op.create_index(
        "action_for_people_idx",
        "action",
        ["status", "id"],
        postgresql_where=sa.text("status IN ('arranged', 'awaiting_approval', 'dead', 'unknown')"),
    )
    op.drop_index("inbox_event_loan_waiting_idx", table_name="inbox_event")
    op.create_index(
        "inbox_event_loan_unapplied_idx",
        "inbox_event",
        [sa.literal_column("(payload ->> 'loan')")],
        postgresql_where=sa.text("status <> 'applied' AND (payload ->> 'loan') IS NOT NULL"),
    )
    for table in CHANGE_OFTEN:
        op.execute(f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02)")
