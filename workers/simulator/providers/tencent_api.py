"""The Tencent Cloud stand-in's HTTP side: SendSms and PullSmsSendStatusByPhoneNumber."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import phonenumbers

from workers.simulator.providers.accepted_texts import DELIVERED, UNDELIVERED, AcceptedText
from workers.simulator.providers.callbacks import Receipt
from workers.simulator.providers.faults import Faults
from workers.simulator.providers.magic_numbers import SimulatedOutcome, simulated_outcome
from workers.simulator.providers.server import ACCEPTED_THEN_FAILS, ProviderHandler

_VERSION = "2021-01-11"
_LIST_AT_MOST = 100
_CLOCK_OFF_AT_MOST = 300
_CALLBACK_ATTEMPTS = 3


class _ProblemError(Exception):
    """An answer that is an error, with Tencent Cloud's code."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class SmsApi(ProviderHandler):
    """Serves one account with one SMS application; a subclass says which."""

    account: ClassVar[tuple[str, str]]
    """The account's secret id and secret key."""
    app: ClassVar[str]
    templates: ClassVar[Mapping[str, int]]
    """Registered template id → how many values it takes."""
    status_url: ClassVar[str | None]
    """Where status callbacks go; Tencent Cloud is told in its console, not with each text."""

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        body = self.read_body()
        try:
            self._check_signature(body)
            act = self._action()
            act(json.loads(body))
        except _ProblemError as problem:
            self._answer({"Error": {"Code": problem.code, "Message": problem.message}})

    def _action(self) -> Callable[[Mapping[str, Any]], None]:
        if self.headers.get("X-TC-Version") != _VERSION:
            raise _ProblemError("NoSuchVersion")
        match self.headers.get("X-TC-Action"):
            case "SendSms":
                return self._send
            case "PullSmsSendStatusByPhoneNumber":
                return self._list
        raise _ProblemError("InvalidAction")

    def _send(self, asked: Mapping[str, Any]) -> None:
        [to] = asked["PhoneNumberSet"]
        values = asked.get("TemplateParamSet") or []
        words = "|".join([asked["TemplateId"], *values])
        faults = self.dice.draw(to, words)
        self.stopping.wait(faults.wait)
        outcome = simulated_outcome(to) or faults.outcome
        if outcome is SimulatedOutcome.TOO_MANY_REQUESTS:
            raise _ProblemError("RequestLimitExceeded")
        if outcome is SimulatedOutcome.NOT_TAKEN:
            return self._fail()
        refusal = self._refusal(asked, outcome)
        if refusal:
            return self._answer({"SendStatusSet": [_send_status(to, refusal)]})
        text = AcceptedText(
            sid=f"2640:{secrets.randbelow(10**20):020}",
            to=to,
            sender=asked["SignName"],
            body=words,
            reference=asked.get("SessionContext") or None,
            at=datetime.now(UTC),
        )
        self.texts.accept(text)
        self._send_receipts(text, outcome, faults)
        if outcome in ACCEPTED_THEN_FAILS:
            return self._fail()
        if not self.misbehaves(outcome, 200):
            self._answer({"SendStatusSet": [_send_status(to, "Ok", text)]})
        return None

    def _refusal(self, asked: Mapping[str, Any], outcome: SimulatedOutcome | None) -> str | None:
        """Tencent Cloud's code for a text that it does not take."""
        [to] = asked["PhoneNumberSet"]
        if asked["SmsSdkAppId"] != self.app:
            return "UnauthorizedOperation.SmsSdkAppIdVerifyFail"
        if outcome is SimulatedOutcome.LANDLINE or not _is_number(to):
            return "InvalidParameterValue.IncorrectPhoneNumber"
        if outcome is SimulatedOutcome.OPTED_OUT or self.texts.has_opted_out(to):
            return "FailedOperation.PhoneNumberInBlacklist"
        if asked["TemplateId"] not in self.templates:
            return "FailedOperation.TemplateIncorrectOrUnapproved"
        if len(asked.get("TemplateParamSet") or []) != self.templates[asked["TemplateId"]]:
            return "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        if not asked.get("SignName"):
            return "FailedOperation.SignatureIncorrectOrUnapproved"
        return None

    def _send_receipts(
        self, text: AcceptedText, outcome: SimulatedOutcome | None, faults: Faults
    ) -> None:
        last = UNDELIVERED if outcome is SimulatedOutcome.UNDELIVERED else DELIVERED
        self.texts.advance(text.sid, last)
        if not self.status_url or outcome is SimulatedOutcome.LOST or faults.receipts_lost:
            return
        # There is but one receipt for each text, so none can overtake another.
        receipt = _receipt(text, last, self.status_url)
        receipts = [receipt, receipt] if faults.receipts_repeated else [receipt]
        self.poster.post(receipts, after=faults.receipts_after)

    def _list(self, asked: Mapping[str, Any]) -> None:
        """Newest first. A real one lists a text only when the carrier has reported on it."""
        found = [
            _pulled_status(text)
            for text in reversed(self.texts.all())
            if text.to == asked["PhoneNumber"] and int(text.at.timestamp()) >= asked["BeginTime"]
        ]
        self._answer({"PullSmsSendStatusSet": found[: min(asked["Limit"], _LIST_AT_MOST)]})

    def _check_signature(self, body: bytes) -> None:
        """TC3-HMAC-SHA256 over the body, its type and the host; what is not signed is not checked.

        https://cloud.tencent.com/document/api/382/52072
        """
        found = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]+)/([\d-]+)/sms/tc3_request, "
            r"SignedHeaders=content-type;host, Signature=(\w+)",
            self.headers.get("Authorization", ""),
        )
        stamp = self.headers.get("X-TC-Timestamp", "")
        if not found or not stamp.isdecimal():
            raise _ProblemError("AuthFailure.InvalidAuthorization")
        secret_id, day, signature = found.groups()
        if secret_id != self.account[0]:
            raise _ProblemError("AuthFailure.SecretIdNotFound")
        if abs(datetime.now(UTC).timestamp() - int(stamp)) > _CLOCK_OFF_AT_MOST:
            raise _ProblemError("AuthFailure.SignatureExpire")
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
        right = hmac.digest(key, to_sign.encode(), "sha256").hex()
        if not hmac.compare_digest(right, signature):
            raise _ProblemError("AuthFailure.SignatureFailure")

    def _answer(self, response: Mapping[str, object]) -> None:
        answer = {"Response": {**response, "RequestId": secrets.token_hex(16)}}
        self.write_answer(200, json.dumps(answer).encode(), "application/json")

    def _fail(self) -> None:
        self.write_answer(500, b"Internal Server Error", "text/plain")


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
    return {
        "UserReceiveTime": int(text.at.timestamp()),
        "CountryCode": code,
        "SubscriberNumber": number,
        "PhoneNumber": text.to,
        "SerialNo": text.sid,
        "ReportStatus": "FAIL" if text.status == UNDELIVERED else "SUCCESS",
        "Description": "",
        "SessionContext": text.reference or "",
    }


def _receipt(text: AcceptedText, status: str, url: str) -> Receipt:
    failed = status == UNDELIVERED
    code, number = _parts(text.to)
    report = {
        "user_receive_time": text.at.strftime("%Y-%m-%d %H:%M:%S"),
        "nationcode": code,
        "mobile": number,
        "report_status": "FAIL" if failed else "SUCCESS",
        "errmsg": "UNDELIV" if failed else "DELIVRD",
        "description": "",
        "sid": text.sid,
        "ext": text.reference or "",
    }
    body = json.dumps([report]).encode()
    return Receipt(url, body, {"Content-Type": "application/json"}, _CALLBACK_ATTEMPTS)


def _parts(number: str) -> tuple[str, str]:
    parsed = phonenumbers.parse(number)
    return str(parsed.country_code), str(parsed.national_number)


def _is_number(to: str) -> bool:
    try:
        return to.startswith("+") and phonenumbers.is_possible_number(phonenumbers.parse(to))
    except phonenumbers.NumberParseException:
        return False
