"""The end of what the Chinese calendar knows: 2026 turns into 2027, and nobody has announced it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from config.readers.policy import Policy
from domain.compliance.calendars import Calendar, DayKind
from domain.compliance.contact_hours import ContactHours, Hours
from domain.language.speak import speak
from domain.loans import Instalment
from tests.support.loans import Book, shipped_ladder, shipped_policy
from workers.db.schema import decision, instalment, legal_file_line, loan, problem
from workers.escalation.scan import Envelope, scan_portfolio
from workers.legal.legal_files import open_legal_file
from workers.operations.policy_register import assert_policy_unchanged, register_policy

LAST_DAY = date(2026, 12, 31)
NEW_YEAR = frozenset({date(2027, 1, 1)})
TRIED = ("remind", "enquire", "visit")


def known_until(last: date, policy: Policy, holidays: frozenset[date] = frozenset()) -> Policy:
    """The policy with another Chinese calendar, as another version of its package has it."""
    known = shipped_ladder("consumer_loan_cn").calendar
    calendar = replace(known, holidays=known.holidays | holidays, known_until=last)

    def updated(current: Calendar) -> Calendar:
        return calendar if current.country == "CN" else current

    return replace(
        policy,
        ladders=tuple(replace(each, calendar=updated(each.calendar)) for each in policy.ladders),
        rule_packs=tuple(
            replace(
                pack,
                calendar=updated(pack.calendar),
                rules=tuple(
                    replace(rule, calendar=updated(rule.calendar))
                    if isinstance(rule, ContactHours)
                    else rule
                    for rule in pack.rules
                ),
            )
            for pack in policy.rule_packs
        ),
    )


@pytest.fixture
def book(engine: Engine) -> Book:
    """An installation whose calendar of China ends with 2026."""
    policy = known_until(LAST_DAY, shipped_policy())
    return Book(engine, now="2026-12-20 10:00", policy=policy)


def lend(book: Book, loan_id: str, *due_on: str, steps_tried: Sequence[str] = ()) -> None:
    """A loan with an instalment of 100.00 on each of these days, as a tape brings it in."""
    ladder = max(book.ctx.policy.ladders, key=lambda each: (each.calendar.country, each.version))
    owed = [Instalment(date.fromisoformat(day), Decimal(100)) for day in due_on]
    book.loan(loan_id, instalments=ladder.with_due_days(owed), steps_tried=steps_tried)


def review_what_is_due(book: Book) -> None:
    """One scan, and the reviews that it asks for."""
    announced: list[Envelope] = []
    scan_portfolio(book.ctx, announced.extend)
    book.escalate(*(name for envelope in announced for name in envelope.names))


def last_decision(book: Book) -> tuple[str, str, int | None]:
    decided = book.rows(select(decision).order_by(decision.c.id))[-1]
    return str(decided.outcome), str(decided.past_due), decided.ladder_day


@pytest.mark.parametrize(
    ("due_on", "acts_on", "because"),
    [
        ("2026-12-25", "2026-12-26", "a Friday"),
        ("2026-12-26", "2026-12-29", "a Saturday: it falls due on Monday, the 28th"),
        ("2026-12-27", "2026-12-29", "a Sunday"),
        ("2026-12-28", "2026-12-29", "a Monday"),
        ("2026-12-30", "2026-12-31", "a Wednesday"),
        ("2026-12-31", "2027-01-01", "the last day that is known"),
        ("2027-01-01", None, "a holiday each year, but the day after it is not known"),
        ("2027-01-02", None, "a Saturday, which may be worked"),
        ("2027-01-04", None, "a Monday, which may be off"),
    ],
)
def test_what_falls_due_before_the_end_acts_and_what_falls_due_behind_it_waits(
    book: Book, due_on: str, acts_on: str | None, because: str
) -> None:
    lend(book, "L-1", due_on)
    first: str | None = None
    for day in ("12-26", "12-28", "12-29", "12-30", "12-31", "01-01", "01-02", "01-04", "01-05"):
        on = f"{'2027' if day < '12' else '2026'}-{day}"
        book.at(f"{on} 10:00").escalate("L-1")
        if first is None and "planned" in book.actions("L-1").values():
            first = on
    assert first == acts_on, because
    kinds = {row.kind for row in book.rows(problem)}
    assert kinds == (set() if acts_on else {"due_day_not_known"}), because


def test_a_loan_that_is_behind_goes_on_and_only_the_new_instalment_waits(book: Book) -> None:
    lend(book, "L-1", "2026-12-28", "2027-01-04")
    book.at("2026-12-29 10:00").escalate("L-1")
    assert last_decision(book) == ("act", "100.0000", 1)

    book.at("2027-01-05 10:00").escalate("L-1")
    assert last_decision(book) == ("act", "100.0000", 8), "the 4th of January is not counted"
    assert book.actions("L-1")["enquiry_call"] == "planned"
    (found,) = book.rows(problem)
    assert "2027-01-04" in speak(found.detail)


def test_days_of_grace_run_over_the_turn_of_the_year(book: Book) -> None:
    policy = book.ctx.policy
    graceful = tuple(replace(ladder, grace_days=5) for ladder in policy.ladders)
    book.ctx = replace(book.ctx, policy=replace(policy, ladders=graceful))
    lend(book, "L-1", "2026-12-27")
    for day in ("2026-12-29", "2026-12-31", "2027-01-02"):
        book.at(f"{day} 10:00").escalate("L-1")
        assert book.actions("L-1") == {}, day
    book.at("2027-01-04 10:00").escalate("L-1")
    assert last_decision(book)[2] == 7, "six days of which are after the grace"
    assert "enquiry_call" in book.actions("L-1")


def test_contact_days_behind_the_end_are_not_guessed(book: Book) -> None:
    """A lender that texts on working days only."""
    working = Hours(frozenset(range(7)), time(8), time(20), frozenset({DayKind.WORKING}))

    def on_working_days(policy: Policy) -> Policy:
        packs = tuple(
            replace(
                pack,
                rules=tuple(
                    replace(rule, hours=(working,)) if rule.id == "cn.contact_hours" else rule
                    for rule in pack.rules
                ),
            )
            for pack in policy.rule_packs
        )
        return replace(policy, rule_packs=packs)

    book.ctx = replace(book.ctx, policy=on_working_days(book.ctx.policy))
    for loan_id, due_on in (("L-1", "2026-12-30"), ("L-2", "2026-12-31")):
        lend(book, loan_id, due_on)
    book.at("2026-12-31 10:00").escalate("L-1")
    assert book.action("L-1", "text_day_1").reason == ()

    book.at("2027-01-01 10:00").escalate("L-2")
    waits = book.action("L-2", "text_day_1")
    assert (waits.status, waits.rules) == ("deferred", ["cn.contact_hours"])
    assert "known until 2026-12-31 only" in speak(waits.reason)

    review_what_is_due(book)
    newer = known_until(date(2027, 12, 31), book.ctx.policy, holidays=NEW_YEAR)
    book.ctx = replace(book.ctx, policy=newer)
    review_what_is_due(book.at("2027-01-01 11:00"))
    book.send("L-2", "text_day_1")
    waits = book.action("L-2", "text_day_1")
    assert waits.status == "deferred"
    assert f"{waits.due_at.astimezone(book.zone):%m-%d %H:%M}" == "01-04 08:00", "the next Monday"


def test_a_claim_has_nothing_of_which_the_due_day_is_not_known(book: Book) -> None:
    lend(book, "L-1", "2026-10-20", "2027-01-04", steps_tried=TRIED)
    book.at("2027-01-05 10:00").escalate("L-1")
    book.approve("L-1")
    assert open_legal_file(book.ctx, book.action_id("L-1", "legal_file")) == "opened"
    assert [line.due_on for line in book.rows(legal_file_line)] == [date(2026, 10, 20)]


def test_a_new_calendar_takes_effect_at_the_next_review_and_changes_no_policy(book: Book) -> None:
    register_policy(book.ctx)
    lend(book, "L-1", "2027-01-01", "2027-02-01")
    book.at("2027-01-02 10:00").escalate("L-1")
    assert last_decision(book) == ("not_past_due", "0.0000", None)

    newer = known_until(date(2027, 12, 31), book.ctx.policy, holidays=NEW_YEAR)
    book.ctx = replace(book.ctx, policy=newer)
    assert_policy_unchanged(book.ctx)
    register_policy(book.ctx)
    assert book.one(loan).review_on == date(2027, 1, 3), "it was to be reviewed each day"
    book.at("2027-01-03 10:00").escalate("L-1")

    days = book.rows(select(instalment.c.counts_from).order_by(instalment.c.due_on))
    assert [str(row.counts_from) for row in days] == ["2027-01-04", "2027-02-01"]
    assert last_decision(book) == ("not_past_due", "0.0000", None), "it falls due on the 4th"
    assert book.one(problem).resolved_at is not None
    book.at("2027-01-05 10:00").escalate("L-1")
    assert last_decision(book) == ("act", "100.0000", 1)


@pytest.mark.parametrize("year", range(2015, 2027))
def test_statutory_holidays_in_official_blocks_are_holidays(year: int) -> None:
    """New Year, Labour Day, three days of National Day: never worked, even on a Saturday."""
    statutory = [(1, 1), (5, 1), (10, 1), (10, 2), (10, 3)]
    calendar = shipped_ladder("consumer_loan_cn").calendar
    for month, day in statutory:
        assert calendar.kind_of(date(year, month, day)) is DayKind.HOLIDAY
