"""A refund has on record how much of it was not known to be left over.

What is left over of a payment that was never allocated, because a tape contained it, is not known.
Nothing becomes left over if the refund of it is taken back.
"""

from alembic import op

revision = "0048"
down_revision = "0045"


def upgrade() -> None:
    op.execute("""
        UPDATE payment_return r SET undone = r.amount
          FROM payment p
         WHERE r.payment_id = p.id AND r.kind = 'refund'
           AND p.in_tape_as_of IS NOT NULL AND p.unallocated = 0
           AND NOT EXISTS (SELECT FROM allocation a WHERE a.payment_id = p.id)
    """)
