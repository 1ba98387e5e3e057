"""Disputes and complaints as they are decided in a story."""

from contextlib import suppress

from sqlalchemy import select

from domain.actors import Actor
from domain.disputes import Matter
from domain.errors import RefusedError
from tests.support.acting import acting
from tests.support.events import tell
from tests.support.loans import Book
from workers.db.disputes import TABLES
from workers.hardship import handling
from workers.inbox.apply import EventResult


def answer_matter(
    book: Book, matter: Matter, id: str, outcome: str, finding: str, by: str = "s-1"
) -> EventResult:
    """Somebody decides it, who takes it first if nobody has, as far as they may."""
    table = TABLES[matter]
    if book.one(select(table.c.handler).where(table.c.external_id == id)).handler is None:
        with suppress(RefusedError):
            handling.take(acting(book.ctx, Actor(by)), matter, id)
    told = {str(matter): id, "outcome": outcome, "finding": finding, "actor": by}
    return tell(book, f"{matter}_resolution", **told)
