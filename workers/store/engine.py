"""One way to the database."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from domain.errors import ArrearsError


def connect(url: str, *, pool_size: int = 2) -> Engine:
    """An engine whose connections speak UTC and give up on a dead server within seconds."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=2,
        pool_pre_ping=True,
        hide_parameters=True,  # errors and logs show statements, never the values in them
        connect_args={
            "connect_timeout": 5,
            "application_name": "arrears",
            "options": "-c timezone=UTC -c lock_timeout=20s -c statement_timeout=60s",
            "keepalives_idle": 30,
        },
    )


def assert_reachable(engine: Engine) -> None:
    """One question to the server.

    Raises:
        ArrearsError: it cannot be reached, or turns us away.
    """
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except OperationalError as error:
        why = str(error.orig).strip().splitlines()[0]
        raise ArrearsError(
            f"The database cannot be reached ({why}). Check DATABASE_URL and that PostgreSQL runs."
        ) from None
