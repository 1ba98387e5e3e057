"""What every scenario stands on: a database that begins again, a clock, the points."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.pool import NullPool

from tests.crash_points.points import FOLDER, Folder
from tests.support.compose import ROOT
from tests.support.databases import new_database, renew_database
from tests.support.environment import an_environment
from tests.support.loans import Book
from workers.clock import Clock, write_offset


@dataclass(slots=True)
class Ground:
    """One database for one scenario after another, and a clock that the test moves."""

    server_url: str
    template: URL
    """With the book that every scenario begins with."""
    database: URL
    folder: Folder

    @property
    def url(self) -> str:
        return self.database.render_as_string(hide_password=False)

    @property
    def clock_file(self) -> Path:
        return self.folder.path / "clock"

    def environment(self, zone: str, **settings: str) -> dict[str, str]:
        """All the settings of a process that is to pass the points."""
        return {
            **an_environment(self.url),
            "PYTHONPATH": str(ROOT),
            "ARREARS_CLOCK_FILE": str(self.clock_file),
            "ARREARS_ZONE": zone,
            FOLDER: str(self.folder.path),
            **settings,
        }

    def write(self, write_book: Callable[[Engine], Book]) -> datetime:
        """Write the book that every scenario begins with; returns the moment at which it begins."""
        # Nobody may be connected to a database while it is copied.
        return write_book(create_engine(self.template, poolclass=NullPool)).clock.at

    def begin(self, at: datetime, crash_at: Sequence[str]) -> None:
        """Begin again at this moment. A process dies at each point that is named."""
        renew_database(self.server_url, str(self.database.database), str(self.template.database))
        write_offset(self.clock_file, at - Clock().now())
        for path in (self.folder.passed, self.folder.at, self.folder.died):
            path.unlink(missing_ok=True)
        self.folder.at.write_text("\n".join(crash_at))


@contextmanager
def a_ground(server_url: str, migrated_template: str, folder: Path) -> Iterator[Ground]:
    """A ground without a book; its databases are gone when the context is left."""
    with (
        new_database(server_url, template=migrated_template) as template,
        new_database(server_url, template=migrated_template) as database,
    ):
        ground = Ground(server_url, template, database, Folder(folder))
        ground.clock_file.write_text("0")
        yield ground
