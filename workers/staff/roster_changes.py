"""What a new roster changes, as the second person sees it before they grant it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from config.readers.roster import StaffMember
from domain.compliance.contact_hours import Hours
from domain.permissions import Permission
from workers.access.second_person import with_second_person
from workers.context import Context
from workers.db.schema import staff

KEPT = (
    *("roles", "languages", "regions", "daily_capacity", "trained_on"),
    *("left_on", "stands_in_for", "stands_in_until"),
)
"""What the roster says of a person; the hours of shifts are apart."""


def let_second_person_see(
    connection: Connection, ctx: Context, members: Sequence[StaffMember], shifts: Mapping[str, Any]
) -> None:
    """Go on if another person has granted this roster, with these shifts.

    The first roster needs nobody: no one else is there yet.

    Raises:
        SecondPersonNeededError: nobody has granted it.
    """
    known = {
        row.external_id: row
        for row in connection.execute(
            select(staff.c.external_id, *(staff.c[name] for name in KEPT))
        )
    }
    if set(known) <= {ctx.actor.reference}:
        return
    what = [f"Load a roster of {len(members)} people."]
    for member in members:
        what += _changes(member, known.get(member.id))
    arguments: dict[str, Any] = {
        "members": as_json(members),
        "shifts": [[_exactly(hours) for hours in member.shifts] for member in members],
    }
    arguments |= shifts
    with_second_person(connection, ctx, Permission.CHANGE_ROSTER, "\n".join(what), arguments)


def as_json(members: Sequence[StaffMember]) -> list[dict[str, Any]]:
    """The members as a version of the roster keeps them."""
    rows = [
        {"id": member.id, **{name: getattr(member, name) for name in KEPT}} for member in members
    ]
    kept: list[dict[str, Any]] = TypeAdapter(list[dict[str, Any]]).dump_python(rows, mode="json")
    return kept


def _changes(member: StaffMember, known: Any) -> Iterator[str]:
    for name in KEPT:
        was, becomes = _said(known and getattr(known, name)), _said(getattr(member, name))
        if was != becomes:
            yield f"{member.id}: {name} {was} becomes {becomes}"


def _exactly(hours: Hours) -> list[Any]:
    days, kinds = sorted(hours.weekdays), sorted(hours.kinds)
    return [days, kinds, hours.start.isoformat(), hours.end.isoformat()]


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = ", ".join(sorted(value))
    return "none" if value in (None, "") else str(value)
