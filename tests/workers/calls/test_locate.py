"""Somebody else is asked where the borrower is: once, at lawful hours, and never told of a debt."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import Engine, select, update

from domain.actors import Actor
from domain.compliance.vocabulary import AskedAgain, Channel
from domain.contact_points import NumberFact
from domain.errors import ArrearsError, OutcomeMissingError
from tests.support.acting import acting
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.events import store, tell
from tests.support.loans import PHONE, Book
from workers.attempts.attempts import BarredError, find_open_attempt
from workers.borrowers.inbound_texts import text_payload
from workers.calls.locate import StartedLocationCall, start_location_call
from workers.db.schema import (
    borrower,
    contact,
    contact_outcome,
    contact_point,
    problem,
    promise,
    staff,
)
from workers.gate.facts import read_contact_facts
from workers.history import loan_history
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.sms.providers.port import InboundText

CALLER = Actor("caller-1")
SISTER, NEIGHBOUR, IN_CHINA = "+12125550155", "+12125550166", "+8613900139000"


@pytest.fixture
def book(engine: Engine) -> Book:
    """Noon in New York. The borrower of L-1 and L-2 cannot be reached: the number is dead."""
    book = Book(engine, now="2026-03-02 12:00", zone="America/New_York")
    book.staff("caller-1", "caller")
    for name in ("L-1", "L-2"):
        book.loan(name, jurisdiction="US", borrower_id="B-1")
    book.note_number_fact(NumberFact.REACHES_NOBODY, Actor("a test"), PHONE["US"])
    return book


def ask(book: Book, phone: str = SISTER, loan: str = "L-1", **more: object) -> StartedLocationCall:
    return start_location_call(acting(book.ctx, CALLER), loan, phone, **more)  # type: ignore[arg-type]


def came_to(book: Book, started: StartedLocationCall, outcome: str = "spoke_with_other") -> str:
    data = {"attempt": started.attempt, "outcome": outcome, "reason": None, "actor": "caller-1"}
    if outcome == "callback_requested":
        data["callback_at"] = "2026-03-03T12:00:00-05:00"
    return tell(book, "contact_outcome", **data).status


def new_number(book: Book, phone: str | None, borrower: str = "B-1") -> None:
    facts = ContactChangeFacts(borrower=borrower, phone=phone)
    assert tell(book, "contact_change", **facts.payload(book.ctx.cipher)).status == "applied"


def reached_again(book: Book) -> None:
    """The borrower has a number that nothing is known of."""
    new_number(book, "+12125550177")


def rules_against(book: Book, phone: str = SISTER, **more: object) -> tuple[str, ...]:
    with pytest.raises(BarredError) as barred:
        ask(book, phone, **more)
    return barred.value.rules


def test_the_call_is_on_record_before_it_is_made_and_the_number_is_not(book: Book) -> None:
    started = ask(book, "+1 (212) 555-0155")
    made = book.one(contact)
    assert (made.party, made.purpose, made.action_id) == ("third_party", "locate", None)
    assert made.number_blind_index == book.ctx.cipher.blind_index(SISTER)
    assert (made.attempt, made.actor) == (started.attempt, "caller-1")
    assert {"us.third_parties", "us.third_parties_learn_nothing"} <= set(made.rules)
    assert "Never say that there is a debt." in started.instructions
    assert SISTER not in str(made)


def test_nobody_asks_while_the_borrower_can_be_reached(book: Book) -> None:
    reached_again(book)
    assert rules_against(book) == ("us.third_parties",)
    new_number(book, None)
    assert ask(book).attempt


def test_a_third_party_is_asked_once_about_all_loans_of_a_person(book: Book) -> None:
    assert came_to(book, ask(book)) == "applied"
    book.at("2026-03-20 12:00")
    assert rules_against(book) == ("us.third_parties",)
    assert rules_against(book, loan="L-2") == ("us.third_parties",)
    assert ask(book, NEIGHBOUR).attempt


def test_however_long_ago_it_was(book: Book) -> None:
    came_to(book, ask(book))
    book.at("2027-03-02 12:00")
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).values(trained_on=date(2027, 1, 1)))
    assert rules_against(book) == ("us.third_parties",)


@pytest.mark.parametrize("outcome", ["no_answer", "busy", "voicemail"])
def test_who_did_not_answer_was_not_asked(book: Book, outcome: str) -> None:
    came_to(book, ask(book), outcome)
    assert ask(book).attempt


@pytest.mark.parametrize("why", AskedAgain)
def test_they_are_asked_again_where_they_wish_it_or_answered_wrongly(
    book: Book, why: AskedAgain
) -> None:
    came_to(book, ask(book))
    book.at("2026-03-10 12:00")
    assert ask(book, again_because=why).attempt
    assert book.rows(contact)[-1].again_because == why


def test_who_refuses_is_never_called_again_about_anybody(book: Book) -> None:
    came_to(book, ask(book), "third_party_refused")
    book.loan("L-3", jurisdiction="US", phone=None)
    for loan in ("L-1", "L-3"):
        more = {"loan": loan, "again_because": AskedAgain.REQUESTED}
        assert rules_against(book, **more) == ("lender.number_not_to_be_used",)


@pytest.mark.parametrize("channel", [None, "call"])
def test_a_borrower_who_wants_no_calls_is_not_called_about_others(
    book: Book, channel: str | None
) -> None:
    book.loan("of-the-sister", jurisdiction="US", phone=SISTER, borrower_id="B-S")
    tell(book, "opt_out", borrower="B-S", channel=channel, actor="c-1")
    assert rules_against(book) == ("lender.number_not_to_be_used",)


def test_the_borrowers_own_number_is_not_that_of_a_third_party(book: Book) -> None:
    with pytest.raises(ArrearsError, match="the borrower's own number"):
        ask(book, PHONE["US"])
    with pytest.raises(ArrearsError, match="not in use"):
        ask(book, "0155")
    book.staff("visitor-1", "visitor")
    with pytest.raises(ArrearsError, match="not as a caller"):
        start_location_call(acting(book.ctx, Actor("visitor-1")), "L-1", SISTER)
    with pytest.raises(ArrearsError, match="L-404"):
        ask(book, loan="L-404")


EXTENSION = "+12125550188;ext=12"


@pytest.mark.parametrize(
    "written", [EXTENSION, "+1 212 555 0188 ext. 12", "+1 (212) 555-0188 x12", "+12125550188转12"]
)
def test_an_extension_is_a_number_of_its_own_however_it_is_written(
    book: Book, written: str
) -> None:
    book.loan("of-the-sister", jurisdiction="US", phone=EXTENSION, borrower_id="B-S")
    tell(book, "opt_out", borrower="B-S", channel=None, actor="c-1")
    assert rules_against(book, written) == ("lender.number_not_to_be_used",)
    book.set_numbers("B-1", PHONE["US"], EXTENSION)
    with pytest.raises(ArrearsError, match="the borrower's own number"):
        ask(book, written)


def test_another_extension_is_somebody_else_and_takes_no_texts(book: Book) -> None:
    book.note_number_fact(NumberFact.REFUSED, Actor("a test"), EXTENSION)
    came_to(book, ask(book, "+1 212 555 0188 ext. 13"))
    called = book.ctx.cipher.blind_index("+12125550188;ext=13")
    of_call = select(contact_point).where(contact_point.c.blind_index == called)
    assert book.one(of_call).kind == "extension"


@pytest.mark.parametrize("two", ["+12125550188/+12125550199", "+1 212 555 0188 or 555 0199"])
def test_two_numbers_are_never_silently_the_first(book: Book, two: str) -> None:
    with pytest.raises(ArrearsError, match="not in use"):
        ask(book, two)


def test_each_call_needs_its_outcome_before_the_next(book: Book) -> None:
    ask(book)
    with pytest.raises(OutcomeMissingError, match="Report the outcome first"):
        ask(book)


def represented(book: Book) -> None:
    tell(book, "person_fact", borrower="B-1", fact="represented", actor="c-1")


def ceased(book: Book) -> None:
    tell(book, "opt_out", borrower="B-1", channel=None, actor="c-1")


def bankrupt(book: Book) -> None:
    hold = {"hold": "H-1", "borrower": "B-1", "kind": "insolvency", "starts_on": "2026-03-02"}
    tell(book, "hold", **hold, ends_on=None, why="a test needs it", actor="c-1")


def paid(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE instalment SET paid_principal = principal")


def told_and_not_applied(book: Book) -> None:
    store(book, "person_fact", borrower="B-1", fact="represented", actor="c-1")


@pytest.mark.parametrize(
    ("happened", "rule"),
    [
        (represented, "lender.represented"),
        (ceased, "lender.cease_communication"),
        (bankrupt, "lender.on_hold"),
        (paid, "lender.nothing_past_due"),
        (told_and_not_applied, "lender.event_pending"),
    ],
)
def test_nobody_asks_about_who_is_protected_or_owes_nothing(
    book: Book, happened: Callable[[Book], None], rule: str
) -> None:
    happened(book)
    assert rules_against(book) in {(rule,), ()}
    assert book.rows(contact) == []


def refused_to_another_caller(book: Book) -> None:
    started = ask(book, loan="L-2")
    said = {"outcome": "third_party_refused", "reason": None, "actor": "caller-1"}
    store(book, "contact_outcome", attempt=started.attempt, **said)
    book.loan("L-9", jurisdiction="US", borrower_id="B-9", phone="+12125550144")
    book.note_number_fact(NumberFact.REACHES_NOBODY, Actor("a test"), "+12125550144")


def texted_stop(book: Book) -> None:
    text = InboundText("twilio", "SM-1", SISTER, "STOP", None)
    payload = text_payload(book.ctx.cipher, text, book.ctx.now(), help_is_answered=True)
    store(book, "inbound_text", **payload)


def wants_no_contact_about_own_loan(book: Book) -> None:
    book.loan("of-the-sister", jurisdiction="US", phone=SISTER, borrower_id="B-S")
    store(book, "opt_out", borrower="B-S", channel=None, actor="c-1")


@pytest.mark.parametrize(
    ("stored", "loan"),
    [
        (refused_to_another_caller, "L-9"),
        (texted_stop, "L-1"),
        (wants_no_contact_about_own_loan, "L-1"),
    ],
)
def test_nobody_is_asked_while_what_they_said_is_not_applied(
    book: Book, stored: Callable[[Book], None], loan: str
) -> None:
    stored(book)
    calls = len(book.rows(contact))
    with pytest.raises(BarredError):
        ask(book, loan=loan)
    assert len(book.rows(contact)) == calls
    assert ask(book, NEIGHBOUR, loan).attempt, "nothing waits for the neighbour"


def test_it_waits_for_the_morning_where_the_third_party_is(book: Book) -> None:
    book.at("2026-03-02 09:00")
    assert rules_against(book, "+14155550155") == ("us.contact_hours",)  # six in San Francisco
    assert ask(book, SISTER).attempt


def test_in_india_nobody_asks_and_in_china_only_for_who_cannot_be_reached(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 12:00")
    book.staff("caller-1", "caller")
    book.loan("L-1")
    assert rules_against(book, IN_CHINA) == ("cn.third_parties",)
    book.note_number_fact(NumberFact.SOMEBODY_ELSE, Actor("a test"))
    came_to(book, ask(book, IN_CHINA))
    with book.ctx.engine.begin() as connection:
        connection.execute(update(borrower).values(zones=["Asia/Kolkata"]))
        connection.exec_driver_sql("UPDATE loan SET jurisdiction = 'IN'")
    with pytest.raises(BarredError):
        ask(book, IN_CHINA)


def test_calls_to_others_use_up_nothing_of_the_borrower(book: Book) -> None:
    for digit in range(8):
        came_to(book, ask(book, f"+1212555016{digit}"), "no_answer")
    came_to(book, ask(book))
    reached_again(book)
    assert book.may_call("L-1") == "allowed"


def test_a_borrower_who_takes_up_the_sisters_telephone_was_spoken_with(book: Book) -> None:
    came_to(book, ask(book), "cannot_talk")
    reached_again(book)
    assert book.may_call("L-1") == "deferred"


def test_what_somebody_else_says_is_no_word_of_the_borrower(book: Book) -> None:
    of_call = {"attempt": ask(book).attempt, "actor": "caller-1", "reason": None}
    promised = {"amount": "400.00", "currency": "USD", "due_on": "2026-03-06"}
    for said, code in (
        ({"outcome": "promised", "promised": promised}, "outcome_of_third_party"),
        ({"outcome": "spoke"}, "outcome_of_third_party"),
        ({"outcome": "hardship", "reason": "illness"}, "reason_of_third_party"),
    ):
        assert tell(book, "contact_outcome", **of_call | said).reason[0].code == code
    assert (book.rows(promise), book.rows(contact_outcome)) == ([], [])
    assert tell(book, "contact_outcome", **of_call, outcome="hardship").status == "applied"
    assert book.may_call("L-1") == "deferred", "what protects the borrower is taken from anybody"
    paid = of_call | {"outcome": "paid_now"}
    assert tell(book, "contact_outcome", **paid).reason[0].code == "outcome_of_third_party"


def test_a_question_to_others_is_no_first_contact_with_the_borrower(book: Book) -> None:
    came_to(book, ask(book, NEIGHBOUR))
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, "L-1", book.clock.at)
    assert facts.first_contact_on is None

    came_to(book, ask(book), "cannot_talk")
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, "L-1", book.clock.at)
    assert facts.first_contact_on == book.ctx.today()


def test_a_death_that_a_relative_tells_of_pauses_every_loan(book: Book) -> None:
    came_to(book, ask(book), "deceased")
    reached_again(book)
    assert (book.may_call("L-1"), book.may_call("L-2")) == ("deferred", "deferred")


def test_a_number_that_reaches_nobody_is_a_fact_of_the_third_party(book: Book) -> None:
    before = len(book.rows(problem))
    came_to(book, ask(book), "number_invalid")
    assert rules_against(book) == ("lender.number_not_to_be_used",)
    assert len(book.rows(problem)) == before, "nobody has a loan with that number"


def test_its_outcome_is_found_by_the_loan_and_the_history_tells_both(book: Book) -> None:
    started = ask(book)
    with book.ctx.engine.connect() as connection:
        assert find_open_attempt(connection, book.ctx, "L-1", Channel.CALL) == started.attempt
    came_to(book, started)
    with book.ctx.engine.connect() as connection:
        story = [sentence.text for sentence in loan_history(connection, book.ctx, "L-1")]
    (made,) = [line for line in story if "called a third party" in line]
    assert "12 CFR 1006.6(d)" in made
    assert "Outcome of the call to a third party, reported by caller-1: spoke with other." in story
    assert not any("212" in line.split("CFR")[0] for line in story if "third party" in line)


def test_a_payment_meanwhile_ends_the_reason_to_ask(book: Book) -> None:
    tell(
        book,
        "payment",
        external_id="P-1",
        loan="L-1",
        amount="1000",
        currency="USD",
        paid_on="2026-03-02",
    )
    with pytest.raises(BarredError):
        ask(book)
    assert ask(book, loan="L-2").attempt


def test_a_dry_run_writes_nothing(book: Book) -> None:
    numbers = len(book.rows(contact_point))
    assert ask(book, dry_run=True).attempt is None
    assert book.rows(contact) == []
    assert len(book.rows(contact_point)) == numbers


def test_at_the_command_line(book: Book, database_url: str, broker_url: str) -> None:
    environment = an_environment(database_url, broker_url)
    given = ("call", "locate", "L-1")
    by = CALLER.reference
    refused = arrears(environment, *given, f"--number={PHONE['US']}", by=by)
    assert (refused.returncode, "own number" in refused.stderr) == (2, True)

    book.note_number_fact(NumberFact.REFUSED, Actor("a test"), SISTER)
    done = arrears(environment, *given, f"--number={SISTER}", by=by)
    assert done.returncode == 1
    assert "The third party asked not to be contacted again." in done.stderr
    assert "lender.number_not_to_be_used" in done.stderr
