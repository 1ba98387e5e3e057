"""Tapes on which the wrong person was contacted once, line by line as they came in: `cases/`."""

from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from config.readers.tape_mapping_reader import load_mapping
from domain.actors import Actor
from domain.compliance.gate import may_contact
from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact
from domain.reasons import ReasonCode, because
from tests.support.acting import acting
from tests.support.events import tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import Book, only
from tests.support.sending import Scripted
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.schema import action, borrower, call, contact, loan, problem
from workers.escalation.escalate import escalate_loans
from workers.escalation.scan import Envelope, scan_portfolio
from workers.gate.facts import read_contact_facts
from workers.sms.providers.port import InboundText, OutgoingText, SendOutcome, SendResult
from workers.tapes.import_tape import ImportReport, import_tape

CALLER = Actor("caller-1")
CASES = Path(__file__).parent / "cases"
_sids = count(1)


@pytest.fixture
def book(engine: Engine) -> Book:
    """A collector is on shift all the time."""
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("caller-1", "caller", shift=("2026-03-01 00:00", "2026-04-01 00:00"))
    return book


def bring_in(
    book: Book, case: str, *, as_of: str = "2026-03-02", keep_good: bool = False
) -> ImportReport:
    return import_tape(
        book.ctx,
        CASES / case,
        load_mapping("arrears"),
        as_of=date.fromisoformat(as_of),
        keep_good=keep_good,
    )


def work(book: Book, moment: str) -> None:
    """What a day brings: the scan, the reviews, and each text and call that is due."""
    book.at(moment)
    announced: list[Envelope] = []
    scan_portfolio(book.ctx, announced.extend)
    for envelope in announced:
        escalate_loans(book.ctx, envelope.loan_ids)
    waiting = select(action.c.id, action.c.type).order_by(action.c.id)
    for row in book.rows(waiting.where(action.c.due_at <= book.clock.at)):
        if row.type == "send_sms":
            book.send(_loan_of(book, row.id), _item_of(book, row.id))
        else:
            assign_call(book.ctx, row.id)


def _loan_of(book: Book, action_id: int) -> str:
    of_action = select(loan.c.external_id).join(action).where(action.c.id == action_id)
    return str(book.one(of_action).external_id)


def _item_of(book: Book, action_id: int) -> str:
    return str(book.one(select(action.c.item).where(action.c.id == action_id)).item)


def texted(book: Book) -> list[str]:
    return [sent.text.to for sent in book.sms.sent]


def may(book: Book, loan_id: str, channel: Channel) -> Permission:
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, loan_id, book.clock.at)
    return may_contact(facts, channel, book.clock.at).permission


# --- 18: several loans of one person


def test_two_loans_of_one_person_are_one_text_and_one_call_that_name_both(book: Book) -> None:
    assert bring_in(book, "18_two_loans.csv").rejected == 0
    work(book, "2026-03-03 10:00")

    (sent,) = book.sms.sent
    assert "（编号HO-2）应还的¥200.00" in sent.text.body
    assert "（编号HO-3）应还的¥300.00" in sent.text.body
    assert [row.part_of is None for row in book.rows(contact)] == [True, False]

    assert len(book.rows(call)) == 2, "a row for each loan, of one call"
    assert len({row.staff_id for row in book.rows(call)}) == 1
    started = start_call(acting(book.ctx, CALLER), "HO-3")
    assert sorted(of.loan for of in started.loans) == ["HO-2", "HO-3"]
    for loan_id in ("HO-2", "HO-3"):
        assert book.actions(loan_id)["text_day_1"] == "done"

    work(book, "2026-03-03 18:00")
    assert len(book.sms.sent) == 1


# --- 01: who is who


def test_one_customer_id_with_two_people_is_refused_and_both_lines_are_named(book: Book) -> None:
    report = bring_in(book, "01_same_id_other_person.csv")
    assert (report.rejected, report.kept) == (4, False)
    said = [(error.line, str(error)) for error in report.first_errors]
    assert [line for line, _ in said] == [2, 3, 4, 5]
    for (_, sentence), other in zip(said, ("line 3", "line 2", "line 5", "line 4"), strict=True):
        assert other in sentence
    assert book.rows(borrower) == []


def test_placeholders_are_no_ids_names_numbers_or_addresses(book: Book) -> None:
    bring_in(book, "01_placeholders.csv", keep_good=True)
    loans = {row.external_id: row.borrower_id for row in book.rows(loan)}
    assert len(set(loans.values())) == len(loans), "nobody became one person with a stranger"
    ids = {row.external_id for row in book.rows(borrower)}
    assert not ids & {"nan", "NULL", "#N/A", "-", "无"}
    without_a_number = {"NU-1", "NU-2", "NU-3", "NU-4"} & set(loans)
    known = {row.loan_id: row.kind for row in book.rows(problem)}
    assert {book.loan_id(name) for name in without_a_number} <= set(known)

    work(book, "2026-03-03 10:00")
    assert set(texted(book)) <= {f"+861380013803{n}" for n in range(2, 6)}
    for name in without_a_number:
        assert may(book, name, Channel.SMS) is not Permission.ALLOWED
        assert may(book, name, Channel.CALL) is not Permission.ALLOWED


# --- 03: customers who are numbered anew


def test_a_wish_to_be_left_alone_outlives_a_new_customer_number(book: Book) -> None:
    bring_in(book.at("2026-03-05 22:00"), "03_day1.csv", as_of="2026-03-05")
    tell(book, "opt_out", borrower="CEB1", channel=None, actor="caller-1")
    bring_in(book.at("2026-03-06 22:00"), "03_day2.csv", as_of="2026-03-06")

    work(book, "2026-03-06 23:00")
    assert texted(book) == []
    for channel in (Channel.SMS, Channel.CALL, Channel.VISIT):
        assert may(book, "CE-1", channel) is Permission.BARRED


# --- 08: what comes back


@pytest.mark.parametrize("reply", ["打错了", "TD退订", "STOP STOP STOP", "Wrong number"])
def test_after_such_a_reply_no_text_goes_on_the_days_that_follow(book: Book, reply: str) -> None:
    bring_in(book, "08_replies.csv")
    work(book, "2026-03-03 10:00")
    assert texted(book) == ["+8613800138071"]

    came = InboundText("twilio", f"SM{next(_sids)}", "+8613800138071", reply, None)
    record_inbound_text(book.ctx, came, help_is_answered=True)
    for day in ("2026-03-04", "2026-03-05", "2026-03-06"):
        work(book, f"{day} 10:00")
    assert len(texted(book)) == 1


# --- 09: numbers that reach nobody


class KnowsALandline(Scripted):
    """A provider that refuses one number for good, and takes every other."""

    def send(self, text: OutgoingText) -> SendResult:
        accepted = super().send(text)
        return NO_TEXTS if text.to == "+12125550189" else accepted


NO_TEXTS = SendResult(
    SendOutcome.REFUSED,
    because(ReasonCode.NUMBER_CANNOT_RECEIVE),
    code="21614",
    number_fact=NumberFact.NO_TEXTS,
)


def test_no_text_goes_to_a_number_that_the_provider_called_a_landline(book: Book) -> None:
    provider = KnowsALandline()
    book.ctx = replace(book.ctx, sms=only(provider))
    bring_in(book, "09_numbers.csv")
    for day in ("2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"):
        work(book, f"{day} 23:30")
    tried = [text.to for text in provider.asked]
    assert tried.count("+12125550189") == 1
    assert tried.count("+12125550191") == 2, "the others get their second text"
    assert may(book, "US-1", Channel.SMS) is not Permission.ALLOWED


def test_neither_text_nor_call_goes_to_a_number_that_reached_nobody_until_a_new_one_comes(
    book: Book, tmp_path: Path
) -> None:
    provider = Scripted()
    book.ctx = replace(book.ctx, sms=only(provider))
    bring_in(book, "09_numbers.csv")
    work(book, "2026-03-02 23:30")
    book.called("US-2", "caller-1", outcome="number_invalid", reason=None)
    work(book, "2026-03-03 23:30")
    for channel in (Channel.SMS, Channel.CALL):
        assert may(book, "US-2", channel) is not Permission.ALLOWED

    newer = tmp_path / "09_numbers.csv"
    newer.write_text((CASES / newer.name).read_text().replace("555 0190", "555 0199"))
    work(book, "2026-03-04 12:00")
    import_tape(book.ctx, newer, load_mapping("arrears"), as_of=date(2026, 3, 4))
    work(book, "2026-03-04 23:30")
    tried = [text.to for text in provider.asked]
    assert (tried.count("+12125550190"), tried.count("+12125550199")) == (1, 1)
