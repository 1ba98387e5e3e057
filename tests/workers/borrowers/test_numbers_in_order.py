"""Several numbers of one borrower: which is used, who changes them, and what is told of it."""

from base64 import b64encode

import pytest
from sqlalchemy import Engine

from domain.actors import Actor
from domain.contact_points import NumberFact
from domain.language.speak import speak
from tests.support.acting import acting
from tests.support.events import tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import PHONE, Book
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.schema import borrower_number, contact, contact_point, problem
from workers.history import loan_history
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.privacy.erasure import erase
from workers.sms.providers.port import InboundText

FIRST, SECOND, THIRD = PHONE["CN"], "+8613900139000", "+8613700137000"
EXTENSION = "+862012345678;ext=801"
STAFF = Actor("c-1")


@pytest.fixture
def book(engine: Engine) -> Book:
    """A borrower with two numbers, one day past due."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", more_phones=[SECOND])
    book.escalate("L-1")
    return book


def texted(book: Book) -> str:
    """The number to which the text of the first day goes."""
    assert book.send("L-1", "text_day_1") == "accepted"
    return book.sms.sent[-1].text.to


def called(book: Book) -> str | None:
    """The number that whoever makes the call of the first day is given."""
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    assign_call(book.ctx, book.action_id("L-1", "friendly_call"))
    return start_call(acting(book.ctx, STAFF), "L-1").reach


def changed(book: Book, **what: object) -> str:
    payload = ContactChangeFacts(borrower="B-L-1", **what).payload(book.ctx.cipher)
    return tell(book, "contact_change", **payload).status


def story(book: Book) -> str:
    with book.ctx.engine.connect() as connection:
        return "\n".join(entry.text for entry in loan_history(connection, book.ctx, "L-1"))


class TestWhichIsUsed:
    def test_the_first_in_order(self, book: Book) -> None:
        assert texted(book) == FIRST
        (made,) = book.rows(contact)
        assert made.number_blind_index == book.ctx.cipher.blind_index(FIRST)
        assert made.passed_over == ()

    def test_a_text_passes_over_a_fixed_line_and_says_so(self, book: Book) -> None:
        book.note_number_fact(NumberFact.NO_TEXTS, STAFF)
        assert texted(book) == SECOND
        (made,) = book.rows(contact)
        assert made.number_blind_index == book.ctx.cipher.blind_index(SECOND)
        assert "Number 1 of the borrower is passed over: it takes no texts." in story(book)

    def test_a_stop_is_about_the_number_that_it_came_from(self, book: Book) -> None:
        text = InboundText("twilio", "SM-STOP", FIRST, "TD", None)
        record_inbound_text(book.ctx, text, help_is_answered=True)
        assert texted(book) == SECOND

    def test_who_tells_the_lender_to_send_no_texts_gets_none_at_any_number(
        self, book: Book
    ) -> None:
        tell(book, "opt_out", borrower="B-L-1", channel="sms", actor="c-1")
        assert book.send("L-1", "text_day_1") == "nothing to do"

    def test_a_call_still_goes_to_the_fixed_line(self, book: Book) -> None:
        book.note_number_fact(NumberFact.NO_TEXTS, STAFF)
        assert called(book) == FIRST

    @pytest.mark.parametrize(
        "fact", [NumberFact.REACHES_NOBODY, NumberFact.SOMEBODY_ELSE, NumberFact.REFUSED]
    )
    def test_a_call_passes_over_a_number_that_reaches_somebody_else_or_nobody(
        self, book: Book, fact: NumberFact
    ) -> None:
        book.note_number_fact(fact, STAFF)
        assert called(book) == SECOND

    @pytest.mark.parametrize("fact", [NumberFact.SHARED, NumberFact.NO_TEXTS])
    def test_a_number_that_others_read_too_is_called_and_not_texted(
        self, book: Book, fact: NumberFact
    ) -> None:
        book.note_number_fact(fact, STAFF)
        assert texted(book) == SECOND
        assert book.may_call("L-1") == "allowed"

    def test_an_extension_takes_no_texts_and_is_called(self, book: Book) -> None:
        book.set_numbers("B-L-1", EXTENSION, SECOND)
        assert texted(book) == SECOND
        assert called(book) == EXTENSION

    def test_a_place_of_work_is_passed_over_where_the_employer_forbids_it(self, book: Book) -> None:
        book.note_number_fact(NumberFact.AT_WORK, STAFF)
        tell(book, "person_fact", borrower="B-L-1", fact="employer_forbids", actor="c-1")
        assert texted(book) == SECOND

    def test_a_number_that_is_inconvenient_for_the_person_is_passed_over(self, book: Book) -> None:
        inconvenient = {"fact": "inconvenient_place", "place": "number", "actor": "c-1"}
        tell(book, "person_fact", borrower="B-L-1", which_number=1, **inconvenient)
        assert texted(book) == SECOND

    def test_while_a_reply_waits_to_be_read_no_other_number_is_texted(self, book: Book) -> None:
        text = InboundText("twilio", "IN-1", FIRST, "??? call my lawyer", None)
        record_inbound_text(book.ctx, text, help_is_answered=True)
        assert book.send("L-1", "text_day_1") == "nothing to do"
        assert book.sms.sent == []


class TestNoneIsLeft:
    def close(self, book: Book, place: int) -> None:
        fact = {"fact": "reaches_nobody", "actor": "c-1"}
        tell(book, "number_fact", borrower="B-L-1", which_number=place, **fact)

    def problems(self, book: Book) -> list[tuple[str, bool]]:
        return [(row.kind, row.resolved_at is not None) for row in book.rows(problem)]

    def test_one_closed_number_is_no_problem_while_another_is_left(self, book: Book) -> None:
        self.close(book, 1)
        assert self.problems(book) == []

    def test_the_contact_waits_with_a_problem_and_every_reason(self, book: Book) -> None:
        self.close(book, 1)
        self.close(book, 2)
        assert self.problems(book) == [("number_closed", False)]
        assert book.send("L-1", "text_day_1") == "nothing to do"
        waiting = book.action("L-1", "text_day_1")
        assert (waiting.status, waiting.due_at) == ("deferred", None)
        assert speak(waiting.reason) == (
            "No number of the borrower may be used for contact by text. "
            "Number 1 of the borrower is passed over: it reaches nobody. "
            "Number 2 of the borrower is passed over: it reaches nobody."
        )

    def test_another_number_lets_it_go_on(self, book: Book) -> None:
        self.close(book, 1)
        self.close(book, 2)
        book.send("L-1", "text_day_1")
        assert changed(book, another_phone=THIRD) == "applied"
        assert self.problems(book) == [("number_closed", True)]
        assert texted(book) == THIRD

    def test_which_number_a_fact_is_about_must_be_said_where_there_are_several(
        self, book: Book
    ) -> None:
        fact = {"fact": "reaches_nobody", "actor": "c-1"}
        said = tell(book, "number_fact", borrower="B-L-1", **fact)
        assert said.status == "rejected"
        assert "has 2 numbers" in speak(said.reason)
        too_far = tell(book, "number_fact", borrower="B-L-1", which_number=3, **fact)
        assert too_far.status == "rejected"


class TestChanges:
    def test_a_new_first_number_leaves_the_others(self, book: Book) -> None:
        assert changed(book, phone=THIRD) == "applied"
        assert book.numbers() == [THIRD, SECOND]

    def test_null_removes_the_first_one_only(self, book: Book) -> None:
        changed(book, phone=None)
        assert book.numbers() == [SECOND]
        assert book.rows(problem) == []
        changed(book, phone=None)
        assert book.numbers() == []
        assert [row.kind for row in book.rows(problem)] == ["phone_missing"]

    def test_a_list_adds_removes_and_reorders(self, book: Book) -> None:
        changed(book, phones=[THIRD, FIRST, EXTENSION])
        assert book.numbers() == [THIRD, FIRST, EXTENSION]

    def test_an_order_moves_and_removes(self, book: Book) -> None:
        changed(book, another_phone=THIRD)
        ordered = tell(book, "number_order", borrower="B-L-1", order=[3, 1], actor="c-1")
        assert ordered.status == "applied"
        assert book.numbers() == [THIRD, FIRST]

    def test_an_order_of_a_number_that_is_not_there_is_refused(self, book: Book) -> None:
        ordered = tell(book, "number_order", borrower="B-L-1", order=[1, 3], actor="c-1")
        assert ordered.status == "rejected"
        assert book.numbers() == [FIRST, SECOND]

    def test_the_same_number_again_changes_nothing(self, book: Book) -> None:
        changed(book, another_phone=FIRST)
        assert book.numbers() == [FIRST, SECOND]

    def test_a_stranger_with_any_same_number_and_the_same_name_is_the_same_person(
        self, book: Book
    ) -> None:
        book.loan("L-2", phone=THIRD)
        changed(book, another_phone=THIRD)
        tell(book, "opt_out", borrower="B-L-2", channel=None, actor="c-1")
        assert book.send("L-1", "text_day_1") == "nothing to do"
        assert book.action("L-1", "text_day_1").status == "barred"

    def test_stored_numbers_are_encrypted_and_an_event_shows_none(self, book: Book) -> None:
        payload = ContactChangeFacts(borrower="B-L-1", phones=[THIRD]).payload(book.ctx.cipher)
        assert THIRD[3:] not in str(payload)
        assert b64encode(THIRD.encode()).decode() not in str(payload)

    def test_an_erasure_takes_them_all(self, book: Book) -> None:
        with book.ctx.engine.begin() as connection:
            erase(connection, [book._borrower_of("L-1")], book.ctx.now())
        assert book.rows(borrower_number) == book.rows(contact_point) == []
