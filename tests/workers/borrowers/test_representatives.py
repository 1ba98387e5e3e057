"""Who acts for a person is called instead of that person, or nobody is contacted."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from domain.actions import ASSIGN_CALL, SEND_SMS
from domain.actors import Actor
from domain.compliance.gate import may_contact
from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel, Party
from domain.ladder import Days, Item, Step
from domain.language.speak import speak
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.events import tell, tell_personal
from tests.support.inbound import record_inbound_text
from tests.support.loans import Book, shipped_policy
from workers.attempts.attempts import BarredError, StartedAttempt
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.schema import contact, person_fact, problem, reply, representative
from workers.gate.facts import read_contact_facts
from workers.history.history import loan_history
from workers.inbox.event_data.persons import LoanPartyFacts, RepresentativeFacts
from workers.operations.persons import read_person
from workers.sms.providers.port import InboundText

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
    return start_call(acting(book.ctx, Actor("c-1")), loan)


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
    of_attorney = called(book, "L-2")
    assert of_attorney.reach == ATTORNEY
    said = {"outcome": "no_answer", "actor": "c-1", "reason": None}
    tell(book, "contact_outcome", attempt=of_attorney.attempt, **said)
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


# --- what belongs to the representative


EVERY_DAY = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "starts": "00:00"}
MORNINGS = {**EVERY_DAY, "ends": "12:00"}
WISH = {"fact": "inconvenient_time", "time": MORNINGS}


@pytest.fixture
def clients(book: Book) -> Book:
    """The same attorney acts for the borrowers of L-1 and of L-2, who are two persons."""
    book.loan("L-2", due_on="2026-03-01", borrower_id="B-2", phone="+8613800138002")
    for borrower in ("B-1", "B-2"):
        represented(book, borrower)
    return book


def reported(book: Book, outcome: str, **more: object) -> None:
    attempt = book.rows(select(contact).order_by(contact.c.id))[-1].attempt
    told = {"attempt": attempt, "outcome": outcome, "reason": None, "actor": "c-1", **more}
    assert tell(book, "contact_outcome", **told).status == "applied"


def text(book: Book, words: str) -> None:
    count = len(book.rows(reply))
    came = InboundText("twilio", f"RE-{count}", ATTORNEY, words, None)
    record_inbound_text(book.ctx, came, help_is_answered=True)


def facts_of_persons(book: Book) -> set[str]:
    open_ones = select(person_fact.c.kind).where(person_fact.c.ended_at.is_(None))
    return {row.kind for row in book.rows(open_ones)}


CLOSED = "An attorney acts for the person, and no number on record reaches them."


def test_calls_about_one_client_count_for_the_number_of_all(clients: Book) -> None:
    for _ in range(3):
        assert called(clients, "L-1").reach == ATTORNEY
        reported(clients, "no_answer")
    assert asked(clients, loan="L-1")[0] == Permission.DEFERRED
    permission, why = asked(clients, loan="L-2")
    assert permission == Permission.DEFERRED
    assert "An attorney acts for the person and is contacted instead." in why


def test_two_callers_at_once_do_not_both_take_the_last_call_to_one_office(clients: Book) -> None:
    for _ in range(2):
        called(clients, "L-1")
        reported(clients, "no_answer")
    clients.escalate("L-2")
    assign_call(clients.ctx, clients.action_id("L-2", "call"))
    clients.staff("c-2", "caller", shift=("2026-03-03 08:00", "2026-03-03 22:00"))

    def starts(who: str, loan: str) -> bool:
        try:
            start_call(acting(clients.ctx, Actor(who)), loan)
        except BarredError:
            return False
        return True

    both = concurrently(lambda: starts("c-1", "L-1"), lambda: starts("c-2", "L-2"))
    assert sorted(both) == [False, True]


CLOSES = {
    "a fact": lambda book: tell(
        book,
        "number_fact",
        borrower="B-2",
        of_representative=True,
        fact="reaches_nobody",
        actor="c-1",
    ),
    "a stop by text": lambda book: text(book, "STOP"),
    "no contact at all, by text": lambda book: text(book, "Do not contact me again"),
}
OPENS = {
    "a fact": lambda book: tell(
        book,
        "number_fact_end",
        borrower="B-1",
        of_representative=True,
        fact="reaches_nobody",
        actor="c-1",
    ),
    "a stop by text": lambda book: text(book, "START"),
    "another number": lambda book: represented(book, phone="+8613900139777"),
}


@pytest.mark.parametrize(
    ("closes", "opens"),
    [(how, how) for how in CLOSES if how in OPENS] + [(how, "another number") for how in CLOSES],
)
def test_their_number_closes_for_all_clients_and_what_waits_is_called_when_it_opens(
    clients: Book, closes: str, opens: str
) -> None:
    CLOSES[closes](clients)
    clients.escalate("L-1", "L-2")
    assert asked(clients)[1].startswith(CLOSED)
    assert problems(clients) == ["representative_unreachable"] * 2
    assert facts_of_persons(clients) == {"represented"}, "nothing follows for the clients"
    OPENS[opens](clients)
    clients.at("2026-03-03 10:01")
    assert asked(clients)[0] == Permission.ALLOWED
    # Of whom another number was recorded, only that client is reached again.
    assert len(problems(clients)) == (1 if opens == "another number" else 0)
    assert assign_call(clients.ctx, clients.action_id("L-1", "call")) == "assigned"


WAYS = {
    "in a call": lambda book: (called(book), reported(book, "spoke", said=[WISH])),
    "when they called": lambda book: tell(
        book,
        "inbound_contact",
        contact="in-1",
        loan="L-1",
        channel="call",
        at="2026-03-03T09:00:00+08:00",
        outcome="spoke",
        reason=None,
        also_about=[],
        said=[WISH],
        by_representative=True,
        actor="c-1",
    ),
    "by letter": lambda book: tell(
        book, "person_fact", borrower="B-1", **WISH, of_representative=True, actor="c-1"
    ),
    "by text": lambda book: (
        text(book, "上午不方便"),
        tell(
            book,
            "reply_read",
            reply=book.one(reply).id,
            meaning="wishes",
            said=[WISH],
            actor="c-1",
        ),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_they_call_inconvenient_is_theirs_for_all_clients(clients: Book, way: str) -> None:
    WAYS[way](clients)
    assert asked(clients, loan="L-2")[0] == Permission.DEFERRED
    assert asked(clients.at("2026-03-03 15:00"), loan="L-2")[0] == Permission.ALLOWED
    clients.at("2026-03-03 10:30")
    assert facts_of_persons(clients) == {"represented"}
    with clients.ctx.engine.connect() as connection:
        told_of = "\n".join(line.text for line in loan_history(connection, clients.ctx, "L-2"))
    assert "An attorney said for themselves: a time is inconvenient for them" in told_of
    with clients.ctx.engine.connect() as connection:
        (acting,) = read_person(connection, "B-2", clients.ctx).represented_by
    assert [wish.endswith("00:00-12:00") for wish in acting.wishes] == [True]

    tell(clients, "person_fact_end", borrower="B-1", fact="represented", actor="c-1")
    assert asked(clients, loan="L-1")[0] == Permission.ALLOWED, "the person has no such wish"
    over = {"borrower": "B-2", "fact": "inconvenient_time", "actor": "c-1"}
    tell(clients, "person_fact_end", **over)
    assert asked(clients, loan="L-2")[0] == Permission.DEFERRED, "that of the person, if any"
    tell(clients, "person_fact_end", **over, of_representative=True)
    assert asked(clients, loan="L-2")[0] == Permission.ALLOWED


def test_what_is_said_of_one_loan_is_of_whoever_acts_about_that_loan(book: Book) -> None:
    """An attorney acts about one loan and an adviser about another, each with a wish."""
    adviser = "+8613900139777"
    book.loan("L-2", due_on="2026-03-01", borrower_id="B-1")
    represented(book, loan="L-1")
    represented(book, loan="L-2", kind="debt_adviser", phone=adviser)
    said = {"borrower": "B-1", "of_representative": True, "actor": "c-1"}
    for loan in ("L-1", "L-2"):
        tell(book, "person_fact", **said, **WISH, loan=loan)
    assert [asked(book, loan=loan)[0] for loan in ("L-1", "L-2")] == [Permission.DEFERRED] * 2

    tell(book, "person_fact_end", **said, fact="inconvenient_time", loan="L-1")
    assert [asked(book, loan=loan)[0] for loan in ("L-1", "L-2")] == [
        Permission.ALLOWED,
        Permission.DEFERRED,
    ]
    other = tell(book, "person_fact_end", **said, fact="inconvenient_time", loan="L-9")
    assert other.status == "received", "that loan is not known yet"


def test_if_no_time_is_left_the_call_waits_and_is_not_barred(clients: Book) -> None:
    wish = {"fact": "inconvenient_time", "time": {**EVERY_DAY, "ends": "00:00"}}
    tell(clients, "person_fact", borrower="B-1", **wish, of_representative=True, actor="c-1")
    clients.escalate("L-1")
    assert clients.actions("L-1")["call"] == "deferred"
    assert problems(clients) == ["representative_unreachable"]


def test_they_are_called_in_the_language_that_they_speak(clients: Book) -> None:
    tell(
        clients,
        "person_fact",
        borrower="B-2",
        fact="language",
        locale="en",
        of_representative=True,
        actor="c-1",
    )
    assert called(clients).language == "en"


def test_to_be_called_again_later_is_their_wish_and_not_the_persons(clients: Book) -> None:
    called(clients)
    reported(clients, "callback_requested", callback_at="2026-03-04T15:00:00+08:00")
    assert asked(clients.at("2026-03-04 10:00"), loan="L-2")[0] == Permission.DEFERRED
    tell(clients, "person_fact_end", borrower="B-1", fact="represented", actor="c-1")
    assert asked(clients, loan="L-1")[0] == Permission.ALLOWED


def test_who_they_are_ends_with_the_representation(book: Book) -> None:
    represented(book)
    tell(book, "person_fact_end", borrower="B-1", fact="represented", actor="c-1")
    assert book.one(representative).ended_at is not None
    wish = {**WISH, "of_representative": True, "actor": "c-1"}
    refused = tell(book, "person_fact", borrower="B-1", **wish)
    assert refused.status == "rejected"
    assert "Nobody is on record who acts for borrower B-1" in speak(refused.reason)
    text(book, "STOP")
    assert asked(book)[0] == Permission.ALLOWED
    tell(book, "person_fact", borrower="B-1", fact="represented", actor="c-1")
    assert asked(book)[1].startswith("Somebody acts for the borrower")
