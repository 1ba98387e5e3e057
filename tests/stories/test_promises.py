"""A promise that is kept, one that is kept in part, and one that is broken."""

from sqlalchemy import Engine

from tests.stories.house import House
from tests.stories.pages import assert_told


def promised(house: House, amount: str, by: str) -> None:
    """On the telephone, to whoever makes the call."""
    said = {"amount": amount, "currency": "CNY", "due_on": by}
    house.called("promised", promised=said, reason="income_fell")


def test_a_promise_that_is_kept(engine: Engine) -> None:
    house = House(engine).until("2026-03-02 10:00")
    promised(house, "1000", "2026-03-06")
    house.until("2026-03-06 15:00").paid("1000", "P-1")
    house.until("2026-03-09 10:00")

    assert len(house.texts()) == 2, "the first one, and the reminder of what was promised"
    assert house.book.actions("L-1")["friendly_call"] == "done"
    assert_told(house, 1)


def test_a_promise_that_is_kept_in_part(engine: Engine) -> None:
    house = House(engine).until("2026-03-02 10:00")
    promised(house, "1000", "2026-03-05")
    house.until("2026-03-05 15:00").paid("400", "P-1")
    house.until("2026-03-09 10:00")

    assert house.book.actions("L-1")["promise_broken_call"] == "assigned"
    house.called("spoke", reason="illness")
    assert_told(house, 2)


def test_two_promises_that_are_broken(engine: Engine) -> None:
    house = House(engine).until("2026-03-02 10:00")
    promised(house, "1000", "2026-03-05")
    house.until("2026-03-09 10:00")
    promised(house, "1000", "2026-03-12")
    house.until("2026-03-16 10:00")

    assert house.book.actions("L-1")["hardship_offer"] == "assigned"
    house.called("hardship", reason="unemployed")
    assert_told(house, 3)
