"""What every gateway for texts promises: the same stories for Twilio's and for the fake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.fakes import FakeSmsGateway
from tests.support.twilio import CallbackReceiver, a_text, gateway_to
from workers.gateways.sms import OutgoingText, SendOutcome, SmsGateway
from workers.local.rehearsal import Rehearsal
from workers.local.twilio_stand_in import TwilioStandIn

ANSWER_IS_LOST = [
    Rehearsal.SERVER_ERROR,
    Rehearsal.SILENCE,
    Rehearsal.RESET,
    Rehearsal.GARBLED,
    Rehearsal.LOST,
]


@dataclass(frozen=True, slots=True)
class Provider:
    gateway: SmsGateway
    bodies: Callable[[], list[str]]
    """What the provider took, in order: what a borrower may have received."""


@pytest.fixture(params=["twilio", "fake"])
def provider(request: pytest.FixtureRequest) -> Provider:
    if request.param == "fake":
        fake = FakeSmsGateway()
        return Provider(fake, lambda: [one.text.body for one in fake.sent])
    stand_in: TwilioStandIn = request.getfixturevalue("stand_in")
    receiver: CallbackReceiver = request.getfixturevalue("receiver")
    return Provider(
        gateway_to(stand_in.url, receiver, read_seconds=0.5),
        lambda: [text.body for text in stand_in.messages()],
    )


def rehearse(rehearsal: Rehearsal) -> OutgoingText:
    return a_text(to=f"+1202555{rehearsal}")


def test_a_text_that_is_accepted_gets_an_id(provider: Provider) -> None:
    result = provider.gateway.send(a_text())
    assert result.outcome is SendOutcome.ACCEPTED
    assert result.sid is not None
    assert result.sid.startswith("SM")
    assert provider.bodies() == ["Please call us."]


def test_a_text_arrives_as_it_was_written(provider: Provider) -> None:
    body = "【江南】您好 & thank you: 100% + €5\n再见 😀"
    provider.gateway.send(a_text(to="+8613800138000", body=body))
    assert provider.bodies() == [body]


def test_a_borrower_who_opted_out_is_never_texted(provider: Provider) -> None:
    result = provider.gateway.send(rehearse(Rehearsal.OPTED_OUT))
    assert (result.outcome, result.code) == (SendOutcome.REFUSED, 21610)
    assert result.opted_out
    assert not result.number_invalid
    assert provider.bodies() == []


@pytest.mark.parametrize(("to", "code"), [("+1202", 21211), ("+12025550189", 21614)])
def test_a_number_that_cannot_be_texted_is_refused(provider: Provider, to: str, code: int) -> None:
    result = provider.gateway.send(a_text(to=to))
    assert (result.outcome, result.code) == (SendOutcome.REFUSED, code)
    assert result.number_invalid
    assert not result.opted_out
    assert provider.bodies() == []


def test_a_text_over_the_rate_limit_was_certainly_not_sent(provider: Provider) -> None:
    result = provider.gateway.send(rehearse(Rehearsal.TOO_MANY_REQUESTS))
    assert (result.outcome, result.code) == (SendOutcome.NOT_SENT, 20429)
    assert result.retry_after == timedelta(seconds=1)
    assert provider.bodies() == []


@pytest.mark.parametrize("rehearsal", ANSWER_IS_LOST)
def test_a_text_whose_answer_is_lost_went_out_once_and_its_outcome_is_unknown(
    provider: Provider, rehearsal: Rehearsal
) -> None:
    result = provider.gateway.send(rehearse(rehearsal))
    assert (result.outcome, result.sid) == (SendOutcome.UNKNOWN, None)
    assert provider.bodies() == ["Please call us."]


@pytest.mark.parametrize("rehearsal", list(Rehearsal))
def test_a_reason_is_a_sentence_that_does_not_show_the_number(
    provider: Provider, rehearsal: Rehearsal
) -> None:
    text = rehearse(rehearsal)
    result = provider.gateway.send(text)
    assert result.reason.endswith(".")
    assert rehearsal not in result.reason
    assert rehearsal not in repr(text)


def test_a_text_that_went_out_unheard_is_found_again(provider: Provider) -> None:
    began = datetime.now(UTC)
    lost = rehearse(Rehearsal.LOST)
    assert provider.gateway.send(lost).outcome is SendOutcome.UNKNOWN
    provider.gateway.send(a_text(to=lost.to, body="Something else."))
    assert len(provider.gateway.find(lost, since=began)) == 1


def test_a_text_that_never_went_out_is_not_found(provider: Provider) -> None:
    began = datetime.now(UTC)
    provider.gateway.send(a_text())
    other_borrowers = a_text(to="+12025550102")
    assert provider.gateway.find(other_borrowers, since=began) == ()


def test_a_text_of_an_earlier_day_is_not_mistaken_for_this_one(provider: Provider) -> None:
    text = a_text()
    provider.gateway.send(text)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert provider.gateway.find(text, since=tomorrow) == ()
