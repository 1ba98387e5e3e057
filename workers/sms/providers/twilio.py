"""Texts through Twilio's Messages API, and the status callbacks it sends back.

Messages has no idempotency key. So after a lost response a text is `UNKNOWN`, unless the request
certainly failed before Twilio processed it.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from uuid import UUID

from requests import exceptions as http
from starlette.datastructures import ImmutableMultiDict
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

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
    ListedText,
    OutgoingText,
    SendOutcome,
    SendResult,
    StatusReport,
)
from workers.sms.providers.twilio_codes import PROVIDER as PROVIDER
from workers.sms.providers.twilio_codes import (
    TOO_MANY_REQUESTS,
    classify_response,
    number_fact,
)

# Its debug lines contain query strings, and so numbers.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

NOT_FOUND = 404

_SID = re.compile(r"[!-~]{1,128}")
STATUS_PATH = "/webhooks/twilio/status"

# Options for Twilio: five retries of a callback after any error. The fragment is not signed.
_CALLBACK_RETRIES = "rc=5&rp=all"

_STATUSES = {
    "accepted": MessageStatus.ACCEPTED,
    "scheduled": MessageStatus.ACCEPTED,
    "queued": MessageStatus.ACCEPTED,
    "sending": MessageStatus.ACCEPTED,
    "sent": MessageStatus.SENT,
    "partially_delivered": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.DELIVERED,
    "undelivered": MessageStatus.UNDELIVERED,
    "failed": MessageStatus.SEND_FAILED,
    "canceled": MessageStatus.SEND_FAILED,
}


def _status_of(word: str) -> MessageStatus:
    """The status that Twilio's word stands for. A word that is not known yet proves one thing only:
    that Twilio has the text."""
    return _STATUSES.get(word, MessageStatus.ACCEPTED)


class TwilioGateway:
    """Sends through one Twilio account. Safe to share between threads and across forks."""

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        status_callback_base: str,
        api_base: str | None = None,
        timeouts: tuple[float, float] = TIMEOUTS,
    ) -> None:
        """`status_callback_base` is the public URL, without a path, that Twilio can reach.

        `api_base` replaces the scheme and host of the requests, for a simulated provider.
        """
        self._callback_base = status_callback_base.rstrip("/")
        # Its own environment, so that no other TWILIO_ variable changes the region of the requests.
        self._client = Client(
            account_sid,
            auth_token,
            http_client=_Http(timeouts, api_base),
            environment={"TWILIO_ACCOUNT_SID": account_sid},
        )

    def send(self, text: OutgoingText) -> SendResult:
        """Send one request to Twilio; see `SmsGateway.send`."""
        try:
            message = self._client.messages.create(
                to=text.to,
                from_=text.sender,
                body=text.body,
                status_callback=self.status_callback(text.reference),
            )
        except _TooManyRequestsError as error:
            reason = because(ReasonCode.TOO_MANY_REQUESTS, provider=PROVIDER)
            code, wait = str(TOO_MANY_REQUESTS), error.retry_after
            return SendResult(SendOutcome.NOT_SENT, reason, code=code, retry_after=wait)
        except (TwilioRestException, TwilioServiceException) as error:
            return classify_response(error.status, error.code)
        except http.RequestException as error:
            return classify_request_error(error, PROVIDER)
        except Exception as error:
            # The SDK could not read the response: the text may have been sent.
            return unknown(ReasonCode.ANSWER_UNREADABLE, PROVIDER, error=type(error).__name__)
        if not message.sid:
            return unknown(ReasonCode.ANSWER_WITHOUT_ID, PROVIDER)
        accepted = because(ReasonCode.PROVIDER_HAS_IT)
        return SendResult(SendOutcome.ACCEPTED, accepted, sid=message.sid)

    def find(self, text: OutgoingText, since: datetime) -> tuple[str, ...]:
        """List the latest texts to the number at Twilio; see `SmsGateway.find`.

        Twilio lists the newest first, with times in whole seconds. Its date filter is not used,
        because it compares the day of sending, which a queued text does not have yet.
        """
        earliest = since.replace(microsecond=0)
        try:
            listed = self._client.messages.list(
                to=text.to, from_=text.sender, limit=MAX_LISTED, page_size=MAX_LISTED
            )
            return tuple(
                message.sid
                for message in listed
                if message.body == text.body and message.date_created >= earliest
            )
        except Exception as error:
            raise lookup_failed("Twilio", error) from None

    def texts_since(self, since: datetime) -> Iterator[ListedText]:
        """List all texts of the account, the newest first; see `ListsTexts.texts_since`."""
        earliest = since.replace(microsecond=0)
        try:
            for message in self._client.messages.stream(page_size=MAX_LISTED):
                if message.date_created < earliest:
                    return
                if message.direction == "outbound-reply":
                    continue  # the answer to a text, such as a call for help
                inbound = message.direction == "inbound"
                yield ListedText(
                    sid=message.sid,
                    at=message.date_created,
                    is_inbound=inbound,
                    sender=message.to if inbound else message.from_ or "",
                    number=message.from_ if inbound else message.to,
                    body=message.body or "",
                    was_sent=message.status not in {"failed", "canceled"},
                )
        except GeneratorExit:
            raise
        except Exception as error:
            raise lookup_failed("Twilio", error) from None

    def receipt_of(self, sid: str, to: str, since: datetime) -> StatusReport | None:
        """Fetch the text at Twilio; see `SmsGateway.receipt_of`."""
        try:
            fetched = self._client.messages(sid).fetch()
            status = _status_of(fetched.status)
        except TwilioRestException as error:
            if error.status == NOT_FOUND:
                return None
            raise lookup_failed("Twilio", error) from None
        except Exception as error:
            raise lookup_failed("Twilio", error) from None
        if status in {MessageStatus.ACCEPTED, MessageStatus.SENT}:
            return None
        code = str(fetched.error_code) if fetched.error_code else None
        fact = number_fact(code)
        return StatusReport(None, PROVIDER, sid, fetched.status, status, code, fact, to)

    def status_callback(self, reference: UUID) -> str:
        """The URL for Twilio's receipts of one text."""
        query = urlencode({"message": reference})
        return f"{self._callback_base}{STATUS_PATH}?{query}#{_CALLBACK_RETRIES}"


class _TooManyRequestsError(Exception):
    """Twilio responded with 429. The SDK's own error does not contain the headers."""

    def __init__(self, retry_after: timedelta | None) -> None:
        super().__init__()
        self.retry_after = retry_after


class _Http(TwilioHttpClient):  # type: ignore[misc]  # the SDK publishes no types
    """The SDK's HTTP client with time-outs and another address for tests, and without a log.

    It has no connection pool. If Twilio closed a pooled connection when it is used again, a text
    that was not sent would have an unknown outcome. Without a pool there are no retries either.
    """

    def __init__(self, timeouts: tuple[float, float], api_base: str | None) -> None:
        super().__init__(pool_connections=False)
        # (connect, read), for requests: the SDK's own argument takes only one number for both.
        self.timeout = timeouts
        self._api_base = api_base

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        response = super().request(method, self._address(url), *args, **kwargs)
        if response.status_code == 429:
            raise _TooManyRequestsError(_seconds(response.headers.get("Retry-After")))
        return response

    def _address(self, url: str) -> str:
        if self._api_base is None:
            return url
        base = urlsplit(self._api_base)
        return urlsplit(url)._replace(scheme=base.scheme, netloc=base.netloc).geturl()

    def log_request(self, kwargs: Mapping[str, Any]) -> None:
        """Log nothing: the SDK would log query strings, which contain numbers."""

    def log_response(self, status_code: int, response: Any) -> None:
        """Log nothing, like `log_request`."""


def _seconds(header: str | None) -> timedelta | None:
    return timedelta(seconds=int(header)) if header and header.isdecimal() else None


def form_fields(body: str) -> ImmutableMultiDict[str, str]:
    """The fields of a form that Twilio posts, by name; one that is repeated has its last value.

    Blank fields and every value of a repeated one are kept: the signature covers them.
    """
    return ImmutableMultiDict(parse_qsl(body, keep_blank_values=True))


def verify_signature(
    url: str, params: Mapping[str, str] | str, signature: str, tokens: Iterable[str]
) -> bool:
    """Whether `X-Twilio-Signature` was made with one of the auth tokens.

    `url` is the configured public URL with the received query, never a URL that a proxy changed.
    `params` are the `form_fields`, or the raw body if it is JSON. Several tokens are accepted, so
    that a token can be rotated.
    """
    return any(RequestValidator(token).validate(url, params, signature) for token in tokens)


def read_status_report(query: str, fields: Mapping[str, str]) -> StatusReport:
    """Read a status callback whose signature was verified.

    `query` is the query of the called URL. Raises `ArrearsError` if it is not a status callback.
    """
    references = parse_qs(query).get("message", [])
    if len(references) != 1:
        _refuse("its query does not name one message")
    try:
        reference = UUID(references[0])
        word = fields["MessageStatus"]
        code = fields.get("ErrorCode") or None
        return StatusReport(
            reference,
            PROVIDER,
            fields["MessageSid"],
            word,
            _status_of(word),
            code,
            number_fact(code),
            fields.get("To"),
        )
    except (KeyError, ValueError):
        _refuse("its message, id or status is missing")


def read_inbound_text(fields: Mapping[str, str], digest: Callable[[str], bytes]) -> InboundText:
    """Read a text to the lender from a form whose signature was verified.

    Twilio classifies texts only if Advanced Opt-Out is on. One whose number or id cannot be read is
    a text all the same, which may ask for no contact: then it has no number, or an id that `digest`
    makes of its contents. Raises `ArrearsError` if the form is not that of a text.
    """
    try:
        body = _whole_body(fields)
        sid, number = fields.get("MessageSid", ""), fields.get("From", "")
        if not _SID.fullmatch(sid):
            sid = digest(f"{number} {sid} {body}").hex()
        return InboundText(
            PROVIDER,
            sid=sid,
            from_number=number,
            body=body,
            opt_out_type=fields.get("OptOutType") or None,
        )
    except KeyError as missing:
        raise ArrearsError(
            "The form from Twilio is not a text to the lender: {missing} is missing. "
            "Check the sender's URL for incoming messages in Twilio's console.",
            missing=missing,
        ) from None


def _whole_body(fields: Mapping[str, str]) -> str:
    """The words of a text. If the field is repeated, a stop in any of its values must be read."""
    if isinstance(fields, ImmutableMultiDict) and "Body" in fields:
        return "\n".join(dict.fromkeys(fields.getlist("Body")))
    return fields["Body"]


def _refuse(problem: str) -> NoReturn:
    raise ArrearsError(
        "The call to {path} is not a status callback of a text sent from "
        "here: {problem}. Check that Twilio's account and the status callback URL "
        "are those of this installation.",
        path=STATUS_PATH,
        problem=problem,
    )
