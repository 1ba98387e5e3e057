"""One loan, ninety days, and nobody pays but a little: the whole diary, day by day."""

from datetime import date, timedelta
from pathlib import Path

from config.readers.ladders import read_ladder
from config.readers.yaml_files import read_yaml
from domain.actions import ActionStatus
from domain.decision import Outcome, next_review
from domain.ladder import Ladder
from tests.domain.examples import DUE, LoanOnRecord, on_day, owed, plan_of

SHIPPED = Path(__file__).parents[2] / "config" / "ladders" / "consumer_loan_cn.yaml"
TEMPLATES = {
    *("reminder_first", "reminder_second", "legal_notice", "guarantor_notice", "visit_notice"),
    "promise_reminder",
    *("arrangement_missed", "arrangement_default_notice", "nothing_offered"),
}

SERVICE_DOWN = 7
"""The day past due on which no scan ran."""
PART_PAYMENT = 10
"""The day past due on which 300 of the 1,000 came in."""
INSTALMENTS = tuple(
    owed(due_on) for due_on in (DUE, date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1))
)


def shipped_ladder() -> Ladder:
    return read_ladder(read_yaml(SHIPPED), TEMPLATES)


def tell_ninety_days(loan: LoanOnRecord) -> tuple[list[int], dict[int, list[str]]]:
    """Scan each day as the service does, and do the same day whatever is planned.

    Returns the days past due on which the loan was looked at, and what was planned on which.
    """
    looked: list[int] = []
    diary: dict[int, list[str]] = {}
    review_on: date | None = DUE + timedelta(days=1)
    for day in range(-5, 91):
        at = on_day(day)
        if day == PART_PAYMENT:
            loan.instalments = (owed(DUE, paid="300"), *INSTALMENTS[1:])
            review_on = next_review(loan.snapshot, at)
        if day == SERVICE_DOWN or review_on is None or review_on > at.date():
            continue
        decision = loan.look(at)
        looked.append(day)
        review_on = decision.review_on
        if planned := plan_of(decision):
            diary[day] = planned
            loan.get_done(*planned)
    return looked, diary


def test_ninety_days_from_the_first_text_to_the_legal_file() -> None:
    loan = LoanOnRecord(shipped_ladder(), *INSTALMENTS)

    looked, diary = tell_ninety_days(loan)

    assert diary == {
        1: ["text_day_1", "friendly_call"],
        3: ["text_day_3"],
        # Day 7 was missed; the call is made a day late, and only once.
        8: ["enquiry_call"],
        # The part payment changes nothing here: the oldest instalment is still not paid.
        30: ["legal_notice", "field_visit"],
        60: ["legal_file"],
    }
    # The loan is looked at when something can change, and left alone on the other 83 days.
    assert looked == [1, 3, 4, 8, 10, 30, 60]
    assert {action.status for action in loan.actions.values()} == {ActionStatus.DONE}
    assert {action.ladder_since for action in loan.actions.values()} == {DUE}


def test_the_legal_file_waits_for_the_supervisor() -> None:
    loan = LoanOnRecord(shipped_ladder(), *INSTALMENTS)
    loan.look_daily(1, 59)

    assert plan_of(loan.look(on_day(60))) == ["legal_file"]

    assert loan.status("legal_file") is ActionStatus.AWAITING_APPROVAL


def test_whoever_pays_everything_on_day_forty_five_hears_nothing_more() -> None:
    loan = LoanOnRecord(shipped_ladder(), owed(DUE))
    loan.look_daily(1, 44)
    loan.instalments = (owed(DUE, paid="1000"),)

    decision = loan.look(on_day(45))

    assert (decision.outcome, decision.review_on) == (Outcome.NOT_PAST_DUE, None)
    assert loan.look_daily(46, 90) == {}
