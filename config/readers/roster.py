"""Reads a roster: who works here, what they may do, and when they are on shift.

Everything about a person is their number on the lender's own list. A roster holds no names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.readers.rule_kinds import read_hours
from config.readers.yaml_reader import Section, Value, each, read_yaml
from domain.collectors import Role
from domain.compliance.contact_hours import Hours

STAFF_KEYS = (
    "id",
    "roles",
    "languages",
    "regions",
    "daily_capacity",
    "trained_on",
    "zone",
    "shifts",
)


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One line of the roster."""

    id: str
    """The lender's own number, never a name."""
    roles: tuple[Role, ...]
    languages: tuple[str, ...]
    """BCP 47."""
    regions: tuple[str, ...]
    """Where a visitor goes; empty: anywhere."""
    daily_capacity: int
    """Calls or visits a day; 0: is given no work, as when somebody has left."""
    trained_on: date | None
    zone: ZoneInfo | None
    shifts: tuple[Hours, ...]
    """The week's pattern, on the clock of `zone`; none: no shifts are kept."""


def read_roster(path: Path) -> tuple[StaffMember, ...]:
    """Read a roster, a YAML file with a list under `staff`.

    Raises:
        PolicyError: something is wrong; each problem with its file, line and remedy.
    """
    top = read_yaml(path).section(("staff",))
    seen: dict[str, Value] = {}
    return each(top.need("staff").values(), partial(_read_member, seen=seen))


def _read_member(value: Value, seen: dict[str, Value]) -> StaffMember:
    section = value.section(STAFF_KEYS)
    trained_on = section.maybe("trained_on")
    zone = section.maybe("zone")
    return StaffMember(
        id=_new_id(section.need("id"), seen),
        roles=tuple(role.word(Role) for role in section.need("roles").values()),
        languages=section.texts("languages"),
        regions=section.texts("regions"),
        daily_capacity=section.need("daily_capacity").whole(at_least=0),
        trained_on=trained_on.day() if trained_on else None,
        zone=_read_zone(zone) if zone else None,
        shifts=_read_shifts(section),
    )


def _new_id(value: Value, seen: dict[str, Value]) -> str:
    id_ = value.text()
    if id_ in seen:
        raise value.refuse(
            f"{id_} is on the roster already, in line {seen[id_].line}.", "Name everybody once."
        )
    seen[id_] = value
    return id_


def _read_shifts(section: Section) -> tuple[Hours, ...]:
    shifts = section.maybe("shifts")
    if shifts is None:
        return ()
    section.need("zone")  # a shift without its clock could be anywhere in the world
    return read_hours(shifts)


def _read_zone(value: Value) -> ZoneInfo:
    name = value.text()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise value.refuse(
            f"`zone` is {name}.", "Write an IANA time zone, such as America/New_York."
        ) from None
