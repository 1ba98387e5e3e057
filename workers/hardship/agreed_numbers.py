"""Active arrangements whose ledger has other numbers than were agreed, until it has them again."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, func, select

from domain.arrangement_clock import is_as_agreed, not_left_out, paid_in_order
from domain.arrangements import ArrangementStatus
from domain.loans import ZERO, Instalment
from domain.quote_json import quote_from_json
from domain.reasons import ReasonCode, Reasons, because
from workers.db.arrangements import Arrangement, open_arrangement, set_instalments
from workers.db.loans import load_schedule
from workers.db.problems import ARRANGEMENT_DIFFERS, note_problem, resolve_problems
from workers.db.schema import paid_by_tape, payment, problem


def differs(connection: Connection, stored: Arrangement) -> bool:
    """Whether nobody has settled yet that the ledger's schedule of an arrangement is another than
    was agreed; or had settled it when the arrangement ended."""
    return bool(_how_it_differs(connection, stored.loan_id, stored.ended_at))


def differ_again(connection: Connection, ended: Arrangement, now: datetime) -> None:
    """The end of an arrangement of a locked loan was taken back: if its ledger's numbers differed
    when it ended, they differ again, unless the ledger asks for what was agreed by now."""
    if other := _how_it_differs(connection, ended.loan_id, ended.ended_at):
        note_problem(connection, ended.loan_id, ARRANGEMENT_DIFFERS, other, now)
        settle_numbers(connection, ended.loan_id, now)


def _how_it_differs(connection: Connection, loan_id: int, ended_at: datetime | None) -> Reasons:
    """What the open problem says. An arrangement that has ended has no open one: then, what the
    problem said that its end closed. Nothing if there is none, or a person closed it."""
    said = select(problem.c.detail).where(
        problem.c.loan_id == loan_id,
        problem.c.party_id.is_(None),
        problem.c.kind == ARRANGEMENT_DIFFERS,
        problem.c.actor.is_(None),
        problem.c.resolved_at.is_not_distinct_from(ended_at),
    )
    last = said.order_by(problem.c.id.desc()).limit(1)
    found: Reasons | None = connection.execute(last).scalar_one_or_none()
    return found or ()


def settle_numbers(connection: Connection, loan_id: int, now: datetime) -> Reasons:
    """Close the problem of a locked loan that its ledger has other numbers than were agreed, if it
    asks for what was agreed now. Returns what came of it.

    One statement, and more while the problem is open.
    """
    if not _how_it_differs(connection, loan_id, None):
        return ()
    stored = open_arrangement(connection, loan_id)
    if stored is None or stored.status != ArrangementStatus.ACTIVE:
        return ()
    return _as_agreed(connection, stored, load_schedule(connection, loan_id), now)


def paid_since(connection: Connection, stored: Arrangement) -> Decimal:
    """All that was recorded as paid of a loan after an arrangement was accepted, as payments or
    tapes say it. What came in before, on the same day too, was in the quote already."""
    paid = select(func.coalesce(func.sum(payment.c.amount - payment.c.returned), 0)).where(
        payment.c.loan_id == stored.loan_id,
        payment.c.reversed_on.is_(None),
        payment.c.recorded_at > stored.accepted_at,
    )
    shown = select(func.coalesce(func.sum(paid_by_tape.c.amount), 0)).where(
        paid_by_tape.c.loan_id == stored.loan_id,
        paid_by_tape.c.payment_id.is_(None),
        paid_by_tape.c.tape_as_of > stored.accepted_on,
    )
    both = (connection.execute(each).scalar_one() for each in (paid, shown))
    return sum(both, ZERO)


def days_paid(connection: Connection, stored: Arrangement) -> frozenset[date]:
    """On which days what was agreed is paid by now: the oldest first, by all that was paid."""
    quoted = quote_from_json(stored.quote or {})
    agreed = paid_in_order(quoted.arranged, paid_since(connection, stored))
    return frozenset(each.due_on for each in agreed if each.unpaid == ZERO)


def take_correction(
    connection: Connection, stored: Arrangement, schedule: Sequence[Instalment], now: datetime
) -> Reasons:
    """A schedule of the ledger is said to be that of an active arrangement of a locked loan: a
    correction of the one before. Returns whether it is what was agreed.

    What is paid it may leave out. If it is not what was agreed, the ledger's count still, and the
    problem says so with the new amounts.
    """
    if settled := _as_agreed(connection, stored, schedule, now):
        return settled
    quoted = quote_from_json(stored.quote or {})
    agreed = not_left_out(quoted.after, schedule, days_paid(connection, stored))
    of_it = [each for each in schedule if each.unpaid > ZERO] or schedule
    set_instalments(connection, stored.id, of_it)
    other = because(
        ReasonCode.ARRANGEMENT_DIFFERS,
        arrangement=stored.external_id,
        agreed=sum((each.amount for each in agreed), ZERO),
        amount=sum((each.amount for each in of_it), ZERO),
        currency=quoted.currency,
    )
    resolve_problems(connection, [stored.loan_id], (ARRANGEMENT_DIFFERS,), now)
    note_problem(connection, stored.loan_id, ARRANGEMENT_DIFFERS, other, now)
    return other


def _as_agreed(
    connection: Connection, stored: Arrangement, schedule: Sequence[Instalment], now: datetime
) -> Reasons:
    quoted = quote_from_json(stored.quote or {})
    paid = days_paid(connection, stored)
    if not is_as_agreed(schedule, not_left_out(quoted.after, schedule, paid)):
        return ()
    set_instalments(connection, stored.id, not_left_out(quoted.arranged, schedule, paid))
    resolve_problems(connection, [stored.loan_id], (ARRANGEMENT_DIFFERS,), now)
    return because(ReasonCode.ARRANGEMENT_AS_AGREED, arrangement=stored.external_id)
