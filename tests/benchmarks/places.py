"""Where a question is asked: two servers, one installation a database, and one moment."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from config.environment import load_settings
from domain.actors import ARREARS
from tests.support.environment import an_environment
from workers.bootstrap import build_context
from workers.context import Context
from workers.simulator.servers.postgres_and_valkey import LocalBroker, LocalPostgres

NOON = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)
"""When every run begins: an hour at which the whole United States may be texted."""


def memory() -> int:
    """Bytes that this machine has, or its container may take."""
    limit = Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text().strip() if limit.exists() else "max"
    total: int = psutil.virtual_memory().total
    return total if allowed == "max" else min(total, int(allowed))


SHARED_BUFFERS = f"{memory() // 4 // 1024**2}MB"
"""PostgreSQL's own memory: a quarter of the machine's, as its manual advises and an operator of a
large book is told to set."""


@dataclass(frozen=True, slots=True)
class Places:
    """The servers of one run. All its processes read the same clock."""

    environment: Mapping[str, str]

    @property
    def server_url(self) -> str:
        """The PostgreSQL server, where databases may be made."""
        return self.environment["DATABASE_URL"]

    def at(self, database_url: str) -> dict[str, str]:
        """The environment of a process that works on this database."""
        return {**self.environment, "DATABASE_URL": database_url}

    @contextmanager
    def ctx(self, database_url: str) -> Iterator[Context]:
        """An installation at this database, wired as in production."""
        ctx = build_context(load_settings(self.at(database_url))).acting(ARREARS)
        yield ctx
        ctx.engine.dispose()

    def broker(self) -> redis.Redis:
        return redis.Redis.from_url(self.environment["REDIS_URL"])


@contextmanager
def open_places(directory: Path) -> Iterator[Places]:
    """Servers of this run's own; they and `directory`'s clock are gone with it."""
    clock = directory / "clock"
    clock.write_text(str((NOON - datetime.now(UTC)).total_seconds()))
    settings = {"track_commit_timestamp": "on", "shared_buffers": SHARED_BUFFERS}
    with LocalPostgres(None, **settings) as postgres, LocalBroker() as broker:
        yield Places(
            an_environment(postgres.url, broker.url)
            | {"ARREARS_ZONE": "America/New_York", "ARREARS_CLOCK_FILE": str(clock)}
        )


def places_here() -> Places:
    """The places that this process was started with."""
    return Places(dict(os.environ))


def run_outside_transactions(database_url: str, *statements: str) -> None:
    """Run what PostgreSQL refuses in a transaction, such as VACUUM, however long it takes."""
    engine = create_engine(database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
