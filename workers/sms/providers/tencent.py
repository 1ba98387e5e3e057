"""Texts through Tencent Cloud SMS, and the callbacks it sends back.

Carriers in China accept only registered texts, so a text is sent as a template id and its values.
`SendSms` has no idempotency key. So after a lost response a text is `UNKNOWN`, unless the request
certainly failed before Tencent Cloud processed it.
"""

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import phonenumbers
import requests
from pydantic import BaseModel, TypeAdapter, ValidationError
from requests import exceptions as http
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sms.v20210111 import models
from tencentcloud.sms.v20210111.sms_client import SmsClient

from config.readers.registered_templates import RegisteredTemplate, RegisteredTemplates
from domain.errors import ArrearsError
from domain.messages import MessageStatus
from domain.reasons import ReasonCode, because
from workers.sms.providers.http_errors import (
    MAX_LISTED,
    TIMEOUTS,
    classify_request_error,
    lookup_failed,
    unknown,
)
from workers.sms.providers.port import (
    InboundText,
    LookupFailedError,
    OutgoingText,
    SendOutcome,
    SendResult,
    StatusReport,
)
from workers.sms.providers.tencent_codes import PROVIDER as PROVIDER
from workers.sms.providers.tencent_codes import classify_code, number_fact_of_carrier

_REGION = "ap-guangzhou"
_OK = "Ok"

# The SDK's log lines contain numbers, values and signatures. A filter stays where a server sets up
# its own logging, which takes back that a logger is disabled.
logging.getLogger("tencentcloud_sdk_common").addFilter(lambda _record: False)


class TencentGateway:
    """Sends through one SMS application. Safe to share between threads and across forks.

    The sender of a text is the registered signature that stands before it.
    """

    def __init__(
        self,
        secret_id: str,
        secret_key: str,
        sdk_app_id: str,
        templates: RegisteredTemplates,
        *,
        api_base: str | None = None,
        timeouts: tuple[float, float] = TIMEOUTS,
    ) -> None:
        """`api_base` replaces the scheme and host of the requests, for a simulated provider."""
        address = urlsplit(api_base or "https://sms.tencentcloudapi.com")
        profile = ClientProfile(
            httpProfile=HttpProfile(protocol=address.scheme, endpoint=address.netloc)
        )
        self._client = SmsClient(Credential(secret_id, secret_key), _REGION, profile)
        self._client.request.conn = _Connection(timeouts)
        self._app = sdk_app_id
        self._templates = templates

    def send(self, text: OutgoingText) -> SendResult:
        """Send one request to Tencent Cloud; see `SmsGateway.send`."""
        template = self._templates.get((text.template, text.locale))
        if template is None:
            return _refuse_here(
                ReasonCode.TEMPLATE_NOT_REGISTERED, template=text.template, language=text.locale
            )
        missing = [name for name in template.values if name not in text.values]
        if missing:
            return _refuse_here(
                ReasonCode.TEMPLATE_VALUES_MISSING, template=text.template, missing=missing
            )
        try:
            response = self._client.SendSms(self._request(text, template))
            status = response.SendStatusSet[0]
            if status.Code != _OK:
                return classify_code(str(status.Code), fixed_line=is_fixed_line(text.to))
            sid = status.SerialNo
        except TencentCloudSDKException as error:
            return _classify_error(error)
        except Exception as error:
            # The response is not in the documented form: the text may have been sent.
            return unknown(ReasonCode.ANSWER_UNREADABLE, PROVIDER, error=type(error).__name__)
        if not sid:
            return unknown(ReasonCode.ANSWER_WITHOUT_ID, PROVIDER)
        return SendResult(SendOutcome.ACCEPTED, because(ReasonCode.PROVIDER_HAS_IT), sid=str(sid))

    def find(self, text: OutgoingText, since: datetime) -> tuple[str, ...]:
        """List the texts to the number at Tencent Cloud; see `SmsGateway.find`.

        Tencent Cloud lists a text only after a report of the carrier, and only for seven days. It
        returns our reference only for applications with SessionContext switched on.
        """
        request = self._list_request(text.to, since)
        try:
            response = self._client.PullSmsSendStatusByPhoneNumber(request)
            listed = [
                (sent.SessionContext, sent.SerialNo) for sent in response.PullSmsSendStatusSet
            ]
        except Exception as error:
            raise lookup_failed("Tencent Cloud", error) from None
        if any(not context for context, _ in listed):
            raise LookupFailedError(
                "Tencent Cloud does not return our ids of its texts. Ask its support to return "
                "SessionContext for the SMS application. Nothing was changed."
            )
        return tuple(str(sid) for context, sid in listed if context == str(text.reference))

    def receipt_of(self, sid: str, to: str, since: datetime) -> StatusReport | None:
        """Look for the text among those to its number; see `SmsGateway.receipt_of`."""
        request = self._list_request(to, since)
        try:
            response = self._client.PullSmsSendStatusByPhoneNumber(request)
            reports = [sent for sent in response.PullSmsSendStatusSet if sent.SerialNo == sid]
        except Exception as error:
            raise lookup_failed("Tencent Cloud", error) from None
        for sent in reports:
            return _report_of(sid, str(sent.ReportStatus), sent.Description, to)
        return None

    def _list_request(
        self, to: str, since: datetime
    ) -> models.PullSmsSendStatusByPhoneNumberRequest:
        request = models.PullSmsSendStatusByPhoneNumberRequest()
        request.BeginTime = int(since.timestamp())
        request.Offset = 0
        request.Limit = MAX_LISTED
        request.PhoneNumber = to
        request.SmsSdkAppId = self._app
        return request

    def _request(self, text: OutgoingText, template: RegisteredTemplate) -> models.SendSmsRequest:
        request = models.SendSmsRequest()
        request.PhoneNumberSet = [text.to]
        request.SmsSdkAppId = self._app
        request.SignName = text.sender
        request.TemplateId = template.id
        request.TemplateParamSet = [text.values[name] for name in template.values]
        request.SessionContext = str(text.reference)
        return request


class _Connection:
    """Replaces the SDK's connection, to set time-outs for connecting and for reading.

    It has no connection pool, for the same reason as Twilio's client, and follows no redirects,
    because a redirect could send the text again. The SDK recognises an error only by exactly this
    content type. It would read an error with a charset in its content type as an empty success.
    """

    request_length = 0

    def __init__(self, timeouts: tuple[float, float]) -> None:
        self._timeouts = timeouts

    def request(
        self,
        method: str,
        url: str,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        response = requests.request(
            method,
            url,
            data=body,
            headers=headers,
            auth=lambda signed: signed,  # else ~/.netrc would replace the signature
            timeout=self._timeouts,
            allow_redirects=False,
        )
        content_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        response.headers["Content-Type"] = content_type
        return response


def _refuse_here(code: ReasonCode, **params: object) -> SendResult:
    """No request was sent. A provider that needs no registered templates may accept the text."""
    reason = because(code, provider=PROVIDER, **params)
    return SendResult(SendOutcome.REFUSED, reason, other_provider_may_accept=True)


def _classify_error(error: Any) -> SendResult:
    # The SDK wraps the error of a request, and keeps only its message.
    cause = error.__context__
    if isinstance(cause, http.RequestException):
        return classify_request_error(cause, PROVIDER)
    if error.requestId is None:
        # The SDK made this error itself; a response of Tencent Cloud has an id.
        return unknown(ReasonCode.ANSWER_UNREADABLE, PROVIDER, error=type(error).__name__)
    return classify_code(str(error.code))


def is_fixed_line(number: str) -> bool:
    """Whether the numbering plan of its country gives an E.164 number to fixed lines only."""
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False
    return bool(kind == phonenumbers.PhoneNumberType.FIXED_LINE)


# The text was sent in both cases; the carrier or the telephone failed to deliver it.
_STATUSES = {"SUCCESS": MessageStatus.DELIVERED, "FAIL": MessageStatus.UNDELIVERED}


class TencentReport(BaseModel):
    """One entry of a status callback: https://cloud.tencent.com/document/product/382/52077."""

    sid: str
    report_status: str
    errmsg: str = ""
    nationcode: str = ""
    mobile: str = ""
    ext: Any = None
    """The SessionContext of SendSms, for applications with SessionContext switched on."""


class TencentReply(BaseModel):
    """A reply callback: https://cloud.tencent.com/document/product/382/52078."""

    nationcode: str | int | None = None
    mobile: str | int | None = None
    text: str
    time: int


_ESCAPED = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # both halves
    r"|\\\\"
    r"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_REPORTS = TypeAdapter(list[TencentReport])


def read_tencent_reports(body: bytes) -> list[StatusReport]:
    """Read a status callback whose caller was verified. Raises `ArrearsError` if it is none.

    Without `ext` a report names only Tencent Cloud's id of the text.
    """
    try:
        reports = _REPORTS.validate_json(body)
    except ValidationError:
        raise _not_a_callback("a list of status reports") from None
    return [_status_report(report) for report in reports]


def _status_report(report: TencentReport) -> StatusReport:
    to = f"+{report.nationcode}{report.mobile}" if report.mobile else None
    reference = _reference(report.ext)
    return _report_of(report.sid, report.report_status, report.errmsg, to, reference)


def _report_of(
    sid: str, word: str, code: str | None, to: str | None, reference: UUID | None = None
) -> StatusReport:
    code = None if word == "SUCCESS" else code or None
    return StatusReport(
        reference=reference,
        provider=PROVIDER,
        sid=sid,
        word=word,
        # A word that is not known yet proves only that Tencent Cloud has the text.
        status=_STATUSES.get(word, MessageStatus.ACCEPTED),
        code=code,
        number_fact=number_fact_of_carrier(code),
        to=to,
    )


def _reference(ext: object) -> UUID | None:
    with suppress(ValueError):
        return UUID(ext) if isinstance(ext, str) else None
    return None


def read_tencent_reply(body: bytes, digest: Callable[[str], bytes]) -> InboundText:
    """Read a reply callback whose caller was verified. Raises `ArrearsError` if it is none.

    One whose number cannot be read is a reply all the same, which may ask for no contact: then it
    has none.

    Tencent Cloud gives replies no id. `digest` computes one from number, time and text. It must be
    a keyed hash: the id is stored in plain text, and a number could be guessed from a plain hash.
    """
    try:
        reply = TencentReply.model_validate_json(_without_half_characters(body))
    except ValidationError:
        raise _not_a_callback("a reply") from None
    number = f"+{reply.nationcode or ''}{reply.mobile or ''}"
    return InboundText(
        provider=PROVIDER,
        sid=digest(f"{number} {reply.time} {reply.text}").hex(),
        from_number=number if re.fullmatch(r"\+\d{5,15}", number, re.ASCII) else "",
        body=reply.text,
        opt_out_type=None,
    )


def _without_half_characters(body: bytes) -> bytes:
    """The JSON with � for half a character, as in a text that was cut in the middle of a character:
    no JSON is refused because of its words."""
    text = body.decode(errors="replace")
    return _ESCAPED.sub(lambda found: "\ufffd" if found["half"] else found[0], text).encode()


def _not_a_callback(what: str) -> ArrearsError:
    return ArrearsError(
        "The call is not {what} of Tencent Cloud SMS. Check that each callback "
        "address in its console is set for the right kind of callback.",
        what=what,
    )
