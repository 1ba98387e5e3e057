"""The story of a loan: all that is on record about it, in order, in sentences, without a name."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from domain.actors import Actor, ActorKind, Role
from domain.contact_points import NumberFact
from domain.errors import ArrearsError
from domain.holds import HoldKind
from domain.reasons import ReasonCode, because
from tests.support.loans import ADDRESS, NAME, PHONE, Book
from workers.calls.assign import assign_call
from workers.db.problems import note_problem, resolve_problems
from workers.db.schema import message
from workers.history import loan_history
from workers.inbox.apply import apply_event
from workers.inbox.store import store_event
from workers.legal.legal_files import open_legal_file
from workers.payments.payments import Payment, payment_payload
from workers.visits.schedule import schedule_visit


def story(book: Book, loan: str = "L-1") -> list[str]:
    """The lines of a story, each with its moment; none holds personal data."""
    with book.ctx.engine.connect() as connection:
        sentences = loan_history(connection, book.ctx, loan)
    lines = [f"{s.at:%m-%d %H:%M} {s.text}" if s.at else s.text for s in sentences]
    for secret in (NAME, ADDRESS, *PHONE.values(), "13800138000"):
        assert secret not in "\n".join(lines)
    return lines


def pay(book: Book, amount: str, currency: str = "CNY") -> None:
    paid = Payment("P-1", "L-1", Decimal(amount), currency, book.ctx.today())
    with book.ctx.engine.begin() as connection:
        event_id = store_event(
            connection, "payment:P-1", "payment", payment_payload(paid), book.ctx.now()
        )
    apply_event(book.ctx, event_id)


def about(lines: list[str], *words: str) -> str:
    """The only line that has all these words."""
    (line,) = [line for line in lines if all(word in line for word in words)]
    return line


def test_a_loan_that_was_texted_after_a_night_and_then_paid(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 23:30")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    book.at("2026-03-03 08:00")
    book.send("L-1", "text_day_1")
    sent = book.one(message)
    report = {
        "message_id": str(sent.id),
        "sid": sent.sid,
        "word": "delivered",
        "status": "delivered",
        "code": None,
    }
    with engine.begin() as connection:
        event_id = store_event(connection, "receipt:1", "receipt", report, book.ctx.now())
    book.at("2026-03-03 08:01")
    apply_event(book.ctx, event_id)
    book.at("2026-03-03 12:00")
    pay(book, "1000")

    rule = "cn.contact_hours (GB/T 45251-2025 §5.3; China Banking Association, 2026; confidence S"
    lines = story(book)
    assert lines == [
        "Loan L-1: consumer_loan under the law of CN, in CNY. One repayment, due on 2026-03-01.",
        "03-02 23:30 Reviewed: past due since 2026-03-01, days past due 1, 1000.00 CNY. Ladder "
        "consumer_loan_cn v4, ladder day 1, step remind. Rule packs: cn v6, lender v4. Something "
        "is to be done. The next review is on 2026-03-04.",
        "03-02 23:30 A case was opened.",
        "03-02 23:30 text_day_1 (a text) of step remind was planned by ladder consumer_loan_cn "
        "v4, which counts from 2026-03-01.",
        "03-02 23:30 friendly_call (a call) of step remind was planned by ladder consumer_loan_cn "
        "v4, which counts from 2026-03-01.",
        "03-02 23:30 text_day_1 was deferred. Not before 2026-03-03 08:00. Why: Outside the "
        "contact hours of GB/T 45251-2025 §5.3; China Banking Association, 2026. "
        f"Rules: {rule}, review needed).",
        "03-02 23:30 friendly_call was deferred. Not before 2026-03-03 08:00. Why: Outside the "
        "contact hours of GB/T 45251-2025 §5.3; China Banking Association, 2026. "
        f"Rules: {rule}, review needed).",
        f"03-03 08:00 The gate allows text_day_1 to reach the borrower by text at this moment. "
        f"For the borrower that is 2026-03-03 08:00 (Asia/Shanghai). Rules: {rule}, "
        "review needed), cn.who_is_asking (GB/T 45251-2025; confidence G, review needed), "
        "cn.texts_can_be_refused (practice of Chinese networks (回复TD退订); confidence G, review "
        "needed), cn.limitation (Civil Code 188, 189, 192, 195, 203; SPC limitation rules 8, 9, "
        "11, 14, 15, 17, 19), "
        "lender.texts_a_day (a rule of the lender), "
        "lender.texts_a_week (a rule of the lender). Rule packs: cn v6, lender v4.",
        f"03-03 08:00 A text for text_day_1 was written from template reminder_first version "
        f"{sent.template_version} (zh-Hans), in {sent.segments} segment(s), and given "
        "to Twilio.",
        "03-03 08:00 text_day_1 is done. Why: The provider has it.",
        "03-03 08:01 The provider reports the text for text_day_1 as delivered.",
        "03-03 12:00 Payment P-1 of 1000.00 CNY, paid on 2026-03-03, was recorded. It was "
        "allocated to principal due on 2026-03-01 (1000.00).",
        "03-03 12:00 friendly_call was called off. Why: Nothing is past due any more.",
        "03-03 12:00 The case was closed. Why: Nothing is past due any more.",
        "There is no next review until a fact changes.",
        "Confidence says how a rule's source was read: V the primary text, S* a quotation, "
        "S a secondary source, "
        "G general knowledge. Review needed: nobody has checked it against the primary text.",
    ]


def test_a_text_that_still_waits_for_the_morning_says_until_when(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 23:30")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")

    assert "text_day_1 was deferred. Not before 2026-03-03 08:00. Why:" in about(
        story(book), "text_day_1 was deferred"
    )


def test_a_text_without_a_number_waits_for_a_fact_and_names_the_rule_of_the_lender(
    engine: Engine,
) -> None:
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01", phone=None)
    book.escalate("L-1")
    book.send("L-1", "text_day_1")

    line = about(story(book), "text_day_1 was deferred")
    assert "Not before a fact changes." in line
    assert "lender.no_address_known (a rule of the lender)" in line


def test_a_rule_that_is_not_loaded_any_more_says_so(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 23:30")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    later = Book(engine, now="2026-03-02 23:40", policy=replace(book.ctx.policy, rule_packs=()))

    assert "cn.contact_hours (not loaded any more)" in about(
        story(later), "text_day_1 was deferred"
    )


def test_steps_whose_days_had_passed_are_told_as_skipped(engine: Engine) -> None:
    book = Book(engine, now="2026-03-11 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")

    lines = story(book)
    assert "ladder day 10, step enquire" in about(lines, "Reviewed")
    for item in ("text_day_1", "text_day_3", "friendly_call"):
        assert "was skipped: its days had passed." in about(lines, f"{item} (")
    assert "was planned" in about(lines, "enquiry_call (")


def test_a_loan_on_which_nothing_is_done_says_why(engine: Engine) -> None:
    book = Book(engine)
    book.loan("held", due_on="2026-03-01")
    book.hold("held", HoldKind.DISPUTE, "2026-03-02", None)
    book.loan("small", due_on="2026-03-01", amount="5")
    book.loan("elsewhere", due_on="2026-03-01", jurisdiction="US", product="mortgage")
    book.loan("resting", due_on="2026-02-25")
    book.escalate("held", "small", "elsewhere", "resting")

    held = story(book, "held")
    assert "a hold (dispute) pauses the ladder" in about(held, "Reviewed")
    assert "placed by test, from 2026-03-02 until it is released" in about(held, "A hold")
    assert 'Why: "a test needs it".' in about(held, "A hold")
    # What a person types may name the borrower: it is for who may see personal data.
    bookkeeper = Actor("book-1", ActorKind.STAFF, roles=frozenset({Role.BOOKKEEPER}))
    book.ctx = replace(book.ctx, actor=bookkeeper)
    assert 'Why: "[not shown here]".' in about(story(book, "held"), "A hold")
    assert "less is past due than the ladder's minimum" in about(story(book, "small"), "Reviewed")
    assert "no ladder is for this loan" in about(story(book, "elsewhere"), "Reviewed")
    resting = about(story(book, "resting"), "Reviewed")
    assert "ladder day 5, a rest between steps" in resting
    assert "Nothing more is to be done today." in resting


def test_what_people_were_given_to_do_is_told_by_their_references(engine: Engine) -> None:
    book = Book(engine, now="2026-03-08 10:00")
    book.loan("L-1", due_on="2026-03-01", steps_tried=["remind"])
    book.staff("caller-7", "caller", shift=("2026-03-08 09:00", "2026-03-08 18:00"))
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    book.called("L-1", actor="caller-7", reason="illness")
    book.at("2026-03-31 10:00").escalate("L-1")
    for name in ("visitor-1", "visitor-2"):
        book.staff(name, "visitor", shift=("2026-03-31 08:00", "2026-04-20 18:00"))
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    book.visited("L-1", actor="visitor-1")
    book.at("2026-04-30 10:00").escalate("L-1")
    book.approve("L-1", "legal_file")
    assert open_legal_file(book.ctx, book.action_id("L-1", "legal_file")) == "opened"

    lines = story(book)
    assert "steps for the arrears since 2026-03-01: remind." in lines[0]
    called = about(lines, "was assigned")
    assert "enquiry_call was assigned to caller-7, to be made in zh-Hans." in called
    assert "It must learn: reason. It may offer: deferral, instalments." in called
    assert "for visitor-1, visitor-2." in about(lines, "was scheduled from")
    assert "(written notice)" in about(lines, "A document")
    assert "waits for approval" in about(lines, "legal_file (a legal file)")
    assert "legal_file was approved by sup-1 as supervisor." in about(lines, "was approved")
    opened = about(lines, "A legal file was opened")
    assert "principal 1000.00, interest 0.00, fees 0.00 CNY" in opened
    assert "Still missing: " in opened
    assert lines.index(called) < lines.index(opened)


def test_opt_outs_and_problems_are_part_of_the_story(engine: Engine) -> None:
    book = Book(engine)
    loan_id = book.loan("L-1", due_on="2026-03-01")
    book.note_number_fact(NumberFact.OPTED_OUT, Actor("twilio", ActorKind.PROVIDER))
    with engine.begin() as connection:
        now = book.ctx.now()
        note_problem(connection, loan_id, "phone_invalid", because(ReasonCode.NUMBER_INVALID), now)
        resolve_problems(connection, [loan_id], ("phone_invalid",), now)

    lines = story(book)
    assert "opted out of texts (source: Twilio)." in about(lines, "opted out")
    assert "(phone invalid): The number is not a valid telephone number." in about(
        lines, "was found"
    )
    assert "(phone invalid) was resolved." in about(lines, "was resolved")


def test_a_payment_that_could_not_be_applied_is_told_with_its_reason(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    pay(book, "10", currency="USD")

    line = about(story(book), "payment payment:P-1", "was rejected")
    assert "Why: The amount is in USD and loan L-1 in CNY." in line


def test_a_loan_that_is_not_known_is_a_sentence_and_no_story(engine: Engine) -> None:
    book = Book(engine)

    with engine.connect() as connection, pytest.raises(ArrearsError, match="Loan L-9 is not known"):
        loan_history(connection, book.ctx, "L-9")
