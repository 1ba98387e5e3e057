"""What the loans of a call owe and what may be offered for them, once the person is confirmed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection

from domain.actors import Role
from domain.arranged import Wish
from domain.arrangements import ArrangementKind
from domain.ladder import find_ladder
from domain.ladder_plan import ladder_day
from domain.loans import ZERO, Component, Instalment
from domain.quotes import NotOffered, Quote
from workers.context import Context
from workers.db import call_sheets
from workers.db.call_sheets import LoanOfCall
from workers.db.open_calls import union_of
from workers.gate.ask_together import GateAnswer
from workers.hardship.quotes import most_quoted

OFFERS = {
    "deferral": ArrangementKind.DEFERRAL,
    "instalments": ArrangementKind.INSTALMENT_PLAN,
}
"""What a ladder's `may_offer` names."""


@dataclass(frozen=True, slots=True)
class MoneyOfLoan:
    """What one loan owes, in its currency."""

    loan: str
    product: str
    currency: str
    fees: Decimal
    interest: Decimal
    principal: Decimal
    """These three are past due."""
    past_due: Decimal
    oldest_due_on: date | None
    """Since when it is past due: the due day, or the working day to which its ladder moves it."""
    days_past_due: int
    ladder_day: int
    next_due_on: date | None
    """By when the next amount is paid in time, moved likewise."""
    next_amount: Decimal | None
    to_settle: Decimal
    """All that is unpaid, whenever it falls due."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the collector may offer by their role: a quote, or why none can be given."""

    kind: ArrangementKind
    loan: str
    wish: Wish
    quote: Quote | NotOffered


def one_per_loan(loans: Sequence[LoanOfCall]) -> list[LoanOfCall]:
    """One row for each loan, with all that may be offered for it."""
    of_loan: dict[int, LoanOfCall] = {}
    for each in loans:
        known = of_loan.setdefault(each.loan_id, each)
        offers = list(union_of([known.may_offer, each.may_offer]))
        of_loan[each.loan_id] = known._replace(may_offer=offers)
    return list(of_loan.values())


def money_of_loans(
    connection: Connection,
    ctx: Context,
    loans: Sequence[LoanOfCall],
    answers: Mapping[int, GateAnswer],
    now: datetime,
) -> tuple[MoneyOfLoan, ...]:
    """What each loan owes; a loan that the gate was not asked about is left out."""
    schedules = call_sheets.instalments_of(connection, [loan.loan_id for loan in loans])
    return tuple(
        _money(ctx, loan, answers[loan.action_id], schedules[loan.loan_id], now)
        for loan in loans
        if loan.action_id in answers
    )


def _money(
    ctx: Context,
    loan: LoanOfCall,
    answer: GateAnswer,
    schedule: Sequence[Instalment],
    now: datetime,
) -> MoneyOfLoan:
    today = now.date()
    ladder = find_ladder(ctx.policy.ladders, loan.ladder_id, loan.ladder_version)
    due = ladder.with_due_days(schedule)
    past = [each for each in due if each.counts_from and each.counts_from < today]
    coming = [each for each in due if each not in past and each.unpaid > ZERO]
    day, _ = ladder_day(ladder, answer.asked.holds, loan.ladder_since, today)

    def unpaid(component: Component) -> Decimal:
        return sum((each.unpaid_of(component) for each in past), ZERO)

    return MoneyOfLoan(
        loan=loan.loan,
        product=loan.product,
        currency=loan.currency,
        fees=unpaid(Component.FEES),
        interest=unpaid(Component.INTEREST),
        principal=unpaid(Component.PRINCIPAL),
        past_due=answer.arrears.amount,
        oldest_due_on=answer.arrears.delinquent_since,
        days_past_due=answer.arrears.days_past_due,
        ladder_day=day,
        next_due_on=(coming[0].counts_from or coming[0].due_on) if coming else None,
        next_amount=coming[0].unpaid if coming else None,
        to_settle=sum((each.unpaid for each in schedule), ZERO),
    )


def offers_for(
    connection: Connection, ctx: Context, loans: Sequence[LoanOfCall]
) -> tuple[Offer, ...]:
    """The most that a collector may agree to alone, for each loan whose ladder allows it."""
    return tuple(
        Offer(kind, loan.loan, *most)
        for loan in loans
        for named, kind in OFFERS.items()
        if named in loan.may_offer
        and (most := most_quoted(connection, ctx, loan.loan, kind, Role.CALLER))
    )
