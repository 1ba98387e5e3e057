"""What a loan's facts and its ladder ask for."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.actions import ASSIGN_CALL, SEND_SMS, ActionStatus
from domain.decision import Outcome, Snapshot, decide, next_review
from domain.holds import Hold, HoldKind
from domain.ladder import Days, Item, MissedSteps, Step
from domain.loan_states import state_of
from domain.past_actions import PastAction, steps_tried
from tests.domain.examples import (
    DUE,
    LoanOnRecord,
    four_steps,
    ladder,
    on_day,
    owed,
    plan_of,
    skips_of,
)

APRIL = date(2026, 4, 1)


def day(days_past_due: int) -> date:
    return DUE + timedelta(days=days_past_due)


@pytest.mark.parametrize(
    ("days", "planned", "skipped", "review"),
    [
        (1, ["text", "friendly_call"], [], 3),
        (2, ["text", "friendly_call"], [], 3),
        (3, ["friendly_call"], ["text"], 4),
        (4, [], ["text", "friendly_call"], 7),
        (6, [], ["text", "friendly_call"], 7),
        (7, ["enquiry_call"], ["text", "friendly_call"], 30),
        (29, ["enquiry_call"], ["text", "friendly_call"], 30),
        (30, ["visit"], ["text", "friendly_call", "enquiry_call"], 60),
    ],
)
def test_a_loan_first_looked_at_goes_straight_to_the_step_reached(
    days: int, planned: list[str], skipped: list[str], review: int
) -> None:
    decision = LoanOnRecord(ladder()).look(on_day(days))
    assert plan_of(decision) == planned
    assert skips_of(decision) == skipped
    assert decision.outcome is (Outcome.ACT if planned else Outcome.WAIT)
    assert decision.review_on == day(review)


def test_a_loan_that_is_not_past_due_is_looked_at_the_day_after_it_falls_due() -> None:
    decision = LoanOnRecord(ladder(), owed(DUE)).look(on_day(0))
    assert (decision.outcome, decision.review_on) == (Outcome.NOT_PAST_DUE, day(1))


def test_a_loan_paid_off_is_never_looked_at_again() -> None:
    decision = LoanOnRecord(ladder(), owed(DUE, paid="1000")).look(on_day(5))
    assert (decision.outcome, decision.review_on) == (Outcome.NOT_PAST_DUE, None)


def test_a_loan_without_a_ladder_contacts_nobody_and_is_looked_at_again_tomorrow() -> None:
    decision = decide(Snapshot(1, (owed(),)), None, on_day(10))
    assert (decision.outcome, decision.plan) == (Outcome.NO_LADDER, ())
    assert decision.review_on == day(11)


@pytest.mark.parametrize(("days", "acts"), [(1, False), (2, False), (3, True)])
def test_nothing_acts_in_the_days_of_grace(days: int, acts: bool) -> None:
    decision = LoanOnRecord(ladder(grace_days=2)).look(on_day(days))
    assert (decision.outcome is Outcome.ACT) is acts
    if not acts:
        assert (decision.outcome, decision.review_on) == (Outcome.IN_GRACE, day(3))


@pytest.mark.parametrize(("unpaid", "acts"), [("9.99", False), ("10.00", True)])
def test_less_than_the_minimum_contacts_nobody(unpaid: str, acts: bool) -> None:
    loan = LoanOnRecord(ladder(minimum_amount="10"), owed(amount=unpaid), owed(APRIL))
    decision = loan.look(on_day(1))
    assert (decision.outcome is Outcome.ACT) is acts
    if not acts:
        # Only another instalment can add to it.
        assert decision.outcome is Outcome.BELOW_MINIMUM
        assert decision.review_on == APRIL + timedelta(days=1)


class TestHolds:
    def test_a_hold_pauses_the_ladder_until_the_day_it_ends(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.holds = (Hold(HoldKind.PROMISE, day(7), day(20)),)
        decision = loan.look(on_day(7))
        assert (decision.outcome, decision.plan) == (Outcome.HELD, ())
        assert decision.review_on == day(20)
        assert decision.hold == loan.holds[0]

    def test_a_hold_without_an_end_waits_for_a_new_fact(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.holds = (Hold(HoldKind.DISPUTE, day(7)),)
        assert loan.look(on_day(9)).review_on is None

    def test_after_a_broken_promise_the_ladder_goes_on_where_it_stood(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.holds = (Hold(HoldKind.PROMISE, day(10), day(35)),)
        assert loan.look_daily(1, 34) == {1: ["text", "friendly_call"], 7: ["enquiry_call"]}
        decision = loan.look(on_day(35))
        assert (decision.arrears.days_past_due, decision.ladder_day) == (35, 10)
        assert decision.review_on == day(55)  # ladder day 30, 25 days late
        assert loan.look_daily(36, 60) == {55: ["visit"]}

    def test_a_hold_from_before_delinquent_since_does_not_count(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.holds = (Hold(HoldKind.PROMISE, day(-40), day(-10)),)
        assert loan.look(on_day(7)).ladder_day == 7


class TestOnRecord:
    def test_what_waits_is_skipped_once_the_ladder_has_left_its_step(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.look(on_day(1))
        assert loan.look(on_day(2)).expired == ()
        assert loan.look(on_day(3)).expired == (), "its days are over, and its step is not"
        rest_begins = loan.look(on_day(4))
        assert (rest_begins.step, rest_begins.expired) == (None, ("text", "friendly_call"))

    def test_the_end_of_a_step_is_reviewed_although_no_item_ends_there(self) -> None:
        text = Item("text", SEND_SMS, Days(1, 2), template="reminder_first")
        loan = LoanOnRecord(ladder(steps=(Step("remind", Days(1, 5), (text,)),)))
        loan.look(on_day(1))
        assert loan.look(on_day(3)).review_on == day(6)
        assert loan.look(on_day(5)).expired == ()
        assert loan.look(on_day(6)).expired == ("text",)

    @pytest.mark.parametrize(
        ("later", "expired"),
        [
            (Item("second", SEND_SMS, Days(4, 5), template="reminder_second"), ("text",)),
            (Item("call", ASSIGN_CALL, Days(4, 5)), ()),
        ],
        ids=["another text", "a call"],
    )
    def test_a_later_item_of_the_step_takes_the_place_of_one_that_does_the_same(
        self, later: Item, expired: tuple[str, ...]
    ) -> None:
        text = Item("text", SEND_SMS, Days(1, 2), template="reminder_first")
        loan = LoanOnRecord(ladder(steps=(Step("remind", Days(1, 5), (text, later)),)))
        loan.look(on_day(1))
        assert loan.look(on_day(3)).expired == ()
        fourth = loan.look(on_day(4))
        assert (plan_of(fourth), fourth.expired) == ([later.id], expired)

    def test_what_may_have_had_its_effect_is_not_superseded(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.look(on_day(1))
        loan.mark("text", ActionStatus.CLAIMED)
        loan.mark("text", ActionStatus.UNKNOWN)
        loan.get_done("friendly_call")
        assert loan.look(on_day(4)).expired == ()

    def test_a_second_default_acts_again(self) -> None:
        loan = LoanOnRecord(ladder(), owed(DUE), owed(APRIL))
        assert plan_of(loan.look(on_day(1))) == ["text", "friendly_call"]
        loan.get_done("text", "friendly_call")
        loan.instalments = (owed(DUE, paid="1000"), owed(APRIL))
        assert loan.look(on_day(10)).outcome is Outcome.NOT_PAST_DUE
        again = loan.look(on_day(1, APRIL))
        assert (again.arrears.delinquent_since, plan_of(again)) == (
            APRIL,
            ["text", "friendly_call"],
        )

    def test_a_part_payment_does_not_start_the_ladder_again(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.look_daily(1, 10)
        loan.instalments = (owed(paid="400"),)
        decision = loan.look(on_day(11))
        assert (decision.ladder_day, decision.plan) == (11, ())
        assert decision.arrears.amount == Decimal(600)

    def test_a_part_payment_does_not_skip_a_step(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.look_daily(1, 29)
        loan.instalments = (owed(paid="400"),)
        assert plan_of(loan.look(on_day(30))) == ["visit"]


class TestCatchUp:
    def test_missed_items_act_late_where_the_ladder_says_so(self) -> None:
        decision = LoanOnRecord(ladder(missed_steps=MissedSteps.CATCH_UP)).look(on_day(8))
        assert plan_of(decision) == ["text", "friendly_call", "enquiry_call"]
        assert decision.skip == ()

    def test_a_missed_item_does_not_act_before_the_step_it_requires_was_tried(self) -> None:
        steps = four_steps(visit_requires=("enquire",))
        loan = LoanOnRecord(ladder(missed_steps=MissedSteps.CATCH_UP, steps=steps))
        assert plan_of(loan.look(on_day(65))) == ["text", "friendly_call", "enquiry_call"]

    def test_nothing_that_waits_is_superseded_where_missed_items_act_late(self) -> None:
        loan = LoanOnRecord(ladder(missed_steps=MissedSteps.CATCH_UP))
        loan.look(on_day(1))
        assert loan.look(on_day(40)).expired == ()


class TestRequirements:
    def test_a_legal_file_opens_once_every_earlier_step_was_tried(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.look_daily(1, 59)
        decision = loan.look(on_day(60))
        assert (plan_of(decision), decision.waits_for) == (["legal_file"], ())
        assert loan.status("legal_file") is ActionStatus.AWAITING_APPROVAL
        assert decision.review_on is None

    def test_steps_nobody_tried_are_made_up_for_one_a_day_before_a_legal_file(self) -> None:
        loan = LoanOnRecord(ladder())
        assert loan.look_daily(70, 75) == {
            70: ["friendly_call"],
            71: ["enquiry_call"],
            72: ["visit"],
            73: ["legal_file"],
        }

    def test_a_legal_file_waits_while_a_step_is_made_up_for(self) -> None:
        loan = LoanOnRecord(ladder())
        first = loan.look(on_day(70))
        assert first.waits_for == ("remind", "enquire", "visit")
        assert first.review_on == day(71)
        assert "friendly_call" not in skips_of(first)
        assert loan.look_daily(71, 80, get_done=False) == {}
        assert loan.status("friendly_call") is ActionStatus.PLANNED

    def test_a_step_tried_before_the_loan_came_here_counts_for_its_own_arrears(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.steps_tried, loan.steps_tried_at = frozenset({"remind", "enquire", "visit"}), DUE
        assert plan_of(loan.look(on_day(60))) == ["legal_file"]
        loan = LoanOnRecord(ladder())
        loan.steps_tried, loan.steps_tried_at = frozenset({"remind", "enquire", "visit"}), day(-30)
        assert plan_of(loan.look(on_day(60))) == ["friendly_call"]

    def test_steps_tried_in_an_earlier_default_do_not_count_for_the_next(self) -> None:
        loan = LoanOnRecord(ladder(), owed(DUE), owed(APRIL))
        loan.look_daily(1, 59)
        loan.instalments = (owed(DUE, paid="1000"), owed(APRIL))
        assert plan_of(loan.look(on_day(60, APRIL))) == ["friendly_call"]

    @pytest.mark.parametrize(
        ("status", "then"), [(ActionStatus.BARRED, ["legal_file"]), (ActionStatus.DEAD, [])]
    )
    def test_a_step_that_a_rule_forbade_was_tried_and_one_that_was_given_up_was_not(
        self, status: ActionStatus, then: list[str]
    ) -> None:
        loan = LoanOnRecord(ladder())
        loan.look_daily(1, 29)
        loan.look(on_day(30))
        loan.mark("visit", ActionStatus.CLAIMED)
        loan.mark("visit", status)
        assert plan_of(loan.look(on_day(60))) == then

    def test_a_visit_alone_makes_its_step_tried_and_what_another_party_got_does_not(self) -> None:
        remind, _, visit, _ = four_steps()
        notice = Item("notice", SEND_SMS, visit.days, template="legal_notice")
        visit = replace(visit, items=(notice, *visit.items))
        text = PastAction("text", "remind", DUE, ActionStatus.DONE)
        noticed = PastAction("notice", "visit", DUE, ActionStatus.DONE)
        visited = PastAction("visit", "visit", DUE, ActionStatus.ASSIGNED)

        def tried(*actions: PastAction) -> set[str]:
            return steps_tried(ladder(steps=(remind, visit)), actions, DUE)

        assert tried(text, noticed) == {"remind"}
        assert tried(text, noticed, replace(visited, reported=False)) == {"remind"}
        assert tried(text, noticed, visited) == {"remind", "visit"}
        assert tried(replace(visited, status=ActionStatus.BARRED)) == {"visit"}
        assert tried(replace(text, reported=False)) == set(), "it did not arrive"
        assert tried(replace(text, person=2)) == set(), "a guarantor got it"
        assert tried(replace(text, ladder_since=day(-30))) == set()

    def test_what_was_called_off_is_planned_anew_when_its_arrears_come_back(self) -> None:
        loan = LoanOnRecord(ladder())
        (planned, *_) = plan_of(loan.look(on_day(1)))
        loan.mark(planned, ActionStatus.CANCELLED)
        assert planned in plan_of(loan.look(on_day(2)))

    def test_a_call_that_was_never_made_in_its_days_is_made_before_a_legal_file(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.look_daily(1, 6)
        assert plan_of(loan.look(on_day(7))) == ["enquiry_call"]  # and no collector is free
        at_visit = loan.look(on_day(30))
        assert at_visit.expired == ("enquiry_call",)
        loan.get_done("visit")
        assert loan.look_daily(60, 62) == {60: ["enquiry_call"], 61: ["legal_file"]}

    @pytest.mark.parametrize("hours", [0, 1, 25])
    def test_a_text_that_did_not_arrive_is_made_up_for_when_its_next_try_may_be_planned(
        self, hours: int
    ) -> None:
        remind, *rest = four_steps(legal_requires=("remind",))
        remind = replace(remind, items=remind.items[:1])
        since, again_from = DUE, on_day(60) + timedelta(hours=hours)
        failed = PastAction(
            "text", "remind", since, ActionStatus.UNDELIVERED, again_from=again_from
        )
        climbs = ladder(steps=(remind, *rest))
        decision = decide(Snapshot(1, (owed(),), actions=(failed,)), climbs, on_day(60))
        assert not failed.tried
        assert plan_of(decision) == (["text"] if hours == 0 else [])
        assert (decision.waits_for, decision.review_on) == (("remind",), day(61))

    def test_a_visit_still_planned_when_a_legal_file_is_due_is_not_superseded(self) -> None:
        loan = LoanOnRecord(ladder())
        loan.look_daily(1, 29)
        loan.look(on_day(30))
        decision = loan.look(on_day(60))
        assert (decision.plan, decision.expired) == ((), ())
        assert decision.waits_for == ("visit",)

    def test_what_a_required_step_itself_requires_comes_first(self) -> None:
        steps = four_steps(visit_requires=("enquire",), legal_requires=("visit",))
        loan = LoanOnRecord(ladder(steps=steps))
        assert loan.look_daily(60, 63) == {
            60: ["enquiry_call"],
            61: ["visit"],
            62: ["legal_file"],
        }


class TestNextReview:
    def test_a_loan_past_due_is_looked_at_today_when_a_fact_changes(self) -> None:
        assert next_review(Snapshot(1, (owed(),)), on_day(5)) == day(5)

    def test_a_loan_put_right_waits_for_its_next_instalment(self) -> None:
        snapshot = Snapshot(1, (owed(paid="1000"), owed(APRIL)))
        assert next_review(snapshot, on_day(5)) == APRIL + timedelta(days=1)

    def test_a_loan_on_hold_waits_for_the_end_of_the_hold(self) -> None:
        snapshot = Snapshot(1, (owed(),), holds=(Hold(HoldKind.PROMISE, day(4), day(9)),))
        assert next_review(snapshot, on_day(5)) == day(9)
        longer = Hold(HoldKind.DISPUTE, day(7))
        both = replace(snapshot, holds=(*snapshot.holds, longer))
        assert next_review(both, on_day(5)) == day(7), "another one is in force from then on"


holds = st.lists(
    st.builds(
        lambda kind, first, days: Hold(kind, day(first), day(first + days)),
        st.sampled_from([HoldKind.MANUAL, HoldKind.DISPUTE]),
        st.integers(-5, 80),
        st.integers(1, 30),
    ),
    max_size=3,
)
looks = st.lists(st.integers(1, 120), min_size=1, max_size=12, unique=True).map(sorted)


@given(holds=holds, looks=looks, mode=st.sampled_from(MissedSteps), done=st.booleans())
def test_a_decision_on_record_is_not_taken_again(
    holds: list[Hold], looks: list[int], mode: MissedSteps, done: bool
) -> None:
    loan = LoanOnRecord(ladder(missed_steps=mode))
    loan.holds = tuple(holds)
    for days in looks:
        first = loan.look(on_day(days))
        again = loan.look(on_day(days))
        assert (again.plan, again.skip, again.expired) == ((), (), ())
        if done:
            loan.get_done(*plan_of(first))


@given(holds=holds, mode=st.sampled_from(MissedSteps), part=st.integers(0, 999))
def test_a_loan_looked_at_only_on_its_review_date_acts_and_stands_as_one_looked_at_daily(
    holds: list[Hold], mode: MissedSteps, part: int
) -> None:
    daily = LoanOnRecord(ladder(missed_steps=mode), owed(paid=str(part)))
    reviewed = LoanOnRecord(ladder(missed_steps=mode), owed(paid=str(part)))
    daily.holds = reviewed.holds = tuple(holds)
    decision = reviewed.look(on_day(0))
    for days in range(1, 200):
        each = daily.look(on_day(days))
        daily.get_done(*plan_of(each))
        planned = []
        if decision.review_on is not None and decision.review_on <= day(days):
            decision = reviewed.look(on_day(days))
            planned = plan_of(decision)
            reviewed.get_done(*planned)
        assert (planned, state_of(decision, None)) == (plan_of(each), state_of(each, None))


def test_a_loan_that_was_written_off_is_left_alone_for_good() -> None:
    snapshot = Snapshot(1, (owed(),), written_off=True)
    decision = decide(snapshot, ladder(), on_day(10))
    assert (decision.outcome, decision.plan) == (Outcome.WRITTEN_OFF, ())
    assert decision.review_on is None
    assert next_review(snapshot, on_day(10)) is None
