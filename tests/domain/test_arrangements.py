"""Arrangements: the moves of their statuses, and when an active one is completed or in default."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain.actors import Role
from domain.arrangements import (
    ARRANGEMENT_MOVES,
    OPEN,
    ArrangementKind,
    ArrangementStatus,
    Eligibility,
    KindTerms,
    Limit,
    RateOf,
    standing_of,
    status_when_active,
    who_agrees,
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


S = ArrangementStatus


def reached(status: ArrangementStatus) -> set[ArrangementStatus]:
    """All that may follow, but for a new offer, for money that goes back or comes to light, and for
    what was accepted in time and is reported late."""
    later = set(ARRANGEMENT_MOVES[status]) - {status}
    later -= {S.ACTIVE, S.COMPLETED} if status in (S.COMPLETED, S.DEFAULTED) else set()
    later -= {S.ACCEPTED} if status is S.EXPIRED else set()
    return later.union(*map(reached, later))


def test_an_arrangement_goes_forward_and_ends_once() -> None:
    assert set(ARRANGEMENT_MOVES) == set(ArrangementStatus)
    assert all(status not in reached(status) for status in ArrangementStatus)
    ends = {status for status in ArrangementStatus if not reached(status)}
    assert ends == {"completed", "defaulted", "declined", "withdrawn", "expired", "replaced"}
    assert ends == set(ArrangementStatus) - set(OPEN)
    # Only what the ledger confirmed can be kept or broken.
    assert ARRANGEMENT_MOVES[S.ACTIVE] == {"completed", "defaulted", "replaced"}
    assert {status for status in S if S.ACTIVE in ARRANGEMENT_MOVES[status]} == {
        "accepted",
        "completed",
        "defaulted",
    }


@pytest.mark.parametrize(
    ("paid", "on", "status"),
    [
        (0, date(2026, 4, 10), "active"),
        (0, date(2026, 5, 15), "active"),  # the last day of grace of the second one
        (0, date(2026, 5, 16), "defaulted"),
        (1, date(2026, 6, 15), "active"),
        (1, date(2026, 6, 16), "defaulted"),
        (2, date(2026, 6, 15), "active"),
        (2, date(2026, 6, 16), "defaulted"),  # nothing is left to come
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


def test_a_day_of_rest_gives_more_time() -> None:
    moved = replace(PLAN[0], counts_from=date(2026, 4, 13))
    on = date(2026, 4, 18)
    assert status_when_active([moved], TERMS, on) == "active"
    assert status_when_active([moved], TERMS, date(2026, 4, 19)) == "defaulted"


def test_it_is_looked_at_again_when_another_one_may_be_missed() -> None:
    standing = standing_of(PLAN, TERMS, date(2026, 4, 1))
    assert (standing.status, standing.missed) == ("active", ())
    assert standing.review_on == date(2026, 4, 17), "what was paid on the 15th is told on the 16th"
    standing = standing_of(PLAN, TERMS, date(2026, 4, 17))
    assert standing.missed == (date(2026, 4, 10),)
    assert standing.review_on == date(2026, 5, 17)
    assert standing_of(PLAN, TERMS, date(2026, 5, 17)).status == "defaulted"


def test_a_deferral_that_moved_instalments_behind_the_schedule_is_over_after_its_last_day() -> None:
    on_last_day = standing_of(PLAN, TERMS, date(2026, 3, 26), date(2026, 3, 26))
    assert (on_last_day.status, on_last_day.review_on) == ("active", date(2026, 3, 27))
    assert standing_of(PLAN, TERMS, date(2026, 3, 27), date(2026, 3, 26)).status == "completed"


def test_somebody_agrees_in_the_lowest_of_their_roles_that_may() -> None:
    limits = (Limit(Role.CALLER, 3), Limit(Role.SUPERVISOR, 12))
    everybody = {Role.CALLER, Role.SUPERVISOR, Role.OPERATOR}
    assert who_agrees(everybody, limits, Role.CALLER) is Role.CALLER
    assert who_agrees(everybody, limits, Role.SUPERVISOR) is Role.SUPERVISOR
    assert who_agrees({Role.SUPERVISOR}, limits, Role.CALLER) is Role.SUPERVISOR
    assert who_agrees({Role.CALLER}, limits, Role.SUPERVISOR) is None
    assert who_agrees({Role.OPERATOR}, limits, Role.CALLER) is None
