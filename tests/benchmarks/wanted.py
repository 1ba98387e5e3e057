# ruff: noqa: S608 - the only names in these statements are of our own tables and columns
"""What a day must write, whoever does it: kept beside the book, compared row by row, copied by SQL.

The rows are Arrears's own of a first run. They lie in a schema `wanted`, without indexes or keys.
"""

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.benchmarks.figures import expect
from workers.db.schema import action, collection_case, decision

_DECISION = [c.name for c in decision.columns if c.name != "id"]
_ACTION = [c.name for c in action.columns if c.name not in ("id", "decision_id")]
_CASE = [c.name for c in collection_case.columns if c.name != "id"]

# Moments differ from run to run, and so does what only says who worked on it.
_COMPARED = {
    "decision": [name for name in _DECISION if name != "decided_at"],
    "action": [
        f"{name} IS NULL" if name == "due_at" else name for name in _ACTION if name != "changed_at"
    ],
    "collection_case": _CASE,
    "position": ["loan_id", "delinquent_since", "review_on"],
}
_POSITION = (
    "SELECT id AS loan_id, delinquent_since, review_on FROM loan WHERE delinquent_since IS NOT NULL"
)


def keep(database_url: str) -> None:
    """Keep what has been written as what is wanted."""
    _run(
        database_url,
        "CREATE SCHEMA wanted",
        f"CREATE TABLE wanted.decision AS SELECT {', '.join(_DECISION)} FROM decision ORDER BY id",
        f"CREATE TABLE wanted.action AS SELECT {', '.join(_ACTION)} FROM action ORDER BY id",
        f"CREATE TABLE wanted.collection_case AS SELECT {', '.join(_CASE)} FROM collection_case",
        f"CREATE TABLE wanted.position AS {_POSITION}",
        "ANALYZE wanted.decision, wanted.action, wanted.collection_case, wanted.position",
    )


def assert_written(database_url: str) -> None:
    """Compare what was written with what is wanted.

    Raises:
        WrongResultError: a row is missing, too many or different.
    """
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        for table, names in _COMPARED.items():
            columns = ", ".join(names)
            written = f"({_POSITION}) AS p" if table == "position" else table
            both = [f"SELECT {columns} FROM {place}" for place in (written, f"wanted.{table}")]
            different = connection.execute(
                text(
                    f"SELECT count(*) FROM (({both[0]} EXCEPT ALL {both[1]})"
                    f" UNION ALL ({both[1]} EXCEPT ALL {both[0]})) AS d"
                )
            ).scalar_one()
            expect(f"rows of {table} that differ", different, 0)


def write_by_sql(database_url: str) -> None:
    """PostgreSQL alone, told what to write: one statement a table, one transaction. The limit."""
    _run(
        database_url,
        f"INSERT INTO decision ({', '.join(_DECISION)}) SELECT {', '.join(_DECISION)}"
        " FROM wanted.decision",
        f"INSERT INTO action (decision_id, {', '.join(_ACTION)})"
        f" SELECT d.id, {', '.join(f'a.{name}' for name in _ACTION)}"
        " FROM wanted.action a JOIN decision d USING (loan_id)",
        f"INSERT INTO collection_case ({', '.join(_CASE)}) SELECT {', '.join(_CASE)}"
        " FROM wanted.collection_case",
        "UPDATE loan SET delinquent_since = w.delinquent_since, review_on = w.review_on, "
        "updated_at = now()"
        " FROM wanted.position w WHERE w.loan_id = loan.id",
    )


def _run(database_url: str, *statements: str) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
