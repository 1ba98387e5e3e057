"""Whether somebody may place a hold of such a length: alone, or because a supervisor agrees."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, select

from domain.actors import ActorKind
from domain.events import STAFF, RejectedError
from domain.hold_limits import (
    HOLD_LIMITS,
    STARTS_WITHIN,
    HoldLimit,
    Length,
    paused_since,
    review_length,
)
from domain.holds import Hold, HoldKind
from domain.permissions import Permission, may
from domain.reasons import ReasonCode, because
from domain.staffing import StaffingTerms, terms_on
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context
from workers.db.schema import borrower, hold
from workers.db.typed_rows import columns_of, typed_rows


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
    loan_ids: Sequence[int] = (),
) -> None:
    """Check that whoever acts may place a hold up to a day, with what a law adds; None: until its
    release.

    A member of staff who is neither supervisor nor lawyer asks for a second person beyond the
    limit, which counts from the first day of the pauses right before it; and for one that starts
    before today. A machine lets a supervisor place it. What an event of the lender's systems says,
    the lender has decided, up to what nobody may. `borrower_id` says whose the hold is; None: it is
    not known yet, and nobody is asked. `loan_ids` are the loans that it pauses.

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
    staffing = terms_on(ctx.policy.staffing, today)
    limit = staffing.limit_of(HoldKind(new.kind))
    since = new.starts_on
    if limit.alone is not None and not may(ctx.actor, Permission.AGREE_TO_HOLDS):
        pauses = _placed_by_staff(connection, staffing, borrower_id, loan_ids)
        since = min(today, paused_since(pauses, since))
    length = review_length(limit, ends_on, today, since)
    if length is Length.ALONE and limit.alone is not None and new.starts_on < today:
        length = Length.AGREED
    match length:
        case Length.TOO_LONG:
            raise RejectedError(
                ReasonCode.HOLD_TOO_LONG,
                hold_id=new.hold,
                ends_on=ends_on,
                latest=today + timedelta(days=limit.at_most),
            )
        case Length.AGREED:
            _assert_agreed(connection, ctx, new, limit, ends_on, since, borrower_id)


def _placed_by_staff(
    connection: Connection,
    staffing: StaffingTerms,
    borrower_id: ColumnElement[int] | None,
    loan_ids: Sequence[int],
) -> list[Hold]:
    """The pauses of some loans and of their person that staff placed, and may place only so long
    alone."""
    if borrower_id is None:
        return []
    of_person = select(borrower.c.person_id).where(borrower.c.id == borrower_id)
    records = select(borrower.c.id).where(borrower.c.person_id == of_person.scalar_subquery())
    limited = [kind for kind in HOLD_LIMITS if staffing.limit_of(kind).alone is not None]
    placed = select(*columns_of(Hold, hold)).where(
        hold.c.loan_id.in_(loan_ids) | hold.c.borrower_id.in_(records),
        hold.c.sender == STAFF,
        hold.c.kind.in_(limited),
    )
    return typed_rows(Hold, connection.execute(placed))


def _assert_agreed(
    connection: Connection,
    ctx: Context,
    new: Asked,
    limit: HoldLimit,
    ends_on: date | None,
    since: date,
    borrower_id: ColumnElement[int] | None,
) -> None:
    if may(ctx.actor, Permission.AGREE_TO_HOLDS):
        return
    alone = timedelta(days=limit.alone or 0)
    why = because(
        ReasonCode.HOLD_NEEDS_SUPERVISOR, hold_id=new.hold, hold=new.kind, latest=since + alone
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
