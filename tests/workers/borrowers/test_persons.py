"""What is true of a person or of a number protects every loan and everybody that it reaches."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.contact_points import NumberFact
from domain.holds import HoldKind
from tests.support.concurrently import wait_until_blocked
from tests.support.encrypted import in_payload
from tests.support.events import pay, store, tell
from tests.support.loans import Book
from workers.borrowers.contact_details import change_contacts
from workers.db.schema import borrower, loan
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.privacy.erasure import erase

OTHER_NUMBER = "+8613900139000"
OF_PERSON = [
    kind
    for kind in HoldKind
    if kind.of_person and kind is not HoldKind.COMPLAINT  # an event of its own places that one
]


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 and L-2 are two loans of one record; L-3 came in under another id of the same person."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-1")
    book.loan("L-3", borrower_id="B-2", same_person_as="B-1", phone=OTHER_NUMBER)
    book.loan("stranger", phone="+8613900139001")
    return book


def hold(book: Book, kind: str, **named: str) -> str:
    placed = tell(
        book,
        "hold",
        hold="H-1",
        kind=kind,
        starts_on=book.ctx.today().isoformat(),
        ends_on=None,
        why="a letter came",
        actor="col-1",
        **named,
    )
    return placed.status


def texted(book: Book, *loans: str) -> list[str]:
    """Which of these loans are texted today, if all are looked at."""
    book.escalate(*loans)
    return [
        name
        for name in loans
        if "text_day_1" in book.actions(name) and book.send(name, "text_day_1") == "accepted"
    ]


@pytest.mark.parametrize("kind", OF_PERSON)
def test_what_pauses_a_person_pauses_every_loan_of_theirs_and_nobody_elses(
    book: Book, kind: HoldKind
) -> None:
    assert hold(book, kind, loan="L-1") == "applied"
    assert texted(book, "L-1", "L-2", "L-3", "stranger") == ["stranger"]


def test_a_loan_that_comes_in_after_a_death_is_paused_too(book: Book) -> None:
    assert hold(book, HoldKind.DECEASED, borrower="B-2") == "applied"
    book.loan("L-4", borrower_id="B-1")
    assert texted(book, "L-4") == []


def test_a_hold_of_a_person_that_is_released_frees_every_loan(book: Book) -> None:
    hold(book, HoldKind.VULNERABILITY, loan="L-1")
    book.at("2026-03-02 11:00")
    assert tell(book, "release", hold="H-1", ends_on="2026-03-02").status == "applied"
    assert texted(book, "L-3") == ["L-3"]


def test_a_hold_of_a_loan_pauses_that_loan_alone(book: Book) -> None:
    hold(book, HoldKind.LEGAL_STAY, loan="L-1")
    assert texted(book, "L-1", "L-3") == ["L-3"]


def test_a_wish_to_be_left_alone_reaches_every_record_of_the_person(book: Book) -> None:
    wish = tell(book, "opt_out", borrower="B-2", channel=None, actor="col-1")
    assert wish.status == "applied"
    assert texted(book, "L-1", "L-3", "stranger") == ["stranger"]


def test_an_event_that_is_not_applied_yet_stops_contact_about_every_loan(book: Book) -> None:
    book.escalate("L-3")
    store(book, "opt_out", borrower="B-1", channel=None, actor="col-1")
    assert book.send("L-3", "text_day_1") == "nothing to do"
    assert book.actions("L-3")["text_day_1"] == "deferred"


def test_what_was_said_of_a_number_stays_with_it_when_it_changes_hands(book: Book) -> None:
    book.note_number_fact(NumberFact.REACHES_NOBODY, Actor("c-1"))
    sealed = in_payload(book, "phone_encrypted", "+8613900139002", "B-1")
    tell(book, "contact_change", borrower="B-1", phone_encrypted=sealed)
    book.loan("its new owner")

    assert texted(book, "L-1") == ["L-1"], "the borrower has another number now"
    assert texted(book, "its new owner") == []
    assert book.action("its new owner", "text_day_1").rules == ["lender.number_not_to_be_used"]


@pytest.mark.parametrize(
    ("fact", "call"),
    [
        (NumberFact.SOMEBODY_ELSE, "deferred"),
        (NumberFact.REACHES_NOBODY, "deferred"),
        (NumberFact.REFUSED, "deferred"),
        (NumberFact.NO_TEXTS, "allowed"),
        (NumberFact.UNREAD_REPLY, "allowed"),
        (NumberFact.OPTED_OUT, "allowed"),
    ],
)
def test_each_fact_of_a_number_stops_texts_and_the_grave_ones_stop_calls(
    book: Book, fact: NumberFact, call: str
) -> None:
    book.note_number_fact(fact, Actor("c-1"))
    assert texted(book, "L-1") == []
    assert book.may_call("L-1") == call


def test_a_payment_for_one_loan_leaves_the_others_past_due(book: Book) -> None:
    pay(book, "1000")
    assert texted(book, "L-1", "L-2") == ["L-2"]
    assert book.one(select(loan.c.delinquent_since).where(loan.c.external_id == "L-1"))[0] is None


def test_a_wish_that_names_an_erased_record_protects_the_other_records_of_the_person(
    book: Book,
) -> None:
    with book.ctx.engine.begin() as connection:
        of_first = select(borrower.c.id).where(borrower.c.external_id == "B-1")
        erase(connection, [connection.execute(of_first).scalar_one()], book.ctx.now())
    wish = tell(book, "opt_out", borrower="B-1", channel=None, actor="col-1")
    assert wish.status == "applied"
    assert texted(book, "L-3") == []


def test_two_ids_that_get_one_number_at_the_same_moment_are_one_person(book: Book) -> None:
    for number in (4, 5):
        book.loan(f"L-{number}", borrower_id=f"B-{number}", phone=f"+861390013900{number}")
    changes = [
        ContactChangeFacts(borrower=id, phone="+8613900139077").payload(book.ctx.cipher)
        for id in ("B-4", "B-5")
    ]
    with book.ctx.engine.connect() as first, ThreadPoolExecutor(1) as worker:
        change_contacts(first, book.ctx, changes[0])
        second = worker.submit(tell, book, "contact_change", **changes[1])
        wait_until_blocked(book.ctx.engine)
        first.commit()
        assert second.result(timeout=60).status == "applied"
    assert hold(book, "deceased", borrower="B-4") == "applied"
    assert texted(book, "L-4", "L-5") == []
