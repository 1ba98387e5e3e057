"""Payments that come in together share statements; what comes of each is as if it came alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from domain.events import HandlerResult
from domain.language.speak import speak
from domain.loans import Instalment
from domain.reasons import ReasonCode, because
from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.events import store
from tests.support.loans import Book
from tests.support.plans import nothing_stays
from workers.context import Context
from workers.db.inbox_queue import BATCH_SIZE
from workers.db.schema import allocation, inbox_event, payment, promise
from workers.inbox import handlers
from workers.inbox.apply import apply_event, apply_events, dispatch_events
from workers.inbox.event_kind import Payload
from workers.inbox.kinds import EVENT_KINDS
from workers.inbox.submit import submit

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


def a_payment(
    book: Book, amount: str = "30", *, id: str = "P-1", loan: str = "L-1", currency: str = "CNY"
) -> int:
    """A payment of today that came in and waits. Gives its event's id."""
    return store(
        book,
        "payment",
        external_id=id,
        loan=loan,
        amount=amount,
        currency=currency,
        paid_on=book.ctx.today().isoformat(),
    )


def a_promise(book: Book, loan: str = "L-1") -> int:
    return store(
        book,
        "promise",
        promise=f"PR-{loan}",
        loan=loan,
        amount="300",
        currency="CNY",
        due_on="2026-04-12",
        actor="col-1",
    )


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 to L-3 owe three instalments of 105, of which two are past due, and were looked at."""
    book = Book(engine, now="2026-04-10 10:00")
    for name in ("L-1", "L-2", "L-3"):
        schedule = [
            Instalment(due, Decimal(80), Decimal(20), Decimal(5)) for due in (MARCH, APRIL, MAY)
        ]
        book.loan(name, instalments=schedule)
        book.escalate(name)
    return book


@contextmanager
def impatient(ctx: Context) -> Iterator[Context]:
    """The house of a worker that waits for a lock only a moment."""
    engine = create_engine(
        ctx.engine.url, connect_args={"options": "-c lock_timeout=200ms -c timezone=UTC"}
    )
    yield replace(ctx, engine=engine)
    engine.dispose()


def apply_batches_by(
    monkeypatch: pytest.MonkeyPatch, handler: Callable[..., list[HandlerResult]]
) -> None:
    payments = replace(EVENT_KINDS["payment"], apply_batch=handler)
    monkeypatch.setitem(EVENT_KINDS, "payment", payments)


def statuses(book: Book) -> list[str]:
    return [row.status for row in sorted(book.rows(inbox_event), key=lambda row: row.id)]


def test_each_of_many_is_told_what_came_of_it(book: Book) -> None:
    ids = [
        a_payment(book, "210", id="P-1", loan="L-1"),
        a_payment(book, "30", id="P-2", loan="L-2"),
        a_payment(book, "30", id="P-3", loan="L-9"),
        a_payment(book, "30", id="P-4", loan="L-3", currency="USD"),
        a_payment(book, "400", id="P-5", loan="L-3"),
    ]

    settled = apply_events(book.ctx, ids)

    assert [result.status for result in settled] == [
        "applied",
        "applied",
        "received",
        "rejected",
        "applied",
    ]
    assert speak(settled[0].reason).startswith("Nothing is past due any more")
    assert speak(settled[1].reason).startswith("180.00 CNY is still past due since 2026-03-01")
    assert speak(settled[2].reason) == (
        "Loan L-9 is not known. The payment names it: import it, or correct the id."
    )
    assert "in USD and loan L-3 in CNY" in speak(settled[3].reason)
    assert "85.00 CNY of it is left over" in speak(settled[4].reason)
    assert statuses(book) == [result.status for result in settled]
    assert {row.external_id: row.unallocated for row in book.rows(payment)} == {
        "P-1": 0,
        "P-2": 0,
        "P-5": 85,
    }


def test_of_two_for_one_loan_the_second_pays_what_the_first_has_left(book: Book) -> None:
    ids = [a_payment(book, "100", id="P-1"), a_payment(book, "20", id="P-2")]

    apply_events(book.ctx, ids)

    first, second = sorted(row.id for row in book.rows(payment))
    apply_allocations = {
        (row.payment_id, row.due_on, row.component): row.amount for row in book.rows(allocation)
    }
    assert apply_allocations == {
        (first, MARCH, "fees"): 5,
        (first, MARCH, "interest"): 20,
        (first, MARCH, "principal"): 75,
        (second, MARCH, "principal"): 5,
        (second, APRIL, "fees"): 5,
        (second, APRIL, "interest"): 10,
    }


def test_one_payment_told_under_two_events_counts_once(book: Book) -> None:
    ids = [a_payment(book), a_payment(book), a_payment(book, "40")]

    settled = apply_events(book.ctx, ids)

    assert [result.status for result in settled] == ["applied", "applied", "rejected"]
    assert speak(settled[1].reason) == "Payment P-1 is on record already; nothing changed."
    assert "is on record for loan L-1, over 30.00 CNY" in speak(settled[2].reason)
    assert book.one(payment).amount == 30


def test_a_payment_on_record_already_pays_nothing_again(book: Book) -> None:
    apply_events(book.ctx, [a_payment(book, "30", id="P-1")])

    apply_events(book.ctx, [a_payment(book, "30", id="P-1"), a_payment(book, "7", id="P-2")])

    assert sum(row.amount for row in book.rows(allocation)) == 37


@pytest.mark.attack("poisonous rows")
def test_one_at_fault_leaves_the_others_paid(book: Book) -> None:
    broken = store(
        book, "payment", external_id="P-0", loan="L-1", amount="1", currency="CNY", paid_on="soon"
    )
    ids = [a_payment(book, id="P-1"), broken, a_payment(book, id="P-2", loan="L-2")]

    apply_events(book.ctx, ids)

    assert {row.external_id for row in book.rows(payment)} == {"P-1", "P-2"}
    kept = {row.id: row for row in book.rows(inbox_event)}[broken]
    assert (kept.status, kept.reason) == (
        "received",
        because(ReasonCode.FAILED, error="ValidationError"),
    )


def test_what_fails_half_way_leaves_nothing_behind_and_is_done_one_by_one(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [a_payment(book, id="P-1"), a_payment(book, id="P-2", loan="L-2")]

    def pays_and_falls_over(
        connection: Connection, ctx: Context, payloads: Sequence[Payload]
    ) -> list[HandlerResult]:
        handlers.apply_payments(connection, ctx, payloads)
        raise ZeroDivisionError

    apply_batches_by(monkeypatch, pays_and_falls_over)
    settled = apply_events(book.ctx, ids)

    assert [result.status for result in settled] == ["applied", "applied"]
    assert len(book.rows(payment)) == 2


def test_a_promise_before_its_payment_is_kept_by_it(book: Book) -> None:
    ids = [a_payment(book, "1", id="P-1"), a_promise(book), a_payment(book, "400", id="P-2")]

    apply_events(book.ctx, ids)

    assert book.one(promise).status == "kept"
    assert statuses(book) == ["applied"] * 3


def test_what_else_waits_goes_along(book: Book) -> None:
    own, other = a_payment(book, id="P-1"), a_payment(book, id="P-2", loan="L-2")

    apply_events(book.ctx, [own])

    assert statuses(book) == ["applied", "applied"]
    assert apply_events(book.ctx, [other]) == [], "whoever is told of it finds it done"


def test_nothing_goes_along_before_what_came_in_of_its_loan_earlier(book: Book) -> None:
    waits = a_promise(book, "L-2")
    a_payment(book, "400", id="P-2", loan="L-2")
    own = a_payment(book, id="P-1")

    apply_events(book.ctx, [own])
    assert statuses(book) == ["received", "received", "applied"]

    apply_events(book.ctx, [waits, waits + 1])
    assert statuses(book) == ["applied"] * 3
    assert book.one(promise).status == "kept"


def test_what_was_tried_in_vain_does_not_go_along_for_ever(book: Book) -> None:
    apply_events(book.ctx, [a_payment(book, id="P-1", loan="L-9")])

    settled = apply_events(book.ctx, [a_payment(book, id="P-2")])

    assert [result.status for result in settled] == ["applied"]


def test_what_waits_goes_along_with_its_own_kind_only(book: Book) -> None:
    a_payment(book, id="P-2", loan="L-2")
    own = a_promise(book, "L-1")

    apply_events(book.ctx, [own])

    assert statuses(book) == ["received", "applied"]


def test_who_is_told_of_what_is_done_takes_nothing_along(book: Book) -> None:
    own = a_payment(book, id="P-1")
    apply_events(book.ctx, [own])
    a_payment(book, id="P-2", loan="L-2")

    assert apply_events(book.ctx, [own]) == []
    assert statuses(book) == ["applied", "received"]


def test_a_loan_that_somebody_holds_holds_up_none_of_the_others(book: Book) -> None:
    held, free, _ = (a_payment(book, id=f"P-{n}", loan=f"L-{n}") for n in (1, 2, 3))
    dispatch_events(book.ctx)
    with book.ctx.engine.begin() as connection, impatient(book.ctx) as ctx:
        connection.execute(text("SELECT FROM loan WHERE external_id = 'L-1' FOR UPDATE"))
        with pytest.raises(OperationalError):
            apply_events(ctx, [held, free])

    assert statuses(book) == ["received", "applied", "applied"]
    assert dispatch_events(book.ctx) == [held], "at once, and not when its lease has ended"
    apply_events(book.ctx, [held])
    assert statuses(book) == ["applied"] * 3


def test_one_that_goes_along_is_not_waited_for(book: Book) -> None:
    free, held = a_payment(book, id="P-2", loan="L-2"), a_payment(book, id="P-1", loan="L-1")
    dispatch_events(book.ctx)
    with book.ctx.engine.begin() as connection:
        connection.execute(text("SELECT FROM loan WHERE external_id = 'L-1' FOR UPDATE"))
        apply_events(book.ctx, [free])

    assert statuses(book) == ["applied", "received"]
    assert dispatch_events(book.ctx) == [held]


def test_one_alone_that_goes_along_is_not_waited_for(book: Book) -> None:
    others, held = a_payment(book, id="P-2", loan="L-2"), a_payment(book, id="P-1", loan="L-1")
    with book.ctx.engine.begin() as connection, impatient(book.ctx) as ctx:
        connection.execute(text("SELECT FROM loan WHERE external_id = 'L-1' FOR UPDATE"))
        connection.execute(
            text("SELECT FROM inbox_event WHERE id = :id FOR UPDATE"), {"id": others}
        )
        apply_events(ctx, [others])

    assert statuses(book) == ["received", "received"]
    assert held in dispatch_events(book.ctx)


def test_who_is_told_of_others_after_one_that_is_held_leaves_them_to_the_sweep(book: Book) -> None:
    held = a_payment(book, id="P-1", loan="L-1")
    later = a_promise(book, "L-2")
    dispatch_events(book.ctx)
    with book.ctx.engine.begin() as connection, impatient(book.ctx) as ctx:
        connection.execute(text("SELECT FROM loan WHERE external_id = 'L-1' FOR UPDATE"))
        with pytest.raises(OperationalError):
            apply_events(ctx, [held, later])

    assert dispatch_events(book.ctx) == [held, later], (
        "at once, and not when their leases have ended"
    )


def test_one_that_somebody_else_is_at_keeps_none_of_the_others_from_the_sweep(book: Book) -> None:
    held, later, theirs = (a_promise(book, f"L-{n}") for n in (1, 2, 3))
    dispatch_events(book.ctx)
    with book.ctx.engine.begin() as connection, impatient(book.ctx) as ctx:
        connection.execute(text("SELECT FROM loan WHERE external_id = 'L-1' FOR UPDATE"))
        connection.execute(
            text("SELECT FROM inbox_event WHERE id = :id FOR UPDATE"), {"id": theirs}
        )
        with pytest.raises(OperationalError):
            apply_events(ctx, [held, later, theirs])

    assert dispatch_events(book.ctx) == [held, later]


def test_what_went_along_with_one_at_fault_is_told_of_again(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, along = a_payment(book, id="P-1"), a_payment(book, id="P-2", loan="L-2")
    dispatch_events(book.ctx)

    def falls_over(*_: object) -> list[HandlerResult]:
        raise ZeroDivisionError

    apply_batches_by(monkeypatch, falls_over)
    apply_events(book.ctx, [own])

    assert statuses(book) == ["applied", "received"]
    assert dispatch_events(book.ctx) == [along]


def test_a_time_limit_ends_the_work_and_blames_no_event(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [a_payment(book, id="P-1"), a_payment(book, id="P-2", loan="L-2")]
    dispatch_events(book.ctx)

    def too_long(*_: object) -> list[HandlerResult]:
        raise SoftTimeLimitExceeded

    apply_batches_by(monkeypatch, too_long)
    with pytest.raises(SoftTimeLimitExceeded):
        apply_events(book.ctx, ids[:1])

    assert {(row.status, row.reason) for row in book.rows(inbox_event)} == {("received", ())}
    assert dispatch_events(book.ctx) == ids, "at once, and not when their leases have ended"


def test_what_somebody_else_is_at_is_left_to_them(book: Book) -> None:
    ids = [a_payment(book, id="P-1"), a_payment(book, id="P-2", loan="L-2")]
    with book.ctx.engine.begin() as connection:
        connection.execute(
            text("SELECT FROM inbox_event WHERE id = :id FOR UPDATE"), {"id": ids[0]}
        )
        apply_events(book.ctx, ids)

    assert statuses(book) == ["received", "applied"]


def test_two_workers_with_the_same_events_pay_each_once(book: Book) -> None:
    ids = [a_payment(book, "1", id=f"P-{n}", loan=f"L-{n % 3 + 1}") for n in range(60)]
    there_and_back = (ids, ids[::-1])

    concurrently(*((lambda some=some: apply_events(book.ctx, some)) for some in there_and_back))

    assert len(book.rows(payment)) == 60
    assert sum(row.amount for row in book.rows(allocation)) == 60
    assert statuses(book) == ["applied"] * 60


def test_a_person_who_waits_for_an_event_is_told_what_came_of_it(book: Book) -> None:
    paid = {
        "external_id": "P-1",
        "loan": "L-1",
        "amount": "30.00",
        "currency": "CNY",
        "paid_on": "2026-04-10",
    }
    a_payment(book, id="P-2", loan="L-2")

    settled = submit(book.ctx, "payment:P-1", "payment", paid)

    assert settled.status == "applied"
    assert statuses(book) == ["received", "applied"], "the other is the workers'"


def test_ten_payments_cost_the_statements_of_one(book: Book) -> None:
    def cost(many: int) -> int:
        ids = [a_payment(book, "1", id=f"P-{many}-{n}", loan=f"L-{n % 3 + 1}") for n in range(many)]
        with statements(book.ctx.engine) as sent:
            apply_events(book.ctx, ids)
        return len(sent)

    assert cost(10) == cost(BATCH_SIZE) == cost(3) <= 16


PAID = st.lists(
    st.tuples(
        st.sampled_from(["P-1", "P-2", "P-3", "P-4"]),
        st.sampled_from(["L-1", "L-2", "L-9"]),
        st.sampled_from(["0", "1", "104.99", "105", "211", "400"]),
        st.sampled_from(["CNY", "CNY", "CNY", "USD"]),
    ),
    min_size=2,
    max_size=8,
)


ENDS = (
    "SELECT external_id, loan_id, amount, unallocated FROM payment ORDER BY 1",
    "SELECT external_id, due_on, component, a.amount"
    "  FROM allocation a JOIN payment p ON p.id = a.payment_id ORDER BY 1, 2, 3",
    "SELECT loan_id, due_on, paid_fees, paid_interest, paid_principal"
    "  FROM instalment ORDER BY 1, 2",
    "SELECT id, delinquent_since, ladder_since, review_on FROM loan ORDER BY 1",
    "SELECT loan_id, item, ladder_since, status FROM action ORDER BY 1, 2, 3",
    "SELECT loan_id, opened_on, closed_because FROM collection_case ORDER BY 1, 2",
)
"""Everything that a payment may change, but for words: where two payments cure a loan, one by one
the first says of what it calls off that newer arrears took its place."""


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(paid=PAID)
def test_many_at_once_end_as_one_by_one(
    book: Book, paid: Sequence[tuple[str, str, str, str]]
) -> None:
    def play(*, at_once: bool) -> object:
        with nothing_stays(book.ctx) as (connection, same_context):
            same = copy(book)
            same.ctx = same_context
            ids = [
                a_payment(same, amount, id=id, loan=name, currency=currency)
                for id, name, amount, currency in paid
            ]
            came = (
                apply_events(same_context, ids)
                if at_once
                else [apply_event(same_context, id) for id in ids]
            )
            return [result.status for result in came], [
                connection.execute(text(end)).all() for end in ENDS
            ]

    assert play(at_once=True) == play(at_once=False)
