"""Rows with types: the columns of a statement are the fields of a NamedTuple or a dataclass."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, tzinfo
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, FromClause, Result
from sqlalchemy.exc import MultipleResultsFound

RowType = TypeVar("RowType")


def columns_of(
    row_type: type[object], *tables: FromClause, **others: ColumnElement[Any]
) -> list[ColumnElement[Any]]:
    """A column for each field: of `others` by its name, else of the first table that has it."""
    return [
        others[name].label(name)
        if name in others
        else next(table.c[name] for table in tables if name in table.c)
        for name in _field_names(row_type)
    ]


def typed_rows(
    row_type: type[RowType], result: Result[*tuple[Any, ...]], zone: tzinfo | None = None
) -> list[RowType]:
    """All rows of a result. Its columns must have the names of the fields, in the same order.

    Moments are in `zone`, if it is given.

    Raises:
        TypeError: the columns have other names.
    """
    names = _field_names(row_type)
    if tuple(result.keys()) != names:
        raise TypeError(f"{row_type.__name__} has other fields than {list(result.keys())}.")
    make: Callable[..., RowType] = row_type
    if zone is None:
        return [make(*row) for row in result]
    return [
        make(*(v.astimezone(zone) if isinstance(v, datetime) else v for v in row)) for row in result
    ]


def typed_row(
    row_type: type[RowType], result: Result[*tuple[Any, ...]], zone: tzinfo | None = None
) -> RowType | None:
    """The only row of a result, as `typed_rows` gives it; None if there is none.

    Raises:
        MultipleResultsFound: there are several.
    """
    rows = typed_rows(row_type, result, zone)
    if len(rows) > 1:
        raise MultipleResultsFound(f"{len(rows)} rows, and at most one {row_type.__name__}.")
    return rows[0] if rows else None


def _field_names(row_type: Any) -> tuple[str, ...]:
    return getattr(row_type, "_fields", ()) or tuple(field.name for field in fields(row_type))
