"""What every gateway for texts promises: the same stories for each provider's and for the fake."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from domain.contact_points import NumberFact
from domain.language.speak import speak
from domain.messages import MessageStatus
from tests.support import tencent, twilio
from tests.support.fakes import FakeSmsGateway
from tests.support.twilio import CallbackReceiver, a_text
from workers.simulator.providers.magic_numbers import SimulatedOutcome
from workers.simulator.providers.tencent import SimulatedTencent
from workers.simulator.providers.twilio import SimulatedTwilio
from workers.sms.providers.port import OutgoingText, SendOutcome, SmsGateway

ANSWER_IS_LOST = [
    SimulatedOutcome.SERVER_ERROR,
    SimulatedOutcome.SILENCE,
    SimulatedOutcome.RESET,
    SimulatedOutcome.GARBLED,
    SimulatedOutcome.LOST,
]

TWILIO_CODES = {
    SimulatedOutcome.LANDLINE: "21614",
    SimulatedOutcome.OPTED_OUT: "21610",
    SimulatedOutcome.TOO_MANY_REQUESTS: "20429",
}
TENCENT_CODES = {
    SimulatedOutcome.LANDLINE: "InvalidParameterValue.IncorrectPhoneNumber",
    SimulatedOutcome.OPTED_OUT: "FailedOperation.PhoneNumberInBlacklist",
    SimulatedOutcome.TOO_MANY_REQUESTS: "RequestLimitExceeded",
}


@dataclass(frozen=True, slots=True)
class Provider:
    gateway: SmsGateway
    bodies: Callable[[], list[str]]
    """What the provider took, in order: what a borrower may have received."""
    asked: Callable[[], int]
    """How often it was asked to send."""
    codes: Mapping[SimulatedOutcome, str]
    landline: NumberFact = NumberFact.NO_TEXTS
    """What it says of a number that takes no texts."""


@pytest.fixture(params=["twilio", "tencent", "fake"])
def provider(request: pytest.FixtureRequest) -> Provider:
    match request.param:
        case "twilio":
            return through_twilio(
                request.getfixturevalue("simulated_twilio"), request.getfixturevalue("receiver")
            )
        case "tencent":
            return through_tencent(request.getfixturevalue("simulated_tencent"))
    fake = FakeSmsGateway()
    return Provider(
        fake, lambda: [sent.text.body for sent in fake.sent], lambda: fake.asked, TWILIO_CODES
    )


def through_twilio(simulated_twilio: SimulatedTwilio, receiver: CallbackReceiver) -> Provider:
    return Provider(
        twilio.gateway_to(simulated_twilio.url, receiver, read_seconds=0.5),
        lambda: [text.body for text in simulated_twilio.accepted_texts()],
        simulated_twilio.request_count,
        TWILIO_CODES,
    )


def through_tencent(simulated_tencent: SimulatedTencent) -> Provider:
    template = f"{tencent.TEMPLATE_ID}|"
    return Provider(
        tencent.gateway_to(simulated_tencent.url, read_seconds=0.5),
        lambda: [text.body.removeprefix(template) for text in simulated_tencent.accepted_texts()],
        simulated_tencent.request_count,
        TENCENT_CODES,
        landline=NumberFact.REACHES_NOBODY,  # for it, what is no mobile number is no number
    )


def text_for(outcome: SimulatedOutcome) -> OutgoingText:
    return a_text(to=f"+1202555{outcome}")


def test_a_text_that_is_accepted_gets_an_id(provider: Provider) -> None:
    result = provider.gateway.send(a_text())
    assert result.outcome is SendOutcome.ACCEPTED
    assert result.sid
    assert provider.bodies() == ["Please call us."]


def test_two_texts_get_different_ids(provider: Provider) -> None:
    assert provider.gateway.send(a_text()).sid != provider.gateway.send(a_text()).sid


def test_a_text_arrives_as_it_was_written(provider: Provider) -> None:
    body = "【江南】您好 & thank you: 100% + €5\n再见 😀"
    provider.gateway.send(a_text(to="+8613800138000", body=body))
    assert provider.bodies() == [body]


def test_a_borrower_who_opted_out_is_never_texted(provider: Provider) -> None:
    result = provider.gateway.send(text_for(SimulatedOutcome.OPTED_OUT))
    assert result.outcome is SendOutcome.REFUSED
    assert result.code == provider.codes[SimulatedOutcome.OPTED_OUT]
    assert result.number_fact is NumberFact.OPTED_OUT
    assert provider.bodies() == []


def test_a_number_that_cannot_be_texted_is_refused(provider: Provider) -> None:
    result = provider.gateway.send(text_for(SimulatedOutcome.LANDLINE))
    assert result.outcome is SendOutcome.REFUSED
    assert result.code == provider.codes[SimulatedOutcome.LANDLINE]
    assert result.number_fact is provider.landline
    assert provider.bodies() == []


def test_what_is_no_number_is_refused(provider: Provider) -> None:
    result = provider.gateway.send(a_text(to="+1202"))
    assert result.outcome is SendOutcome.REFUSED
    assert result.number_fact is NumberFact.REACHES_NOBODY
    assert provider.bodies() == []


@pytest.mark.parametrize("outcome", [SimulatedOutcome.OPTED_OUT, SimulatedOutcome.LANDLINE])
def test_no_other_provider_is_asked_where_the_borrower_or_the_number_is_the_reason(
    provider: Provider, outcome: SimulatedOutcome
) -> None:
    assert not provider.gateway.send(text_for(outcome)).other_provider_may_accept


def test_an_error_that_is_not_about_the_number_says_nothing_about_it(provider: Provider) -> None:
    for outcome in (*ANSWER_IS_LOST, SimulatedOutcome.TOO_MANY_REQUESTS):
        assert provider.gateway.send(text_for(outcome)).number_fact is None


def test_a_text_over_the_rate_limit_was_certainly_not_sent(provider: Provider) -> None:
    result = provider.gateway.send(text_for(SimulatedOutcome.TOO_MANY_REQUESTS))
    assert result.outcome is SendOutcome.NOT_SENT
    assert result.code == provider.codes[SimulatedOutcome.TOO_MANY_REQUESTS]
    assert result.retry_after == timedelta(seconds=1)
    assert provider.bodies() == []


@pytest.mark.parametrize("outcome", ANSWER_IS_LOST)
def test_a_text_whose_answer_is_lost_went_out_once_and_its_outcome_is_unknown(
    provider: Provider, outcome: SimulatedOutcome
) -> None:
    result = provider.gateway.send(text_for(outcome))
    assert (result.outcome, result.sid) == (SendOutcome.UNKNOWN, None)
    assert provider.bodies() == ["Please call us."]


def test_a_text_that_the_provider_never_took_looks_like_one_that_it_did(provider: Provider) -> None:
    began = datetime.now(UTC)
    text = text_for(SimulatedOutcome.NOT_TAKEN)
    assert provider.gateway.send(text).outcome is SendOutcome.UNKNOWN
    assert provider.bodies() == []
    assert provider.gateway.find(text, since=began) == ()


@pytest.mark.parametrize("outcome", list(SimulatedOutcome))
def test_the_provider_is_asked_once_for_each_text_whatever_comes_of_it(
    provider: Provider, outcome: SimulatedOutcome
) -> None:
    provider.gateway.send(text_for(outcome))
    assert provider.asked() == 1


@pytest.mark.parametrize("outcome", list(SimulatedOutcome))
def test_neither_results_nor_log_lines_show_the_number_or_the_words(
    provider: Provider, outcome: SimulatedOutcome, caplog: pytest.LogCaptureFixture
) -> None:
    text = text_for(outcome)
    with caplog.at_level(logging.DEBUG):
        result = provider.gateway.send(text)
        provider.gateway.find(text, since=datetime.now(UTC))
    assert speak(result.reason).endswith(".")
    for shown in (repr(text), repr(result), caplog.text):
        assert text.to[-7:] not in shown
        assert text.body not in shown


def test_a_text_that_went_out_unheard_is_found_again(provider: Provider) -> None:
    began = datetime.now(UTC)
    lost = text_for(SimulatedOutcome.LOST)
    assert provider.gateway.send(lost).outcome is SendOutcome.UNKNOWN
    provider.gateway.send(a_text(to=lost.to, body="Something else."))
    assert len(provider.gateway.find(lost, since=began)) == 1


def test_a_text_is_found_by_the_id_that_its_sender_was_told(provider: Provider) -> None:
    began = datetime.now(UTC)
    text = a_text()
    assert provider.gateway.send(text).sid in provider.gateway.find(text, since=began)


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


OVER_HTTP = pytest.mark.parametrize("provider", ["twilio", "tencent"], indirect=True)


@OVER_HTTP
@pytest.mark.parametrize(
    ("to", "status", "fact"),
    [
        ("+12025550101", MessageStatus.DELIVERED, None),
        (
            f"+1202555{SimulatedOutcome.UNKNOWN_HANDSET}",
            MessageStatus.UNDELIVERED,
            NumberFact.REACHES_NOBODY,
        ),
    ],
)
def test_the_receipt_that_did_not_come_can_be_asked_for(
    provider: Provider, to: str, status: MessageStatus, fact: NumberFact | None
) -> None:
    began = datetime.now(UTC)
    sid = provider.gateway.send(a_text(to=to)).sid
    assert sid is not None
    provider.gateway.send(a_text(to=to))
    report = provider.gateway.receipt_of(sid, to, began)
    assert report is not None
    assert (report.sid, report.status, report.number_fact) == (sid, status, fact)


@OVER_HTTP
def test_there_is_no_receipt_of_a_text_that_the_provider_does_not_know(provider: Provider) -> None:
    began = datetime.now(UTC)
    provider.gateway.send(a_text())
    assert provider.gateway.receipt_of("SM" + "0" * 32, a_text().to, began) is None
