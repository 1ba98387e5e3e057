"""Nobody gets a second text after a restore, and who said stop to the lost database gets none."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.recovery import RecoveryStep, StepStatus
from tests.support.loans import SENDER, only
from tests.workers.recovery.conftest import House
from tests.workers.recovery.test_journal import of_step, run
from workers.db.schema import contact, contact_point_fact, message, recovered_text
from workers.history import loan_history
from workers.operations.sending_holds import resume_sending
from workers.sms.providers.port import ListedText, LookupFailedError

MARCH_3 = "2026-03-03 10:00"


def writes(house: House, phone: str, body: str, sid: str) -> None:
    """Somebody writes to the lender; only the provider knows it after the restore."""
    at = house.book.clock.at
    text = ListedText(sid, at, is_inbound=True, sender=SENDER, number=phone, body=body)
    house.book.sms.received.append(text)


def lost_half(house: House, *, decided: bool) -> None:
    """L-1 is texted, the copy is made, L-2 and L-3 are texted, L-4 says stop. The actions of the
    copy are decided before it, or after the restore."""
    book = house.book
    for number in range(1, 5):
        book.loan(f"L-{number}", phone=f"+861380013800{number}")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    if decided:
        book.escalate("L-2", "L-3", "L-4")
    house.back_up()
    book.at("2026-03-02 15:00")
    book.escalate("L-2", "L-3", "L-4")
    book.send("L-2", "text_day_1")
    book.send("L-3", "text_day_1")
    writes(house, "+8613800138004", "STOP", "SM-in-1")
    book.at("2026-03-02 16:00")
    house.restore()


@pytest.mark.parametrize("decided", [True, False], ids=["decided before", "decided again"])
def test_nobody_gets_a_second_text(house: House, decided: bool) -> None:
    lost_half(house, decided=decided)
    book = house.book

    done = run(house)

    assert done.is_finished
    assert of_step(done, RecoveryStep.TEXTS_OUT).found == {"known": 1, "done": 2, "waits": 0}
    assert of_step(done, RecoveryStep.TEXTS_IN).found == {"known": 0, "done": 1, "waits": 0}
    assert len(book.rows(contact)) == 3, "each is on record as the contact that it was"
    assert [fact.kind for fact in book.rows(contact_point_fact)] == ["opted_out"]
    assert of_step(run_again(house), RecoveryStep.TEXTS_OUT).found["done"] == 0
    book.escalate("L-2", "L-3", "L-4")
    resume_sending(book.ctx, 1)
    for day in ("2026-03-02 17:00", MARCH_3, "2026-03-04 10:00"):
        book.at(day)
        for name in ("L-1", "L-2", "L-3", "L-4"):
            book.send(name, "text_day_1")
    sent = [text.text.to for text in book.sms.sent]
    assert sorted(sent) == [f"+861380013800{number}" for number in (1, 2, 3)]
    assert book.actions("L-2")["text_day_1"] == "done"
    assert {row.sid for row in book.rows(message)} == {text.sid for text in book.sms.sent}
    assert len(book.rows(contact)) == 3
    with book.ctx.engine.connect() as connection:
        told = " ".join(entry.text for entry in loan_history(connection, book.ctx, "L-2"))
    assert book.sms.sent[1].sid in told


def run_again(house: House) -> object:
    """Whoever runs it once more finds nothing more."""
    return run(house, since=house.book.moment("2026-03-02 09:00"))


def test_of_two_that_it_may_have_been_none_is_sent(house: House) -> None:
    book = house.book
    book.loan("L-1")
    book.loan("L-2", borrower_id="B-2", phone="+8613800138000")
    book.loan("L-3", phone="+8613800138003")
    book.escalate("L-3")
    book.send("L-3", "text_day_1")
    house.back_up()
    book.at("2026-03-02 15:00")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    house.restore()
    book = house.book
    run(house)
    resume_sending(book.ctx, 1)
    book.escalate("L-1", "L-2")

    for day in ("2026-03-02 17:00", MARCH_3):
        book.at(day)
        book.send("L-1", "text_day_1")
        book.send("L-2", "text_day_1")

    assert len(book.sms.sent) == 2
    assert {book.actions(name)["text_day_1"] for name in ("L-1", "L-2")} <= {"barred", "deferred"}


def test_a_provider_that_fails_in_the_middle_leaves_the_step_open(house: House) -> None:
    lost_half(house, decided=True)
    gateway = house.book.sms

    class Breaks(type(gateway)):  # type: ignore[misc]
        def texts_since(self, since):  # type: ignore[no-untyped-def]
            yield next(iter(gateway.texts_since(since)))
            raise LookupFailedError("The list broke off.")

    broken = Breaks(sent=gateway.sent, received=gateway.received, now=gateway.now)
    whole = house.book.ctx
    house.book.ctx = replace(whole, sms=only(broken))
    found = run(house)
    assert of_step(found, RecoveryStep.TEXTS_OUT).status is StepStatus.OPEN
    assert not found.is_finished
    house.book.ctx = whole
    assert run(house).is_finished
    assert len(house.book.rows(recovered_text)) == 2


def test_a_later_item_is_sent_as_always(house: House) -> None:
    lost_half(house, decided=False)
    book = house.book
    run(house)
    resume_sending(book.ctx, 1)
    book.escalate("L-2")
    book.send("L-2", "text_day_1")
    before = len(book.sms.sent)
    for _day in range(1, 12):
        book.clock.at += timedelta(days=1)
        book.escalate("L-2")
        for item, status in book.actions("L-2").items():
            if item.startswith("text") and status in ("planned", "deferred"):
                book.send("L-2", item)
        if len(book.sms.sent) > before:
            break
    assert len(book.sms.sent) > before
