"""Who may not work for whom: the one description of what `must_not_handle` says.

It is a row for a record. It counts for the person behind that record, by all their records, and for
everybody who is, or was, on a loan with that person: a call, a letter and the history of a loan are
about its borrower and its parties together.

Each question starts from one member of staff, or from one person. OFFSET 0 keeps PostgreSQL to
that: it would else join all loans with all their parties before it looks for anybody.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Subquery,
    any_,
    exists,
    false,
    func,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects import postgresql

from workers.db.schema import borrower, loan, loan_party, must_not_handle, staff

_FROM_HERE = literal_column("0", BigInteger)
"""The OFFSET."""


def _on_loans(name: str) -> Subquery:
    """Who is, or was, on which loan: the borrower and the parties."""
    own, party = loan.alias(f"{name}_loan"), loan_party.alias(f"{name}_party")
    as_borrower = select(own.c.id.label("loan_id"), own.c.borrower_id)
    as_party = select(party.c.loan_id, party.c.borrower_id)
    return union_all(as_borrower, as_party).subquery(name)


def _records_with(person_id: Any) -> CompoundSelect[int, int]:
    """The `id` and the `person_id` of the records of a person, and of whoever is, or was, on a loan
    with that person; some twice. By an id, or by the expression that names it."""
    own, record, other, same = (
        borrower.alias(f"kept_{name}") for name in ("own", "record", "other", "same")
    )
    theirs, on_it = _on_loans("kept_theirs"), _on_loans("kept_on_it")
    themselves = select(own.c.id, own.c.person_id).where(own.c.person_id == person_id)
    with_them = (
        select(same.c.id, same.c.person_id)
        .select_from(record)
        .join(theirs, theirs.c.borrower_id == record.c.id)
        .join(on_it, on_it.c.loan_id == theirs.c.loan_id)
        .join(other, other.c.id == on_it.c.borrower_id)
        .join(same, same.c.person_id == other.c.person_id)
        .where(record.c.person_id == person_id)
    )
    return union_all(themselves, with_them).offset(_FROM_HERE)


def _kept_from(staff_id: Any, column: str) -> Select[int]:
    """The `id` of the records, or the `person_id` of the people, whom one may not work for."""
    kept, named = must_not_handle.alias("kept"), borrower.alias("kept_named")
    named_person: Any = literal_column("kept_named.person_id")
    each: Any = _records_with(named_person).lateral("kept_each")
    return (
        select(each.c[column])
        .select_from(kept)
        .join(named, named.c.id == kept.c.borrower_id)
        .join(each, true())
        .where(kept.c.staff_id == staff_id, kept.c.ended_at.is_(None))
    )


def _as_text(query: Any) -> str:
    make_dialect: Any = postgresql.dialect
    return str(query.compile(dialect=make_dialect()))


def records_kept_from(reference: str) -> Select[int]:
    """The ids of the records of everybody whom a member of staff may not work for."""
    who = staff.alias("kept_staff")
    known = select(who.c.id).where(who.c.external_id == reference)
    return _kept_from(known.scalar_subquery(), "id")


def persons_kept_from_sql(staff_id: str) -> str:
    """The ids of the persons whom a member of staff may not work for, as a statement that is
    written as text, by the expression that names the member."""
    return _as_text(_kept_from(literal_column(staff_id), "person_id"))


def kept_away_from(connection: Connection, borrower_id: int) -> frozenset[str]:
    """The staff references of whoever may not work for the person behind a record."""
    person = select(borrower.c.person_id).where(borrower.c.id == borrower_id).scalar_subquery()
    kept = must_not_handle.alias("kept")
    found = connection.execute(
        select(staff.c.external_id)
        .join(kept, kept.c.staff_id == staff.c.id)
        .where(_is_of(kept, person), kept.c.ended_at.is_(None))
    )
    return frozenset(found.scalars())


def _is_of(kept: Any, person_id: Any) -> ColumnElement[bool]:
    """Whether a row is of a person, or of somebody on a loan with them."""
    each = _records_with(person_id).subquery("kept_each")
    return is_among(kept.c.borrower_id, select(each.c.id))


def is_among(column: Any, ids: Select[Any]) -> ColumnElement[bool]:
    """Whether a column is one of these ids, which are read once, as an array."""
    among: ColumnElement[bool] = column == any_(func.array(ids.scalar_subquery()))
    return among


def is_kept_away(staff_id: Any, person_id: Any) -> ColumnElement[bool]:
    """Whether a member of staff may not work for a person, by the column that names the member, and
    the id of the person."""
    kept = must_not_handle.alias("kept")
    return exists(
        select(kept.c.id)
        .where(kept.c.staff_id == staff_id, _is_of(kept, person_id), kept.c.ended_at.is_(None))
        .correlate_except(kept)
        .offset(_FROM_HERE)
    )


def is_kept_away_from(reference: str, borrower_id: Any) -> ColumnElement[bool]:
    """The same by a staff reference, and by the column or the query that names a record. Where it
    names none, nobody is kept away."""
    return func.coalesce(is_among(borrower_id, records_kept_from(reference)), false())


def is_kept_away_sql(staff_id: str, person_id: str) -> str:
    """The same for statements that are written as text, by the expressions that name them."""
    return _as_text(is_kept_away(literal_column(staff_id), literal_column(person_id)))
