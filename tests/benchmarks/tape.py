# ruff: noqa: S608 - the only names in these statements are of our own tables
"""How long does a tape take, against PostgreSQL doing what it cannot do without?

Loans of twelve instalments come in, come again, and come with one loan in twenty changed. `COPY` of
the file into a table of text is the least that reading it takes; the finished rows, inserted by
PostgreSQL alone with their constraints, are the least that storing them takes.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from config.readers.tape_mapping_reader import load_mapping
from tests.benchmarks.figures import Figure, Target, expect, rates, ratios
from tests.benchmarks.measuring import note, peak_memory
from tests.benchmarks.places import Places, run_outside_transactions
from tests.benchmarks.sizes import Size
from tests.support.databases import new_database
from workers.context import Context
from workers.db.migrate import upgrade
from workers.tapes.import_tape import ImportReport, import_tape

FIRST_DAY = date(2026, 2, 28)
CHANGED = 20
"""One loan in so many."""
INSTALMENTS = 12
COLUMNS = (
    "loan,borrower,name,phone,address,locale,region,zones,jurisdiction,product,currency,"
    "instalments,paid_total,steps_tried"
)
TABLES = (
    *("person", "contact_point", "borrower", "borrower_number", "loan", "instalment"),
    *("tape_import", "tape_change", "tape_row"),
)
"""What the first import fills, in an order in which it can be inserted."""

TARGETS = {
    "tape_first_vs_insert": Target(0.2, at_least=True),
    "tape_unchanged_vs_copy": Target(0.1, at_least=True),
    "tape_changed_vs_copy": Target(0.04, at_least=True),
}


@dataclass(frozen=True, slots=True)
class Took:
    """What one piece of work took."""

    seconds: float
    of_processors: float
    """Seconds of processors, of this process, its children and the server: on a machine that others
    use too, they say more."""


def measure(places: Places, size: Size) -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="arrears-bench-") as name,
        new_database(places.server_url) as url,
    ):
        address, folder = url.render_as_string(hide_password=False), Path(name)
        upgrade(address)
        first, changed = folder / "first.csv", folder / "changed.csv"
        write_tape(first, size.tape_loans)
        write_tape(changed, size.tape_loans, changed=CHANGED)
        with places.ctx(address) as ctx, _locks(ctx.engine) as longest:
            took = _imports(ctx, size, first, changed)
        took["COPY"] = _took(address, "COPY of the file", lambda: _copy(address, first))
        took["INSERT"] = _insert(places, address, folder)
    compared = {
        "first import against INSERT of the finished rows": ("INSERT", "first", "first_vs_insert"),
        "the same tape again against COPY of the file": ("COPY", "again", "unchanged_vs_copy"),
        "one loan in twenty changed against COPY of the file": (
            *("COPY", "changed", "changed_vs_copy"),
        ),
    }
    figures = []
    for what, (over, under, key) in compared.items():
        key = f"tape_{key}"
        seconds = [took[over].seconds], [took[under].seconds]
        figures.append(ratios(what, *seconds, TARGETS[key], key=key))
        of_processors = [took[over].of_processors], [took[under].of_processors]
        figures.append(ratios(f"{what}, in seconds of processors", *of_processors))
    return [
        *figures,
        *(rates(f"tape, {n}", "loans/s", size.tape_loans, [t.seconds]) for n, t in took.items()),
        Figure("longest time that a loan was locked", "s", (max(longest),), Target(1, False)),
        Figure("most memory of an import", "MB", (peak_memory(),)),
    ]


def write_tape(path: Path, loans: int, *, changed: int = 0) -> None:
    """A tape of made-up loans. Every tenth is the second one of its borrower; with `changed`, more
    is paid of one in so many."""
    with path.open("w") as tape:
        tape.write(COLUMNS + "\n")
        for n in range(1, loans + 1):
            tape.write(_row(n, more=10 if changed and n % changed == 0 else 0))


def _row(n: int, more: int) -> str:
    of = n - (n % 10 == 0)
    first, day = 8 + n % 3, 1 + n % 28
    due = [(400 + n % 97 + i, 30 - i) for i in range(INSTALMENTS)]
    months = [(2025 + (first + i - 1) // 12, (first + i - 1) % 12 + 1) for i in range(INSTALMENTS)]
    schedule = "; ".join(
        f"{year}-{month:02}-{day:02} {principal}.{n % 100:02} {interest}.50"
        for (year, month), (principal, interest) in zip(months, due, strict=True)
    )
    paid = sum(p + n % 100 / 100 + i + 0.5 for p, i in due[: 4 + 2 * (n % 20 > 0)]) + more
    return (
        f"L-{n},C-{of},Example {of},138{of:08},{of} Example Road,zh-Hans,,Asia/Shanghai,CN,"
        f"consumer_loan,CNY,{schedule},{paid:.2f},\n"
    )


def _imports(ctx: Context, size: Size, first: Path, changed: Path) -> dict[str, Took]:
    found: dict[str, ImportReport] = {}

    def bring_in(name: str, tape: Path, day: int) -> Took:
        as_of = FIRST_DAY + timedelta(day)

        def work() -> None:
            found[name] = import_tape(ctx, tape, load_mapping("arrears"), as_of=as_of)

        return _took(ctx.settings.database_url, f"import, {name}", work)

    took = {
        "first": bring_in("first", first, 0),
        "again": bring_in("again", first, 1),
        "changed": bring_in("changed", changed, 2),
    }
    loans = size.tape_loans
    expect("loans that the first import changed", found["first"].changed, loans)
    expect("rows that came again", found["again"].unchanged, loans)
    expect("loans that the last import changed", found["changed"].changed, loans // CHANGED)
    return took


def _took(database_url: str, what: str, work: Callable[[], object]) -> Took:
    os.sync()
    server = _server(database_url)
    of_processors, started = _processor_seconds(server), time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    took = Took(seconds, _processor_seconds(server) - of_processors)
    note(f"{what}: {took.seconds:.2f} s, {took.of_processors:.2f} s of processors")
    return took


def _server(database_url: str) -> psutil.Process:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        parent = psutil.Process(pid).parent()
    assert parent
    return parent


def _processor_seconds(server: psutil.Process) -> float:
    """Of this process and its children, and of the server; those that have ended are counted by
    their parents."""
    of_server = server.cpu_times()
    spent = sum(of_server[:4]) + sum(os.times()[:4])
    for child in server.children():
        with suppress(psutil.NoSuchProcess):
            spent += sum(child.cpu_times()[:2])
    return float(spent)


def _copy(database_url: str, tape: Path) -> None:
    run_outside_transactions(database_url, "CREATE TABLE bare (line text)")
    # No line has these marks, so each is one text.
    marks = r"DELIMITER E'\x01', QUOTE E'\x02'"
    _copied(database_url, f"COPY bare FROM STDIN WITH (FORMAT csv, {marks})", tape, "rb")


def _insert(places: Places, database_url: str, folder: Path) -> Took:
    """PostgreSQL alone inserts the rows that the imports wrote, with all that they need."""
    with new_database(places.server_url) as url:
        empty = url.render_as_string(hide_password=False)
        upgrade(empty)
        run_outside_transactions(empty, "CREATE SCHEMA finished")
        for table in TABLES:
            run_outside_transactions(empty, f"CREATE TABLE finished.{table} (LIKE {table})")
            _copied(database_url, f"COPY {table} TO STDOUT", folder / table, "wb")
            _copied(empty, f"COPY finished.{table} FROM STDIN", folder / table, "rb")
        return _took(empty, "INSERT of the finished rows", lambda: _insert_all(empty))


def _copied(database_url: str, statement: str, path: Path, mode: str) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection, path.open(mode) as stream:
        driver: Any = connection.connection.dbapi_connection
        with driver.cursor() as cursor:
            cursor.copy_expert(statement, stream)


def _insert_all(database_url: str) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        for table in TABLES:
            connection.execute(
                text(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM finished.{table}")
            )


@contextmanager
def _locks(engine: Engine) -> Iterator[list[float]]:
    """For how long a transaction has had loans locked, asked fifty times a second."""
    longest = [0.0]
    ended = threading.Event()
    asked = text("""
        SELECT coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)), 0)
          FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
         WHERE l.relation = CAST('loan' AS regclass) AND l.mode = 'RowExclusiveLock'
           AND a.datname = current_database()
    """)

    def watch() -> None:
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            while not ended.wait(0.02):
                longest.append(float(connection.execute(asked).scalar_one()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield longest
    finally:
        ended.set()
        watcher.join()
