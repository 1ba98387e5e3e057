"""Connections prove themselves after a rest, and keep the plans of what is sent again and again."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine, bindparam, func, select, text
from sqlalchemy.exc import OperationalError

from workers.db import engine as store_engine
from workers.db.engine import connect
from workers.db.prepared_statements import literal, prepared
from workers.db.schema import inbox_event

pytestmark = pytest.mark.usefixtures("new_connections")

ADDED = prepared(text("SELECT CAST(:a AS int) + CAST(:b AS int) + CAST(:a AS int)"))
KEPT = text("SELECT statement FROM pg_prepared_statements ORDER BY 1")
ANNULLED = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = :pid")


def kept(connection: Connection) -> list[str]:
    """What the server keeps for this connection."""
    return list(
        connection.execute(
            text("SELECT statement FROM pg_prepared_statements ORDER BY 1")
        ).scalars()
    )


def cut(engine: Engine, pid: int) -> None:
    """The server ends a connection, as when it restarts."""
    with connect(engine.url.render_as_string(hide_password=False)).begin() as another:
        another.execute(ANNULLED, {"pid": pid})


def pid_of(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.pg_backend_pid())).scalar_one())


def test_a_marked_statement_is_planned_once_however_often_it_is_sent(engine: Engine) -> None:
    with engine.connect() as connection:
        answers = [connection.execute(ADDED, {"a": n, "b": 1}).scalar_one() for n in range(8)]

        assert answers == [2 * n + 1 for n in range(8)]
        (statement,) = kept(connection)
        assert statement == (
            "PREPARE arrears_0 AS SELECT CAST($1 AS int) + CAST($2 AS int) + CAST($1 AS int)"
        )


def test_it_is_kept_though_its_transaction_is_taken_back(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(ADDED, {"a": 1, "b": 1})
        connection.rollback()

        assert connection.execute(ADDED, {"a": 2, "b": 2}).scalar_one() == 6
        assert len(kept(connection)) == 1


def test_a_statement_that_is_not_marked_is_sent_as_it_is(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.execute(text("SELECT CAST(:a AS int)"), {"a": 1}).scalar_one() == 1
        assert kept(connection) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bigint[]", [1, 2**40]),
        ("bigint[]", []),
        ("text[]", ["a", "it's", "50 %"]),
        ("date", date(2026, 3, 2)),
        ("timestamptz", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("numeric", Decimal("0.10")),
        ("text", "%(a)s 100 %"),
        ("bool", False),
        ("bytea", b"\x00\xff"),
        ("text", None),
    ],
)
def test_values_arrive_as_they_are(engine: Engine, kind: str, value: object) -> None:
    statement = prepared(text(f"SELECT CAST(:a AS {kind}), '100 %' LIKE '100 %'"))
    with engine.connect() as connection:
        for _ in range(2):
            returned, percent = connection.execute(statement, {"a": value}).one()
            assert (bytes(returned) if kind == "bytea" else returned, percent) == (value, True)


def test_a_word_that_an_index_is_chosen_by_stands_in_the_statement(engine: Engine) -> None:
    waiting = select(inbox_event.c.id).where(
        inbox_event.c.status == literal("received"), inbox_event.c.id > bindparam("after")
    )
    with engine.connect() as connection:
        connection.execute(prepared(waiting), {"after": 0})

        (statement,) = kept(connection)
        assert "status = 'received'" in statement


def test_a_connection_that_was_cut_while_it_lay_idle_is_replaced_unnoticed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.connect() as connection:
        connection.execute(ADDED, {"a": 1, "b": 1})
    monkeypatch.setattr(store_engine, "PING_AFTER_IDLE", 0.0)
    before = pid_of(engine)
    cut(engine, before)

    with engine.connect() as connection:
        assert connection.execute(ADDED, {"a": 1, "b": 1}).scalar_one() == 3
    assert pid_of(engine) != before


def test_one_that_is_cut_in_the_middle_fails_its_work_and_no_more(engine: Engine) -> None:
    before = pid_of(engine)
    with engine.connect() as connection:
        connection.execute(ADDED, {"a": 1, "b": 1})
        cut(engine, before)
        with pytest.raises(OperationalError):
            connection.execute(ADDED, {"a": 1, "b": 1})

    with engine.connect() as connection:
        assert connection.execute(ADDED, {"a": 1, "b": 1}).scalar_one() == 3


def test_a_statement_cannot_be_prepared_on_a_connection_that_is_gone(engine: Engine) -> None:
    before = pid_of(engine)
    with engine.connect() as connection:
        cut(engine, before)
        with pytest.raises(OperationalError):
            connection.execute(ADDED, {"a": 1, "b": 1})


def test_a_connection_in_use_is_not_asked_each_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(engine.dialect, "do_ping", asked.append)

    for _ in range(3):
        pid_of(engine)
    assert len(asked) == 1, "when it was new"

    monkeypatch.setattr(store_engine, "PING_AFTER_IDLE", 0.0)
    pid_of(engine)
    assert len(asked) == 2
