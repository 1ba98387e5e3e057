"""What is Twilio's alone: broken networks, credentials, signatures and receipts."""

import hashlib
import json
import logging
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from requests import exceptions as http
from twilio.request_validator import RequestValidator
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import (
    MaxRetryError,
    NameResolutionError,
    ProtocolError,
    SSLError,
)

from domain.contact_points import NumberFact
from domain.errors import ArrearsError
from domain.messages import MessageStatus
from tests.support.one_answer import OneAnswer, http_answer
from tests.support.twilio import TOKEN, CallbackReceiver, a_text, gateway_to
from workers.simulator.providers.magic_numbers import SimulatedOutcome
from workers.simulator.providers.twilio import SimulatedTwilio
from workers.sms.providers import twilio
from workers.sms.providers.http_errors import classify_request_error
from workers.sms.providers.port import LookupFailedError, SendOutcome, StatusReport
from workers.sms.providers.twilio import (
    form_fields,
    read_inbound_text,
    read_status_report,
    verify_signature,
)

REFERENCE = UUID("11111111-2222-4333-8444-555555555555")


# --- requests that break


def test_a_refused_connection_means_that_nothing_was_sent(
    closed_port: str, receiver: CallbackReceiver
) -> None:
    result = gateway_to(closed_port, receiver).send(a_text())
    assert result.outcome is SendOutcome.NOT_SENT


@pytest.mark.parametrize(
    ("status", "body", "outcome", "code"),
    [
        ("201 Created", "{}", SendOutcome.UNKNOWN, None),
        ("201 Created", "[]", SendOutcome.UNKNOWN, None),
        ("201 Created", "not json", SendOutcome.UNKNOWN, None),
        ("302 Found", "", SendOutcome.UNKNOWN, None),
        ("403 Forbidden", "<html>proxy</html>", SendOutcome.UNKNOWN, None),
        ("408 Request Timeout", "", SendOutcome.UNKNOWN, None),
        ("400 Bad Request", '{"code": 30610, "message": "x"}', SendOutcome.REFUSED, "30610"),
        ("400 Bad Request", '{"code": null, "message": "x"}', SendOutcome.UNKNOWN, None),
        (
            "400 Bad Request",
            '{"type": "t", "title": "x", "status": 400, "code": 21408}',
            SendOutcome.REFUSED,
            "21408",
        ),
        ("400 Bad Request", '{"code": 21611, "message": "x"}', SendOutcome.NOT_SENT, "21611"),
        ("429 Too Many Requests", "", SendOutcome.NOT_SENT, "20429"),
        ("503 Unavailable", '{"code": 20503, "message": "x"}', SendOutcome.UNKNOWN, "20503"),
    ],
)
def test_an_answer_that_is_not_a_clear_refusal_leaves_the_outcome_open(
    receiver: CallbackReceiver, status: str, body: str, outcome: SendOutcome, code: str | None
) -> None:
    with OneAnswer(http_answer(status, body)) as server:
        result = gateway_to(server.url, receiver).send(a_text())
    assert (result.outcome, result.code) == (outcome, code)


def test_an_answer_that_breaks_off_leaves_the_outcome_open(receiver: CallbackReceiver) -> None:
    cut = b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"
    with OneAnswer(cut) as server:
        result = gateway_to(server.url, receiver).send(a_text())
    assert result.outcome is SendOutcome.UNKNOWN


POOL = HTTPSConnectionPool("api.twilio.com")
CONNECTION = HTTPSConnection("api.twilio.com")
NO_NAME = NameResolutionError("api.twilio.com", CONNECTION, socket.gaierror("no such name"))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (http.ConnectTimeout(), SendOutcome.NOT_SENT),
        (http.ProxyError(), SendOutcome.NOT_SENT),
        (http.ConnectionError(MaxRetryError(POOL, "/", NO_NAME)), SendOutcome.NOT_SENT),
        (
            http.SSLError(MaxRetryError(POOL, "/", SSLError(ssl.SSLCertVerificationError()))),
            SendOutcome.NOT_SENT,
        ),
        (
            http.SSLError(MaxRetryError(POOL, "/", SSLError(ssl.SSLEOFError()))),
            SendOutcome.UNKNOWN,
        ),
        (http.ReadTimeout(), SendOutcome.UNKNOWN),
        (
            http.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError())),
            SendOutcome.UNKNOWN,
        ),
        (http.ConnectionError(), SendOutcome.UNKNOWN),
        (http.ChunkedEncodingError(), SendOutcome.UNKNOWN),
    ],
)
def test_only_a_request_that_was_never_written_counts_as_not_sent(
    error: http.RequestException, outcome: SendOutcome
) -> None:
    assert classify_request_error(error, "Twilio").outcome is outcome


def test_wrong_credentials_do_not_use_up_the_text(
    simulated_twilio: SimulatedTwilio, receiver: CallbackReceiver
) -> None:
    result = gateway_to(simulated_twilio.url, receiver, token="wrong").send(a_text())
    assert (result.outcome, result.code) == (SendOutcome.NOT_SENT, "20003")
    assert simulated_twilio.accepted_texts() == []


def test_a_lookup_that_fails_is_not_taken_for_no_texts(
    closed_port: str, receiver: CallbackReceiver
) -> None:
    with pytest.raises(LookupFailedError, match="try again later") as failure:
        gateway_to(closed_port, receiver).find(a_text(), since=datetime.now(UTC))
    assert "555" not in str(failure.value)


def test_the_sdk_logs_no_numbers(
    simulated_twilio: SimulatedTwilio, receiver: CallbackReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        gateway = gateway_to(simulated_twilio.url, receiver)
        gateway.send(a_text())
        gateway.find(a_text(), since=datetime.now(UTC))
    assert "5550101" not in caplog.text


@pytest.mark.parametrize(
    ("code", "fact"),
    [
        (21211, NumberFact.REACHES_NOBODY),  # no valid number
        (21217, NumberFact.REACHES_NOBODY),  # it does not appear to be valid
        (21610, NumberFact.OPTED_OUT),
        (21614, NumberFact.NO_TEXTS),  # no mobile number
        (21635, NumberFact.NO_TEXTS),  # a fixed line
        (21408, None),  # the account may not send to the region
        (21612, None),  # no route from this sender
        (30007, None),  # filtered for its words
    ],
)
def test_a_refusal_says_what_the_number_is(
    receiver: CallbackReceiver, code: int, fact: NumberFact | None
) -> None:
    answer = http_answer("400 Bad Request", json.dumps({"code": code, "message": "x"}))
    with OneAnswer(answer) as server:
        assert gateway_to(server.url, receiver).send(a_text()).number_fact is fact


def test_requests_go_to_twilio_where_no_other_address_is_given() -> None:
    http_client = twilio._Http((1.0, 1.0), api_base=None)
    assert http_client._address("https://api.twilio.com/x?y=1") == "https://api.twilio.com/x?y=1"


@pytest.mark.parametrize(
    ("code", "other_provider_may_accept"),
    [
        (21408, True),  # the account may not send to the region
        (21659, True),  # the sender is not the account's
        (30034, True),  # the sender is not registered
        (63038, True),  # the account's texts of the day are used up
        (21211, False),  # the number is wrong: it is so everywhere
        (21610, False),  # the borrower said stop: another provider is no way around that
        (30007, False),  # filtered: the words are at fault
        (99999, False),  # nobody knows
    ],
)
def test_another_provider_is_asked_only_where_the_account_or_the_sender_is_at_fault(
    receiver: CallbackReceiver, code: int, other_provider_may_accept: bool
) -> None:
    answer = http_answer("400 Bad Request", json.dumps({"code": code, "message": "x"}))
    with OneAnswer(answer) as server:
        result = gateway_to(server.url, receiver).send(a_text())
    assert (result.outcome, result.other_provider_may_accept) == (
        SendOutcome.REFUSED,
        other_provider_may_accept,
    )


# --- receipts


def signed_by(token: str, url: str, fields: dict[str, str]) -> str:
    return str(RequestValidator(token).compute_signature(url, fields))


def test_receipts_arrive_signed_and_name_the_message(
    simulated_twilio: SimulatedTwilio, receiver: CallbackReceiver
) -> None:
    text = a_text(reference=REFERENCE)
    result = gateway_to(simulated_twilio.url, receiver).send(text)
    callbacks = [receiver.next(), receiver.next()]
    reports = []
    for callback in callbacks:
        fields = form_fields(callback.body)
        assert verify_signature(
            receiver.base + callback.target, fields, callback.signature, [TOKEN]
        )
        reports.append(read_status_report(urlsplit(callback.target).query, fields))
    assert reports == [
        StatusReport(REFERENCE, "twilio", str(result.sid), word, status, None, to=text.to)
        for word, status in (("sent", MessageStatus.SENT), ("delivered", MessageStatus.DELIVERED))
    ]


@pytest.mark.parametrize(
    ("outcome", "code", "fact"),
    [
        (SimulatedOutcome.UNDELIVERED, "30003", NumberFact.REACHES_NOBODY),
        (SimulatedOutcome.UNKNOWN_HANDSET, "30005", NumberFact.REACHES_NOBODY),
        (SimulatedOutcome.CARRIER_LANDLINE, "30006", NumberFact.NO_TEXTS),
    ],
)
def test_a_text_that_is_not_delivered_says_so_in_its_receipt_and_what_the_number_is(
    simulated_twilio: SimulatedTwilio,
    receiver: CallbackReceiver,
    outcome: SimulatedOutcome,
    code: str,
    fact: NumberFact,
) -> None:
    gateway_to(simulated_twilio.url, receiver).send(a_text(to=f"+1202555{outcome}"))
    receiver.next()
    last = receiver.next()
    report = read_status_report(urlsplit(last.target).query, form_fields(last.body))
    assert (report.status, report.code) == (MessageStatus.UNDELIVERED, code)
    assert report.number_fact is fact


@pytest.mark.parametrize("outcome", [SimulatedOutcome.SERVER_ERROR, SimulatedOutcome.SILENCE])
def test_a_receipt_settles_a_text_whose_answer_was_lost(
    simulated_twilio: SimulatedTwilio, receiver: CallbackReceiver, outcome: SimulatedOutcome
) -> None:
    gateway_to(simulated_twilio.url, receiver, read_seconds=0.3).send(
        a_text(f"+1202555{outcome}", reference=REFERENCE)
    )
    callback = receiver.next()
    report = read_status_report(urlsplit(callback.target).query, form_fields(callback.body))
    assert report.reference == REFERENCE
    assert report.sid == simulated_twilio.accepted_texts()[0].sid


def test_a_receipt_that_is_turned_away_comes_again(
    simulated_twilio: SimulatedTwilio, receiver: CallbackReceiver
) -> None:
    receiver.answers.put(503)
    gateway_to(simulated_twilio.url, receiver).send(a_text())
    words = [form_fields(receiver.next().body)["MessageStatus"] for _ in range(3)]
    assert words == ["sent", "sent", "delivered"]


def test_the_callback_asks_twilio_for_its_own_retries(receiver: CallbackReceiver) -> None:
    reference = uuid4()
    url = gateway_to("http://127.0.0.1:9", receiver).status_callback(reference)
    assert url == (f"{receiver.base}/webhooks/twilio/status?message={reference}#rc=5&rp=all")


URL = "https://collect.example/webhooks/twilio/status?message=1"
FIELDS = {"MessageSid": "SM1", "MessageStatus": "sent", "ErrorMessage": ""}


def test_either_token_is_accepted_during_a_rotation() -> None:
    for token in ("old", "new"):
        signature = signed_by(token, URL, FIELDS)
        assert verify_signature(URL, FIELDS, signature, ["new", "old"])


@pytest.mark.parametrize("signature", ["", "forged", signed_by("stranger", URL, FIELDS)])
def test_a_forged_signature_is_turned_away(signature: str) -> None:
    assert not verify_signature(URL, FIELDS, signature, ["new", "old"])


def test_a_signature_does_not_fit_another_message_or_a_changed_form() -> None:
    signature = signed_by("new", URL, FIELDS)
    assert not verify_signature(URL.replace("=1", "=2"), FIELDS, signature, ["new"])
    changed = FIELDS | {"MessageStatus": "delivered"}
    assert not verify_signature(URL, changed, signature, ["new"])


def test_without_a_token_nothing_is_accepted() -> None:
    assert not verify_signature(URL, FIELDS, signed_by("", URL, FIELDS), [])


def test_blank_fields_are_part_of_the_signature() -> None:
    signature = signed_by("new", URL, FIELDS)
    body = "MessageSid=SM1&MessageStatus=sent&ErrorMessage="
    assert verify_signature(URL, form_fields(body), signature, ["new"])


@pytest.mark.parametrize(
    "body",
    [
        "MessageSid=SM1&MessageStatus=sent&MediaUrl=a&MediaUrl=b",
        "MessageSid=SM1&MessageStatus=sent&MediaUrl=b&MediaUrl=a&MediaUrl=a",
        "MessageSid=SM1&MessageStatus=sent&Note=&Note=x",
    ],
)
def test_the_signature_covers_each_value_of_a_repeated_field(body: str) -> None:
    fields = form_fields(body)
    signature = signed_by("new", URL, fields)
    assert verify_signature(URL, fields, signature, ["new"])
    assert not verify_signature(URL, dict(fields), signature, ["new"]), "a value is missing"


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def test_a_stop_is_read_in_any_value_of_a_repeated_body() -> None:
    fields = form_fields("MessageSid=SM1&From=%2B15550100&Body=STOP&Body=thanks&Body=thanks")
    assert read_inbound_text(fields, digest).body == "STOP\nthanks"


@pytest.mark.parametrize("word", ["partially_delivered", "teleported", "READ"])
def test_a_status_that_is_not_known_is_kept_and_is_no_delivery(word: str) -> None:
    report = read_status_report(
        f"message={REFERENCE}", {"MessageSid": "SM1", "MessageStatus": word}
    )
    assert report.word == word
    assert report.status in {MessageStatus.ACCEPTED, MessageStatus.SENT}


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", {"MessageSid": "SM1", "MessageStatus": "sent"}),
        ("message=1", {"MessageSid": "SM1", "MessageStatus": "sent"}),
        (f"message={REFERENCE}", {"MessageStatus": "sent"}),
    ],
)
def test_what_is_no_status_callback_is_refused_with_a_sentence(
    query: str, fields: dict[str, str]
) -> None:
    with pytest.raises(ArrearsError, match="is not a status callback"):
        read_status_report(query, fields)


# --- texts to the lender


def test_a_text_to_the_lender_says_who_wrote_what_and_whether_it_means_stop() -> None:
    fields = {"MessageSid": "SM7", "From": "+12025550101", "Body": "停止", "OptOutType": "STOP"}
    text = read_inbound_text(fields, digest)
    assert (text.provider, text.sid, text.opt_out_type) == ("twilio", "SM7", "STOP")
    assert (text.from_number, text.body) == ("+12025550101", "停止")
    assert "0101" not in repr(text)
    assert "停止" not in repr(text)


def test_a_text_to_the_lender_may_be_blank_and_need_not_mean_anything() -> None:
    text = read_inbound_text({"MessageSid": "SM7", "From": "+12025550101", "Body": ""}, digest)
    assert (text.body, text.opt_out_type) == ("", None)


def test_what_is_no_text_to_the_lender_is_refused_with_a_sentence() -> None:
    with pytest.raises(ArrearsError, match="'Body' is missing"):
        read_inbound_text({"MessageSid": "SM7", "From": "+12025550101", "CallSid": "CA1"}, digest)


# --- the simulated provider as evidence


def test_each_accepted_text_is_one_line_in_the_log(
    simulated_twilio: SimulatedTwilio, receiver: CallbackReceiver, log: Path
) -> None:
    gateway = gateway_to(simulated_twilio.url, receiver)
    gateway.send(a_text(reference=REFERENCE))
    gateway.send(a_text(to=f"+1202555{SimulatedOutcome.OPTED_OUT}"))
    gateway.send(a_text(to=f"+1202555{SimulatedOutcome.SERVER_ERROR}"))
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["to"] for line in lines] == ["+12025550101", "+12025550192"]
    assert [line["sid"] for line in lines] == [
        text.sid for text in simulated_twilio.accepted_texts()
    ]
    assert lines[0]["reference"] == str(REFERENCE)
    assert lines[0].keys() == {"sid", "to", "from", "body", "body_digest", "reference", "at"}


def test_a_simulated_provider_that_is_started_again_still_knows_what_it_accepted(
    simulated_twilio: SimulatedTwilio, receiver: CallbackReceiver, log: Path
) -> None:
    began = datetime.now(UTC)
    text = a_text()
    sent = gateway_to(simulated_twilio.url, receiver).send(text)
    with SimulatedTwilio(log=log, auth_token=TOKEN) as second:
        assert gateway_to(second.url, receiver).find(text, since=began) == (sent.sid,)
        gateway_to(second.url, receiver).send(a_text())
    assert len(log.read_text(encoding="utf-8").splitlines()) == 2


def test_a_number_that_opts_out_is_refused_from_then_on(
    simulated_twilio: SimulatedTwilio, receiver: CallbackReceiver
) -> None:
    gateway = gateway_to(simulated_twilio.url, receiver)
    assert gateway.send(a_text()).outcome is SendOutcome.ACCEPTED
    simulated_twilio.opt_out("+12025550101")
    assert gateway.send(a_text()).number_fact is NumberFact.OPTED_OUT


def test_a_long_list_of_texts_is_served_in_pages(
    simulated_twilio: SimulatedTwilio, receiver: CallbackReceiver
) -> None:
    gateway = gateway_to(simulated_twilio.url, receiver)
    for _ in range(5):
        gateway.send(a_text())
    listed = gateway._client.messages.list(to="+12025550101", page_size=2)
    assert [message.sid for message in listed] == [
        text.sid for text in reversed(simulated_twilio.accepted_texts())
    ]
    fetched = gateway._client.messages(listed[0].sid).fetch()
    assert (fetched.status, fetched.num_segments) == ("delivered", "1")
