"""Servers, databases and queues for tests. A test names what it needs, and gets it clean."""

import gc
import os
from collections.abc import Iterator

import pytest
import redis
from hypothesis import settings
from sqlalchemy import Engine
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support.databases import ReusedDatabase, new_database
from tests.support.in_memory import keep_temporary_files_in_memory
from tests.support.receiver import LendersSystems, lenders_systems
from workers.simulator.servers.postgres_and_valkey import LocalBroker, LocalPostgres

# What is collected stays, so it is not searched for garbage until all of it is there.
gc.disable()

keep_temporary_files_in_memory()

# An example takes as long as the machine lets it: no property is about time.
settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be made.

    TEST_DATABASE_URL names one of your own (a `postgresql+psycopg2://` URL of a superuser);
    otherwise one is started from a wheel.
    """
    if own := os.environ.get("TEST_DATABASE_URL"):
        yield own
        return
    # A table that is vacuumed or analysed while a test runs may be read by another plan.
    with LocalPostgres(autovacuum="off", max_wal_size="128MB") as server:
        yield server.url


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> Iterator[str]:
    """The name of a database with every migration applied, for copying. Nobody connects to it."""
    from workers.db.migrate import upgrade  # tests that need no database do without its imports

    with new_database(postgres_server) as url:
        upgrade(url.render_as_string(hide_password=False))
        yield str(url.database)


@pytest.fixture(scope="session")
def reused_database(postgres_server: str, migrated_template: str) -> Iterator[ReusedDatabase]:
    with new_database(postgres_server, template=migrated_template) as url:
        database = ReusedDatabase(postgres_server, url, migrated_template)
        yield database
        database.close()


@pytest.fixture
def database_url(reused_database: ReusedDatabase) -> str:
    """A database for this test alone: migrated and empty."""
    reused_database.renew()
    return reused_database.url.render_as_string(hide_password=False)


@pytest.fixture
def engine(database_url: str, reused_database: ReusedDatabase) -> Engine:
    """Connections to this test's own database."""
    assert database_url  # the database is this test's from here on
    return reused_database.engine


@pytest.fixture
def new_connections(engine: Engine) -> None:
    """The connections of `engine` are new ones: nothing is planned, and no table is known."""
    engine.dispose()


@pytest.fixture(scope="session")
def broker_server() -> Iterator[LocalBroker]:
    """A broker that the whole run shares. A test that stops or kills one starts its own."""
    with LocalBroker() as server:
        yield server


@pytest.fixture
def broker_url(broker_server: LocalBroker) -> str:
    """The shared broker's URL, with nothing left in it by an earlier test."""
    with redis.Redis.from_url(broker_server.url) as client:
        client.flushall()
    return broker_server.url


ONE_AFTER_ANOTHER = {
    "chaos": "processes",
    "crash_points": "processes",
    "test_processes": "processes",
    "test_broker_full": "processes",
    "test_partition": "processes",
    "test_indexes": "full tables",
}
"""Tests that one worker of pytest-xdist does, by a part of their names. Where workers, beats and
brokers run as processes of their own, two such tests at a time would leave none of them the
processor that it needs; and the tables are filled once."""


LONG = (
    "test_demo",
    "test_on_postgres",
    "test_fuzz",
    "test_benchmarks",
    "test_key_rotation",
    "test_import_tape",
)
"""What takes longest of the rest. It comes first, so that neither worker of pytest-xdist is left
alone with one of these at the end. The group comes before all of them, as xdist begins with the
largest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not any(name in item.nodeid for name in LONG))


class Scheduling(LoadScopeScheduling):
    """Gives a worker one test after the other, or all tests of a group.

    The groups of pytest-xdist itself are marks, which pytest 9.2 does not pass on.
    """

    def _split_scope(self, nodeid: str) -> str:
        groups = (group for name, group in ONE_AFTER_ANOTHER.items() if name in nodeid)
        return next(groups, nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_finish() -> None:
    # What was imported and collected stays: no test need look through it for garbage.
    gc.freeze()
    gc.enable()


@pytest.fixture
def systems() -> Iterator[LendersSystems]:
    """The lender's systems, which take what they are told."""
    with lenders_systems() as systems:
        yield systems
