"""A dispute that is won, one that is lost, and a complaint about a collector."""

from sqlalchemy import Engine

from domain.disputes import Matter
from tests.stories.house import House
from tests.stories.pages import assert_told
from workers.db.schema import complaint, dispute
from workers.hardship import handling
from workers.hardship.answer_letters import open_answer


def disputed(house: House, kind: str, why: str) -> str:
    """In the call, the borrower says that something is not right. Gives the id of the dispute."""
    house.called("disputes", dispute_kind=kind, why=why, reason="disputes_it")
    return str(house.book.one(dispute).external_id)


def decided(house: House, id: str, outcome: str, finding: str, **more: object) -> None:
    """Sun, who looked into it, decides, and the letter is printed."""
    told = {"dispute": id, "outcome": outcome, "finding": finding, "actor": "sun"}
    house.told("dispute_resolution", **told, **more)
    body = open_answer(house.as_("sun"), Matter.DISPUTE, id).body
    assert id not in body, "the borrower does not know it"
    assert "异议（2026年3月2日）" in body


def looked_into(house: House, matter: Matter, id: str) -> None:
    """Sun says that it came in, and takes it."""
    handling.acknowledge(house.as_("sun"), matter, id)
    handling.take(house.as_("sun"), matter, id)


def test_a_dispute_that_is_won(engine: Engine) -> None:
    house = House(engine).until("2026-03-02 10:00")
    id = disputed(house, "amount", "The fee of 200 was never agreed.")
    looked_into(house.until("2026-03-03 10:00"), Matter.DISPUTE, id)
    house.until("2026-03-05 10:00")
    waived = {"adjustment": "W-1", "loan": "L-1", "component": "principal", "amount": "200"}
    booked = {"currency": "CNY", "due_on": "2026-03-01", "booked_on": "2026-03-05"}
    house.told("waiver", **waived, **booked, actor="ledger")
    house.until("2026-03-05 11:00")
    decided(house, id, "upheld", "records_agree", corrected_by="W-1")
    house.until("2026-03-06 10:00")

    assert house.book.one(dispute).status == "upheld"
    assert_told(house, 8)


def test_a_dispute_that_is_lost(engine: Engine) -> None:
    house = House(engine).until("2026-03-02 10:00")
    id = disputed(house, "already_paid", "I paid in February.")
    looked_into(house.until("2026-03-03 10:00"), Matter.DISPUTE, id)
    house.until("2026-03-10 10:00")
    decided(house, id, "rejected", "records_differ")
    house.until("2026-03-12 10:00")

    assert house.book.one(dispute).status == "rejected"
    assert_told(house, 9)


def test_a_complaint_about_a_collector(engine: Engine) -> None:
    house = House(engine).until("2026-03-02 10:00")
    first = house.caller()
    said = {"complaint_kind": "conduct", "about_staff": first, "why": "He shouted at me."}
    house.called("complains", **said)
    id = str(house.book.one(complaint).external_id)
    looked_into(house.until("2026-03-03 10:00"), Matter.COMPLAINT, id)
    house.until("2026-03-06 10:00")
    told = {"complaint": id, "outcome": "upheld", "finding": "rule_broken", "actor": "sun"}
    house.told("complaint_resolution", **told)
    assert open_answer(house.as_("sun"), Matter.COMPLAINT, id).body
    house.until("2026-03-09 10:00")

    assert house.caller() != first
    assert_told(house, 10)
