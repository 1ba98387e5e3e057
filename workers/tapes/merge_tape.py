"""Merges what the check of a tape has staged, each loan atomically, in short transactions."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from config.readers.tape_mapping import Absent as AbsentMeans
from domain.delinquency import Arrears
from domain.errors import ArrearsError
from workers.context import Context
from workers.db import inbox_queue
from workers.db.arrangements import look_after_tape
from workers.escalation.quarantine import quarantine_within
from workers.escalation.reassess import reassess
from workers.failures import TRANSIENT_ERRORS, log_summary
from workers.tapes.absent import Noted, note_some_absent, shows_absent
from workers.tapes.changes import note_changes, note_new_loans
from workers.tapes.check_tape import BATCH_SIZE
from workers.tapes.imports import (
    TapeBrought,
    begin_import,
    finish_import,
    list_loans_to_name,
    name_last_loans,
    name_some_loans,
)
from workers.tapes.locks import analyze_book, date_some_loans, in_short_transaction
from workers.tapes.merge import Merged, merge
from workers.tapes.progress import Phase, Progress
from workers.tapes.stage_rows import RowStager
from workers.tapes.staged_file import StagedFile
from workers.tapes.staging import make_staging

log = logging.getLogger(__name__)

MOST_BATCHES = 8
"""Of one transaction. Each statement costs as much again for each transaction."""

LONG_ENOUGH = 0.2
"""Seconds. A transaction that took less leaves time for twice as many loans."""

ANALYZED_FIRST_AT = 5_000
"""New loans after which PostgreSQL counts the book anew: as if it were empty, it plans badly."""

ANALYZED_AGAIN_AT = 4
"""After so many times as many."""


def how_many_next(batches: int, took: float) -> int:
    """How many batches to merge together after so many took so many seconds."""
    if took > 2 * LONG_ENOUGH:
        return max(batches // 2, 1)
    return min(2 * batches, MOST_BATCHES) if took < LONG_ENOUGH else batches


class TapeMerge:
    """The merge of one tape, from the names of its loans to the end of the import."""

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
        self.changed = self.showing_less = 0
        self._shows_absent = False

    def begin(self, taken: int, rejected: int) -> int:
        """Name what is to change. From here on the import is on record; returns its id."""
        left = list_loans_to_name(self._connection)
        import_id = in_short_transaction(
            self._connection,
            partial(
                begin_import,
                self._connection,
                file_name=self._stager.layout.path.name,
                mapping=self._stager.mapping.id,
                as_of=self._stager.as_of,
                taken=taken,
                rejected=rejected,
                pieces=left,
                now=self._ctx.now(),
            ),
        )
        for piece in range(1, left):
            name = partial(name_some_loans, self._connection, import_id, piece)
            if piece == left - 1:
                now = self._ctx.now()
                name = partial(name_last_loans, self._connection, import_id, piece, now)
            in_short_transaction(self._connection, name)
        return import_id

    def merge(self, import_id: int | None, rows: int) -> None:
        """Merge what was read, `rows` rows, each batch in a transaction of its own.

        Without an import it is rolled back.
        """
        with self._connection.begin():
            make_staging(self._connection)
        self._shows_absent = shows_absent(self._connection)
        done = 0
        new, analyzed_at = 0, ANALYZED_FIRST_AT
        left, together = deque(self._staged.batches), 1
        while left:
            batches = [left.popleft() for _ in range(min(together, len(left)))]
            tables = self._staged.read(batches)
            started = time.monotonic()
            merged = self._merge_tables(tables, import_id)
            together = how_many_next(len(batches), time.monotonic() - started)
            self.changed += len(merged.changed)
            new += len(merged.new)
            if new >= analyzed_at and import_id is not None:
                analyze_book(self._connection)
                analyzed_at = ANALYZED_AGAIN_AT * new
            self.showing_less += merged.showing_less
            done += sum(batch.rows for batch in batches)
            self._progress(Phase.MERGE, min(done, rows), rows)

    def note_absent(self, loans: int) -> None:
        """Note the loans that the tape leaves out, some in each transaction."""
        done, after, together = 0, 0, 1
        while True:
            started = time.monotonic()
            noted = in_short_transaction(
                self._connection, partial(self._note_some_absent, after, together * BATCH_SIZE)
            )
            if not noted.found:
                return
            together = how_many_next(together, time.monotonic() - started)
            done, after = done + noted.found, noted.last
            self._progress(Phase.ABSENT, done, loans)

    def _note_some_absent(self, after: int, limit: int) -> Noted:
        now = self._ctx.now()
        hold = self._stager.mapping.absent is AbsentMeans.HOLD
        noted = note_some_absent(
            self._connection, self._stager.as_of, after, limit, hold=hold, now=now
        )
        if noted.held:
            reassess(self._connection, self._ctx, noted.held, now)
        return noted

    def finish(self, import_id: int, unchanged: int, *, is_whole: bool) -> None:
        """Set the date of the tape on the other loans, and end the import.

        `is_whole`: the tape has every loan of its mapping."""
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
            self._progress(Phase.DATE, done, unchanged)
        in_short_transaction(self._connection, partial(self._finish, import_id, is_whole))

    def _merge_tables(self, tables: dict[str, bytes], import_id: int | None) -> Merged:
        """Merge some batches. If a loan that they change cannot be read, it is quarantined."""
        merge = partial(self._merge_batch, tables, import_id)
        roll_back = import_id is None
        try:
            return in_short_transaction(self._connection, merge, roll_back=roll_back)
        except (ArrearsError, *TRANSIENT_ERRORS):
            raise
        except Exception as error:
            log.warning("loans are merged one by one: %s", log_summary(error))
            one_by_one = partial(merge, reassess=self._reassess_each, put_aside=quarantine_within)
            return in_short_transaction(self._connection, one_by_one, roll_back=roll_back)

    def _reassess_each(
        self, connection: Connection, ctx: Context, loan_ids: Sequence[int], now: datetime
    ) -> dict[int, Arrears]:
        arrears: dict[int, Arrears] = {}
        for loan_id in loan_ids:
            try:
                with connection.begin_nested():
                    arrears |= reassess(connection, ctx, [loan_id], now)
            except TRANSIENT_ERRORS:
                raise
            except Exception as error:
                quarantine_within(connection, loan_id, error, now)
        return arrears

    def _merge_batch(
        self,
        tables: dict[str, bytes],
        import_id: int | None,
        reassess: Callable[
            [Connection, Context, Sequence[int], datetime], dict[int, Arrears]
        ] = reassess,
        put_aside: Callable[[Connection, int, Exception, datetime], None] | None = None,
    ) -> Merged:
        now = self._ctx.now()
        connection = self._connection
        merged = merge(
            connection,
            self._ctx.cipher,
            tables,
            as_of=self._stager.as_of,
            order=self._ctx.allocation_order,
            mapping=self._stager.mapping,
            now=now,
            shows_absent=self._shows_absent,
            put_aside=put_aside,
        )
        known = [id for id in merged.changed if id not in merged.new]
        if known:
            look_after_tape(connection, known, self._stager.as_of, now.date())
        # What a new loan alone says was worked out when it was read.
        is_today = now.date() == self._stager.now.date()
        alone = merged.alone if is_today else frozenset[int]()
        others = [id for id in merged.changed if id not in alone]
        after = reassess(connection, self._ctx, others, now) if others else {}
        if import_id is not None:
            note_changes(connection, import_id, after, merged.before, merged.new, now)
            note_new_loans(connection, import_id, alone, now)
        return merged

    def _finish(self, import_id: int, is_whole: bool) -> None:
        stager = self._stager
        file_name, mapping = stager.layout.path.name, stager.mapping.id
        brings = TapeBrought(file_name, mapping, stager.as_of, is_whole)
        finish_import(self._connection, import_id, self._ctx.now(), brings=brings)
        # Some may have waited for a loan of this tape.
        inbox_queue.retry_all_events(self._connection)
