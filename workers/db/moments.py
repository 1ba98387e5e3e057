"""Dates and moments that Python cannot hold, read as the earliest or the latest that it can.

PostgreSQL knows years from 4713 BC to 294276, and infinity; Python those from 1 to 9999. One such
value, written by hand, would make every statement fail that reads its row among others: a scan, or
the roster.
"""

from datetime import UTC, date, datetime
from typing import Any

from psycopg2.extensions import (
    PYDATE,
    PYDATETIMETZ,
    new_type,
    register_type,
)
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

# A year inside of what Python can hold, so that another zone or the day before can be worked out.
EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 12, 31, tzinfo=UTC)


def read_moment(written: Any, cursor: Any) -> datetime | None:
    """A moment from the text that PostgreSQL sends; None from null."""
    if written is None:
        return None
    try:
        moment: datetime = PYDATETIMETZ(written, cursor)
    except (ValueError, OverflowError):
        return EARLIEST if written[-1] == "C" else LATEST  # as in "BC"
    return moment if written[-1] != "y" else _end(written)


def read_date(written: Any, cursor: Any) -> date | None:
    """A date from the text that PostgreSQL sends; None from null."""
    if written is None:
        return None
    try:
        day: date = PYDATE(written, cursor)
    except (ValueError, OverflowError):
        return (EARLIEST if written[-1] == "C" else LATEST).date()
    return day if written[-1] != "y" else _end(written).date()


def _end(infinity: str) -> datetime:
    return EARLIEST if infinity[0] == "-" else LATEST


_DATE, _MOMENT = new_type((1082,), "DATE", read_date), new_type((1184,), "MOMENT", read_moment)
"""By the object ids of the types `date` and `timestamptz`, which never change."""


def read_every_moment(engine: Engine) -> None:
    """Let the engine's connections read dates and moments in this way."""

    def register(connection: DBAPIConnection, _: object) -> None:
        for reader in (_DATE, _MOMENT):
            register_type(reader, connection)  # type: ignore[arg-type]  # it is psycopg2's

    event.listen(engine, "connect", register)
