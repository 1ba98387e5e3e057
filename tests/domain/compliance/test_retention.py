"""How long what is held about a loan is kept: by the longest rule, and for ever without one."""

from dataclasses import replace
from datetime import date

import pytest

from domain.compliance.retention import LoanActivity, RetainedKind, Retention, retention_period
from domain.compliance.rules import Confidence, RulePack, RuleStatus, Source
from domain.compliance.vocabulary import Collects

TODAY = date(2026, 3, 2)
LENDER = frozenset({Collects.FIRST_PARTY})


def rule(
    name: str,
    years: int,
    *,
    of: RetainedKind = RetainedKind.RECORDS,
    status: RuleStatus = RuleStatus.IN_FORCE,
    effective_from: date = date(2000, 1, 1),
    effective_to: date | None = None,
    applies_to: frozenset[Collects] = frozenset(),
) -> Retention:
    return Retention(
        id=name,
        channels=frozenset(),
        source=Source("An Act, section 1", Confidence.PRIMARY),
        effective_from=effective_from,
        effective_to=effective_to,
        status=status,
        applies_to=applies_to,
        of=of,
        months=12 * years,
    )


def loan(
    *rules: Retention,
    last: date,
    is_open: bool = False,
    name: str = "L-1",
    more: RulePack | None = None,
) -> LoanActivity:
    packs = (RulePack("here", 1, "CN", rules), *((more,) if more else ()))
    return LoanActivity(name, is_open, last, packs)


def test_it_is_kept_to_the_end_of_the_day_so_many_years_on_and_no_longer() -> None:
    kept = retention_period([loan(rule("a", 5), last=date(2021, 3, 2))], LENDER, TODAY)

    assert (kept.until, kept.rules) == (TODAY, ("a",))
    assert not kept.is_over(TODAY)
    assert kept.is_over(date(2026, 3, 3))


def test_what_ended_on_a_leap_day_is_kept_to_the_last_of_february() -> None:
    kept = retention_period([loan(rule("a", 3), last=date(2024, 2, 29))], LENDER, TODAY)

    assert kept.until == date(2027, 2, 28)


def test_the_longest_rule_of_all_that_bind_the_loan_counts() -> None:
    state = RulePack("state", 1, "US-XX", (rule("state", 7),))
    kept = retention_period(
        [loan(rule("a", 3), rule("b", 5), last=date(2020, 1, 1), more=state)], LENDER, TODAY
    )

    assert (kept.until, kept.rules) == (date(2027, 1, 1), ("state",))


def test_of_several_loans_the_one_to_be_kept_longest_counts() -> None:
    kept = retention_period(
        [
            loan(rule("a", 5), last=date(2019, 6, 1)),
            loan(rule("b", 3), last=date(2024, 6, 1), name="L-2"),
        ],
        LENDER,
        TODAY,
    )

    assert (kept.until, kept.rules) == (date(2027, 6, 1), ("a", "b"))


def test_nothing_goes_while_a_loan_is_open_however_old_the_others_are() -> None:
    loans = [
        loan(rule("a", 5), last=date(1999, 1, 1)),
        loan(rule("a", 5), last=date(1999, 1, 1), is_open=True, name="L-2"),
    ]
    kept = retention_period(loans, LENDER, TODAY)

    assert kept.open_loan == "L-2"
    assert not kept.is_over(date.max)


@pytest.mark.parametrize(
    "not_for_it",
    [
        (),
        (rule("a", 1, of=RetainedKind.RECORDINGS),),
        (rule("a", 1, status=RuleStatus.DRAFT),),
        (rule("a", 1, effective_from=date(2027, 1, 1)),),
        (rule("a", 1, effective_to=date(2025, 12, 31)),),
        (rule("a", 1, applies_to=frozenset({Collects.BANK})),),
    ],
    ids=["none", "of recordings", "draft", "to come", "ended", "for others"],
)
def test_where_no_rule_says_how_long_it_is_kept_and_that_is_said(
    not_for_it: tuple[Retention, ...],
) -> None:
    kept = retention_period([loan(*not_for_it, last=date(1999, 1, 1))], LENDER, TODAY)

    assert kept.unruled_loan == "L-1"
    assert not kept.is_over(date.max)


def test_a_borrower_of_whom_no_loan_is_left_need_not_be_kept() -> None:
    assert retention_period([], LENDER, TODAY).is_over(TODAY)


def test_what_belongs_to_a_complaint_has_a_period_of_its_own_from_its_answer_on() -> None:
    rules = (rule("a", 3), rule("b", 5, of=RetainedKind.COMPLAINTS))
    paid = loan(*rules, last=date(2021, 3, 2))

    assert retention_period([paid], LENDER, TODAY).rules == ("a",)
    kept = retention_period([replace(paid, answered_on=date(2021, 3, 5))], LENDER, TODAY)
    assert (kept.until, kept.rules) == (date(2026, 3, 5), ("a", "b"))
    early = retention_period([replace(paid, answered_on=date(2018, 1, 1))], LENDER, TODAY)
    assert early.until == date(2024, 3, 2), "it makes the time no shorter"
