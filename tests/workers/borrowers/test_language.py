"""The language that a person speaks: templates, collectors and answers follow it."""

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.compliance.gate import may_contact
from domain.compliance.verdict import NO_TEMPLATES
from domain.compliance.vocabulary import OF_LENDER, Channel
from domain.language.speak import speak
from domain.reasons import ReasonCode
from tests.support.acting import acting
from tests.support.events import confirm, tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import PHONE, Book
from workers.borrowers.reply_queue import assign_replies, read_replies
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.loan_facts import load_facts
from workers.db.schema import action, borrower, call, message, problem, reply
from workers.db.schema import loan as loan_table
from workers.db.spoken_language import spoken_language
from workers.gate.facts import read_contact_facts
from workers.inbox.apply import EventResult
from workers.sms.providers.port import InboundText
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 is written about in Chinese by the lender's records; L-2 is the same person's."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-2", same_person_as="B-1")
    book.loan("relative")
    book.escalate("L-1", "L-2", "relative")
    return book


def speaks(book: Book, locale: str, borrower: str = "B-1") -> EventResult:
    data = {"borrower": borrower, "fact": "language", "locale": locale, "actor": "c-1"}
    return tell(book, "person_fact", **data)


def text(book: Book, loan: str = "L-1") -> str:
    assert book.send(loan, "text_day_1") == "accepted"
    texts = message.join(action, action.c.id == message.c.action_id).join(loan_table)
    of_loan = select(message.c.locale).select_from(texts).where(loan_table.c.external_id == loan)
    return str(book.rows(of_loan)[-1].locale)


def test_a_text_is_in_the_language_that_the_person_speaks_on_every_record(book: Book) -> None:
    speaks(book, "en")
    assert text(book, "L-2") == "en"
    assert "reached us yet" in book.sms.sent[-1].text.body
    assert text(book, "relative") == "zh-Hans", "somebody else, with the same number"


def test_a_variety_of_a_language_has_the_templates_of_the_language(book: Book) -> None:
    speaks(book, "en-GB")
    assert text(book) == "en-GB"


def test_who_says_another_language_later_means_that_one(book: Book) -> None:
    speaks(book, "en")
    speaks(book, "zh-Hans")
    assert text(book) == "zh-Hans"


def test_what_was_said_of_the_record_itself_counts_before_what_was_said_of_another(
    book: Book,
) -> None:
    speaks(book, "en", borrower="B-1")
    book.at("2026-03-02 10:01")
    speaks(book, "zh-Hans", borrower="B-2")
    assert text(book, "L-1") == "en"


def test_of_records_that_are_confirmed_to_be_one_person_the_later_word_counts(book: Book) -> None:
    names = {"borrower": "B-1", "other": "B-2"}
    tell(book, "same_person", **names, status="confirmed", why="the register", actor="c-1")
    speaks(book, "en", borrower="B-1")
    book.at("2026-03-02 10:01")
    speaks(book, "zh-Hans", borrower="B-2")
    assert text(book, "L-1") == "zh-Hans"


def test_every_question_about_the_language_has_the_same_answer(book: Book) -> None:
    """B-1 and B-2 are confirmed by a register after each said another language; B-3 is not."""
    book.loan("L-3", borrower_id="B-3", same_person_as="B-1")
    for minute, (record, locale) in enumerate(
        [("B-1", "en"), ("B-2", "zh-Hans"), ("B-3", "es")], start=1
    ):
        book.at(f"2026-03-02 10:0{minute}")
        speaks(book, locale, borrower=record)
    names = {"borrower": "B-1", "other": "B-2"}
    tell(book, "same_person", **names, status="confirmed", why="the register", actor="c-1")

    with book.ctx.engine.connect() as connection:
        loans = [book.loan_id(name) for name in ("L-1", "L-2", "L-3", "relative")]
        facts = load_facts(connection, loans, book.ctx.now())
        of_records = select(loan_table.c.id, spoken_language()).join(borrower)
        spoken = dict(connection.execute(of_records).all())
    assert [facts[id].reach.locale for id in loans] == ["zh-Hans", "zh-Hans", "es", "zh-Hans"]
    assert spoken == {id: known.reach.locale for id, known in facts.items()}


def test_a_language_without_templates_is_a_problem_and_never_another_language(
    book: Book,
) -> None:
    assert speaks(book, "es").status == "applied", "the person speaks it all the same"
    assert book.send("L-1", "text_day_1") == "nothing to do"
    waiting = book.action("L-1", "text_day_1")
    assert (waiting.status, waiting.rules) == ("deferred", [NO_TEMPLATES])
    found = {row.kind: row for row in book.rows(problem)}
    missing = found["language_without_templates"]
    assert missing.detail[0].code is ReasonCode.LANGUAGE_WITHOUT_TEMPLATES
    assert "another language in which the borrower agrees" in speak(missing.detail)
    assert book.sms.sent == []

    speaks(book, "en")
    assert {row.resolved_at is None for row in book.rows(problem)} == {False}
    assert text(book) == "en", "what waited is due again"


def test_when_it_is_not_true_any_more_that_of_the_records_counts_again(book: Book) -> None:
    speaks(book, "en")
    data = {"borrower": "B-1", "fact": "language", "actor": "c-1"}
    tell(book, "person_fact_end", **data)
    assert text(book) == "zh-Hans"


def test_a_call_goes_to_a_collector_who_speaks_it(book: Book) -> None:
    shift = ("2026-03-02 08:00", "2026-03-02 20:00")
    book.staff("zh-only", "caller", languages=("zh-Hans",), shift=shift)
    speaks(book, "en")
    item = book.action_id("L-1", "friendly_call")
    assert assign_call(book.ctx, item) == "nobody free"
    assert book.action("L-1", "friendly_call").reason[0].code is ReasonCode.NO_CALLER_SPEAKS
    book.at("2026-03-03 09:00")
    book.staff(
        "en-only", "caller", languages=("en",), shift=("2026-03-03 08:00", "2026-03-03 20:00")
    )
    assert assign_call(book.ctx, item) == "assigned"
    assert {row.language for row in book.rows(call)} == {"en"}


def test_two_records_with_other_locales_share_a_text_if_the_person_speaks_one_language(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-2", same_person_as="B-1", locale="en")
    confirm(book, "B-1", "B-2")
    book.escalate("L-1", "L-2")
    speaks(book, "en")
    assert text(book, "L-1") == "en"
    assert book.send("L-2", "text_day_1") == "nothing to do", "it was in the same text"
    assert len(book.sms.sent) == 1


def test_two_records_with_other_locales_get_two_texts_otherwise(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-2", same_person_as="B-1", locale="en")
    book.escalate("L-1", "L-2")
    assert [text(book, "L-1"), text(book, "L-2")] == ["zh-Hans", "en"]


def writes(book: Book, body: str) -> str:
    inbound = InboundText("twilio", f"SM-{body}", PHONE["CN"], body, None)
    return record_inbound_text(book.ctx, inbound, help_is_answered=True).kind


def test_a_call_that_was_assigned_before_is_made_in_the_language_that_the_person_speaks_by_now(
    book: Book,
) -> None:
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    speaks(book, "en")
    with book.ctx.engine.connect() as connection:
        (to_make,) = read_work(connection, book.ctx, book.ctx.today(), [Kind.CALLS]).calls
    assert to_make.language == "en"
    assert start_call(acting(book.ctx, Actor("c-1")), "L-1").language == "en"


def test_may_contact_says_that_there_is_no_template_in_the_language(book: Book) -> None:
    speaks(book, "es")
    asked = {channel: permission(book, channel) for channel in OF_LENDER}
    assert asked == {"sms": "deferred", "visit": "deferred", "call": "allowed", "legal": "allowed"}


def permission(book: Book, channel: Channel) -> str:
    """What `arrears may-contact` says about L-1."""
    at = book.clock.at
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, "L-1", at, channel=channel)
    return may_contact(facts, channel, at).permission


def test_a_reply_goes_to_a_collector_who_speaks_it_and_the_worklist_says_which(
    book: Book,
) -> None:
    shift = ("2026-03-02 08:00", "2026-03-02 20:00")
    book.staff("en-only", "caller", languages=("en",), shift=shift)
    speaks(book, "en")
    writes(book, "who are you people")
    assert assign_replies(book.ctx) == 1
    with book.ctx.engine.connect() as connection:
        (waiting,) = read_replies(connection, book.ctx.actor, book.zone, None)
    assert waiting.language == "en"


def test_a_call_for_help_in_a_language_without_an_answer_is_read_by_a_person(book: Book) -> None:
    assert writes(book, "HELP") == "help"
    speaks(book, "es")
    assert writes(book, "HELP!") == "other"
    assert book.rows(reply)[-1].to_read
