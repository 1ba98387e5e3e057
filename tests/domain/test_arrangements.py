"""Arrangements: the moves of their statuses, and when an active one is completed or in default."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain.actors import Role
from domain.arrangements import (
    ARRANGEMENT_MOVES,
    ArrangementKind,
    ArrangementStatus,
    Eligibility,
    KindTerms,
    Limit,
    RateOf,
    status_when_active,
)
from domain.ladder import Days
from domain.loans import Instalment
from domain.schedule import in_full

TERMS = KindTerms(
    ArrangementKind.INSTALMENT_PLAN,
    Eligibility(Days(1)),
    RateOf.NONE,
    Decimal(0),
    (Limit(Role.SUPERVISOR, 12),),
    frozenset(),
    grace_days=5,
    missed_ends_it=2,
)
PLAN = tuple(Instalment(date(2026, month, 10), Decimal(100)) for month in (4, 5, 6))


def reached(status: ArrangementStatus) -> set[ArrangementStatus]:
    later = set(ARRANGEMENT_MOVES[status])
    return later.union(*map(reached, later))


def test_an_arrangement_goes_forward_only_and_ends_once() -> None:
    assert set(ARRANGEMENT_MOVES) == set(ArrangementStatus)
    assert all(status not in reached(status) for status in ArrangementStatus)
    ends = {status for status in ArrangementStatus if not ARRANGEMENT_MOVES[status]}
    assert ends == {"completed", "defaulted", "declined", "withdrawn", "expired"}
    # Only what the ledger confirmed can be kept or broken.
    assert ARRANGEMENT_MOVES[ArrangementStatus.ACTIVE] == {"completed", "defaulted"}


@pytest.mark.parametrize(
    ("paid", "on", "status"),
    [
        (0, date(2026, 4, 10), "active"),
        (0, date(2026, 5, 15), "active"),  # the last day of grace of the second one
        (0, date(2026, 5, 16), "defaulted"),
        (1, date(2026, 6, 15), "active"),
        (1, date(2026, 6, 16), "defaulted"),
        (2, date(2027, 1, 1), "active"),  # one is missed, and two end it
        (3, date(2026, 5, 1), "completed"),
    ],
)
def test_two_missed_instalments_end_a_plan_after_the_days_of_grace(
    paid: int, on: date, status: str
) -> None:
    plan = (*map(in_full, PLAN[:paid]), *PLAN[paid:])
    assert status_when_active(plan, TERMS, on) == status


def test_a_plan_of_fewer_instalments_ends_with_its_last_one() -> None:
    one = PLAN[:1]
    assert status_when_active(one, TERMS, date(2026, 4, 16)) == "defaulted"
    assert status_when_active(one, replace(TERMS, grace_days=9), date(2026, 4, 16)) == "active"
