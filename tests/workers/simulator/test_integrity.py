"""Holding the house to its promises: records that explain nothing, and items that acted twice."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, Table, func, insert, literal, select, text, update

from tests.support.arrangements import accept, arranged, ask, confirm, in_difficulty, offer
from tests.support.events import pay
from tests.support.events import promise as promised
from tests.support.loans import Book
from tests.support.rights import all_rights
from workers.db.schema import (
    action,
    arrangement,
    arrangement_instalment,
    call,
    contact,
    decision,
    hold,
    loan,
    message,
    promise,
)
from workers.simulator.demo.integrity import (
    Gap,
    count_duplicates,
    count_unexplained,
    find_unexplained,
)


@pytest.fixture
def book(engine: Engine) -> Book:
    """One loan whose first text was sent, and whose call waits."""
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    return book


def gaps(book: Book) -> dict[Gap, int]:
    with book.ctx.engine.connect() as connection:
        found = find_unexplained(connection, book.ctx)
        assert count_unexplained(connection, book.ctx) == sum(found.values())
    return found


def duplicates(book: Book) -> int:
    with book.ctx.engine.connect() as connection:
        return count_duplicates(connection)


def meddle(book: Book, item: str, **columns: object) -> None:
    """Write into an action what no worker would."""
    with book.ctx.engine.begin() as connection:
        connection.execute(
            update(action).where(action.c.id == book.action_id("L-1", item)).values(**columns)
        )


def another_text(book: Book, status: str) -> None:
    """A second text, of its own status, for the action whose text was sent."""
    copied = [column for column in message.c if column.name not in ("id", "sid", "status")]
    again = select(func.gen_random_uuid(), *copied, literal(status))
    with book.ctx.engine.begin() as connection:
        connection.execute(
            insert(message).from_select(["id", *(c.name for c in copied), "status"], again)
        )


def test_a_book_that_was_worked_has_no_problem(book: Book) -> None:
    assert gaps(book) == {}
    assert duplicates(book) == 0


def test_a_contact_without_a_rule_pack_is_found(book: Book) -> None:
    sent = book.one(contact)
    with book.ctx.engine.begin() as connection:
        connection.execute(
            insert(contact).values(
                borrower_id=sent.borrower_id,
                loan_id=sent.loan_id,
                action_id=sent.action_id,
                channel="sms",
                at=sent.at,
            )
        )

    assert gaps(book) == {Gap.CONTACT_WITHOUT_RULES: 1}


def test_an_action_whose_decision_was_about_nothing_past_due_is_found(book: Book) -> None:
    with all_rights(book.ctx.engine) as connection:
        connection.execute(update(decision).values(delinquent_since=None))

    assert gaps(book) == {Gap.ACTION_WITHOUT_DECISION: 2}


def test_an_action_by_a_ladder_that_is_not_loaded_is_found(book: Book) -> None:
    meddle(book, "friendly_call", ladder_version=99)

    assert gaps(book) == {Gap.ITEM_NOT_IN_LADDER: 1}


def test_an_action_that_claims_to_be_done_and_left_nothing_is_found(book: Book) -> None:
    meddle(book, "friendly_call", status="done")

    assert gaps(book) == {Gap.DONE_WITHOUT_EFFECT: 1}


def test_a_text_that_went_out_for_an_action_that_was_called_off_is_found(book: Book) -> None:
    meddle(book, "text_day_1", status="cancelled")

    assert gaps(book) == {Gap.EFFECT_NOT_DONE: 1}


def test_a_text_whose_receipt_overtook_the_answer_is_no_gap(book: Book) -> None:
    meddle(book, "text_day_1", status="unknown")

    assert gaps(book) == {}


def test_a_call_for_an_action_that_was_never_claimed_is_found(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(
            insert(call).values(
                loan_id=book.loan_id("L-1"),
                action_id=book.action_id("L-1", "friendly_call"),
                staff_id=book.staff("caller-1", "caller"),
                purpose="A test needs it.",
                language="en",
                assigned_at=book.ctx.now(),
            )
        )

    assert gaps(book) == {Gap.EFFECT_NOT_DONE: 1}


def test_a_loan_past_due_that_nobody_looked_at_in_time_is_found_the_day_after(book: Book) -> None:
    book.loan("forgotten", due_on="2026-03-01")
    assert gaps(book) == {}, "it is due today, and today is not over"

    book.at("2026-03-03 10:00")
    assert gaps(book) == {Gap.LOAN_NOT_REVIEWED: 1}

    book.escalate("forgotten")
    assert gaps(book) == {}


def test_a_loan_that_is_not_past_due_may_be_looked_at_late(book: Book) -> None:
    book.loan("due later", due_on="2026-03-05")
    with book.ctx.engine.begin() as connection:
        connection.execute(
            update(loan).where(loan.c.external_id == "due later").values(review_on=date(2026, 3, 2))
        )

    assert gaps(book.at("2026-03-03 10:00")) == {}


def test_a_second_text_for_one_item_is_counted_even_if_the_constraint_were_gone(
    book: Book,
) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(text("DROP INDEX message_one_live_per_try"))
    another_text(book, "unknown")

    assert duplicates(book) == 1


def test_a_text_that_was_refused_and_then_sent_acted_once(book: Book) -> None:
    another_text(book, "refused")

    assert duplicates(book) == 0
    assert gaps(book) == {}


def meddle_with(book: Book, table: Table, **columns: object) -> None:
    """Write into all rows of a table what no worker would."""
    with all_rights(book.ctx.engine) as connection:
        connection.execute(update(table).values(**columns))


def test_a_promise_that_is_kept_and_still_pauses_the_ladder_is_found(book: Book) -> None:
    promised(book, "1000", "2026-03-05")
    assert gaps(book) == {}
    pay(book, "1000")
    assert gaps(book) == {}

    meddle_with(book, hold, ends_on=date(2026, 3, 7))
    assert gaps(book) == {Gap.PROMISE_IN_TWO_STATES: 1}


def test_an_open_promise_without_its_pause_is_found(book: Book) -> None:
    promised(book, "1000", "2026-03-05")

    meddle_with(book, hold, ends_on=date(2026, 3, 4))
    assert gaps(book) == {Gap.PROMISE_IN_TWO_STATES: 1}


def test_a_promise_that_is_other_than_its_last_change_says_is_found(book: Book) -> None:
    promised(book, "1000", "2026-03-05")
    pay(book, "1000")

    meddle_with(book, promise, status="broken")
    assert gaps(book) == {Gap.PROMISE_IN_TWO_STATES: 1}


def test_a_plan_has_no_gap_at_any_point_of_its_life(engine: Engine) -> None:
    book = in_difficulty(engine)
    for step in (ask, offer, accept, confirm):
        step(book)
        assert gaps(book) == {}, step.__name__


def test_an_active_plan_whose_pause_ended_is_found(engine: Engine) -> None:
    book = arranged(in_difficulty(engine))

    meddle_with(book, hold, ends_on=date(2026, 3, 11))
    assert gaps(book) == {Gap.PLAN_IN_TWO_STATES: 1}


@pytest.mark.parametrize("column", ["to_pay_before", "to_pay_after"])
def test_a_plan_whose_total_is_a_cent_off_is_found(engine: Engine, column: str) -> None:
    book = in_difficulty(engine)
    ask(book)
    offer(book)

    a_cent_more = arrangement.c[column] + Decimal("0.01")
    meddle_with(book, arrangement, **{column: a_cent_more})
    assert gaps(book) == {Gap.PLAN_DOES_NOT_ADD_UP: 1}


def test_an_instalment_of_an_offer_that_is_a_cent_off_is_found(engine: Engine) -> None:
    book = in_difficulty(engine)
    ask(book)
    offer(book)

    a_cent_more = arrangement_instalment.c.principal + Decimal("0.01")
    meddle_with(book, arrangement_instalment, principal=a_cent_more)
    assert gaps(book) == {Gap.PLAN_DOES_NOT_ADD_UP: 1}
