"""Who acts for a person is called instead of that person, or nobody is contacted."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from domain.actions import ASSIGN_CALL, SEND_SMS
from domain.actors import Actor
from domain.compliance.gate import Permission, may_contact
from domain.compliance.vocabulary import Channel, Party
from domain.ladder import Days, Item, Step
from domain.language.speak import speak
from tests.support.events import tell, tell_personal
from tests.support.loans import Book, shipped_policy
from workers.attempts.attempts import StartedAttempt
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.schema import contact, problem
from workers.gate.facts import read_contact_facts
from workers.history.history import loan_history
from workers.inbox.event_data.persons import LoanPartyFacts, RepresentativeFacts

ATTORNEY = "+8613900139000"
CALL = Item("call", ASSIGN_CALL, Days(1), purpose="ask")
TEXT = Item("text", SEND_SMS, Days(1), template="reminder_first")


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 is two days past due: a call and a text are for its borrower."""
    shipped = shipped_policy()
    ladders = tuple(
        replace(ladder, version=9, steps=(Step("remind", Days(1), (CALL, TEXT)),))
        for ladder in {ladder.id: ladder for ladder in shipped.ladders}.values()
    )
    book = Book(engine, now="2026-03-03 10:00", policy=replace(shipped, ladders=ladders))
    book.staff("c-1", "caller", shift=("2026-03-03 08:00", "2026-03-03 22:00"))
    book.loan("L-1", due_on="2026-03-01", borrower_id="B-1")
    return book


def represented(book: Book, borrower: str = "B-1", **details: object) -> None:
    given = {"kind": "attorney", "phone": ATTORNEY, "actor": "c-1", **details}
    tell_personal(book, "representative", RepresentativeFacts, borrower=borrower, **given)


def called(book: Book, loan: str = "L-1") -> StartedAttempt:
    book.escalate(loan)
    assign_call(book.ctx, book.action_id(loan, "call"))
    return start_call(book.ctx, loan, actor=Actor("c-1"))


def asked(book: Book, channel: Channel = Channel.CALL, loan: str = "L-1") -> tuple[str, str]:
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, loan, book.clock.at)
    verdict = may_contact(facts, channel, book.clock.at)
    return verdict.permission, speak(verdict.reason)


def problems(book: Book) -> list[str]:
    open_ones = select(problem.c.kind).where(problem.c.resolved_at.is_(None))
    return [row.kind for row in book.rows(open_ones.order_by(problem.c.id))]


def test_the_attorney_is_called_instead_of_the_person(book: Book) -> None:
    represented(book)
    started = called(book)
    assert started.reach == ATTORNEY
    assert (started.party, started.borrower, started.representative) == (
        Party.REPRESENTATIVE,
        "B-1",
        "attorney",
    )
    made = book.one(contact)
    assert made.party == Party.REPRESENTATIVE
    assert made.number_blind_index == book.ctx.cipher.blind_index(ATTORNEY)
    assert "cn.representatives" in made.rules


def test_whoever_is_texted_by_itself_is_the_person_and_so_nobody_is(book: Book) -> None:
    represented(book)
    called(book)
    assert book.actions("L-1")["text"] == "deferred"
    book.send("L-1", "text")
    assert book.sms.sent == []
    assert asked(book, Channel.SMS)[0] == asked(book, Channel.VISIT)[0] == Permission.DEFERRED


def test_the_history_says_who_was_contacted_instead(book: Book) -> None:
    represented(book)
    called(book)
    with book.ctx.engine.connect() as connection:
        told_of = "\n".join(line.text for line in loan_history(connection, book.ctx, "L-1"))
    assert "An attorney acts for the person and is contacted instead." in told_of
    assert ATTORNEY not in told_of


@pytest.mark.parametrize(
    "details",
    [{"contacted": False}, {"kind": "debt_adviser"}],
    ids=["wants no contact", "no rule lets them be contacted"],
)
def test_where_they_may_not_be_contacted_nobody_is(book: Book, details: dict[str, object]) -> None:
    represented(book, **details)
    said = "Somebody acts for the borrower, who is not to be contacted in person."
    assert asked(book) == (Permission.DEFERRED, said)
    book.escalate("L-1")
    assert book.actions("L-1")["call"] == "deferred"
    assert problems(book) == []


def test_without_a_number_of_theirs_it_is_a_problem_until_one_comes(book: Book) -> None:
    represented(book, phone=None)
    book.escalate("L-1")
    assert book.actions("L-1")["call"] == "deferred"
    assert problems(book) == ["representative_unreachable"]
    represented(book)
    assert problems(book) == []
    assert called(book).reach == ATTORNEY


def test_a_number_that_reaches_nobody_is_theirs_and_not_the_persons(book: Book) -> None:
    represented(book)
    called(book)
    attempt = book.one(contact).attempt
    tell(
        book, "contact_outcome", attempt=attempt, outcome="number_invalid", actor="c-1", reason=None
    )
    assert asked(book)[0] == Permission.DEFERRED
    tell(book, "person_fact_end", borrower="B-1", fact="represented", actor="c-1")
    assert asked(book)[0] == Permission.ALLOWED, "the borrower's own number was never tried"


def test_calls_to_the_attorney_use_up_nothing_of_the_persons(book: Book) -> None:
    represented(book)
    for _ in range(3):
        called(book)
        attempt = book.rows(contact)[-1].attempt
        tell(
            book, "contact_outcome", attempt=attempt, outcome="no_answer", actor="c-1", reason=None
        )
    assert asked(book)[0] == Permission.DEFERRED, "three a day are the lender's limit"
    tell(book, "person_fact_end", borrower="B-1", fact="represented", actor="c-1")
    assert asked(book)[0] == Permission.ALLOWED


def test_about_one_loan_the_attorney_is_called_and_about_the_other_the_person(book: Book) -> None:
    book.loan("L-2", due_on="2026-03-01", borrower_id="B-1")
    represented(book, loan="L-2")
    book.escalate("L-1", "L-2")
    assert called(book, "L-2").reach == ATTORNEY
    assert [of.loan for of in called(book, "L-1").loans] == ["L-1"]


def test_who_acts_for_a_record_that_is_only_presumed_theirs_learns_of_no_debt(book: Book) -> None:
    book.loan("L-3", borrower_id="B-3", same_person_as="B-1")
    represented(book, "B-3")
    assert asked(book)[1].startswith("Somebody acts for the borrower")


def test_a_request_for_no_contact_at_all_binds_with_the_attorney_too(book: Book) -> None:
    represented(book)
    tell(book, "opt_out", borrower="B-1", channel=None, actor="c-1")
    assert asked(book)[0] == Permission.BARRED


def test_a_guarantors_attorney_is_called_instead_of_the_guarantor(book: Book) -> None:
    tell_personal(
        book,
        "loan_party",
        LoanPartyFacts,
        loan="L-1",
        borrower="G-1",
        role="guarantor",
        name="Wu Guarantor",
        phone="+8613900139001",
        actor="c-1",
    )
    represented(book, "G-1")
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(
            connection, book.ctx, "L-1", book.clock.at, party=Party.GUARANTOR
        )
    verdict = may_contact(facts, Channel.CALL, book.clock.at)
    assert "cn.representatives" in verdict.rules
    assert asked(book) == (Permission.ALLOWED, "No rule forbids it.")
