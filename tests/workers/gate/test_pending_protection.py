"""From the moment it is stored, an event that may protect somebody holds back every contact that it
would reach: of the person on all records, and of everybody who has the number."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, delete, insert, select, text

from domain.actors import Actor
from domain.contact_points import NumberFact
from domain.events import Named
from domain.messages import MessageStatus
from tests.support.acting import acting
from tests.support.concurrently import wait_until_blocked
from tests.support.events import is_held_back, store, tell_personal
from tests.support.inbound import record_inbound_text
from tests.support.loans import ADDRESS, PHONE, Book
from workers.borrowers.inbound_texts import text_payload
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.numbers import address_index
from workers.db.pending_events import REACHES
from workers.db.schema import contact, inbox_event, message, reply
from workers.db.schema import loan as loan_table
from workers.inbox.apply import apply_event, dispatch_events
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.inbox.event_data.fields import EventData
from workers.inbox.event_data.persons import RepresentativeFacts
from workers.inbox.event_kind import EventKind
from workers.inbox.kinds import EVENT_KINDS
from workers.sms.delivery_receipts import receipt_payload
from workers.sms.providers.port import InboundText, StatusReport

OTHER_NUMBER = "+8613900139000"
ATTORNEY = "+8613900139007"
NUMBER_OF_NOBODY = "+8613900139003"
LOANS = ("L-1", "L-2", "L-3", "neighbour", "neighbour's other", "stranger")
OF_PERSON = ["L-1", "L-2", "L-3"]
OF_NUMBER = [*OF_PERSON, "neighbour", "neighbour's other"]
OF_ADDRESS = [*OF_PERSON, "stranger"]
_sids = count(1)


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 and L-2 are loans of one record; L-3 came in under another id of the same person, with
    another number and address. A neighbour has the number of L-1, and a loan under an id without
    it. A stranger lives at the address of L-1."""
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-1")
    book.loan("L-3", borrower_id="B-2", same_person_as="B-1", phone=OTHER_NUMBER, address="2 Road")
    book.loan("neighbour", borrower_id="B-3", address="3 Road")
    book.loan(
        "neighbour's other",
        borrower_id="B-4",
        same_person_as="B-3",
        phone="+8613900139001",
        address="4 Road",
    )
    book.loan("stranger", borrower_id="B-5", phone="+8613900139002")
    book.escalate(*LOANS)
    return book


def held_back(book: Book) -> list[str]:
    """The loans about which nobody is contacted because an event waits."""
    return [loan for loan in LOANS if is_held_back(book, loan)]


def a_call(book: Book) -> str:
    assign_call(book.ctx, book.action_id("L-1", "friendly_call"))
    return str(start_call(acting(book.ctx, Actor("c-1")), "L-1").attempt)


def a_text(book: Book, number: str = PHONE["CN"]) -> int:
    text = InboundText("twilio", f"RE{next(_sids)}", number, "What is this about?", None)
    record_inbound_text(book.ctx, text, help_is_answered=True)
    return int(book.rows(reply)[-1].id)


def visited(book: Book, loan: str, address: bytes) -> str:
    """Somebody went to an address about a loan. Gives the attempt."""
    return contacted(book, loan, f"visit of {loan}", channel="visit", address_blind_index=address)


def called_attorney(book: Book, loan: str) -> str:
    """Who acts for the person was called about a loan. Gives the attempt."""
    number = book.ctx.cipher.blind_index(ATTORNEY)
    return contacted(book, loan, f"call of {loan}", channel="call", number_blind_index=number)


def contacted(book: Book, loan: str, attempt: str, **how: object) -> str:
    with book.ctx.engine.begin() as connection:
        connection.execute(
            insert(contact).values(
                loan_id=book.loan_id(loan),
                action_id=book.action_id(loan, "text_day_1"),
                borrower_id=connection.execute(
                    select(loan_table.c.borrower_id).where(loan_table.c.external_id == loan)
                ).scalar_one(),
                attempt=attempt,
                party="borrower",
                at=book.ctx.now(),
                **how,
            )
        )
    return attempt


def new_number(book: Book, record: str, phone: str) -> None:
    """A tape or an event brought it."""
    book.set_numbers(record, phone)


@pytest.mark.parametrize(
    "outcome", ["number_invalid", "wrong_person", "deceased", "third_party_refused", "spoke"]
)
def test_the_outcome_of_a_call_holds_back_the_person_and_everybody_with_the_number(
    book: Book, outcome: str
) -> None:
    attempt = a_call(book)
    assert held_back(book) == []
    store(book, "contact_outcome", attempt=attempt, outcome=outcome, reason=None, actor="c-1")
    assert held_back(book) == OF_NUMBER

    assert book.send("neighbour", "text_day_1") == "nothing to do"
    held = book.action("neighbour", "text_day_1")
    assert (held.status, held.rules) == ("deferred", ["lender.event_pending"])
    for event_id in dispatch_events(book.ctx):
        apply_event(book.ctx, event_id)
    assert held_back(book) == []


def test_the_number_that_was_called_counts_and_not_the_one_that_the_person_has_by_now(
    book: Book,
) -> None:
    attempt = a_call(book)
    new_number(book, "B-1", NUMBER_OF_NOBODY)
    new_number(book, "B-5", PHONE["CN"])
    store(book, "contact_outcome", attempt=attempt, outcome="wrong_person", actor="c-1")
    assert held_back(book) == list(LOANS)


def test_a_fact_of_a_number_that_a_reply_names_holds_back_everybody_with_the_number(
    book: Book,
) -> None:
    reply_id = a_text(book)
    store(book, "number_fact", reply=reply_id, fact="reaches_nobody", actor="c-1")
    assert held_back(book) == OF_NUMBER


def test_so_does_one_that_a_borrower_names_and_an_opt_out(book: Book) -> None:
    fact = store(book, "number_fact", borrower="B-3", fact="refused", actor="c-1")
    assert held_back(book) == OF_NUMBER
    apply_event(book.ctx, fact)
    assert held_back(book) == []
    store(book, "opt_out", borrower="B-1", channel="sms", actor="c-1")
    assert held_back(book) == OF_NUMBER


def test_the_end_of_such_a_fact_does_too_since_a_number_not_at_work_is_one_at_home(
    book: Book,
) -> None:
    store(book, "number_fact_end", borrower="B-3", fact="at_work", actor="c-1")
    assert held_back(book) == OF_NUMBER


def from_the_attorney(book: Book) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What names the number of who acts for a person, in each way in which an event can."""
    hashed = book.ctx.cipher.blind_index(ATTORNEY)
    text = InboundText("twilio", "SM-STOP", ATTORNEY, "STOP", None)
    yield (
        "inbound_text",
        text_payload(book.ctx.cipher, text, book.ctx.now(), help_is_answered=True),
    )
    yield "contact_change", {"borrower": "B-9", "numbers": [hashed.hex()]}
    yield "number_fact", {"reply": a_text(book, ATTORNEY), "fact": "refused", "actor": "c-1"}
    book.loan("of another client", borrower_id="B-9", phone=NUMBER_OF_NOBODY)
    book.escalate("of another client")
    attempt = called_attorney(book, "of another client")
    yield "contact_outcome", {"attempt": attempt, "outcome": "third_party_refused", "actor": "c-1"}


def test_what_comes_from_who_acts_for_a_person_holds_that_person_back(book: Book) -> None:
    named = {"kind": "attorney", "phone": ATTORNEY, "actor": "c-1"}
    tell_personal(book, "representative", RepresentativeFacts, borrower="B-2", **named)
    for kind, payload in from_the_attorney(book):
        assert held_back(book) == [], kind
        event = store(book, kind, **payload)
        assert held_back(book) == OF_PERSON, kind
        with book.ctx.engine.begin() as connection:
            connection.execute(delete(inbox_event).where(inbox_event.c.id == event))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("number_fact", {"fact": "reaches_nobody"}),
        ("number_fact_end", {"fact": "reaches_nobody"}),
        ("person_fact", {"fact": "inconvenient_place", "place": "at_work"}),
    ],
)
def test_what_is_said_of_who_acts_for_one_person_holds_back_all_who_are_reached_there(
    book: Book, kind: str, said: Mapping[str, str]
) -> None:
    """The same attorney acts for a stranger, and owes something themselves."""
    book.loan("of the attorney", borrower_id="B-9", phone=ATTORNEY, address="9 Road")
    book.loan("of another attorney's client", borrower_id="B-8", phone=NUMBER_OF_NOBODY)
    for client, number in (("B-2", ATTORNEY), ("B-5", ATTORNEY), ("B-8", NUMBER_OF_NOBODY)):
        named = {"kind": "attorney", "phone": number, "actor": "c-1"}
        tell_personal(book, "representative", RepresentativeFacts, borrower=client, **named)
    loans = (*LOANS, "of the attorney", "of another attorney's client")
    book.escalate(*loans)
    assert [loan for loan in loans if is_held_back(book, loan)] == []
    store(book, kind, borrower="B-1", of_representative=True, actor="c-1", **said)
    held = [loan for loan in loans if is_held_back(book, loan)]
    assert {*OF_PERSON, "stranger", "of the attorney"} <= set(held)
    assert "of another attorney's client" not in held


def test_what_is_stored_while_the_claim_waits_for_its_locks_counts(book: Book) -> None:
    with book.ctx.engine.connect() as other, ThreadPoolExecutor(1) as worker:
        other.execute(text("SELECT FROM person FOR NO KEY UPDATE"))
        sent = worker.submit(book.send, "L-1", "text_day_1")
        wait_until_blocked(book.ctx.engine)
        store(book, "opt_out", borrower="B-1", channel=None, actor="c-1")
        other.rollback()
        assert sent.result(timeout=60) == "nothing to do"
    assert book.rows(message) == []


def test_what_is_true_of_a_person_does_not_hold_back_a_neighbour(book: Book) -> None:
    store(book, "person_fact", borrower="B-2", fact="represented", actor="c-1")
    assert held_back(book) == OF_PERSON


def test_the_end_of_a_consent_holds_back_the_person(book: Book) -> None:
    store(book, "person_fact_end", borrower="B-1", fact="agreed_more_contacts", actor="c-1")
    assert held_back(book) == OF_PERSON


def test_who_is_no_party_any_more_is_not_contacted_about_the_loan(book: Book) -> None:
    store(book, "loan_party_end", borrower="B-5", loan="L-3", role="guarantor", actor="c-1")
    assert held_back(book) == [*OF_PERSON, "stranger"]


def test_two_records_that_are_said_to_be_one_person_hold_back_both(book: Book) -> None:
    told = {"status": "confirmed", "why": "both came in", "actor": "c-1"}
    store(book, "same_person", borrower="B-5", other="B-2", **told)
    assert held_back(book) == [*OF_PERSON, "stranger"]


@pytest.mark.parametrize("meaning", ["cease", "wrong_number", "stop", "no_calls"])
def test_what_a_text_is_said_to_mean_holds_back_everybody_whom_it_may_be_from(
    book: Book, meaning: str
) -> None:
    reply_id = a_text(book)
    store(book, "reply_read", reply=reply_id, meaning=meaning, actor="c-1")
    assert held_back(book) == OF_NUMBER


def test_a_text_counts_for_its_sender_under_whatever_number(book: Book) -> None:
    reply_id = a_text(book, OTHER_NUMBER)
    new_number(book, "B-2", NUMBER_OF_NOBODY)
    store(book, "reply_read", reply=reply_id, meaning="cease", actor="c-1")
    assert held_back(book) == OF_PERSON


def test_a_dispute_about_another_loan_holds_back_who_has_that_loan(book: Book) -> None:
    reply_id = a_text(book, OTHER_NUMBER)
    dispute = {"dispute": "D-1", "loan": "stranger", "why": "paid in cash"}
    store(book, "reply_read", reply=reply_id, meaning="dispute", actor="c-1", **dispute)
    assert held_back(book) == [*OF_PERSON, "stranger"]


def test_a_new_number_holds_back_whoever_has_it_already(book: Book) -> None:
    change = ContactChangeFacts(borrower="B-5", phone=OTHER_NUMBER, phone_at_work=True)
    store(book, "contact_change", **change.payload(book.ctx.cipher))
    assert held_back(book) == [*OF_PERSON, "stranger"]


def test_of_several_new_numbers_each_holds_back_whoever_has_it_already(book: Book) -> None:
    change = ContactChangeFacts(borrower="B-2", phones=[NUMBER_OF_NOBODY, "+8613900139002"])
    payload = change.payload(book.ctx.cipher)
    assert not any(number in str(payload) for number in change.phones or ())
    event = store(book, "contact_change", **payload)
    assert held_back(book) == [*OF_PERSON, "stranger"]
    assert apply_event(book.ctx, event).status == "applied"
    assert held_back(book) == []


@pytest.mark.parametrize("kind", ["address_fact", "address_fact_end"])
def test_a_fact_of_an_address_holds_back_everybody_who_has_it(book: Book, kind: str) -> None:
    event = store(book, kind, borrower="B-1", fact="refused", actor="c-1")
    assert held_back(book) == OF_ADDRESS
    apply_event(book.ctx, event)
    assert held_back(book) == []


def test_what_is_said_of_an_address_does_not_hold_back_who_only_has_the_number(book: Book) -> None:
    store(book, "address_fact", borrower="B-3", fact="reaches_nobody", actor="c-1")
    assert held_back(book) == ["neighbour", "neighbour's other"]


def test_a_letter_that_came_back_holds_back_everybody_who_has_the_address(book: Book) -> None:
    store(book, "letter_returned", loan="L-1", fact="somebody_else", actor="c-1")
    assert held_back(book) == OF_ADDRESS


def test_so_does_one_that_went_to_an_address_that_the_borrower_has_left(book: Book) -> None:
    """Their new address may be the one that it went to, or another one: both count."""
    went_to = address_index(book.ctx.cipher, "3 Road")
    visited(book, "L-3", went_to)
    store(book, "letter_returned", loan="L-3", fact="somebody_else", actor="c-1")
    assert held_back(book) == [*OF_PERSON, "neighbour", "neighbour's other"]


def test_the_outcome_of_a_visit_holds_back_everybody_who_has_the_address(book: Book) -> None:
    attempt = visited(book, "L-1", address_index(book.ctx.cipher, ADDRESS))
    store(book, "contact_outcome", attempt=attempt, outcome="wrong_person", actor="c-1")
    assert held_back(book) == OF_ADDRESS


def test_that_the_number_on_record_is_at_work_holds_back_whoever_has_it(book: Book) -> None:
    store(book, "contact_change", borrower="B-1", phone_at_work=True)
    assert held_back(book) == OF_NUMBER


def test_a_provider_that_gives_up_a_number_holds_back_everybody_who_has_it(book: Book) -> None:
    assert book.send("L-1", "text_day_1") == "accepted"
    sent = book.rows(message)[0]
    report = StatusReport(
        reference=sent.id,
        provider="twilio",
        sid=str(sent.sid),
        word="undelivered",
        status=MessageStatus.UNDELIVERED,
        code="30005",
        number_fact=NumberFact.REACHES_NOBODY,
        to=PHONE["CN"],
    )
    payload = receipt_payload(report, book.ctx.cipher)
    assert PHONE["CN"] not in str(payload)
    event = store(book, "receipt", **payload)
    assert held_back(book) == OF_NUMBER
    assert apply_event(book.ctx, event).status == "applied"
    assert held_back(book) == []


def test_a_receipt_that_says_nothing_of_the_number_holds_back_nobody(book: Book) -> None:
    report = StatusReport(
        uuid4(), "twilio", "SM1", "delivered", MessageStatus.DELIVERED, None, None, PHONE["CN"]
    )
    store(book, "receipt", **receipt_payload(report, book.ctx.cipher))
    assert held_back(book) == []


@pytest.mark.parametrize("kind", ["release", "reversal", "promise_withdrawal"])
def test_what_allows_no_less_than_before_holds_back_nobody(book: Book, kind: str) -> None:
    store(book, kind, borrower="B-1", loan="L-1", hold="H", payment="P", promise="P", actor="c-1")
    assert held_back(book) == []


# What a payload may hold that names nobody: what is said, since when, by whom.
SAYS_ONLY = {
    *("actor", "amount", "currency", "why", "reason", "meaning", "fact", "status", "kind"),
    *("was_made", "starts_at"),
    *("channel", "outcome", "at", "until", "callback_at", "starts_on", "ends_on", "paid_on"),
    *("due_on", "instalment", "given_on", "reversed_on", "acknowledged_on", "written_off_on"),
    *("sender", "restructured_on", "paid", "instalments"),
    *("booked_on", "taken_back_on", "refunded_on", "component", "reversal", "refund"),
    *("reversal_sender", "refund_sender"),
    *("role", "contacted", "time", "place", "which_number", "said", "item", "order"),
    *("name", "phone", "phones", "another_phone", "phone_at_work", "address", "zones", "locale"),
    *("restructured_on", "instalments", "paid"),
    # The other loans of a conversation are counted for the person whom it was with.
    "also_about",
    # Whose wish or number it is: who acts for the borrower whom the event names.
    *("of_representative", "by_representative"),
    # The id of what follows from it, or of what proves it.
    *("dispute", "contact", "proof", "document"),
    # What a borrower wishes for, and what shows that they agreed.
    *("asked_by", "asked_in", "days", "monthly", "accepted_on", "proof_reference"),
    *("arrangement", "arrangement_sender", "refusal"),
    "staff",  # of whom it says something: no borrower
    # Of a promise: its payments, who agreed to it, and what the borrower can pay a month. One made
    # in a conversation is about a loan of it.
    *("parts", "agreed_by", "can_pay_monthly", "promised"),
    # Of a conversation: what the borrower stopped in it, and where it was recorded.
    *("stopped_channel", "recording"),
    # Of a dispute and a complaint: who may handle it, and what was found.
    *("raised_by", "about_attempt", "about_staff", "received_at", "dispute_kind", "complaint_kind"),
    *("finding", "corrected_by", "offer"),
    "recovery",  # for whose sake a system sent its events again
}


def names_of(data: type[EventData] | None) -> set[str]:
    return set(data.model_fields) if data else set()


def test_each_kind_says_what_everything_is_that_its_payload_names() -> None:
    """A field that is new here names people (then the kind declares it), or it does not."""
    for kind in EVENT_KINDS.values():
        named = names_of(kind.data) - SAYS_ONLY - {kind.names, kind.id_field, kind.name}
        assert named <= set(Named), f"{kind.name} has fields that nobody has thought of"
        if kind.holds_back:
            assert named <= set(kind.holds_back), f"{kind.name} reaches more than it holds back"


def test_every_way_to_name_people_has_its_condition() -> None:
    assert set(REACHES) == set(Named)


def test_a_kind_cannot_leave_out_whom_it_holds_back() -> None:
    with pytest.raises(TypeError, match="holds_back"):
        EventKind("flood_reported", lambda *_: ())  # type: ignore[call-arg]
