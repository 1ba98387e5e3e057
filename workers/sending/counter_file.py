"""The file of the sending counter: outside the database, it knows how far the database had come.

The number is that of the newest contact, which the database raises before anybody is contacted.
The file takes it after the commit, so it is never ahead of a database that lost nothing. A worker
that is killed in between leaves it behind, which does no harm.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from workers.shared_files import opener


@dataclass(frozen=True, slots=True)
class Count:
    """What the file says."""

    system: str
    """PostgreSQL's system identifier."""
    epoch: str
    """That of the hold after which the file was begun anew; empty: it never was."""
    counter: int


class UnusableFileError(Exception):
    """The file is there, and cannot be read or written. The text is what the system says."""


class CounterFile:
    """One file, for all workers of a machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Count | None:
        """What the file says; None if there is none.

        Raises:
            UnusableFileError: it cannot be read, or is no such file.
        """
        try:
            written = json.loads(self._path.read_text(encoding="utf-8"))
            return Count(str(written["system"]), str(written["epoch"]), int(written["counter"]))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnusableFileError(error.strerror) from None
        except (ValueError, KeyError, TypeError):
            raise UnusableFileError("it is no file of the sending counter") from None

    def assert_usable(self) -> None:
        """Check that this process may read and write it.

        Raises:
            UnusableFileError: it may not, or the file is none of these.
        """
        self.read()
        with self._locked():
            pass

    def raise_to(self, counter: int) -> None:
        """Raise the number, if it is lower. A file that is gone is not made again.

        Raises:
            UnusableFileError: it cannot be written.
        """
        count = self.read()
        if count is None or count.counter >= counter:
            return
        with self._locked():
            count = self.read()
            if count is not None and count.counter < counter:
                self._write(Count(count.system, count.epoch, counter))

    def begin(self, count: Count, instead_of: Count | None) -> None:
        """Write the file anew, unless another process has changed it since it said `instead_of`.

        Raises:
            UnusableFileError: it cannot be written.
        """
        with self._locked():
            try:
                now = self.read()
            except UnusableFileError:
                now = None
            if now == instead_of:
                self._write(count)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            lock_file = self._path.with_name(f"{self._path.name}.lock")
            with open(lock_file, "a", opener=opener(0o644)) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # it ends with the process
                yield
        except OSError as error:
            raise UnusableFileError(error.strerror) from None

    def _write(self, count: Count) -> None:
        """Replace the file in one step, and only by one that is on the disk."""
        new_file = self._path.with_name(f"{self._path.name}.new")
        with open(new_file, "w", encoding="utf-8", opener=opener(0o644)) as file:
            json.dump(asdict(count), file)
            file.flush()
            os.fsync(file.fileno())
        new_file.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
