"""What is counted each day, by product, step and team."""

from datetime import date, datetime, time, tzinfo
from enum import StrEnum


class Measure(StrEnum):
    """One number of a day. Each counts what was recorded on that day."""

    CALLS = "calls"  # attempts at a call that the lender began
    RIGHT_PARTY = "right_party"  # outcomes of calls and visits in which the borrower was reached
    TEXTS = "texts"
    VISITS = "visits"
    PROMISES_MADE = "promises_made"
    PROMISES_KEPT = "promises_kept"
    PROMISES_PART_KEPT = "promises_part_kept"
    PROMISES_BROKEN = "promises_broken"
    PLANS_OFFERED = "plans_offered"  # deferrals and instalment plans
    PLANS_ACTIVE = "plans_active"  # those that the lender's ledger confirmed
    PLANS_KEPT = "plans_kept"
    PLANS_DEFAULTED = "plans_defaulted"
    REASONS_LEARNT = "reasons_learnt"  # the borrower said why the loan is overdue
    COMPLAINTS_OPENED = "complaints_opened"
    COMPLAINTS_CLOSED = "complaints_closed"
    DISPUTES_OPENED = "disputes_opened"
    DISPUTES_CLOSED = "disputes_closed"
    PAID = "paid"
    REVERSED = "reversed"  # payments that went back, less those that came again after all
    OPEN_WORK = "open_work"  # actions that wait or are assigned when the day is closed


class Closed(StrEnum):
    """What is closed of a day, once."""

    TOTALS = "totals"
    MONTH = "month"  # the rows of all loans at the end of a month


def first_moment(day: date, zone: tzinfo | None) -> datetime:
    """The first moment of a date in a zone."""
    return datetime.combine(day, time.min, zone)
