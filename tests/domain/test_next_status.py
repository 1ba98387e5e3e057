"""Where an action goes that has had no effect yet: every fact alone, and which one comes first."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.actions import ActionFacts, ActionStatus, next_status
from domain.actors import Role
from domain.compliance.verdict import NOTHING_PAST_DUE, Permission, Verdict
from domain.reasons import ReasonCode, because

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)
SINCE, EARLIER = date(2026, 3, 1), date(2026, 2, 1)

PAST_DUE = ActionFacts(past_due=True, ladder_since=SINCE)
ALLOWED = Verdict(Permission.ALLOWED, ("law.hours",), because(ReasonCode.NO_RULE_FORBIDS))
DEFERRED = Verdict(
    Permission.DEFERRED,
    ("law.hours",),
    because(ReasonCode.OUTSIDE_HOURS, citation="art. 1"),
    TOMORROW,
)
BARRED = Verdict(
    Permission.BARRED, ("lender.opted_out",), because(ReasonCode.OPTED_OUT_OF, channel="sms")
)
BELOW = ("lender.below_minimum",)
PAID = Verdict(Permission.BARRED, (NOTHING_PAST_DUE,), because(ReasonCode.CURED))


def facts(**others: Any) -> ActionFacts:
    return ActionFacts(**({"past_due": True, "ladder_since": SINCE} | others))


@pytest.mark.parametrize(
    ("action_facts", "verdict"),
    [(PAST_DUE, None), (PAST_DUE, ALLOWED)],
    ids=["the gate was not asked", "the gate allows it"],
)
def test_nothing_speaks_against_it(action_facts: ActionFacts, verdict: Verdict | None) -> None:
    assert next_status(SINCE, action_facts, verdict, NOW) is None


@pytest.mark.parametrize(
    ("action_facts", "verdict", "to", "rules", "due_at"),
    [
        (facts(written_off=True), ALLOWED, "cancelled", (), None),
        (facts(past_due=False), ALLOWED, "cancelled", (), None),
        (PAST_DUE, PAID, "cancelled", (), None),
        (facts(off_the_ladder=True), None, "cancelled", (), None),
        (facts(ladder_since=None), ALLOWED, "cancelled", ("lender.below_minimum",), None),
        (facts(ladder_since=EARLIER), ALLOWED, "cancelled", (), None),
        (facts(ladder_since=None, follow_up=True), ALLOWED, "cancelled", BELOW, None),
        (facts(follow_up=True, too_late=True), ALLOWED, "skipped", (), None),
        (facts(days_passed=True), None, "skipped", (), None),
        (
            facts(event_pending=True),
            ALLOWED,
            "deferred",
            ("lender.event_pending",),
            NOW + timedelta(minutes=1),
        ),
        (PAST_DUE, BARRED, "barred", BARRED.rules, None),
        (facts(approver=Role.SUPERVISOR), None, "awaiting_approval", (), None),
        (PAST_DUE, DEFERRED, "deferred", DEFERRED.rules, TOMORROW),
    ],
    ids=[
        "the loan was written off",
        "nothing is past due",
        "the gate finds that nothing is past due",
        "the ladder has no such item any more",
        "less is past due than the ladder acts on",
        "the ladder started on another day",
        "too little is past due for a follow-up too",
        "it is too late for a follow-up",
        "the days of the item have passed",
        "an event is not applied yet",
        "a rule forbids it",
        "nobody has approved it",
        "a rule allows it later",
    ],
)
def test_one_fact_speaks_against_it(
    action_facts: ActionFacts,
    verdict: Verdict | None,
    to: str,
    rules: tuple[str, ...],
    due_at: datetime | None,
) -> None:
    move = next_status(SINCE, action_facts, verdict, NOW)
    assert move is not None
    assert (move.to, move.rules, move.due_at) == (ActionStatus(to), rules, due_at)
    assert move.reason


IN_ORDER: list[tuple[dict[str, Any], ReasonCode]] = [
    ({"written_off": True}, ReasonCode.WRITTEN_OFF),
    ({"past_due": False}, ReasonCode.CURED),
    ({"off_the_ladder": True}, ReasonCode.REMOVED_BY_POLICY),
    ({"ladder_since": None}, ReasonCode.BELOW_MINIMUM),
    ({"ladder_since": EARLIER}, ReasonCode.SUPERSEDED),
    ({"days_passed": True}, ReasonCode.DAYS_PASSED),
    ({"event_pending": True}, ReasonCode.EVENT_PENDING),
]


@pytest.mark.parametrize("first", range(len(IN_ORDER)))
def test_of_several_facts_the_one_that_is_for_good_comes_first(first: int) -> None:
    together: dict[str, Any] = {}
    for fact, _ in reversed(IN_ORDER[first:]):
        together |= fact
    move = next_status(SINCE, facts(**together), DEFERRED, NOW)
    assert move is not None
    assert move.reason == because(IN_ORDER[first][1])


def test_nobody_is_asked_to_approve_what_a_rule_forbids() -> None:
    move = next_status(SINCE, facts(approver=Role.SUPERVISOR), BARRED, NOW)
    assert move is not None
    assert move.to is ActionStatus.BARRED


def test_what_a_rule_allows_later_is_approved_first() -> None:
    move = next_status(SINCE, facts(approver=Role.SUPERVISOR), DEFERRED, NOW)
    assert move is not None
    assert move.to is ActionStatus.AWAITING_APPROVAL


def test_a_follow_up_does_not_end_when_the_ladder_starts_anew() -> None:
    assert next_status(EARLIER, facts(follow_up=True), ALLOWED, NOW) is None
