"""Prepared statements: PostgreSQL plans them once for each connection, not for each execution.

psycopg2 sends every statement as text, and PostgreSQL plans it each time. To plan the statement
that reads the facts of a loan takes three times as long as to run it for one loan. A statement that
is marked with `prepared` is sent once as `PREPARE`, and by its name after that.

The plan is generic (`plan_cache_mode`), so mark only statements that find their rows by an index
for all values. The condition of a partial index must be a `literal` in the statement: the planner
cannot match a partial index against a bind parameter.
"""

import re
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, event
from sqlalchemy import literal as sql_literal
from sqlalchemy.sql.elements import ColumnElement

PREPARED = "arrears_prepared"
_LAST_NUMBER = "arrears_last_prepared_number"

_PARAMETER = re.compile(r"%\((\w+)\)s")

Statement = TypeVar("Statement", bound=Executable)


def prepared(statement: Statement) -> Statement:
    """Mark a statement, a constant of its module, to be planned once for each connection."""
    return statement.execution_options(**{PREPARED: True})


def literal(value: str) -> ColumnElement[str]:
    """A constant that is rendered into the statement, so that it can match a partial index."""
    return sql_literal(str(value), literal_execute=True)


def enable_prepared_statements(engine: Engine) -> None:
    """Make the connections of an engine execute marked statements by name."""
    event.listen(engine, "before_cursor_execute", _execute_by_name, retval=True)


def _execute_by_name(
    connection: Connection,
    _cursor: object,
    statement: str,
    parameters: Any,
    context: Any,
    many: bool,
) -> tuple[str, Any]:
    if many or context is None or not context.execution_options.get(PREPARED):
        return statement, parameters
    # These names end with the connection, as the prepared statements of the server do.
    names = connection.info.setdefault(PREPARED, {})
    if statement not in names:
        # Never use a number twice, even if a time limit interrupts before the name is stored.
        number = connection.info[_LAST_NUMBER] = connection.info.get(_LAST_NUMBER, -1) + 1
        names[statement] = _prepare(connection, statement, f"arrears_{number}")
    return names[statement], parameters


def _prepare(connection: Connection, statement: str, name: str) -> str:
    """Prepare a statement under a name; returns the statement that executes it."""
    parameters_of = list(dict.fromkeys(_PARAMETER.findall(statement)))
    body = _PARAMETER.sub(lambda found: f"${parameters_of.index(found[1]) + 1}", statement)
    connection.exec_driver_sql(f"PREPARE {name} AS {body}")
    values = ", ".join(f"%({parameter})s" for parameter in parameters_of)
    return f"EXECUTE {name} ({values})" if values else f"EXECUTE {name}"
