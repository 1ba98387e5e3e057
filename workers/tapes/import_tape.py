"""Imports a loan tape: checks it whole, names what is to change, merges it in short transactions.

Until the file is checked, nothing is locked and nothing is changed. Then each loan changes
atomically, some hundred in each transaction. An import that is interrupted says so
(`workers/tapes/imports.py`), and the same command finishes it.
"""

import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import Connection

from config.readers.tape_mapping import Absent as AbsentMeans
from config.readers.tape_mapping import Field, TapeMapping
from domain.errors import ArrearsError
from workers.context import Context
from workers.db import inbox_queue
from workers.escalation.reassess import reassess
from workers.tapes.absent import (
    ASKED_FROM,
    Absent,
    Noted,
    find_absent,
    note_some_absent,
    shows_absent,
)
from workers.tapes.changes import note_changes, note_new_loans
from workers.tapes.compare_rows import RowComparison
from workers.tapes.csv_lines import Layout, read_header, read_layout, read_lines
from workers.tapes.imports import begin_import, finish_import, refuse_older, unfinished_imports
from workers.tapes.known_values import KnownValues, known_values
from workers.tapes.locks import analyze_book, date_some_loans, import_session, in_short_transaction
from workers.tapes.merge import Merged, merge
from workers.tapes.progress import Phase, Progress, no_progress
from workers.tapes.read_row import mapping_of_tape
from workers.tapes.reading_basis import reading_basis
from workers.tapes.reading_processes import stage_all
from workers.tapes.rejects import Rejects
from workers.tapes.row_errors import RowError
from workers.tapes.stage_rows import RowStager, StagedRows
from workers.tapes.staged_file import StagedFile
from workers.tapes.staging import make_staging
from workers.tapes.status_comparison import StatusComparison, StatusTally

BATCH_SIZE = 250
"""Loans that are read together. They are locked for a fraction of a second when they are merged."""

MOST_BATCHES = 8
"""Of one transaction. Each statement costs as much again for each transaction."""

LONG_ENOUGH = 0.15
"""Seconds. A transaction that took less leaves time for twice as many loans."""

SHOWN_ERRORS = 10

ANALYZED_FIRST_AT = 5_000
"""New loans after which PostgreSQL counts the book anew: as if it were empty, it plans badly."""

ANALYZED_AGAIN_AT = 4
"""After so many times as many."""

REPORTED_EVERY = 10_000
"""Lines."""


NONE_ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of the import of a tape."""

    taken: int
    """Good rows. They were imported if `kept`."""
    changed: int
    """Loans that are new or changed; 0 if nothing was merged."""
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
    unchanged: int
    """Of `taken`, the rows that are the same as the last ones of their loans: not read again."""
    absent: Absent = NONE_ABSENT
    """The loans that the tape leaves out; none if it is a part of the book."""
    too_many_absent: bool = False
    """More than the mapping allows: nothing was imported."""


def import_tape(
    ctx: Context,
    path: Path,
    mapping: TapeMapping,
    *,
    as_of: date,
    keep_good: bool = False,
    dry_run: bool = False,
    part: bool = False,
    many_absent: bool = False,
    rejects_path: Path | None = None,
    progress: Progress = no_progress,
) -> ImportReport:
    """Import a tape, in constant memory.

    `as_of` is the business date of the tape: it contains the payments booked before that date. With
    one wrong row nothing is imported, unless `keep_good`. Rejected rows are written to
    `rejects_path`, by default beside the tape. A loan is identified by its external id: importing
    the same tape again changes nothing, and a newer tape brings the loans up to date.

    The loans that it leaves out are noted as absent, unless it is a `part` of the book. If they are
    more than the mapping allows, nothing is imported, unless `many_absent`.

    If it is interrupted, each loan is as before or as after. The same call then merges the rest.

    Raises:
        TapeError: the file as a whole cannot be read.
        ArrearsError: the tape has no rows, its date is in the future or before that of one that was
            interrupted, the mapping names a locale without templates, or somebody else has locked
            a loan for minutes.
    """
    _refuse_future_date(as_of, ctx.today())
    known = known_values(ctx.policy, ctx.templates)
    _refuse_locale_without_templates(mapping, known)
    mapping = mapping_of_tape(mapping, path, read_header(path, mapping.formats))
    layout = read_layout(path, tuple(mapping.columns.values()), mapping.formats)
    rejects_to = rejects_path or path.with_suffix(".rejects.csv")
    if rejects_to.resolve() == path.resolve():
        raise ArrearsError(
            "The rejected rows would replace the tape {path}. Name another file.", path=path
        )
    with (
        Rejects(rejects_to) as rejects,
        import_session(ctx.engine) as connection,
        StagedFile() as staged,
    ):
        with connection.begin():
            refuse_older(unfinished_imports(connection), as_of)
        stager = _stager(ctx, layout, mapping, as_of, known)
        importing = _Import(ctx, connection, stager, staged, progress)
        importing.check()
        errors = importing.reject(rejects)
        is_part = part or mapping.absent is AbsentMeans.PART
        absent = NONE_ABSENT if is_part else importing.find_absent()
        too_many = not many_absent and _are_too_many(absent, mapping)
        kept = not dry_run and (keep_good or not rejects.count) and not too_many
        if importing.taken and kept:
            import_id = importing.begin(rejects.count)
            importing.merge(import_id)
            if absent.loans:
                importing.note_absent()
            importing.finish(import_id)
        elif importing.taken and dry_run:
            importing.merge(None)
    if not importing.taken and not rejects.count:
        raise ArrearsError(
            "{path} has no rows below its header. Check that the tape is whole.", path=path
        )
    tally = StatusTally(mapping.statuses, as_of, importing.statuses) if mapping.statuses else None
    return ImportReport(
        taken=importing.taken,
        changed=importing.changed,
        rejected=rejects.count,
        kept=kept,
        first_errors=tuple(errors),
        rejects_file=rejects.path if rejects.count else None,
        statuses=tally.result() if tally else None,
        without_ladder=importing.without_ladder,
        showing_less=importing.showing_less,
        unused_columns=tuple(c for c in layout.header if c not in mapping.columns.values()),
        unchanged=importing.unchanged,
        absent=absent,
        too_many_absent=too_many,
    )


def _are_too_many(absent: Absent, mapping: TapeMapping) -> bool:
    return absent.loans > ASKED_FROM and absent.loans > mapping.absent_at_most * absent.expected


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


def _stager(
    ctx: Context, layout: Layout, mapping: TapeMapping, as_of: date, known: KnownValues
) -> RowStager:
    key = ctx.cipher.blind_index("rows of tapes")
    basis = reading_basis(ctx, layout, mapping, known)
    return RowStager(
        layout=layout,
        mapping=mapping,
        as_of=as_of,
        known=known,
        cipher=ctx.cipher,
        now=ctx.now(),
        ladder_of=ctx.ladder_of,
        why_no_ladder=ctx.why_no_ladder,
        row_key=blake2b(basis.encode(), key=key, digest_size=32).digest(),
        identity_key=ctx.cipher.blind_index("customers of tapes"),
    )


def how_many_next(batches: int, took: float) -> int:
    """How many batches to merge together after so many took so many seconds."""
    if took > 2 * LONG_ENOUGH:
        return max(batches // 2, 1)
    return min(2 * batches, MOST_BATCHES) if took < LONG_ENOUGH else batches


class _Import:
    """One import, from the check of the file to its end."""

    def __init__(
        self,
        ctx: Context,
        connection: Connection,
        stager: RowStager,
        staged: StagedFile,
        progress: Progress,
    ) -> None:
        self._ctx = ctx
        self._connection = connection
        self._stager = stager
        self._staged = staged
        self._progress = progress
        self._rows = RowComparison(connection)
        self.taken = self.unchanged = self.changed = 0
        self.without_ladder = self.showing_less = 0
        self.statuses: Counter[tuple[str, str]] = Counter()
        self._shows_absent = False

    def check(self) -> None:
        """Read what is to be read, and compare the rows. Nothing is locked, nothing is changed."""
        found = self._rows.add_lines(self._digests())
        if self._stager.mapping.statuses:
            self._rows.read_all()  # each row says which status the lender gives it
        else:
            self._rows.find_unchanged(self._stager.as_of)
        left = found - self._rows.unchanged().rows
        self._read(0, left)
        round = 1
        while left := self._rows.read_also(round):
            self._read(round, left)
            round += 1
        if self._rows.refuse_contradictions(self._stager.mapping, self._stager.identity_key):
            self._leave_out_refused()
        counted = self._rows.unchanged()
        self.unchanged = counted.rows
        self.without_ladder += counted.without_ladder
        self.taken += counted.rows

    def find_absent(self) -> Absent:
        """Find the loans that the tape leaves out."""
        return find_absent(self._connection, self._stager.mapping.id, self._stager.as_of)

    def reject(self, rejects: Rejects) -> list[RowError]:
        """Write the errors to their file; returns the first ones."""
        first: list[RowError] = []
        for error in self._rows.errors():
            rejects.add(error)
            if len(first) < SHOWN_ERRORS:
                first.append(error)
        return first

    def begin(self, rejected: int) -> int:
        """Name what is to change. From here on the import is on record; returns its id."""
        return in_short_transaction(
            self._connection,
            partial(
                begin_import,
                self._connection,
                file_name=self._stager.layout.path.name,
                mapping=self._stager.mapping.id,
                as_of=self._stager.as_of,
                taken=self.taken,
                rejected=rejected,
                now=self._ctx.now(),
            ),
        )

    def merge(self, import_id: int | None) -> None:
        """Merge what was read, each batch in a transaction of its own.

        Without an import it is rolled back.
        """
        with self._connection.begin():
            make_staging(self._connection)
        self._shows_absent = shows_absent(self._connection)
        total, done = self.taken - self.unchanged, 0
        new, analyzed_at = 0, ANALYZED_FIRST_AT
        left, together = deque(self._staged.batches), 1
        while left:
            batches = [left.popleft() for _ in range(min(together, len(left)))]
            tables = self._staged.read(batches)
            started = time.monotonic()
            merged = in_short_transaction(
                self._connection,
                partial(self._merge_batch, tables, import_id),
                roll_back=import_id is None,
            )
            together = how_many_next(len(batches), time.monotonic() - started)
            self.changed += len(merged.changed)
            new += len(merged.new)
            if new >= analyzed_at and import_id is not None:
                analyze_book(self._connection)
                analyzed_at = ANALYZED_AGAIN_AT * new
            self.showing_less += merged.showing_less
            done += sum(batch.rows for batch in batches)
            self._progress(Phase.MERGE, min(done, total), total)

    def note_absent(self) -> None:
        """Note the loans that the tape leaves out, some in each transaction."""
        after = 0
        while True:
            noted = in_short_transaction(self._connection, partial(self._note_some_absent, after))
            if not noted.found:
                return
            after = noted.last

    def _note_some_absent(self, after: int) -> Noted:
        now = self._ctx.now()
        hold = self._stager.mapping.absent is AbsentMeans.HOLD
        noted = note_some_absent(
            self._connection, self._stager.as_of, after, BATCH_SIZE, hold=hold, now=now
        )
        if noted.held:
            reassess(self._connection, self._ctx, noted.held, now)
        return noted

    def finish(self, import_id: int) -> None:
        """Set the date of the tape on the other loans, and end the import."""
        done, after = 0, 0
        while True:
            dated = in_short_transaction(
                self._connection,
                partial(
                    date_some_loans,
                    self._connection,
                    self._stager.as_of,
                    self._stager.mapping.id,
                    after,
                ),
            )
            if not dated.loans:
                break
            done, after = done + dated.loans, dated.last
            self._progress(Phase.DATE, done, self.unchanged)
        in_short_transaction(self._connection, partial(self._finish, import_id))

    def _digests(self) -> Iterator[tuple[int, int, int, str]]:
        path = self._stager.layout.path
        size = path.stat().st_size
        for count, line in enumerate(read_lines(self._stager.layout)):
            yield line.number, line.starts_at, len(line.raw), self._stager.digest(line.raw)
            if count % REPORTED_EVERY == 0:
                self._progress(Phase.COMPARE, line.starts_at, size)

    def _read(self, round: int, rows: int) -> None:
        done = 0
        pieces = self._rows.to_read(round, BATCH_SIZE)
        for staged in stage_all(self._stager, pieces, rows):
            self._rows.add_rows(staged)
            self._staged.add(round, staged)
            self._count(staged)
            done += staged.rows
            self._progress(Phase.READ, done, max(rows, done))

    def _count(self, staged: StagedRows) -> None:
        self.taken += staged.taken
        self.without_ladder += staged.without_ladder
        self.statuses.update(staged.statuses)

    def _leave_out_refused(self) -> None:
        """Stage the batches anew of which rows were refused after they had been read."""
        for batch in self._staged.take_batches():
            refused = self._rows.refused(batch.first_line, batch.last_line)
            if not refused:
                self._staged.batches.append(batch)
                continue
            pieces = self._rows.to_read(batch.round, BATCH_SIZE, batch.first_line, batch.last_line)
            lines = next(pieces)
            left_out = self._stager.stage([line for line in lines if line.number in refused])
            self.taken -= left_out.taken
            self.without_ladder -= left_out.without_ladder
            self.statuses.subtract(left_out.statuses)
            self._staged.add(batch.round, self._stager.stage(lines, without=refused))

    def _merge_batch(self, tables: dict[str, bytes], import_id: int | None) -> Merged:
        now = self._ctx.now()
        connection = self._connection
        merged = merge(
            connection,
            tables,
            as_of=self._stager.as_of,
            order=self._ctx.allocation_order,
            mapping=self._stager.mapping,
            now=now,
            shows_absent=self._shows_absent,
        )
        # What a new loan alone says was worked out when it was read.
        is_today = now.date() == self._stager.now.date()
        alone = merged.alone if is_today else frozenset[int]()
        others = [id for id in merged.changed if id not in alone]
        after = reassess(connection, self._ctx, others, now) if others else {}
        if import_id is not None:
            note_changes(connection, import_id, after, merged.before, merged.new, now)
            note_new_loans(connection, import_id, alone, now)
        return merged

    def _finish(self, import_id: int) -> None:
        finish_import(self._connection, import_id, self._ctx.now())
        # Some may have waited for a loan of this tape.
        inbox_queue.retry_all_events(self._connection)
