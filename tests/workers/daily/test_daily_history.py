"""From the rows of the daily history, each loan stands on every past day where `decide` put it."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from domain.buckets import scheme_on
from domain.decision import Snapshot, decide
from domain.loan_states import LoanState, Standing, state_of
from domain.loans import Instalment
from tests.support.events import pay, reverse, tell
from tests.support.loans import Book
from workers.daily.close_days import close_next
from workers.daily.states import states_on
from workers.db.loan_standing import load_standings
from workers.db.schema import announcement, closed_day, scan_run
from workers.escalation.escalate import escalate_loans
from workers.escalation.scan import Envelope, scan_portfolio
from workers.gate.facts import all_holds
from workers.hardship.promise_judgement import break_overdue_promises

FIRST_DAY = date(2026, 3, 1)
DAYS = 75
NUMBERS = count(1)
FALL_DUE = (date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1))


class Happening(NamedTuple):
    """Something that happens to a loan on a day, after its scan or before."""

    day: int
    what: str
    amount: str
    lasts: int
    begins_in: int
    """Days, of a hold."""


WHAT = (
    *("pay", "pay", "pay", "bounce", "hold", "hold of the person", "release", "promise"),
    *("write off", "take back", "no night"),
)
HAPPENING = st.builds(
    Happening,
    st.integers(0, DAYS - 1),
    st.sampled_from(WHAT),
    st.sampled_from(["1", "100", "300", "1000"]),
    st.integers(1, 30),
    st.sampled_from([0, 0, 3, 12]),
)


@given(lives=st.lists(st.lists(HAPPENING, min_size=2, max_size=9), min_size=4, max_size=4))
@settings(
    max_examples=2,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_each_loan_stands_on_each_past_day_where_the_decision_of_that_day_put_it(
    engine: Engine, lives: list[list[Happening]]
) -> None:
    book = Book(engine, now=f"{FIRST_DAY} 09:00")
    with engine.begin() as connection:
        for table in (closed_day, scan_run, announcement):  # of the example before
            connection.execute(delete(table))
    due = [Instalment(day, Decimal(300)) for day in FALL_DUE]
    loans = {f"L-{next(NUMBERS)}": life for life in lives}
    ids = {name: book.loan(name, instalments=due, phone=None) for name in loans}
    nights_missed = {each.day for life in lives for each in life if each.what == "no night"}

    said: dict[date, dict[int, LoanState]] = {}
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(number)
        if number not in nights_missed:
            book.at(f"{day} 00:45")
            close_all(book)
        book.at(f"{day} 10:00")
        break_overdue_promises(book.ctx)
        scan_portfolio(book.ctx, lambda found: escalate(book, found))
        for name, life in loans.items():
            for at, each in enumerate(life):
                if each.day == number:
                    book.at(f"{day} {11 + at}:00")
                    let_happen(book, name, each, at)
        book.at(f"{day} 23:00")
        said[day] = as_decided(book, list(ids.values()))
    book.at(f"{FIRST_DAY + timedelta(DAYS)} 00:45")
    close_all(book)

    not_past_due = LoanState(Standing.NOT_PAST_DUE, bucket="M0")
    with engine.connect() as connection:
        kept = {}
        for day in said:
            known = states_on(connection, day, list(ids.values()))
            kept[day] = {of: known.get(of, not_past_due) for of in ids.values()}
    assert kept == said


def escalate(book: Book, found: list[Envelope]) -> None:
    for envelope in found:
        escalate_loans(book.ctx, envelope.loan_ids)


def close_all(book: Book) -> None:
    after = None
    while (done := close_next(book.ctx, after)).day is not None:
        after = done.month_after


def let_happen(book: Book, loan: str, each: Happening, at: int) -> None:
    """What is refused, such as a payment that bounces twice, changes nothing."""
    today = book.ctx.today()
    until = today + timedelta(each.lasts)
    match each.what:
        case "pay":
            pay(book, each.amount, id=f"P-{loan}-{at}", loan=loan)
        case "bounce":
            reverse(book, f"P-{loan}-{max(at - 1, 0)}")
        case "hold" | "hold of the person":
            kind = "manual" if each.what == "hold" else "vulnerability"
            first, last = (str(day + timedelta(each.begins_in)) for day in (today, until))
            values = {"kind": kind, "starts_on": first, "ends_on": last}
            tell(book, "hold", hold=f"H-{loan}-{at}", loan=loan, why="x", actor="sup-1", **values)
        case "release":
            named = {"hold": f"H-{loan}-{max(at - 1, 0)}", "ends_on": str(today)}
            tell(book, "release", actor="sup-1", **named)
        case "promise":
            values = {"amount": each.amount, "currency": "CNY", "due_on": str(until)}
            tell(book, "promise", promise=f"PR-{loan}-{at}", loan=loan, actor="col-1", **values)
        case "write off":
            tell(book, "write_off", loan=loan, written_off_on=str(today), actor="sup-1")
        case "take back":
            tell(book, "write_off_taken_back", loan=loan, taken_back_on=str(today), actor="sup-1")


def as_decided(book: Book, loan_ids: list[int]) -> dict[int, LoanState]:
    """What a decision of this moment says of each, from what is on record."""
    now = book.ctx.now()
    with book.ctx.engine.connect() as connection:
        facts = load_standings(connection, loan_ids, now.date())
    scheme = scheme_on(book.ctx.policy.buckets, now.date())
    states = {}
    for loan_id, fact in facts.items():
        snapshot = Snapshot(
            loan_id,
            fact.instalments,
            all_holds((), fact, now.date()),
            tuple(stored.past for stored in fact.actions),
            written_off=fact.written_off,
        )
        decided = decide(snapshot, book.ctx.ladder_of(fact, now.date()), now)
        states[loan_id] = state_of(decided, scheme)
    return states
