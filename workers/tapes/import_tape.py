"""Imports a loan tape: reads it as a stream, merges it in batches, all of it or nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, insert, update

from config.readers.tape_mapping import Field, TapeMapping
from domain.errors import ArrearsError
from domain.loans import LoanOnTape, Problem
from workers.context import Context
from workers.db import inbox
from workers.db.problems import NO_LADDER
from workers.db.schema import tape_import
from workers.escalation.reassess import reassess
from workers.tapes.changes import note_changes
from workers.tapes.csv_lines import Progress, read_header
from workers.tapes.known_values import KnownValues, known_values
from workers.tapes.locks import date_loans, wait_for_other_imports
from workers.tapes.merge import Merged, date_steps_tried, merge
from workers.tapes.read_tape import mapping_of_tape, read_tape
from workers.tapes.rejects import Rejects
from workers.tapes.row_errors import RowError
from workers.tapes.staging import make_staging
from workers.tapes.status_comparison import StatusComparison, StatusTally

BATCH_SIZE = 1_000
SHOWN_ERRORS = 10


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of the import of a tape."""

    taken: int
    """Good rows. They were imported if `kept`."""
    changed: int
    """Loans that are new or changed."""
    rejected: int
    kept: bool
    """Whether anything was imported at all."""
    first_errors: tuple[RowError, ...]
    rejects_file: Path | None
    statuses: StatusComparison | None
    """The lender's own statuses against those by days past due, if the tape has them."""
    without_ladder: int
    """Good rows of loans that no ladder applies to, so nothing will be done about them."""
    showing_less: int
    """Loans of which the tape shows less paid than is recorded. The recorded amount was kept."""
    unused_columns: tuple[str, ...]
    """Columns of the tape that the mapping does not name."""


def import_tape(
    ctx: Context,
    path: Path,
    mapping: TapeMapping,
    *,
    as_of: date,
    keep_good: bool = False,
    dry_run: bool = False,
    rejects_path: Path | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a tape, in constant memory and in one transaction.

    `as_of` is the business date of the tape: it contains the payments booked before that date. With
    one wrong row nothing is imported, unless `keep_good`. Rejected rows are written to
    `rejects_path`, by default beside the tape. A loan is identified by its external id: importing
    the same tape again changes nothing, and a newer tape brings the loans up to date.

    Raises:
        TapeError: the file as a whole cannot be read.
        ArrearsError: the tape has no rows, its date is in the future, or the mapping names a locale
            without templates.
    """
    _refuse_future_date(as_of, ctx.today())
    known = known_values(ctx.policy, ctx.templates)
    _refuse_locale_without_templates(mapping, known)
    mapping = mapping_of_tape(mapping, path)
    unused = tuple(c for c in read_header(path) if c not in mapping.columns.values())
    rejects_to = rejects_path or path.with_suffix(".rejects.csv")
    if rejects_to.resolve() == path.resolve():
        raise ArrearsError(
            "The rejected rows would replace the tape {path}. Name another file.", path=path
        )
    tally = StatusTally(mapping.statuses, as_of) if mapping.statuses else None
    errors: list[RowError] = []
    taken = changed = without_ladder = showing_less = 0
    with Rejects(rejects_to) as rejects:
        rows = read_tape(path, mapping, as_of, progress=progress, statuses=tally, known=known)
        good = _good_rows(rows, rejects, errors)
        with ctx.engine.begin() as connection:
            wait_for_other_imports(connection)
            make_staging(connection)
            import_id = _begin_import(connection, ctx, path, mapping, as_of)
            while batch := list(islice(good, BATCH_SIZE)):
                batch = [_with_due_days(ctx, loan, ctx.today()) for loan in batch]
                loans = [_with_ladder_problem(ctx, loan, ctx.today()) for loan in batch]
                merged = _import_batch(connection, ctx, loans, as_of, import_id)
                taken += len(loans)
                changed += len(merged.changed)
                without_ladder += sum(
                    loan is not given for loan, given in zip(loans, batch, strict=True)
                )
                showing_less += merged.showing_less
            date_loans(connection, as_of)
            kept = not dry_run and (keep_good or not rejects.count)
            if kept:
                _finish_import(connection, import_id, taken, rejects.count, ctx.now())
            else:
                connection.rollback()
    if not taken and not rejects.count:
        raise ArrearsError(
            "{path} has no rows below its header. Check that the tape is whole.", path=path
        )
    return ImportReport(
        taken=taken,
        changed=changed,
        rejected=rejects.count,
        kept=kept,
        first_errors=tuple(errors),
        rejects_file=rejects.path if rejects.count else None,
        statuses=tally.result() if tally else None,
        without_ladder=without_ladder,
        showing_less=showing_less,
        unused_columns=unused,
    )


def _refuse_future_date(as_of: date, today: date) -> None:
    if as_of > today:
        raise ArrearsError(
            "The tape cannot stand for {as_of}: today is {today}. Name the day it was "
            "cut on; payments booked before that day are taken to be in it.",
            as_of=as_of,
            today=today,
        )


def _refuse_locale_without_templates(mapping: TapeMapping, known: KnownValues) -> None:
    """A constant is wrong in the mapping, and not in each row of the tape."""
    locale = mapping.constants.get(Field.LOCALE)
    if locale is not None and not known.has_templates(locale):
        raise ArrearsError(
            "{where}: There are no templates in the locale {locale}. Write one "
            "of {locales}, or add templates for it.",
            where=mapping.constants_from[Field.LOCALE],
            locale=locale,
            locales=", ".join(known.locales),
        )


def _with_due_days(ctx: Context, tape: LoanOnTape, today: date) -> LoanOnTape:
    """The loan, with the days on which its instalments really fall due by its ladder."""
    ladder = ctx.ladder_of(tape, today)
    if ladder is None:
        return tape
    return replace(tape, instalments=ladder.with_due_days(tape.instalments))


def _with_ladder_problem(ctx: Context, tape: LoanOnTape, today: date) -> LoanOnTape:
    """The loan, with a problem if no ladder applies to it."""
    if ctx.ladder_of(tape, today):
        return tape
    problem = Problem(NO_LADDER, ctx.why_no_ladder(tape, today))
    return replace(tape, problems=(*tape.problems, problem))


def _good_rows(
    rows: Iterable[LoanOnTape | RowError], rejects: Rejects, errors: list[RowError]
) -> Iterator[LoanOnTape]:
    for row in rows:
        if isinstance(row, LoanOnTape):
            yield row
            continue
        rejects.add(row)
        if len(errors) < SHOWN_ERRORS:
            errors.append(row)


def _import_batch(
    connection: Connection, ctx: Context, loans: list[LoanOnTape], as_of: date, import_id: int
) -> Merged:
    now = ctx.now()
    merged = merge(
        connection,
        ctx.cipher,
        loans,
        as_of=as_of,
        order=ctx.settings.allocation_order,
        now=now,
    )
    if merged.changed:
        after = reassess(connection, ctx, merged.changed, now)
        note_changes(connection, import_id, after, merged.before, merged.new, now)
        date_steps_tried(connection)
    return merged


def _begin_import(
    connection: Connection, ctx: Context, path: Path, mapping: TapeMapping, as_of: date
) -> int:
    """Insert the row of the import first, so that its changes can refer to it."""
    import_id: int = connection.execute(
        insert(tape_import)
        .values(
            file_name=path.name,
            mapping=mapping.id,
            as_of=as_of,
            rows_taken=0,
            rows_rejected=0,
            imported_at=ctx.now(),
        )
        .returning(tape_import.c.id)
    ).scalar_one()
    return import_id


def _finish_import(
    connection: Connection, import_id: int, taken: int, rejected: int, now: datetime
) -> None:
    connection.execute(
        update(tape_import)
        .where(tape_import.c.id == import_id)
        .values(rows_taken=taken, rows_rejected=rejected, imported_at=now)
    )
    inbox.retry_all_events(connection)  # some may have waited for a loan of this tape
