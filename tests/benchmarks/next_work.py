"""How long does a collector wait for the next piece of work, while a day is scanned beside it?

Requests come at fixed moments, whether those before were answered or not, and each is timed from
the moment at which it came. All of it is real, without the network: the candidates are read and
put in order, the gate is asked about the first of them, and one is leased.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from statistics import quantiles

from sqlalchemy import delete, text

from domain.actors import Actor
from tests.benchmarks.book import a_book, decide, due_ids, vacuum_and_flush
from tests.benchmarks.figures import Figure, Target, expect
from tests.benchmarks.measuring import note
from tests.benchmarks.places import Places
from tests.benchmarks.scans import keep_quiet
from tests.benchmarks.sizes import Size
from tests.support.acting import acting
from workers.context import Context
from workers.db.engine import connect
from workers.db.schema import announcement, scan_run
from workers.escalation.scan import scan_portfolio
from workers.http.doors import Door
from workers.staff.next_work import ServedWork, next_for
from workers.staff.served_leases import release

COLLECTORS, CALLS_EACH = 100, 60
A_SECOND = 20
SECONDS = {"small": 10, "full": 60}
BURST = 100
CONNECTIONS = Door.DESK.connections
"""For the burst: as many as people at the desk have; whoever finds none waits."""
SENDERS = 32

_STAFF = text("""
INSERT INTO staff (external_id, roles, languages, daily_capacity, trained_on)
SELECT 'C-' || n, '{caller}', '{en}', 1000, :today FROM generate_series(1, :collectors) n
""")
_SHIFTS = text("""
INSERT INTO shift (staff_id, starts_at, ends_at) SELECT id, :starts_at, :ends_at FROM staff
""")
_PLANNED = text("""
UPDATE action SET status = 'assigned'
 WHERE type = 'assign_call' AND status IN ('planned', 'deferred')
""")
# A call for each loan, beside what its ladder planned. Its item is the first call of the ladder.
_ACTIONS = text("""
INSERT INTO action (loan_id, decision_id, ladder_since, step, item, type, ladder_id, ladder_version,
                    status, due_at, changed_at)
SELECT d.loan_id, d.id, d.ladder_since, :step, :item, 'assign_call', d.ladder_id, d.ladder_version,
       'assigned', :now, :now
  FROM decision d WHERE d.ladder_since IS NOT NULL
    ON CONFLICT DO NOTHING
""")
_CALLS = text("""
INSERT INTO call (loan_id, action_id, staff_id, purpose, language, assigned_at)
SELECT a.loan_id, a.id, 1 + (row_number() OVER (ORDER BY a.id) - 1) % :collectors, 'collect', 'en',
       :now
  FROM action a WHERE a.status = 'assigned' AND a.type = 'assign_call'
""")


def measure(places: Places, size: Size) -> list[Figure]:
    calls = COLLECTORS * CALLS_EACH
    with a_book(places, size.fewer_loans, calls) as ctx:
        _assign(ctx, calls)
        collectors = [acting(ctx, Actor(f"C-{n}")) for n in range(1, COLLECTORS + 1)]
        served(collectors[0])  # what a process does once
        alone = _at_a_rate(collectors, SECONDS[size.name])
        with _scanning(places, ctx):
            beside = _at_a_rate(collectors, SECONDS[size.name])
        burst = _burst(places, ctx)
    percentiles, quiet = quantiles(beside, n=100), quantiles(alone, n=100)
    return [
        Figure(
            f"next work, {A_SECOND} a second beside a scan, 99th percentile",
            "ms",
            (percentiles[98],),
            Target(100, at_least=False),
            key="next_p99_ms",
        ),
        Figure("the same, half of them", "ms", (percentiles[49],)),
        Figure("the same without a scan, 99th percentile", "ms", (quiet[98],)),
        Figure(
            f"a burst of {BURST} collectors who ask at once, all served after",
            "s",
            (burst,),
            Target(3, at_least=False),
            key="next_burst_seconds",
        ),
    ]


def _assign(ctx: Context, calls: int) -> None:
    note(f"assigning {calls:,} calls to {COLLECTORS} collectors")
    decide(ctx, due_ids(ctx))
    ladder = ctx.policy.ladders
    newest = max((each for each in ladder if each.currency == "USD"), key=lambda each: each.version)
    step, item = next((s, i) for s, i in newest.items if i.do == "assign_call")
    now = ctx.now()
    with ctx.engine.begin() as connection:
        connection.execute(_STAFF, {"today": ctx.today(), "collectors": COLLECTORS})
        connection.execute(
            _SHIFTS,
            {"starts_at": now - timedelta(hours=4), "ends_at": now + timedelta(hours=4)},
        )
        values = {"step": step.id, "item": item.id, "now": now}
        connection.execute(_PLANNED)
        connection.execute(_ACTIONS, values)
        made = connection.execute(_CALLS, {"now": now, "collectors": COLLECTORS}).rowcount
    expect("calls assigned at least", made >= calls // 2, True)
    vacuum_and_flush(ctx.settings.database_url, "action, call, decision, staff, shift")


def served(collector: Context) -> int:
    work = next_for(collector)
    expect("work that is served", isinstance(work, ServedWork), True)
    assert isinstance(work, ServedWork)
    assert work.lease is not None
    return work.lease


def _at_a_rate(collectors: list[Context], seconds: int) -> list[float]:
    """Milliseconds from the moment at which each request came until it was answered."""
    note(f"{A_SECOND} requests a second for {seconds} s")
    took: list[float] = []
    busy = [threading.Lock() for _ in collectors]
    start = time.perf_counter() + 0.5

    def ask(nr: int) -> None:
        came = start + nr / A_SECOND
        who = nr % len(collectors)
        with busy[who]:
            lease = served(collectors[who])
            took.append(1000 * (time.perf_counter() - came))
            release(collectors[who], lease)

    with ThreadPoolExecutor(SENDERS) as pool:
        asked = []
        for nr in range(A_SECOND * seconds):
            time.sleep(max(0.0, start + nr / A_SECOND - time.perf_counter()))
            asked.append(pool.submit(ask, nr))
        for each in asked:
            each.result()
    return took


def _burst(places: Places, ctx: Context) -> float:
    """Seconds until all who ask at one moment are served, each something else."""
    engine = connect(ctx.settings.database_url, pool_size=CONNECTIONS)
    with places.ctx(ctx.settings.database_url) as other:
        object.__setattr__(other, "engine", engine)
        start = threading.Barrier(BURST)

        def ask(nr: int) -> tuple[int, float]:
            collector = acting(other, Actor(f"C-{nr}"))
            start.wait()
            began = time.perf_counter()
            return served(collector), time.perf_counter() - began

        with ThreadPoolExecutor(BURST) as pool:
            done = list(pool.map(ask, range(1, BURST + 1)))
        expect("different pieces of work", len({lease for lease, _ in done}), BURST)
    engine.dispose()
    return max(took for _, took in done)


@contextmanager
def _scanning(places: Places, ctx: Context) -> Iterator[None]:
    """Scans of the day, one after the other, in another process."""
    spawned = get_context("spawn")
    stop, ready = spawned.Event(), spawned.Event()
    arguments = (dict(places.environment), ctx.settings.database_url, ready, stop)
    process = spawned.Process(target=_scan_until, args=arguments)
    process.start()
    try:
        expect("a scan that runs", ready.wait(120), True)
        yield
    finally:
        stop.set()
        process.join(60)
        process.kill()


def _scan_until(environment: dict[str, str], database_url: str, ready: Event, stop: Event) -> None:
    with Places(environment).ctx(database_url) as ctx:
        scan = partial(scan_portfolio, ctx, keep_quiet)
        while not stop.is_set():
            with ctx.engine.begin() as connection:
                connection.execute(delete(announcement))
                connection.execute(delete(scan_run))
            scan()
            ready.set()
