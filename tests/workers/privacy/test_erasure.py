"""What need not be kept goes by itself, a day after it need not, and leaves what was done."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, update

from config.readers.tape_mapping_reader import load_mapping
from domain.actors import Actor
from domain.compliance.gate import may_contact
from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact
from domain.errors import ArrearsError
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.encrypted import opened
from tests.support.events import tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import ADDRESS, NAME, PHONE, Book
from workers.borrowers.reply_queue import open_reply
from workers.db.daily_runs import start_today
from workers.db.schema import (
    action,
    action_event,
    borrower,
    borrower_number,
    contact,
    decision,
    document,
    erasure,
    inbox_event,
    loan,
    metadata,
    payment,
    person_fact,
    replaced_event,
    reply,
)
from workers.gate.facts import read_contact_facts
from workers.inbox.apply import EventResult
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.inbox.store import store_event
from workers.inbox.submit import submit
from workers.payments.payments import Payment, record_payment
from workers.payments.write_offs import write_off
from workers.privacy.encrypted_columns import ENCRYPTED_TABLES
from workers.privacy.erasure import erase_expired_data
from workers.sms.providers.port import InboundText
from workers.tapes.import_tape import import_tape
from workers.visits.letters import open_letter
from workers.visits.schedule import schedule_visit

EVIDENCE = (action, action_event, contact, decision, payment, loan)


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 was texted, visited, answered, told of a new address, and paid on 5 April 2026."""
    book = Book(engine, now="2026-03-02 10:00")
    for number in (1, 2):
        book.staff(f"v-{number}", "visitor")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    book.at("2026-03-31 10:00").escalate("L-1")
    schedule_visit(book.ctx, book.action_id("L-1", "field_visit"))
    book.at("2026-04-05 10:00")
    inbound = InboundText("twilio", "SM1", PHONE["CN"], "我失业了", None)
    record_inbound_text(book.ctx, inbound, help_is_answered=True)
    tell_contacts(book, "E-1", "B-L-1", address="2 Example Road")
    pay(book, "L-1")
    return book


def pay(book: Book, loan: str, amount: int = 1000) -> None:
    paid = Payment(f"P-{loan}", loan, Decimal(amount), "CNY", book.ctx.today())
    with book.ctx.engine.begin() as connection:
        record_payment(connection, book.ctx, paid)


def tell_contacts(book: Book, event: str, borrower: str, **contacts: str) -> EventResult:
    facts = ContactChangeFacts(borrower=borrower, **contacts)  # type: ignore[arg-type]
    return submit(book.ctx, event, "contact_change", facts.payload(book.ctx.cipher))


def everything(book: Book) -> str:
    """All that the database holds, opened where it is sealed."""
    found: list[str] = []
    for table in metadata.sorted_tables:
        for row in book.rows(table):
            found += [str(value) for value in row]
    for encrypted in ENCRYPTED_TABLES:
        for column in encrypted.columns:
            found += [str(value) for value in opened(book, column)]
    return "\n".join(found)


def test_nothing_goes_while_it_must_be_kept_and_all_goes_on_the_day_after(book: Book) -> None:
    before = {table.name: len(book.rows(table)) for table in EVIDENCE}
    assert (book.rows(document), book.rows(reply)) != ([], [])

    book.at("2031-04-05 23:59")
    assert erase_expired_data(book.ctx).borrowers == 0
    assert NAME in everything(book)
    book.at("2031-04-06 00:00")
    assert erase_expired_data(book.ctx).borrowers == 1

    for personal in (NAME, ADDRESS, PHONE["CN"], "2 Example Road", "我失业了"):
        assert personal not in everything(book)
    assert {table.name: len(book.rows(table)) for table in EVIDENCE} == before
    gone = book.one(borrower)
    assert book.rows(borrower_number) == []
    assert (gone.external_id, gone.erased_at, gone.zones) == ("B-L-1", book.clock.at, [])
    assert "我失业了" not in str([row.payload for row in book.rows(inbox_event)])
    changes = select(inbox_event.c.payload).where(inbox_event.c.kind == "contact_change")
    payload = book.one(changes).payload
    assert payload == {"borrower": "B-L-1", "address_encrypted": None}
    on_record = book.one(erasure)
    assert on_record.actor == "erase_expired_data"
    assert (on_record.rules, on_record.kept_until) == (["cn.keep_records"], date(2031, 4, 5))


def test_what_an_event_said_before_its_correction_has_no_hash_of_what_was_erased(
    book: Book,
) -> None:
    for address in ("3 Example Road", "4 Example Road"):
        facts = ContactChangeFacts(borrower="B-L-1", address=address)
        payload = facts.payload(book.ctx.cipher)
        with book.ctx.engine.begin() as connection:
            store_event(connection, "E-2", "contact_change", payload, book.ctx.now())
    assert book.one(replaced_event).payload == {"borrower": "B-L-1"}


def test_run_twice_or_twice_at_once_it_erases_once(book: Book) -> None:
    book.at("2031-04-06")

    done = concurrently(*(lambda: erase_expired_data(book.ctx) for _ in range(2)))
    done = [*done, erase_expired_data(book.ctx)]

    assert sum(run.borrowers for run in done) == 1
    assert len(book.rows(erasure)) == 1


def test_a_payment_that_comes_in_between_is_waited_for_and_keeps_it(
    book: Book, engine: Engine
) -> None:
    book.at("2031-04-06")
    with engine.begin() as connection:
        connection.execute(select(borrower.c.id).with_for_update())
        assert erase_expired_data(book.ctx).borrowers == 0, "somebody has the borrower"

    assert erase_expired_data(book.ctx).borrowers == 1


@pytest.mark.parametrize("owes", ["now", "later"])
def test_a_second_loan_that_is_open_keeps_everything(book: Book, owes: str) -> None:
    book.loan("L-2", due_on="2031-03-01" if owes == "now" else "2040-03-01")
    with book.ctx.engine.begin() as connection:
        first = select(borrower.c.id).where(borrower.c.external_id == "B-L-1").scalar_subquery()
        connection.execute(
            update(loan).where(loan.c.external_id == "L-2").values(borrower_id=first)
        )
        connection.execute(update(loan).values(updated_at=book.moment("2026-04-05 10:00")))
    book.at("2033-04-01")

    erase_expired_data(book.ctx)

    assert NAME in everything(book)
    kept = {row.external_id: row.erased_at for row in book.rows(borrower)}
    assert kept["B-L-1"] is None
    assert kept["B-L-2"] is not None, "of whom no loan is left"


def test_a_loan_that_was_written_off_is_closed(engine: Engine) -> None:
    book = Book(engine, now="2026-03-31 10:00")
    book.loan("L-1", due_on="2026-03-01")
    with engine.begin() as connection:
        write_off(connection, book.ctx, "L-1", book.ctx.today())

    assert erase_expired_data(book.at("2031-03-31 12:00").ctx).borrowers == 0
    assert erase_expired_data(book.at("2031-04-01").ctx).borrowers == 1


def test_where_no_pack_says_how_long_it_is_kept_for_good(engine: Engine) -> None:
    book = Book(engine, now="2026-03-31 10:00")
    book.loan("L-1", due_on="2026-03-01", jurisdiction="CN")
    with engine.begin() as connection:
        connection.execute(update(loan).values(jurisdiction="AU"))
    pay(book, "L-1")

    assert erase_expired_data(book.at("2099-01-01").ctx).borrowers == 0


def test_a_page_at_a_time_it_comes_to_the_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.privacy.retention.PAGE_SIZE", 2)
    book = Book(engine, now="2026-03-31 10:00")
    for n in range(5):
        book.loan(f"L-{n}", due_on="2026-03-01", phone=f"+861380013800{n}")
        if n != 1:
            pay(book, f"L-{n}")
    book.at("2031-04-01")

    after: int | None = 0
    erased = []
    while after is not None:
        done = erase_expired_data(book.ctx, after)
        erased.append(done.borrowers)
        after = done.go_on_after

    assert erased == [1, 2, 1, 0]
    assert [row.external_id for row in book.rows(borrower) if row.erased_at is None] == ["B-L-1"]


def test_it_starts_once_a_day_however_often_it_is_started(book: Book) -> None:
    def start(task: str) -> bool:
        return start_today(book.ctx.engine, task, book.ctx.now())

    started = concurrently(*(lambda: start("erase") for _ in range(3)))
    assert sorted(started) == [False, False, True]
    assert start("prune")

    book.at("2026-04-06 00:00")
    assert start("erase")


# Nothing can reach the person afterwards.


@pytest.fixture
def erased(book: Book) -> Book:
    book.at("2031-04-06 10:00")
    erase_expired_data(book.ctx)
    return book


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.CALL, Channel.VISIT])
def test_a_loan_of_theirs_that_is_owed_again_leads_to_no_contact(
    erased: Book, channel: Channel
) -> None:
    reversal = {"payment": "P-L-1", "reversed_on": "2031-04-06"}
    submit(erased.ctx, "reversal:P-L-1", "reversal", reversal)
    now = erased.ctx.now()

    with erased.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, erased.ctx, "L-1", now)

    assert facts.past_due == 1000
    assert (facts.zones, facts.numbers) == ((), ())
    assert facts.reachable == {Channel.LEGAL}
    assert may_contact(facts, channel, now).permission is not Permission.ALLOWED


def test_new_contacts_are_refused_in_a_sentence(erased: Book) -> None:
    with pytest.raises(ArrearsError, match="was erased on 2031-04-06"):
        tell_contacts(erased, "E-2", "B-L-1", phone=PHONE["CN"])
    assert PHONE["CN"] not in everything(erased)


def test_what_was_written_cannot_be_opened_any_more_and_that_is_said(erased: Book) -> None:
    with pytest.raises(ArrearsError, match=r"The letter for field_visit of loan L-1 was erased"):
        open_letter(acting(erased.ctx, Actor("sup-1")), "L-1")
    with pytest.raises(ArrearsError, match=r"The words of reply \d+ were erased"):
        open_reply(acting(erased.ctx, Actor("c-1")), erased.one(reply).id)


def test_a_tape_brings_them_back_with_a_new_loan_and_not_with_the_old_one(
    erased: Book, tmp_path: Path
) -> None:
    bring_in(erased, tmp_path, "L-1")
    assert erased.one(borrower).erased_at is not None
    assert NAME not in everything(erased)

    bring_in(erased, tmp_path, "L-2")
    old, new = erased.rows(borrower)  # nobody knows whether it is the same person
    assert (old.erased_at is None, new.erased_at is None) == (False, True)
    assert (new.external_id, new.person_id) == ("B-L-1", old.person_id)
    assert NAME in everything(erased)


def bring_in(book: Book, folder: Path, loan: str) -> None:
    tape = folder / "tape.csv"
    tape.write_text(
        "loan,borrower,name,phone,address,locale,region,zones,jurisdiction,product,currency,"
        "instalments,paid_total,steps_tried\n"
        f'{loan},B-L-1,{NAME},{PHONE["CN"]},"{ADDRESS}",zh-Hans,,Asia/Shanghai,CN,consumer_loan,'
        "CNY,2026-03-01 1000.00,0,\n"
    )
    assert import_tape(book.ctx, tape, load_mapping("arrears"), as_of=book.ctx.today()).kept


def asks_by_text(book: Book) -> None:
    inbound = InboundText("twilio", "SM-cease", PHONE["CN"], "别再联系我", None)
    record_inbound_text(book.ctx, inbound, help_is_answered=True)


def asks_a_collector(book: Book) -> None:
    tell(book, "opt_out", borrower="B-L-1", channel=None, actor="c-1")


def wants_no_visits(book: Book) -> None:
    tell(book, "opt_out", borrower="B-L-1", channel="visit", actor="c-1")


def speaks_of_one_debt(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(
            insert(person_fact).values(
                borrower_id=select(borrower.c.id).scalar_subquery(),
                loan_id=book.loan_id("L-1"),
                kind="ceased",
                since=book.ctx.now(),
                source="c-1",
                source_kind="staff",
            )
        )


ALL = {Channel.SMS, Channel.CALL, Channel.VISIT}


@pytest.mark.parametrize(
    ("asks", "closed"),
    [
        (asks_by_text, ALL),
        (asks_a_collector, ALL),
        (wants_no_visits, {Channel.VISIT}),
        (speaks_of_one_debt, set()),
    ],
)
def test_who_asked_to_be_left_alone_is_left_alone_under_a_new_id(
    book: Book, asks: Callable[[Book], None], closed: set[Channel]
) -> None:
    asks(book)
    with book.ctx.engine.begin() as connection:  # or texts to that number would wait for a reader
        connection.execute(update(reply).values(handled_at=book.ctx.now(), actor="c-1"))
    book.at("2031-04-06 10:00")
    erase_expired_data(book.ctx)
    assert NAME not in everything(book)

    book.at("2031-05-06 10:00")
    book.loan("L-2", due_on="2031-05-01", borrower_id="B-9", address="2 Example Road")
    assert not_allowed(book, "L-2") == closed
    book.loan("L-3", due_on="2031-05-01", phone="+8613900139003", address="3 Example Road")
    assert not_allowed(book, "L-3") == set()


def test_a_house_where_others_live_is_still_visited(book: Book) -> None:
    book.loan("L-2", due_on="2031-05-01", phone="+8613900139003", address="2 Example Road")
    asks_a_collector(book)
    book.at("2031-05-06 10:00")
    erase_expired_data(book.ctx)
    assert not_allowed(book, "L-2") == set()


def not_allowed(book: Book, loan: str) -> set[Channel]:
    now = book.ctx.now()
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, loan, now)
    return {one for one in ALL if may_contact(facts, one, now).permission is not Permission.ALLOWED}


def test_whoever_has_the_number_too_keeps_the_opt_out(book: Book) -> None:
    book.note_number_fact(NumberFact.OPTED_OUT, Actor("text"))
    book.at("2031-03-01 10:00").loan("L-2", due_on="2031-03-30")

    erase_expired_data(book.at("2031-04-06").ctx)

    assert book.number_facts() == ["opted_out"]
