"""Rosters that were loaded, as far as they say who was in which team."""

from collections.abc import Mapping

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert

from tests.support.loans import Book
from workers.db.schema import roster_version, team


def rostered(book: Book, at: str, teams: Mapping[str, str]) -> None:
    """A roster that was loaded at a moment: the team of each member of staff."""
    members = [{"id": name, "team": of} for name, of in teams.items()]
    loaded = {"loaded_at": book.moment(at), "loaded_by": "admin-1", "members": members}
    named = [{"external_id": name} for name in sorted(set(teams.values()))]
    with book.ctx.engine.begin() as connection:
        connection.execute(insert(roster_version).values(loaded))
        connection.execute(upsert(team).values(named).on_conflict_do_nothing())
