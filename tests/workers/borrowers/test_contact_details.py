"""New contacts: what waited for a number asks again, and nothing personal is stored in the open."""

import pytest
from sqlalchemy import Engine

from domain.language.speak import speak
from domain.reasons import ReasonCode, because
from tests.support.encrypted import in_payload
from tests.support.events import store, tell
from tests.support.loans import Book
from workers.db.problems import note_problem
from workers.db.schema import borrower, inbox_event, problem
from workers.inbox.apply import EventResult

PHONE = "+8613900139000"
NEW_YORK = "+12125550123"


def change(book: Book, **changed: object) -> EventResult:
    return tell(book, "contact_change", borrower="B-L-1", **changed)


def without_a_number(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    loan_id = book.loan("L-1", phone=None)
    with engine.begin() as connection:
        reason = because(ReasonCode.NUMBER_NOT_IN_USE)
        note_problem(connection, loan_id, "phone_invalid", reason, book.ctx.now())
    book.escalate("L-1")
    assert book.send("L-1", "text_day_1") == "nothing to do"
    return book


def test_a_text_that_waited_for_a_number_goes_to_the_new_one(engine: Engine) -> None:
    book = without_a_number(engine)
    assert book.action("L-1", "text_day_1").rules == ["lender.no_address_known"]

    assert (
        change(book, phone_encrypted=in_payload(book, "phone_encrypted", PHONE, "B-L-1")).status
        == "applied"
    )

    assert book.one(problem).resolved_at is not None
    assert book.send("L-1", "text_day_1") == "accepted"
    assert book.sms.sent[0].text.to == PHONE
    assert book.numbers() == [PHONE]


def test_the_number_is_stored_encrypted_only(engine: Engine) -> None:
    book = without_a_number(engine)
    change(book, phone_encrypted=in_payload(book, "phone_encrypted", PHONE, "B-L-1"))
    kept = book.one(inbox_event)
    assert PHONE[3:] not in f"{kept.payload} {kept.reason}"


def test_what_is_left_out_stays(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    before, numbers = book.one(borrower), book.numbers()

    change(book, locale="en")

    after = book.one(borrower)
    assert (after.locale, after.zones) == ("en", before.zones)
    assert (book.numbers(), after.address_encrypted) == (numbers, before.address_encrypted)


def test_the_zone_of_a_new_number_binds_beside_that_of_the_address(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", jurisdiction="US", zones=["America/Los_Angeles"])

    change(book, phone_encrypted=in_payload(book, "phone_encrypted", NEW_YORK, "B-L-1"))

    assert book.one(borrower).zones == ["America/Los_Angeles", "America/New_York"]


def test_a_number_alone_tells_of_no_zone_but_zones_given_are_taken(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", zones=[])
    change(book, phone_encrypted=in_payload(book, "phone_encrypted", NEW_YORK, "B-L-1"))
    assert book.one(borrower).zones == []

    change(book, zones=["Asia/Urumqi"])
    assert book.one(borrower).zones == ["Asia/Urumqi"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"zones": ["Mars/Olympus"]}, "not a time zone"),
        ({"locale": "english"}, "not a locale"),
        ({"phone": "12"}, "not a telephone number"),
        ({"phone": "+861"}, "not a telephone number"),
    ],
)
def test_contacts_that_cannot_be_used_are_rejected(
    engine: Engine, changed: dict[str, object], says: str
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    before = book.one(borrower)
    if "phone" in changed:
        changed = {
            "phone_encrypted": in_payload(book, "phone_encrypted", str(changed["phone"]), "B-L-1")
        }

    settled = change(book, **changed)

    assert (settled.status, says in speak(settled.reason)) == ("rejected", True)
    assert book.one(borrower) == before


def test_new_contacts_that_wait_to_be_applied_stop_a_text_to_the_old_ones(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    book.escalate("L-1")
    store(book, "contact_change", borrower="B-L-1")

    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert book.action("L-1", "text_day_1").rules == ["lender.event_pending"]


def test_contacts_of_a_borrower_not_known_yet_wait(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    assert change(book, locale="en").status == "received"


def test_a_language_that_nobody_wrote_texts_in_is_refused(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1")
    settled = tell(book, "contact_change", borrower="B-L-1", locale="fr")
    assert (settled.status, "no templates in fr" in speak(settled.reason)) == ("rejected", True)
