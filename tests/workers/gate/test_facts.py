"""The contact gate on the real store: asked when work is planned and again when it is claimed."""

from collections.abc import Sequence
from functools import partial

import pytest
from sqlalchemy import Engine, select, update

from domain.actors import Actor
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import may_contact
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact
from tests.support.concurrently import concurrently
from tests.support.events import confirm, tell
from tests.support.loans import PHONE, Book
from workers.db.schema import action_event, borrower, contact, contact_outcome, loan
from workers.gate.facts import read_contact_facts
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.simulator.providers.magic_numbers import SimulatedOutcome


def moves_of(book: Book, name: str, item: str) -> list[tuple[str, str]]:
    moves = select(action_event.c.from_status, action_event.c.to_status).where(
        action_event.c.action_id == book.action_id(name, item)
    )
    return [tuple(row) for row in book.rows(moves.order_by(action_event.c.id))]


def of_one_borrower(book: Book, *names: str) -> None:
    """Let all these loans be those of the first one's borrower."""
    first = select(loan.c.borrower_id).where(loan.c.external_id == names[0]).scalar_subquery()
    with book.ctx.engine.begin() as connection:
        connection.execute(
            update(loan).where(loan.c.external_id.in_(names)).values(borrower_id=first)
        )


def contacted(
    book: Book,
    name: str,
    channel: Channel,
    at: str,
    *,
    connected: bool | None = None,
    at_number: bool = False,
) -> None:
    """Put a contact of an earlier day on record, about an action that the loan has.

    `at_number`: at the number that the borrower has.
    """
    borrower_id, loan_id, known_as = book.one(
        select(loan.c.borrower_id, loan.c.id, borrower.c.external_id)
        .join(borrower, borrower.c.id == loan.c.borrower_id)
        .where(loan.c.external_id == name)
    )
    number = book.ctx.cipher.blind_index(book.numbers(known_as)[0])
    contact_id = book._insert(
        contact,
        borrower_id=borrower_id,
        loan_id=loan_id,
        action_id=book.action_id(name, "text_day_1"),
        channel=channel,
        at=book.moment(at),
        rules=[],
        rule_packs=["made up"],
        number_blind_index=number if at_number else None,
    )
    if connected is not None:
        with book.ctx.engine.begin() as connection:
            connection.execute(
                contact_outcome.insert().values(
                    contact_id=contact_id,
                    outcome="spoke" if connected else "no_answer",
                    connected=connected,
                    actor="c-1",
                    reported_at=book.moment(at),
                )
            )


def test_a_text_that_is_planned_at_night_waits_for_the_morning_from_the_start(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-02 00:30")
    book.loan("L-1")
    book.escalate("L-1")

    waits = book.action("L-1", "text_day_1")
    assert (waits.status, waits.due_at) == ("deferred", book.moment("2026-03-02 08:00"))
    assert waits.rules == ["cn.contact_hours"]
    assert moves_of(book, "L-1", "text_day_1") == [("planned", "deferred")], "it is on record"
    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert book.at("2026-03-02 08:00").send("L-1", "text_day_1") == "accepted"


def test_what_may_be_done_now_is_planned_and_has_not_moved(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1")
    book.escalate("L-1")

    assert book.actions("L-1")["text_day_1"] == "planned"
    assert moves_of(book, "L-1", "text_day_1") == []


def test_a_text_to_somebody_who_opted_out_is_barred_when_it_is_planned(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1")
    book.note_number_fact(NumberFact.OPTED_OUT, Actor("a test"))
    book.escalate("L-1")

    assert book.action("L-1", "text_day_1").rules == ["lender.opted_out"]
    assert moves_of(book, "L-1", "text_day_1") == [("planned", "barred")]


def test_a_stop_holds_for_the_number_whoever_comes_to_have_it(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1")
    book.note_number_fact(NumberFact.OPTED_OUT, Actor("a test"))
    book.loan("L-2")  # another borrower, at the same number
    book.loan("L-3", phone="+8613900139000")
    book.escalate("L-2", "L-3")

    assert book.action("L-2", "text_day_1").rules == ["lender.opted_out"]
    assert book.actions("L-3")["text_day_1"] == "planned"


def test_texts_and_calls_of_seven_days_are_counted_together(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00", zone="America/New_York")
    book.loan("L-1", jurisdiction="US-MA")
    book.escalate("L-1")
    contacted(book, "L-1", Channel.CALL, "2026-02-27 15:00", connected=False)
    contacted(book, "L-1", Channel.SMS, "2026-02-26 09:00")

    assert book.send("L-1", "text_day_1") == "nothing to do"
    waits = book.action("L-1", "text_day_1")
    assert (waits.status, waits.rules) == (
        "deferred",
        ["us_ma.contacts", "us.contact_hours", "us_ma.contact_hours"],
    )
    assert waits.due_at == book.moment("2026-03-05 08:00"), "26 February has left the seven days"


def test_a_text_that_the_provider_never_took_counts_for_no_cap(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00", zone="America/New_York")
    phone = f"+1212555{SimulatedOutcome.TOO_MANY_REQUESTS}"
    book.loan("L-1", jurisdiction="US-MA", phone=phone)
    book.escalate("L-1")

    for tries in range(1, 4):
        assert book.send("L-1", "text_day_1") == "not_sent"
        assert len(book.rows(contact)) == tries
        book.clock.at = book.action("L-1", "text_day_1").due_at


def test_two_loans_of_one_borrower_race_for_the_last_contact_of_the_week(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00", zone="America/Los_Angeles")
    items = {"L-1": "text_day_1", "L-2": "legal_notice"}
    for name, due_on in zip(items, ("2026-03-01", "2026-01-28"), strict=True):
        book.loan(name, due_on=due_on, jurisdiction="US-WA", zones=["America/Los_Angeles"])
    of_one_borrower(book, "L-1", "L-2")
    book.escalate("L-1", "L-2")
    contacted(book, "L-1", Channel.SMS, "2026-02-28 10:00")
    contacted(book, "L-1", Channel.CALL, "2026-03-01 10:00", connected=True)

    came: Sequence[str] = concurrently(
        *[partial(book.send, name, item) for name, item in items.items()]
    )

    assert sorted(came) == ["accepted", "nothing to do"]
    assert len(book.sms.sent) == 1
    (late,) = [name for name, item in items.items() if book.actions(name)[item] == "deferred"]
    assert "us_wa.contacts" in book.action(late, items[late]).rules


def test_a_contact_keeps_the_key_of_the_number_and_not_the_number(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")

    reserved = book.one(contact)
    assert reserved.number_blind_index == book.ctx.cipher.blind_index(PHONE["CN"])
    assert (reserved.party, reserved.at_work, reserved.warnings) == ("borrower", False, [])


class TestContactsAtOneNumber:
    """Two people, who are strangers, have one number."""

    @pytest.fixture
    def book(self, engine: Engine) -> Book:
        book = Book(engine)
        book.loan("L-1")
        book.loan("L-2")
        book.escalate("L-1", "L-2")
        return book

    def asked(self, book: Book, name: str) -> ContactFacts:
        with book.ctx.engine.connect() as connection:
            return read_contact_facts(connection, book.ctx, name, book.clock.at)

    def test_six_calls_in_vain_warn_whomever_they_were_to_reach(self, book: Book) -> None:
        for minute in range(6):
            at = f"2026-03-02 09:{minute}0"
            contacted(book, "L-2", Channel.CALL, at, connected=False, at_number=True)
        facts = self.asked(book, "L-1")
        assert (facts.history, len(facts.number_history)) == ((), 6)
        verdict = may_contact(facts, Channel.CALL, book.clock.at)
        assert verdict.warnings == ("cn.attempts_unanswered",)

    def test_conversations_with_one_are_none_with_the_other(self, book: Book) -> None:
        for hour in (8, 9):
            at = f"2026-03-02 0{hour}:00"
            contacted(book, "L-2", Channel.CALL, at, connected=True, at_number=True)
        contacted(book, "L-2", Channel.CALL, "2026-03-02 09:30", connected=True, at_number=True)
        assert (book.may_call("L-1"), book.may_call("L-2")) == ("allowed", "deferred")

    def test_a_text_about_several_loans_counts_once_for_whoever_else_has_the_number(
        self, book: Book
    ) -> None:
        book.loan("L-3", borrower_id="B-L-2")
        book.escalate("L-3")
        book.send("L-2", "text_day_1")
        assert len(book.rows(contact)) == 2
        assert len(self.asked(book, "L-1").number_history) == 1

    def test_a_text_of_two_people_who_were_parted_counts_once_for_each(self, book: Book) -> None:
        book.loan("L-3", same_person_as="B-L-2")
        confirm(book, "B-L-2", "B-L-3")
        book.escalate("L-3")
        book.send("L-2", "text_day_1")
        parted = update(borrower).where(borrower.c.external_id == "B-L-3")
        with book.ctx.engine.begin() as connection:
            connection.execute(parted.values(person_id=book._person("")))
        for name in ("L-2", "L-3"):
            facts = self.asked(book, name)
            assert (len(facts.history), facts.number_history) == (1, ()), name
        assert len(self.asked(book, "L-1").number_history) == 1

    def test_a_number_keeps_its_contacts_when_it_changes_hands(self, book: Book) -> None:
        contacted(book, "L-2", Channel.CALL, "2026-03-02 09:00", connected=False, at_number=True)
        book.loan("L-4", phone="+8613900139000")
        facts = ContactChangeFacts(borrower="B-L-2", phone="+8613900139000")
        tell(book, "contact_change", **facts.payload(book.ctx.cipher))
        assert len(self.asked(book, "L-1").number_history) == 1
        assert (len(self.asked(book, "L-2").history), self.asked(book, "L-4").number_history) == (
            1,
            (),
        )

    def test_who_has_no_number_shares_none(self, book: Book) -> None:
        contacted(book, "L-2", Channel.VISIT, "2026-03-02 09:00")
        book.loan("L-5", phone=None)
        assert self.asked(book, "L-5").number_history == ()
