"""A text that did not arrive was not tried: its action says so, and may have a next try.

Until now such an action stayed done, and a later step that requires it waited for ever.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0035"

FAILED = "('undelivered', 'send_failed')"


def upgrade() -> None:
    for table in ("action", "message"):
        op.add_column(
            table, sa.Column("try_number", sa.SmallInteger(), server_default="1", nullable=False)
        )
    op.drop_index("message_one_live_per_action", "message")
    op.create_index(
        "message_one_live_per_try",
        "message",
        ["action_id", "try_number"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('not_sent', 'refused')"),
    )
    op.drop_constraint(op.f("action_status_known"), "action")
    op.create_check_constraint(
        op.f("action_status_known"),
        "action",
        "status IN ('planned', 'awaiting_approval', 'deferred', 'claimed', 'failed', 'unknown', "
        "'dead', 'discarded', 'skipped', 'assigned', 'done', 'undelivered', 'cancelled', "
        "'barred')",
    )
    op.drop_constraint(op.f("contact_point_fact_kind_known"), "contact_point_fact")
    op.create_check_constraint(
        op.f("contact_point_fact_kind_known"),
        "contact_point_fact",
        "kind IN ('opted_out', 'reaches_nobody', 'somebody_else', 'no_texts', 'at_work', "
        "'shared', 'refused', 'has_extension', 'inconvenient', 'unread_reply', 'not_delivered')",
    )
    op.execute(f"""
        WITH failed AS (
            SELECT DISTINCT ON (action.id) action.id, message.code, message.changed_at AS at
              FROM action JOIN message ON message.action_id = action.id
             WHERE action.status = 'done' AND message.status IN {FAILED}
             ORDER BY action.id, message.changed_at DESC
        ), moved AS (
            UPDATE action
               SET status = 'undelivered', due_at = now(), changed_at = now(), rules = '{{}}',
                   reason = jsonb_build_array(jsonb_build_object('not_delivered',
                       jsonb_build_object('provider_code', coalesce(failed.code, 'none'))))
              FROM failed WHERE action.id = failed.id
         RETURNING action.id, action.reason, action.due_at
        )
        INSERT INTO action_event (action_id, at, from_status, to_status, due_at, reason, rules)
        SELECT id, due_at, 'done', 'undelivered', due_at, reason, '{{}}' FROM moved
    """)  # noqa: S608 put together from constants
