"""What a borrower, a co-borrower or a guarantor says is written on who said it."""

from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select

from domain.actors import Role
from domain.arrangements import ArrangementStatus, Refusal
from domain.compliance.vocabulary import Channel, Interrupts, Party, Purpose
from domain.contact_outcomes import ContactOutcome
from domain.language.speak import speak
from domain.outcome_follows import AT_LEAST
from tests.stories.house import House
from tests.support.events import tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import Book
from workers.attempts.duties import read_duties
from workers.db.duties import watch_duties
from workers.db.loan_facts import load_facts
from workers.db.loans import lock_named_loan
from workers.db.problems import WORDS_HAVE_NUMBER
from workers.db.schema import (
    action,
    arrangement,
    borrower,
    complaint,
    contact,
    contact_outcome,
    dispute,
    duty,
    free_text,
    hold,
    loan,
    loan_party,
    must_not_handle,
    person_fact,
    problem,
    promise,
)
from workers.hardship.arrangement_endings import Ending, end_arrangement
from workers.hardship.promise_review import count_unkept, terms_of_loan
from workers.history.history import loan_history
from workers.inbox.event_data.arrangements import ArrangementRequestFacts
from workers.inbox.submit import submit
from workers.privacy.subject_export import read_subject_data
from workers.sms.providers.port import InboundText

OUTCOMES: dict[ContactOutcome, dict[str, Any]] = {
    ContactOutcome.DECEASED: {},
    ContactOutcome.INSOLVENT: {},
    ContactOutcome.PRISON: {},
    ContactOutcome.HARDSHIP: {"reason": "illness"},
    ContactOutcome.STOP_ALL: {},
    ContactOutcome.STOP_CHANNEL: {},
    ContactOutcome.ADVISER: {},
    ContactOutcome.COMPLAINS: {"complaint_kind": "conduct", "about_staff": "lan"},
    ContactOutcome.DISPUTES: {"dispute_kind": "not_mine"},
    ContactOutcome.ASKS_PLAN: {"reason": "unemployed"},
    ContactOutcome.SAYS_PAID: {},
}
"""Each outcome from which something follows that belongs to somebody."""

GUARANTORS = "+8613900139001"

ROLES = (Party.BORROWER, Party.CO_BORROWER, Party.GUARANTOR)


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-09 10:00")
    for name in ("mei", "lan"):
        book.staff(name, Role.CALLER)
    return book


def a_loan_with_parties(book: Book, number: int) -> tuple[str, dict[Party, str]]:
    """A loan, and the records of its people."""
    name = f"L-{number}"
    book.loan(name, borrower_id=f"B-{number}", phone=f"+861380000{number:04}")
    people = {Party.BORROWER: f"B-{number}"}
    for place, role in enumerate(ROLES[1:], start=1):
        people[role] = f"{role}-{number}"
        phone = f"+86139{place}00{number:05}"
        book.loan(
            f"own-{role}-{number}", due_on="2027-01-04", borrower_id=people[role], phone=phone
        )
        told = tell(book, "loan_party", loan=name, borrower=people[role], role=role, actor="mei")
        assert told.status == "applied"
    return name, people


def a_call_to(book: Book, name: str, record: str, role: Party) -> str:
    """A call to one of them that was begun."""
    whose = book.one(select(borrower.c.id).where(borrower.c.external_id == record)).id
    attempt = f"call-{name}-{role}"
    with book.ctx.engine.begin() as connection:
        connection.execute(
            insert(contact).values(
                borrower_id=whose,
                loan_id=book.loan_id(name),
                channel=Channel.CALL,
                at=book.clock.at,
                zones=["Asia/Shanghai"],
                party=role,
                purpose=Purpose.REQUESTED,
                attempt=attempt,
                actor="mei",
            )
        )
    return attempt


def whose(book: Book, table: Any) -> list[str]:
    """Of whom the rows of a table are, by the lender's ids of the records."""
    rows = book.rows(
        select(borrower.c.external_id).join(table, table.c.borrower_id == borrower.c.id)
    )
    return [row.external_id for row in rows]


@pytest.mark.parametrize("called_us", [True, False], ids=["they called", "we called"])
def test_what_somebody_says_is_written_on_them(book: Book, called_us: bool) -> None:
    holds: list[str] = []
    facts: list[str] = []
    owed: list[str] = []
    for number, (outcome, says) in enumerate(OUTCOMES.items(), start=1):
        for place, role in enumerate(ROLES):
            name, people = a_loan_with_parties(book, 10 * number + place)
            speaker = people[role]
            said = {"outcome": outcome, "reason": None, "actor": "mei", "why": "in words", **says}
            if called_us:
                contact_id = f"in-{name}"
                said |= {"contact": contact_id, "loan": name, "channel": "call", "also_about": []}
                said |= {"at": book.clock.at.isoformat(), "borrower": speaker}
                result = submit(book.ctx, contact_id, "inbound_contact", said)
            else:
                contact_id = a_call_to(book, name, speaker, role)
                result = submit(
                    book.ctx, contact_id, "contact_outcome", {**said, "attempt": contact_id}
                )
            assert result.status == "applied", speak(result.reason)
            least = AT_LEAST.get(outcome)
            if least and least.hold and least.hold.of_person:
                holds.append(speaker)
            if outcome in ("stop_all", "stop_channel", "adviser"):
                facts.append(speaker)
            if book.rows(select(duty.c.id).where(duty.c.loan_id == book.loan_id(name))):
                owed.append(speaker)

    # The words are theirs, and kept once, whatever follows.
    words = select(contact.c.borrower_id, free_text.c.borrower_id.label("of")).select_from(
        contact.join(contact_outcome).outerjoin(
            free_text, free_text.c.id == contact_outcome.c.why_id
        )
    )
    assert all(row.borrower_id == row.of for row in book.rows(words))
    assert len(book.rows(free_text)) == len(OUTCOMES) * len(ROLES)
    of_persons = select(borrower.c.external_id).join(hold, hold.c.borrower_id == borrower.c.id)
    assert [row.external_id for row in book.rows(of_persons.order_by(hold.c.id))] == holds
    assert sorted(whose(book, person_fact)) == sorted(facts)
    number_of = {outcome: 10 * number for number, outcome in enumerate(OUTCOMES, start=1)}
    for table, outcome in (
        (complaint, ContactOutcome.COMPLAINS),
        (must_not_handle, ContactOutcome.COMPLAINS),
        (dispute, ContactOutcome.DISPUTES),
    ):
        first = number_of[outcome]
        assert sorted(whose(book, table)) == sorted(
            [f"B-{first}", f"co_borrower-{first + 1}", f"guarantor-{first + 2}"]
        )
    # A pause for what is said of a debt is one of the loan.
    of_loans = select(loan.c.external_id).join(hold, hold.c.loan_id == loan.c.id)
    about_debts = (ContactOutcome.DISPUTES, ContactOutcome.ASKS_PLAN, ContactOutcome.SAYS_PAID)
    assert sorted(row.external_id for row in book.rows(of_loans)) == sorted(
        f"L-{number_of[outcome] + place}" for outcome in about_debts for place in range(3)
    )
    with book.ctx.engine.connect() as connection:
        duties = read_duties(connection, book.ctx).rows
    assert sorted(each.borrower for each in duties) == sorted(owed)


def test_who_is_no_party_any_more_still_complains_for_themselves(book: Book) -> None:
    name, people = a_loan_with_parties(book, 1)
    ended = tell(
        book,
        "loan_party_end",
        **{"loan": name, "borrower": people[Party.GUARANTOR], "role": "guarantor", "actor": "mei"},
    )
    assert ended.status == "applied", speak(ended.reason)
    said = {"contact": "in-1", "loan": name, "channel": "call", "outcome": "complains"}
    said |= {"at": book.clock.at.isoformat(), "borrower": people[Party.GUARANTOR]}
    said |= {"reason": None, "actor": "mei", "also_about": [], "complaint_kind": "conduct"}
    assert submit(book.ctx, "in-1", "inbound_contact", said).status == "applied"
    assert whose(book, complaint) == [people[Party.GUARANTOR]]


def test_a_dispute_and_a_plea_in_a_text_are_of_who_wrote_it(book: Book) -> None:
    name, people = a_loan_with_parties(book, 1)
    number = book.numbers(people[Party.GUARANTOR])[0]
    text = InboundText("twilio", "SM-1", number, "I never signed for this", None)
    record_inbound_text(book.ctx, text, help_is_answered=False)
    read = {"reply": 1, "meaning": "dispute", "actor": "mei", "dispute": "D-1"}
    read |= {"dispute_kind": "not_mine", "loan": name, "why": "never signed"}
    result = submit(book.ctx, "read-1", "reply_read", read)
    assert result.status == "applied", speak(result.reason)
    assert whose(book, dispute) == [people[Party.GUARANTOR]]
    text = InboundText("twilio", "SM-2", number, "can I pay later", None)
    record_inbound_text(book.ctx, text, help_is_answered=False)
    read = {"reply": 2, "meaning": "asks_plan", "actor": "mei", "loan": name}
    result = submit(book.ctx, "read-2", "reply_read", read)
    assert result.status == "applied", speak(result.reason)
    assert whose(book, arrangement) == [people[Party.GUARANTOR]]


def spoke(house: House, **said: Any) -> str:
    """The person of L-1, or a party, calls."""
    at = house.ctx.now()
    told = {"contact": f"in-{at:%d%H%M}", "loan": "L-1", "channel": "call", "actor": "mei"}
    told |= {"at": at.isoformat(), "outcome": "spoke", "reason": None, "also_about": []}
    return house.told("inbound_contact", **(told | said))


def test_only_who_is_asked_answers_and_for_every_loan_they_speak_of(engine: Engine) -> None:
    """A guarantor who says why does not answer for the borrower. A borrower who speaks of two loans
    is asked about neither again."""
    house = House(engine, tried=["remind"])
    house.book.loan("L-2", borrower_id="B-L-1", steps_tried=["remind"])
    house.book.loan("own", due_on="2027-01-04", borrower_id="G-1", phone="+8613900139001")
    house.until("2026-03-09 10:00")
    house.told("loan_party", loan="L-1", borrower="G-1", role="guarantor", actor="mei")

    def asked() -> list[str]:
        return [house.book.actions(name)["enquiry_call"] for name in ("L-1", "L-2")]

    spoke(house, borrower="G-1", reason="forgot")
    assert asked() == ["assigned", "assigned"]
    house.until("2026-03-09 10:05")
    spoke(house, reason="unemployed", also_about=["L-2"])
    assert asked() == ["done", "done"]


def test_a_plea_for_help_covers_every_loan_that_was_spoken_of(engine: Engine) -> None:
    """Each has its request and its pause; who spoke with the person owes one answer, and owes it
    until the last one is given."""
    house = House(engine, tried=["remind"])
    for name in ("L-2", "L-3"):
        house.book.loan(name, borrower_id="B-L-1", steps_tried=["remind"])
    house.until("2026-03-09 10:00")
    spoke(house, outcome="asks_plan", reason="unemployed", also_about=["L-2", "L-3"])

    def of_loans(table: Any) -> list[str]:
        of_loan = select(loan.c.external_id).join(table, table.c.loan_id == loan.c.id)
        return sorted(row.external_id for row in house.book.rows(of_loan))

    assert of_loans(arrangement) == ["L-1", "L-2", "L-3"]
    assert of_loans(hold) == ["L-1", "L-2", "L-3"]
    assert of_loans(duty) == ["L-1"]

    for row in house.book.rows(arrangement):
        (owed,) = house.book.rows(duty)
        assert owed.ended_at is None
        no = Ending(
            arrangement=row.external_id,
            status=ArrangementStatus.DECLINED,
            refusal=Refusal.NOT_ELIGIBLE,
        )
        end_arrangement(house.as_("sun"), no)
        house.until(f"2026-03-09 10:{10 + row.id}")
        with house.ctx.engine.begin() as connection:
            watch_duties(connection, house.ctx.now(), 100)
    assert house.book.one(duty).ended_at is not None


@pytest.mark.parametrize(
    ("words", "named", "asked", "paused"),
    [
        ("失业了，能延期吗", None, ["L-1", "L-2", "L-3"], ["L-1", "L-2", "L-3"]),
        ("失业了，L-2能分3期吗", None, ["L-2"], ["L-2"]),
        ("失业了，能延期吗", "L-3", ["L-3"], ["L-3"]),
    ],
)
def test_a_text_that_asks_for_time_is_about_each_loan_past_due_or_the_one_that_is_named(
    engine: Engine, words: str, named: str | None, asked: list[str], paused: list[str]
) -> None:
    """It pauses nothing until a person has read it, who may say that it is about one alone."""
    house = House(engine, tried=["remind"])
    for name in ("L-2", "L-3"):
        house.book.loan(name, borrower_id="B-L-1", steps_tried=["remind"])
    house.book.loan("L-4", borrower_id="B-L-1", due_on="2027-01-04")
    house.until("2026-03-09 10:00")
    house.writes(words)

    def of_loans(table: Any, *which: Any) -> list[str]:
        of_loan = select(loan.c.external_id).join(table, table.c.loan_id == loan.c.id)
        return sorted(row.external_id for row in house.book.rows(of_loan.where(*which)))

    assert of_loans(arrangement) == (["L-1", "L-2", "L-3"] if named else asked)
    assert of_loans(hold) == []
    read = {"reply": 1, "meaning": "asks_plan", "actor": "mei"}
    house.told("reply_read", **(read | ({"loan": named} if named else {})))
    assert of_loans(arrangement, arrangement.c.status == "requested") == asked
    assert of_loans(hold) == paused


def a_house_with_a_guarantor(engine: Engine) -> House:
    house = House(engine)
    house.book.loan("own", due_on="2027-01-04", borrower_id="G-1", phone=GUARANTORS)
    house.told("loan_party", loan="L-1", borrower="G-1", role="guarantor", actor="mei")
    return house.until("2026-03-02 10:00")


def whom(house: House, item: str) -> list[str]:
    """With whom an item of L-1 is done, by the lender's ids of their records."""
    asked = (
        select(borrower.c.external_id)
        .join_from(action, loan)
        .outerjoin(loan_party, loan_party.c.id == action.c.party_id)
        .join(
            borrower, borrower.c.id == func.coalesce(loan_party.c.borrower_id, loan.c.borrower_id)
        )
        .where(action.c.item == item, loan.c.external_id == "L-1")
    )
    return [row.external_id for row in house.book.rows(asked)]


def test_what_a_guarantor_promises_is_followed_up_with_the_guarantor(engine: Engine) -> None:
    """The text says "you promised". The time in which the borrower can be sued goes on, and each of
    them gets their own."""
    house = a_house_with_a_guarantor(engine)
    said = {"amount": "1000", "currency": "CNY", "due_on": "2026-03-06"}
    spoke(house, borrower="G-1", outcome="promised", promised=said, reason="illness")
    # The dialer tells of it as well, under an id of its own, and does not say who it was.
    house.told("promise", promise="PR-1", loan="L-1", actor="mei", **said)
    house.until("2026-03-05 10:00")
    assert house.book.sms.sent[-1].text.to == GUARANTORS
    house.until("2026-03-09 10:00")
    assert whom(house, "promise_reminder") == ["G-1"]
    assert whom(house, "promise_broken_call") == ["G-1"]
    with house.ctx.engine.connect() as connection:
        loan_id = house.book.loan_id("L-1")
        facts = load_facts(connection, [loan_id], house.ctx.now())[loan_id]
        (interruption,) = [
            each for each in facts.reach.interruptions if each.kind is Interrupts.PROMISE
        ]
        assert interruption.by_other
        shown = {
            row.external_id: read_subject_data(connection, house.ctx.cipher, row.id)
            for row in house.book.rows(borrower)
        }
        owed = lock_named_loan(connection, "L-1", "test")
        terms = terms_of_loan(house.ctx, owed, house.now.date())
        assert terms is not None
        other = house.book.rows(promise)[-1].borrower_id
        unkept = [count_unkept(connection, loan_id, terms, house.now, by) for by in (None, other)]
        assert unkept == [0, 1], "the borrower has broken none"
        told = "\n".join(line.text for line in loan_history(connection, house.ctx, "L-1"))
    assert "G-1 said so, and not the borrower." in told
    assert "promise" in shown["G-1"]
    assert "promise" not in shown["B-L-1"]


def test_a_guarantor_who_dies_breaks_no_promise_and_makes_the_borrowers_none_unkept(
    engine: Engine,
) -> None:
    """The guarantor promises instead of the borrower, and dies before the day."""
    house = a_house_with_a_guarantor(engine)
    said = {"amount": "1000", "currency": "CNY", "due_on": "2026-03-06"}
    house.told("promise", promise="PR-B", loan="L-1", actor="mei", **(said | {"amount": "900"}))
    spoke(house, borrower="G-1", outcome="promised", promised=said, reason="illness")
    house.until("2026-03-04 10:00")
    died = {"hold": "H-1", "borrower": "G-1", "kind": "deceased", "starts_on": "2026-03-04"}
    house.told("hold", **died, ends_on=None, why="their son rang", actor="mei")
    house.until("2026-03-09 10:00")

    assert [row.status for row in house.book.rows(promise)] == ["withdrawn", "withdrawn"]
    assert whom(house, "promise_broken_call") == []
    with house.ctx.engine.connect() as connection:
        terms = terms_of_loan(
            house.ctx, lock_named_loan(connection, "L-1", "test"), house.now.date()
        )
        assert terms is not None
        whose = {row.borrower_id for row in house.book.rows(promise)}
        loan_id = house.book.loan_id("L-1")
        assert [count_unkept(connection, loan_id, terms, house.now, by) for by in whose] == [0, 0]


def test_a_promise_and_a_request_by_themselves_name_whose_word_they_are(engine: Engine) -> None:
    house = a_house_with_a_guarantor(engine)
    house.book.loan("L-9", due_on="2027-01-04", borrower_id="B-9", phone="+8613900139009")
    said = {"loan": "L-1", "amount": "1000", "currency": "CNY", "due_on": "2026-03-06"}
    said |= {"actor": "mei"}

    def told(id: str, **more: str) -> list[str]:
        return [
            reason.code for reason in tell(house.book, "promise", promise=id, **said, **more).reason
        ]

    assert told("PR-1", borrower="G-1") == ["ladder_pauses_until"]
    assert whose(house.book, promise) == ["G-1"]
    assert told("PR-1") == told("PR-1", borrower="G-1") == ["promise_known"]
    assert told("PR-1", borrower="B-L-1") == ["promise_id_taken"]
    assert told("PR-2", borrower="B-9") == ["not_of_loan"]
    assert (
        tell(house.book, "promise", promise="PR-3", **said, borrower="G-404").status == "received"
    )

    wish = {"arrangement": "AR-1", "loan": "L-1", "asked_by": "form", "monthly": "300.00"}
    asked = ArrangementRequestFacts.model_validate({**wish, "borrower": "G-1", "actor": "mei"})
    house.told("arrangement_request", **asked.payload(house.ctx.cipher))
    assert whose(house.book, arrangement) == ["G-1"]
    amount = select(borrower.c.external_id).join(
        free_text, free_text.c.borrower_id == borrower.c.id
    )
    assert [row.external_id for row in house.book.rows(amount)] == ["G-1"], "what he can pay"


def test_what_follows_from_the_plea_of_a_guarantor_is_theirs(engine: Engine) -> None:
    house = a_house_with_a_guarantor(engine)
    why = "I pay with 6222021234567890123"
    spoke(house, borrower="G-1", outcome="hardship", reason="illness", why=why)
    assert whom(house, "after_hardship_call") == ["G-1"]
    with house.ctx.engine.connect() as connection:
        theirs = house.book.one(select(borrower.c.id).where(borrower.c.external_id == "B-L-1"))
        shown = read_subject_data(connection, house.ctx.cipher, theirs.id)
    assert {"duty", "free_text"}.isdisjoint(shown), "what the guarantor told is not the borrower's"
    of_loan = select(problem.c.kind).where(problem.c.loan_id == house.book.loan_id("L-1"))
    assert WORDS_HAVE_NUMBER in [row.kind for row in house.book.rows(of_loan)]
    house.until("2026-03-02 10:05")
    spoke(house, borrower="G-1", outcome="asks_plan", reason="illness")
    refused = Ending(
        arrangement="contact:in-021005",
        status=ArrangementStatus.DECLINED,
        refusal=Refusal.NOT_ELIGIBLE,
    )
    end_arrangement(house.as_("sun"), refused)
    assert whom(house, "nothing_offered_text") == ["G-1"]


def test_who_is_no_party_any_more_is_not_followed_up(engine: Engine) -> None:
    house = a_house_with_a_guarantor(engine)
    said = {"amount": "1000", "currency": "CNY", "due_on": "2026-03-06"}
    spoke(house, borrower="G-1", outcome="promised", promised=said, reason="illness")
    house.told("loan_party_end", loan="L-1", borrower="G-1", role="guarantor", actor="mei")
    house.until("2026-03-09 10:00")
    assert whom(house, "promise_reminder") == ["G-1"], "planned when it was made"
    assert not any("您承诺" in text for text in house.texts()), "and sent to nobody"
    assert whom(house, "promise_broken_call") == []
