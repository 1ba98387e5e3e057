"""A loan tape comes in: read as a stream, merged in pieces, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, insert

from config.tape_mapping import TapeMapping
from domain.errors import ArrearsError
from domain.loans import LoanOnTape
from workers.house import House
from workers.reassessing import reassess
from workers.store.merging import date_loans, date_steps_tried, make_staging, merge
from workers.store.schema import tape_import
from workers.tape.comparison import StatusComparison, StatusTally
from workers.tape.lines import Progress
from workers.tape.reading import read_tape
from workers.tape.rejects import Rejects
from workers.tape.rows import RowError, TapeError

LOANS_AT_ONCE = 1_000
SHOWN_ERRORS = 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of a tape."""

    taken: int
    """Good rows. They came in if `kept`."""
    changed: int
    """Those that were new or told something new."""
    rejected: int
    kept: bool
    """Whether anything came in at all."""
    first_errors: tuple[RowError, ...]
    rejects_file: Path | None
    statuses: StatusComparison | None
    """The lender's own statuses against those by days past due, if the tape has them."""


class _NothingKeptError(Exception):
    """Rolls the whole tape back."""


def import_tape(
    house: House,
    path: Path,
    mapping: TapeMapping,
    *,
    as_of: date,
    keep_good: bool = False,
    dry_run: bool = False,
    rejects_path: Path | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Bring a tape into the book, in constant memory and in one transaction.

    One wrong row, and nothing comes in, unless `keep_good`; rejected rows are written to
    `rejects_path`, by default beside the tape. Loans are known by their external id: the same tape
    again changes nothing, a newer one brings what it tells.

    Raises:
        TapeError: the file as a whole cannot be read.
    """
    if not path.is_file():
        raise TapeError(f"{path} cannot be read: there is no such file. Check its path.")
    rejects_to = rejects_path or path.with_suffix(".rejects.csv")
    if rejects_to.resolve() == path.resolve():
        raise ArrearsError(f"The rejected rows would replace the tape {path}. Name another file.")
    tally = StatusTally(mapping.statuses, as_of) if mapping.statuses else None
    errors: list[RowError] = []
    taken = changed = 0
    with Rejects(rejects_to) as rejects:
        rows = read_tape(path, mapping, as_of, progress=progress, statuses=tally)
        good = _sort_out(rows, rejects, errors)
        try:
            with house.engine.begin() as connection:
                make_staging(connection)
                for loans in _pieces(good, LOANS_AT_ONCE):
                    taken += len(loans)
                    changed += _take(connection, house, loans, as_of)
                date_loans(connection, as_of)
                if dry_run or (rejects.count and not keep_good):
                    raise _NothingKeptError
                _note_import(connection, house, path, mapping, as_of, taken, rejects.count)
            kept = True
        except _NothingKeptError:
            kept = False
    if not taken and not rejects.count:
        raise ArrearsError(f"{path} has no rows below its header. Check that the tape is whole.")
    return ImportReport(
        taken=taken,
        changed=changed,
        rejected=rejects.count,
        kept=kept,
        first_errors=tuple(errors),
        rejects_file=rejects.path if rejects.count else None,
        statuses=tally.result() if tally else None,
    )


def _sort_out(
    rows: Iterable[LoanOnTape | RowError], rejects: Rejects, errors: list[RowError]
) -> Iterator[LoanOnTape]:
    for row in rows:
        if isinstance(row, LoanOnTape):
            yield row
            continue
        rejects.add(row)
        if len(errors) < SHOWN_ERRORS:
            errors.append(row)


def _pieces(loans: Iterator[T], size: int) -> Iterator[list[T]]:
    while piece := list(islice(loans, size)):
        yield piece


def _take(connection: Connection, house: House, loans: list[LoanOnTape], as_of: date) -> int:
    now = house.now()
    changed = merge(
        connection,
        house.vault,
        loans,
        as_of=as_of,
        order=house.settings.allocation_order,
        now=now,
    )
    if changed:
        reassess(connection, changed, now)
        date_steps_tried(connection)
    return len(changed)


def _note_import(
    connection: Connection,
    house: House,
    path: Path,
    mapping: TapeMapping,
    as_of: date,
    taken: int,
    rejected: int,
) -> None:
    connection.execute(
        insert(tape_import).values(
            file_name=path.name,
            mapping=mapping.id,
            as_of=as_of,
            rows_taken=taken,
            rows_rejected=rejected,
            imported_at=house.now(),
        )
    )
