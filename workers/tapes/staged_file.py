"""What was read of a tape, in a temporary file, until all of it is known to be right.

Personal data in it is encrypted, as it will be in the database.
"""

from collections import defaultdict
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import NamedTuple

from workers.tapes.stage_rows import StagedRows


class StagedBatch(NamedTuple):
    """Rows that are merged together, and where they are in the file."""

    round: int
    """In which round they were read."""
    first_line: int
    last_line: int
    rows: int
    starts_at: int
    tables: tuple[tuple[str, int], ...]
    """The name of each table, and its bytes."""


class StagedFile:
    """A file that is gone at the end of the `with` block, however it ends."""

    def __init__(self) -> None:
        self._stream = TemporaryFile()  # noqa: SIM115 - closed at the end of the block
        self._size = 0
        self.batches: list[StagedBatch] = []

    def __enter__(self) -> "StagedFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def add(self, round: int, staged: StagedRows) -> None:
        """Append a batch, if it has a good row."""
        if not staged.taken:
            return
        tables = tuple((name, len(rows)) for name, rows in staged.tables.items())
        of_batch = (round, staged.first_line, staged.last_line, staged.taken)
        self.batches.append(StagedBatch(*of_batch, self._size, tables))
        self._stream.seek(self._size)
        for rows in staged.tables.values():
            self._size += self._stream.write(rows)

    def take_batches(self) -> list[StagedBatch]:
        """All batches so far. Those that are to be merged all the same must be put back."""
        batches, self.batches = self.batches, []
        return batches

    def read(self, batches: Sequence[StagedBatch]) -> dict[str, bytes]:
        """The rows of some batches, by table, as COPY takes them."""
        tables: defaultdict[str, bytes] = defaultdict(bytes)
        for batch in batches:
            self._stream.seek(batch.starts_at)
            for name, size in batch.tables:
                tables[name] += self._stream.read(size)
        return tables
