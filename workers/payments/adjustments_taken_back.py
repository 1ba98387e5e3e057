"""An adjustment is taken back: what it changed is undone, or the next tape shows it undone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, update

from domain.adjustments import (
    AdjustedPart,
    AdjustmentKind,
    adjust,
    apply_parts,
    merge_parts,
    take_back_charge,
    undo,
    where_contained,
)
from domain.allocation import allocate, apply_allocations
from domain.events import NotYetError, RejectedError, WaitsForTapeError
from domain.loans import ZERO, Component
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.adjustments import (
    RecordedAdjustment,
    RecordedWaiver,
    adjustment_known_as,
    loan_of_adjustment,
    parts_of_adjustment,
    save_schedule,
    waivers_of,
)
from workers.db.loans import LockedLoan, load_schedule, lock_named_loan
from workers.db.parts import replace_parts
from workers.db.schema import adjustment as adjustment_table
from workers.db.schema import adjustment_part
from workers.db.sender_ids import whose_id
from workers.escalation.reassess import reassess
from workers.hardship.agreed_numbers import settle_numbers
from workers.hardship.arrangement_review import review_arrangements
from workers.payments.adjustments import falls_due, standing
from workers.payments.left_over import allocate_left_over, free_allocations
from workers.payments.payments import is_in_tape


@dataclass(frozen=True, slots=True)
class AdjustmentReversal:
    """An adjustment is taken back."""

    adjustment: str
    loan: str
    reversed_on: date
    actor: str | None = None
    sender: str | None = None
    """Whose id it names."""


def take_back_adjustment(
    connection: Connection, ctx: Context, reversal: AdjustmentReversal
) -> Reasons:
    """Take an adjustment back, in the caller's transaction. It stays on record.

    What is against the borrower, such as a charge, is taken back at once, also if the loan's newest
    tape contains it. Taking back what is in the borrower's favour, such as a waiver, is only noted
    then: the next tape shows what is owed again. What was paid of a charge pays other instalments.

    Raises:
        NotYetError: the loan or the adjustment is not known.
        WaitsForTapeError: it is an acceleration that was only noted, and no tape shows yet when
            what it moved falls due. Nobody is contacted about the loan while the event waits.
        RejectedError: it is one of another loan, or was booked after that day.
    """
    name, on = reversal.adjustment, reversal.reversed_on
    loan = lock_named_loan(connection, reversal.loan, "adjustment_reversal")
    sender = whose_id(connection, adjustment_table, name, reversal.sender)
    known = adjustment_known_as(connection, name, sender)
    if known is None:
        raise NotYetError(ReasonCode.ADJUSTMENT_NOT_KNOWN, adjustment=name)
    if known.loan_id != loan.id:
        owner = loan_of_adjustment(connection, known.id)
        raise RejectedError(ReasonCode.ADJUSTMENT_ID_TAKEN, adjustment=name, loan=owner)
    if known.taken_back_on is not None:
        return because(
            ReasonCode.ADJUSTMENT_TAKEN_BACK_KNOWN, adjustment=name, on=known.taken_back_on
        )
    if on > ctx.today():
        raise RejectedError(ReasonCode.ADJUSTMENT_IN_FUTURE, adjustment=name, on=on)
    if on < known.booked_on:
        raise RejectedError(
            ReasonCode.TAKEN_BACK_TOO_EARLY, adjustment=name, booked_on=known.booked_on, on=on
        )
    contained = known.in_tape_as_of is not None or is_in_tape(known.booked_on, loan.tape_as_of)
    is_shown_again = on < (loan.tape_as_of or on)
    if contained and _only_tape_undoes(connection, known):
        moves_back = is_shown_again and _is_moved_back(connection, loan, known)
        if not moves_back:
            raise WaitsForTapeError(
                ReasonCode.TAKING_BACK_WAITS_FOR_TAPE, adjustment=name, on=loan.tape_as_of
            )
    now = ctx.now()
    connection.execute(
        update(adjustment_table)
        .where(adjustment_table.c.id == known.id)
        .values(
            taken_back_on=on,
            taken_back_at=now,
            taken_back_by=reversal.actor,
            in_tape_as_of=(known.in_tape_as_of or loan.tape_as_of) if contained else None,
        )
    )
    if contained and (known.adjustment.kind.eases or is_shown_again):
        return because(ReasonCode.TAKING_BACK_IN_TAPE, adjustment=name, on=loan.tape_as_of)
    _undo(connection, ctx, loan, known, contained=contained)
    settled = settle_numbers(connection, loan.id, now)
    review_arrangements(connection, ctx, [loan.id], now)
    arrears = reassess(connection, ctx, [loan.id], now)[loan.id]
    taken_back = because(ReasonCode.ADJUSTMENT_TAKEN_BACK, adjustment=name)
    return (*taken_back, *settled, *standing(arrears, loan))


def _only_tape_undoes(connection: Connection, known: RecordedAdjustment) -> bool:
    """Whether it is an acceleration that was only noted: what it moved is not known."""
    accelerates = known.adjustment.kind is AdjustmentKind.ACCELERATION
    return accelerates and not parts_of_adjustment(connection, known.id)


def _is_moved_back(connection: Connection, loan: LockedLoan, known: RecordedAdjustment) -> bool:
    """Whether the tape shows the loan without an acceleration: principal falls due after its day
    again, or nothing is owed. A fee that falls due later says nothing: it may be new."""
    unpaid = [due for due in load_schedule(connection, loan.id) if due.paid < due.amount]
    return not unpaid or any(
        due.due_on > (known.due_on or date.max) and due.unpaid_of(Component.PRINCIPAL) > ZERO
        for due in unpaid
    )


def _undo(
    connection: Connection,
    ctx: Context,
    loan: LockedLoan,
    known: RecordedAdjustment,
    *,
    contained: bool,
) -> None:
    """Take back what an adjustment changed. What was paid of a charge pays something else.

    If a tape or a new schedule contains a charge, it may be owed on another due date there.
    """
    order = ctx.allocation_order(loan.jurisdiction)
    schedule = load_schedule(connection, loan.id)
    parts: Sequence[AdjustedPart] = parts_of_adjustment(connection, known.id)
    if not parts and known.adjustment.kind is AdjustmentKind.CHARGE:
        parts = adjust(schedule, known.adjustment, order, falls_due(ctx, loan))
    from_tape = ZERO
    if known.adjustment.kind is AdjustmentKind.CHARGE:
        waivers = [
            each
            for each in waivers_of(connection, loan.id)
            if each.waiver.booked_on >= known.booked_on
        ]
        of_waivers = _waived(waivers)
        if contained or known.booked_on <= (loan.restructured_on or date.min):
            parts = where_contained(schedule, parts, of_waivers)
        after, paid, waived = take_back_charge(schedule, parts, of_waivers)
        _waive_less(connection, waivers, waived)
        from_tape = free_allocations(connection, loan.id, paid, loan.tape_as_of)
    else:
        after = apply_parts(schedule, undo(schedule, parts))
    if from_tape:
        allocations, _ = allocate(after, from_tape, order, ctx.today())
        after = apply_allocations(after, allocations)
    save_schedule(connection, loan.id, schedule, after)
    allocate_left_over(connection, order, loan.id)


def _waived(waivers: Sequence[RecordedWaiver]) -> dict[tuple[date, Component], Decimal]:
    """What they lower, by due date and component."""
    waived: dict[tuple[date, Component], Decimal] = {}
    for _, _, parts in waivers:
        for part in parts:
            key = (part.due_on, part.component)
            waived[key] = waived.get(key, ZERO) - part.amount
    return waived


def _waive_less(
    connection: Connection,
    waivers: Sequence[RecordedWaiver],
    less: dict[tuple[date, Component], Decimal],
) -> None:
    """Waivers waive so much less: the charge that they waived is no more. Otherwise it would be
    owed if a waiver is taken back, too."""
    changed: dict[int, Sequence[AdjustedPart]] = {}
    for id, _, parts in waivers:
        back: list[AdjustedPart] = []
        for part in parts:
            key = (part.due_on, part.component)
            if cut := min(less.get(key, ZERO), -part.amount):
                less[key] -= cut
                back.append(replace(part, amount=cut))
        if back:
            changed[id] = merge_parts(parts, back)
    replace_parts(connection, adjustment_part, changed)
