"""Wrong numbers, illness, visits that nobody reported, and the reason that is learnt at last."""

from sqlalchemy import Engine, select

from tests.stories.house import House
from tests.stories.pages import assert_told
from workers.db.schema import hold, problem, visit
from workers.visits.letters import open_letter


def test_a_wrong_number(engine: Engine) -> None:
    house = House(engine).until("2026-03-02 10:00")
    house.called("wrong_number")
    house.until("2026-03-04 10:00")

    assert len(house.texts()) == 1, "none after it was known whose number it is"
    assert_told(house, 11)


def test_a_collector_who_falls_ill_at_noon(engine: Engine) -> None:
    house = House(engine).until("2026-03-02 10:00")
    first = house.caller()
    house.until("2026-03-02 12:00")
    at, until = ("2026-03-02T12:00:00+08:00", "2026-03-04T00:00:00+08:00")
    house.told("staff_absent", staff=first, kind="illness", at=at, until=until, actor="sun")
    house.until("2026-03-02 12:01")
    second = house.caller()
    house.called("spoke", reason="forgot")

    assert second != first
    assert_told(house, 12)


def test_a_visit_that_nobody_reported(engine: Engine) -> None:
    house = House(engine, "2026-03-31 18:00", tried=("remind", "enquire"))
    house.until("2026-04-01 10:00")
    (planned,) = house.book.rows(visit)
    open_letter(house.as_("tan"), "L-1")
    day = planned.starts_at.astimezone(house.book.zone).date()
    house.until(f"{day} 21:00")
    assert not house.book.rows(select(problem).where(problem.c.kind == "visit_unreported"))
    house.until(f"{day.replace(day=day.day + 1)} 09:30")

    assert house.book.one(select(problem).where(problem.c.kind == "visit_unreported"))
    assert house.book.actions("L-1")["field_visit"] == "assigned", "it is no visit"
    assert_told(house, 13)


def test_the_reason_is_learnt_at_the_third_try(engine: Engine) -> None:
    house = House(engine, "2026-03-07 18:00", tried=("remind",))
    house.until("2026-03-08 10:00")
    house.called("no_answer")
    house.until("2026-03-09 14:00")
    house.called("other_person")
    house.until("2026-03-10 17:30")
    house.called("spoke", reason="unemployed")

    assert house.book.actions("L-1")["enquiry_call"] == "done"
    assert_told(house, 14)


def test_who_says_again_and_again_that_they_paid(engine: Engine) -> None:
    """Each time the money is looked for; twice the loan pauses meanwhile. Why they are behind is
    asked until they have said it."""
    house = House(engine, tried=("remind",)).until("2026-03-09 10:00")
    for day in ("09", "14", "19"):
        house.until(f"2026-03-{day} 10:00")
        house.called("says_paid")
    pauses = house.book.rows(select(hold).order_by(hold.c.id))
    assert [f"{row.starts_on:%d}-{row.ends_on:%d}" for row in pauses] == ["09-14", "14-19"]
    assert house.book.actions("L-1")["enquiry_call"] == "planned"

    house.until("2026-03-25 10:00")
    house.called("complains", reason="unemployed")
    assert house.book.actions("L-1")["enquiry_call"] == "done"
