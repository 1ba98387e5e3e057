"""The hours in which somebody is on a visit: they make no calls then, and the day has less left."""

from datetime import datetime

from sqlalchemy import Connection, text

from domain.collectors import Span

AT_VISIT = """
visit_staff h
 WHERE h.cancelled_at IS NULL
   AND NOT EXISTS (SELECT FROM visit w JOIN contact_outcome o ON o.contact_id = w.contact_id
                    WHERE w.id = h.visit_id)"""
"""What follows FROM: the hours `h` of visits that are scheduled, or go on. A visit whose outcome is
reported is over. The ranges of more conditions are those of the exclusion constraint, whose index
is used."""


def at_visit_of(staff: str) -> str:
    """The same of one member of staff, whose id is the SQL `staff`, at the moment `:now`."""
    return (
        f"{AT_VISIT} AND int8range(h.staff_id, h.staff_id, '[]') && "
        f"int8range({staff}, {staff}, '[]') "
        "AND tstzrange(h.starts_at, h.ends_at) && tstzrange(:now, :now, '[]')"
    )


def visits_of_day(staff: str) -> str:
    """How many visits the member of staff, whose id is the SQL `staff`, has on the day from
    `:day_starts` up to `:day_ends`, those that are over too: each takes its part of the day."""
    ids = f"int8range(h.staff_id, h.staff_id, '[]') && int8range({staff}, {staff}, '[]')"
    hours = "tstzrange(h.starts_at, h.ends_at) && tstzrange(:day_starts, :day_ends)"
    counted = f"FROM visit_staff h WHERE h.cancelled_at IS NULL AND {ids} AND {hours}"
    return f"(SELECT count(*) {counted})"


_AHEAD = text(f"""
SELECT h.starts_at, h.ends_at
  FROM {AT_VISIT}
   AND int8range(h.staff_id, h.staff_id, '[]') && (
       SELECT int8range(s.id, s.id, '[]') FROM staff s WHERE s.external_id = :staff)
   AND tstzrange(h.starts_at, h.ends_at) && tstzrange(:at, NULL)
   AND NOT EXISTS (SELECT FROM visit v
                    WHERE v.id = h.visit_id AND v.contact_id = CAST(:contact AS bigint))
 ORDER BY h.starts_at
""")  # noqa: S608 put together from constants


def visits_after(
    connection: Connection, reference: str, at: datetime, *, but: int | None = None
) -> list[Span]:
    """The visits of a member of staff that go on at a moment or begin after it, without the one of
    the contact `but`, which is being reported."""
    values = {"staff": reference, "at": at, "contact": but}
    return [Span(*row) for row in connection.execute(_AHEAD, values)]
