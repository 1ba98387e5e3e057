"""What is not applied yet holds back everybody whom it would reach; a person's opt-out stays theirs.

A pending outcome of a call, what somebody says that a text means, the end of a consent and a
provider's report about a number stopped no contact. Events that wait now do so from here on. The
number in a change of contacts that waits is encrypted and cannot be found: it holds back its
borrower, as before.

Revision 0004 made an opt-out that came by text a fact of the number that the borrower had on that
day, and of that number alone. Before, it was the borrower's, whatever number came later. So it is
a fact of the person too: of whoever has the number, and of whoever had it when it was sent a text
before the opt-out. A text that says START ends it, as it always did. Nothing tells an opt-out
of before 0004 from one that came since, so all of them count: no text goes out that should not.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

KEYS = ("other", "attempt", "reply", "number")

PENDING = """
UPDATE inbox_event SET stops_contact = true
 WHERE status = 'received'
   AND kind IN ('contact_outcome', 'reply_read', 'person_fact_end', 'receipt');
UPDATE inbox_event SET reaches_number = true
 WHERE status = 'received' AND kind IN ('contact_change', 'number_fact', 'opt_out');
UPDATE inbox_event e
   SET payload = e.payload || jsonb_build_object('number', encode(c.number_blind_index, 'hex'))
  FROM message m JOIN contact c ON c.id = m.contact_id
 WHERE e.status = 'received' AND e.kind = 'receipt' AND e.payload ? 'number_fact'
   AND c.number_blind_index IS NOT NULL
   AND (m.id::text = e.payload ->> 'message_id'
        OR e.payload ->> 'message_id' IS NULL
           AND m.provider = e.payload ->> 'provider' AND m.sid = e.payload ->> 'sid');
"""

OPT_OUTS = """
INSERT INTO person_fact (borrower_id, kind, channel, since, source, source_kind)
SELECT b.id, 'no_channel', 'sms', f.since, f.source, f.source_kind
  FROM contact_point_fact f
  JOIN contact_point n ON n.id = f.contact_point_id
  JOIN borrower b ON b.phone_blind_index = n.blind_index
       OR b.id IN (SELECT c.borrower_id FROM contact c
                    WHERE c.number_blind_index = n.blind_index AND c.at <= f.since)
 WHERE f.kind = 'opted_out' AND f.ended_at IS NULL AND f.source_kind IN ('borrower', 'provider')
ON CONFLICT DO NOTHING;
"""


def upgrade() -> None:
    op.add_column(
        "inbox_event",
        sa.Column("reaches_number", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.alter_column("inbox_event", "reaches_number", server_default=None)
    op.execute(PENDING)
    for key in KEYS:
        op.create_index(
            f"inbox_event_{key}_waiting_idx",
            "inbox_event",
            [sa.literal_column(f"(payload ->> '{key}')")],
            unique=False,
            postgresql_where=sa.text(f"status = 'received' AND (payload ->> '{key}') IS NOT NULL"),
        )
    op.execute(OPT_OUTS)
