"""What a new roster changes, as the second person sees it before they grant it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from config.readers.roster import StaffMember
from domain.compliance.calendars import DayKind
from domain.compliance.contact_hours import Hours
from domain.errors import Text, text_of
from domain.permissions import Permission
from domain.second_person_text import roles_said
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context
from workers.db.schema import roster_version, staff

KEPT = (
    *("roles", "languages", "regions", "daily_capacity", "trained_on"),
    *("left_on", "stands_in_for", "stands_in_until", "skills", "minutes_a_day"),
)
"""What the roster says of a person; the hours of shifts are apart."""
OF_ROLES = ("roles", "stands_in_for")
SHIFTS = "shifts"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def let_second_person_see(
    connection: Connection,
    ctx: Context,
    changes: Mapping[str, Mapping[str, Text]],
    shifts: Mapping[str, Any],
) -> None:
    """Go on if another person has granted this roster, with these shifts.

    The first roster needs nobody: no one else is there yet.

    Raises:
        SecondPersonNeededError: nobody has granted it.
    """
    known = set(connection.execute(select(staff.c.external_id)).scalars())
    if known <= {ctx.actor.reference}:
        return
    facts: dict[str, object] = {"people": len(changes), **shifts}
    for id, of_member in changes.items():
        facts |= {f"{id}, {name}": change for name, change in of_member.items()}
    facts["nothing changes of"] = [id for id, of_member in changes.items() if not of_member]
    asked = ToGrant(Permission.CHANGE_ROSTER, text_of("Load a roster."), facts)
    with_second_person(connection, ctx, asked)


def changes_of(
    connection: Connection, members: Sequence[StaffMember]
) -> dict[str, dict[str, Text]]:
    """By member, the fields that a roster changes; empty for a member of whom nothing changes."""
    columns = (staff.c[name] for name in KEPT)
    known = {
        row.external_id: row for row in connection.execute(select(staff.c.external_id, *columns))
    }
    last = select(roster_version.c.members).order_by(roster_version.c.id.desc()).limit(1)
    loaded = {each["id"]: each for each in connection.execute(last).scalar() or ()}
    return {
        member.id: dict(_changes(member, known.get(member.id), loaded.get(member.id)))
        for member in members
    }


def as_json(members: Sequence[StaffMember]) -> list[dict[str, Any]]:
    """The members as a version of the roster keeps them."""
    rows = [
        {
            "id": member.id,
            **{name: getattr(member, name) for name in KEPT},
            SHIFTS: hours_of(member),
            **{name: said for name, said in _beside(member).items() if said},
        }
        for member in members
    ]
    kept: list[dict[str, Any]] = TypeAdapter(list[dict[str, Any]]).dump_python(rows, mode="json")
    return kept


def hours_of(member: StaffMember) -> str:
    """The weekly shifts of a member, with everything that decides when they are."""
    hours = [
        _hours(each)
        + ("" if each.kinds == frozenset(DayKind) else f" on {' '.join(sorted(each.kinds))}")
        for each in member.shifts
    ]
    return f"{'; '.join(hours)} ({member.zone})" if hours else "none"


def _beside(member: StaffMember) -> dict[str, str]:
    """What a member has beside their row, as one text each; empty where there is nothing."""
    certificates = (f"{kind} {until}" for kind, until in sorted(member.certificates.items()))
    leave = (
        f"{each.starts_at:%Y-%m-%d %H:%M}-{each.ends_at:%Y-%m-%d %H:%M} {each.kind}"
        for each in member.leave
    )
    return {
        "team": member.team or "",
        "breaks": "; ".join(_hours(each) for each in member.breaks),
        "leave": "; ".join(leave),
        "certificates": ", ".join(certificates),
        "must_not_handle": ", ".join(sorted(member.must_not_handle)),
    }


def _hours(each: Hours) -> str:
    return f"{' '.join(_DAYS[day] for day in sorted(each.weekdays))} {each.start}-{each.end}"


def _changes(member: StaffMember, known: Any, loaded: Any) -> Iterator[tuple[str, Text]]:
    for name in KEPT:
        was = _said(name, known and getattr(known, name))
        becomes = _said(name, getattr(member, name))
        if was != becomes:
            yield name, text_of("{was} becomes {becomes}", was=was, becomes=becomes)
    for name, said in _beside(member).items():
        before = (loaded or {}).get(name, "")
        if before != said:
            none = text_of("none")
            yield name, text_of("{was} becomes {becomes}", was=before or none, becomes=said or none)
    before = (loaded or {}).get(SHIFTS) or text_of("not on record")
    if before != (becomes := hours_of(member)):
        yield SHIFTS, text_of("{was} becomes {becomes}", was=before, becomes=becomes)


def _said(name: str, value: Any) -> object:
    if isinstance(value, list | tuple):
        value = ", ".join(sorted(value))
    if value is None or value == "":
        return text_of("none")
    return roles_said(value) if name in OF_ROLES else str(value)
