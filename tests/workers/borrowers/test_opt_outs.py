"""What a borrower asked for, was told in writing or acknowledged, and what the gate makes of it."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.frequency_caps import Scope
from domain.compliance.gate import may_contact
from domain.compliance.verdict import CEASED, OPTED_OUT, Permission
from domain.compliance.vocabulary import Channel
from domain.errors import ArrearsError
from tests.support.encrypted import in_payload
from tests.support.loans import Book
from workers.borrowers import opt_outs
from workers.db.schema import acknowledgement, loan, person_fact
from workers.gate.facts import read_contact_facts
from workers.inbox.apply import EventResult
from workers.inbox.store import store_event
from workers.inbox.submit import submit
from workers.payments.payments import Payment, record_payment


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    return book


def tell(book: Book, kind: str, **payload: object) -> EventResult:
    return submit(book.ctx, f"{kind}:{sorted(map(str, payload.values()))}", kind, payload)


def facts_asked(book: Book, loan_id: str = "L-1") -> ContactFacts:
    with book.ctx.engine.connect() as connection:
        return read_contact_facts(connection, book.ctx, loan_id, book.clock.at)


def asked(book: Book, channel: Channel, loan_id: str = "L-1") -> tuple[Permission, tuple[str, ...]]:
    verdict = may_contact(facts_asked(book, loan_id), channel, book.clock.at)
    return verdict.permission, verdict.rules


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.CALL, Channel.VISIT])
def test_who_asked_not_to_be_reached_by_one_channel_is_reached_by_the_others(
    book: Book, channel: Channel
) -> None:
    tell(book, "opt_out", borrower="B-L-1", channel=channel, actor="c-1")
    for other in (Channel.SMS, Channel.CALL, Channel.VISIT):
        answer, rules = asked(book, other)
        assert (OPTED_OUT in rules) is (other is channel)
        assert (answer is Permission.BARRED) is (other is channel)


def test_who_asked_to_be_left_alone_is_reached_by_nothing_but_the_court(book: Book) -> None:
    tell(book, "opt_out", borrower="B-L-1", channel=None, actor="c-1")
    for channel in (Channel.SMS, Channel.CALL, Channel.VISIT):
        assert asked(book, channel) == (Permission.BARRED, (CEASED,))
    assert asked(book, Channel.LEGAL)[0] is Permission.ALLOWED
    since = book.one(person_fact).since
    book.at("2026-03-05 10:00")
    tell(book, "opt_out", borrower="B-L-1", channel=None, actor="c-2")
    assert book.one(person_fact).since == since, "the first day stays"


def test_a_wish_about_one_debt_leaves_the_others_open(book: Book) -> None:
    book.loan("L-2", due_on="2026-03-01", borrower_id="B-L-1")

    tell(book, "opt_out", borrower="B-L-1", channel=None, loan="L-2", actor="c-1")

    assert asked(book, Channel.CALL)[0] is not Permission.BARRED
    assert asked(book, Channel.CALL, "L-2") == (Permission.BARRED, (CEASED,))


def test_a_law_may_let_a_wish_about_one_debt_reach_the_whole_person(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.loan("L-2", due_on="2026-03-01", borrower_id="B-L-1")
    monkeypatch.setattr(opt_outs, "reach_of", lambda packs, fact, on: Scope.PERSON)

    tell(book, "opt_out", borrower="B-L-1", channel=None, loan="L-2", actor="c-1")

    assert asked(book, Channel.CALL) == (Permission.BARRED, (CEASED,))


def test_a_wish_about_a_loan_not_known_yet_is_kept(book: Book) -> None:
    wish = {"borrower": "B-L-1", "channel": None, "loan": "L-404", "actor": "c-1"}
    assert tell(book, "opt_out", **wish).status == "received"


def test_a_wish_that_is_not_applied_yet_stops_a_text_already(book: Book) -> None:
    book.escalate("L-1")
    wish = {"borrower": "B-L-1", "channel": None, "actor": "c-1"}
    with book.ctx.engine.begin() as connection:
        store_event(connection, "wish", "opt_out", wish, book.clock.at)
    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert "lender.event_pending" in book.action("L-1", "text_day_1").rules


def test_a_wish_of_somebody_not_known_yet_is_kept(book: Book) -> None:
    assert tell(book, "opt_out", borrower="B-9", channel=None, actor="c-1").status == "received"


def test_the_first_validation_notice_counts_and_every_acknowledgement(book: Book) -> None:
    for day in ("2026-03-02", "2026-02-20", "2026-02-25"):
        tell(book, "validation_notice", loan="L-1", given_on=day)
        tell(book, "acknowledgement", loan="L-1", acknowledged_on=day)
    assert book.one(loan).validation_notice_on == date(2026, 2, 20)
    assert {row.acknowledged_on.day for row in book.rows(acknowledgement)} == {2, 20, 25}


def test_what_has_not_happened_yet_is_refused(book: Book) -> None:
    with pytest.raises(ArrearsError, match="has not come yet"):
        tell(book, "validation_notice", loan="L-1", given_on="2026-03-03")
    with pytest.raises(ArrearsError, match="has not come yet"):
        tell(book, "acknowledgement", loan="L-1", acknowledged_on="2026-03-03")


def test_a_payment_acknowledges_the_debt_so_that_the_time_to_sue_runs_anew(engine: Engine) -> None:
    """中华人民共和国民法典, art. 188 and 195: three years, and anew from a payment in that time."""
    book = Book(engine, now="2026-02-27 10:00")
    book.loan("L-1", due_on="2023-03-01")
    with engine.begin() as connection:
        paid = Payment("P-1", "L-1", Decimal(10), "CNY", book.ctx.today())
        record_payment(connection, book.ctx, paid)
    assert asked(book.at("2026-03-02 10:00"), Channel.LEGAL)[0] is Permission.ALLOWED


def test_a_payment_after_the_time_to_sue_is_over_does_not_revive_it(engine: Engine) -> None:
    book = Book(engine, now="2026-03-03 10:00")  # the period ended on Monday, 2 March
    book.loan("L-1", due_on="2023-03-01")
    with engine.begin() as connection:
        paid = Payment("P-1", "L-1", Decimal(10), "CNY", book.ctx.today())
        record_payment(connection, book.ctx, paid)
    assert asked(book, Channel.LEGAL)[0] is Permission.BARRED


def test_a_new_number_is_the_borrowers_own_unless_it_is_said_to_be_of_their_work(
    book: Book,
) -> None:
    tell(book, "contact_change", borrower="B-L-1", phone_at_work=True)
    assert facts_asked(book).at_work
    sealed = in_payload(book, "phone_encrypted", "+8613900139000", "B-L-1")
    tell(book, "contact_change", borrower="B-L-1", phone_encrypted=sealed)
    assert book.number_facts() == ["at_work"], "that stays true of the old number"
    assert not facts_asked(book).at_work
