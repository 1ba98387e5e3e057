"""A house whose database is copied in the middle of the day, lost, and restored from the copy."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from tests.support.databases import new_database, renew_database
from tests.support.loans import Book
from workers.db.engine import connect
from workers.db.journal import append_to_journal, with_journal
from workers.operations.sending_watch import watch_sending


class House:
    """A book with what stands outside its database: counter, heads and journal."""

    def __init__(self, server: str, url: str, folder: Path) -> None:
        self.folder = folder
        self._server = server
        self._url = url
        self._copy = f"arrears_test_{uuid4().hex[:12]}"
        self.book = self._open("2026-03-02 10:00")
        begun = self.book.moment("2026-01-01 10:00")
        append_to_journal(self.journal, self.book.ctx.cipher, [], begun)

    def _open(self, now: str) -> Book:
        engine = connect(self._url)
        book = Book(engine, now=now)
        files = {
            "sending_counter_file": self.folder / "counter",
            "evidence_file": self.folder / "heads.jsonl",
            "journal_file": self.journal,
        }
        settings = book.ctx.settings.model_copy(update=files)
        book.sms.now = book.clock.now
        journaled = with_journal(engine, self.journal, book.ctx.cipher, book.clock.now)
        book.ctx = replace(book.ctx, settings=settings, engine=journaled)
        return book

    @property
    def journal(self) -> Path:
        return self.folder / "journal.jsonl"

    def back_up(self) -> None:
        """Copy the database as it is now."""
        self.book.ctx.engine.dispose()
        renew_database(self._server, self._copy, str(make_url(self._url).database))

    def restore(self) -> None:
        """Lose the database, and take the copy; workers start, and stop sending by themselves."""
        now, sms = self.book.clock.at, self.book.sms
        self.book.ctx.engine.dispose()
        renew_database(self._server, str(make_url(self._url).database), self._copy)
        self.book = self._open("2026-03-02 10:00")
        self.book.clock.at = now
        # The provider knows what it knew.
        self.book.sms.sent, self.book.sms.received = sms.sent, sms.received
        watch_sending(self.book.ctx)

    def close(self) -> None:
        from tests.support.databases import _run

        self.book.ctx.engine.dispose()
        _run(self._server, f"DROP DATABASE IF EXISTS {self._copy} WITH (FORCE)")


@pytest.fixture
def house(postgres_server: str, migrated_template: str, tmp_path: Path) -> Iterator[House]:
    with new_database(postgres_server, template=migrated_template) as url:
        house = House(postgres_server, url.render_as_string(hide_password=False), tmp_path)
        yield house
        house.close()
