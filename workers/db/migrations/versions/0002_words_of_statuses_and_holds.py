"""A text that its provider could not send is `send_failed`; a promise's hold has no sentence."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # `failed` is the status of an action, and meant something else of a text.
    op.drop_constraint(op.f("message_status_known"), "message")
    op.execute("UPDATE message SET status = 'send_failed' WHERE status = 'failed'")
    op.create_check_constraint(
        op.f("message_status_known"),
        "message",
        "status IN ('reserved', 'unknown', 'parked', 'not_sent', 'refused', 'accepted', 'sent', "
        "'undelivered', 'send_failed', 'delivered')",
    )
    # Receipts that are not applied yet; and applied ones, so that the same receipt is known again.
    op.execute(
        "UPDATE inbox_event SET payload = jsonb_set(payload, '{status}', '\"send_failed\"')"
        " WHERE kind = 'receipt' AND payload ->> 'status' = 'failed'"
    )
    op.alter_column("hold", "why", nullable=True)
    op.execute("UPDATE hold SET why = NULL WHERE kind = 'promise'")
