"""What somebody can pay a month is theirs: it counts for all their loans together."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from domain.arranged import Wish
from domain.arrangements import AskedBy
from domain.errors import ArrearsError
from domain.promise_terms import most_in_a_month
from domain.promises import PromisePart
from domain.second_person import RequestStatus
from tests.stories.house import House
from tests.support.concurrently import wait_until_blocked
from workers.access.requests import decide
from workers.access.second_person import SecondPersonNeededError
from workers.db.schema import second_person_request
from workers.hardship.arrangement_offers import offer_arrangement
from workers.hardship.arrangements import NewRequest, request_arrangement
from workers.hardship.promises import NewPromise, record_promise
from workers.inbox.submit import submit


def on(day: str, amount: int) -> PromisePart:
    return PromisePart(date.fromisoformat(day), Decimal(amount))


def test_what_is_promised_besides_counts_in_the_same_four_weeks() -> None:
    mine = [on("2026-03-12", 300), on("2026-05-12", 200)]
    assert most_in_a_month(mine) == 300
    assert most_in_a_month(mine, [on("2026-03-31", 150)]) == 450
    assert most_in_a_month(mine, [on("2026-04-15", 150)]) == 350, "with the second part"
    assert most_in_a_month(mine, [on("2026-07-01", 900)]) == 300, "no part of it falls due then"
    each_month = [on(f"2026-0{month}-01", 300) for month in (1, 2, 3)]
    assert most_in_a_month(each_month) == 300, "also over February"
    assert most_in_a_month([on("2026-01-31", 300), on("2026-02-28", 300)]) == 300


@pytest.fixture
def house(engine: Engine) -> House:
    """L-1, L-2 and L-3 are one borrower's; L-US is in another currency; G-1 is a guarantor."""
    house = House(engine, tried=["remind"])
    for name in ("L-2", "L-3"):
        house.book.loan(name, borrower_id="B-L-1")
    house.book.loan("L-US", borrower_id="B-L-1", currency="USD")
    house.book.loan("own", due_on="2027-01-04", borrower_id="G-1", phone="+8613900139001")
    house.until("2026-03-09 10:00")
    told = {"loan": "L-1", "borrower": "G-1", "role": "guarantor", "actor": "mei"}
    house.told("loan_party", **told)
    return house


def promised(house: House, loan: str, amount: str, **more: Any) -> None:
    """The person calls and promises, and whoever takes it is no supervisor."""
    said = {"amount": amount, "currency": "CNY", "due_on": "2026-03-15"}
    monthly = {"can_pay_monthly": more.pop("monthly")} if "monthly" in more else {}
    contact = f"in-{loan}-{amount}-{len(more)}"
    told = {"contact": contact, "loan": loan, "channel": "call", "actor": "mei", "also_about": []}
    told |= {"at": house.ctx.now().isoformat(), "outcome": "promised", "reason": "forgot"}
    told |= {"promised": said | monthly} | more
    submit(house.as_("mei"), contact, "inbound_contact", told)


def test_a_promise_is_compared_with_all_that_the_person_has_promised(house: House) -> None:
    promised(house, "L-1", "300", monthly="700")
    with pytest.raises(ArrearsError, match=r"800\.00 CNY within a month"):
        promised(house, "L-2", "500")
    promised(house, "L-2", "400")
    with pytest.raises(ArrearsError, match=r"1000\.00 CNY within a month"):
        promised(house, "L-3", "300")
    promised(house, "L-1", "300.00", reason="illness")  # takes the place of the first one
    with pytest.raises(ArrearsError, match="more than the borrower said"):
        promised(house, "L-3", "300", monthly="650")
    promised(house, "L-3", "1000.00", borrower=None, monthly="2000")


def test_what_a_guarantor_can_pay_is_not_what_the_borrower_can(house: House) -> None:
    promised(house, "L-1", "500", monthly="600", borrower="G-1")
    promised(house, "L-2", "1000")
    with pytest.raises(ArrearsError, match="more than the borrower said"):
        promised(house, "L-1", "700", borrower="G-1")


def test_a_plan_beyond_what_the_person_can_pay_needs_a_supervisor(house: House) -> None:
    house.bears("12")
    promised(house, "L-2", "300", monthly="700")
    asked = NewRequest(arrangement="AR-1", loan="L-1", asked_by=AskedBy.CALL)
    request_arrangement(house.as_("mei"), asked)
    with pytest.raises(SecondPersonNeededError, match="more than the borrower said"):
        offer_arrangement(house.as_("mei"), "AR-1", Wish(instalments=2))
    decide(house.as_("sun"), house.book.one(second_person_request).id, RequestStatus.GRANTED)
    first = offer_arrangement(house.as_("mei"), "AR-1", Wish(instalments=2))
    again = offer_arrangement(house.as_("mei"), "AR-1")
    assert (first.arrangement.agreed_by, first.known) == ("sun", False)
    assert (again.arrangement, again.known) == (first.arrangement, True), (
        "nobody is asked once more"
    )
    assert house.book.one(second_person_request).status == RequestStatus.DONE
    offer_arrangement(house.as_("mei"), "AR-1", Wish(instalments=3))
    alone = offer_arrangement(house.as_("sun"), "AR-1", Wish(instalments=2))
    assert alone.arrangement.agreed_by is None
    with pytest.raises(ArrearsError, match="more than the borrower said"):
        promised(house, "L-3", "300")  # the offer can still be accepted


def test_two_promises_for_two_loans_at_the_same_moment_see_each_other(house: House) -> None:
    """So do an offer and a promise, and two offers."""
    house.bears("12")
    promised(house, "L-3", "300", monthly="1000")
    ctx = house.as_("mei")

    def new(loan: str, amount: str) -> NewPromise:
        return NewPromise(
            promise=f"P-{loan}-{amount}",
            loan=loan,
            currency="CNY",
            actor="mei",
            amount=Decimal(amount),
            due_on=date(2026, 3, 15),
        )

    def promise_at_once() -> None:
        with ctx.engine.begin() as connection:
            record_promise(connection, ctx, new("L-2", "400"))

    with ctx.engine.connect() as first, ThreadPoolExecutor(1) as other:
        record_promise(first, ctx, new("L-1", "400"))
        second = other.submit(promise_at_once)
        wait_until_blocked(ctx.engine)
        first.commit()
        with pytest.raises(ArrearsError, match=r"1100\.00 CNY within a month"):
            second.result(timeout=60)

    # Nor does an offer pass by a promise, or by the offer for another loan.
    for name, of in (("AR-2", "L-2"), ("AR-3", "L-3")):
        request_arrangement(ctx, NewRequest(arrangement=name, loan=of, asked_by=AskedBy.CALL))
    with ctx.engine.connect() as first, ThreadPoolExecutor(1) as other:
        record_promise(first, ctx, new("L-1", "300"))
        offered = other.submit(offer_arrangement, ctx, "AR-2", Wish(instalments=3))
        wait_until_blocked(ctx.engine)
        first.commit()
        assert offered.result(timeout=60).arrangement.agreed_by is None
    with pytest.raises(SecondPersonNeededError, match="more than the borrower said"):
        offer_arrangement(ctx, "AR-3", Wish(instalments=2))
