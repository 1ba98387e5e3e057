"""The calls of the work list: open, assigned, one for each person and collector."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
)

from domain.actions import ActionStatus
from domain.collectors import Span
from workers.access.may_handle import readable
from workers.context import Context
from workers.db.actions import action_is_current
from workers.db.open_calls import place_of
from workers.db.pages import Asked, Listing, Page, count_rows, maker, of_loan, read_page
from workers.db.parties import role_of_contacted, with_contacted
from workers.db.schema import action, borrower, call, contact, contact_outcome, loan, staff
from workers.db.spoken_language import spoken_language
from workers.db.typed_rows import columns_of
from workers.staff.work_items import CallToMake, Kind


def read_calls(
    connection: Connection, ctx: Context, day: Span, staff_id: int | None, asked: Asked
) -> Page[CallToMake]:
    """The calls that were assigned up to the end of `day`, of one member of staff or of all."""
    columns = columns_of(
        CallToMake,
        call,
        action,
        staff=staff.c.external_id,
        loan=loan.c.external_id,
        other_loans=func.array(_other_loans().scalar_subquery()),
        other_purposes=func.array(_other_purposes().scalar_subquery()),
        must_learn=func.array(_of_any_row(_PART.c.must_learn).scalar_subquery()),
        may_offer=func.array(_of_any_row(_PART.c.may_offer).scalar_subquery()),
        party=role_of_contacted(),
        record=borrower.c.external_id,
        tries=_attempts(),
        language=spoken_language(),
        started_as=_open_attempt(),
        callback_at=_callback(),
    )
    rows = (
        select(*columns)
        .select_from(with_contacted(action.join(loan, loan.c.id == action.c.loan_id)))
        .join(call, call.c.action_id == action.c.id)
        .join(staff, staff.c.id == call.c.staff_id)
        .where(
            call.c.assigned_at < day.ends_at,
            call.c.cancelled_at.is_(None),
            action.c.status == ActionStatus.ASSIGNED,
            action_is_current(),
            ~_rows_of_call(_PART.c.id).where(_BEFORE).exists(),
            call.c.staff_id == staff_id if staff_id is not None else true(),
            *of_loan(call.c.loan_id, asked),
            *readable(ctx.actor, borrower.c.id, loan.c.borrower_id),
        )
    )
    listing = Listing(
        Kind.CALLS,
        rows,
        (staff.c.external_id, call.c.id),
        maker(CallToMake, ctx.settings.lender_zone),
        count_rows(rows, action.c.item),
    )
    return read_page(connection, listing, asked)


_PART, _PART_ACTION, _PART_LOAN = (
    call.alias("part"),
    action.alias("part_action"),
    loan.alias("part_loan"),
)


_BEFORE = literal_column(f"{place_of('part_action')} < {place_of('action')}", Boolean)


def _rows_of_call(*columns: ColumnElement[Any]) -> Select[tuple[Any]]:
    """What is still to be called about in a `call`, the row itself too."""
    first = func.coalesce(call.c.part_of, call.c.id)
    return (
        select(*columns)
        .select_from(_PART)
        .join(_PART_ACTION, _PART_ACTION.c.id == _PART.c.action_id)
        .join(_PART_LOAN, _PART_LOAN.c.id == _PART.c.loan_id)
        .where(
            or_(_PART.c.id == first, _PART.c.part_of == first),
            _PART.c.cancelled_at.is_(None),
            _PART_ACTION.c.status == ActionStatus.ASSIGNED,
        )
        .correlate(call, action)
    )


def _other_loans() -> Select[tuple[str]]:
    """The lender's ids of the other loans that a `call` is still about."""
    loan_id = _PART_LOAN.c.external_id
    other = _rows_of_call(loan_id).where(_PART.c.loan_id != call.c.loan_id)
    return other.group_by(loan_id).order_by(func.min(_PART.c.id))


def _other_purposes() -> Select[tuple[str]]:
    purpose = _PART.c.purpose
    other = _rows_of_call(purpose).where(purpose != call.c.purpose)
    return other.group_by(purpose).order_by(func.min(_PART.c.id))


def _of_any_row(words: ColumnElement[Any]) -> Select[tuple[str]]:
    """Each of these words of any of its rows, once, in the order of the alphabet."""
    each = func.unnest(words)
    return _rows_of_call(each).distinct().order_by(each)


def _attempts() -> ScalarSelect[int]:
    return (
        select(func.count()).where(contact.c.action_id == action.c.id).correlate(action)
    ).scalar_subquery()


def _callback() -> ScalarSelect[datetime]:
    """The moment that the borrower named last, in an attempt at this call."""
    return (
        select(contact_outcome.c.callback_at)
        .join(contact, contact.c.id == contact_outcome.c.contact_id)
        .where(contact.c.action_id == action.c.id, contact_outcome.c.callback_at.is_not(None))
        .order_by(contact.c.id.desc())
        .limit(1)
        .correlate(action)
    ).scalar_subquery()


def _open_attempt() -> ScalarSelect[str]:
    has_outcome = exists().where(contact_outcome.c.contact_id == contact.c.id)
    first = contact.alias("first")
    return (
        select(func.max(first.c.attempt))
        .select_from(contact)
        .join(first, first.c.id == func.coalesce(contact.c.part_of, contact.c.id))
        .where(contact.c.action_id == action.c.id, ~has_outcome)
        .correlate(action)
    ).scalar_subquery()
