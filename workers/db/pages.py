"""Pages of lists: counted by kind, and read from where the last page ended.

A page is found by the keys of the last row before it, and not by an offset: what stands before it
is not read again, and rows that come or go meanwhile move nothing between pages.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, tzinfo
from typing import Any, Generic, TypeVar, overload
from urllib.parse import quote, unquote

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, func, select, tuple_
from sqlalchemy import literal as bound
from sqlalchemy.sql import union_all

from domain.errors import ArrearsError
from workers.db.schema import loan

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for of a list. As it is by default: all of it."""

    limit: int | None = None
    """The most rows of each list."""
    after: str | None = None
    """`Page.after` of the page before. It names its list: no other is read."""
    kind: str | None = None
    """Only this kind."""
    loan: str | None = None
    """Only what is about this loan: the lender's id."""
    borrower: str | None = None
    """Only what is about this record of a person: the lender's id."""

    def reads(self, name: str) -> bool:
        """Whether the list of this name is read."""
        return self.after is None or self.after.split(":")[0] == name


ALL = Asked()


@dataclass(frozen=True, slots=True)
class Page(Sequence[T]):
    """Some rows of a list, in its order, and how many there are."""

    counts: Mapping[str, int]
    """How many rows of each kind the whole list has; empty if it was asked for without a limit."""
    rows: tuple[T, ...] = ()
    after: str | None = None
    """What continues the list after these rows; None: these are its last."""

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...
    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        return self.rows[place]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


NOTHING: Page[Any] = Page({})
"""A list that was not asked for."""


@dataclass(frozen=True)
class Listing(Generic[T]):
    """How a list is read."""

    name: str
    rows: Select[Any]
    """All rows, in no order."""
    keys: Sequence[ColumnElement[Any]]
    """What orders them: together unique, and never null."""
    make: Callable[[Row[Any]], T]
    counts: Select[Any]
    """A kind and a number: as many rows as it counts. `count_by` makes it."""
    descending: bool = False
    either: Sequence[Select[Any]] = ()
    """Of rows that stand in several partial indexes: for each index, its one key. The first rows
    are found by each index, and only those are put into one order."""


def assert_of(names: Collection[str], asked: Asked) -> Asked:
    """What is asked for, if it can be of one of the lists of these names.

    Raises:
        ArrearsError: `asked.after` is of another list.
    """
    if not any(map(asked.reads, names)):
        raise _not_of_a_page(asked.after)
    return asked


def count_by(
    kind: ColumnElement[Any], table: FromClause, *where: ColumnElement[bool]
) -> Select[Any]:
    """How many rows of a table there are of each kind."""
    return select(kind, func.count()).select_from(table).where(*where).group_by(kind)


def count_rows(rows: Select[Any], kind: ColumnElement[Any]) -> Select[Any]:
    """How many rows a statement gives of each kind."""
    return rows.with_only_columns(kind, func.count()).group_by(kind)


def of_loan(loan_id: ColumnElement[int], asked: Asked) -> list[ColumnElement[bool]]:
    """The condition that a row is about the loan that is asked for, if one is."""
    if asked.loan is None:
        return []
    named = select(loan.c.id).where(loan.c.external_id == asked.loan)
    return [loan_id == named.scalar_subquery()]


def count_all(name: str, table: FromClause, *where: ColumnElement[bool]) -> Select[Any]:
    """How many rows of a table there are, of one kind; no row where there are none."""
    kind: ColumnElement[Any] = bound(name)
    counts = select(kind, func.count()).select_from(table).where(*where)
    return counts.having(func.count() > 0)


def read_page(connection: Connection, listing: Listing[T], asked: Asked) -> Page[T]:
    """The page of a list that is asked for; nothing if another list is.

    Raises:
        ArrearsError: `asked.after` is not what a page of the list named.
    """
    if not asked.reads(listing.name):
        return NOTHING
    counts: dict[str, int] = {}
    if asked.limit is not None:
        counts = {row[0]: row[1] for row in connection.execute(listing.counts)}
    begins: list[ColumnElement[bool]] = []
    if asked.after is not None:
        last = tuple_(*_values(asked.after, listing.keys))
        keys = tuple_(*listing.keys)
        begins = [keys < last if listing.descending else keys > last]
    limit = None if asked.limit is None else asked.limit + 1
    statement = listing.rows.where(*begins)
    if listing.either:
        (key,) = listing.keys
        parts = (part.where(*begins).order_by(key).limit(limit) for part in listing.either)
        statement = listing.rows.where(
            key.in_(select(union_all(*(select(part.subquery()) for part in parts)).subquery()))
        )
    order = [key.desc() if listing.descending else key for key in listing.keys]
    named = [key.label(f"key_{place}") for place, key in enumerate(listing.keys)]
    found = connection.execute(statement.add_columns(*named).order_by(*order).limit(limit)).all()
    rows = found[: asked.limit]
    more = len(found) > len(rows)
    return Page(
        counts,
        tuple(map(listing.make, rows)),
        _after(listing.name, rows[-1][-len(named) :]) if more else None,
    )


def page_of(
    name: str,
    rows: Sequence[T],
    kind: Callable[[T], str],
    asked: Asked,
    key: Callable[[T], tuple[str, ...]] | None = None,
) -> Page[T]:
    """The page of a list that no statement orders: in the order of its `key`, which is unique; of a
    list that is always short, without a key, all of it."""
    if not asked.reads(name):
        return NOTHING
    counts = dict(Counter(map(kind, rows)))
    if key is None:
        return Page(counts, tuple(rows))
    last = tuple(unquote(text) for text in (asked.after or name).split(":")[1:])
    left = sorted((row for row in rows if key(row) > last), key=key)
    shown = tuple(left[: asked.limit])
    after = _after(name, key(shown[-1])) if len(left) > len(shown) else None
    return Page(counts, shown, after)


def maker(row_type: Callable[..., T], zone: tzinfo) -> Callable[[Row[Any]], T]:
    """What makes a dataclass from the columns that have the names of its fields, with its moments
    in a zone."""
    names = [field.name for field in fields(row_type)]  # type: ignore[arg-type]

    def make(row: Row[Any]) -> T:
        values = (row._mapping[name] for name in names)
        return row_type(*(v.astimezone(zone) if isinstance(v, datetime) else v for v in values))

    return make


def _after(name: str, keys: Sequence[Any]) -> str:
    texts = (key.isoformat() if isinstance(key, date) else str(key) for key in keys)
    return ":".join((name, *(quote(text, safe="") for text in texts)))


def _values(after: str, keys: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """The values of the keys, each with the type of its column.

    Raises:
        ArrearsError: they are not those of a page.
    """
    try:
        return [
            bound(_read(key.type.python_type, unquote(text)), key.type)
            for key, text in zip(keys, after.split(":")[1:], strict=True)
        ]
    except ValueError:
        raise _not_of_a_page(after) from None


def _not_of_a_page(after: str | None) -> ArrearsError:
    return ArrearsError(
        "Nothing goes on after {after}. Copy what stands below the last page.", after=after
    )


def _read(python_type: Any, text: str) -> Any:
    return python_type.fromisoformat(text) if issubclass(python_type, date) else python_type(text)
