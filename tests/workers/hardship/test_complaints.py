"""Stories of complaints: what they say, in time and late, put right and answered."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine

from domain.actors import Actor
from domain.compliance.vocabulary import Collects
from domain.disputes import ComplaintKind, Matter
from domain.errors import RefusedError
from domain.language.speak import speak
from tests.support.acting import acting
from tests.support.complaints import a_house, a_team, answers, assign, complains
from tests.support.events import tell
from tests.support.loans import Book
from workers.db.outbox import OutboxEventKind, with_outbox
from workers.db.schema import complaint, duty, hold, loan, matter_change, outbox_event, problem
from workers.hardship import handling
from workers.hardship.answer_clock import watch_answers
from workers.hardship.answer_letters import open_answer
from workers.hardship.corrections import Correction, correct
from workers.history import loan_history


@pytest.fixture
def book(engine: Engine) -> Book:
    return a_house(engine)


def test_a_complaint_about_a_call_is_about_whoever_had_it(book: Book) -> None:
    assign(book)
    attempt = book.called("L-1", "c-1")
    book.loan("L-2", borrower_id="B-2", phone="+8613800138001")
    others = complains(book, about=None, id="C-2", loan="L-2", about_attempt=attempt)
    assert others.startswith(f"rejected: The contact {attempt} was not with that person")
    assert complains(book, about=None, id="C-3", about_attempt="a-9").startswith("received")
    complains(book, about=None, about_attempt=attempt)
    assert book.one(complaint).about_staff == "c-1"


def test_a_complaint_names_somebody_who_works_here_or_nobody(book: Book) -> None:
    assert complains(book, about="nobody").startswith("rejected: Nobody on the roster has")
    assert book.rows(complaint) == []


def test_a_complaint_that_no_rule_gives_a_deadline_says_so_and_what_to_do(book: Book) -> None:
    book.ctx = replace(book.ctx, policy=replace(book.ctx.policy, rule_packs=()))
    said = complains(book)
    assert "None" not in said
    assert "No rule in force says by when it is answered: add an `answer_period`" in said


def test_the_same_complaint_comes_in_once(book: Book) -> None:
    complains(book)
    assert complains(book) == "applied: Complaint C-1 is on record already; nothing changed."
    assert "is the id of another complaint" in complains(book, kind="fees")


def test_a_complaint_that_is_not_answered_in_time_is_late_and_everybody_sees_it(
    engine: Engine,
) -> None:
    book = a_house(with_outbox(engine))
    complains(book)
    # Acknowledged by Monday 9 March, answered by 19 March.
    seen = []
    for now in ("2026-03-08 16:00", "2026-03-10 00:00"):
        watch_answers(book.at(now).ctx)
        seen += [row.kind for row in book.rows(problem) if row.resolved_at is None]
    handling.acknowledge(acting(book.ctx, Actor("s-1")), Matter.COMPLAINT, "C-1")
    for now in ("2026-03-17 12:00", "2026-03-20 00:00"):
        watch_answers(book.at(now).ctx)
        seen += [row.kind for row in book.rows(problem) if row.resolved_at is None]
    # Since nobody takes it, that is late too, from the next day on.
    assert [kind for kind in seen if kind != "duty_late"] == [
        "complaint_answer_due",
        "complaint_answer_late",
    ] * 2
    assert seen.count("duty_late") == 4

    told = [row.kind for row in book.rows(outbox_event) if row.kind.startswith("complaint.")]
    received, due, late = (
        OutboxEventKind.COMPLAINT_RECEIVED,
        OutboxEventKind.COMPLAINT_DUE,
        OutboxEventKind.COMPLAINT_LATE,
    )
    assert told == [received, due, late, due, late]


def test_in_india_an_agency_stops_for_everybody_until_the_answer(engine: Engine) -> None:
    book = Book(engine, now="2026-07-06 10:00", zone="Asia/Kolkata")
    agency = frozenset({Collects.THIRD_PARTY})
    theirs = book.ctx.settings.model_copy(update={"collects_as": agency})
    book.ctx = replace(book.ctx, settings=theirs)
    book.loan("L-1", due_on="2026-07-01")
    with book.ctx.engine.begin() as connection:
        connection.execute(loan.update().values(jurisdiction="IN"))
    book.staff("s-1", "supervisor")
    said = complains(book, about=None, kind="fees")
    assert "Nobody collects from the person until it is answered." in said
    assert book.one(hold).ends_on is None

    # No release ends it: only the answer does.
    early = tell(book, "release", hold="C-1", ends_on="2026-07-06")
    assert early.status == "rejected"
    book.at("2026-07-08 10:00")
    assert answers(book, "rejected", "rules_kept").startswith("applied")
    assert book.one(hold).ends_on == date(2026, 7, 8)


def test_a_complaint_of_a_call_is_put_right_grows_late_and_is_answered_too_late(book: Book) -> None:
    # 4 March: the borrower rings c-2 and complains. c-2 notes it, and does not know of what kind.
    assert assign(book) == "assigned"
    book.staff("p-1", "privacy_officer")
    a_team(book, "s-1", "c-1", "c-2", "p-1")
    rang = {"contact": "in-1", "loan": "L-1", "channel": "call", "outcome": "complains"}
    at = {"at": book.ctx.now().isoformat(), "reason": None, "also_about": [], "actor": "c-2"}
    assert tell(book, "inbound_contact", **rang, **at, why="c-1 was rude").status == "applied"
    id = "complains:in-1"
    assert (book.one(complaint).kind, book.one(duty).owner) == ("other", "supervisor")

    # A privacy officer takes it, reads it, and puts right what it is about. c-1 loses the call.
    officer = acting(book.ctx, Actor("p-1"))
    handling.take(officer, Matter.COMPLAINT, id)
    assert book.one(duty).ended_by == "p-1"
    right = Correction(kind=ComplaintKind.CONDUCT, about_staff="c-1", why="the words say so")
    said = speak(correct(officer, Matter.COMPLAINT, id, right))
    assert said.startswith("The complaint complains:in-1 is corrected: conduct.")
    assert "c-1 does no work for the person; 1 pieces of their work are planned again." in said
    assert speak(correct(officer, Matter.COMPLAINT, id, right)).endswith("nothing changed.")
    themselves = replace(right, about_staff="p-1")
    with pytest.raises(RefusedError, match="p-1 may not handle the complaint"):
        correct(officer, Matter.COMPLAINT, id, themselves)
    with pytest.raises(RefusedError, match="about c-1 and about nobody"):
        correct(officer, Matter.COMPLAINT, id, replace(right, about_nobody=True))
    noted = [(row.field, row.before, row.after, row.actor) for row in book.rows(matter_change)]
    assert noted == [("kind", "other", "conduct", "p-1"), ("about_staff", None, "c-1", "p-1")]

    # 20 March: nobody has answered. The supervisor of the team has it from now on.
    handling.acknowledge(officer, Matter.COMPLAINT, id)
    watch_answers(book.at("2026-03-20 00:00").ctx)
    stored = book.one(complaint)
    assert (stored.clock, stored.handler, stored.status) == ("late", "s-1", "investigating")
    refused = answers(book, "upheld", "rule_broken", by="p-1", id=id)
    assert "s-1 handles the complaint" in refused

    # 24 March: answered, five days too late; the letter is written all the same.
    book.at("2026-03-24 10:00")
    assert answers(book, "upheld", "rule_broken", id=id).startswith("applied")
    assert "您所提成立" in open_answer(acting(book.ctx, Actor("s-1")), Matter.COMPLAINT, id).body

    # The history of the loan says who had it and what was put right, and not whom it is about.
    with book.ctx.engine.connect() as connection:
        told = [str(each.text) for each in loan_history(connection, book.ctx, "L-1")]
    about_it = " ".join(each for each in told if "complains:in-1" in each)
    assert "p-1 corrected the kind of the complaint complains:in-1" in about_it
    assert "went from p-1 to s-1, by arrears" in about_it
    assert "c-1" not in about_it


def test_a_late_complaint_that_goes_up_is_owed_by_its_first_owner_no_more(book: Book) -> None:
    book.staff("p-1", "privacy_officer")
    a_team(book, "s-1", "c-1", "c-2", "p-1")
    rang = {"contact": "in-1", "loan": "L-1", "channel": "call", "outcome": "complains"}
    at = {"at": book.ctx.now().isoformat(), "reason": None, "also_about": [], "actor": "c-2"}
    tell(book, "inbound_contact", **rang, **at, why="c-1 was rude")
    assert book.one(duty).ended_at is None

    watch_answers(book.at("2026-03-25 00:00").ctx)

    assert book.one(complaint).handler == "s-1"
    assert book.one(duty).ended_by == "arrears"
    assert [row.kind for row in book.rows(problem) if row.resolved_at is None] == [
        "complaint_answer_late"
    ]
