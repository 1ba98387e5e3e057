"""Quotes: what a deferral or a plan would mean, to the cent, and why some cannot be offered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.actors import Role
from domain.amortisation import Amortisation, DayCount, RestIn, Rounding
from domain.arranged import Wish
from domain.arrangements import (
    ArrangementKind,
    ArrangementTerms,
    Effect,
    Eligibility,
    KindTerms,
    Limit,
    MovesTo,
    RateOf,
    Spreads,
)
from domain.closest_offer import closest_offer, most_alone
from domain.compliance.money_cap import Cap, CapKind
from domain.compliance.rules import Confidence, Source
from domain.eligibility import ArrangeableLoan
from domain.holds import HoldKind
from domain.ladder import AppliesTo, Days
from domain.loans import Instalment
from domain.quotes import NotOffered, Quote, quote
from domain.reasons import ReasonCode
from domain.schedule import in_full, level_payments, month_after
from domain.terms import terms_for

AS_OF = date(2026, 3, 20)
ZERO = Decimal(0)
DEFERRAL = KindTerms(
    kind=ArrangementKind.DEFERRAL,
    eligibility=Eligibility(
        Days(0, 90), earlier_at_most=0, not_during=frozenset({HoldKind.DISPUTE})
    ),
    rate=RateOf.CONTRACT,
    fee=ZERO,
    limits=(Limit(Role.CALLER, 1, 31), Limit(Role.SUPERVISOR, 3, 92)),
    stops=frozenset({Effect.COLLECTION}),
    grace_days=5,
    missed_ends_it=1,
)
PLAN = KindTerms(
    kind=ArrangementKind.INSTALMENT_PLAN,
    eligibility=Eligibility(Days(1)),
    rate=RateOf.CONTRACT,
    fee=ZERO,
    limits=(Limit(Role.CALLER, 3, amount=Decimal(5000)), Limit(Role.SUPERVISOR, 24)),
    stops=frozenset({Effect.COLLECTION, Effect.LATE_FEES}),
    grace_days=5,
    missed_ends_it=2,
    least_instalment=Decimal(50),
)
CAP = Cap(
    CapKind.YEARLY_COST_PERCENT, Decimal(24), Source("A decree, art. 6", Confidence.SECONDARY)
)
TERMS = ArrangementTerms(
    id="sample",
    version=1,
    effective_from=date(2026, 1, 1),
    effective_to=None,
    applies_to=AppliesTo(("CN",)),
    currency="CNY",
    day_count=DayCount.ACTUAL_365,
    rounding=Rounding.HALF_UP,
    rest_in=RestIn.LAST,
    quote_valid_days=7,
    caps=(CAP,),
    kinds=(DEFERRAL, PLAN),
    source="a test",
)
SCHEDULE = tuple(
    Instalment(date(2026, month, 15), Decimal(1000), interest)
    for month, interest in zip(range(1, 7), map(Decimal, (60, 50, 40, 30, 20, 10)), strict=True)
)
"""Six instalments of 1,000 at 12 % a year, a twelfth each month."""
LOAN = ArrangeableLoan(
    external_id="L-1",
    product="consumer_loan",
    jurisdiction="CN",
    currency="CNY",
    instalments=(*map(in_full, SCHEDULE[:2]), *SCHEDULE[2:]),
    annual_rate_percent=Decimal(12),
    disbursed_on=date(2025, 12, 15),
)
"""Paid until February; that of 15 March is five days past due on the day of the quote."""


def given_terms(kind: KindTerms, **changes: object) -> ArrangementTerms:
    """The terms with one kind, in which something is changed."""
    return replace(TERMS, kinds=(replace(kind, **changes),))


def quoted(
    wish: Wish, loan: ArrangeableLoan = LOAN, terms: ArrangementTerms | None = TERMS
) -> Quote:
    found = quote(loan, terms, wish, AS_OF)
    assert isinstance(found, Quote), found
    return found


def refused(
    wish: Wish, loan: ArrangeableLoan = LOAN, terms: ArrangementTerms | None = TERMS
) -> list[ReasonCode]:
    found = quote(loan, terms, wish, AS_OF)
    assert isinstance(found, NotOffered)
    return [reason.code for reason in found.reason]


def rows(instalments: Sequence[Instalment]) -> list[tuple[str, str, str, str]]:
    return [
        (f"{each.due_on}", f"{each.principal}", f"{each.interest:.2f}", f"{each.fees:.2f}")
        for each in instalments
    ]


def test_a_deferral_moves_what_is_due_and_adds_the_interest_of_the_days() -> None:
    found = quoted(Wish(days=20))
    # 1,000 from the day of the quote, for 20 days: 1000 × 12 % × 20 / 365 = 6.575…
    assert found.interest == Decimal("6.58")
    assert rows(found.after) == [
        ("2026-04-09", "1000", "46.58", "0.00"),
        *rows(SCHEDULE[3:]),
    ]
    assert (found.to_pay_before, found.to_pay_after) == (Decimal(4100), Decimal("4106.58"))
    assert found.difference == Decimal("6.58")
    assert (found.last_day_before, found.last_day_after) == (date(2026, 6, 15), date(2026, 6, 15))
    assert found.who_may_agree is Role.CALLER
    assert found.valid_until == date(2026, 3, 27)
    assert found.cost_percent == Decimal("12.01")  # the cent is rounded up
    assert found.stops == (Effect.COLLECTION,)
    assert Effect.INTEREST in found.goes_on
    assert Effect.DAYS_PAST_DUE in found.goes_on


def test_a_deferral_to_the_end_of_the_schedule_adds_months_behind_it() -> None:
    found = quoted(
        Wish(days=60), terms=given_terms(DEFERRAL, moves_to=MovesTo.END_OF_SCHEDULE, fee=Decimal(5))
    )
    # 15 March, 15 April and 15 May are due before 19 May. The first bears interest from the quote
    # on for 117 days, the others from their due dates on, for 122 days each.
    interest = [Decimal("38.47"), Decimal("40.11"), Decimal("40.44")]
    assert (date(2026, 7, 15) - AS_OF).days == 117
    assert [each.due_on for each in found.arranged] == [
        date(2026, month, 15) for month in (7, 8, 9)
    ]
    assert [each.interest for each in found.arranged] == [
        Decimal(40) + interest[0],
        Decimal(30) + interest[1],
        Decimal(20) + interest[2],
    ]
    assert [each.fees for each in found.arranged] == [5, 0, 0]
    assert found.who_may_agree is Role.SUPERVISOR
    assert found.last_day_after == date(2026, 9, 15)


def test_a_plan_of_all_that_is_owed_replaces_the_schedule() -> None:
    found = quoted(Wish(instalments=3), terms=replace(TERMS, day_count=DayCount.THIRTY_360))
    # 4,000 is owed. Interest: 40.00 of March, and of April's 30.00 the 5 of 30 days that are over.
    carried = Decimal("45.00")
    # Days of 30/360 from 20 March to 15 April, then whole months: 25, 30, 30.
    factors = [Decimal(25) / 3000, Decimal("0.01"), Decimal("0.01")]
    owed, interest = Decimal(4000), ZERO
    discounts = [1 / (1 + factors[0]), 1 / ((1 + factors[0]) * Decimal("1.01"))]
    discounts.append(discounts[1] / Decimal("1.01"))
    level = round(Decimal(4000) / sum(discounts), 2)
    for factor in factors:
        part = round(owed * factor, 2)
        interest += part
        owed -= level - part
    assert found.interest == interest
    assert [each.due_on for each in found.after] == [date(2026, m, 15) for m in (4, 5, 6)]
    assert [each.amount for each in found.after[:2]] == [level + 15, level + 15]
    assert sum(each.principal for each in found.after) == 4000
    assert found.interest_dropped == Decimal(100) - carried
    assert found.to_pay_after == 4000 + carried + interest
    assert found.cost_percent == Decimal("12.00")
    assert found.who_may_agree is Role.CALLER
    assert quoted(Wish(instalments=4)).who_may_agree is Role.SUPERVISOR


def test_a_plan_of_what_is_past_due_comes_on_top_of_the_others() -> None:
    found = quoted(
        Wish(instalments=4), terms=given_terms(PLAN, spreads=Spreads.PAST_DUE, rate=RateOf.NONE)
    )
    assert rows(found.arranged) == [
        (f"2026-0{month}-15", "250.00", "10.00", "0.00") for month in (4, 5, 6, 7)
    ]
    assert [each.amount for each in found.after] == [1290, 1280, 1270, 260]
    assert found.difference == 0
    assert found.cost_percent == 0
    # The other instalments bear interest as before.
    assert Effect.INTEREST in found.goes_on
    alone = replace(LOAN, instalments=LOAN.instalments[:3])
    free = quoted(Wish(instalments=4), alone, given_terms(PLAN, rate=RateOf.NONE))
    assert Effect.INTEREST in free.stops


def test_a_plan_until_a_day_and_one_of_so_much_a_month() -> None:
    assert len(quoted(Wish(until=date(2026, 8, 14))).after) == 4
    enough = quoted(Wish(monthly=Decimal(700)))
    assert max(each.amount for each in enough.after) <= 700
    more = quoted(Wish(instalments=len(enough.after) - 1))
    assert max(each.amount for each in more.after) > 700
    assert refused(Wish(monthly=Decimal(20))) == [ReasonCode.MONTHLY_TOO_LITTLE]
    assert refused(Wish(until=date(2026, 4, 1))) == [ReasonCode.UNTIL_TOO_EARLY]


def test_a_plan_of_so_much_a_month_counts_what_falls_due_beside_it() -> None:
    """An instalment that is not part of the plan, two days after one of the plan."""
    beside = Instalment(date(2026, 5, 13), Decimal(300), Decimal(0))
    monthly = Decimal(600)
    of_past_due = given_terms(PLAN, spreads=Spreads.PAST_DUE)
    past_due = replace(LOAN, instalments=LOAN.instalments[:3])
    loan = replace(LOAN, instalments=(*LOAN.instalments[:3], beside))
    alone = quoted(Wish(monthly=monthly), past_due, of_past_due)
    found = quoted(Wish(monthly=monthly), loan, of_past_due)
    in_may = [each.amount for each in found.after if each.due_on.month == 5]
    assert len(in_may) == 2
    assert sum(in_may) <= monthly
    assert len(found.arranged) > len(alone.arranged)


def test_all_that_stands_against_it_is_said_at_once() -> None:
    """What is against the loan, and what is against the wish: nobody asks three times."""
    during = frozenset({HoldKind.DISPUTE, HoldKind.INSOLVENCY})
    terms = given_terms(replace(PLAN, eligibility=replace(PLAN.eligibility, not_during=during)))
    held, holds = replace(LOAN, holds=during), [ReasonCode.NOT_DURING_HOLD] * 2
    little, three = Wish(monthly=Decimal(20)), Wish(instalments=3)
    assert refused(little, held, terms) == [*holds, ReasonCode.MONTHLY_TOO_LITTLE]
    assert refused(three, held, terms) == holds
    assert refused(three, replace(held, written_off=True), terms) == [ReasonCode.WRITTEN_OFF]


def test_the_first_payment_is_after_the_last_day_of_the_quote() -> None:
    late = replace(TERMS, quote_valid_days=26)
    found = quoted(Wish(instalments=2), terms=late)
    assert (found.valid_until, found.after[0].due_on) == (date(2026, 4, 15), date(2026, 5, 15))


HELD = replace(LOAN, holds=frozenset({HoldKind.DISPUTE}))
OFTEN = replace(LOAN, arranged_on=(date(2026, 1, 5),))


@pytest.mark.parametrize(
    ("wish", "loan", "terms", "codes"),
    [
        (Wish(days=20), LOAN, None, ["no_arrangement_terms"]),
        (Wish(days=20), LOAN, replace(TERMS, kinds=(PLAN,)), ["arrangement_not_offered"]),
        (Wish(days=20), replace(HELD, arranged_on=OFTEN.arranged_on), TERMS, [
            "arranged_too_often", "not_during_hold",
        ]),
        (Wish(days=20), replace(LOAN, annual_rate_percent=None), TERMS, ["rate_not_known"]),
        (Wish(days=20), replace(LOAN, written_off=True), TERMS, ["written_off"]),
        (Wish(days=20), replace(LOAN, instalments=tuple(map(in_full, SCHEDULE))), TERMS, [
            "nothing_unpaid",
        ]),
        (Wish(days=20), replace(LOAN, instalments=SCHEDULE), given_terms(
            DEFERRAL, eligibility=Eligibility(Days(0, 30), loan_age_months=6)
        ), ["days_past_due_outside", "loan_too_young"]),
        (Wish(days=20), replace(LOAN, instalments=SCHEDULE), given_terms(
            DEFERRAL, eligibility=Eligibility(Days(900))
        ), ["days_past_due_too_few"]),
        (Wish(days=93), replace(LOAN, instalments=SCHEDULE[2:4]), TERMS, ["deferral_too_long"]),
        (Wish(days=1), replace(LOAN, instalments=SCHEDULE[3:]), TERMS, ["nothing_to_defer"]),
        (Wish(instalments=25), LOAN, TERMS, ["beyond_authority"]),
        (Wish(instalments=24), replace(LOAN, instalments=SCHEDULE[2:3]), TERMS, [
            "instalment_too_small",
        ]),
        (Wish(instalments=2), LOAN, given_terms(PLAN, rate=Decimal("24.5")), ["cost_above_cap"]),
        (Wish(instalments=2), LOAN, given_terms(PLAN, fee=Decimal(100)), ["cost_above_cap"]),
        (Wish(instalments=12), LOAN, replace(
            TERMS, caps=(replace(CAP, what=CapKind.MONTHS, at_most=Decimal(6)),)
        ), ["arrangement_too_long"]),
        (Wish(instalments=2), LOAN, given_terms(
            PLAN, limits=(Limit(Role.SUPERVISOR, 12, amount=Decimal(3000)),)
        ), ["debt_beyond_authority"]),
        (Wish(instalments=2), replace(LOAN, instalments=SCHEDULE[3:]), given_terms(
            PLAN, spreads=Spreads.PAST_DUE, eligibility=Eligibility(Days(0))
        ), ["nothing_to_spread"]),
        (Wish(instalments=2), replace(
            LOAN, instalments=SCHEDULE[3:], disbursed_on=None
        ), given_terms(PLAN, eligibility=Eligibility(Days(0))), ["paid_out_not_known"]),
    ],
)  # fmt: skip
def test_what_cannot_be_offered_says_why(
    wish: Wish, loan: ArrangeableLoan, terms: ArrangementTerms | None, codes: list[str]
) -> None:
    assert refused(wish, loan, terms) == codes


def closest(wish: Wish, **terms: object) -> dict[str, object]:
    """What is said of the closest offer; empty: there is none."""
    found = closest_offer(LOAN, given_terms(PLAN, **terms), wish, AS_OF)
    return dict(found[0].params) if found else {}


def test_whoever_wishes_for_too_much_hears_what_can_be_offered() -> None:
    """24 instalments at most, and none of less than 50: no offer is closer to what was wished."""
    assert closest(Wish(instalments=25))["instalments"] == 24
    assert closest(Wish(instalments=25), least_instalment=Decimal(500))["instalments"] == 8
    assert closest(Wish(monthly=Decimal(20)))["instalments"] == 24
    early, late = Wish(until=date(2026, 4, 1)), Wish(until=date(2029, 4, 1))
    assert closest(early)["on"] == "2026-04-15"
    assert closest(late)["instalments"] == 24
    assert closest(Wish(instalments=25), rate=Decimal(30)) == {}, "none is below the cap"
    assert closest(Wish(instalments=25), eligibility=Eligibility(Days(90))) == {}

    short, long = (
        closest_offer(replace(LOAN, instalments=of), TERMS, Wish(days=days), AS_OF)
        for of, days in ((SCHEDULE[3:], 1), (SCHEDULE[2:4], 93))
    )
    # Nothing falls due before 15 April, and nobody may agree to more than 92 days.
    assert [dict(each[0].params) for each in (short, long)] == [{"days": 27}, {"days": 92}]


def test_the_most_that_a_collector_may_offer_is_within_their_authority() -> None:
    """They may defer one instalment for 31 days; but that of 15 April would be moved as well."""

    def most(kind: KindTerms, loan: ArrangeableLoan = LOAN) -> tuple[Wish, Role] | list[str] | None:
        terms = replace(TERMS, kinds=(kind,))
        found = most_alone(loan, terms, kind.kind, Role.CALLER, AS_OF)
        if found is None:
            return None
        wish, offered = found
        if isinstance(offered, NotOffered):
            return [reason.code for reason in offered.reason]
        return wish, offered.who_may_agree

    assert most(DEFERRAL) == (Wish(days=26), Role.CALLER)
    assert most(DEFERRAL, replace(LOAN, instalments=SCHEDULE[2:3])) == (Wish(days=31), Role.CALLER)
    assert most(DEFERRAL, replace(LOAN, instalments=SCHEDULE[1:])) is None, "two are past due"
    assert most(DEFERRAL, replace(LOAN, arranged_on=[date(2026, 1, 5)])) == ["arranged_too_often"]
    assert most(PLAN) == (Wish(instalments=3), Role.CALLER)
    little = replace(PLAN, limits=(Limit(Role.CALLER, 3, amount=Decimal(500)), *PLAN.limits[1:]))
    assert most(little) is None, "no plan is about so little"
    assert most(replace(PLAN, limits=PLAN.limits[1:])) is None


def law(what: CapKind, at_most: int) -> Cap:
    return Cap(what, Decimal(at_most), Source("A law, art. 7", Confidence.PRIMARY))


def test_the_strictest_of_the_law_and_of_the_terms_counts() -> None:
    cost = CapKind.YEARLY_COST_PERCENT
    for at_most, of_law in ((6, True), (24, False), (36, False)):
        loan = replace(LOAN, caps=(law(cost, at_most),), annual_rate_percent=Decimal("5.9"))
        shown = quoted(Wish(instalments=3), loan).cost_cap
        assert shown == (loan.caps[0] if of_law else CAP)
    dear = replace(LOAN, caps=(law(cost, 6),))
    assert refused(Wish(days=20), dear) == [ReasonCode.COST_ABOVE_CAP]


def test_interest_after_a_missed_payment_is_little_above_that_of_the_contract() -> None:
    """Of a contract at 12 % half as much again is 18 %."""
    half = replace(LOAN, caps=(law(CapKind.RATE_OVER_CONTRACT_PERCENT, 50),))
    none = replace(LOAN, caps=(law(CapKind.RATE_OVER_CONTRACT_PERCENT, 0),))
    for rate, loan, allowed in (
        ("18", half, True), ("18.01", half, False), ("12", none, True), ("12.01", none, False),
    ):  # fmt: skip
        terms = given_terms(PLAN, rate=Decimal(rate))
        if allowed:
            assert quoted(Wish(instalments=3), loan, terms).rate_percent == Decimal(rate)
        else:
            assert refused(Wish(instalments=3), loan, terms) == [ReasonCode.RATE_ABOVE_CONTRACT]
    unknown = replace(none, annual_rate_percent=None)
    assert quoted(Wish(instalments=3), unknown, given_terms(PLAN, rate=Decimal(20)))


def test_an_arrangement_of_long_ago_does_not_count() -> None:
    assert quoted(Wish(days=20), replace(LOAN, arranged_on=(date(2025, 3, 20),)))


def test_the_newest_terms_in_force_for_the_loan_count() -> None:
    newer = replace(TERMS, version=2, effective_from=date(2026, 4, 1))
    found = [
        terms_for((TERMS, newer), jurisdiction, "any", currency, on)
        for jurisdiction, currency, on in [
            ("CN", "CNY", date(2026, 3, 31)),
            ("CN-11", "CNY", date(2026, 4, 1)),
            ("US", "CNY", AS_OF),
            ("CN", "USD", AS_OF),
            ("CN", "CNY", date(2025, 12, 31)),
        ]
    ]
    assert found == [TERMS, newer, None, None, None]


@st.composite
def loans(draw: st.DrawFn) -> ArrangeableLoan:
    """Any loan, of which any parts are paid, with arrears."""
    months = draw(st.integers(1, 8))
    cents = st.integers(0, 3_000_00)
    day = draw(st.integers(1, 31))
    first = month_after(AS_OF, -draw(st.integers(0, 12)), day)
    instalments: list[Instalment] = []
    for month in range(months):
        amounts = [Decimal(draw(cents)) / 100 for _ in range(3)]
        paid = [draw(st.sampled_from([ZERO, amount, amount // 2])) for amount in amounts]
        instalments.append(Instalment(month_after(first, month, day), *amounts, *paid))
    rate = draw(st.decimals(0, 24, places=2))
    return replace(
        LOAN,
        instalments=tuple(instalments),
        annual_rate_percent=rate,
        disbursed_on=first - timedelta(days=30),
    )


@given(
    loan=loans(),
    wish=st.one_of(
        st.builds(Wish, days=st.integers(1, 400)),
        st.builds(Wish, instalments=st.integers(1, 60)),
        st.builds(Wish, monthly=st.integers(100, 9000).map(Decimal)),
    ),
    rest_in=st.sampled_from(RestIn),
    rounding=st.sampled_from(Rounding),
    day_count=st.sampled_from(DayCount),
    moves_to=st.sampled_from(MovesTo),
    spreads=st.sampled_from(Spreads),
    amortisation=st.sampled_from(Amortisation),
    fee=st.sampled_from([ZERO, Decimal("12.34")]),
)
def test_cents_add_up(
    loan: ArrangeableLoan,
    wish: Wish,
    rest_in: RestIn,
    rounding: Rounding,
    day_count: DayCount,
    moves_to: MovesTo,
    spreads: Spreads,
    amortisation: Amortisation,
    fee: Decimal,
) -> None:
    anybody = (Limit(Role.SUPERVISOR, 60),)
    of_kind = replace(
        DEFERRAL if wish.days is not None else PLAN,
        eligibility=Eligibility(Days(0)),
        fee=fee,
        limits=anybody,
        moves_to=moves_to,
        spreads=spreads,
        amortisation=amortisation,
        least_instalment=ZERO,
    )
    terms = replace(
        TERMS, rest_in=rest_in, rounding=rounding, day_count=day_count, caps=(), kinds=(of_kind,)
    )
    found = quote(loan, terms, wish, AS_OF)
    if isinstance(found, NotOffered):
        return
    before = sum((each.unpaid for each in loan.instalments), ZERO)
    principal = sum((each.principal - each.paid_principal for each in loan.instalments), ZERO)
    assert found.to_pay_before == before
    assert sum(each.amount for each in found.after) == found.to_pay_after
    assert sum(each.principal for each in found.after) == principal
    costs = found.interest + found.fee - found.interest_dropped
    assert found.difference == costs
    assert all(
        part >= 0 and part % Decimal("0.01") == 0
        for each in found.after
        for part in (each.principal, each.interest, each.fees)
    )
    days = [each.due_on for each in found.after]
    assert days == sorted(set(days))
    assert found.as_of <= found.valid_until < found.arranged[0].due_on
    assert 0 <= found.interest_dropped <= before
    assert set(found.stops) | set(found.goes_on) == set(Effect)


def test_a_plan_of_a_loan_that_just_began_costs_what_the_loan_costs() -> None:
    """An independent check: the same loan as its lender calculated it, month by month."""
    contract = level_payments(
        principal=Decimal(12000),
        annual_rate_percent=Decimal(12),
        term_months=12,
        instalment=Decimal("1066.19"),
        first_month=date(2026, 4, 1),
        due_day=20,
    )
    loan = replace(LOAN, instalments=contract, disbursed_on=AS_OF)
    found = quoted(
        Wish(instalments=12),
        loan,
        replace(given_terms(PLAN, eligibility=Eligibility(Days(0))), day_count=DayCount.THIRTY_360),
    )
    assert rows(found.after) == rows(contract)
    assert found.difference == 0
