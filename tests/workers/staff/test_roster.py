"""Loading a roster: again and again with the same result, and never half of one."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from config.readers.roster import read_roster
from config.readers.roster_terms import RosterTerms
from domain.actors import Actor, Role
from domain.errors import ArrearsError
from domain.staffing import CallTerms, StaffingTerms
from tests.support.acting import acting_alone
from tests.support.events import tell
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.db.schema import borrower, shift, staff
from workers.staff.roster import list_roster, load_roster
from workers.workforce.absences import must_not_handle

SAMPLE = Path("config/samples/roster.yaml")
MONDAY = date(2026, 3, 2)
TERMS = RosterTerms(MONDAY)
SUPERVISOR = Actor("s-1")
ONE_CALLER = """
staff:
  - id: c-1
    roles: [caller]
    languages: [zh-Hans]
    daily_capacity: 5
    trained_on: 2026-01-12
    zone: Asia/Shanghai
    shifts: {mon-fri: "08:00-20:00"}
"""


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-02 10:00")


def written(folder: Path, text: str) -> Path:
    file = folder / "roster.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_sample_roster_has_somebody_for_every_kind_of_work() -> None:
    members = read_roster(SAMPLE, TERMS).staff
    callers = [member for member in members if Role.CALLER in member.roles]
    assert sum("en" in caller.languages for caller in callers) == 8
    assert sum("zh-Hans" in caller.languages for caller in callers) == 3
    assert all(caller.shifts for caller in callers)
    anywhere = [member for member in members if Role.VISITOR in member.roles and not member.regions]
    for language in ("en", "zh-Hans"):
        assert any(language in member.languages for member in anywhere)
    assert len(anywhere) >= 2
    roles = [role for member in members for role in member.roles]
    assert set(roles) == set(Role)
    for needs_another in (Role.SUPERVISOR, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR):
        assert roles.count(needs_another) >= 2


def test_loading_a_roster_twice_changes_nothing(book: Book) -> None:
    first = load_roster(book.ctx, SAMPLE, MONDAY, days=14)
    before = book.rows(staff), set(book.rows(shift))
    again = load_roster(book.ctx, SAMPLE, MONDAY, days=14)
    assert (again.staff, again.shifts, again.changes) == (first.staff, first.shifts, {})
    assert (book.rows(staff), set(book.rows(shift))) == before
    assert (len(before[0]), len(before[1])) == (first.staff, first.shifts)


def test_a_weeks_pattern_becomes_shifts_on_the_staffs_own_clock(book: Book, tmp_path: Path) -> None:
    pattern = ONE_CALLER.replace("Asia/Shanghai", "America/New_York")
    loaded = load_roster(book.ctx, written(tmp_path, pattern), MONDAY, days=14)
    assert loaded.shifts == 10
    starts = sorted(row.starts_at for row in book.rows(shift))
    assert starts[0].isoformat() == "2026-03-02T13:00:00+00:00"
    assert starts[5].isoformat() == "2026-03-09T12:00:00+00:00"  # the clocks went forward


def test_a_newer_roster_replaces_the_shifts_to_come_and_leaves_those_that_were(
    book: Book, tmp_path: Path
) -> None:
    load_roster(book.ctx, written(tmp_path, ONE_CALLER), MONDAY, days=5)
    shorter = ONE_CALLER.replace("20:00", "12:00").replace("capacity: 5", "capacity: 7")
    load_roster(book.ctx, written(tmp_path, shorter), date(2026, 3, 4), days=2)
    hours = [int((row.ends_at - row.starts_at).total_seconds() // 3600) for row in book.rows(shift)]
    assert sorted(hours) == [4, 4, 12, 12]
    assert book.one(staff).daily_capacity == 7


def test_work_that_waited_for_people_is_due_again_when_they_come(
    book: Book, tmp_path: Path
) -> None:
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    action_id = book.action_id("L-1", "friendly_call")
    assert assign_call(book.ctx, action_id) == "nobody free"
    assert assign_call(book.ctx, action_id) == "nothing to do"
    load_roster(book.ctx, written(tmp_path, ONE_CALLER), MONDAY, days=5)
    assert assign_call(book.ctx, action_id) == "assigned"


def test_the_next_try_of_a_call_keeps_its_hour_when_people_come(book: Book, tmp_path: Path) -> None:
    load_roster(book.ctx, written(tmp_path, ONE_CALLER), MONDAY, days=14)
    book.loan("L-1", due_on="2026-03-01", steps_tried=["remind"])
    book.at("2026-03-09 10:00").escalate("L-1")
    action_id = book.action_id("L-1", "enquiry_call")
    assert assign_call(book.ctx, action_id) == "assigned"
    book.called("L-1", "c-1", "no_answer", None)
    tried_again_at = book.action("L-1", "enquiry_call").due_at
    assert tried_again_at > book.ctx.now()

    book.at("2026-03-09 10:30")
    load_roster(
        acting_alone(book.ctx, Actor("adm-1")), written(tmp_path, ONE_CALLER), MONDAY, days=14
    )
    assert book.action("L-1", "enquiry_call").due_at == tried_again_at
    assert assign_call(book.ctx, action_id) == "nothing to do"


TEAM_OF_TWO = """
teams: [{id: early, supervisor: s-1}]
staff:
  - id: s-1
    roles: [supervisor]
    daily_capacity: 0
  - id: c-1
    roles: [caller]
    languages: [zh-Hans]
    team: early
    skills: [early, hardship]
    minutes_a_day: 400
    trained_on: 2026-01-12
    certificates: {hardship: 2026-12-31}
    zone: Asia/Shanghai
    shifts: {mon-fri: "08:00-20:00"}
    breaks: {mon-fri: "12:00-13:00"}
    leave: [{from: 2026-03-04, to: 2026-03-05}, {from: 2026-03-06 13:00, to: 2026-03-06 15:00}]
    must_not_handle: [B-L-1]
"""


def test_a_roster_says_team_skills_breaks_leave_certificates_and_whom_not_to_handle(
    book: Book, tmp_path: Path
) -> None:
    book.loan("L-1")
    file = written(tmp_path, TEAM_OF_TWO)
    tried = load_roster(book.ctx, file, MONDAY, days=5, dry_run=True)
    assert book.rows(staff) == [], "a dry run changes nothing"
    assert str(tried.changes["c-1"]["must_not_handle"]) == "none becomes B-L-1"
    assert str(tried.changes["c-1"]["breaks"]) == (
        "none becomes mon tue wed thu fri 12:00:00-13:00:00"
    )
    load_roster(book.ctx, file, MONDAY, days=5)
    monday = [
        (row.starts_at.astimezone(book.zone).hour, row.ends_at.astimezone(book.zone).hour)
        for row in book.rows(shift)
        if row.starts_at.astimezone(book.zone).date() == MONDAY
    ]
    assert monday == [(8, 12), (13, 20)], "nobody is on shift during a break"
    with book.ctx.engine.connect() as connection:
        caller, _ = list_roster(connection, book.ctx)
    assert (caller.team, caller.minutes_a_day, caller.daily_capacity) == ("early", 400, 400)
    assert (caller.skills, caller.certificates) == (["early", "hardship"], ["hardship 2026-12-31"])
    assert (caller.must_not_handle, caller.absent) == (1, False)
    book.at("2026-03-05 10:00")
    with book.ctx.engine.connect() as connection:
        caller, _ = list_roster(connection, book.ctx)
    assert (caller.absent, str(caller.absent_until)) == (True, "2026-03-06 00:00:00+08:00")
    ill = {"staff": "c-1", "kind": "illness", "at": book.ctx.now().isoformat()}
    ill |= {"until": None, "actor": "s-1"}
    tell(book, "staff_absent", **ill)
    with book.ctx.engine.connect() as connection:
        caller, _ = list_roster(connection, book.ctx)
    assert (caller.absent, caller.absent_until) == (True, None), "the illness has no end yet"


def test_leave_that_a_newer_roster_has_no_longer_ends_and_what_a_complaint_added_stays(
    book: Book, tmp_path: Path
) -> None:
    book.loan("L-1")
    book.loan("L-2")
    load_roster(book.ctx, written(tmp_path, TEAM_OF_TWO), MONDAY, days=5)
    person_id = book.rows(borrower)[1].person_id
    with book.ctx.engine.begin() as connection:
        collector = book.rows(staff)[1].id
        now = book.ctx.now()
        must_not_handle(connection, book.ctx, collector, person_id, "rude", SUPERVISOR, now)
    shorter = TEAM_OF_TWO.replace("{from: 2026-03-04, to: 2026-03-05}, ", "")
    shorter = shorter.replace("[B-L-1]", "[]").replace("must_not_handle: []", "")
    load_roster(acting_alone(book.ctx, Actor("adm-1")), written(tmp_path, shorter), MONDAY, days=5)
    book.at("2026-03-05 10:00")
    with book.ctx.engine.connect() as connection:
        caller, _ = list_roster(connection, book.ctx)
    assert (caller.absent, caller.must_not_handle) == (False, 1)


MISTAKES = (
    ("[caller]", "[caler]", "line 4: `roles` is `aaaaa` (masked). Did you mean caller?"),
    ("capacity: 5", "capacity: many", "line 6: `daily_capacity` is `aaaa` (masked)."),
    ("Asia/Shanghai", "Shanghai", "line 8: There is no time zone `aaaaaaaa` (masked). Write"),
    ("    zone: Asia/Shanghai\n", "", "line 3: The key `zone` is missing here."),
    ("08:00-20:00", "20:00-08:00", "line 9: `mon-fri` is `##:##-##:##` (masked), which"),
    (
        '"08:00-20:00"}',
        '"08:00-20:00", fri: "19:00-23:00"}',
        "line 9: `aaa` (masked) has a day that a line above has too. Name each day of the week",
    ),
    (
        '"08:00-20:00"}',
        '"08:00-20:00", holidays: "09:00-12:00"}',
        "line 9: `holidays` is not a day of the week. Write days such as mon-fri; for days off",
    ),
    (
        "    shifts",
        '    breaks: {sat: "12:00-13:00"}\n    shifts',
        "line 9: A break is not within a shift of its day. Write breaks that begin and end",
    ),
    (
        "[zh-Hans]",
        "[english]",
        "line 5: `languages` is `aaaaaaa` (masked). Write a language by",
    ),
    ("[zh-Hans]", "[english]", "(BCP 47), such as en."),
    ("[zh-Hans]", "[zh_hans]", "(BCP 47), such as zh-Hans."),
    ("[zh-Hans]", "[Chinese]", "(BCP 47), such as zh-Hans."),
    ("[zh-Hans]", "[xx-yy]", "(BCP 47), such as en."),
    (
        "2026-01-12",
        "2027-01-12",
        "line 7: `trained_on` is 2027-01-12, and today is 2026-03-02.",
    ),
    (
        "    shifts",
        "    skills: [early, hardshp]\n    shifts",
        "line 9: There is no skill `aaaaaaa` (masked). Did you mean hardship? Write",
    ),
    (
        "    shifts",
        "    certificates: {hardshp: 2026-12-31}\n    shifts",
        "line 9: No skill asks for a certificate of this kind. Write one of: early, hardship,",
    ),
    (
        "trained_on",
        "trained",
        "line 7: The key `aaaaaaa` (masked) is not known here. Did you mean",
    ),
    (
        "    roles",
        "    name: Somebody\n    roles",
        "line 4: The key `aaaa` (masked) is not known",
    ),
)
"""What is written in the roster, what is wrong in its place, and what the refusal says."""


def test_a_roster_with_a_mistake_is_refused_with_its_line_and_nothing_is_loaded(
    book: Book, tmp_path: Path
) -> None:
    for right, wrong, sentence in MISTAKES:
        file = written(tmp_path, ONE_CALLER.replace(right, wrong))
        with pytest.raises(ArrearsError) as refused:
            load_roster(book.ctx, file, MONDAY, days=5)
        assert sentence in str(refused.value)
    assert book.rows(staff) == []

    # All that is wrong is said at once, each once: of every key, of each person, and of the teams.
    several = ONE_CALLER
    told = []
    for right, wrong, sentence in (MISTAKES[0], MISTAKES[1], MISTAKES[2], MISTAKES[13]):
        several = several.replace(right, wrong)
        told.append(sentence)
    several += "    nickname: Bo\n  - id: c-2\n    daily_capacity: 5\nteams:\n  - id: early\n"
    told += ["line 10: The key `aaaaaaaa` (masked) is not known here.", "line 11: The key `roles`"]
    told += ["line 14: The key `supervisor` is missing here."]
    with pytest.raises(ArrearsError) as refused:
        load_roster(book.ctx, written(tmp_path, several), MONDAY, days=5)
    said = str(refused.value).splitlines()
    assert len(said) == len(told)
    assert all(any(sentence in line for line in said) for sentence in told)


def test_a_skill_and_a_certificate_that_the_lenders_policy_names_are_taken(tmp_path: Path) -> None:
    own = "    skills: [court]\n    certificates: {bar: 2026-12-31}\n    shifts"
    file = written(tmp_path, ONE_CALLER.replace("    shifts", own))
    staffing = StaffingTerms(
        "staffing", 2, MONDAY, None, CallTerms(5, skill="court"), certificates={"court": "bar"}
    )
    (caller,) = read_roster(file, RosterTerms.of([staffing], MONDAY)).staff
    assert (caller.skills, caller.certificates) == (("court",), {"bar": date(2026, 12, 31)})


def test_nobody_is_on_the_roster_twice(tmp_path: Path) -> None:
    twice = ONE_CALLER + ONE_CALLER.replace("\nstaff:\n", "")
    with pytest.raises(ArrearsError, match="This id is on the roster already, in line 3"):
        read_roster(written(tmp_path, twice), TERMS)


def test_the_staff_on_record_are_listed_with_their_next_shift(book: Book, tmp_path: Path) -> None:
    load_roster(book.ctx, written(tmp_path, ONE_CALLER), MONDAY, days=7)
    book.staff("v-1", "visitor")
    with book.ctx.engine.connect() as connection:
        caller, visitor = list_roster(connection, book.ctx)
    assert (caller.staff, caller.roles, caller.daily_capacity) == ("c-1", ["caller"], 5)
    assert str(caller.next_shift_at) == "2026-03-02 08:00:00+08:00"
    assert visitor.staff == "v-1"
