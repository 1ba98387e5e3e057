"""Reads a roster: the lender's staff, their roles and their shifts.

A person is known only by their number on the lender's own list. A roster contains no names.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from config.readers.roster_terms import RosterTerms, read_language, read_week
from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import Section, Value, all_of, each
from domain.actors import Role
from domain.compliance.contact_hours import Hours
from domain.ids import LONGEST_ID, id_of
from domain.staffing import AbsenceKind

STAFF_KEYS = (
    "id roles languages regions daily_capacity trained_on zone shifts left_on stands_in_for "
    "stands_in_until team skills minutes_a_day breaks leave certificates must_not_handle"
)
MINUTES_OF_A_DAY = 24 * 60
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?")


@dataclass(frozen=True, slots=True)
class Team:
    """Collectors who work together."""

    id: str
    supervisor: str
    """The staff id of who leads it."""


@dataclass(frozen=True, slots=True)
class Leave:
    """When somebody does not work."""

    starts_at: datetime
    ends_at: datetime
    kind: AbsenceKind


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
    """Calls, replies or visits a day; 0: gets no work."""
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
    team: str | None = None
    skills: tuple[str, ...] = ()
    minutes_a_day: int | None = None
    """Of calls, replies and visits; None: only their number is limited."""
    breaks: tuple[Hours, ...] = ()
    """The weekly pattern of breaks within the shifts."""
    leave: tuple[Leave, ...] = ()
    certificates: Mapping[str, date] = field(default_factory=dict)
    """By kind, the last day on which it is valid."""
    must_not_handle: tuple[str, ...] = ()
    """The lender's ids of borrowers' records."""


@dataclass(frozen=True, slots=True)
class Roster:
    """A roster file."""

    teams: tuple[Team, ...]
    staff: tuple[StaffMember, ...]


def read_roster(path: Path, terms: RosterTerms) -> Roster:
    """Read a roster, a YAML file with a list under `staff`, and one under `teams` if there are any.

    All that is wrong is said at once. It is held to the `terms`: words that nothing asks for would
    make no difference, silently. A file of an earlier release, which knows neither teams nor
    minutes, is read as it was.

    Raises:
        PolicyError: something is wrong; each error has its file, line and remedy.
    """
    top = read_yaml(path).section("staff teams")
    seen_teams: dict[str, Value] = {}
    seen: dict[str, Value] = {}
    read_team = partial(_read_team, seen=seen_teams)
    read_member = partial(_read_member, seen=seen, teams=seen_teams, terms=terms)
    read = all_of(
        teams=lambda: top.entries("teams", read_team),
        staff=lambda: top.need("staff").entries(read_member),
    )
    if read["teams"]:
        known = partial(_refuse_unknown_supervisor, staff=read["staff"])
        each(top.pairs["teams"].values(), known)
    return Roster(**read)


def _read_team(value: Value, seen: dict[str, Value]) -> Team:
    section = value.section("id supervisor")
    team_id = section.need("id").unused(_id(section.need("id")), seen, "This team is on the roster")
    return Team(team_id, _id(section.need("supervisor")))


def _refuse_unknown_supervisor(value: Value, staff: Sequence[StaffMember]) -> None:
    supervisor = value.pairs()["supervisor"]
    leads = {member.id for member in staff if Role.SUPERVISOR in member.roles}
    if supervisor.text() not in leads:
        raise supervisor.refuse(
            "There is no supervisor {shown}.",
            "Write the id of somebody under staff who has the role supervisor.",
            shown=supervisor.shown,
        )


def _read_member(
    value: Value, seen: dict[str, Value], teams: Collection[str], terms: RosterTerms
) -> StaffMember:
    of = Section(value, value.pairs())
    read = all_of(
        lambda: value.section(STAFF_KEYS),
        lambda: _refuse_what_lacks_another(of),
        id=lambda: of.need("id").unused(_id(of.need("id")), seen, "This id is on the roster"),
        roles=lambda: _roles(of),
        languages=lambda: of.entries("languages", read_language),
        regions=lambda: of.entries("regions", Value.text),
        daily_capacity=lambda: _pieces(of),
        trained_on=lambda: of.maybe("trained_on", terms.trained),
        zone=lambda: _zone(of),
        shifts=lambda: of.maybe("shifts", read_week) or (),
        left_on=lambda: of.maybe("left_on", Value.day),
        stands_in_for=lambda: of.entries("stands_in_for", partial(Value.word, words=Role)),
        stands_in_until=lambda: of.maybe("stands_in_until", Value.day),
        team=lambda: of.maybe("team", partial(_team, teams=teams)),
        skills=lambda: of.entries("skills", terms.skill),
        minutes_a_day=lambda: of.maybe("minutes_a_day", _minutes),
        breaks=lambda: _breaks(of),
        leave=lambda: of.entries("leave", partial(_read_leave, zone=_zone(of) or ZoneInfo("UTC"))),
        certificates=lambda: of.maybe("certificates", partial(_read_certificates, terms=terms)),
        must_not_handle=lambda: of.entries("must_not_handle", _id),
    )
    return StaffMember(**read | {"certificates": read["certificates"] or {}})


def _refuse_what_lacks_another(section: Section) -> None:
    """What means nothing without another key: nobody stands in without end, and without a zone the
    hours of a shift are not known."""
    needed = {"stands_in_for": "stands_in_until", "shifts": "zone", "leave": "zone"}
    each([needs for key, needs in needed.items() if key in section.pairs], section.need)


def _roles(section: Section) -> tuple[Role, ...]:
    return section.need("roles").entries(partial(Value.word, words=Role))


def _zone(section: Section) -> ZoneInfo | None:
    zone = section.maybe("zone", Value.zone)
    return ZoneInfo(zone) if zone else None


def _pieces(section: Section) -> int:
    """How many calls or visits a day. Who has `minutes_a_day` may leave it out, for a call takes a
    minute at least; visitors may not, for without terms of visits these count no minutes."""
    minutes = section.maybe("minutes_a_day", _minutes)
    if minutes is None or Role.VISITOR in _roles(section):
        return section.need("daily_capacity").whole(at_least=0)
    pieces = section.maybe("daily_capacity", partial(Value.whole, at_least=0))
    return minutes if pieces is None else pieces


def _minutes(value: Value) -> int:
    minutes = value.whole(at_least=0)
    if minutes > MINUTES_OF_A_DAY:
        raise value.wrong("Write {most} minutes or fewer.", most=MINUTES_OF_A_DAY)
    return minutes


def _breaks(section: Section) -> tuple[Hours, ...]:
    breaks = section.maybe("breaks", read_week) or ()
    if breaks:
        _refuse_break_outside(section.pairs["breaks"], breaks, read_week(section.need("shifts")))
    return breaks


def _team(value: Value, teams: Collection[str]) -> str:
    if value.text() not in teams:
        raise value.refuse(
            "There is no team {shown}.", "Write the id of one under teams.", shown=value.shown
        )
    return value.text()


def _refuse_break_outside(value: Value, breaks: Sequence[Hours], shifts: Sequence[Hours]) -> None:
    """A break that lies in no shift is a slip of the pen, and would be silent."""
    for pause in breaks:
        for day in pause.weekdays:
            if not any(
                day in shift.weekdays and shift.start < pause.start and pause.end < shift.end
                for shift in shifts
            ):
                raise value.refuse(
                    "A break is not within a shift of its day.",
                    "Write breaks that begin and end inside the shift, for the days that have one.",
                )


def _read_leave(value: Value, zone: ZoneInfo) -> Leave:
    """`{from: 2026-12-24, to: 2026-12-26}` is three days; with hours, the time between them."""
    section = value.section("from to kind")
    starts_at = _moment(section.need("from"), zone, ends=False)
    ends_at = _moment(section.need("to"), zone, ends=True)
    if ends_at <= starts_at:
        raise section.pairs["to"].wrong("Write the same day or a later one; `to` is the last day.")
    kinds = (AbsenceKind.LEAVE, AbsenceKind.ILLNESS, AbsenceKind.OTHER)
    kind = section.maybe("kind", partial(Value.word, words=kinds)) or AbsenceKind.LEAVE
    return Leave(starts_at, ends_at, kind)


def _moment(value: Value, zone: ZoneInfo, *, ends: bool) -> datetime:
    """A day, or a moment of it in the zone of the member. A day as the end is its whole."""
    instead = "Write a day, such as 2026-12-24, or with its hour: 2026-12-24 13:00."
    text = value.matching(MOMENT, instead)[0]
    try:
        if len(text) > len("2026-12-24"):
            return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone)
        day = value.day() + timedelta(days=1 if ends else 0)
    except ValueError:
        raise value.wrong(instead) from None
    return datetime.combine(day, time.min, zone)


def _read_certificates(value: Value, terms: RosterTerms) -> dict[str, date]:
    """`{hardship: 2026-12-31}`: what somebody is certified for, and the last day."""
    pairs = value.pairs()
    return dict(zip(pairs, each(pairs.values(), terms.certificate), strict=True))


def _id(value: Value) -> str:
    if (id := id_of(value.text())) is None:
        raise value.refuse(
            "`id` is no id.",
            "Write the lender's own number of the person: at most {longest} characters, and "
            "none that is invisible.",
            longest=LONGEST_ID,
        )
    return id
