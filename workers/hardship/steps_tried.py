"""What was tried before an arrangement counts after it, too: nobody has to try it anew."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from domain.past_actions import steps_tried
from workers.context import Context
from workers.db.loan_standing import load_standings
from workers.db.schema import loan
from workers.db.typed_rows import columns_of, typed_rows


class _Loan(NamedTuple):
    ladder_since: date | None
    steps_tried: list[str]
    steps_tried_at: date | None


def keep_steps_tried(connection: Connection, ctx: Context, loan_id: int, on: date) -> None:
    """After the arrangement of a locked loan ended, let steps that were tried before it count on
    the ladder on which the loan is now. The loan is reassessed already.

    The new schedule gives the ladder another start. What was done since the old start stays done.
    """
    by_id = select(*columns_of(_Loan, loan)).where(loan.c.id == loan_id)
    (stands,) = typed_rows(_Loan, connection.execute(by_id))
    standing = load_standings(connection, [loan_id], on)[loan_id]
    ladder = ctx.ladder_of(standing, on)
    if stands.ladder_since is None or ladder is None:
        return
    actions = [stored.past for stored in standing.actions]
    starts = {past.ladder_since for past in actions} | {stands.steps_tried_at}
    before = max((day for day in starts if day and day < stands.ladder_since), default=None)
    if before is None:
        return
    tried = steps_tried(ladder, actions, before)
    if stands.steps_tried_at == before:
        tried |= set(stands.steps_tried)
    if tried:
        counts = {"steps_tried": sorted(tried), "steps_tried_at": stands.ladder_since}
        connection.execute(update(loan).where(loan.c.id == loan_id).values(counts))
