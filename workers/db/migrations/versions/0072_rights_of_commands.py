"""What no service may do: hold the lock of the chain, or write what a person was permitted.

One transaction at a time makes links. It locks a table that only the owner may lock, in the place
of an advisory lock, which every role may hold for ever.
"""

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0075"

_BEFORE = """    IF NOT pg_try_advisory_xact_lock(1095914053) THEN
        RETURN 0;
    END IF;
"""
# SELECT allows nobody this lock, and no role of a service has any other right to this table. It is
# written so seldom that autovacuum, which would be in the way, does not visit it.
_NOW = """    BEGIN
        LOCK TABLE evidence_set_aside IN SHARE ROW EXCLUSIVE MODE NOWAIT;
    EXCEPTION WHEN lock_not_available THEN
        RETURN 0;
    END;
"""


def upgrade() -> None:
    function = op.get_bind().scalar(
        sa.text("SELECT pg_get_functiondef('link_evidence(integer, timestamptz)'::regprocedure)")
    )
    if _BEFORE not in function:
        raise RuntimeError("link_evidence is not what an earlier revision made")
    op.get_bind().exec_driver_sql(function.replace(_BEFORE, _NOW))
    op.alter_column("permission_use", "actor_kind", server_default="machine")
