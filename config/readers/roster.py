"""Reads a roster: the lender's staff, their roles and their shifts.

A person is known only by their number on the lender's own list. A roster contains no names.
"""

from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from config.readers.rule_kinds import read_hours
from config.readers.yaml_reader import Value, read_yaml
from domain.actors import Role
from domain.compliance.contact_hours import Hours
from domain.ids import LONGEST_ID, id_of

STAFF_KEYS = (
    "id roles languages regions daily_capacity trained_on zone shifts left_on stands_in_for "
    "stands_in_until"
)


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One entry of the roster."""

    id: str
    """The lender's own number, never a name."""
    roles: tuple[Role, ...]
    languages: tuple[str, ...]
    """BCP 47."""
    regions: tuple[str, ...]
    """The regions in which a visitor makes visits; empty: all of them."""
    daily_capacity: int
    """Calls or visits a day; 0: gets no work."""
    trained_on: date | None
    zone: ZoneInfo | None
    shifts: tuple[Hours, ...]
    """The weekly pattern, in the local time of `zone`; empty: no shifts are recorded."""
    left_on: date | None = None
    """From that day on they may do nothing and get no work."""
    stands_in_for: tuple[Role, ...] = ()
    """Roles of somebody who is absent, which count as well …"""
    stands_in_until: date | None = None
    """… up to and on that day."""


def read_roster(path: Path) -> tuple[StaffMember, ...]:
    """Read a roster, a YAML file with a list under `staff`.

    Raises:
        PolicyError: something is wrong; each error has its file, line and remedy.
    """
    top = read_yaml(path).section("staff")
    seen: dict[str, Value] = {}
    return top.need("staff").entries(partial(_read_member, seen=seen))


def _read_member(value: Value, seen: dict[str, Value]) -> StaffMember:
    section = value.section(STAFF_KEYS)
    member_id = _id(section.need("id"))
    zone = section.maybe("zone", Value.zone)
    shifts = section.maybe("shifts", read_hours) or ()
    stands_in_for = section.entries("stands_in_for", partial(Value.word, words=Role))
    stands_in_until = section.maybe("stands_in_until", Value.day)
    if stands_in_for:
        section.need("stands_in_until")  # nobody stands in without end
    if shifts:
        section.need("zone")  # without a zone the hours of a shift are not known
    return StaffMember(
        id=section.need("id").unused(member_id, seen, "This id is on the roster"),
        roles=section.need("roles").entries(partial(Value.word, words=Role)),
        languages=section.entries("languages", Value.text),
        regions=section.entries("regions", Value.text),
        daily_capacity=section.need("daily_capacity").whole(at_least=0),
        trained_on=section.maybe("trained_on", Value.day),
        zone=ZoneInfo(zone) if zone else None,
        shifts=shifts,
        left_on=section.maybe("left_on", Value.day),
        stands_in_for=stands_in_for,
        stands_in_until=stands_in_until,
    )


def _id(value: Value) -> str:
    if (id := id_of(value.text())) is None:
        raise value.refuse(
            "`id` is no id.",
            "Write the lender's own number of the person: at most {longest} characters, and "
            "none that is invisible.",
            longest=LONGEST_ID,
        )
    return id
