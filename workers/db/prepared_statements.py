"""Statements that PostgreSQL plans once for each connection, and not each time they are sent.

psycopg2 sends every statement as words, and PostgreSQL plans those anew each time. To plan the one
that reads a loan's facts takes three times as long as to run it for one loan. What is marked here
is sent once as `PREPARE` and after that by its name; whoever executes it need not know.

Its plan is made without a look at the values (`plan_cache_mode`), so mark only what finds its rows
by an index whichever they are. What a partial index is chosen by must stand in the statement itself
(`written_out`): a value that is given later proves nothing to the planner.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, event
from sqlalchemy import literal as sql_literal
from sqlalchemy.sql.elements import ColumnElement

PREPARED = "arrears_planned_once"
_NUMBER = "arrears_plan_number"

_GIVEN = re.compile(r"%\((\w+)\)s")

Statement = TypeVar("Statement", bound=Executable)


def prepared(statement: Statement) -> Statement:
    """The same statement, a constant of its module, to be planned once for each connection."""
    return statement.execution_options(**{PREPARED: True})


def literal(value: str) -> ColumnElement[str]:
    """A word of our own that stands in the statement, where it may be compared with an index's."""
    return sql_literal(str(value), literal_execute=True)


def keep_plans(engine: Engine) -> None:
    """Let the connections of an engine send marked statements by name."""
    event.listen(engine, "before_cursor_execute", _by_name, retval=True)


def _by_name(
    connection: Connection,
    _cursor: object,
    statement: str,
    parameters: Any,
    context: Any,
    many: bool,
) -> tuple[str, Any]:
    if many or context is None or not context.execution_options.get(PREPARED):
        return statement, parameters
    # Gone with the connection, as the server's are.
    names = connection.info.setdefault(PREPARED, {})
    if statement not in names:
        # Never the same number twice, not even if a time limit strikes between sending and noting.
        number = connection.info[_NUMBER] = connection.info.get(_NUMBER, -1) + 1
        names[statement] = _prepare(connection, statement, f"arrears_{number}")
    return names[statement], parameters


def _prepare(connection: Connection, statement: str, name: str) -> str:
    """Have PostgreSQL keep a statement under a name; gives what executes it."""
    given = list(dict.fromkeys(_GIVEN.findall(statement)))
    body = _GIVEN.sub(lambda found: f"${given.index(found[1]) + 1}", statement)
    connection.exec_driver_sql(f"PREPARE {name} AS {body}")
    values = ", ".join(f"%({given_value})s" for given_value in given)
    return f"EXECUTE {name} ({values})" if values else f"EXECUTE {name}"
