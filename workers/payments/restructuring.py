"""Restructuring: a new schedule is agreed on, and replaces the old one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256

from sqlalchemy import Connection, select

from domain.allocation import allocate, apply_allocations
from domain.events import RejectedError
from domain.loans import ZERO, Instalment
from domain.money import check_amount
from domain.reasons import ReasonCode, Reasons, because
from domain.replaced_schedules import reconcile_new_schedule
from domain.schedule import one_a_day
from workers.context import Context
from workers.db.allocations import read_recorded_money, replace_all_allocations
from workers.db.free_text import keep_words
from workers.db.loans import LockedLoan, load_schedule, lock_named_loan
from workers.db.paid_by_tape import Shown, keep_shown
from workers.db.parts import replace_parts
from workers.db.problems import (
    SCHEDULE_ABOVE_CAP,
    TAPE_HAS_OLD_SCHEDULE,
    TAPE_SHOWS_LESS,
    resolve_problems,
)
from workers.db.replaced_schedules import Replacement, replace_schedule
from workers.db.schema import adjustment_part, replaced_schedule
from workers.db.sender_ids import is_named, whose_id
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_schedules import (
    arrangement_in_ledger,
    follow_new_schedule,
    with_money_since_acceptance,
)
from workers.payments.payments import where_it_stands
from workers.payments.schedule_caps import check_caps

MOST_INSTALMENTS = 1_200
"""As on a tape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInstalment:
    """One instalment of a new schedule."""

    due_on: date
    principal: Decimal
    interest: Decimal = ZERO
    fees: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Restructuring:
    """A new schedule, as the lender's systems or a person reported it."""

    restructuring: str
    """The lender's own id of it: the same id is the same restructuring."""
    loan: str
    currency: str
    restructured_on: date
    """From this business date on the new schedule counts."""
    instalments: tuple[NewInstalment, ...]
    """The whole new schedule."""
    paid: Decimal = ZERO
    """What is paid of it by payments that were booked before its day."""
    arrangement: str | None = None
    """The id of the deferral or the instalment plan that it is."""
    arrangement_sender: str | None = None
    """Whose id that is."""
    why: str
    actor: str
    sender: str | None = None
    """Whose id it is."""


def restructure(connection: Connection, ctx: Context, new: Restructuring) -> Reasons:
    """Replace the schedule of a loan, in the caller's transaction. Returns what came of it.

    It counts as a tape of its day does: payments and adjustments booked before that day are in
    it, later ones are added. Charges and accelerations of its day that came in before it are in it,
    too: otherwise they would count twice. One that is exactly what a borrower agreed to is of the
    moment of the acceptance: what was paid since is added. Payments and their allocations stay on
    record, and the old schedule is kept as history. Promises, holds and facts of limitation stay as
    they are.

    Raises:
        NotYetError: the loan is not known, or it has no such arrangement.
        RejectedError: its day has not come yet or is before that of the loan's newest tape, its
            amounts cannot be paid, or its id is another's.
    """
    now = ctx.now()
    loan = lock_named_loan(connection, new.loan, "restructuring")
    listed = _schedule(new, loan)
    sender = whose_id(connection, replaced_schedule, new.restructuring, new.sender)
    if known := _known(connection, new, sender, loan, listed):
        return known
    _refuse_day(new, loan, now.date())
    named = arrangement_in_ledger(connection, new.arrangement, new.arrangement_sender, loan)
    ladder = ctx.ladder_of(loan, now.date())
    order = ctx.allocation_order(loan.jurisdiction)
    schedule = ladder.with_due_days(listed) if ladder else listed
    on = new.restructured_on
    if new.paid:
        schedule = apply_allocations(schedule, allocate(schedule, new.paid, order, on)[0])
    record = read_recorded_money(connection, [loan.id], on)[loan.id]
    record, since = with_money_since_acceptance(connection, loan, schedule, on, record, now)
    before = load_schedule(connection, loan.id)
    result = reconcile_new_schedule(schedule, before, record, on, order)
    replace_all_allocations(connection, result.allocations)
    keep_shown(connection, {loan.id: Shown(result.spent, result.unexplained)}, on)
    replace_parts(connection, adjustment_part, result.adjusted)
    why_id = keep_words(connection, ctx.cipher, new.why, now, loan_id=loan.id)
    replaced = replace_schedule(
        connection,
        Replacement(
            *(loan.id, on, result.instalments, new.restructuring, sender),
            actor=new.actor,
            why_id=why_id,
            schedule_digest=_digest(new, listed),
            contains_before=since,
        ),
        now,
    )
    settled = (TAPE_SHOWS_LESS, TAPE_HAS_OLD_SCHEDULE, SCHEDULE_ABOVE_CAP)
    resolve_problems(connection, [loan.id], settled, now)
    too_dear = check_caps(connection, ctx, loan, before, result.instalments, on, now)
    followed = follow_new_schedule(connection, ctx, loan, schedule, named, replaced)
    arrears = reassess(connection, ctx, [loan.id], now)[loan.id]
    recorded = because(ReasonCode.RESTRUCTURED, loan=new.loan, on=on, count=len(listed))
    return recorded + too_dear + followed + where_it_stands(arrears, new.currency)


def _schedule(new: Restructuring, loan: LockedLoan) -> tuple[Instalment, ...]:
    """The new schedule in due order, with nothing paid of it. As on a tape, instalments that are
    due on one day are one.

    Raises:
        RejectedError: it is none.
    """
    given = new.instalments
    if not 1 <= len(given) <= MOST_INSTALMENTS:
        raise RejectedError(
            ReasonCode.SCHEDULE_LENGTH, loan=new.loan, count=len(given), most=MOST_INSTALMENTS
        )
    listed = [Instalment(i.due_on, i.principal, i.interest, i.fees) for i in given]
    for each in listed:
        for part in (each.amount, *filter(None, (each.principal, each.interest, each.fees))):
            check_amount(part, new.currency, new.loan, loan.currency)
    instalments = one_a_day(listed)
    amount = sum((each.amount for each in instalments), ZERO)
    if new.paid:
        check_amount(new.paid, new.currency, new.loan, loan.currency)
    if new.paid > amount:
        raise RejectedError(
            ReasonCode.SCHEDULE_OVERPAID,
            loan=new.loan,
            paid=new.paid,
            amount=amount,
            currency=new.currency,
        )
    return instalments


def _known(
    connection: Connection,
    new: Restructuring,
    sender: str,
    loan: LockedLoan,
    listed: Sequence[Instalment],
) -> Reasons:
    """That it is on record already, if it is.

    Raises:
        RejectedError: another one is, under its id.
    """
    stored = replaced_schedule.c
    row = connection.execute(
        select(stored.loan_id, stored.restructured_on, stored.schedule_digest).where(
            is_named(replaced_schedule, new.restructuring, sender)
        )
    ).one_or_none()
    if row is None:
        return ()
    if tuple(row) != (loan.id, new.restructured_on, _digest(new, listed)):
        raise RejectedError(ReasonCode.RESTRUCTURING_ID_TAKEN, restructuring=new.restructuring)
    return because(
        ReasonCode.RESTRUCTURING_KNOWN, restructuring=new.restructuring, on=row.restructured_on
    )


def _digest(new: Restructuring, listed: Sequence[Instalment]) -> str:
    """Of the schedule and what is paid of it, as they were reported: what is kept of the new
    schedule contains payments and adjustments of its day, too."""
    amounts = [
        f"{each.due_on} {amount:.4f}"
        for each in listed
        for amount in (each.principal, each.interest, each.fees)
    ]
    return sha256("; ".join((f"{new.paid:.4f}", *amounts)).encode()).hexdigest()


def _refuse_day(new: Restructuring, loan: LockedLoan, today: date) -> None:
    on = new.restructured_on
    if on > today:
        raise RejectedError(ReasonCode.RESTRUCTURING_IN_FUTURE, loan=new.loan, on=on)
    if loan.tape_as_of is not None and on < loan.tape_as_of:
        raise RejectedError(
            ReasonCode.RESTRUCTURING_BEFORE_TAPE, loan=new.loan, on=on, as_of=loan.tape_as_of
        )
