"""A promise is judged by money and the calendar, part by part, and by nothing else."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.holds import Hold, HoldKind
from domain.ladder import AppliesTo
from domain.promise_terms import AlsoUnkept, EndedPromise, PromiseLimits, PromiseTerms
from domain.promises import (
    NOT_KEPT,
    Judgement,
    Promise,
    PromisePart,
    PromiseStatus,
    ReceivedPayment,
    judge,
    promise_hold,
)

W = PromiseStatus.WITHDRAWN
MADE_AT = datetime(2026, 3, 5, 10, tzinfo=UTC)
PROMISE = Promise.of(Decimal(100), date(2026, 3, 10), MADE_AT)
IN_TWO = Promise(
    (PromisePart(date(2026, 3, 10), Decimal(40)), PromisePart(date(2026, 3, 20), Decimal(60))),
    MADE_AT,
)


def paid(amount: str, day: int, hour: int = 12) -> ReceivedPayment:
    at = datetime(2026, 3, day, hour, tzinfo=UTC)
    return ReceivedPayment(Decimal(amount), at.date(), recorded_at=at)


def on(day: int) -> date:
    return date(2026, 3, day)


def terms_with(also_unkept: frozenset[AlsoUnkept]) -> PromiseTerms:
    limits = PromiseLimits(Decimal(30), 14, 31, 3)
    return PromiseTerms(
        id="promises",
        version=1,
        effective_from=on(1),
        effective_to=None,
        applies_to=AppliesTo(("CN",)),
        currency="CNY",
        limits=limits,
        agreed=limits,
        unkept_at_most=2,
        unkept_within_months=6,
        also_unkept=also_unkept,
        tolerance_amount=Decimal(1),
        tolerance_percent=Decimal(1),
        grace_days=0,
        booking_days=1,
        partly_from_percent=Decimal(20),
        source="a test",
    )


@pytest.mark.parametrize(
    ("received", "kept"),
    [
        ([], False),
        ([paid("99.99", 7)], False),  # a part keeps nothing
        ([paid("100", 10)], True),  # on its own day it is in time
        ([paid("100", 11)], False),
        ([paid("40", 6), paid("60", 10)], True),
        ([paid("40", 6), paid("60", 11)], False),
        ([paid("100", 4)], False),  # what was paid before was not what was promised
        ([paid("100", 5, hour=9)], False),  # known before it, on the day itself
        ([paid("100", 5, hour=11)], True),
        ([paid("150", 8)], True),
    ],
)
def test_a_promise_is_kept_by_what_was_paid_in_its_days(
    received: list[ReceivedPayment], kept: bool
) -> None:
    expected = PromiseStatus.KEPT if kept else PromiseStatus.BROKEN
    assert judge(PROMISE, received, on(12)).status is expected


def test_it_is_open_until_the_payments_of_its_last_day_are_known() -> None:
    assert judge(PROMISE, [], on(11)).status is PromiseStatus.OPEN
    assert judge(PROMISE, [], on(12)).status is PromiseStatus.BROKEN


def test_money_of_its_last_day_that_is_told_of_later_counts() -> None:
    late = ReceivedPayment(Decimal(100), on(10), datetime(2026, 3, 12, tzinfo=UTC))
    assert judge(PROMISE, [late], on(12)).status is PromiseStatus.KEPT


def test_a_promise_pauses_the_ladder_until_its_money_must_be_known() -> None:
    assert promise_hold(PROMISE) == Hold(HoldKind.PROMISE, on(5), on(12))
    assert promise_hold(IN_TWO).ends_on == on(22)


def test_a_cent_less_than_the_tolerance_allows_is_too_little() -> None:
    lenient = Promise(PROMISE.parts, MADE_AT, tolerance=Decimal(1))
    assert judge(lenient, [paid("99", 8)], on(12)).status is PromiseStatus.KEPT
    assert judge(lenient, [paid("98.99", 8)], on(12)).status is PromiseStatus.BROKEN


def test_days_of_grace_move_the_last_day_for_the_money_and_for_the_judgement() -> None:
    patient = Promise(PROMISE.parts, MADE_AT, grace_days=3)
    assert judge(patient, [paid("100", 13)], on(15)).status is PromiseStatus.KEPT
    assert judge(patient, [paid("100", 14)], on(15)).status is PromiseStatus.BROKEN
    assert judge(patient, [], on(14)).status is PromiseStatus.OPEN


@pytest.mark.parametrize(
    ("amount", "status"),
    [("0", PromiseStatus.BROKEN), ("19.99", PromiseStatus.BROKEN), ("20", PromiseStatus.PART_KEPT)],
)
def test_a_part_of_the_money_makes_it_part_kept(amount: str, status: PromiseStatus) -> None:
    promise = Promise(PROMISE.parts, MADE_AT, partly_from=Decimal(20))
    judged = judge(promise, [paid(amount, 8)], on(12))
    assert (judged.status, judged.paid) == (status, Decimal(amount))


def test_the_first_part_that_is_missed_breaks_all_of_it_at_once() -> None:
    judged = judge(IN_TWO, [paid("39", 9)], on(12))
    assert judged == Judgement(PromiseStatus.BROKEN, Decimal(39), None, IN_TWO.parts[0])


def test_what_is_paid_early_counts_for_the_next_part() -> None:
    assert judge(IN_TWO, [paid("70", 8)], on(15)).next_part == IN_TWO.parts[1]
    assert judge(IN_TWO, [paid("70", 8), paid("30", 20)], on(20)).status is PromiseStatus.KEPT
    assert judge(IN_TWO, [paid("100", 8)], on(8)).status is PromiseStatus.KEPT


CENTS = st.integers(min_value=1, max_value=10_000).map(lambda cents: Decimal(cents) / 100)
PARTS = st.lists(
    st.tuples(st.integers(min_value=0, max_value=30), CENTS),
    min_size=1,
    max_size=4,
    unique_by=lambda part: part[0],
).map(
    lambda parts: tuple(
        PromisePart(MADE_AT.date() + timedelta(days=day), amount) for day, amount in sorted(parts)
    )
)
PROMISES = st.builds(
    Promise,
    parts=PARTS,
    made_at=st.just(MADE_AT),
    tolerance=st.integers(min_value=0, max_value=100).map(lambda cents: Decimal(cents) / 100),
    grace_days=st.integers(min_value=0, max_value=3),
    booking_days=st.integers(min_value=0, max_value=2),
    partly_from=st.none() | CENTS,
)
PAYMENTS = st.lists(
    st.builds(
        lambda amount, day: ReceivedPayment(
            amount, MADE_AT.date() + timedelta(days=day), MADE_AT + timedelta(days=day, hours=1)
        ),
        CENTS,
        st.integers(min_value=-2, max_value=40),
    ),
    max_size=6,
)
DAYS = st.integers(min_value=0, max_value=50).map(lambda day: MADE_AT.date() + timedelta(days=day))


@given(promise=PROMISES, received=PAYMENTS, day=DAYS)
def test_it_is_open_only_while_its_hold_lasts_and_never_more_is_paid_than_promised(
    promise: Promise, received: list[ReceivedPayment], day: date
) -> None:
    judged = judge(promise, received, day)
    if judged.status is PromiseStatus.OPEN:
        assert promise_hold(promise).covers(day)
        assert judged.next_part in promise.parts
    else:
        assert judged.next_part is None
    assert Decimal(0) <= judged.paid <= promise.amount
    if judged.status is PromiseStatus.KEPT:
        assert judged.paid >= promise.amount - promise.tolerance
    assert (judged.missed_part is not None) == (
        judged.status in (PromiseStatus.BROKEN, PromiseStatus.PART_KEPT)
    )


@given(promise=PROMISES, received=PAYMENTS, more=PAYMENTS, day=DAYS)
def test_more_money_never_makes_it_worse_and_time_never_makes_it_better(
    promise: Promise, received: list[ReceivedPayment], more: list[ReceivedPayment], day: date
) -> None:
    rank = {
        PromiseStatus.BROKEN: 0,
        PromiseStatus.PART_KEPT: 1,
        PromiseStatus.OPEN: 2,
        PromiseStatus.KEPT: 3,
    }
    less = judge(promise, received, day)
    with_more = judge(promise, [*received, *more], day)
    assert rank[with_more.status] >= rank[less.status]
    later = judge(promise, received, day + timedelta(days=1))
    assert rank[later.status] <= rank[less.status]


RULES = {
    AlsoUnkept.REPLACED: EndedPromise(W, on(10), on(6), replaced=True, paid=Decimal(50)),
    AlsoUnkept.REPLACED_UNPAID: EndedPromise(W, on(10), on(6), replaced=True),
    AlsoUnkept.WITHDRAWN_LATE: EndedPromise(W, on(10), on(11), paid=Decimal(50)),
    AlsoUnkept.WITHDRAWN_UNPAID: EndedPromise(W, on(10), on(6)),
}
"""What each rule is for: a promise that counts by it, and by no other rule below."""


@pytest.mark.parametrize("rule", AlsoUnkept)
def test_what_was_withdrawn_or_replaced_went_unkept_as_the_terms_say(rule: AlsoUnkept) -> None:
    terms = terms_with(frozenset({rule}))
    mistake = replace(RULES[rule], was_made=False)
    assert terms.went_unkept(RULES[rule])
    assert not terms.went_unkept(mistake), "what was recorded by mistake was never promised"
    eased = replace(RULES[rule], eased=True)
    assert not terms.went_unkept(eased), "what was promised is due later, or not at all"
    assert not terms_with(frozenset()).went_unkept(RULES[rule])
    a_cent = replace(RULES[rule], paid=Decimal("0.01"), partly_from=Decimal(10))
    assert terms.went_unkept(a_cent), "a cent is as good as nothing"
    by_it = {other for other in RULES if terms.went_unkept(RULES[other])}
    also = {AlsoUnkept.REPLACED_UNPAID} if rule is AlsoUnkept.REPLACED else set()
    assert by_it == {rule} | also


@pytest.mark.parametrize("status", PromiseStatus)
def test_what_money_and_the_calendar_judge_unkept_is_unkept_by_any_terms(
    status: PromiseStatus,
) -> None:
    ended = EndedPromise(status, on(10), on(6), paid=Decimal(1))
    assert terms_with(frozenset()).went_unkept(ended) is (status in NOT_KEPT)
    assert not terms_with(frozenset()).went_unkept(replace(ended, was_made=False)), "by mistake"
