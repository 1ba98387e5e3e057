"""Rows with types: the columns of a statement are the fields of a NamedTuple."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Result
from sqlalchemy.exc import MultipleResultsFound

RowType = TypeVar("RowType", bound=NamedTuple)


def typed_rows(row_type: type[RowType], result: Result[*tuple[Any, ...]]) -> list[RowType]:
    """All rows of a result. Its columns must have the names of the fields, in the same order.

    Raises:
        TypeError: they do not.
    """
    if tuple(result.keys()) != row_type._fields:
        raise TypeError(f"{row_type.__name__} has other fields than {list(result.keys())}.")
    return [row_type._make(row) for row in result]


def typed_row(row_type: type[RowType], result: Result[*tuple[Any, ...]]) -> RowType | None:
    """The only row of a result, as `typed_rows` gives it; None if there is none.

    Raises:
        MultipleResultsFound: there are several.
    """
    rows = typed_rows(row_type, result)
    if len(rows) > 1:
        raise MultipleResultsFound(f"{len(rows)} rows, and at most one {row_type.__name__}.")
    return rows[0] if rows else None
