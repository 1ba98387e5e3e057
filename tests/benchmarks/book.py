"""A loan book of any size, as it stands on the first day, loaded with COPY.

Amounts and states are those of the sample tape, days past due are spread as on the whole tape that
it was taken from (config/samples/README.md). Who is due is spread evenly over the book. The same
numbers always give the same book.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from struct import pack
from typing import Any

from sqlalchemy import Connection, create_engine, select, text
from sqlalchemy.pool import NullPool

import config
from config.readers.regions import load_regions
from domain.actions import SEND_SMS, ActionStatus
from tests.benchmarks.figures import expect
from tests.benchmarks.measuring import note
from tests.benchmarks.places import Places, run_outside_transactions
from tests.support.databases import new_database
from tests.support.loans import ADDRESS, NAME, PHONE, PRODUCT
from workers.context import Context
from workers.db.copy import copy_rows
from workers.db.encryption import Cipher
from workers.db.migrate import upgrade
from workers.db.places import place_of_address, place_of_name, place_of_number
from workers.db.schema import action, loan
from workers.escalation.escalate import escalate_loans
from workers.escalation.scan import LARGEST_ENVELOPE

SAMPLE = Path(config.__file__).parent / "samples" / "lending_club_sample.csv"
BATCH_SIZE = 100_000

# The tape's loans that are behind: 67 in 178 are 1 to 15 days past due, 38 are 16 to 30, 66 are 31
# to 120, and 7 more than that. Of those that are not, one in 22 is paid off.
_LOANS = text("""
CREATE TEMP TABLE new_loan ON COMMIT DROP AS
SELECT n, e.*,
       CASE WHEN behind THEN
            CASE WHEN due_nr % 178 < 67 THEN 1 + due_nr % 15
                 WHEN due_nr % 178 < 105 THEN 16 + due_nr % 15
                 WHEN due_nr % 178 < 171 THEN 31 + due_nr % 90
                 ELSE 121 + due_nr % 120 END
       END::int AS days_past_due,
       NOT behind AND n % 22 = 0 AS paid_off
  FROM generate_series(CAST(:first AS bigint), :last) n
 CROSS JOIN LATERAL (SELECT n * :due / :loans AS due_nr,
                            n * :due / :loans > (n - 1) * :due / :loans AS behind) d
  JOIN (SELECT row_number() OVER () - 1 AS nr, *
          FROM unnest(CAST(:regions AS text[]), CAST(:jurisdictions AS text[]),
                      CAST(:zones AS text[]), CAST(:amounts AS numeric[]))
               AS t(region, jurisdiction, zones, amount)) e ON e.nr = n % :examples
""")

# What is the same for all of them.
_GIVEN = text("""
CREATE TEMP TABLE given ON COMMIT DROP AS
SELECT CAST(:loans AS bigint) AS loans, CAST(:today AS date) AS today,
       CAST(:now AS timestamptz) AS now, CAST(:product AS text) AS product
""")

_PERSONS = "SELECT n AS id, now AS made_at FROM new_loan CROSS JOIN given ORDER BY n"

_NUMBERS = "SELECT n AS id, blind_index FROM encrypted_of ORDER BY n"

# All have the same name, address and number, encrypted for their own row: a value opens nowhere
# else. What stands for the number is everybody's own, for whoever shares a number shares its
# opt-outs; the newest borrower's is the real one, for a worker looks at it before it starts.
_ENCRYPTED = text("""
CREATE TEMP TABLE encrypted_of (n bigint PRIMARY KEY, name bytea, address bytea, phone bytea,
                                blind_index bytea) ON COMMIT DROP
""")

_BORROWERS = """
SELECT n AS id, n AS person_id, 'B-' || n AS external_id, name AS name_encrypted,
       address AS address_encrypted, string_to_array(zones, ' ') AS zones, 'en' AS locale, region,
       now AS updated_at
  FROM new_loan CROSS JOIN given JOIN encrypted_of USING (n)
 ORDER BY n
"""

_NUMBERS_OF_BORROWERS = """
SELECT n AS id, n AS borrower_id, 1 AS position, n AS contact_point_id, phone AS number_encrypted,
       1 AS tape_field
  FROM encrypted_of
 ORDER BY n
"""

# Review dates as Arrears sets them when a tape comes in: a loan past due is reviewed today, the
# others on the day after their next instalment falls due, and those paid off never.
_POSITIONS = """
SELECT n AS id, 'L-' || n AS external_id, n AS borrower_id, jurisdiction, product,
       'USD' AS currency, today - days_past_due AS delinquent_since,
       today - days_past_due AS ladder_since,
       CASE WHEN paid_off THEN NULL
            WHEN days_past_due IS NOT NULL THEN today
            ELSE today + 1 + (n % 30)::int END AS review_on,
       CASE WHEN days_past_due >= 60 THEN '{remind,enquire,visit}'::text[] ELSE '{}' END
           AS steps_tried,
       CASE WHEN days_past_due >= 60 THEN today - days_past_due END AS steps_tried_at,
       now AS updated_at
  FROM new_loan CROSS JOIN given
 ORDER BY n
"""

# Every thirty days: the last one that was paid, those that were not, and one to come.
_INSTALMENTS = """
SELECT n AS loan_id, first_unpaid + 30 * i AS due_on, first_unpaid + 30 * i AS counts_from,
       amount - interest AS principal, interest,
       CASE WHEN i < 0 THEN amount - interest ELSE 0 END AS paid_principal,
       CASE WHEN i < 0 THEN interest ELSE 0 END AS paid_interest
  FROM new_loan CROSS JOIN given
 CROSS JOIN LATERAL (SELECT today + coalesce(-days_past_due, (n % 30)::int) AS first_unpaid,
                            round(amount * 0.3, 2) AS interest,
                            CASE WHEN paid_off THEN -1
                                 ELSE coalesce(days_past_due / 30 + 1, 0) END AS last) d
 CROSS JOIN LATERAL generate_series(-1, last) i
 ORDER BY n, i
"""

_TABLES = {
    "person": _PERSONS,
    "contact_point": _NUMBERS,
    "borrower": _BORROWERS,
    "borrower_number": _NUMBERS_OF_BORROWERS,
    "loan": _POSITIONS,
    "instalment": _INSTALMENTS,
}

_SEQUENCES = tuple(
    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"  # noqa: S608 - two names of our own
    for table in ("person", "contact_point", "borrower", "loan")
)


BOOK = ", ".join(_TABLES)
"""The tables of the book, for VACUUM."""


@contextmanager
def a_book(places: Places, loans: int, due: int) -> Iterator[Context]:
    """An installation whose book has so many loans, of which so many are due for review today."""
    with new_database(places.server_url) as url:
        database_url = url.render_as_string(hide_password=False)
        upgrade(database_url)
        with places.ctx(database_url) as ctx:
            _load(ctx, loans, due)
            vacuum_and_flush(database_url)
            yield ctx


def vacuum_and_flush(database_url: str, tables: str = BOOK) -> None:
    """Do what autovacuum, the checkpointer and the kernel have done after a quiet moment.

    Only tables that hold something, by default those of the book: autovacuum leaves an empty table
    alone. Were one vacuumed while it is empty, PostgreSQL would take it for empty and plan full
    scans of it, however fast it fills, until it is analysed again.

    The kernel writes what it has of a file half a minute later: of a book that was just loaded two
    gigabytes, in the middle of what is measured.
    """
    run_outside_transactions(database_url, f"VACUUM (ANALYZE) {tables}", "CHECKPOINT")
    os.sync()


def due_ids(ctx: Context, limit: int | None = None) -> list[int]:
    """The loans that are due for review today, or the first of them, by id."""
    due = select(loan.c.id).where(loan.c.review_on <= ctx.today()).order_by(loan.c.id)
    with ctx.engine.connect() as connection:
        return list(connection.execute(due.limit(limit)).scalars())


def decide(ctx: Context, loan_ids: Sequence[int]) -> None:
    """Review loans in this process, in envelopes of the usual size."""
    for start in range(0, len(loan_ids), LARGEST_ENVELOPE):
        escalate_loans(ctx, loan_ids[start : start + LARGEST_ENVELOPE])


def planned_texts(ctx: Context, limit: int) -> list[int]:
    """The first texts that may go out, by the id of their action.

    Raises:
        WrongResultError: there are fewer.
    """
    planned = (action.c.type == SEND_SMS) & (action.c.status == ActionStatus.PLANNED)
    first = select(action.c.id).where(planned).order_by(action.c.id).limit(limit)
    with ctx.engine.connect() as connection:
        found = list(connection.execute(first).scalars())
    expect("texts to send", len(found), limit)
    return found


def _load(ctx: Context, loans: int, due: int) -> None:
    note(f"loading {loans:,} loans, {due:,} of them due")
    values = _values(ctx, loans, due)
    engine = create_engine(ctx.engine.url, poolclass=NullPool)
    for first in range(1, loans + 1, BATCH_SIZE):
        piece = {"first": first, "last": min(loans, first + BATCH_SIZE - 1)}
        with engine.begin() as maker, engine.begin() as taker:
            for statement in (_GIVEN, _LOANS):
                maker.execute(statement, values | piece)
            maker.execute(_ENCRYPTED)
            copy_rows(maker, "encrypted_of", _encrypted(ctx.cipher, loans=loans, **piece))
            # The rows are right by construction; to check every reference takes half the time.
            taker.execute(text("SET LOCAL session_replication_role = replica"))
            for table, rows in _TABLES.items():
                _copy(maker, rows, taker, table)
    run_outside_transactions(ctx.settings.database_url, *_SEQUENCES)


def _encrypted(
    cipher: Cipher, *, first: int, last: int, loans: int
) -> Iterator[tuple[int, bytes, bytes, bytes, bytes]]:
    """What the rows of some borrowers hold, each encrypted for its own row."""
    number = PHONE["US"]
    for n in range(first, last + 1):
        record = f"B-{n}"
        index = cipher.blind_index(number) if n == loans else sha256(pack(">q", -n)).digest()
        yield (
            n,
            cipher.encrypt(NAME, place_of_name(record)),
            cipher.encrypt(ADDRESS, place_of_address(record)),
            cipher.encrypt(number, place_of_number(record, index)),
            index,
        )


def _cursor(connection: Connection) -> Any:
    """psycopg2's own, which knows COPY."""
    return connection.connection.cursor()


def _copy(maker: Connection, rows: str, taker: Connection, table: str) -> None:
    """Have one connection make rows while another takes them in, as text that is read again."""
    columns = ", ".join(maker.execute(text(f"SELECT * FROM ({rows}) r LIMIT 0")).keys())  # noqa: S608 - our own words
    out_of, into = os.pipe()
    with ThreadPoolExecutor(1) as pool, os.fdopen(out_of, "rb") as ready:

        def make() -> None:
            with os.fdopen(into, "wb") as made, _cursor(maker) as cursor:
                cursor.copy_expert(f"COPY ({rows}) TO STDOUT", made)

        making = pool.submit(make)
        try:
            with _cursor(taker) as cursor:
                cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", ready)
        finally:
            ready.close()  # whoever makes rows that nobody takes does not wait to be rid of them
            making.result()


def _values(ctx: Context, loans: int, due: int) -> dict[str, Any]:
    regions = load_regions("us")
    with SAMPLE.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["state"]]
    jurisdictions = [regions[row["state"]].jurisdiction or "US" for row in rows]
    return {
        "loans": loans,
        "due": due,
        "today": ctx.today(),
        "now": ctx.now(),
        "examples": len(rows),
        "regions": [row["state"] for row in rows],
        "jurisdictions": jurisdictions,
        "zones": [" ".join(regions[row["state"]].zones) for row in rows],
        "amounts": [Decimal(row["installment"]) for row in rows],
        "product": PRODUCT["US"],
    }
