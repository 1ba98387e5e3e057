"""Ids of what went back, of restructurings and of contacts that a person began have a sender.

Whose the ids on record are is read from their events. Where the event is deleted, what went back
counts as told by the sender of its payment, and a restructuring as told by the lender. Contacts are
evidence and do not change: the sender of those on record is not known.

A corrected event has the moment of its correction. What an event said before it was corrected has
no keyed hash any more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0043"

# The first event that was applied under an id recorded it.
_RETURNS = """
WITH events AS (
    SELECT DISTINCT ON (p.id, e.kind, e.payload ->> e.field)
           p.id AS payment_id, e.kind, e.payload ->> e.field AS external_id, e.sender
      FROM (SELECT id, kind, sender, payload,
                   CASE kind WHEN 'refund' THEN 'refund' ELSE 'reversal' END AS field
              FROM inbox_event
             WHERE kind IN ('refund', 'reversal') AND status = 'applied') e
      JOIN payment p ON p.external_id = e.payload ->> 'payment'
       AND (p.sender = coalesce(e.payload ->> 'sender', e.sender)
            OR e.sender = 'staff' AND e.payload ->> 'sender' IS NULL)
     WHERE e.payload ->> e.field IS NOT NULL
     ORDER BY p.id, e.kind, e.payload ->> e.field, e.id)
UPDATE payment_return r SET sender = e.sender
  FROM events e
 WHERE e.payment_id = r.payment_id AND e.kind = r.kind AND e.external_id = r.external_id
"""

_OF_PAYMENTS = """
UPDATE payment_return r SET sender = p.sender
  FROM payment p
 WHERE p.id = r.payment_id AND r.external_id IS NOT NULL AND r.sender IS NULL
"""

_RESTRUCTURINGS = """
WITH events AS (
    SELECT DISTINCT ON (payload ->> 'restructuring')
           payload ->> 'restructuring' AS external_id, sender
      FROM inbox_event
     WHERE kind = 'restructuring' AND status = 'applied'
     ORDER BY payload ->> 'restructuring', id)
UPDATE replaced_schedule s SET sender = e.sender
  FROM events e
 WHERE e.external_id = s.external_id
"""

_OF_LENDER = """
UPDATE replaced_schedule SET sender = 'lender' WHERE external_id IS NOT NULL AND sender IS NULL
"""


def upgrade() -> None:
    for table, by_event, without_event in (
        ("payment_return", _RETURNS, _OF_PAYMENTS),
        ("replaced_schedule", _RESTRUCTURINGS, _OF_LENDER),
    ):
        op.add_column(table, sa.Column("sender", sa.Text(), nullable=True))
        op.execute(by_event)
        op.execute(without_event)
        op.create_check_constraint(
            op.f(f"{table}_id_of_a_sender"), table, "(external_id IS NULL) = (sender IS NULL)"
        )
    op.drop_constraint(op.f("payment_return_payment_id_kind_external_id_key"), "payment_return")
    op.create_unique_constraint(
        op.f("payment_return_payment_id_kind_external_id_sender_key"),
        "payment_return",
        ["payment_id", "kind", "external_id", "sender"],
    )
    op.drop_constraint(op.f("replaced_schedule_external_id_key"), "replaced_schedule")
    op.create_unique_constraint(
        op.f("replaced_schedule_external_id_sender_key"),
        "replaced_schedule",
        ["external_id", "sender"],
    )
    op.add_column("contact", sa.Column("sender", sa.Text(), nullable=True))
    op.drop_constraint(op.f("contact_attempt_key"), "contact")
    op.create_index(
        "contact_attempt_sender_idx",
        "contact",
        ["attempt", "sender"],
        unique=True,
        postgresql_where=sa.text("attempt IS NOT NULL"),
    )
    op.create_index(
        "contact_attempt_idx",
        "contact",
        ["attempt"],
        unique=True,
        postgresql_where=sa.text("attempt IS NOT NULL AND sender IS NULL"),
    )
    op.add_column(
        "inbox_event", sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.execute("UPDATE replaced_event SET payload = payload - 'digest' WHERE payload ? 'digest'")
