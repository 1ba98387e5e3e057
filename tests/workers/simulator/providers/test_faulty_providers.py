"""A simulated provider with a plan of faults: what clients meet on a provider's worst day."""

from pathlib import Path

from domain.contact_points import NumberFact
from tests.support.twilio import TOKEN, Callback, CallbackReceiver, a_text, gateway_to
from workers.simulator.providers.faults import FaultPlan
from workers.simulator.providers.twilio import SimulatedTwilio
from workers.sms.providers.port import SendOutcome
from workers.sms.providers.twilio import form_fields


def word(callback: Callback) -> str:
    return form_fields(callback.body)["MessageStatus"]


def words_after_one_text(log: Path, receiver: CallbackReceiver, faults: FaultPlan) -> list[str]:
    """The first four receipts of one text."""
    with SimulatedTwilio(log=log, auth_token=TOKEN, faults=faults) as twilio:
        gateway_to(twilio.url, receiver).send(a_text())
        return [word(receiver.next()) for _ in range(4)]


def test_receipts_come_twice(log: Path, receiver: CallbackReceiver) -> None:
    words = words_after_one_text(log, receiver, FaultPlan(receipts_repeated=1.0))
    assert words == ["sent", "delivered", "sent", "delivered"]


def test_receipts_come_in_the_wrong_order_and_late(log: Path, receiver: CallbackReceiver) -> None:
    faults = FaultPlan(receipts_repeated=1.0, receipts_swapped=1.0, receipts_late=0.5)
    words = words_after_one_text(log, receiver, faults)
    assert words == ["delivered", "sent", "delivered", "sent"]


def test_receipts_are_lost(log: Path, receiver: CallbackReceiver) -> None:
    with SimulatedTwilio(log=log, auth_token=TOKEN, faults=FaultPlan(receipts_lost=1.0)) as twilio:
        gateway_to(twilio.url, receiver).send(a_text())
    with SimulatedTwilio(log=log, auth_token=TOKEN) as twilio:
        gateway_to(twilio.url, receiver).send(a_text(to="+12025550102"))
        first = form_fields(receiver.next().body)
    assert first["To"] == "+12025550102"


def test_a_request_may_fail_before_or_after_the_text_was_taken(
    log: Path, receiver: CallbackReceiver
) -> None:
    with SimulatedTwilio(log=log, auth_token=TOKEN, faults=FaultPlan(not_taken=1.0)) as twilio:
        before = gateway_to(twilio.url, receiver).send(a_text())
        assert twilio.accepted_texts() == []
    with SimulatedTwilio(log=log, auth_token=TOKEN, faults=FaultPlan(server_error=1.0)) as twilio:
        after = gateway_to(twilio.url, receiver).send(a_text())
        assert len(twilio.accepted_texts()) == 1
    assert before.outcome is after.outcome is SendOutcome.UNKNOWN
    assert before.reason == after.reason


def test_numbers_that_misbehave_still_do_so_by_their_own_rule(
    log: Path, receiver: CallbackReceiver
) -> None:
    faults = FaultPlan(too_many_requests=1.0)
    with SimulatedTwilio(log=log, auth_token=TOKEN, faults=faults) as twilio:
        gateway = gateway_to(twilio.url, receiver)
        opted_out = gateway.send(a_text(to="+12025550190"))
        assert opted_out.number_fact is NumberFact.OPTED_OUT
        assert gateway.send(a_text()).outcome is SendOutcome.NOT_SENT
