"""The facts of a day come in in any order, before or after the tape of that day: it is the same."""

from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text

from tests.support.events import pay, reverse, tell
from tests.support.loans import Book
from tests.support.rights import all_rights
from tests.workers.tapes.test_import_tape import AS_OF, bring_in, row
from workers.db.schema import instalment, loan, payment

DAY = AS_OF.isoformat()
AMOUNT = st.sampled_from(["0.01", "10", "33.33", "110", "150"])
FACT = st.tuples(
    st.sampled_from(["pay", "pay and bounce", "pay and bounce in part", "charge"]), AMOUNT
)


class Fact(NamedTuple):
    """Something of this day, under an id of its own."""

    id: int
    kind: str
    amount: str


def told(book: Book, name: str, fact: Fact) -> None:
    id = f"{name}-{fact.id}"
    if fact.kind == "charge":
        said = {"component": "fees", "due_on": "2026-02-28", "currency": "CNY", "booked_on": DAY}
        tell(book, "charge", adjustment=id, loan=name, amount=fact.amount, **said)
        return
    assert pay(book, fact.amount, id=id, loan=name).status == "applied"
    if fact.kind == "pay and bounce":
        reverse(book, id)
    elif fact.kind == "pay and bounce in part":
        reverse(book, id, amount="0.01", reversal=f"R-{id}")


def money_of(book: Book, name: str) -> tuple[object, ...]:
    """What is owed, what is paid of it and what is left over."""
    of_loan = loan.c.external_id == name
    due = instalment.c
    owed = func.sum(due.principal + due.interest + due.fees)
    paid = func.sum(due.paid_principal + due.paid_interest + due.paid_fees)
    left_over = func.coalesce(func.sum(payment.c.unallocated), 0)
    return (
        *book.one(select(owed, paid).join(loan).where(of_loan)),
        *book.one(select(left_over).join(loan).where(of_loan, payment.c.reversed_on.is_(None))),
    )


@given(facts=st.lists(FACT, min_size=2, max_size=5), data=st.data(), shown=AMOUNT)
@settings(
    max_examples=6,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_order_in_which_the_facts_of_a_day_come_in_makes_no_difference(
    engine: Engine,
    tmp_path: Path,
    facts: list[tuple[str, str]],
    data: st.DataObject,
    shown: str,
) -> None:
    with all_rights(engine) as connection:
        connection.execute(
            text("TRUNCATE person, borrower, loan, inbox_event, tape_import CASCADE")
        )
    book = Book(engine, now=f"{DAY} 10:00")
    bring_in(book, tmp_path, row("L-1"), row("L-2"))
    in_order = [Fact(id, kind, amount) for id, (kind, amount) in enumerate(facts)]
    orders = {"L-1": in_order, "L-2": data.draw(st.permutations(in_order))}
    before_tape = {name: data.draw(st.integers(0, len(facts))) for name in orders}

    for name, order in orders.items():
        for fact in order[: before_tape[name]]:
            told(book, name, fact)
    bring_in(book, tmp_path, row("L-1", paid=shown), row("L-2", paid=shown))
    for name, order in orders.items():
        for fact in order[before_tape[name] :]:
            told(book, name, fact)

    assert money_of(book, "L-1") == money_of(book, "L-2")
