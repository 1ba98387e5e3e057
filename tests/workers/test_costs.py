"""What work costs in statements, round trips, WAL and messages may not change unnoticed.

Seconds differ from machine to machine; these figures do not, so the build holds them to
`costs.json`: counts exactly, bytes within TOLERANCE. Where a change is meant, write it anew:

    WRITE_COSTS=1 pytest tests/workers/test_costs.py
"""

import json
import os
import runpy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from celery import Celery
from sqlalchemy import Connection, Engine, event, func, select, text, update

from domain.events import LENDER
from tests.support.counting import statements
from tests.support.encrypted import encrypt_copies
from tests.support.environment import an_environment
from tests.support.loans import ADDRESS, NAME, PHONE, Book
from workers.db.schema import action, contact, loan
from workers.escalation.escalate import escalate_loans
from workers.escalation.scan import Envelope, scan_portfolio
from workers.inbox.apply import apply_events
from workers.inbox.store import store_and_commit
from workers.messaging.broker import KEY_PREFIX
from workers.messaging.publish import announce, for_all
from workers.payments.payments import Payment, payment_payload
from workers.queues import ESCALATE_LOANS, Queue
from workers.sms.send import send_sms

BASELINE = Path(__file__).parent / "costs.json"
WRITE_ANEW = "WRITE_COSTS"  # no ARREARS_: that would be a setting, and an unknown one is refused

TOLERANCE = 0.05
"""By how much of its old value a number of bytes may change: where rows come to lie differs."""

MOST_STATEMENTS = 8
"""Of an envelope, whatever its size, and of a text."""

TURNS = 3
"""How often each piece of work is done, each time with other loans."""

Figures = dict[str, int]

# Copies of loan 1. Each borrower has a number of their own: who shares one shares its opt-outs.
_COPIES = (
    """INSERT INTO person (id, made_at) OVERRIDING SYSTEM VALUE
       SELECT n, made_at FROM person, generate_series(2, :loans) n WHERE id = 1""",
    """INSERT INTO contact_point (blind_index)
       SELECT sha256(int8send(n)) FROM generate_series(2, :loans) n""",
    """INSERT INTO borrower (id, person_id, external_id, name_encrypted, address_encrypted, zones,
                             locale, updated_at)
       OVERRIDING SYSTEM VALUE
       SELECT n, n, 'B-' || n, name_encrypted, address_encrypted, zones, locale, updated_at
         FROM borrower, generate_series(2, :loans) n WHERE id = 1""",
    """INSERT INTO borrower_number (borrower_id, position, contact_point_id, number_encrypted,
                                    tape_field)
       SELECT n, 1, p.id, x.number_encrypted, 1
         FROM borrower_number x, generate_series(2, :loans) n
         JOIN contact_point p ON p.blind_index = sha256(int8send(n))
        WHERE x.borrower_id = 1""",
    """INSERT INTO loan (id, external_id, borrower_id, jurisdiction, product, currency, review_on,
                         updated_at)
       OVERRIDING SYSTEM VALUE
       SELECT n, 'L-' || n, n, jurisdiction, product, currency, review_on, updated_at
         FROM loan, generate_series(2, :loans) n WHERE id = 1""",
    """INSERT INTO instalment (loan_id, due_on, counts_from, principal)
       SELECT n, due_on, counts_from, principal
         FROM instalment, generate_series(2, :loans) n WHERE loan_id = 1""",
)


def a_book(engine: Engine, loans: int) -> Book:
    """Loans that are all one day past due: a text and a call are planned for each of them."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01", amount="1000")
    with engine.begin() as connection:
        for copies in _COPIES:
            connection.execute(text(copies), {"loans": loans})
        encrypt_copies(connection, book.ctx.cipher, name=NAME, address=ADDRESS, number=PHONE["CN"])
    # As on a server that has had a quiet moment, so that plans do not hang on when one comes.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE borrower, loan, instalment"))
    return book


@dataclass(slots=True)
class Meter:
    """What went over to the server and into its log."""

    statements: int = 0
    round_trips: int = 0
    """Statements, and BEGIN and COMMIT or ROLLBACK of each transaction that had any and was not a
    single statement's own."""
    wal: int = 0
    """Bytes."""


@contextmanager
def metered(engine: Engine) -> Iterator[Meter]:
    meter, in_transaction = Meter(), [0]

    def ended(connection: Connection) -> None:
        alone = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
        meter.round_trips += 2 if len(sent) > in_transaction[0] and not alone else 0
        in_transaction[0] = len(sent)

    before = _position_in_the_log(engine)
    event.listen(engine, "commit", ended)
    event.listen(engine, "rollback", ended)
    try:
        with statements(engine) as sent:
            yield meter
    finally:
        event.remove(engine, "commit", ended)
        event.remove(engine, "rollback", ended)
    meter.statements = len(sent)
    meter.round_trips += len(sent)
    meter.wal = _position_in_the_log(engine) - before


def _position_in_the_log(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(
            connection.execute(
                select(func.pg_wal_lsn_diff(func.pg_current_wal_insert_lsn(), "0/0"))
            ).scalar_one()
        )


def cost(
    engine: Engine, work: Callable[[], object], *, loans: int = 1, turns: int = TURNS
) -> Figures:
    """What `work` costs, which takes `loans` other loans each time it is called.

    The lowest of some turns: what the server writes of its own accord, and what it writes only
    every so often, such as a page that is divided, is no cost of the work.
    """
    meters = []
    for _ in range(turns):
        with metered(engine) as meter:
            work()
        meters.append(meter)
    figures = {
        "statements": min(meter.statements for meter in meters),
        "round trips": min(meter.round_trips for meter in meters),
    }
    if _writes_no_whole_pages(engine):
        figures["bytes of WAL a loan"] = min(meter.wal for meter in meters) // loans
    return figures


def _writes_no_whole_pages(engine: Engine) -> bool:
    """Else the log says more about when the last checkpoint was than about the work."""
    with engine.connect() as connection:
        return connection.execute(text("SHOW full_page_writes")).scalar_one() == "off"


def compare(work: str, figures: Figures) -> None:
    """Hold these figures to those on file, or put them there."""
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    if os.environ.get(WRITE_ANEW):
        baseline[work] = figures
        BASELINE.write_text(json.dumps(baseline, indent=2, sort_keys=True) + "\n")
        return
    known = baseline.get(work, {})
    changed = [
        f"{work}, {name}: {known.get(name, 'not on file')} before, {value} now"
        for name, value in figures.items()
        if name not in known or not _as_before(name, known[name], value)
    ]
    assert not changed, "\n".join(
        [*changed, f"If that is meant: {WRITE_ANEW}=1 pytest tests/workers/{Path(__file__).name}"]
    )


def _as_before(name: str, before: int, now: int) -> bool:
    leeway = TOLERANCE * before if name.startswith("bytes") else 0
    return abs(now - before) <= leeway


def envelopes(size: int, first: int = 1) -> Iterator[Sequence[int]]:
    """Loans by their ids, so many at a time, each loan once."""
    return (range(start, start + size) for start in count(first, size))


WARMING_UP = 5
"""Loans that are looked at before any is counted, so that no table and no index is new."""


@pytest.mark.parametrize("size", [1, 25, 250])
def test_an_envelope_costs_what_it_did(engine: Engine, size: int) -> None:
    book = a_book(engine, WARMING_UP + TURNS * size)
    escalate_loans(book.ctx, range(1, WARMING_UP + 1))
    one, again = envelopes(size, WARMING_UP + 1), envelopes(size, WARMING_UP + 1)
    loans = f"{size} loan{'s' if size > 1 else ''}"

    first_day = cost(engine, lambda: escalate_loans(book.ctx, list(next(one))), loans=size)
    assert len(book.rows(action)) == 2 * (WARMING_UP + TURNS * size), "each plans two actions"

    book.at("2026-03-02 11:00")
    with engine.begin() as connection:
        connection.execute(update(loan).values(review_on=book.ctx.today()))
    no_pending_event = cost(engine, lambda: escalate_loans(book.ctx, list(next(again))), loans=size)
    assert len(book.rows(action)) == 2 * (WARMING_UP + TURNS * size), "nothing changed"

    assert first_day["statements"] <= MOST_STATEMENTS
    assert no_pending_event["statements"] <= MOST_STATEMENTS
    compare(f"an envelope of {loans}, their first day past due", first_day)
    compare(f"an envelope of {loans}, looked at again without news", no_pending_event)


def test_a_text_costs_what_it_did(engine: Engine) -> None:
    loans = 20
    book = a_book(engine, loans)
    escalate_loans(book.ctx, range(1, loans + 1))
    of_texts = select(action.c.id).where(action.c.item == "text_day_1").order_by(action.c.id)
    texts = iter([row.id for row in book.rows(of_texts)])

    def send() -> None:
        assert send_sms(book.ctx, next(texts)) == "accepted"

    for _ in range(WARMING_UP):
        send()
    figures = cost(engine, send, turns=loans - WARMING_UP)

    assert figures["statements"] <= MOST_STATEMENTS
    compare("a text, from its claim to its record", figures)


def test_a_text_about_three_loans_costs_what_it_did(engine: Engine) -> None:
    loans, each = 60, 3
    book = a_book(engine, loans)
    with engine.begin() as connection:
        of_first = loan.c.id - (loan.c.id - 1) % each
        connection.execute(update(loan).values(borrower_id=of_first))
    escalate_loans(book.ctx, range(1, loans + 1))
    of_texts = (
        select(action.c.id)
        .where(action.c.item == "text_day_1", (action.c.loan_id - 1) % each == 0)
        .order_by(action.c.id)
    )
    texts = iter([row.id for row in book.rows(of_texts)])

    def send() -> None:
        assert send_sms(book.ctx, next(texts)) == "accepted"

    for _ in range(WARMING_UP):
        send()
    figures = cost(engine, send, turns=loans // each - WARMING_UP)

    assert figures["statements"] <= MOST_STATEMENTS
    assert book.actions(f"L-{loans}")["text_day_1"] == "done", "it went with another's"
    compare("a text about three loans of a person, from its claim to its record", figures)


@pytest.mark.parametrize("loans", [3, 600])
def test_a_person_gets_one_text_in_as_many_statements_for_however_many_loans(
    engine: Engine, loans: int
) -> None:
    book = a_book(engine, loans)
    with engine.begin() as connection:
        connection.execute(update(loan).values(borrower_id=1))
    escalate_loans(book.ctx, range(1, loans + 1))
    first = book.action_id("L-1", "text_day_1")
    with statements(engine) as sent:
        assert send_sms(book.ctx, first) == "accepted"
    assert len([each for each in sent if not each.startswith("PREPARE")]) <= MOST_STATEMENTS
    of_item = select(action.c.status).where(action.c.item == "text_day_1")
    assert {row.status for row in book.rows(of_item)} == {"done"}
    assert [row.part_of for row in book.rows(contact)].count(None) == 1


def test_a_payment_that_calls_off_what_was_planned_costs_what_it_did(engine: Engine) -> None:
    loans = 20
    book = a_book(engine, loans)
    escalate_loans(book.ctx, range(1, loans + 1))
    numbers = iter(range(1, loans + 1))

    def pay() -> None:
        n = next(numbers)
        paid = Payment(f"P-{n}", f"L-{n}", Decimal(1000), "CNY", book.ctx.today())
        payload = payment_payload(paid)
        stored = store_and_commit(
            book.ctx, f"P-{n}", "payment", payload, book.ctx.now(), sender=LENDER
        )
        [settled] = apply_events(book.ctx, [stored])
        assert settled.status == "applied"

    for _ in range(WARMING_UP):
        pay()
    figures = cost(engine, pay, turns=loans - WARMING_UP)

    assert {row.status for row in book.rows(action)} == {"cancelled"}
    compare("a payment that pays all and calls off two actions", figures)


@pytest.mark.parametrize(("setting", "messages"), [("auto", 2_000), (25, 80)])
def test_a_scan_that_announces_2000_loans_costs_what_it_did(
    engine: Engine,
    broker_url: str,
    monkeypatch: pytest.MonkeyPatch,
    setting: int | str,
    messages: int,
) -> None:
    loans = 2_000
    book = a_book(engine, loans)
    settings = book.ctx.settings.model_copy(update={"envelope": setting})
    book.ctx = replace(book.ctx, settings=settings)
    app = the_application(broker_url, monkeypatch)

    def scan() -> None:
        def publish(envelopes: list[Envelope]) -> None:
            announce(
                app, ESCALATE_LOANS, (for_all(each.loan_ids, each.names) for each in envelopes)
            )

        done = scan_portfolio(book.ctx, publish)
        assert (done.loans, done.envelopes) == (loans, messages)

    figures = cost(engine, scan, loans=loans, turns=1)
    figures.pop("bytes of WAL a loan", None)  # a scan writes nothing to the loans: less than one
    with redis.Redis.from_url(broker_url) as client:
        published = client.lrange(f"{KEY_PREFIX}{Queue.ESCALATE}", 0, -1)
    app.close()
    sizes = [size_without_its_origin(message) for message in published]
    figures["messages"] = len(sizes)
    figures["bytes a message in the broker"] = sum(sizes) // len(sizes)
    figures["bytes a loan in the broker"] = sum(sizes) // loans
    compare(f"a scan that announces {loans:,} loans in {messages:,} messages", figures)


def the_application(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Celery:
    """One that is set up as the house's own, which no other test finds configured."""
    for name, value in an_environment(redis_url=broker_url).items():
        monkeypatch.setenv(name, value)
    app = Celery("arrears", set_as_current=False)
    app.config_from_object(SimpleNamespace(**runpy.run_module("workers.celeryconfig")))
    return app


def size_without_its_origin(message: bytes) -> int:
    """In bytes. The name of the machine and the number of the process are no cost of ours."""
    return len(message) - len(json.loads(message)["headers"]["origin"])
