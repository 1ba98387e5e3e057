"""Adjustments: charges, waivers, instalments left out, accelerations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection

from domain.adjustments import (
    AdjustedPart,
    Adjustment,
    AdjustmentKind,
    FallsDue,
    adjust,
    apply_parts,
    day_after_last,
    merge_parts,
    waive_more,
)
from domain.delinquency import Arrears
from domain.events import NotYetError, RejectedError
from domain.loans import ZERO, Component, Instalment
from domain.money import check_amount
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.adjustments import (
    RecordedAdjustment,
    adjustment_known_as,
    insert_adjustment,
    loan_of_adjustment,
    save_schedule,
    waivers_of,
)
from workers.db.free_text import keep_words
from workers.db.loans import LockedLoan, load_schedule, lock_named_loan
from workers.db.parts import insert_parts, replace_parts
from workers.db.schema import adjustment as adjustment_table
from workers.db.schema import adjustment_part
from workers.db.sender_ids import whose_id
from workers.escalation.reassess import reassess
from workers.hardship.agreed_numbers import settle_numbers
from workers.hardship.arrangement_review import review_arrangements
from workers.payments.left_over import allocate_left_over
from workers.payments.payments import is_in_tape, where_it_stands


@dataclass(frozen=True, slots=True)
class NewAdjustment:
    """What the lender did to the schedule of a loan."""

    adjustment: str
    """The lender's own id of it: the same id is the same adjustment."""
    loan: str
    """The lender's own id of the loan."""
    kind: AdjustmentKind
    booked_on: date
    """The business date on which the lender booked it: a tape of a later date contains it."""
    amount: Decimal | None = None
    currency: str | None = None
    component: Component | None = None
    instalment: date | None = None
    due_on: date | None = None
    actor: str | None = None
    why: str | None = None
    sender: str | None = None
    """Whose id it is."""


def record_adjustment(connection: Connection, ctx: Context, new: NewAdjustment) -> Reasons:
    """Record an adjustment and all that follows from it, in the caller's transaction.

    One that the loan's newest tape contains is only noted. What payments have left over pays what
    is owed besides. Returns what came of it.

    Raises:
        NotYetError: the loan is not known, or the instalment is none of the loan's: a new schedule
            that has it may not be recorded yet.
        RejectedError: the amount cannot be paid, its day has not come yet, or its id is that of
            another adjustment.
    """
    now = ctx.now()
    loan = lock_named_loan(connection, new.loan, new.kind)
    if new.amount is not None:
        check_amount(new.amount, new.currency or loan.currency, new.loan, loan.currency)
    sender = whose_id(connection, adjustment_table, new.adjustment, new.sender)
    known = adjustment_known_as(connection, new.adjustment, sender)
    if known is not None:
        return _recorded_before(connection, new, known, loan)
    if new.booked_on > now.date():
        raise RejectedError(
            ReasonCode.ADJUSTMENT_IN_FUTURE, adjustment=new.adjustment, on=new.booked_on
        )
    in_tape = loan.tape_as_of if is_in_tape(new.booked_on, loan.tape_as_of) else None
    schedule = load_schedule(connection, loan.id)
    if in_tape is None and new.instalment not in (None, *(due.due_on for due in schedule)):
        raise NotYetError(ReasonCode.NO_SUCH_INSTALMENT, loan=new.loan, due_on=new.instalment)
    booked = _booked(new, schedule)
    why_id = None
    if new.why:
        why_id = keep_words(connection, ctx.cipher, new.why, now, loan_id=loan.id)
    adjustment_id = insert_adjustment(
        connection,
        new.adjustment,
        sender,
        loan.id,
        booked,
        actor=new.actor,
        why_id=why_id,
        now=now,
        in_tape_as_of=in_tape,
    )
    if in_tape is not None:
        return because(ReasonCode.ADJUSTMENT_IN_TAPE, adjustment=new.adjustment, on=in_tape)
    order = ctx.allocation_order(loan.jurisdiction)
    parts = adjust(schedule, booked, order, falls_due(ctx, loan))
    insert_parts(connection, adjustment_part, {adjustment_id: parts})
    after = apply_parts(schedule, parts)
    if booked.kind is AdjustmentKind.CHARGE:
        after = _without_waived(connection, loan, after, booked, parts)
    save_schedule(connection, loan.id, schedule, after)
    allocate_left_over(connection, order, loan.id)
    settled = settle_numbers(connection, loan.id, now)
    review_arrangements(connection, ctx, [loan.id], now)
    arrears = reassess(connection, ctx, [loan.id], now)[loan.id]
    recorded = because(ReasonCode.ADJUSTMENT_RECORDED, adjustment=new.adjustment)
    not_waived = _not_waived(booked, parts, loan.currency)
    return (*recorded, *not_waived, *settled, *standing(arrears, loan))


def _booked(new: NewAdjustment, schedule: Sequence[Instalment]) -> Adjustment:
    due_on = new.due_on
    if new.kind is AdjustmentKind.LEFT_OUT and due_on is None and schedule:
        due_on = day_after_last(schedule)
    return Adjustment(new.kind, new.booked_on, new.amount, new.component, new.instalment, due_on)


def _recorded_before(
    connection: Connection, new: NewAdjustment, known: RecordedAdjustment, loan: LockedLoan
) -> Reasons:
    """The result of an adjustment that comes again; another one under its id is refused."""
    reported = _booked(new, ())
    on_record = known.adjustment
    if reported.due_on is None and reported.kind is AdjustmentKind.LEFT_OUT:
        on_record = replace(on_record, due_on=None)
    if (known.loan_id, on_record) != (loan.id, reported):
        owner = loan_of_adjustment(connection, known.id)
        raise RejectedError(ReasonCode.ADJUSTMENT_ID_TAKEN, adjustment=new.adjustment, loan=owner)
    if known.taken_back_on is not None:
        return because(
            ReasonCode.ADJUSTMENT_TAKEN_BACK_KNOWN,
            adjustment=new.adjustment,
            on=known.taken_back_on,
        )
    return because(ReasonCode.ADJUSTMENT_KNOWN, adjustment=new.adjustment)


def falls_due(ctx: Context, loan: LockedLoan) -> FallsDue:
    """On which day something of this loan falls due that is due on a day."""
    ladder = ctx.ladder_of(loan, ctx.today())
    return ladder.falls_due if ladder else lambda due_on: due_on


def _without_waived(
    connection: Connection,
    loan: LockedLoan,
    after: Sequence[Instalment],
    charge: Adjustment,
    charged: Sequence[AdjustedPart],
) -> tuple[Instalment, ...]:
    """The instalments without what waivers of the charge's day or later waive of it, for they came
    in before it."""
    waived: dict[int, Sequence[AdjustedPart]] = {}
    for id, waiver, before in waivers_of(connection, loan.id):
        if waiver.booked_on >= charge.booked_on:
            parts = waive_more(after, waiver, before, charged)
            if parts:
                after = apply_parts(after, parts)
                waived[id] = merge_parts(before, parts)
    replace_parts(connection, adjustment_part, waived)
    return tuple(after)


def _not_waived(booked: Adjustment, parts: Sequence[AdjustedPart], currency: str) -> Reasons:
    """How much of a waiver waives nothing, because no more was unpaid."""
    if booked.kind is not AdjustmentKind.WAIVER or booked.amount is None:
        return ()
    rest = booked.amount + sum((part.amount for part in parts), ZERO)
    return because(ReasonCode.NOT_WAIVED, amount=rest, currency=currency) if rest else ()


def standing(arrears: Arrears, loan: LockedLoan) -> Reasons:
    """Where the loan stands now, if anything is past due."""
    return where_it_stands(arrears, loan.currency) if arrears.past_due else ()
