"""Help in difficulty: a plan that is kept, one that is broken, a deferral, and a text."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select

from domain.arranged import Wish
from domain.arrangements import AcceptanceProof, ArrangementStatus, Refusal
from tests.stories.house import House
from tests.stories.pages import assert_told
from tests.support.arrangements import SCHEDULE
from workers.db.schema import arrangement, arrangement_instalment
from workers.hardship.arrangement_acceptances import Acceptance, accept_arrangement
from workers.hardship.arrangement_endings import Ending, end_arrangement
from workers.hardship.arrangement_offers import offer_arrangement

APRIL = Decimal(920)
"""What is due on 1 April anyway."""


@pytest.fixture
def house(engine: Engine) -> House:
    """L-1 owes 920 on the first day of each month from January to June, at 14.6 % a year. January
    and February were paid."""
    house = House(engine, "2026-02-28 18:00", instalments=SCHEDULE)
    house.bears("14.6")
    house.paid("1840", "P-0")
    return house


def newest(house: House) -> Any:
    """What was asked for last."""
    return house.book.rows(select(arrangement).order_by(arrangement.c.id.desc()))[0]


def asked(house: House, wish: Wish) -> None:
    """In the call, the borrower asks for a plan or for a deferral."""
    house.called("asks_deferral" if wish.days else "asks_plan", reason="unemployed")
    (request,) = house.book.rows(arrangement)
    assert request.asked_by == "call"
    offer_arrangement(house.as_("sun"), request.external_id, wish)


def accept(house: House) -> None:
    """The borrower accepts on the telephone; the recording is the proof."""
    offered = newest(house)
    proof = Acceptance(
        arrangement=offered.external_id, proof=AcceptanceProof.RECORDING, proof_reference="REC-1"
    )
    accept_arrangement(house.as_("sun"), proof)


def confirm(house: House, more: int = 0) -> str:
    """The lender's ledger replaces the schedule today, each instalment dearer by so much. What came
    of it, in a sentence."""
    offered = newest(house)
    names = ("due_on", "principal", "interest", "fees")
    after = [{name: each[name] for name in names} for each in offered.quote["after"]]
    for each in after:
        each["interest"] = str(Decimal(each["interest"]) + more)
    return house.told(
        "restructuring",
        restructuring="RS-1",
        loan="L-1",
        arrangement=offered.external_id,
        currency="CNY",
        restructured_on=house.now.date().isoformat(),
        instalments=after,
        why="as agreed",
        actor="ledger",
    )


def agreed(house: House) -> None:
    """The borrower accepts, and the ledger replaces the schedule."""
    accept(house)
    confirm(house)


def due(house: House) -> list[tuple[str, Decimal]]:
    """The instalments of the plan: the day, and how much."""
    return [
        (row.due_on.isoformat(), row.principal + row.interest + row.fees)
        for row in house.book.rows(arrangement_instalment)
    ]


def test_a_plan_that_is_kept_to_its_end(house: House) -> None:
    house.until("2026-03-02 10:00")
    asked(house, Wish(instalments=2))
    house.until("2026-03-03 11:00")
    agreed(house)
    for number, (day, amount) in enumerate(due(house), 1):
        house.until(f"{day} 11:00").paid(str(amount), f"P-{number}")
    house.until("2026-05-04 10:00")

    assert house.book.rows(arrangement)[-1].status == "completed"
    assert_told(house, 4)


def test_a_plan_that_is_broken(house: House) -> None:
    house.until("2026-03-02 10:00")
    asked(house, Wish(instalments=3))
    house.until("2026-03-03 11:00")
    agreed(house)
    house.until("2026-05-14 10:00")

    assert house.book.rows(arrangement)[-1].status == "defaulted"
    assert_told(house, 5)


def test_a_deferral(house: House) -> None:
    house.until("2026-03-02 10:00")
    asked(house, Wish(days=30))
    house.until("2026-03-02 16:00")
    agreed(house)
    ((day, amount),) = due(house)
    house.until(f"{day} 11:00").paid(str(amount + APRIL), "P-1")
    house.until("2026-04-02 10:00")

    assert house.book.rows(arrangement)[-1].status == "completed"
    assert_told(house, 6)


def test_a_text_that_asks_for_help(house: House) -> None:
    house.until("2026-03-02 10:00")
    house.writes("失业了，还款有困难，能分期吗")
    house.until("2026-03-03 10:00")
    request = newest(house)
    assert request.asked_by == "text"
    house.told("reply_read", reply=1, meaning="asks_plan", actor="mei")
    no_proof = Ending(
        arrangement=request.external_id,
        status=ArrangementStatus.DECLINED,
        refusal=Refusal.PROOF_MISSING,
    )
    end_arrangement(house.as_("sun"), no_proof)
    house.until("2026-03-03 10:05")
    assert "尚未收到困难证明" in house.texts()[-1]
    house.until("2026-03-04 11:00")
    house.told("arrangement_request", arrangement="AR-2", loan="L-1", asked_by="letter")
    offer_arrangement(house.as_("sun"), "AR-2", Wish(instalments=2))
    agreed(house)
    house.until("2026-03-06 10:00")

    assert_told(house, 7)
