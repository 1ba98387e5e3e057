"""Whether somebody may place a hold of such a length: alone, or because a supervisor agrees."""

from datetime import date, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, select

from domain.actors import ActorKind
from domain.events import RejectedError
from domain.hold_limits import STARTS_WITHIN, HoldLimit, Length, review_length
from domain.holds import HoldKind
from domain.permissions import Permission, may
from domain.reasons import ReasonCode, because
from domain.staffing import terms_on
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context


class Asked(Protocol):
    """What is asked about a new hold."""

    @property
    def hold(self) -> str: ...
    @property
    def loan(self) -> str | None: ...
    @property
    def borrower(self) -> str | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def starts_on(self) -> date: ...
    @property
    def why(self) -> str | None: ...


def assert_length(
    connection: Connection,
    ctx: Context,
    new: Asked,
    ends_on: date | None,
    today: date,
    borrower_id: ColumnElement[int] | None = None,
) -> None:
    """Check that whoever acts may place a hold up to a day, with what a law adds; None: until its
    release.

    A member of staff who is neither supervisor nor lawyer asks for a second person beyond the
    limit; a machine lets a supervisor place it. What an event of the lender's systems says, the
    lender has decided, up to what nobody may. `borrower_id` says whose the hold is; None: it is not
    known yet, and nobody is asked.

    Raises:
        RejectedError: it is over, starts too far ahead, or is longer than anybody may place it; or
            a machine may not place it.
        SecondPersonNeededError: somebody must agree, and has not done so yet.
    """
    if ends_on is not None and ends_on <= today:
        raise RejectedError(ReasonCode.HOLD_IS_OVER, hold_id=new.hold, ends_on=ends_on, today=today)
    latest = today + STARTS_WITHIN
    if new.starts_on > latest:
        raise RejectedError(
            ReasonCode.HOLD_STARTS_TOO_LATE,
            hold_id=new.hold,
            starts_on=new.starts_on,
            latest=latest,
        )
    limit = terms_on(ctx.policy.staffing, today).limit_of(HoldKind(new.kind))
    match review_length(limit, ends_on, today):
        case Length.TOO_LONG:
            raise RejectedError(
                ReasonCode.HOLD_TOO_LONG,
                hold_id=new.hold,
                ends_on=ends_on,
                latest=today + timedelta(days=limit.at_most),
            )
        case Length.AGREED:
            _assert_agreed(connection, ctx, new, limit, ends_on, today, borrower_id)


def _assert_agreed(
    connection: Connection,
    ctx: Context,
    new: Asked,
    limit: HoldLimit,
    ends_on: date | None,
    today: date,
    borrower_id: ColumnElement[int] | None,
) -> None:
    if may(ctx.actor, Permission.AGREE_TO_HOLDS):
        return
    alone = timedelta(days=limit.alone or 0)
    why = because(
        ReasonCode.HOLD_NEEDS_SUPERVISOR, hold_id=new.hold, hold=new.kind, latest=today + alone
    )
    if ctx.actor.kind is not ActorKind.STAFF or borrower_id is None:
        raise RejectedError.for_reasons(why)
    facts = {
        "loan": new.loan,
        "borrower": new.borrower,
        "hold": new.hold,
        "kind": new.kind,
        "first day": new.starts_on.isoformat(),
        "until": (ends_on - timedelta(days=1)).isoformat() if ends_on else None,
    }
    asked = ToGrant(Permission.AGREE_TO_HOLDS, why, facts, {"why": new.why})
    of_borrower = connection.execute(select(borrower_id)).scalar()
    with_second_person(connection, ctx, asked, borrower_id=of_borrower)
