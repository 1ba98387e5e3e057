"""`POST /calls/start`: a dialer asks before it dials."""

from dataclasses import replace
from datetime import date

import pytest
from httpx2 import Response
from sqlalchemy import Engine, delete, insert, select, update

from domain.actors import Actor
from domain.errors import TooOftenError
from tests.support.acting import acting
from tests.support.lender import OTHER_SECRET, SECRET, an_event, listen, tell
from tests.support.loans import PHONE, Book
from workers.calls.assign import assign_call
from workers.calls.locate import start_location_call
from workers.calls.start import start_call
from workers.db.schema import access, call, contact, contact_outcome, number_alarm, shift
from workers.db.schema import staff as staff_table
from workers.inbox.apply import apply_event, dispatch_events

ASKED = {"attempt": "dialer-1", "loan": "L-1", "actor": "c-1"}


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    listen(book, SECRET)
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    return book


def test_a_dialer_gets_the_number_when_the_gate_allows_the_call(book: Book) -> None:
    answer = tell(book, ASKED, path="/calls/start")
    assert answer.status_code == 200
    assert answer.json()["number"] == PHONE["CN"]
    assert answer.json()["attempt"] == "dialer-1"
    assert len(answer.json()["outcomes"]) == 15
    (about,) = answer.json()["loans"]
    assert (about["loan"], about["item"]) == ("L-1", "friendly_call")
    assert set(about) == {"loan", "item", "purpose"}, "no amount before who it is is known"
    assert book.one(contact).actor == "c-1"
    assert tell(book, ASKED, path="/calls/start").json() == answer.json()
    assert len(book.rows(contact)) == 1


def test_a_dialer_is_told_why_not_by_which_rule_and_when(book: Book) -> None:
    book.at("2026-03-02 22:30")
    answer = tell(book, ASKED, path="/calls/start")
    assert answer.status_code == 409
    [reason] = answer.json()["reason"]
    assert reason["code"] == "outside_hours"
    assert reason["params"]["citation"] in answer.json()["detail"]
    assert answer.json()["rules"] == ["cn.contact_hours"]
    assert answer.json()["not_before"] == "2026-03-03T00:00:00+00:00"
    assert PHONE["CN"] not in answer.text
    assert book.rows(contact) == []


@pytest.mark.parametrize(
    ("asked", "secret", "status"),
    [
        (ASKED, OTHER_SECRET, 401),
        ({**ASKED, "loan": "L-9"}, SECRET, 409),
        ({**ASKED, "actor": "nobody"}, SECRET, 409),
        ({"attempt": "dialer-1", "loan": "L-1"}, SECRET, 422),
        ({**ASKED, "number": PHONE["CN"]}, SECRET, 422),
    ],
)
def test_what_is_not_signed_or_cannot_be_is_refused(
    book: Book, asked: dict[str, str], secret: str, status: int
) -> None:
    answer = tell(book, asked, path="/calls/start", secret=secret)
    assert answer.status_code == status
    assert PHONE["CN"] not in answer.text
    assert book.rows(contact) == []


def test_a_dialer_is_told_no_command_of_ours(book: Book) -> None:
    tell(book, ASKED, path="/calls/start")
    for asked in (
        {**ASKED, "attempt": "dialer-2"},
        {**ASKED, "item": "another_call"},
        {**ASKED, "actor": "nobody"},
    ):
        answer = tell(book, asked, path="/calls/start")
        assert answer.status_code == 409
        assert "arrears " not in answer.json()["detail"]


def test_the_fields_that_are_wrong_are_named(book: Book) -> None:
    answer = tell(book, {"attempt": "dialer-1", "actor": "c-1", "colour": 1}, path="/calls/start")
    assert answer.json()["fields"] == ["colour", "loan"]


@pytest.fixture
def three(engine: Engine) -> Book:
    """A dialer, and three loans with a call to make: two of c-1, one of c-2."""
    book = Book(engine, now="2026-03-02 10:00")
    listen(book, SECRET)
    for n, staff in enumerate(("c-1", "c-2", "c-1"), start=1):
        if n < 3:
            book.staff(staff, "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
        book.loan(f"L-{n}", due_on="2026-03-01")
        book.escalate(f"L-{n}")
        assert assign_call(book.ctx, book.action_id(f"L-{n}", "friendly_call")) == "assigned"
    with book.ctx.engine.begin() as connection:
        ids = {row.external_id: row.id for row in connection.execute(select(staff_table))}
        for n, staff in enumerate(("c-1", "c-2", "c-1"), start=1):
            of_loan = call.c.loan_id == book.loan_id(f"L-{n}")
            connection.execute(update(call).where(of_loan).values(staff_id=ids[staff]))
    return book


def ask(book: Book, loan: str, actor: str = "c-1", attempt: str | None = None) -> Response:
    said = {"attempt": attempt or f"{actor}-{loan}", "loan": loan, "actor": actor}
    return tell(book, said, path="/calls/start", id=f"{actor}-{loan}")


def limited(book: Book, **settings: int) -> None:
    book.ctx = replace(book.ctx, settings=book.ctx.settings.model_copy(update=settings))


def test_only_the_collector_who_has_the_call_gets_the_number(three: Book) -> None:
    refused = [ask(three, loan, actor) for loan, actor in (("L-2", "c-1"), ("L-1", "c-9"))]
    unknown = ask(three, "L-9")
    assert {answer.status_code for answer in (*refused, unknown)} == {409}
    assert refused[0].json()["detail"] == "c-1 has no open call of loan L-2."
    assert unknown.json()["detail"] == "c-1 has no open call of loan L-9.", "and nothing more"
    assert three.rows(access) == []
    assert ask(three, "L-2", "c-2").status_code == 200
    (looked,) = three.rows(access)
    assert (looked.actor, looked.machine) == ("c-2", "lender")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"left_on": date(2026, 3, 2)}, "Nobody on the roster has the reference c-1."),
        ({"trained_on": date(2025, 1, 1)}, "on the roster as nothing"),
        ({}, "c-1 is not on shift now."),
    ],
    ids=["left", "untrained", "off shift"],
)
def test_a_collector_who_may_not_work_now_gets_no_number(
    three: Book, change: dict[str, date], says: str
) -> None:
    with three.ctx.engine.begin() as connection:
        if change:
            connection.execute(update(staff_table).values(change))
        else:
            connection.execute(delete(shift))
    answer = ask(three, "L-1")
    assert (answer.status_code, says in answer.json()["detail"]) == (409, True)
    assert three.rows(access) == []


def test_a_collector_has_one_call_open_at_a_time(three: Book) -> None:
    assert ask(three, "L-1").status_code == 200
    answer = ask(three, "L-3")
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("c-1 has started the call c-1-L-1")
    assert ask(three, "L-1").status_code == 200, "the same question again"
    assert ask(three, "L-2", "c-2").status_code == 200, "another collector"

    outcome = {"attempt": "c-1-L-1", "outcome": "no_answer", "actor": "c-1"}
    assert tell(three, an_event("contact_outcome", **outcome), id="o-1").status_code == 202
    answer = ask(three, "L-3")
    assert "has started" not in answer.text, "it is reported, though not applied yet"
    assert [reason["code"] for reason in answer.json()["reason"]] == ["event_pending"]
    for event_id in dispatch_events(three.ctx):
        apply_event(three.ctx, event_id)
    assert ask(three, "L-3").status_code == 200


@pytest.mark.attack("harvesting of numbers")
def test_who_asks_for_more_numbers_than_anybody_dials_gets_none_and_an_alarm(
    three: Book, caplog: pytest.LogCaptureFixture
) -> None:
    limited(three, collector_numbers_a_minute=1)
    assert ask(three, "L-1").status_code == 200
    with three.ctx.engine.begin() as connection:
        connection.execute(
            insert(contact_outcome).values(
                contact_id=three.one(contact).id,
                **{"outcome": "no_answer", "connected": False, "actor": "c-1"},
                reported_at=three.clock.at,
            )
        )
    answers = [ask(three, "L-3") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {429}
    assert answers[0].headers["Retry-After"] == "60"
    with pytest.raises(TooOftenError):
        start_location_call(acting(three.ctx, Actor("c-1")), "L-3", "+8613900139000")
    (alarm,) = three.rows(number_alarm)
    assert (alarm.actor, alarm.actor_kind, alarm.numbers) == ("c-1", "staff", 1)
    assert [line.levelname for line in caplog.records].count("CRITICAL") == 1
    assert len(three.rows(access)) == 1

    three.at("2026-03-02 10:02")
    assert ask(three, "L-3").status_code == 200


@pytest.mark.attack("harvesting of numbers")
def test_a_stolen_secret_gets_few_numbers_whatever_collectors_it_names(three: Book) -> None:
    limited(three, machine_numbers_a_minute=1)
    assert ask(three, "L-1").status_code == 200
    assert ask(three, "L-2", "c-2").status_code == 429
    alarm = three.one(number_alarm)
    assert (alarm.actor, alarm.actor_kind) == ("lender", "machine")
    assert start_call(acting(three.ctx, Actor("c-2")), "L-2").attempt, "without the machine"
