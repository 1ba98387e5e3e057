"""A plan judged by money that comes to light later, that bounces, that a dispute holds up, and
whose ledger has other numbers."""

from decimal import Decimal

from sqlalchemy import select

from domain.arranged import Wish
from domain.disputes import Matter
from tests.stories.house import House
from tests.stories.test_plans import accept, agreed, asked, confirm, due
from tests.stories.test_plans import house as house
from tests.support.events import reverse
from tests.support.matters import answer_matter
from workers.db.outbox import with_outbox
from workers.db.schema import action, arrangement, hold, instalment, outbox_event, problem


def a_plan(house: House) -> House:
    """Of three instalments since 3 March."""
    house.until("2026-03-02 10:00")
    asked(house, Wish(instalments=3))
    house.until("2026-03-03 11:00")
    agreed(house)
    return house


def status(house: House) -> str:
    return str(house.book.rows(arrangement)[-1].status)


def problems(house: House) -> list[str]:
    return [row.kind for row in house.book.rows(problem) if row.resolved_at is None]


def done_after(house: House, trigger: str) -> list[tuple[str, str]]:
    """What followed from something: the day of its cause, and how it stands."""
    rows = house.book.rows(select(action).where(action.c.follows == trigger))
    return [(f"{row.caused_at.astimezone(house.book.zone):%m-%d}", row.status) for row in rows]


def pays_late(house: House, id: str, day: str, amount: Decimal) -> None:
    """Money is reported today that was paid on a day before."""
    house.told(
        "payment", external_id=id, loan="L-1", amount=str(amount), currency="CNY", paid_on=day
    )


def pauses(house: House) -> bool:
    rows = house.book.rows(hold)
    return any(row.kind == "arrangement" and row.ends_on is None for row in rows)


def test_money_that_was_paid_in_time_and_reported_late(house: House) -> None:
    object.__setattr__(house.ctx, "engine", with_outbox(house.ctx.engine))
    a_plan(house).until("2026-05-14 10:00")
    assert status(house) == "defaulted"
    first, second, _ = due(house)
    told = [state for _, state in done_after(house, "arrangement_defaulted")]

    # The first alone: one was missed, and that does not end it.
    pays_late(house, "P-1", *first)
    assert (status(house), pauses(house)) == ("active", True)
    assert problems(house) == (["arrangement_ended_wrongly"] if "done" in told else [])
    kinds = [row.kind for row in house.book.rows(outbox_event)]
    assert kinds.index("arrangement.ended") < kinds.index("arrangement.goes_on")
    record = " ".join(each.text for each in house.record())
    assert "had been paid in time: its end was taken back. It goes on again." in record
    pays_late(house, "P-2", *second)
    house.until("2026-05-25 10:00")
    assert (status(house), house.book.rows(arrangement)[-1].missed) == ("active", 0)

    # Then it bounces: it is missed again, at once, and ends after days of grace.
    assert reverse(house.book, "P-1").status == "applied"
    assert reverse(house.book, "P-2").status == "applied"
    house.until("2026-05-29 10:00")
    assert (status(house), house.book.rows(arrangement)[-1].missed) == ("active", 2)
    house.until("2026-06-03 10:00")
    assert status(house) == "defaulted"


def test_money_that_was_paid_too_late_brings_nothing_back(house: House) -> None:
    a_plan(house).until("2026-05-14 10:00")
    pays_late(house, "P-1", "2026-05-13", sum(amount for _, amount in due(house)[:2]) or Decimal(1))
    house.until("2026-05-16 10:00")
    assert status(house) == "defaulted"


def test_all_of_it_was_paid_in_time(house: House) -> None:
    a_plan(house).until("2026-05-14 10:00")
    pays_late(house, "P-1", due(house)[0][0], sum(amount for _, amount in due(house)) or Decimal(1))
    assert (status(house), pauses(house)) == ("completed", False)


def test_a_completed_plan_whose_money_bounces(house: House) -> None:
    a_plan(house)
    parts = due(house)
    house.until(f"{parts[0][0]} 11:00").paid(str(sum(amount for _, amount in parts)), "ALL")
    house.until("2026-05-20 10:00")
    assert status(house) == "completed"
    assert reverse(house.book, "ALL").status == "applied"
    house.until("2026-05-21 10:00")
    # At once it is said what is missed. The days of grace begin today, and not long ago.
    assert (status(house), house.book.rows(arrangement)[-1].missed) == ("active", 2)
    assert [day for day, _ in done_after(house, "arrangement_missed")] == ["05-21", "05-21"]
    assert "went back. It goes on again." in " ".join(each.text for each in house.record())
    house.until("2026-05-26 10:00")
    assert status(house) == "active"
    house.until("2026-05-29 10:00")
    assert status(house) == "defaulted"


def test_a_dispute_stops_the_clock_of_a_plan(house: House) -> None:
    a_plan(house).until("2026-03-20 10:00")
    said = {"why": "not mine", "actor": "mei", "starts_on": "2026-03-20", "kind": "amount"}
    house.told("dispute", dispute="D-1", loan="L-1", **said)
    house.until("2026-05-14 10:00")
    assert (status(house), house.book.rows(arrangement)[-1].missed) == ("active", 0)
    assert done_after(house, "arrangement_missed") == []

    # The answer lets it go on, with the days given back.
    answer = ("rejected", "records_differ", "sun")
    assert answer_matter(house.book, Matter.DISPUTE, "D-1", *answer).status == "applied"
    house.until("2026-05-18 10:00")
    assert (status(house), house.book.rows(arrangement)[-1].missed) == ("active", 0)
    house.until("2026-05-24 10:00")
    assert (status(house), house.book.rows(arrangement)[-1].missed) == ("defaulted", 2)


def accepted(house: House) -> list[tuple[str, Decimal]]:
    """The borrower accepts a plan of three instalments; what was agreed, by its days."""
    house.until("2026-03-02 10:00")
    asked(house, Wish(instalments=3))
    house.until("2026-03-02 16:00")
    accept(house)
    (offered,) = house.book.rows(arrangement)
    return [(each["due_on"], Decimal(each["amount"])) for each in offered.quote["after"]]


def test_the_ledger_asks_for_more_than_was_agreed(house: House) -> None:
    plan = accepted(house)
    confirm(house, more=5)
    assert problems(house) == ["arrangement_differs"]
    for number, (day, amount) in enumerate(plan, 1):
        house.until(f"{day} 11:00").paid(str(amount), f"P-{number}")
    house.until("2026-07-01 10:00")
    assert (status(house), house.book.rows(arrangement)[-1].missed) == ("active", 0)
    assert done_after(house, "arrangement_missed") == []
    assert problems(house) == ["arrangement_differs"]


def test_the_ledger_asks_for_more_and_nothing_is_paid(house: House) -> None:
    accepted(house)
    confirm(house, more=5)
    house.until("2026-05-14 10:00")
    assert status(house) == "defaulted"


def test_money_between_the_acceptance_and_the_answer_of_the_ledger(house: House) -> None:
    plan = accepted(house)
    house.until("2026-03-04 10:00").paid("500", "P-1")
    house.until("2026-03-05 10:00")
    confirm(house)
    # The ledger confirms what was agreed: it does not know of the 500.
    assert (status(house), problems(house)) == ("active", [])
    still = sum(
        row.principal
        + row.interest
        + row.fees
        - row.paid_principal
        - row.paid_interest
        - row.paid_fees
        for row in house.book.rows(instalment)
    )
    assert still == sum(amount for _, amount in plan) - 500

    # Nor does it know of 100 that are reported now; and the 500 may still bounce.
    pays_late(house, "P-2", "2026-03-04", Decimal(100))
    assert reverse(house.book, "P-1").status == "applied"
    paid = [row.paid_principal + row.paid_interest for row in house.book.rows(instalment)]
    assert sum(paid) == 100


def test_money_before_the_offer_is_in_what_was_agreed(house: House) -> None:
    house.until("2026-03-02 10:00").paid("100", "P-1")
    plan = accepted(house)
    confirm(house)
    rows = house.book.rows(instalment)
    assert sum(row.paid_principal + row.paid_interest for row in rows) == 0
    assert sum(row.principal + row.interest for row in rows) == sum(amount for _, amount in plan)


def test_a_plan_that_is_paid_while_the_ledger_is_silent(house: House) -> None:
    """Nobody contacts who pays as was agreed, and somebody hears that the ledger does not answer.
    When June is not paid, contact goes on."""
    house.until("2026-03-02 10:00")
    asked(house, Wish(instalments=3))
    house.until("2026-03-03 11:00")
    accept(house)
    texts = len(house.texts())
    for number, (day, amount) in enumerate(due(house)[:2], 1):
        house.until(f"{day} 11:00").paid(str(amount), f"P-{number}")
    house.until("2026-05-20 10:00")

    assert (status(house), problems(house)) == ("accepted", ["arrangement_not_confirmed"])
    assert len(house.texts()) == texts, "nobody is told of arrears that were agreed otherwise"

    house.until("2026-06-12 10:00")
    assert len(house.texts()) > texts
