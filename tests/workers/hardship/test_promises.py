"""A promise to pay: made, kept, taken back or broken, and what the ladder does meanwhile."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, insert, select, update

from domain.holds import HoldKind
from domain.language.speak import speak
from domain.loans import Instalment
from domain.reasons import ReasonCode, because
from tests.support.concurrently import concurrently
from tests.support.events import pay, promise, restore, reverse, store, tell
from tests.support.loans import Book
from workers.db.holds import kinds_in_force
from workers.db.schema import action, hold, instalment, loan, paid_by_tape
from workers.db.schema import promise as promises
from workers.hardship.promise_judgement import break_overdue_promises
from workers.hardship.read_promises import promise_policy_of
from workers.inbox.apply import apply_events


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 owes 1000 since 1 March, and was looked at on the day after."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    book.escalate("L-1")
    return book


def statuses(book: Book) -> dict[str, str]:
    return {row.external_id: row.status for row in book.rows(promises)}


def held_until(book: Book) -> date | None:
    (ends_on,) = book.one(select(hold.c.ends_on))
    return ends_on  # type: ignore[no-any-return]  # a column of dates


def promise_in_two_parts(book: Book, promise: str = "PR-1", loan: str = "L-1") -> None:
    """200 by 5 March, and 200 by 20 March."""
    parts = [{"due_on": "2026-03-05", "amount": "200"}, {"due_on": "2026-03-20", "amount": "200"}]
    said = {"promise": promise, "loan": loan, "currency": "CNY", "actor": "c-1"}
    assert tell(book, "promise", **said, parts=parts).status == "applied"


def test_a_promise_stops_what_is_planned_until_its_money_must_be_known(book: Book) -> None:
    settled = promise(book, "400", "2026-03-05")

    assert settled.reason == because(
        ReasonCode.LADDER_PAUSES_UNTIL, loan="L-1", ends_on="2026-03-07"
    )
    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert book.action("L-1", "text_day_1").rules[0] == "lender.on_hold"
    assert book.one(loan).review_on == held_until(book) == date(2026, 3, 7)
    assert book.sms.sent == []


def test_who_hears_of_the_pause_of_a_promise_hears_what_pauses_it_longer(book: Book) -> None:
    disputed = {"dispute": "D-1", "loan": "L-1", "kind": "amount", "actor": "col-1"}
    tell(book, "dispute", **disputed, starts_on="2026-03-02", why="paid in cash")

    settled = promise(book, "400", "2026-03-05")

    assert speak(settled.reason) == (
        "The ladder of loan L-1 pauses until 2026-03-07. "
        "Something else (dispute) pauses it longer than that."
    )


def test_a_promise_is_kept_when_its_amount_has_come_and_its_pause_ends(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    pay(book, "150", id="P-1")
    assert statuses(book) == {"PR-1": "open"}

    book.at("2026-03-05 23:59")
    pay(book, "250", id="P-2")

    assert statuses(book) == {"PR-1": "kept"}
    assert held_until(book) == date(2026, 3, 5)
    assert book.one(loan).review_on == date(2026, 3, 5), "the rest is still past due"


def test_a_part_of_it_does_not_keep_a_promise(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    pay(book, "398.99")

    assert break_overdue_promises(book.at("2026-03-06 23:59").ctx) == 0
    assert break_overdue_promises(book.at("2026-03-07 00:00").ctx) == 1

    assert statuses(book) == {"PR-1": "part_kept"}
    assert book.one(loan).review_on == date(2026, 3, 7)


def test_money_of_its_last_day_that_the_banks_file_tells_of_overnight_keeps_a_promise(
    book: Book,
) -> None:
    promise(book, "400", "2026-03-05")
    book.at("2026-03-06 06:00")
    assert break_overdue_promises(book.ctx) == 0

    pay(book, "400", paid_on="2026-03-05")

    assert statuses(book) == {"PR-1": "kept"}


def test_after_a_broken_promise_the_ladder_goes_on_where_it_stood(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    break_overdue_promises(book.at("2026-03-07 09:00").ctx)
    book.escalate("L-1")

    assert book.actions("L-1")["text_day_1"] in ("planned", "deferred")
    assert book.send("L-1", "text_day_1") == "accepted"


def test_breaking_again_and_together_settles_each_promise_once(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    book.at("2026-03-07 09:00")

    counts = concurrently(*[lambda: break_overdue_promises(book.ctx)] * 2)

    assert sorted(counts) == [0, 1]
    completed_at = book.one(promises).completed_at
    assert break_overdue_promises(book.at("2026-03-08 09:00").ctx) == 0
    assert book.one(promises).completed_at == completed_at


def test_no_more_promises_are_settled_at_once_than_were_asked_for(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    book.loan("L-2")
    tell(
        book,
        "promise",
        promise="PR-2",
        loan="L-2",
        amount="300",
        currency="CNY",
        due_on="2026-03-04",
        actor="col-1",
    )
    book.at("2026-03-07 09:00")

    assert break_overdue_promises(book.ctx, limit=1) == 1
    assert statuses(book) == {"PR-1": "open", "PR-2": "broken"}
    assert break_overdue_promises(book.ctx, limit=1) == 1


def test_a_promise_is_not_broken_while_a_payment_waits_to_be_applied(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    store(
        book,
        "payment",
        external_id="P-1",
        loan="L-1",
        amount="400",
        currency="CNY",
        paid_on="2026-03-05",
    )

    assert break_overdue_promises(book.at("2026-03-07 00:01").ctx) == 0


@pytest.mark.parametrize("of_tape", ["400", "100", None])
def test_a_promise_of_a_loan_that_is_cured_is_kept_by_money_alone(
    book: Book, of_tape: str | None
) -> None:
    """A tape may have shown the money. Without it nothing asks for the promise any more: it is
    withdrawn, and does not count as unkept."""
    promise(book, "400", "2026-03-05")
    with book.ctx.engine.begin() as connection:
        connection.execute(update(instalment).values(paid_principal=1000))
        if of_tape:
            shown = {"loan_id": book.loan_id("L-1"), "tape_as_of": date(2026, 3, 5)}
            connection.execute(insert(paid_by_tape).values(**shown, amount=Decimal(of_tape)))

    assert break_overdue_promises(book.at("2026-03-07 00:01").ctx) == 1
    assert statuses(book) == {"PR-1": "kept" if of_tape == "400" else "withdrawn"}
    with book.ctx.engine.connect() as connection:
        assert promise_policy_of(connection, book.ctx, "L-1").unkept == 0


@pytest.mark.parametrize(
    ("kind", "pays"), [(HoldKind.MANUAL, True), (HoldKind.VULNERABILITY, False)]
)
def test_the_clock_of_a_promise_stands_still_while_something_else_stops_collection(
    book: Book, kind: HoldKind, pays: bool
) -> None:
    """From the 4th to the 12th nobody may ask for it. What is paid by the 12th, is in time."""
    promise(book, "400", "2026-03-05")
    book.at("2026-03-04 10:00")
    book.hold("L-1", kind, "2026-03-04", "2026-03-12")
    for day in (7, 8, 11):
        assert break_overdue_promises(book.at(f"2026-03-{day:02} 00:01").ctx) == 0
    book.at("2026-03-12 15:00")
    with book.ctx.engine.connect() as connection:
        pauses = kinds_in_force(connection, [book.loan_id("L-1")], book.ctx.today())
    assert pauses == (HoldKind.PROMISE,), "its own pause lasts as long as it is open"

    assert break_overdue_promises(book.at("2026-03-13 09:00").ctx) == 0
    if pays:
        pay(book, "400", paid_on="2026-03-12")
    assert break_overdue_promises(book.at("2026-03-14 00:01").ctx) == (0 if pays else 1)
    assert statuses(book) == {"PR-1": "kept" if pays else "broken"}
    pay(book, "400", id="P-late", paid_on="2026-03-14")
    assert statuses(book) == {"PR-1": "kept" if pays else "broken"}


@pytest.mark.parametrize("waived", ["600", "100"])
def test_what_was_waived_breaks_no_promise(book: Book, waived: str) -> None:
    """400 of 1000 in two parts, the first on the 5th."""
    promise_in_two_parts(book)
    told = {"adjustment": "W-1", "loan": "L-1", "amount": waived, "currency": "CNY"}
    told |= {"booked_on": "2026-03-03", "actor": "b-1"}
    assert tell(book.at("2026-03-03 10:00"), "waiver", **told).status == "applied"
    pay(book, "150")

    break_overdue_promises(book.at("2026-03-07 00:01").ctx)
    assert statuses(book) == {"PR-1": "withdrawn" if waived == "600" else "open"}
    if waived == "100":
        break_overdue_promises(book.at("2026-03-22 00:01").ctx)
        assert statuses(book) == {"PR-1": "part_kept"}


def test_money_paid_before_the_promise_does_not_keep_it(book: Book) -> None:
    pay(book, "400")
    book.at("2026-03-02 11:00")
    promise(book, "400", "2026-03-05")
    pay(book, "1", id="P-2")

    assert statuses(book) == {"PR-1": "open"}


def test_a_payment_that_bounced_before_the_day_does_not_keep_a_promise(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    pay(book, "300", id="P-1")
    reverse(book, "P-1")
    pay(book, "100", id="P-2")

    assert statuses(book) == {"PR-1": "open"}


def test_a_kept_promise_is_open_again_when_its_payment_bounces_in_time(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    pay(book, "400")

    reverse(book.at("2026-03-03 10:00"))

    again = book.one(promises)
    assert (again.status, again.completed_at) == ("open", None)
    assert book.one(loan).review_on == date(2026, 3, 7), "its pause is back"
    pay(book, "400", id="P-2")
    assert statuses(book) == {"PR-1": "kept"}


def test_a_kept_promise_is_broken_when_its_payment_bounces_after_its_days(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    pay(book, "400")

    reverse(book.at("2026-03-20 10:00"))

    assert statuses(book) == {"PR-1": "broken"}
    assert book.actions("L-1")["promise_broken_call"] == "planned"


def test_a_kept_promise_whose_payment_bounces_gives_way_to_the_one_made_since(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    pay(book, "400")
    promise(book, "300", "2026-03-08", id="PR-2")

    reverse(book.at("2026-03-03 10:00"))

    assert statuses(book) == {"PR-1": "withdrawn", "PR-2": "open"}


def test_a_payment_that_bounced_and_came_back_keeps_the_promise_again(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    pay(book, "400")
    reverse(book.at("2026-03-20 10:00"))
    assert statuses(book) == {"PR-1": "broken"}

    restore(book)

    assert statuses(book) == {"PR-1": "kept"}
    assert book.actions("L-1")["promise_broken_call"] == "cancelled"


def test_a_new_promise_takes_the_place_of_the_open_one(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    book.at("2026-03-04 10:00")
    came = promise(book, "600", "2026-03-09", id="PR-2").reason[0]
    assert (came.code, came.params["promise"]) == ("promise_takes_place", "PR-1")

    assert statuses(book) == {"PR-1": "withdrawn", "PR-2": "open"}
    ends = [row.ends_on for row in book.rows(select(hold).order_by(hold.c.id))]
    assert ends == [date(2026, 3, 4), date(2026, 3, 11)]


def test_a_promise_that_is_taken_back_lets_the_ladder_go_on_today(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    book.send("L-1", "text_day_1")
    book.at("2026-03-03 10:00")

    assert tell(book, "promise_withdrawal", promise="PR-1").status == "applied"

    assert (statuses(book), held_until(book)) == ({"PR-1": "withdrawn"}, date(2026, 3, 3))
    assert book.send("L-1", "text_day_1") == "accepted", "it does not wait for the old end"
    again = tell(book, "promise_withdrawal", promise="PR-1")
    assert again.reason == because(
        ReasonCode.PROMISE_OVER, promise="PR-1", promise_status="withdrawn"
    )


def test_the_same_promise_told_twice_is_one(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    assert promise(book, "400", "2026-03-05").status == "applied"
    # Nor does it count twice if somebody records it again by hand, under another id.
    assert promise(book, "400", "2026-03-05", id="PR-2").status == "applied"
    assert len(book.rows(promises)) == len(book.rows(hold)) == 1


def test_another_promise_under_the_id_of_one_on_record_is_refused(book: Book) -> None:
    book.loan("L-2")
    promise(book, "400", "2026-03-05")
    for differs in ({"loan": "L-2"}, {"amount": "300"}, {"due_on": "2026-03-06"}):
        told = {"loan": "L-1", "amount": "400", "due_on": "2026-03-05", **differs}
        refused = tell(book, "promise", promise="PR-1", currency="CNY", actor="c-1", **told)
        assert [reason.code for reason in refused.reason] == [ReasonCode.PROMISE_ID_TAKEN]


@pytest.mark.parametrize(
    ("amount", "due_on", "currency", "says"),
    [
        ("400", "2026-03-01", "CNY", "has passed"),
        ("0", "2026-03-05", "CNY", "not an amount"),
        ("400", "2026-03-05", "USD", "in USD and loan L-1 in CNY"),
    ],
)
def test_a_promise_that_cannot_be_meant_is_rejected(
    book: Book, amount: str, due_on: str, currency: str, says: str
) -> None:
    settled = promise(book, amount, due_on, currency=currency)
    assert (settled.status, says in speak(settled.reason)) == ("rejected", True)
    assert book.rows(promises) == book.rows(hold) == []


def test_what_names_something_not_known_yet_waits_for_it(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    assert promise(book, "400", "2026-03-05").status == "received"
    assert tell(book, "promise_withdrawal", promise="PR-9").status == "received"


def test_where_nothing_is_past_due_nothing_is_promised_and_what_is_due_next_is_said(
    book: Book,
) -> None:
    said = {"promise": "PR-2", "loan": "L-2", "amount": "400", "currency": "CNY", "actor": "c-1"}
    book.loan("L-2", due_on="2026-03-10")
    settled = tell(book, "promise", **said, due_on="2026-03-06")
    next_due = {"loan": "L-2", "amount": Decimal(1000), "currency": "CNY", "on": date(2026, 3, 10)}
    assert settled.reason == because(ReasonCode.PROMISE_NOTHING_PAST_DUE, **next_due)
    assert "Tell the person that 1000.00 CNY falls due on 2026-03-10" in speak(settled.reason)

    promise(book, "400", "2026-03-05")
    pay(book, "1000")
    again = promise(book, "400", "2026-03-05")
    assert (again.status, statuses(book)) == ("applied", {"PR-1": "kept"}), "it is only repeated"
    other = promise(book, "300", "2026-03-05", id="PR-3")
    assert [reason.code for reason in other.reason] == [ReasonCode.PROMISE_NOTHING_OWED]


def test_a_loan_that_was_written_off_takes_no_promise(book: Book) -> None:
    tell(book, "write_off", loan="L-1", written_off_on="2026-03-02")
    settled = promise(book, "400", "2026-03-05")
    assert (settled.status, "written off" in speak(settled.reason)) == ("rejected", True)


def test_when_the_money_of_its_first_part_bounces_a_promise_waits_for_that_part_again(
    book: Book,
) -> None:
    """200 by 5 March, and 200 by 20 March. The first 200 come and go back: the borrower is reminded
    again, and the promise is broken when the first part must be known, and not after the second."""
    promise_in_two_parts(book)
    pay(book, "200")

    def reminders() -> list[str]:
        told_of = [row for row in book.rows(action) if row.item == "promise_reminder"]
        return [row.status for row in sorted(told_of, key=lambda row: row.cause)]

    assert reminders() == ["cancelled", "planned"]
    reverse(book)
    assert reminders() == ["planned", "planned"]

    book.at("2026-03-07 00:01")
    assert break_overdue_promises(book.ctx) == 1
    assert statuses(book) == {"PR-1": "broken"}


def test_when_that_money_bounces_after_the_days_of_its_part_the_promise_is_broken_at_once(
    book: Book,
) -> None:
    """So it pauses nothing on the day of the bounce, however late in the day that is known."""
    promise_in_two_parts(book)
    pay(book, "200")
    book.at("2026-03-07 00:01")
    assert break_overdue_promises(book.ctx) == 0

    reverse(book.at("2026-03-09 23:58"))
    assert (statuses(book), held_until(book)) == ({"PR-1": "broken"}, date(2026, 3, 9))
    (asked,) = (row for row in book.rows(action) if row.item == "promise_broken_call")
    assert asked.status == "planned"


@pytest.mark.parametrize("early", [False, True], ids=["first part", "all, early"])
def test_money_that_is_booked_anew_with_its_day_breaks_no_promise(book: Book, early: bool) -> None:
    """One delivery takes the payment back, and reports the first part anew, with its true day."""
    promise_in_two_parts(book)
    pay(book, "400" if early else "200")

    book.at("2026-03-09 10:00")
    anew = {"external_id": "P-2", "loan": "L-1", "amount": "200", "currency": "CNY"}
    delivered = [
        store(book, "reversal", payment="P-1", reversed_on="2026-03-09"),
        store(book, "payment", **anew, paid_on="2026-03-02"),
    ]
    assert [each.status for each in apply_events(book.ctx, delivered)] == ["applied"] * 2
    assert break_overdue_promises(book.ctx) == 0
    assert statuses(book) == {"PR-1": "open"}
    assert not [row for row in book.rows(action) if row.item == "promise_broken_call"]

    reverse(book, "P-2")
    assert statuses(book) == {"PR-1": "broken"}, "nothing else waits"


def test_a_promise_that_waits_for_money_is_judged_when_that_came_too_late(
    book: Book,
) -> None:
    promise_in_two_parts(book)
    pay(book, "200")
    book.at("2026-03-09 10:00")
    back = store(book, "reversal", payment="P-1", reversed_on="2026-03-09")
    anew = {"external_id": "P-2", "loan": "L-1", "amount": "200", "currency": "CNY"}
    late = store(book, "payment", **anew, paid_on="2026-03-09")
    apply_events(book.ctx, [back])
    assert (break_overdue_promises(book.ctx), statuses(book)) == (0, {"PR-1": "open"})
    apply_events(book.ctx, [late])
    assert (break_overdue_promises(book.ctx), statuses(book)) == (1, {"PR-1": "part_kept"})


def test_what_follows_from_a_promise_is_planned_once_though_the_ladder_starts_anew(
    book: Book,
) -> None:
    """Money of the first part pays the oldest instalment, and that of the second part bounces."""
    due = [Instalment(date(2026, month, 1), Decimal(200)) for month in (2, 3)]
    book.loan("L-2", instalments=due)
    book.escalate("L-2")
    promise_in_two_parts(book, "PR-2", "L-2")
    for id in ("P-1", "P-2"):
        pay(book, "200", id=id, loan="L-2")
    reverse(book, "P-2")
    reminders = [row for row in book.rows(action) if row.item == "promise_reminder"]
    assert {row.cause[-5:]: row.status for row in reminders} == {
        "03-05": "cancelled",
        "03-20": "planned",
    }
    assert len(reminders) == 2
