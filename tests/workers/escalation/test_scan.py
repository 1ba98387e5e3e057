"""The scan announces all that is due, each loan in one envelope, and again if that was lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text, update

from domain.actions import SEND_SMS
from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.loans import Book
from workers.actions.dispatch import dispatch_due_actions
from workers.db.schema import loan, scan_run
from workers.escalation.scan import Envelope, envelope_size, scan_portfolio
from workers.messaging.publish import NAMES_SHOWN
from workers.queues import QUEUE_HOLDS


def a_book(engine: Engine, loans: int = 5) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    for n in range(loans):
        book.loan(f"L-{n}", due_on="2026-03-01")
    return book


def scan(book: Book) -> list[int]:
    announced: list[Envelope] = []
    scan_portfolio(book.ctx, announced.extend)
    return [id for envelope in announced for id in envelope.loan_ids]


def test_every_due_loan_is_announced_once(engine: Engine) -> None:
    book = a_book(engine)
    book.loan("due-tomorrow", due_on="2026-03-02")

    assert len(scan(book)) == 5
    assert scan(book) == [], "they belong to the first announcement"
    run = book.one(scan_run)
    assert (run.business_date, run.loans, run.envelopes) == (date(2026, 3, 2), 5, 5)
    assert run.finished_at is not None


@pytest.mark.parametrize("size", [1, NAMES_SHOWN + 2])
def test_the_first_loans_of_each_message_are_named(engine: Engine, size: int) -> None:
    book = a_book(engine, loans=2 * (NAMES_SHOWN + 2))
    settings = book.ctx.settings.model_copy(update={"envelope": size})
    book.ctx = replace(book.ctx, settings=settings)
    announced: list[Envelope] = []
    scan_portfolio(book.ctx, announced.extend)

    of_loans = {row.id: row.external_id for row in book.rows(loan)}
    assert {len(envelope.loan_ids) for envelope in announced} == {size}
    for envelope in announced:
        assert envelope.names == [of_loans[id] for id in envelope.loan_ids[:NAMES_SHOWN]]


def test_two_scans_at_once_announce_each_loan_once(engine: Engine) -> None:
    book = a_book(engine, loans=60)

    seen = concurrently(*[lambda: scan(book)] * 3)

    assert sorted(id for ids in seen for id in ids) == sorted(r.id for r in book.rows(loan))


def test_announcements_that_were_lost_are_made_again_when_the_lease_ends(engine: Engine) -> None:
    book = a_book(engine)
    lost = scan(book)

    book.clock.at += book.ctx.settings.lease + timedelta(seconds=1)

    assert scan(book) == lost


def test_a_publisher_that_fails_loses_nothing(engine: Engine) -> None:
    book = a_book(engine)

    def broken(_: object) -> None:
        raise ConnectionError("the broker is gone")

    with pytest.raises(ConnectionError):
        scan_portfolio(book.ctx, broken)
    book.clock.at += book.ctx.settings.lease + timedelta(seconds=1)

    assert len(scan(book)) == 5


def test_a_missed_day_is_still_due_the_next(engine: Engine) -> None:
    book = a_book(engine)

    assert len(scan(book.at("2026-03-09 10:00"))) == 5


def test_a_loan_that_was_escalated_is_not_due_until_its_review_date(engine: Engine) -> None:
    book = a_book(engine, loans=1)
    scan(book)
    book.escalate("L-0")

    assert scan(book.at("2026-03-03 10:00")) == []
    assert len(scan(book.at("2026-03-04 10:00"))) == 1


def test_after_the_policy_changed_every_loan_past_due_is_looked_at(engine: Engine) -> None:
    book = a_book(engine, loans=1)
    scan(book)
    book.escalate("L-0")
    with engine.begin() as connection:
        connection.execute(update(scan_run).values(policy_digest="what it said yesterday"))

    assert len(scan(book.at("2026-03-03 10:00"))) == 1


@pytest.mark.parametrize(("from_day", "announced"), [(3, 1), (4, 0)])
def test_on_the_day_a_ladder_comes_into_force_every_loan_past_due_is_looked_at(
    engine: Engine, from_day: int, announced: int
) -> None:
    book = a_book(engine, loans=1)
    policy = book.ctx.policy
    begins = date(2026, 3, from_day)
    newer = [
        replace(ladder, version=ladder.version + 1, effective_from=begins)
        for ladder in policy.ladders
    ]
    known_already = replace(policy, ladders=(*policy.ladders, *newer))
    book.ctx = replace(book.ctx, policy=known_already)
    scan(book)
    book.escalate("L-0")

    assert len(scan(book.at("2026-03-03 10:00"))) == announced


def test_a_quarantined_loan_is_announced_when_the_hour_is_over(engine: Engine) -> None:
    book = a_book(engine, loans=1)
    with engine.begin() as connection:
        # An amount nobody can reckon with.
        connection.execute(
            text("ALTER TABLE instalment DROP CONSTRAINT instalment_fees_not_overpaid")
        )
        connection.execute(text("UPDATE instalment SET fees = 'NaN'"))
    assert book.escalate("L-0").failed == 1

    assert scan(book.at("2026-03-02 10:59")) == []
    assert scan(book.at("2026-03-02 11:01")) == [book.loan_id("L-0")]

    with engine.begin() as connection:
        connection.execute(text("UPDATE instalment SET fees = 0"))
    assert book.escalate("L-0").reviewed == 1
    assert book.one(loan).quarantined_until is None


def test_a_policy_that_changes_after_the_days_first_scan_is_followed_the_same_day(
    engine: Engine,
) -> None:
    book = a_book(engine, loans=1)
    scan(book)
    book.escalate("L-0")
    with engine.begin() as connection:
        connection.execute(update(scan_run).values(policy_digest="what it said this morning"))
    book.clock.at += book.ctx.settings.lease + timedelta(seconds=1)

    assert len(scan(book)) == 1
    book.escalate("L-0")
    book.clock.at += book.ctx.settings.lease + timedelta(seconds=1)
    assert scan(book) == [], "it is followed once"


@pytest.mark.parametrize(
    ("setting", "due", "size"),
    [
        ("auto", 0, 1),
        ("auto", 2_000, 1),
        ("auto", 2_001, 11),
        ("auto", 50_000, 250),
        ("auto", 10_000_000, 500),
        (7, 10_000_000, 7),
    ],
)
def test_the_envelope_grows_by_itself(setting: int | str, due: int, size: int) -> None:
    assert envelope_size(setting, due) == size


def test_a_scan_costs_the_same_statements_however_much_is_due(engine: Engine) -> None:
    few, many = a_book(engine, loans=1), 40
    with statements(engine) as for_few:
        scan(few)
    for n in range(many):
        few.loan(f"M-{n}", due_on="2026-03-01")
    with statements(engine) as for_many:
        scan(few)

    assert len(for_many) <= len(for_few) <= 10


def test_the_scan_looks_its_loans_up_and_never_reads_the_whole_book(engine: Engine) -> None:
    book = a_book(engine, loans=3)
    with engine.begin() as connection:
        connection.execute(MANY_LOANS, {"borrower_id": book.rows(loan)[0].borrower_id})
        connection.execute(text("ANALYZE loan"))
    with sent_with_values(engine) as sent:
        scan(book)

    finds = [statement for statement in sent if statement[0].startswith("SELECT due.review_on")]
    assert finds
    for statement, values in finds:
        with engine.connect() as connection:
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars())
        assert "Index Only Scan using loan_review_idx" in plan, plan
        assert "Seq Scan on loan" not in plan, plan


MANY_LOANS = text("""
INSERT INTO loan (external_id, borrower_id, jurisdiction, product, currency, review_on, updated_at)
SELECT 'M-' || n, :borrower_id, 'CN', 'consumer_loan', 'CNY',
       CASE WHEN n % 10 = 0 THEN date '2026-03-01' ELSE date '2027-01-01' END, now()
  FROM generate_series(1, 50000) AS n
""")


@contextmanager
def sent_with_values(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements sent while the block runs, with their values."""
    sent: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        sent.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_full_queue_is_left_alone_and_the_next_scan_goes_on(engine: Engine) -> None:
    book = a_book(engine)
    announced: list[Envelope] = []

    scan_portfolio(book.ctx, announced.extend, waiting=QUEUE_HOLDS)
    assert announced == []
    assert book.one(scan_run).finished_at is None

    assert len(scan(book)) == 5


def test_planned_actions_are_announced_once_and_again_when_that_was_lost(engine: Engine) -> None:
    book = a_book(engine, loans=2)
    book.escalate("L-0", "L-1")
    announced: list[int] = []

    def wake(waiting: int = 0) -> int:
        return dispatch_due_actions(book.ctx, SEND_SMS, announced.extend, waiting)

    assert wake(waiting=QUEUE_HOLDS) == 0, "the queue is full"
    assert wake(waiting=QUEUE_HOLDS - 1) == 1, "there is room for one"
    assert wake() == 1
    assert wake() == 0
    assert set(announced) == {book.action_id(name, "text_day_1") for name in ("L-0", "L-1")}

    book.clock.at += book.ctx.settings.lease + timedelta(seconds=1)
    assert wake() == 2
