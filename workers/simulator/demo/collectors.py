"""What collectors do at the desk: they are served a call, make it, learn why the loan is overdue,
and take a promise."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from config.readers.locales import format_date, format_money
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from domain.errors import ArrearsError
from domain.follow_ups import Trigger
from domain.next_work import WorkKind
from domain.right_party import Question
from workers.cli.language import language_of_environment, word
from workers.db.schema import action, call, loan, staff
from workers.simulator.demo.desk import Desk, NotNowError
from workers.simulator.demo.installation import Installation
from workers.simulator.demo.people import Person

MOST_SERVED = 20
"""Calls that a collector is served, at most, until the one of a story."""

A_CALL_TAKES = timedelta(minutes=3)
"""The clock moves on by so much. Nobody is given many numbers within a minute."""


@dataclass(frozen=True, slots=True)
class MadeCall:
    """A call in which the borrower was reached."""

    attempt: str
    caller: str
    name: str
    """The borrower's."""
    loan: str
    why: str
    """Why it was served, in the reader's language."""
    past_due: Decimal
    currency: str

    @property
    def recording(self) -> str:
        """How the dialer names the recording of the call."""
        return f"REC-{self.attempt}"


@dataclass(frozen=True, slots=True)
class MadePromise:
    """What a borrower promised in a call."""

    promise: str
    name: str
    """The borrower's."""
    loan: str
    amount: Decimal
    currency: str
    due_on: date


def busiest_caller(installation: Installation) -> str:
    """The collector who has the most calls.

    Raises:
        ArrearsError: nobody has one.
    """
    query = (
        select(staff.c.external_id)
        .join(call, call.c.staff_id == staff.c.id)
        .where(call.c.ended_at.is_(None), call.c.cancelled_at.is_(None))
        .group_by(staff.c.id)
        .order_by(func.count().desc(), staff.c.id)
        .limit(1)
    )
    with installation.ctx.engine.connect() as connection:
        found: str | None = connection.execute(query).scalar()
    if found is None:
        raise ArrearsError("No call is assigned to anybody, so nobody can be called.")
    return found


def caller_with(installation: Installation, loan_id: str, after: Trigger) -> str | None:
    """The collector who has the follow-up call of a loan; None: nobody has one."""
    ladders = installation.ctx.policy.ladders
    items = [item.id for ladder in ladders for item in ladder.after(after)]
    query = (
        select(staff.c.external_id)
        .join(call, call.c.staff_id == staff.c.id)
        .join(action, action.c.id == call.c.action_id)
        .join(loan, loan.c.id == action.c.loan_id)
        .where(
            loan.c.external_id == loan_id, action.c.item.in_(items), call.c.cancelled_at.is_(None)
        )
        .limit(1)
    )
    with installation.ctx.engine.connect() as connection:
        found: str | None = connection.execute(query).scalar()
    return found


def make_next_call(
    desk: Desk, people: Mapping[str, Person], attempt: str, *, about: str | None = None
) -> MadeCall:
    """Start the call that the collector is served, of the loan `about` if it is named.

    Whoever answers says who they are, and both answers are right; only then the collector is shown
    what is owed. At the calls that come before that one nobody answers.

    Raises:
        ArrearsError: no such call is served.
    """
    for number in range(MOST_SERVED):
        work = desk.post("/work/next")
        if work.get("kind") == WorkKind.DUTY:
            desk.post(f"/duties/{work['duty']}/done")
            continue
        if work.get("kind") != WorkKind.CALL:
            break
        is_that = about in (None, work["loan"])
        id = attempt if is_that else f"{attempt}-before-{number}"
        if not _start(desk, work, id):
            continue
        if is_that:
            person = people[work["loan"]]
            _confirm(desk, person, id)
            sheet = desk.post(f"/work/{work['lease']}/sheet")
            [owed] = [each for each in sheet["money"] if each["loan"] == work["loan"]]
            past_due = Decimal(owed["past_due"])
            return MadeCall(
                attempt=id,
                caller=desk.who,
                name=person.name,
                loan=work["loan"],
                why=work["why"]["sentence"],
                past_due=past_due,
                currency=owed["currency"],
            )
        desk.post("/outcomes", attempt=id, outcome=ContactOutcome.NO_ANSWER)
    raise ArrearsError("{who} is served no call that can be made now.", who=desk.who)


def _start(desk: Desk, work: dict[str, Any], attempt: str) -> bool:
    """Whether the gate, which has the last word, lets the call start. If not, it is given back."""
    try:
        desk.post("/calls", loan=work["loan"], item=work["item"], attempt=attempt)
    except NotNowError:
        desk.post(f"/work/{work['lease']}/release")
        return False
    desk.installation.move_clock(desk.installation.ctx.now() + A_CALL_TAKES)
    return True


def _confirm(desk: Desk, person: Person, attempt: str) -> None:
    answers = {Question.NAME: person.name, Question.ADDRESS_NUMBERS: person.address}
    if not desk.post(f"/calls/{attempt}/right-party", answers=answers)["confirmed"]:
        raise ArrearsError("The call {attempt} reached somebody else.", attempt=attempt)


def report_reason(desk: Desk, made: MadeCall, reason: ArrearsReason) -> str:
    """Report that the borrower said why the loan is overdue. Returns the reason in words."""
    desk.post(
        "/outcomes",
        attempt=made.attempt,
        outcome=ContactOutcome.SPOKE,
        reason=reason,
        recording=made.recording,
    )
    return word("arrears_reason", reason).replace("_", " ")


def take_promise(desk: Desk, made: MadeCall, share: Decimal, in_days: int) -> MadePromise:
    """Take a promise of a share of what is past due, so many days from today."""
    promised = MadePromise(
        f"promise-{made.attempt}",
        made.name,
        made.loan,
        (made.past_due * share).quantize(Decimal("0.01")),
        made.currency,
        desk.installation.ctx.today() + timedelta(days=in_days),
    )
    desk.post(
        "/promises",
        promise=promised.promise,
        loan=promised.loan,
        amount=str(promised.amount),
        currency=promised.currency,
        due_on=promised.due_on.isoformat(),
    )
    return promised


def money(amount: Decimal | str, currency: str) -> str:
    """An amount as the reader writes it."""
    return format_money(Decimal(amount), currency, _locale())


def day(on: date | str) -> str:
    """A day as the reader writes it."""
    return format_date(date.fromisoformat(on) if isinstance(on, str) else on, _locale())


def _locale() -> str:
    return {"zh": "zh-Hans"}.get(language_of_environment(), "en")
