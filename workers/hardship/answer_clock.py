"""The watch over time: disputes and complaints that are near their deadline or late, answers whose
letter nobody printed, and duties."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from domain.disputes import Matter
from workers.context import Context
from workers.db.disputes import TABLES, set_clock
from workers.db.duties import watch_duties
from workers.db.schema import loan
from workers.db.typed_rows import columns_of, typed_rows

BATCH_SIZE = 200


class _Due(NamedTuple):
    id: int
    loan_id: int


def watch_answers(ctx: Context, *, limit: int = BATCH_SIZE) -> int:
    """Set the clocks anew of what has become near or late; returns how many have.

    Each is a problem of its loan and an event for the lender's systems, once. So is a duty that has
    become late, and an answer whose letter was not printed on the day of its decision, without an
    event. May run any number of times and at once: a loan that somebody
    else has locked waits for the next run.
    """
    now = ctx.now()
    changed = 0
    for matter in Matter:
        with ctx.engine.begin() as connection:
            if due := _due(connection, matter, now, limit):
                set_clock(connection, matter, [each.id for each in due], now)
            changed += len(due)
    with ctx.engine.begin() as connection:
        changed += watch_duties(connection, now, limit)
    return changed


def _due(connection: Connection, matter: Matter, now: datetime, limit: int) -> Sequence[_Due]:
    table = TABLES[matter]
    waiting = (
        select(*columns_of(_Due, table))
        .join(loan, loan.c.id == table.c.loan_id)
        .where(table.c.check_at <= now)
        .order_by(table.c.check_at, table.c.id)
        .limit(limit)
        .with_for_update(of=loan, key_share=True, skip_locked=True)
    )
    return typed_rows(_Due, connection.execute(waiting))
