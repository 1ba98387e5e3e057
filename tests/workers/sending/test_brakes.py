"""Sending stops by itself: an old database, a wrong clock, no evidence, far too many contacts."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, text

from domain.actors import Actor
from domain.language.speak import speak
from domain.sending import Scope, SendingScope
from tests.support.acting import acting
from tests.support.loans import Book
from workers.attempts.attempts import BarredError
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.clock import Clock
from workers.db.schema import action, contact, loan, recovery, sending_hold
from workers.history import loan_history
from workers.messaging.guarded_tasks import GuardedTask
from workers.operations.sending_holds import resume_sending, stop_sending
from workers.operations.sending_watch import watch_sending
from workers.sending import clock_check
from workers.sending.clock_check import WrongClockError, assert_clock_right
from workers.sending.counter_file import Count, CounterFile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "counter"


@pytest.fixture
def book(engine: Engine, file: Path) -> Book:
    """Three loans are owed a text. The counter's file does not exist yet; no row was sent."""
    book = Book(engine, now="2026-03-02 10:00")
    settings = book.ctx.settings.model_copy(update={"sending_counter_file": file})
    book.ctx = replace(book.ctx, settings=settings)
    for name in ("L-1", "L-2", "L-3"):
        book.loan(name, phone=f"+861380013800{name[-1]}")
    book.escalate("L-1", "L-2", "L-3")
    return book


def says(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def rewrite(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**says(file), **values}))


def causes(book: Book) -> list[str]:
    return [hold.cause for hold in book.rows(sending_hold) if hold.resumed_at is None]


def resume_all(book: Book) -> None:
    """After a recovery, which these tests are not about."""
    at = book.clock.at
    with book.ctx.engine.begin() as connection:
        done = {"started_by": "arrears", "finished_at": at, "finished_by": "arrears"}
        connection.execute(insert(recovery).values(since=at, restored=True, started_at=at, **done))
    for hold in book.rows(sending_hold):
        if hold.resumed_at is None:
            resume_sending(book.ctx, hold.id)


def restore_before(book: Book, contacts: int, *, left_out: int = 0) -> None:
    """What a restored backup looks like: the newest contacts are not in it.

    PostgreSQL leaves out some numbers of a sequence where it recovers from its WAL.
    """
    with book.ctx.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in ("message", "contact"):
            column = "contact_id" if table == "message" else "id"
            connection.execute(text(f"DELETE FROM {table} WHERE {column} > {contacts}"))  # noqa: S608
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence('contact', 'id'), :n)"),
            {"n": contacts + left_out},
        )


def test_the_file_takes_each_contact_after_its_commit_and_nothing_is_stopped(
    book: Book, file: Path
) -> None:
    for number, name in enumerate(("L-1", "L-2", "L-3"), start=1):
        assert book.send(name, "text_day_1") == "accepted"
        assert says(file)["counter"] == book.rows(contact)[-1].id
        assert len(book.sms.sent) == number
        assert watch_sending(book.ctx) == []
    # A worker that is killed between the commit and the file leaves the file behind.
    rewrite(file, counter=1)
    assert watch_sending(book.ctx) == []
    assert says(file)["counter"] == book.rows(contact)[-1].id, "the watch catches up"
    assert book.rows(sending_hold) == []


@pytest.mark.parametrize(
    "first",
    [
        {"channel": "visit", "party": "borrower"},
        {"channel": "call", "party": "borrower", "inbound": True},
        {"channel": "call", "party": "third_party", "purpose": "locate"},
    ],
    ids=["a visit", "who calls", "a question to others"],
)
def test_what_the_file_does_not_count_may_come_before_the_first_text(
    book: Book, file: Path, first: dict[str, object]
) -> None:
    loan_id, action_id = book.loan_id("L-1"), book.action_id("L-1", "text_day_1")
    with book.ctx.engine.begin() as connection:
        row = {"loan_id": loan_id, "borrower_id": book.rows(loan)[0].borrower_id, **first}
        row |= {"action_id": action_id} if first["channel"] == "visit" else {}
        connection.execute(insert(contact).values(at=book.clock.at, **row))
    assert watch_sending(book.ctx) == []
    assert book.send("L-2", "text_day_1") == "accepted"
    assert says(file)["counter"] == book.rows(contact)[-1].id
    assert book.rows(sending_hold) == []


@pytest.mark.attack("restore")
@pytest.mark.parametrize("left_out", [0, 32], ids=["from a dump", "to a point in time"])
def test_a_restored_database_sends_nothing_not_even_the_first_text(
    book: Book, file: Path, left_out: int
) -> None:
    book.send("L-1", "text_day_1")
    book.send("L-2", "text_day_1")
    restore_before(book, contacts=1, left_out=left_out)

    assert book.send("L-3", "text_day_1") == "sending is stopped"

    assert len(book.sms.sent) == 2
    assert book.actions("L-3")["text_day_1"] == "planned", "it waits"
    assert causes(book) == ["database_older"]
    why = speak(book.one(sending_hold).why)
    assert "its last contact is number 1" in why
    assert "knows number 2" in why
    assert book.send("L-3", "text_day_1") == "nothing to do"
    assert watch_sending(book.ctx) == ["database_older"]
    assert len(book.rows(sending_hold)) == 1, "once for each cause"


def test_two_persons_who_know_it_let_a_restored_database_go_on(book: Book, file: Path) -> None:
    book.send("L-1", "text_day_1")
    book.send("L-2", "text_day_1")
    restore_before(book, contacts=1)
    watch_sending(book.ctx)

    resume_all(book)

    assert watch_sending(book.ctx) == []
    [hold] = book.rows(sending_hold)
    assert says(file) | {"system": ""} == {"system": "", "epoch": str(hold.epoch), "counter": 1}
    assert book.send("L-3", "text_day_1") == "accepted"
    # The same happens again: what was granted then says nothing of it.
    book.send("L-2", "text_day_1")
    restore_before(book, contacts=1)
    assert watch_sending(book.ctx) == ["database_older"]
    # Another machine knows of more than those who resumed were shown.
    resume_all(book)
    rewrite(file, counter=99)
    assert watch_sending(book.ctx) == ["database_older"]


@pytest.mark.parametrize(
    ("harm", "cause"),
    [
        (lambda file: file.unlink(), "counter_missing"),
        (lambda file: rewrite(file, system="7"), "other_system"),
        (lambda file: file.write_text("{"), "counter_unusable"),
        (lambda file: file.write_text("[]"), "counter_unusable"),
        (lambda file: (file.unlink(), file.mkdir()), "counter_unusable"),
    ],
    ids=["gone", "of another system", "cut off", "another file", "a folder"],
)
def test_a_file_that_is_not_as_it_should_be_stops_sending(
    book: Book, file: Path, harm: Callable[[Path], object], cause: str
) -> None:
    book.send("L-1", "text_day_1")
    harm(file)

    assert watch_sending(book.ctx) == [cause]
    assert book.send("L-2", "text_day_1") == "nothing to do"

    if file.is_dir():
        file.rmdir()
    resume_all(book)
    assert watch_sending(book.ctx) == []
    assert says(file)["counter"] == 1
    assert book.send("L-2", "text_day_1") == "accepted"


def test_a_file_that_is_gone_stops_the_text_itself_and_a_call(book: Book, file: Path) -> None:
    book.send("L-1", "text_day_1")
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    assert assign_call(book.ctx, book.action_id("L-2", "friendly_call")) == "assigned"
    rewrite(file, counter=50)

    with pytest.raises(BarredError, match="Sending is on hold"):
        start_call(acting(book.ctx, Actor("c-1")), "L-2")
    assert causes(book) == ["database_older"]
    resume_all(book)
    watch_sending(book.ctx)
    file.unlink()
    book.at("2026-03-02 10:20")  # too long ago for the file to be written anew
    assert book.send("L-2", "text_day_1") == "nothing to do"
    assert causes(book) == ["counter_missing"]


def test_many_workers_raise_the_file_and_none_puts_it_back(file: Path) -> None:
    CounterFile(file).begin(Count("1", "", 0), None)
    workers = [
        threading.Thread(
            target=lambda first=first: [
                CounterFile(file).raise_to(number) for number in range(first, 60, 4)
            ]
        )
        for first in range(1, 5)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert CounterFile(file).read() == Count("1", "", 59)
    CounterFile(file).begin(Count("2", "", 1), Count("1", "", 58))
    assert CounterFile(file).read() == Count("1", "", 59), "it says something else by now"


class Wrong(Clock):
    """A machine's clock that is off."""

    def __init__(self, off: timedelta) -> None:
        super().__init__()
        self.off = off

    def machine_now(self) -> datetime:
        return datetime.now(UTC) + self.off


@pytest.mark.parametrize(
    ("off", "cause"),
    [
        (timedelta(days=365), "clock_ahead"),
        (timedelta(hours=2), "clock_ahead"),
        (timedelta(hours=-2), "clock_behind"),
        (timedelta(minutes=20), None),
    ],
    ids=str,
)
@pytest.mark.attack("clock")
def test_a_worker_with_a_wrong_clock_decides_nothing_and_sending_stops(
    book: Book, monkeypatch: pytest.MonkeyPatch, off: timedelta, cause: str | None
) -> None:
    clock = Wrong(timedelta())
    ctx = replace(book.ctx, clock=clock)
    monkeypatch.setattr(
        GuardedTask,
        "guard",
        staticmethod(lambda: speak(clock_check.what_is_wrong_with_clock(ctx))),
    )
    done = []

    class Decide(GuardedTask):
        name = "decide"

        def run(self) -> None:
            done.append(1)

    task = Decide()
    task()
    clock.off = off  # between two tasks

    task()

    assert len(done) == (2 if cause is None else 1)
    assert causes(book) == ([cause] if cause else [])
    if cause:
        with pytest.raises(WrongClockError):
            assert_clock_right(ctx)
        clock.off = timedelta()
        task()
        assert len(done) == 2, "it decides again at once"
        assert causes(book) == [cause], "only people let sending go on"


@pytest.mark.attack("clock")
def test_a_clock_behind_the_newest_record_is_wrong_but_for_a_demo(
    book: Book, tmp_path: Path
) -> None:
    newest = datetime.now(UTC) + timedelta(minutes=30)
    with book.ctx.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO scan_run (business_date, started_at, policy_digest)"
                " VALUES ('2199-01-01', :newest, '')"
            ),
            {"newest": newest},
        )
    offset = tmp_path / "clock"
    offset.write_text("-900000")

    assert not clock_check.what_is_wrong_with_clock(replace(book.ctx, clock=Clock(offset)))
    clock_check._asked(book.ctx.engine).clock = None
    assert clock_check.what_is_wrong_with_clock(replace(book.ctx, clock=Clock()))
    assert causes(book) == ["clock_behind"]
    # The record stays: two persons know it, and it does not stop anything again.
    resume_all(book)
    assert not clock_check.what_is_wrong_with_clock(replace(book.ctx, clock=Clock()))


def test_evidence_that_stands_still_stops_sending(book: Book) -> None:
    assert watch_sending(book.ctx) == []
    with book.ctx.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text("UPDATE evidence_due SET recorded_at = recorded_at - interval '16 minutes'")
        )

    assert watch_sending(book.ctx) == ["evidence_stopped"]

    assert causes(book) == ["evidence_stopped"]
    assert "waited for its link for 16 minutes" in speak(book.one(sending_hold).why)


@pytest.mark.attack("volume")
def test_a_channel_that_is_used_far_more_than_planned_is_stopped(book: Book) -> None:
    settings = book.ctx.settings.model_copy(update={"sending_floor": 5})
    book.ctx = replace(book.ctx, settings=settings)
    book.at("2026-03-03 00:01")
    assert watch_sending(book.ctx) == [], "the day begins: three texts and three calls wait"

    def contacts(more: int) -> None:
        with book.ctx.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO contact (borrower_id, loan_id, action_id, channel, at)"
                    " SELECT 1, loan_id, id, 'sms', :now FROM action, generate_series(1, :more)"
                    "  WHERE id = (SELECT min(id) FROM action WHERE type = 'send_sms')"
                ),
                {"more": more, "now": book.clock.at},
            )

    planned = len(book.rows(select(action.c.id).where(action.c.type == "send_sms")))
    contacts(3 * planned)
    assert watch_sending(book.ctx) == [], "three times as many is still well"
    contacts(1)
    assert watch_sending(book.ctx) == ["too_much_sent"]
    [hold] = book.rows(sending_hold)
    assert (hold.scope, hold.subject) == ("channel", "sms")
    assert f"{3 * planned + 1} contacts were made through" in speak(hold.why)
    resume_all(book)
    assert watch_sending(book.ctx) == [], "it is counted anew after people resumed"
    book.at("2026-03-04 00:01")
    assert watch_sending(book.ctx) == []
    assert date(2026, 3, 4) == book.clock.at.astimezone(book.zone).date()


def test_the_history_of_a_loan_says_when_sending_was_stopped_while_it_waited(book: Book) -> None:
    stop_sending(book.ctx, Scope(SendingScope.CHANNEL, "sms"), "Zhang San complained")
    resume_all(book)

    def story(language: str) -> list[str]:
        with book.ctx.engine.connect() as connection:
            sentences = loan_history(connection, book.ctx, "L-1", language=language)
        return [each.text for each in sentences if each.at]

    english = story("en")
    [stopped] = [line for line in english if line.startswith("Sending was stopped")]
    assert "(channel sms)" in stopped
    assert "Zhang" not in stopped, "what a person wrote may name a borrower"
    assert [line for line in english if line.startswith("Sending was resumed (channel sms)")]
    assert any("暂停了外发（渠道 sms）" in line for line in story("zh"))

    book.at("2026-03-02 11:00")
    assert book.send("L-1", "text_day_1") == "accepted"
    stop_sending(book.ctx, Scope(SendingScope.CHANNEL, "visit"), "floods")
    assert "channel visit" not in " ".join(story("en")), "no visit waited"
