"""What is Tencent Cloud's alone: registered texts, its error codes, its callbacks."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from config.readers.registered_templates import RegisteredTemplate
from domain.contact_points import NumberFact
from domain.errors import ArrearsError
from domain.language.speak import speak
from domain.messages import MessageStatus
from domain.reasons import ReasonCode, because
from tests.support.one_answer import OneAnswer, http_answer
from tests.support.tencent import KEY, REGISTERED, VALUES_OF, gateway_to
from tests.support.twilio import CallbackReceiver, a_text
from workers.simulator.providers.faults import FaultPlan
from workers.simulator.providers.magic_numbers import SimulatedOutcome
from workers.simulator.providers.tencent import SimulatedTencent
from workers.sms.providers.port import LookupFailedError, SendOutcome, SendResult, StatusReport
from workers.sms.providers.tencent import read_tencent_reply, read_tencent_reports

REFERENCE = UUID("11111111-2222-4333-8444-555555555555")


def answer(**response: Any) -> str:
    return json.dumps({"Response": {**response, "RequestId": "r-1"}})


def refusal(code: str) -> str:
    """One text of a request that as a whole is in order."""
    return answer(SendStatusSet=[{"SerialNo": "", "Code": code, "Message": "no"}])


def failure(code: str) -> str:
    return answer(Error={"Code": code, "Message": "no"})


def sent_to(http: bytes) -> SendResult:
    with OneAnswer(http) as server:
        return gateway_to(server.url).send(a_text())


# --- registered texts


def test_a_text_goes_out_as_a_registered_template_and_its_values_in_order(
    log: Path,
) -> None:
    registered = RegisteredTemplate("reminder", "en", id="77", values=("due_on", "words"))
    templates = {("reminder", "en"): registered}
    values = {"words": "Please call us.", "due_on": "1 March", "phone": "1"}
    text = replace(a_text(), values=values)
    with SimulatedTencent(log=log, secret_key=KEY, templates={"77": 2}) as provider:
        assert gateway_to(provider.url, templates=templates).send(text).sid
        [accepted] = provider.accepted_texts()
    assert accepted.body == "77|1 March|Please call us."
    assert (accepted.sender, accepted.reference) == (text.sender, str(text.reference))


def test_a_text_that_is_not_registered_is_left_to_another_provider(
    simulated_tencent: SimulatedTencent,
) -> None:
    gateway = gateway_to(simulated_tencent.url, templates={})
    result = gateway.send(a_text())
    assert (result.outcome, result.other_provider_may_accept) == (SendOutcome.REFUSED, True)
    assert result.reason == because(
        ReasonCode.TEMPLATE_NOT_REGISTERED, provider="tencent", template="reminder", language="en"
    )
    assert simulated_tencent.request_count() == 0


def test_a_text_without_one_of_the_registered_values_is_left_to_another_provider(
    simulated_tencent: SimulatedTencent,
) -> None:
    templates = {("reminder", "en"): RegisteredTemplate("reminder", "en", "77", ("amount",))}
    result = gateway_to(simulated_tencent.url, templates=templates).send(a_text())
    assert (result.outcome, result.other_provider_may_accept) == (SendOutcome.REFUSED, True)
    assert "with amount, which it does not have" in speak(result.reason)
    assert simulated_tencent.request_count() == 0


def test_a_template_that_tencent_cloud_does_not_know_is_left_to_another_provider(
    log: Path,
) -> None:
    with SimulatedTencent(log=log, secret_key=KEY, templates={}) as provider:
        result = gateway_to(provider.url).send(a_text())
    assert (result.outcome, result.other_provider_may_accept) == (SendOutcome.REFUSED, True)
    assert result.code == "FailedOperation.TemplateIncorrectOrUnapproved"


# --- codes


@pytest.mark.parametrize("error_of", [refusal, failure])
@pytest.mark.parametrize(
    ("code", "outcome", "other_provider_may_accept"),
    [
        ("FailedOperation.SignatureIncorrectOrUnapproved", SendOutcome.REFUSED, True),
        ("FailedOperation.InsufficientBalanceInSmsPackage", SendOutcome.REFUSED, True),
        ("UnauthorizedOperation.ServiceSuspendDueToArrears", SendOutcome.REFUSED, True),
        ("UnsupportedOperation.UnsupportedRegion", SendOutcome.REFUSED, True),
        ("LimitExceeded.AppDailyLimit", SendOutcome.REFUSED, True),
        ("InvalidParameterValue.IncorrectPhoneNumber", SendOutcome.REFUSED, False),
        ("FailedOperation.PhoneNumberInBlacklist", SendOutcome.REFUSED, False),
        ("LimitExceeded.PhoneNumberDailyLimit", SendOutcome.NOT_SENT, False),
        ("LimitExceeded.PhoneNumberThirtySecondLimit", SendOutcome.NOT_SENT, False),
        ("RequestLimitExceeded.UinLimitExceeded", SendOutcome.NOT_SENT, False),
        ("AuthFailure.SignatureFailure", SendOutcome.NOT_SENT, False),
        ("InternalError.Timeout", SendOutcome.UNKNOWN, False),
        ("FailedOperation.OtherError", SendOutcome.UNKNOWN, False),
        ("NeverHeardOf", SendOutcome.UNKNOWN, False),
    ],
)
def test_a_code_says_whether_the_text_may_go_again_go_elsewhere_or_stays_an_open_question(
    error_of: Any, code: str, outcome: SendOutcome, other_provider_may_accept: bool
) -> None:
    result = sent_to(http_answer("200 OK", error_of(code)))
    assert (result.outcome, result.code, result.other_provider_may_accept) == (
        outcome,
        code,
        other_provider_may_accept,
    )


@pytest.mark.parametrize(
    ("code", "seconds"),
    [
        ("LimitExceeded.PhoneNumberThirtySecondLimit", 30),
        ("LimitExceeded.PhoneNumberOneHourLimit", 3600),
        ("LimitExceeded.PhoneNumberDailyLimit", 86400),
        ("RequestLimitExceeded.IPLimitExceeded", 1),
    ],
)
def test_a_limit_says_how_long_to_wait(code: str, seconds: int) -> None:
    wait = sent_to(http_answer("200 OK", refusal(code))).retry_after
    assert wait is not None
    assert wait.total_seconds() == seconds


def test_an_error_is_one_although_its_content_type_names_a_charset() -> None:
    answer_with_charset = http_answer(
        "200 OK", failure("AuthFailure"), kind="application/json; charset=utf-8"
    )
    assert sent_to(answer_with_charset).outcome is SendOutcome.NOT_SENT


def test_wrong_credentials_do_not_use_up_the_text(simulated_tencent: SimulatedTencent) -> None:
    result = gateway_to(simulated_tencent.url, key="wrong").send(a_text())
    assert (result.outcome, result.code) == (SendOutcome.NOT_SENT, "AuthFailure.SignatureFailure")
    assert simulated_tencent.accepted_texts() == []


# --- requests that break


def test_a_refused_connection_means_that_nothing_was_sent(closed_port: str) -> None:
    assert gateway_to(closed_port).send(a_text()).outcome is SendOutcome.NOT_SENT


@pytest.mark.parametrize(
    "http",
    [
        http_answer("200 OK", answer(SendStatusSet=[])),
        http_answer("200 OK", answer(SendStatusSet=[{"SerialNo": "", "Code": "Ok"}])),
        http_answer("200 OK", answer()),
        http_answer("200 OK", "{}"),
        http_answer("200 OK", "[]"),
        http_answer("200 OK", "not json"),
        http_answer("200 OK", ""),
        http_answer("302 Found", ""),
        http_answer("403 Forbidden", "<html>proxy</html>", kind="text/html"),
        http_answer("503 Unavailable", ""),
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"",
    ],
)
def test_an_answer_that_says_nothing_leaves_the_outcome_open(http: bytes) -> None:
    result = sent_to(http)
    assert (result.outcome, result.sid, result.code) == (SendOutcome.UNKNOWN, None, None)
    assert result.reason[-1].code is ReasonCode.MAY_BE_SENT


# --- lookups


def test_a_text_is_known_by_its_reference_not_by_its_words(
    simulated_tencent: SimulatedTencent,
) -> None:
    began = datetime.now(UTC)
    gateway = gateway_to(simulated_tencent.url)
    mine, like_mine = a_text(), a_text()
    sent = gateway.send(mine)
    gateway.send(like_mine)
    assert gateway.find(mine, since=began) == (sent.sid,)


def test_a_lookup_that_fails_is_not_taken_for_no_texts(closed_port: str) -> None:
    with pytest.raises(LookupFailedError, match="try again later") as problem:
        gateway_to(closed_port).find(a_text(), since=datetime.now(UTC))
    assert "555" not in str(problem.value)


@pytest.mark.parametrize("response", [{}, {"Error": {"Code": "InternalError", "Message": "no"}}])
def test_an_answer_without_a_list_is_not_taken_for_no_texts(response: dict[str, Any]) -> None:
    with (
        OneAnswer(http_answer("200 OK", answer(**response))) as server,
        pytest.raises(LookupFailedError),
    ):
        gateway_to(server.url).find(a_text(), since=datetime.now(UTC))


def test_texts_without_a_reference_are_not_taken_for_none_of_ours() -> None:
    listed = answer(PullSmsSendStatusSet=[{"SerialNo": "2640:1", "SessionContext": ""}])
    with (
        OneAnswer(http_answer("200 OK", listed)) as server,
        pytest.raises(LookupFailedError, match="return SessionContext"),
    ):
        gateway_to(server.url).find(a_text(), since=datetime.now(UTC))


# --- callbacks


def test_a_receipt_says_that_the_text_arrived(
    simulated_tencent: SimulatedTencent, receiver: CallbackReceiver
) -> None:
    text = a_text(reference=REFERENCE)
    sent = gateway_to(simulated_tencent.url).send(text)
    callback = receiver.next()
    assert callback.target == "/webhooks/tencent/word/status"
    status = MessageStatus.DELIVERED
    assert read_tencent_reports(callback.body.encode()) == [
        StatusReport(REFERENCE, "tencent", str(sent.sid), "SUCCESS", status, None, to=text.to)
    ]


@pytest.mark.parametrize(
    ("outcome", "code", "fact"),
    [
        (SimulatedOutcome.UNDELIVERED, "UNDELIV", NumberFact.REACHES_NOBODY),
        (SimulatedOutcome.UNKNOWN_HANDSET, "MK:0001", NumberFact.REACHES_NOBODY),
        (SimulatedOutcome.CARRIER_LANDLINE, "EXPIRED", None),
    ],
)
def test_a_receipt_says_why_the_text_did_not_arrive(
    simulated_tencent: SimulatedTencent,
    receiver: CallbackReceiver,
    outcome: SimulatedOutcome,
    code: str,
    fact: NumberFact | None,
) -> None:
    gateway_to(simulated_tencent.url).send(a_text(to=f"+1202555{outcome}"))
    [report] = read_tencent_reports(receiver.next().body.encode())
    assert (report.word, report.status) == ("FAIL", MessageStatus.UNDELIVERED)
    assert (report.code, report.number_fact) == (code, fact)


def test_receipts_may_come_twice(log: Path, receiver: CallbackReceiver) -> None:
    with SimulatedTencent(
        log=log,
        secret_key=KEY,
        templates=VALUES_OF,
        status_url=receiver.base,
        faults=FaultPlan(receipts_repeated=1.0),
    ) as provider:
        gateway_to(provider.url, templates=REGISTERED).send(a_text())
        assert receiver.next().body == receiver.next().body


DOCUMENTED = {
    "user_receive_time": "2015-10-17 08:03:04",
    "nationcode": "86",
    "mobile": "13800138000",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": "2640:1",
}


@pytest.mark.parametrize("ext", [{}, {"ext": ""}, {"ext": "another system's"}, {"ext": {"id": 7}}])
def test_a_receipt_without_our_reference_names_the_providers_id_alone(ext: dict[str, Any]) -> None:
    two = [{**DOCUMENTED, **ext}, {**DOCUMENTED, "sid": "2640:2"}]
    reports = read_tencent_reports(json.dumps(two).encode())
    assert [(report.reference, report.sid) for report in reports] == [
        (None, "2640:1"),
        (None, "2640:2"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[1]",
        b"\xff",
        json.dumps([{**DOCUMENTED, "report_status": 1}]).encode(),
        json.dumps([{**DOCUMENTED, "sid": None}]).encode(),
    ],
)
def test_what_is_no_status_callback_is_refused_without_repeating_it(body: bytes) -> None:
    with pytest.raises(ArrearsError, match="is not a list of status reports") as problem:
        read_tencent_reports(body)
    assert "138" not in str(problem.value)


REPLY = {
    "extend": "",
    "mobile": "13800138000",
    "nationcode": "86",
    "sign": "江南",
    "text": "退订",
    "time": 1457336869,
}


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def test_a_reply_says_who_wrote_what() -> None:
    text = read_tencent_reply(json.dumps(REPLY).encode(), digest)
    assert (text.provider, text.from_number, text.body) == ("tencent", "+8613800138000", "退订")
    assert text.opt_out_type is None
    assert "138" not in repr(text).replace(text.sid, "")
    assert "退订" not in repr(text)


def test_the_same_reply_has_the_same_id_and_another_has_another() -> None:
    first, again = (read_tencent_reply(json.dumps(REPLY).encode(), digest) for _ in range(2))
    later = read_tencent_reply(json.dumps({**REPLY, "time": 1457336870}).encode(), digest)
    assert first.sid == again.sid != later.sid


@pytest.mark.parametrize("mobile", ["", "x", "1" * 20])
def test_a_reply_whose_number_cannot_be_read_is_one_all_the_same(mobile: str) -> None:
    reply = read_tencent_reply(json.dumps({**REPLY, "mobile": mobile}).encode(), digest)
    assert (reply.from_number, reply.body) == ("", REPLY["text"])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}"])
def test_what_is_no_reply_is_refused_without_repeating_it(body: bytes) -> None:
    with pytest.raises(ArrearsError, match="is not a reply") as problem:
        read_tencent_reply(body, digest)
    assert "退订" not in str(problem.value)
