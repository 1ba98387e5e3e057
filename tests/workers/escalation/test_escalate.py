"""Escalation on a real database: what is decided is on record, once, whatever is repeated."""

from dataclasses import replace
from datetime import date
from functools import partial

import pytest
from sqlalchemy import Engine, create_engine, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from domain.actions import ActionStatus
from domain.holds import HoldKind
from domain.reasons import ReasonCode, because
from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.loans import Book
from workers.db.schema import action, collection_case, decision, hold, loan, problem
from workers.escalation.escalate import escalate_loans


def test_a_loan_one_day_past_due_is_given_its_text_and_its_call(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01", amount="1200.50")

    done = book.escalate("L-1")

    assert (done.reviewed, done.planned) == (1, 2)
    assert book.actions("L-1") == {"text_day_1": "planned", "friendly_call": "planned"}
    decided = book.one(decision)
    assert (decided.outcome, decided.days_past_due, decided.past_due) == ("act", 1, 1200.5)
    newest = max(x.version for x in book.ctx.policy.ladders if x.id == "consumer_loan_cn")
    assert (decided.ladder_id, decided.ladder_version) == ("consumer_loan_cn", newest)
    assert decided.rule_packs == ["cn v6", "lender v4"]
    assert book.one(select(loan.c.review_on)).review_on == date(2026, 3, 4), "day 3"
    assert book.one(collection_case).closed_at is None


def test_a_repeated_or_late_message_does_nothing(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")

    assert book.escalate("L-1").reviewed == 0
    assert len(book.rows(decision)) == 1


def test_a_loan_that_is_not_due_for_a_look_is_left_alone(engine: Engine) -> None:
    book = Book(engine, now="2026-03-01 10:00")
    book.loan("L-1", due_on="2026-03-01")

    assert book.escalate("L-1").reviewed == 0


def test_workers_with_the_same_envelope_decide_each_loan_once(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    ids = [book.loan(f"L-{n}", due_on="2026-03-01") for n in range(40)]

    concurrently(*[partial(escalate_loans, book.ctx, ids)] * 4)

    per_loan = book.rows(select(func.count()).select_from(decision).group_by(decision.c.loan_id))
    assert [count for (count,) in per_loan] == [1] * 40
    assert len(book.rows(action)) == 80


def test_the_database_itself_refuses_a_second_action_for_an_item(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    again = dict(book.action("L-1", "text_day_1")._mapping)
    del again["id"]

    with pytest.raises(IntegrityError, match="action_once"), engine.begin() as connection:
        connection.execute(insert(action).values(**again))


def test_one_loan_at_fault_does_not_hold_up_its_envelope(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    for name in ("L-1", "L-2", "L-3"):
        book.loan(name, due_on="2026-03-01")
    with engine.begin() as connection:
        # An amount nobody can reckon with: `decide` raises for this loan alone.
        connection.execute(
            text("ALTER TABLE instalment DROP CONSTRAINT instalment_fees_not_overpaid")
        )
        connection.execute(
            text("UPDATE instalment SET fees = 'NaN' WHERE loan_id = :id"),
            {"id": book.loan_id("L-2")},
        )

    done = book.escalate("L-1", "L-2", "L-3")

    assert (done.reviewed, done.failed) == (2, 1)
    assert [bool(book.actions(name)) for name in ("L-1", "L-2", "L-3")] == [True, False, True]
    assert book.one(problem).kind == "escalation_failed"
    review_on = select(loan.c.review_on).where(loan.c.external_id == "L-2")
    assert book.one(review_on).review_on == date(2026, 3, 2), "it is still due"


@pytest.mark.parametrize("envelope", [["L-1"], ["L-1", "L-2"]])
def test_a_database_that_cannot_be_used_now_is_no_loans_fault(
    engine: Engine, envelope: list[str]
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    for name in envelope:
        book.loan(name, due_on="2026-03-01")
    patient = book.ctx
    impatient = create_engine(engine.url, connect_args={"options": "-c lock_timeout=200ms"})
    book.ctx = replace(patient, engine=impatient)

    with engine.begin() as somebody_else:
        somebody_else.execute(text("LOCK TABLE decision"))
        with pytest.raises(OperationalError):
            book.escalate(*envelope)
    impatient.dispose()

    book.ctx = patient
    assert book.rows(problem) == []
    assert [(row.quarantined_until, row.review_on) for row in book.rows(loan)] == [
        (None, date(2026, 3, 2))
    ] * len(envelope)
    assert book.escalate(*envelope).reviewed == len(envelope)


def test_what_waited_for_a_fact_comes_before_the_gate_again_after_a_look(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01", phone=None)
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    assert_deferred_until_known(book)

    book.at("2026-03-02 11:00").hold("L-1", HoldKind.PROMISE, "2026-03-02", "2026-03-03")
    look_again(book)
    assert_deferred_until_known(book)  # while it is held, there is nothing to ask

    with engine.begin() as connection:
        connection.execute(delete(hold))
    book.at("2026-03-02 12:00")
    look_again(book)
    asked_again = book.action("L-1", "text_day_1")
    assert (asked_again.status, asked_again.due_at) == ("deferred", book.clock.at)

    book.set_numbers("B-L-1", "+8613800138000")
    assert book.send("L-1", "text_day_1") == "accepted"


def assert_deferred_until_known(book: Book) -> None:
    waiting = book.action("L-1", "text_day_1")
    assert (waiting.status, waiting.due_at) == ("deferred", None)
    assert waiting.rules == ["lender.no_address_known"]


def look_again(book: Book) -> None:
    """Look at the loan although its review date has not come."""
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).values(review_on=book.ctx.today()))
    assert book.escalate("L-1").reviewed == 1


def test_statements_do_not_grow_with_the_envelope(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    one = [book.loan("L-0", due_on="2026-03-01")]
    many = [book.loan(f"L-{n}", due_on="2026-03-01") for n in range(1, 51)]

    with statements(engine) as for_one:
        escalate_loans(book.ctx, one)
    with statements(engine) as for_many:
        escalate_loans(book.ctx, many)

    assert len(for_one) == len(for_many) <= 8


def test_a_held_loan_rests_and_goes_on_where_it_stood(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.hold("L-1", HoldKind.PROMISE, "2026-03-03", "2026-03-13")

    book.at("2026-03-04 10:00").escalate("L-1")
    assert book.rows(decision)[-1].outcome == "held"
    assert "text_day_3" not in book.actions("L-1")

    book.at("2026-03-14 10:00").escalate("L-1")
    latest = book.rows(decision)[-1]
    assert (latest.days_past_due, latest.ladder_day) == (13, 3)
    assert book.actions("L-1")["text_day_3"] == "planned"


def test_a_second_default_escalates_again(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    with engine.begin() as connection:
        connection.execute(text("UPDATE instalment SET paid_principal = principal"))
        connection.execute(
            text(
                "INSERT INTO instalment (loan_id, due_on, principal)"
                " SELECT id, '2026-04-01', 5 FROM loan"
            )
        )
        connection.execute(text("UPDATE loan SET review_on = '2026-03-10'"))
    book.at("2026-03-10 10:00").escalate("L-1")
    assert set(book.actions("L-1").values()) == {"cancelled"}
    assert book.one(collection_case).closed_because == "cured"

    with engine.begin() as connection:
        connection.execute(
            text("UPDATE instalment SET principal = 500 WHERE due_on = '2026-04-01'")
        )
    book.at("2026-04-02 10:00").escalate("L-1")

    assert book.action("L-1", "text_day_1").ladder_since == date(2026, 4, 1)
    assert book.actions("L-1")["text_day_1"] == "planned"
    assert [row.closed_at is None for row in book.rows(collection_case)] == [False, True]


def test_what_waited_too_long_is_skipped_and_made_up_for_before_a_legal_file(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-08 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    assert book.actions("L-1")["enquiry_call"] == "planned", "and nobody ever makes it"

    book.at("2026-03-31 10:00").escalate("L-1")
    assert book.action("L-1", "enquiry_call").status == "skipped"
    assert book.action("L-1", "enquiry_call").reason == because(ReasonCode.DAYS_PASSED)

    get_done(book, "field_visit")
    book.at("2026-04-30 10:00").escalate("L-1")
    assert "legal_file" not in book.actions("L-1")
    assert book.actions("L-1")["friendly_call"] == "planned", "the earliest step comes first"
    get_done(book, "friendly_call")
    book.at("2026-05-01 10:00").escalate("L-1")
    assert book.actions("L-1")["enquiry_call"] == "planned"
    get_done(book, "enquiry_call")
    book.at("2026-05-02 10:00").escalate("L-1")
    assert book.actions("L-1")["legal_file"] == "awaiting_approval"


def test_a_part_payment_that_leaves_next_to_nothing_stops_what_was_planned(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01", amount="1000")
    book.escalate("L-1")
    with engine.begin() as connection:
        connection.execute(text("UPDATE instalment SET paid_principal = 999.50"))

    assert book.send("L-1", "text_day_1") == "nothing to do"

    assert book.sms.sent == []
    assert book.action("L-1", "text_day_1").rules == ["lender.below_minimum"]


def test_a_loan_that_no_ladder_is_for_any_more_is_not_contacted(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    with engine.begin() as connection:
        connection.execute(update(loan).values(product="mortgage", review_on=date(2026, 3, 2)))

    book.escalate("L-1")

    assert book.rows(decision)[-1].outcome == "no_ladder"
    assert set(book.actions("L-1").values()) == {"cancelled"}


def test_a_loan_that_no_ladder_is_for_opens_no_case_and_is_listed(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01", product="mortgage")

    book.escalate("L-1")

    assert (book.rows(collection_case), book.actions("L-1")) == ([], {})
    assert book.one(problem).kind == "no_ladder"

    with engine.begin() as connection:
        connection.execute(update(loan).values(product="consumer_loan"))
    book.at("2026-03-03 10:00").escalate("L-1")
    assert book.one(collection_case).opened_on == date(2026, 3, 3)


def get_done(book: Book, item: str) -> None:
    """As if a worker had done it; what it did is of no matter here."""
    with book.ctx.engine.begin() as connection:
        connection.execute(
            update(action).where(action.c.item == item).values(status=ActionStatus.DONE)
        )
