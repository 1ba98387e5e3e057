"""What is agreed with a person is possible: callbacks of a day, told as they come."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine, insert, select, update

from domain.language.speak import speak
from domain.staffing import CallTerms
from tests.stories.house import House
from tests.support.events import tell
from workers.calls.start import start_call
from workers.db.schema import absence, certificate, staff
from workers.inbox.apply import EventResult
from workers.staff.next_work import ServedWork, next_for


def rings(house: House, id: str, callback_at: str) -> EventResult:
    """The borrower rings mei, and asks to be called again."""
    told = {"contact": id, "loan": "L-1", "channel": "call", "at": house.now.isoformat()}
    told |= {"outcome": "callback_requested", "reason": None, "actor": "mei"}
    at = house.book.moment(callback_at).isoformat()
    return tell(house.book, "inbound_contact", **told, callback_at=at)


def test_who_could_not_talk_and_rings_back_is_called_when_they_ask_for_it(engine: Engine) -> None:
    """They are left alone for the rest of the day; the call that they ask for is what they want.
    After it nobody writes or calls that day."""
    house = House(engine).until("2026-03-02 10:00")
    house.called("cannot_talk")
    house.until("2026-03-02 12:00")
    assert house.book.may_call("L-1") == "deferred"
    assert rings(house, "in-1", "2026-03-02 15:00").status == "applied"
    house.until("2026-03-02 15:00")
    mei = house.as_("mei")
    assert isinstance(next_for(mei), ServedWork)
    attempt = start_call(mei, "L-1", attempt="again").attempt
    house.book.clock.at = house.book.moment("2026-03-02 15:05")
    house.told("contact_outcome", attempt=attempt, outcome="cannot_talk", reason=None, actor="mei")
    late = rings(house.until("2026-03-02 16:00"), "in-2", "2026-03-02 17:00")
    assert late.status == "applied", "as often as they ask"


def test_nobody_promises_a_call_that_nobody_can_make(engine: Engine) -> None:
    """Shifts end at six, and on the third of March both collectors are on leave."""
    house = House(engine).until("2026-03-02 10:00")
    with engine.begin() as connection:
        for who in house.book.rows(staff):
            leave = {"starts_at": house.book.moment("2026-03-03 00:00"), "by_roster": True}
            leave |= {"ends_at": house.book.moment("2026-03-04 00:00"), "noted_by": "sun"}
            connection.execute(
                insert(absence).values(staff_id=who.id, kind="leave", noted_at=house.now, **leave)
            )
    for id, asked in (("in-1", "2026-03-02 20:30"), ("in-2", "2026-03-03 11:00")):
        refused = rings(house, id, asked)
        assert refused.status == "rejected"
        assert "nobody is at work" in speak(refused.reason)
        assert "2026-03-04 09:00" in speak(refused.reason)
    assert rings(house, "in-3", "2026-03-04 09:00").status == "applied"


def test_a_callback_is_agreed_for_a_day_on_which_the_certificate_still_counts(
    engine: Engine,
) -> None:
    """The call takes a skill that mei alone has, and her certificate ends on the third of March."""
    house = House(engine)
    policy = house.ctx.policy
    difficult = {"friendly_call": CallTerms(5, skill="hardship")}
    staffing = tuple(replace(each, of_items=difficult) for each in policy.staffing)
    house.book.ctx = replace(house.ctx, policy=replace(policy, staffing=staffing))
    with engine.begin() as connection:
        mei = staff.c.external_id == "mei"
        connection.execute(update(staff).where(mei).values(skills=["hardship"]))
        id = connection.execute(select(staff.c.id).where(mei)).scalar_one()
        held = {"staff_id": id, "kind": "hardship", "valid_until": date(2026, 3, 3)}
        connection.execute(insert(certificate).values(held))
    house.until("2026-03-02 10:00")

    with pytest.raises(AssertionError, match="nobody may call this person"):
        house.called("callback_requested", callback_at="2026-03-04T10:00:00+08:00")
    asked = {"attempt": "call-0302-1000", "outcome": "callback_requested", "actor": "mei"}
    house.told("contact_outcome", **asked, reason=None, callback_at="2026-03-03T10:00:00+08:00")


def test_a_wish_of_the_same_conversation_counts_for_its_callback(engine: Engine) -> None:
    house = House(engine).until("2026-03-02 10:00")
    house.called("no_answer")
    wish = {"days": ["tue"], "starts": "14:00", "ends": "16:00"}
    told = {"contact": "in-1", "loan": "L-1", "channel": "call", "at": house.now.isoformat()}
    told |= {"outcome": "callback_requested", "reason": None, "actor": "mei"}
    told |= {"said": [{"fact": "inconvenient_time", "time": wish}]}
    at = house.book.moment("2026-03-03 15:00").isoformat()
    refused = tell(house.book, "inbound_contact", **told, callback_at=at)
    said = speak(refused.reason)
    assert (refused.status, "2026-03-03 16:00" in said) == ("rejected", True)
    assert "called this time inconvenient" in said


def test_a_callback_that_is_stopped_since_is_served_to_nobody(engine: Engine) -> None:
    """Mei took the wish; then the loan is paused. At its moment there is nothing to serve her, and
    the day after the pause it is there."""
    house = House(engine).until("2026-03-02 10:00")
    house.called("cannot_talk")
    assert rings(house.until("2026-03-02 12:00"), "in-1", "2026-03-02 15:00").status == "applied"
    pause = {"hold": "H-1", "loan": "L-1", "kind": "manual", "starts_on": "2026-03-02"}
    house.told("hold", **pause, ends_on="2026-03-03", why="checked", actor="sun")
    house.until("2026-03-02 15:00")
    assert not isinstance(next_for(house.as_("mei")), ServedWork)
    house.until("2026-03-03 09:00")
    assert isinstance(next_for(house.as_("mei")), ServedWork)
