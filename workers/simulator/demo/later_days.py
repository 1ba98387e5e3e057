"""What comes of the conversations of the first day: a promise kept and one broken, a plan that is
active, and its first payment; and a call that is heard again."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from domain.contact_outcomes import ArrearsReason
from domain.errors import ArrearsError
from domain.follow_ups import Trigger
from domain.promises import PromiseStatus
from workers.cli.language import say
from workers.db.schema import promise
from workers.queues import BREAK_OVERDUE_PROMISES
from workers.simulator.demo.books import LAST_DAY_AFTER
from workers.simulator.demo.collectors import (
    MadePromise,
    busiest_caller,
    caller_with,
    day,
    make_next_call,
    money,
    report_reason,
    take_promise,
)
from workers.simulator.demo.desk import Desk
from workers.simulator.demo.hardship import Plan, ask_for_help, pay_first_instalment
from workers.simulator.demo.installation import Installation
from workers.simulator.demo.ledger import tell_payment
from workers.simulator.demo.people import people_of
from workers.simulator.demo.quality import hear_a_call
from workers.simulator.demo.sign_in import WHOEVER
from workers.simulator.demo.waiting import ProgressReporter, drain, sweep_until

TODAY, AFTER_LAST_DAY = 0, LAST_DAY_AFTER.days + 1
"""Days to the two promises: one is judged on the last of the simulated days, and of the other that
is the day before it is due, on which the borrower is reminded."""

WAIT, MOST_WAITS = timedelta(minutes=2), 5
"""A call that cannot be assigned at once is assigned a minute later, or another."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed with borrowers on the first day."""

    broken: MadePromise
    """What will not be paid."""
    kept: MadePromise
    plan: Plan | None

    @property
    def loans(self) -> list[str]:
        """The loans it is about, each once."""
        found = [self.kept.loan, self.broken.loan, *([self.plan.loan] if self.plan else ())]
        return list(dict.fromkeys(found))


def agree_with_borrowers(installation: Installation, reporter: ProgressReporter) -> Agreed:
    """Two calls learn the reason and end in a promise, and a plan is asked for by text."""
    desk = Desk(installation, busiest_caller(installation))
    half, whole = Decimal("0.5"), Decimal(1)
    broken = _call(installation, reporter, desk, ArrearsReason.INCOME_FELL, half, TODAY)
    kept = _call(installation, reporter, desk, ArrearsReason.FORGOT, whole, AFTER_LAST_DAY)
    plan = ask_for_help(installation, reporter, Desk(installation, WHOEVER))
    return Agreed(broken, kept, plan)


def see_what_came_of_it(
    installation: Installation, reporter: ProgressReporter, agreed: Agreed
) -> None:
    """Move the clock, and see which promise is kept and which is not, and what follows. A
    supervisor hears a call of the first day again."""
    ctx = installation.ctx
    installation.move_clock(installation.book.last_day)
    moved = say("The clock moves two days on, to {day}.", day=day(ctx.today()))
    reporter.report(ctx.now(), moved)
    broken, kept = agreed.broken, agreed.kept
    sweep_until(
        installation,
        BREAK_OVERDUE_PROMISES,
        lambda: _status(installation, broken) != PromiseStatus.OPEN,
    )
    _expect(installation, broken, PromiseStatus.BROKEN)
    drain(installation, reporter)
    reporter.report(ctx.now(), _follow_up(installation, reporter, broken))
    tell_payment(installation, f"kept-{kept.promise}", kept.loan, kept.amount, kept.currency)
    drain(installation, reporter)
    _expect(installation, kept, PromiseStatus.KEPT)
    said = say(
        "{name} (loan {loan}) pays {amount}: the promise for {due_on} is kept.",
        name=kept.name,
        loan=kept.loan,
        amount=money(kept.amount, kept.currency),
        due_on=day(kept.due_on),
    )
    reporter.report(ctx.now(), said)
    hear_a_call(installation, reporter, Desk(installation, WHOEVER))
    if agreed.plan:
        pay_first_instalment(installation, reporter, agreed.plan)


def _call(
    installation: Installation,
    reporter: ProgressReporter,
    desk: Desk,
    reason: ArrearsReason,
    share: Decimal,
    in_days: int,
) -> MadePromise:
    made = make_next_call(desk, people_of(installation.book), f"call-{in_days}")
    told = report_reason(desk, made, reason)
    promised = take_promise(desk, made, share, in_days)
    said = say(
        "{caller} is served the call to {name} (loan {loan}). {why} {name} says why it is overdue: "
        "{reason}, and promises {amount} for {due_on}.",
        caller=made.caller,
        name=made.name,
        loan=made.loan,
        why=made.why,
        reason=told,
        amount=money(promised.amount, promised.currency),
        due_on=day(promised.due_on),
    )
    reporter.report(installation.ctx.now(), said)
    return promised


def _follow_up(installation: Installation, reporter: ProgressReporter, broken: MadePromise) -> str:
    """The call that follows from a broken promise. Returns what came of it, as a sentence."""
    desk = Desk(installation, _who_calls(installation, reporter, broken))
    made = make_next_call(desk, people_of(installation.book), "follow-up", about=broken.loan)
    told = report_reason(desk, made, ArrearsReason.ILLNESS)
    return say(
        "{name} (loan {loan}) did not pay {amount} by {due_on}: the promise is broken. {caller} is "
        "served the follow-up call. {why} {name} says what came in between: {reason}.",
        name=broken.name,
        loan=broken.loan,
        amount=money(broken.amount, broken.currency),
        due_on=day(broken.due_on),
        caller=made.caller,
        why=made.why,
        reason=told,
    )


def _who_calls(installation: Installation, reporter: ProgressReporter, broken: MadePromise) -> str:
    """The collector who has the follow-up call: it is assigned within some minutes."""
    for _ in range(MOST_WAITS):
        if who := caller_with(installation, broken.loan, Trigger.PROMISE_BROKEN):
            return who
        installation.move_clock(installation.ctx.now() + WAIT)
        drain(installation, reporter)
    raise ArrearsError(
        "The promise of loan {loan} is broken, and nobody has a call about it.",
        loan=broken.loan,
    )


def _expect(installation: Installation, made: MadePromise, status: PromiseStatus) -> None:
    found = _status(installation, made)
    if found != status:
        raise ArrearsError(
            "The promise of loan {loan} should be {wanted}, and is {status}.",
            loan=made.loan,
            wanted=status,
            status=found,
        )


def _status(installation: Installation, made: MadePromise) -> str:
    query = select(promise.c.status).where(promise.c.external_id == made.promise)
    with installation.ctx.engine.connect() as connection:
        return str(connection.execute(query).scalar_one())
