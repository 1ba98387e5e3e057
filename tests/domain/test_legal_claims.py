"""The claim and its evidence."""

from datetime import date
from decimal import Decimal

from domain.legal_claims import claim_breakdown
from domain.loans import Instalment

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


def instalment(due_on: date, **paid: int) -> Instalment:
    return Instalment(
        due_on,
        Decimal(80),
        Decimal(15),
        Decimal(5),
        **{f"paid_{part}": Decimal(amount) for part, amount in paid.items()},
    )


def test_a_claim_keeps_principal_interest_and_fees_apart_by_instalment() -> None:
    schedule = [instalment(MAY), instalment(APRIL), instalment(MARCH, fees=5, interest=10)]
    claim = claim_breakdown(schedule, on=MAY)
    assert [line.due_on for line in claim.lines] == [MARCH, APRIL]
    assert (claim.principal, claim.interest, claim.fees) == (Decimal(160), Decimal(20), Decimal(5))
    assert claim.lines[0].interest == 5


def test_what_is_paid_or_not_yet_past_due_is_not_claimed() -> None:
    paid = instalment(MARCH, principal=80, interest=15, fees=5)
    assert claim_breakdown([paid, instalment(APRIL)], on=APRIL).lines == ()
