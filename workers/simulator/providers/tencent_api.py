"""The HTTP API of simulated Tencent Cloud: SendSms and PullSmsSendStatusByPhoneNumber."""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import phonenumbers

from workers.simulator.providers.accepted_texts import UNDELIVERED, AcceptedText
from workers.simulator.providers.callbacks import Receipt
from workers.simulator.providers.magic_numbers import (
    SimulatedOutcome,
    is_possible_number,
    simulated_outcome,
)
from workers.simulator.providers.server import ACCEPTED_THEN_FAILS, ProviderHandler

_VERSION = "2021-01-11"
_MAX_PAGE = 100
_MAX_CLOCK_SKEW = 300  # seconds
_CALLBACK_ATTEMPTS = 3
_FAILURES = {
    SimulatedOutcome.CARRIER_LANDLINE: "EXPIRED",
    SimulatedOutcome.UNKNOWN_HANDSET: "MK:0001",
}


class _ApiError(Exception):
    """An error response, with Tencent Cloud's code."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class SmsApi(ProviderHandler):
    """The API of one account with one SMS application."""

    account: ClassVar[tuple[str, str]]
    """The account's secret id and secret key."""
    app: ClassVar[str]
    templates: ClassVar[Mapping[str, int]]
    """Registered template id → number of its values."""
    status_url: ClassVar[str | None]
    """Where status callbacks are posted; real Tencent Cloud has it as a setting of its console."""

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        body = self.read_body()
        try:
            self._check_signature(body)
            self._action()(json.loads(body))
        except _ApiError as error:
            self._write({"Error": {"Code": error.code, "Message": error.message}})

    def do_GET(self) -> None:  # noqa: N802
        self._write({"Error": {"Code": "UnsupportedProtocol", "Message": "Send a POST."}})

    def _action(self) -> Callable[[Mapping[str, Any]], None]:
        if self.headers.get("X-TC-Version") != _VERSION:
            raise _ApiError("NoSuchVersion")
        match self.headers.get("X-TC-Action"):
            case "SendSms":
                return self._send
            case "PullSmsSendStatusByPhoneNumber":
                return self._pull_statuses
        raise _ApiError("InvalidAction")

    def _send(self, request: Mapping[str, Any]) -> None:
        [to] = request["PhoneNumberSet"]
        words = "|".join([request["TemplateId"], *(request.get("TemplateParamSet") or [])])
        faults = self.draw_faults(to, words)
        if faults.outcome is SimulatedOutcome.TOO_MANY_REQUESTS:
            raise _ApiError("RequestLimitExceeded")
        if faults.outcome is SimulatedOutcome.NOT_TAKEN:
            return self._write_server_error()
        refusal = self._refusal(request, faults.outcome)
        if refusal:
            return self._write({"SendStatusSet": [_send_status(to, refusal)]})
        text = AcceptedText(
            sid=f"2640:{secrets.randbelow(10**20):020}",
            to=to,
            sender=request["SignName"],
            body=words,
            reference=request.get("SessionContext") or None,
            at=datetime.now(UTC),
        )
        self.accept(text, faults, self.status_url)
        if faults.outcome in ACCEPTED_THEN_FAILS:
            return self._write_server_error()
        if not self.disrupt_response(faults.outcome, 200):
            self._write({"SendStatusSet": [_send_status(to, "Ok", text)]})
        return None

    def _refusal(self, request: Mapping[str, Any], outcome: SimulatedOutcome | None) -> str | None:
        """Tencent Cloud's error code, if it refuses the text."""
        [to] = request["PhoneNumberSet"]
        if request["SmsSdkAppId"] != self.app:
            return "UnauthorizedOperation.SmsSdkAppIdVerifyFail"
        if outcome is SimulatedOutcome.LANDLINE or not is_possible_number(to):
            return "InvalidParameterValue.IncorrectPhoneNumber"
        if outcome is SimulatedOutcome.OPTED_OUT or self.texts.has_opted_out(to):
            return "FailedOperation.PhoneNumberInBlacklist"
        if request["TemplateId"] not in self.templates:
            return "FailedOperation.TemplateIncorrectOrUnapproved"
        if len(request.get("TemplateParamSet") or []) != self.templates[request["TemplateId"]]:
            return "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        if not request.get("SignName"):
            return "FailedOperation.SignatureIncorrectOrUnapproved"
        return None

    def receipt(self, text: AcceptedText, status: str, url: str) -> Receipt:
        failed = status == UNDELIVERED
        code, number = _parts(text.to)
        report = {
            "user_receive_time": text.at.strftime("%Y-%m-%d %H:%M:%S"),
            "nationcode": code,
            "mobile": number,
            "report_status": "FAIL" if failed else "SUCCESS",
            "errmsg": _failure(text) if failed else "DELIVRD",
            "description": "",
            "sid": text.sid,
            "ext": text.reference or "",
        }
        body = json.dumps([report]).encode()
        return Receipt(url, body, {"Content-Type": "application/json"}, _CALLBACK_ATTEMPTS)

    def _pull_statuses(self, request: Mapping[str, Any]) -> None:
        """Newest first. Real Tencent Cloud lists a text only after a report of the carrier."""
        found = [
            _pulled_status(text)
            for text in reversed(self.texts.all())
            if text.to == request["PhoneNumber"]
            and int(text.at.timestamp()) >= request["BeginTime"]
        ]
        self._write({"PullSmsSendStatusSet": found[: min(request["Limit"], _MAX_PAGE)]})

    def _check_signature(self, body: bytes) -> None:
        """Check TC3-HMAC-SHA256, which signs the body, its type and the host.

        https://cloud.tencent.com/document/api/382/52072
        """
        found = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]+)/([\d-]+)/sms/tc3_request, "
            r"SignedHeaders=content-type;host, Signature=(\w+)",
            self.headers.get("Authorization", ""),
        )
        stamp = self.headers.get("X-TC-Timestamp", "")
        if not found or not stamp.isdecimal():
            raise _ApiError("AuthFailure.InvalidAuthorization")
        secret_id, day, signature = found.groups()
        if secret_id != self.account[0]:
            raise _ApiError("AuthFailure.SecretIdNotFound")
        if abs(datetime.now(UTC).timestamp() - int(stamp)) > _MAX_CLOCK_SKEW:
            raise _ApiError("AuthFailure.SignatureExpire")
        signed = "\n".join(
            (
                *("POST", "/", ""),
                f"content-type:{self.headers['Content-Type']}",
                f"host:{self.headers['Host']}\n",
                *("content-type;host", hashlib.sha256(body).hexdigest()),
            )
        )
        digest = hashlib.sha256(signed.encode()).hexdigest()
        key = f"TC3{self.account[1]}".encode()
        for part in (day, "sms", "tc3_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        to_sign = f"TC3-HMAC-SHA256\n{stamp}\n{day}/sms/tc3_request\n{digest}"
        expected = hmac.digest(key, to_sign.encode(), "sha256").hex()
        if not hmac.compare_digest(expected, signature):
            raise _ApiError("AuthFailure.SignatureFailure")

    def _write(self, response: Mapping[str, object]) -> None:
        self.write_json(200, {"Response": {**response, "RequestId": secrets.token_hex(16)}})

    def _write_server_error(self) -> None:
        self.write_response(500, b"Internal Server Error", "text/plain")


def _failure(text: AcceptedText) -> str:
    """The carrier's code of why a text was not delivered."""
    outcome = simulated_outcome(text.to)
    return _FAILURES.get(outcome, "UNDELIV") if outcome else "UNDELIV"


def _send_status(to: str, code: str, text: AcceptedText | None = None) -> dict[str, object]:
    return {
        "SerialNo": text.sid if text else "",
        "PhoneNumber": to,
        "Fee": 1 if text else 0,
        "SessionContext": (text.reference or "") if text else "",
        "Code": code,
        "Message": "send success" if text else code,
        "IsoCode": "CN",
    }


def _pulled_status(text: AcceptedText) -> dict[str, object]:
    code, number = _parts(text.to)
    failed = text.status == UNDELIVERED
    return {
        "UserReceiveTime": int(text.at.timestamp()),
        "CountryCode": code,
        "SubscriberNumber": number,
        "PhoneNumber": text.to,
        "SerialNo": text.sid,
        "ReportStatus": "FAIL" if failed else "SUCCESS",
        "Description": _failure(text) if failed else "DELIVRD",
        "SessionContext": text.reference or "",
    }


def _parts(number: str) -> tuple[str, str]:
    parsed = phonenumbers.parse(number)
    return str(parsed.country_code), str(parsed.national_number)
