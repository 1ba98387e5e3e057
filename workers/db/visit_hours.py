"""The hours in which somebody is on a visit: they make no calls then."""

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
