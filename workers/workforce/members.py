"""What decides whether somebody may do a piece of work now, read from the records."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Select, exists, false, select, text

from domain.collectors import Span
from domain.errors import RefusedError
from domain.language.speak import speak
from domain.staffing import Absence, Member, why_may_not_start
from workers.db.schema import borrower, must_not_handle, staff
from workers.db.typed_rows import columns_of, typed_row

AROUND = timedelta(days=1)
"""How far around a moment shifts are read."""

_SPANS = text("""
SELECT starts_at, ends_at, 'shift' AS what FROM shift
 WHERE staff_id = :staff AND starts_at <= :now AND ends_at > :now
 UNION ALL
SELECT starts_at, ends_at, 'absence' FROM absence
 WHERE staff_id = :staff AND starts_at <= :now AND coalesce(ends_at > :now, true)
 UNION ALL
(SELECT starts_at, ends_at, 'rostered' FROM shift WHERE staff_id = :staff LIMIT 1)
""")


class MayNotStartError(RefusedError):
    """Whoever is to do a piece of work may not do it now."""


class _Row(NamedTuple):
    id: int
    external_id: str
    trained_on: date | None
    left_on: date | None
    barred: bool


def read_member(
    connection: Connection, reference: str, now: datetime, person_ids: Collection[int] = ()
) -> Member | None:
    """What is known of a member of staff now; None: nobody has the reference.

    `person_ids` are those whom the work is about. Two statements.
    """
    barred = exists(bars(person_ids)) if person_ids else false()
    columns = columns_of(_Row, staff, barred=barred)
    asked = select(*columns).where(staff.c.external_id == reference)
    row = typed_row(_Row, connection.execute(asked))
    if row is None:
        return None
    spans = connection.execute(_SPANS, {"staff": row.id, "now": now}).all()
    rostered = any(span.what == "rostered" for span in spans)
    return Member(
        row.external_id,
        row.trained_on,
        row.left_on,
        tuple(Span(s.starts_at, s.ends_at) for s in spans if s.what == "shift")
        if rostered
        else None,
        tuple(Absence(s.starts_at, s.ends_at) for s in spans if s.what == "absence"),
        row.barred,
    )


def bars(person_ids: Collection[int]) -> Select[tuple[int]]:
    """The rows that keep a member of staff, of an outer query of `staff`, from these persons."""
    return (
        select(must_not_handle.c.id)
        .join(borrower, borrower.c.id == must_not_handle.c.borrower_id)
        .where(
            must_not_handle.c.staff_id == staff.c.id,
            must_not_handle.c.ended_at.is_(None),
            borrower.c.person_id.in_(list(person_ids)),
        )
        .correlate(staff)
    )


def refuse_who_may_not(
    connection: Connection, reference: str, now: datetime, person_ids: Collection[int]
) -> None:
    """Refuse the start of a call or a visit by somebody who may not do it now.

    Asked are: left, training, must-not-handle, absence and shift. `now` is in the lender's zone.

    Raises:
        MayNotStartError: so it is, with the reason.
    """
    member = read_member(connection, reference, now, person_ids)
    if member is not None and (why := why_may_not_start(member, now)):
        raise MayNotStartError(speak(why), why)
