"""What the lender's ledger makes of an arrangement: its new schedule confirms it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection

from domain.actors import ARREARS
from domain.arrangement_clock import is_as_agreed, not_left_out
from domain.arrangements import UNANSWERED, ArrangementStatus, Effect, standing_of
from domain.events import NotYetError
from domain.loans import ZERO, Instalment
from domain.quote_json import quote_from_json
from domain.quotes import Quote
from domain.reasons import ReasonCode, Reasons, because
from domain.tape_reconciliation import OnRecord
from workers.context import Context
from workers.db.allocations import read_recorded_money
from workers.db.arrangements import (
    Arrangement,
    find_arrangement,
    move_arrangement,
    open_arrangement,
    paid_of,
    set_instalments,
)
from workers.db.holds import release
from workers.db.loans import LockedLoan
from workers.db.problems import (
    ARRANGEMENT_DIFFERS,
    ARRANGEMENT_NOT_AWAITED,
    ARRANGEMENT_NOT_CONFIRMED,
    note_problem,
    resolve_problems,
)
from workers.db.schema import arrangement, hold
from workers.db.sender_ids import whose_id
from workers.hardship.agreed_numbers import days_paid, take_correction
from workers.hardship.arrangement_endings import end
from workers.hardship.arrangement_review import review_arrangements
from workers.hardship.arrangements import pause


def arrangement_in_ledger(
    connection: Connection, name: str | None, sender: str | None, owed: LockedLoan
) -> Arrangement | None:
    """The arrangement of a locked loan that a new schedule is said to be made of.

    Raises:
        NotYetError: the loan has no such arrangement.
    """
    if name is None:
        return None
    stored = find_arrangement(connection, name, whose_id(connection, arrangement, name, sender))
    if stored is None or stored.loan_id != owed.id:
        raise NotYetError(ReasonCode.ARRANGEMENT_NOT_KNOWN, arrangement=name)
    return stored


def with_money_since_acceptance(
    connection: Connection,
    owed: LockedLoan,
    schedule: Sequence[Instalment],
    on: date,
    record: OnRecord,
    now: datetime,
) -> tuple[OnRecord, date]:
    """What is recorded of a locked loan, for a new schedule of a day; and from which day on money
    is not in it. That is its own day, unless it is exactly what was agreed.

    Then it says what was to be paid when the borrower accepted. What came in since is not in it,
    whatever its day, and pays it; what came in before is in it.
    """
    waits = open_arrangement(connection, owed.id)
    if waits is None or waits.accepted_at is None or not _is_as_quoted(waits, schedule):
        return record, on
    all_of_it = read_recorded_money(connection, [owed.id], date.min)[owed.id].payments
    since = tuple(each for each in all_of_it if each.recorded_at > waits.accepted_at)
    accepted_on = waits.accepted_at.astimezone(now.tzinfo).date()
    return replace(record, payments=since), min(on, max(accepted_on, owed.tape_as_of or date.min))


def follow_new_schedule(
    connection: Connection,
    ctx: Context,
    owed: LockedLoan,
    schedule: Sequence[Instalment],
    named: Arrangement | None,
    replaced_schedule_id: int,
) -> Reasons:
    """After the schedule of a locked loan was replaced: an arrangement that waits for it is active.

    `schedule` is what the ledger reported, without what was paid of it since.

    It is the arrangement that the event names, or one with exactly these instalments; those that
    are paid may be left out. If it is active already, its schedule is corrected. Any other schedule
    takes the place of what was arranged before. If it names what was only asked for or offered
    here, that is over, and somebody finds out what was agreed. The caller reassesses the loan.
    Returns what came of it.
    """
    now = ctx.now()
    waits = open_arrangement(connection, owed.id)
    if waits is not None and waits.accepted_at is None:
        waits = None
    paid = days_paid(connection, waits) if waits else frozenset()
    if waits is not None and _is_corrected(waits, named, schedule, paid):
        corrected = take_correction(connection, waits, schedule, now)
        review_arrangements(connection, ctx, [owed.id], now)
        return corrected
    if waits is not None and waits.status != ArrangementStatus.ACCEPTED:
        waits = None
    is_it = waits is not None and _is_as_quoted(waits, schedule, paid)
    confirmed = named or (waits if is_it else None)
    if confirmed is None:
        review_arrangements(connection, ctx, [owed.id], now)
        return ()
    if waits is None or confirmed.id != waits.id:
        about = {
            "arrangement": confirmed.external_id,
            "arrangement_status": confirmed.status,
        }
        not_awaited = because(ReasonCode.ARRANGEMENT_NOT_AWAITED, **about)
        if confirmed.status in UNANSWERED:
            end(connection, confirmed, ArrangementStatus.REPLACED, now, ended_by=ARREARS.reference)
        note_problem(connection, owed.id, ARRANGEMENT_NOT_AWAITED, not_awaited, now)
        review_arrangements(connection, ctx, [owed.id], now)
        return not_awaited
    return _activate(connection, confirmed, schedule, paid, replaced_schedule_id, now)


def _is_corrected(
    stored: Arrangement,
    named: Arrangement | None,
    schedule: Sequence[Instalment],
    paid: Collection[date],
) -> bool:
    """Whether a schedule is said to be that of an active arrangement, or is what was agreed."""
    if stored.status != ArrangementStatus.ACTIVE:
        return False
    if named is not None:
        return named.id == stored.id
    agreed = quote_from_json(stored.quote or {}).after
    return is_as_agreed(schedule, not_left_out(agreed, schedule, paid))


def _activate(
    connection: Connection,
    stored: Arrangement,
    schedule: Sequence[Instalment],
    paid: Collection[date],
    replaced_schedule_id: int,
    now: datetime,
) -> Reasons:
    quoted = quote_from_json(stored.quote or {})
    of_it = not_left_out(quoted.arranged, schedule, paid)
    if differs := _difference(stored, quoted, schedule, paid):
        note_problem(connection, stored.loan_id, ARRANGEMENT_DIFFERS, differs, now)
        # What was agreed stays in the quote; what is kept or missed is what the ledger made of it.
        of_it = [each for each in schedule if each.unpaid > ZERO] or list(schedule)
    if differs or len(of_it) < len(quoted.arranged):
        set_instalments(connection, stored.id, of_it)
    if stored.hold_id is not None:
        release(connection, hold.c.id == stored.hold_id, now.date(), now)
    hold_id = stored.hold_id
    if Effect.COLLECTION in quoted.stops:
        until = stored.pauses_until and max(stored.pauses_until, now.date())
        hold_id = pause(connection, stored, now.date(), until, stored.accepted_by or "", now)
    standing = standing_of(paid_of(connection, stored), stored, now.date(), stored.deferred_until)
    is_over = standing.status is ArrangementStatus.COMPLETED
    move_arrangement(
        connection,
        stored.id,
        ArrangementStatus.ACTIVE,
        confirmed_at=now,
        hold_id=hold_id,
        replaced_schedule_id=replaced_schedule_id,
        review_on=now.date() if is_over else standing.review_on,
    )
    resolve_problems(connection, [stored.loan_id], (ARRANGEMENT_NOT_CONFIRMED,), now)
    active = because(ReasonCode.ARRANGEMENT_IS_ACTIVE, arrangement=stored.external_id)
    return active + differs


def _is_as_quoted(
    stored: Arrangement, schedule: Sequence[Instalment], paid: Collection[date] = ()
) -> bool:
    """Whether a schedule says of what is unpaid exactly what the quote said. What was due on the
    days `paid` it may have as paid, or leave out."""
    quoted = quote_from_json(stored.quote or {})
    return not _difference(stored, quoted, schedule, paid)


def _difference(
    stored: Arrangement, quoted: Quote, schedule: Sequence[Instalment], paid: Collection[date]
) -> Reasons:
    """How the ledger's schedule differs from what the borrower agreed to, if it does.

    What was paid before is in a ledger's schedule, and not in a quote.
    """
    unpaid = [each for each in schedule if each.unpaid > ZERO]
    agreed = not_left_out(quoted.after, unpaid, paid)
    after = {each.due_on: each.amount for each in agreed}
    to_come = {each.due_on: each.unpaid for each in unpaid}
    if after == to_come:
        return ()
    return because(
        ReasonCode.ARRANGEMENT_DIFFERS,
        arrangement=stored.external_id,
        agreed=sum(after.values(), ZERO),
        amount=sum(to_come.values(), ZERO),
        currency=quoted.currency,
    )
