"""What somebody owes after a conversation: read in the order of its deadlines, and ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, true, update

from domain.contact_outcomes import ContactOutcome
from domain.errors import ReasonedError
from domain.language.speak import speak
from domain.outcome_follows import Owner
from domain.permissions import Permission
from domain.reasons import ReasonCode, because
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.schema import duty, loan
from workers.db.typed_rows import columns_of, typed_rows

MOST = 500


class Duty(NamedTuple):
    """One thing that somebody owes."""

    id: int
    loan: str
    """The lender's id of the loan."""
    outcome: ContactOutcome
    """The outcome that asks for it."""
    owner: Owner
    staff: str | None
    """The staff reference of the collector who owes it; None: any of its owners."""
    made_at: datetime
    due_at: datetime
    """By when; aware. One that is late is still owed."""


@permitted(Permission.READ_LOANS)
def read_duties(
    connection: Connection,
    ctx: Context,
    *,
    owners: Sequence[Owner] = tuple(Owner),
    loan_id: int | None = None,
    most: int = MOST,
) -> list[Duty]:
    """What is owed and not done yet, the nearest deadline first. Moments are in the lender's zone.

    With `loan_id`, only that of one loan.
    """
    owed = (
        select(*columns_of(Duty, duty, loan=loan.c.external_id))
        .join(loan, loan.c.id == duty.c.loan_id)
        .where(
            duty.c.ended_at.is_(None),
            duty.c.owner.in_(owners),
            duty.c.loan_id == loan_id if loan_id is not None else true(),
        )
        .order_by(duty.c.due_at, duty.c.id)
        .limit(most)
    )
    return typed_rows(Duty, connection.execute(owed), ctx.settings.lender_zone)


@permitted(Permission.RECORD_CONVERSATIONS)
def end_duty(ctx: Context, duty_id: int) -> None:
    """Record that what was owed is done, by whoever acts.

    Raises:
        ReasonedError: no such duty is open.
    """
    done = {"ended_at": ctx.now(), "ended_by": ctx.actor.reference}
    still_open = duty.c.ended_at.is_(None)
    with ctx.engine.begin() as connection:
        ended = connection.execute(
            update(duty).where(duty.c.id == duty_id, still_open).values(done)
        )
        if not ended.rowcount:
            why = because(ReasonCode.DUTY_NOT_OPEN, duty=duty_id)
            raise ReasonedError(speak(why), why)
