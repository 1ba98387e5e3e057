"""The whole story, with simulated Twilio over HTTP: half a day, a copy, the rest, a restore."""

from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from uuid import uuid4

import pytest
from sqlalchemy import select

from domain.recovery import RecoveryStep, StepStatus
from tests.support import twilio
from tests.support.loans import SENDER, only
from tests.support.twilio import CallbackReceiver
from tests.workers.recovery.conftest import House
from tests.workers.recovery.test_journal import (
    asks_for_no_contact,
    erases,
    of_step,
    run,
)
from workers.db.schema import borrower, contact_point_fact, payment
from workers.inbox.submit import submit
from workers.operations.sending_holds import resume_sending
from workers.recovery import texts
from workers.simulator.providers import twilio_api
from workers.simulator.providers.accepted_texts import AcceptedText
from workers.simulator.providers.twilio import SimulatedTwilio
from workers.sms.providers import twilio as gateways


class Killed(BaseException):
    """The process ends here."""


class Story:
    """A house whose texts go through simulated Twilio, which keeps the clock of the house."""

    def __init__(self, house: House, provider: SimulatedTwilio, receiver: CallbackReceiver) -> None:
        self.house = house
        self.provider = provider
        self._gateway = twilio.gateway_to(provider.url, receiver)
        self.connect()

    def connect(self) -> None:
        self.house.book.ctx = replace(self.house.book.ctx, sms=only(self._gateway))

    def now(self, zone: tzinfo | None = None) -> datetime:
        return self.house.book.clock.at.astimezone(zone)

    def writes(self, phone: str, body: str) -> None:
        sid = f"SM-in-{uuid4().hex}"
        text = AcceptedText(sid, SENDER, phone, body, None, self.now(UTC), is_inbound=True)
        self.provider.take_in(text)

    def texted(self) -> list[str]:
        return sorted(text.to for text in self.provider.accepted_texts())

    def restore(self) -> None:
        self.house.restore()
        self.connect()


def phone(number: int) -> str:
    return f"+861380013800{number}"


def pays(house: House) -> str:
    paid = {"loan": "L-6", "amount": "1000", "currency": "CNY", "paid_on": "2026-03-02"}
    payload = {**paid, "external_id": "P-1", "actor": "c-1"}
    return submit(house.book.ctx, "P-1", "payment", payload).status


@pytest.fixture
def story(
    house: House,
    simulated_twilio: SimulatedTwilio,
    receiver: CallbackReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> Story:
    """Half a day with two texts, a copy; then two texts, a STOP, a wish, an erasure, a payment."""
    story = Story(house, simulated_twilio, receiver)
    monkeypatch.setattr(twilio_api, "datetime", story)
    monkeypatch.setattr(gateways, "MAX_LISTED", 2)  # so that there are several pages
    book = house.book
    for number in range(1, 8):
        book.loan(f"L-{number}", phone=phone(number), amount="0" if number == 7 else "1000")
    book.escalate(*(f"L-{number}" for number in range(1, 7)))
    for name in ("L-1", "L-2"):
        assert book.send(name, "text_day_1") == "accepted"
    house.back_up()
    book.at("2026-03-02 15:00")
    for name in ("L-3", "L-4"):
        assert book.send(name, "text_day_1") == "accepted"
    story.writes(phone(5), "STOP")
    assert asks_for_no_contact(house, "B-L-1", "wish-1") == "applied"
    assert pays(house) == "applied"
    erases(house, "B-L-7")
    book.at("2026-03-02 16:00")
    story.restore()
    return story


def goes_on(story: Story) -> None:
    """The recovery is finished: the payment comes again, sending is resumed, days pass."""
    house, book = story.house, story.house.book
    assert pays(house) == "applied"
    resume_sending(book.ctx, 1)
    for day in ("2026-03-02 17:00", "2026-03-03 10:00"):
        book.at(day)
        book.escalate(*(f"L-{number}" for number in range(1, 7)))
        for number in range(1, 7):
            book.send(f"L-{number}", "text_day_1")
    assert story.texted() == [phone(number) for number in (1, 2, 3, 4)]
    [stop] = book.rows(contact_point_fact)
    assert (stop.kind, stop.source_kind) == ("opted_out", "borrower")
    erased = book.one(select(borrower).where(borrower.c.external_id == "B-L-7"))
    assert erased.name_encrypted is None
    assert len(book.rows(payment)) == 1


@pytest.mark.attack("restore")
def test_nothing_is_sent_twice_and_nothing_that_was_asked_for_is_lost(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider answers with 500 in the middle of its list, then the process is killed, then it
    is run to its end, and once more."""
    house = story.house
    with monkeypatch.context() as broken:
        broken.setattr(twilio_api.MessagesApi, "_list", second_page_fails)
        found = run(house)
    assert of_step(found, RecoveryStep.TEXTS_OUT).status is StepStatus.OPEN
    assert not found.is_finished
    with monkeypatch.context() as dying:
        dying.setattr(texts, "_note", dies)
        with pytest.raises(Killed):
            run(house)
    assert run(house).is_finished
    again = run(house, since=house.book.moment("2026-03-02 09:00"))
    assert of_step(again, RecoveryStep.TEXTS_OUT).found["done"] == 0
    goes_on(story)


def dies(*_: object) -> str:
    raise Killed


_LIST = twilio_api.MessagesApi._list


def second_page_fails(api: twilio_api.MessagesApi) -> dict[str, object]:
    if "Page=1" in api.path:
        raise twilio_api._server_error()
    return _LIST(api)
