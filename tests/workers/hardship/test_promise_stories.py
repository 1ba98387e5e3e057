"""Promises as a supervisor would tell them: kept, kept in part, broken, bounced, and refused."""

from datetime import date

import pytest
from sqlalchemy import Engine, delete, func, select

from domain.actors import Actor, ActorKind, Role
from domain.language.speak import speak
from domain.promises import PromiseStatus
from domain.second_person import RequestStatus
from tests.support.events import pay, promise, reverse, tell
from tests.support.loans import Book
from tests.support.receiver import telling
from workers.access.requests import decide
from workers.access.second_person import SecondPersonNeededError
from workers.db.schema import action, free_text, hold, instalment, outbox_event
from workers.db.schema import promise as promises
from workers.hardship.promise_judgement import break_overdue_promises
from workers.hardship.read_promises import promise_policy_of, read_promises
from workers.history.history import loan_history
from workers.inbox.apply import EventResult
from workers.inbox.event_data.promises import PromiseFacts
from workers.inbox.submit import submit
from workers.sms.send import send_sms

PARTS = [{"amount": "200", "due_on": "2026-03-05"}, {"amount": "200", "due_on": "2026-03-12"}]


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 owes 1000 since 1 March, and was looked at on the day after."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    book.escalate("L-1")
    return book


def in_parts(book: Book, id: str = "PR-1", **more: object) -> None:
    told = {"promise": id, "loan": "L-1", "currency": "CNY", "parts": PARTS, "actor": "c-1"}
    assert tell(book, "promise", **(told | more)).status == "applied"


def status(book: Book, id: str = "PR-1") -> str:
    return str(book.one(select(promises.c.status).where(promises.c.external_id == id)).status)


def follow_ups(book: Book) -> list[tuple[str, str, str]]:
    rows = book.rows(select(action).where(action.c.cause.is_not(None)).order_by(action.c.id))
    return [(row.item, row.cause, row.status) for row in rows]


def history(book: Book) -> str:
    with book.ctx.engine.connect() as connection:
        return "\n".join(said.text for said in loan_history(connection, book.ctx, "L-1"))


def test_a_promise_kept(book: Book) -> None:
    """On Monday the borrower promises 400 by Friday. On Thursday morning a text reminds of it,
    though the ladder pauses. The money comes on Friday: the promise is kept, and nothing more
    follows from it."""
    promise(book, "400", "2026-03-06")
    assert follow_ups(book) == [("promise_reminder", "promise:PR-1", "planned")]

    book.at("2026-03-05 10:00")
    assert book.send("L-1", "promise_reminder") == "accepted"
    (text,) = book.sms.sent
    assert "400" in text.text.body
    assert "3月6日" in text.text.body

    book.at("2026-03-06 15:00")
    pay(book, "400")
    assert status(book) == "kept"
    assert break_overdue_promises(book.at("2026-03-09 10:00").ctx) == 0
    assert [item for item, _, _ in follow_ups(book)] == ["promise_reminder"]


def test_each_reminder_names_its_part_and_what_is_missing_of_it(book: Book) -> None:
    """Of 400 by the 5th and 600 by the 6th she pays 150, and on the 5th 350 more."""
    parts = [{"due_on": "2026-03-05", "amount": "400"}, {"due_on": "2026-03-06", "amount": "600"}]
    said = {"promise": "PR-1", "loan": "L-1", "currency": "CNY", "actor": "c-1", "parts": parts}
    assert tell(book, "promise", **said).status == "applied"
    pay(book, "150", id="P-1")
    book.at("2026-03-04 10:00")
    first, second = [row.id for row in book.rows(action) if row.item == "promise_reminder"]
    send_sms(book.ctx, first)
    book.at("2026-03-05 10:00")
    pay(book, "350", id="P-2")
    send_sms(book.ctx, second)
    reminded = [sent.text.values for sent in book.sms.sent]
    assert [(each["promised_by"], each["promised"]) for each in reminded] == [
        ("2026年3月5日", "¥250.00"),
        ("2026年3月6日", "¥500.00"),
    ]


def test_a_promise_kept_early_is_not_reminded_of(book: Book) -> None:
    promise(book, "400", "2026-03-06")
    pay(book, "400")

    assert follow_ups(book) == [("promise_reminder", "promise:PR-1", "cancelled")]


def test_a_promise_for_tomorrow_is_not_reminded_of(book: Book) -> None:
    promise(book, "400", "2026-03-03")
    assert follow_ups(book) == []


def test_a_promise_kept_in_part(book: Book) -> None:
    """150 of 400 come. Two days after the last day the promise is part kept, the ladder goes on,
    and somebody is to call and ask what came in between."""
    promise(book, "400", "2026-03-05")
    pay(book, "150")
    assert status(book) == "open"

    assert break_overdue_promises(book.at("2026-03-07 09:00").ctx) == 1

    assert status(book) == "part_kept"
    assert ("promise_broken_call", "promise:PR-1", "planned") in follow_ups(book)
    said = history(book)
    assert "Promise PR-1 was kept in part" in said
    assert "Paid of it in time: 150.00 CNY." in said


def test_a_second_broken_promise_leads_to_an_offer_of_help(book: Book) -> None:
    """The first broken promise is followed by a call that asks why, the second by a call that
    offers help for people in difficulty, and not by the same call again."""
    promise(book, "400", "2026-03-05")
    break_overdue_promises(book.at("2026-03-07 09:00").ctx)
    promise(book, "400", "2026-03-10", id="PR-2")
    break_overdue_promises(book.at("2026-03-12 09:00").ctx)

    items = [item for item, _, _ in follow_ups(book)]
    assert items.count("promise_broken_call") == items.count("hardship_offer") == 1


def test_money_of_its_days_that_is_told_of_late_keeps_a_broken_promise(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    break_overdue_promises(book.at("2026-03-07 09:00").ctx)
    assert status(book) == "broken"

    pay(book.at("2026-03-09 09:00"), "400", paid_on="2026-03-05")

    assert status(book) == "kept"
    assert ("promise_broken_call", "promise:PR-1", "cancelled") in follow_ups(book)


def test_a_first_part_that_was_paid_in_time_and_is_told_of_late_opens_the_promise_again(
    book: Book,
) -> None:
    """400 by the 5th and 600 by the 20th. The bank tells of the 400 on the 8th: nothing was missed.
    The call about it is off, the ladder pauses again, and she is reminded of the 600."""
    parts = [{"due_on": "2026-03-05", "amount": "400"}, {"due_on": "2026-03-20", "amount": "600"}]
    in_parts(book, parts=parts)
    break_overdue_promises(book.at("2026-03-07 09:00").ctx)
    assert ("promise_broken_call", "promise:PR-1", "planned") in follow_ups(book)

    pay(book.at("2026-03-08 09:00"), "400", paid_on="2026-03-05")

    assert status(book) == "open"
    assert [row.ends_on for row in book.rows(hold)] == [date(2026, 3, 7), date(2026, 3, 22)]
    assert follow_ups(book) == [
        ("promise_reminder", "promise:PR-1 2026-03-05", "skipped"),
        ("promise_reminder", "promise:PR-1 2026-03-20", "planned"),
        ("promise_broken_call", "promise:PR-1", "cancelled"),
    ]
    pay(book.at("2026-03-20 09:00"), "600", id="P-2")
    assert status(book) == "kept"


def test_a_dispute_that_is_typed_late_stops_the_clock_of_its_own_days(book: Book) -> None:
    """Her letter of the 4th is typed on the 7th, after the promise for the 5th was found broken."""
    promise(book, "400", "2026-03-05")
    break_overdue_promises(book.at("2026-03-07 09:00").ctx)
    said = {"dispute": "D-1", "loan": "L-1", "starts_on": "2026-03-04", "why": "her letter"}
    assert tell(book, "dispute", **said, actor="c-1").status == "applied"

    assert status(book) == "open"
    assert ("promise_broken_call", "promise:PR-1", "cancelled") in follow_ups(book)
    pay(book.at("2026-03-09 09:00"), "400")
    assert status(book) == "kept"


@pytest.mark.parametrize("told_on", ["2026-03-09", "2026-03-14"])
def test_one_money_keeps_one_promise(book: Book, told_on: str) -> None:
    """PR-1 broke, PR-2 took its place. Then the first part of PR-1 comes to light, before or after
    the 600 for PR-2 are paid: these keep PR-2, and PR-1 is withdrawn."""
    parts = [{"due_on": "2026-03-05", "amount": "400"}, {"due_on": "2026-03-20", "amount": "600"}]
    in_parts(book, parts=parts)
    break_overdue_promises(book.at("2026-03-07 09:00").ctx)
    promise(book.at("2026-03-08 09:00"), "600", "2026-03-15", id="PR-2")
    for day, amount, paid_on in sorted(
        [(told_on, "400", "2026-03-05"), ("2026-03-12", "600", "2026-03-12")]
    ):
        pay(book.at(f"{day} 09:00"), amount, id=f"P-{amount}", paid_on=paid_on)

    assert (status(book), status(book, "PR-2")) == ("withdrawn", "kept")


def test_a_promise_in_two_parts(book: Book) -> None:
    """200 by the 5th and 200 by the 12th. Each part has its reminder. The first is paid, the second
    is not: the promise is part kept when the second must be known, and not before."""
    in_parts(book)
    causes = ["promise:PR-1 2026-03-05", "promise:PR-1 2026-03-12"]
    assert [cause for _, cause, _ in follow_ups(book)] == causes
    assert book.one(hold).ends_on == date(2026, 3, 14)

    pay(book, "200")
    assert [row[2] for row in follow_ups(book)] == ["cancelled", "planned"]
    assert break_overdue_promises(book.at("2026-03-07 09:00").ctx) == 0

    assert break_overdue_promises(book.at("2026-03-14 09:00").ctx) == 1
    assert status(book) == "part_kept"


def test_each_reminder_names_the_part_that_falls_due_next(book: Book) -> None:
    in_parts(book, parts=[PARTS[0], {"amount": "150", "due_on": "2026-03-12"}])
    book.at("2026-03-04 10:00")
    book.send("L-1", "promise_reminder")
    assert book.sms.sent == [], "the newest of the two is not due"
    first = next(row for row in book.rows(action) if row.cause == "promise:PR-1 2026-03-05")
    assert send_sms(book.ctx, first.id) == "accepted"

    (text,) = book.sms.sent
    assert "200" in text.text.body
    assert "3月5日" in text.text.body


def test_a_missed_part_ends_the_pause_at_once(book: Book) -> None:
    in_parts(book)
    assert break_overdue_promises(book.at("2026-03-07 09:00").ctx) == 1

    assert (status(book), book.one(hold).ends_on) == ("broken", date(2026, 3, 7))
    assert [row[2] for row in follow_ups(book)] == ["skipped", "cancelled", "planned"]
    book.escalate("L-1")
    assert book.send("L-1", "text_day_1") == "accepted"


def test_the_lenders_systems_hear_what_became_of_a_promise(book: Book) -> None:
    telling(book)
    promise(book, "400", "2026-03-05")
    pay(book, "400")
    reverse(book)
    break_overdue_promises(book.at("2026-03-07 09:00").ctx)

    kinds = [row.kind for row in book.rows(outbox_event)]
    told = [kind for kind in kinds if kind.startswith("promise.")]
    assert told == ["promise.kept", "promise.reopened", "promise.broken"]


def test_what_is_on_record_of_a_loans_promises_is_read_with_what_was_paid(book: Book) -> None:
    in_parts(book)
    pay(book, "250")
    with book.ctx.engine.connect() as connection:
        (found,) = read_promises(connection, book.ctx, "L-1")

    assert (found.promise, found.status, found.amount, found.paid) == (
        "PR-1",
        PromiseStatus.OPEN,
        400,
        250,
    )
    assert found.next_part == found.parts[1]


def test_what_would_be_taken_is_said_before_anybody_promises(book: Book) -> None:
    with book.ctx.engine.connect() as connection:
        policy = promise_policy_of(connection, book.ctx, "L-1")

    assert policy.terms == "promises_cn v2"
    assert policy.without_agreement.least_amount == 300
    assert policy.without_agreement.last_day_at_most == date(2026, 4, 2)
    assert not policy.always_agreed


def refused(book: Book, amount: str, due_on: str, **more: object) -> str:
    told = {"promise": "PR-9", "loan": "L-1", "amount": amount, "currency": "CNY", "actor": "c-1"}
    result = tell(book, "promise", **(told | {"due_on": due_on} | more))
    assert result.status == "rejected"
    assert book.rows(promises) == book.rows(hold) == []
    return speak(result.reason)


def test_a_cent_for_the_end_of_next_year_is_refused_with_what_to_do(book: Book) -> None:
    said = refused(book, "0.01", "2027-12-31")
    assert "at least 50.00 CNY must be promised" in said
    assert "must fall due by 2026-04-02" in said
    assert "offer instalments" in said
    assert (
        "Taken without asking anybody: at least 30 % of what is past due (300.00 CNY), the first "
        "part by 2026-03-" in said
    ), said
    assert "the last by 2026-05-03" in said.split("once a supervisor agrees", 1)[1]


def test_parts_that_do_not_add_up_are_refused(book: Book) -> None:
    said = refused(book, "500", "2026-03-12", parts=PARTS)
    assert "add up to 400.00 CNY, and it is for 500.00 CNY" in said


def test_two_parts_on_one_day_are_refused(book: Book) -> None:
    assert "two parts on 2026-03-05" in refused(book, "400", "2026-03-05", parts=[PARTS[0]] * 2)


def test_a_part_in_the_past_is_refused(book: Book) -> None:
    past = [{"amount": "200", "due_on": "2026-03-01"}, PARTS[1]]
    assert "2026-03-01, which has passed" in refused(book, "400", "2026-03-12", parts=past)


def test_what_goes_beyond_the_limits_needs_a_supervisor_whom_a_machine_names(book: Book) -> None:
    said = refused(book, "100", "2026-03-05")
    assert "A supervisor must agree to promise PR-9 first." in said

    assert "A supervisor must agree" in refused(book, "100", "2026-03-05", agreed_by="sup-1")
    book.staff("c-2", "caller")
    assert "A supervisor must agree" in refused(
        book, "100", "2026-03-05", agreed_by="c-2", sender="lender"
    )


def test_a_collector_asks_a_supervisor_before_a_promise_beyond_the_limits_counts(
    book: Book,
) -> None:
    book.staff("c-1", "caller")
    collector = Actor("c-1", ActorKind.STAFF, roles=frozenset({Role.CALLER}))
    payload = {
        "promise": "PR-1",
        "loan": "L-1",
        "amount": "100",
        "currency": "CNY",
        "due_on": "2026-03-05",
        "actor": "c-1",
    }

    with pytest.raises(SecondPersonNeededError, match="needs a second person") as needed:
        submit(book.ctx.acting(collector), "promise:PR-1", "promise", payload)
    assert book.rows(promises) == []
    pay(book, "10")  # what was granted stays granted when amounts move

    book.staff("sup-1", "supervisor")
    supervisor = Actor("sup-1", ActorKind.STAFF, roles=frozenset({Role.SUPERVISOR}))
    request = needed.value.values["id"]
    assert isinstance(request, int)
    decide(book.ctx.acting(supervisor), request, RequestStatus.GRANTED)
    submit(book.ctx.acting(collector), "promise:PR-1", "promise", payload)
    assert book.one(promises).agreed_by == "sup-1"
    assert "sup-1 agreed to it." in history(book)

    # A slip is corrected at once; later, and a second time, a supervisor agrees.
    wrong = {"promise": "PR-1", "was_made": False, "actor": "c-1"}
    book.at("2026-03-06 10:00")
    with pytest.raises(SecondPersonNeededError, match="promises:agree"):
        submit(book.ctx.acting(collector), "wrong:PR-1", "promise_withdrawal", wrong)
    submit(book.ctx.acting(supervisor), "wrong:PR-1", "promise_withdrawal", wrong)
    promise(book, "400", "2026-03-09", id="PR-2")
    again = {**wrong, "promise": "PR-2"}
    with pytest.raises(SecondPersonNeededError, match="promises:agree"):
        submit(book.ctx.acting(collector), "wrong:PR-2", "promise_withdrawal", again)
    assert [row.status for row in book.rows(promises)] == ["withdrawn", "open"]


def test_a_supervisor_agrees_to_what_they_take_themselves(book: Book) -> None:
    book.staff("sup-1", "supervisor")
    supervisor = Actor("sup-1", ActorKind.STAFF, roles=frozenset({Role.SUPERVISOR}))
    payload = {
        "promise": "PR-1",
        "loan": "L-1",
        "amount": "100",
        "currency": "CNY",
        "due_on": "2026-03-05",
        "actor": "sup-1",
    }
    submit(book.ctx.acting(supervisor), "promise:PR-1", "promise", payload)

    assert book.one(promises).agreed_by == "sup-1"
    assert "sup-1 agreed to it." in history(book)


def test_a_renewed_promise_counts_as_unkept_and_after_three_a_supervisor_agrees(
    book: Book,
) -> None:
    told = {"loan": "L-1", "amount": "400", "currency": "CNY", "actor": "c-1"}
    for number in range(1, 5):
        promise(book, f"{400 + number}", "2026-03-05", id=f"PR-{number}")
    result = tell(book, "promise", promise="PR-5", **told, due_on="2026-03-05")

    assert result.status == "rejected"
    assert "3 promise(s) of this loan went unkept in 6 month(s)." in speak(result.reason)
    assert "It takes the place of promise PR-1." in history(book)


def test_who_takes_promises_back_again_and_again_needs_a_supervisor_too(book: Book) -> None:
    """Of five promises, one was recorded by mistake, and of one a half was paid. Three were taken
    back before their day, and nothing was paid of them: a supervisor must agree to the next one."""
    for number in range(1, 6):
        promise(book, "400", "2026-03-05", id=f"PR-{number}")
        if number == 2:
            pay(book, "200")
        tell(book, "promise_withdrawal", promise=f"PR-{number}", was_made=number != 1)
        book.at(f"2026-03-02 1{number}:30")
    again = {"promise": "PR-6", "loan": "L-1", "amount": "400", "currency": "CNY", "actor": "c-1"}
    result = tell(book, "promise", **again, due_on="2026-03-05")
    assert result.status == "rejected"
    assert "3 promise(s) of this loan went unkept in 6 month(s)." in speak(result.reason)


def test_more_than_the_borrower_said_to_be_able_to_pay_needs_a_supervisor(book: Book) -> None:
    """The figure is kept encrypted, holds for later promises too, and goes with an erasure."""
    told = {"promise": "PR-1", "loan": "L-1", "currency": "CNY", "actor": "c-1"}
    facts = {**told, "amount": "400", "due_on": date(2026, 3, 5), "can_pay_monthly": "300"}
    assert "more than the borrower said" in speak(tell_personal(book, facts).reason)

    assert tell_personal(book, {**facts, "amount": "300"}).status == "applied"

    later = tell(book, "promise", **(told | {"promise": "PR-2"}), amount="400", due_on="2026-03-05")
    assert "more than the borrower said" in speak(later.reason)

    with book.ctx.engine.begin() as connection:
        connection.execute(delete(free_text))
    assert promise(book, "400", "2026-03-05", id="PR-3").status == "applied"


def tell_personal(book: Book, facts: dict[str, object]) -> EventResult:
    payload = PromiseFacts.model_validate(facts, strict=False).payload(book.ctx.cipher)
    assert "can_pay_monthly" not in payload
    return tell(book, "promise", **payload)


def test_a_promise_of_more_than_all_that_is_owed_needs_a_supervisor(book: Book) -> None:
    """Interest may be in it. A zero too many is taken by nobody; what pays all of it is."""
    told = {"loan": "L-1", "currency": "CNY", "actor": "c-1", "due_on": "2026-03-05"}
    owed = book.rows(select(func.sum(instalment.c.principal)))[0][0]

    too_much = tell(book, "promise", promise="PR-1", amount=str(owed * 2), **told)
    assert "more than all that the loan still comes to" in speak(too_much.reason)

    a_zero = tell(book, "promise", promise="PR-3", amount=str(owed * 10), **told)
    assert "comes to 1000.00 CNY, and it is for more than twice as much" in speak(a_zero.reason)
    assert tell(book, "promise", promise="PR-2", amount=str(owed), **told).status == "applied"
