"""How long after a payment is reported is every planned contact cancelled, while a day is decided?

Real processes: the webhook server, workers for events, workers that decide, and a sender that does
not wait for one answer before the next event. What is measured ends when the cancellation can be
seen by others: its transaction has ended.
"""

import json
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles

from sqlalchemy import Row, text

from domain.events import LENDER
from domain.permissions import Permission
from tests.benchmarks.book import a_book, decide
from tests.benchmarks.days import GIVE_UP_AFTER, deciders, serving
from tests.benchmarks.figures import Figure, Target, expect
from tests.benchmarks.measuring import note, uninterrupted
from tests.benchmarks.places import Places
from tests.benchmarks.scans import publish
from tests.benchmarks.sizes import Size
from tests.support.commands import eventually, running
from tests.support.lender import SECRET, an_event, signed
from tests.support.processes import happens
from workers.access.machines import allow_machine
from workers.context import Context
from workers.escalation.scan import scan_portfolio
from workers.queues import Queue
from workers.simulator.servers.environment import LOOPBACK, free_port

A_SECOND = 200
SECONDS = {"small": 5, "full": 20}
SENDERS = 16
EACH = "payment to cancelled"
FIRST = 100
"""Payments that are not counted, before the day begins."""
SOON = Target(100, at_least=False)

# Loans that are due, and what would bring each of them up to date.
_PAST_DUE = text("""
SELECT l.id, l.external_id, l.currency,
       sum(i.principal + i.interest + i.fees - i.paid_principal - i.paid_interest - i.paid_fees)
           AS amount
  FROM loan l JOIN instalment i ON i.loan_id = l.id AND i.due_on < :today
 WHERE l.review_on <= :today
 GROUP BY l.id ORDER BY l.id LIMIT :limit
""")
_WAITING = ("planned", "deferred", "awaiting_approval", "failed")
_PAYABLE = text("SELECT DISTINCT loan_id FROM action WHERE status = ANY(:waiting)")
_APPLIED = text("SELECT count(*) FROM inbox_event WHERE status = 'applied'")
# PostgreSQL notes when a transaction ended: from then on everybody can see what it cancelled.
_CANCELLED = text("""
SELECT a.loan_id, extract(epoch FROM max(pg_xact_commit_timestamp(e.xmin)))::float AS at
  FROM action_event e JOIN action a ON a.id = e.action_id
 WHERE e.to_status = 'cancelled' GROUP BY a.loan_id
""")
_DAY_DONE = text("""
SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin)))::float FROM decision
""")
_INSIDE = text("""
SELECT 1000 * extract(epoch FROM completed_at - received_at)::float
  FROM inbox_event WHERE status = 'applied' ORDER BY id OFFSET :first
""")
_STILL_WAITING = text("""
SELECT count(*) FROM action WHERE loan_id = ANY(:loans) AND status = ANY(:waiting)
""")


def measure(places: Places, size: Size) -> list[Figure]:
    there = Places({**places.environment, "ARREARS_EVENTS_IN_SECRETS": SECRET})
    events = A_SECOND * SECONDS[size.name] + FIRST
    with a_book(there, size.loans, size.due) as ctx, _at_work(there, ctx) as port:
        allow_machine(ctx, LENDER, [Permission.RECORD_PAYMENTS], calls_a_minute=100 * A_SECOND)
        paid = _decided_ahead(ctx, events)
        sent, took = _pay_while_a_day_is_decided(ctx, paid, port)
        with ctx.engine.connect() as connection:
            cancelled_at = {row.loan_id: row.at for row in connection.execute(_CANCELLED)}
            inside = list(connection.execute(_INSIDE, {"first": FIRST}).scalars())
            day_done = connection.execute(_DAY_DONE).scalar_one()
    expect("loans whose contacts were cancelled", len(cancelled_at.keys() & sent.keys()), len(sent))
    # Those that came after the day was decided met an idle machine: they do not count.
    milliseconds = [
        (cancelled_at[loan_id] - at) * 1000 for loan_id, at in sent.items() if at < day_done
    ]
    expect("payments with contacts cancelled before they were sent", min(milliseconds) < 0, False)
    until, within = quantiles(milliseconds, n=100), quantiles(inside, n=100)
    return [
        Figure(
            f"payment to cancelled, 99th percentile, {A_SECOND} events a second",
            "ms",
            (until[98],),
            SOON,
            key="payment_cancel_p99_ms",
        ),
        Figure("payment to cancelled, each", "ms", tuple(milliseconds), curve=EACH),
        *(
            Figure(f"of it from stored to applied, {nth}th percentile", "ms", (within[nth - 1],))
            for nth in (50, 99)
        ),
        Figure("of it while the day was decided", "payments", (len(milliseconds),)),
        Figure("events a second, sent and applied", "events/s", (len(sent) / took,)),
    ]


@contextmanager
def _at_work(places: Places, ctx: Context) -> Iterator[int]:
    """The processes that an installation has, as far as they matter here; the webhook's port."""
    places.broker().flushall()
    environment = places.at(ctx.settings.database_url)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="arrears-bench-")))
        port = free_port()
        web = running(
            "webhook", f"--port={port}", environment=environment, log=folder / "webhook.log"
        )
        server = stack.enter_context(web)
        stack.enter_context(serving(places, ctx, Queue.EVENTS, 2, folder))
        stack.enter_context(deciders(places, ctx, 2, folder))
        eventually("the webhook listens", lambda: "startup complete" in server.output)
        yield port


def _decided_ahead(ctx: Context, events: int) -> Sequence[Row[tuple[int, str, str, int]]]:
    """Loans with work that waits, and what pays all that is past due of them."""
    with ctx.engine.connect() as connection:
        rows = connection.execute(
            _PAST_DUE, {"today": ctx.today(), "limit": events + events // 2}
        ).all()
    decide(ctx, [row.id for row in rows])
    with ctx.engine.connect() as connection:
        payable = set(connection.execute(_PAYABLE, {"waiting": list(_WAITING)}).scalars())
    paid = [row for row in rows if row.id in payable][:events]
    expect("loans with work that waits", len(paid), events)
    return paid


@dataclass(frozen=True, slots=True)
class _Letter:
    loan_id: int
    body: bytes
    headers: dict[str, str]


def _letter(row: Row[tuple[int, str, str, int]], at: datetime) -> _Letter:
    event = an_event(
        payment=f"P-{row.id}",
        loan=row.external_id,
        amount=f"{row.amount:.2f}",
        currency=row.currency,
        paid_on=at.date().isoformat(),
    )
    body = json.dumps(event).encode()
    return _Letter(row.id, body, signed(body, at.astimezone(UTC), id=f"evt_{row.id}"))


def _pay_while_a_day_is_decided(
    ctx: Context, paid: Sequence[Row[tuple[int, str, str, int]]], port: int
) -> tuple[dict[int, float], float]:
    """When each payment was to be sent, by loan; and the seconds until all were applied."""
    letters = [_letter(row, ctx.now()) for row in paid]
    local = threading.local()

    def post(letter: _Letter) -> None:
        # As bare as can be: whoever sends stands for the lender's systems, on machines of theirs.
        if not hasattr(local, "line"):
            local.line = HTTPConnection(LOOPBACK, port, timeout=30)
        local.line.request("POST", "/events", letter.body, letter.headers)
        with local.line.getresponse() as answer:
            answer.read()
            expect("answer to an event", answer.status, 202)

    def post_in_time(some: Sequence[_Letter]) -> dict[int, float]:
        """When each was to be sent, by loan: a sender that is late is late for the borrower too."""
        with ThreadPoolExecutor(SENDERS) as senders, uninterrupted():
            started = time.time()
            to_be_sent = {letter.loan_id: started + n / A_SECOND for n, letter in enumerate(some)}
            answers = []
            for letter in some:
                time.sleep(max(0.0, to_be_sent[letter.loan_id] - time.time()))
                answers.append(senders.submit(post, letter))
            for answer in answers:
                answer.result(timeout=60)
        return to_be_sent

    # The first of a day find processes that have yet to open the book.
    post_in_time(letters[:FIRST])
    _until_applied(ctx, FIRST)
    note("a day begins, and payments come in")
    scan_portfolio(ctx, publish)
    started = time.time()
    sent = post_in_time(letters[FIRST:])
    _until_applied(ctx, len(letters))
    took = time.time() - started
    waits = {"loans": list(sent), "waiting": list(_WAITING)}
    with ctx.engine.connect() as connection:
        expect("work still waiting", connection.execute(_STILL_WAITING, waits).scalar_one(), 0)
    return sent, took


def _until_applied(ctx: Context, many: int) -> None:
    """Wait until so many events are applied."""

    def applied() -> bool:
        with ctx.engine.connect() as connection:
            return int(connection.execute(_APPLIED).scalar_one()) >= many

    happens(applied, within=GIVE_UP_AFTER)
