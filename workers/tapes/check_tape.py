"""Checks the file of a tape whole, before anything is locked or changed."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection

from workers.tapes.absent import Absent, find_absent
from workers.tapes.compare_rows import RowComparison
from workers.tapes.contradictions import refuse_contradictions
from workers.tapes.csv_lines import read_lines
from workers.tapes.found_errors import read_errors
from workers.tapes.progress import Phase, Progress
from workers.tapes.reading_processes import stage_all
from workers.tapes.rejects import Rejects
from workers.tapes.row_errors import RowError
from workers.tapes.stage_rows import RowStager, StagedRows
from workers.tapes.staged_file import StagedFile

BATCH_SIZE = 250
"""Loans that are read together, and merged together."""

SHOWN_ERRORS = 10

REPORTED_EVERY = 10_000
"""Lines."""


class TapeCheck:
    """What the check of a tape finds. What is to be merged is staged in a file."""

    def __init__(
        self, connection: Connection, stager: RowStager, staged: StagedFile, progress: Progress
    ) -> None:
        self._connection = connection
        self._stager = stager
        self._staged = staged
        self._progress = progress
        self._rows = RowComparison(connection)
        self.taken = self.unchanged = 0
        self.problems: Counter[str] = Counter()
        self.statuses: Counter[tuple[str, str]] = Counter()

    def run(self) -> None:
        """Read what is to be read, and compare the rows."""
        found = self._rows.add_lines(self._digests())
        if self._stager.mapping.statuses:
            self._rows.read_all()  # each row says which status the lender gives it
            left = found
        else:
            left = found - self._rows.find_unchanged(self._stager.as_of)
        self._read(0, left)
        round = 1
        while left := self._rows.read_also(round):
            self._read(round, left)
            round += 1
        if refuse_contradictions(self._connection, self._stager.mapping, self._stager.identity_key):
            self._leave_out_refused()
        counted = self._rows.unchanged()
        self.unchanged = counted.rows
        self.problems.update(counted.problems)
        self.taken += counted.rows

    def find_absent(self) -> Absent:
        """Find the loans that the tape leaves out."""
        return find_absent(self._connection, self._stager.mapping.id, self._stager.as_of)

    def reject(self, rejects: Rejects) -> list[RowError]:
        """Write the errors to their file; returns the first ones."""
        first: list[RowError] = []
        for error in read_errors(self._connection):
            rejects.add(error)
            if len(first) < SHOWN_ERRORS:
                first.append(error)
        return first

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
        self.problems.update(staged.problems)
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
            self.problems.subtract(left_out.problems)
            self.statuses.subtract(left_out.statuses)
            self._staged.add(batch.round, self._stager.stage(lines, without=refused))
