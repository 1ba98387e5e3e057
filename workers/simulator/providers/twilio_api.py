"""The HTTP API of simulated Twilio: create, list and fetch messages."""

import base64
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import ClassVar
from urllib.parse import parse_qs, parse_qsl, urldefrag, urlencode, urlsplit

from twilio.request_validator import RequestValidator

from domain.sms_segments import segments
from workers.simulator.providers.accepted_texts import QUEUED, UNDELIVERED, AcceptedText
from workers.simulator.providers.callbacks import Receipt
from workers.simulator.providers.magic_numbers import (
    SimulatedOutcome,
    is_possible_number,
    simulated_outcome,
)
from workers.simulator.providers.server import ACCEPTED_THEN_FAILS, ProviderHandler

_MAX_BODY = 1600
_MAX_PAGE = 1000
_UNREACHABLE = 30003
_FAILURES = {
    SimulatedOutcome.CARRIER_LANDLINE: 30006,
    SimulatedOutcome.UNKNOWN_HANDSET: 30005,
}

_DEFAULT_RETRIES = 1
_MAX_RETRIES = 5


class _ApiError(Exception):
    """An error response, with Twilio's code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class MessagesApi(ProviderHandler):
    """The API of one account."""

    account: ClassVar[tuple[str, str]]
    """The account's SID and auth token."""
    statuses_before_last = ("sent",)

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        form = dict(parse_qsl(self.read_body().decode(), keep_blank_values=True))
        try:
            self._check_account()
            if self._resource() != "Messages":
                raise _not_found()
            self._create(form)
        except _ApiError as error:
            self._write_error(error)

    def do_GET(self) -> None:  # noqa: N802
        try:
            self._check_account()
            sid = self._resource().removeprefix("Messages").removeprefix("/")
            self.write_json(200, self._fetch(sid) if sid else self._list())
        except _ApiError as error:
            self._write_error(error)

    def _create(self, form: Mapping[str, str]) -> None:
        to, body = form.get("To", ""), form.get("Body", "")
        faults = self.draw_faults(to, body)
        self._refuse(form, faults.outcome)
        callback = form.get("StatusCallback")
        text = AcceptedText(
            sid="SM" + secrets.token_hex(16),
            to=to,
            sender=form["From"],
            body=body,
            reference=_reference(callback),
            at=datetime.now(UTC),
        )
        self.accept(text, faults, callback)
        if faults.outcome in ACCEPTED_THEN_FAILS:
            raise _server_error()
        if not self.disrupt_response(faults.outcome, 201):
            self.write_json(201, self._to_json(text))

    def _refuse(self, form: Mapping[str, str], outcome: SimulatedOutcome | None) -> None:
        to = form.get("To", "")
        if outcome is SimulatedOutcome.TOO_MANY_REQUESTS:
            raise _ApiError(429, 20429, "Too Many Requests")
        if outcome is SimulatedOutcome.NOT_TAKEN:
            raise _server_error()
        if not is_possible_number(to):
            raise _ApiError(400, 21211, f"Invalid 'To' Phone Number: {to}")
        if outcome is SimulatedOutcome.LANDLINE:
            raise _ApiError(400, 21614, f"'To' number is not a valid mobile number: {to}")
        if outcome is SimulatedOutcome.OPTED_OUT or self.texts.has_opted_out(to):
            raise _ApiError(400, 21610, f"Attempt to send to unsubscribed recipient {to}")
        if not form.get("From"):
            raise _ApiError(400, 21603, "A 'From' phone number is required.")
        if not form.get("Body"):
            raise _ApiError(400, 21602, "Message body is required.")
        if len(form["Body"]) > _MAX_BODY:
            raise _ApiError(400, 21617, "The message body exceeds the 1600 character limit.")

    def receipt(self, text: AcceptedText, status: str, url: str) -> Receipt:
        fields = {
            "AccountSid": self.account[0],
            "ApiVersion": "2010-04-01",
            "From": text.sender,
            "MessageSid": text.sid,
            "MessageStatus": status,
            "SmsSid": text.sid,
            "SmsStatus": status,
            "To": text.to,
        }
        if status == UNDELIVERED:
            fields["ErrorCode"] = str(_failure(text))
        # The fragment contains options for Twilio. It is not part of the called and signed URL.
        url, fragment = urldefrag(url)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": RequestValidator(self.account[1]).compute_signature(url, fields),
        }
        return Receipt(url, urlencode(fields).encode(), headers, 1 + _retries(fragment))

    def _to_json(self, text: AcceptedText) -> dict[str, object]:
        """The message in the JSON of Twilio's API."""
        path = f"/2010-04-01/Accounts/{self.account[0]}/Messages/{text.sid}"
        at = format_datetime(text.at)
        return {
            "account_sid": self.account[0],
            "api_version": "2010-04-01",
            "body": text.body,
            "date_created": at,
            "date_sent": None if text.status == QUEUED else at,
            "date_updated": at,
            "direction": "inbound" if text.is_inbound else "outbound-api",
            "error_code": _failure(text) if text.status == UNDELIVERED else None,
            "error_message": None,
            "from": text.sender,
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": str(segments(text.body).count),
            "price": None,
            "price_unit": "USD",
            "sid": text.sid,
            "status": text.status,
            "subresource_uris": {"media": f"{path}/Media.json"},
            "to": text.to,
            "uri": f"{path}.json",
        }

    def _fetch(self, sid: str) -> dict[str, object]:
        text = self.texts.get(sid)
        if text is None:
            raise _not_found()
        return self._to_json(text)

    def _list(self) -> dict[str, object]:
        query = dict(parse_qsl(urlsplit(self.path).query))
        page = int(query.get("Page", "0"))
        size = min(int(query.get("PageSize", "50")), _MAX_PAGE)
        found = [text for text in reversed(self.texts.all()) if _matches(text, query)]
        shown = found[page * size : (page + 1) * size]
        more = len(found) > (page + 1) * size
        path = urlsplit(self.path).path
        return {
            "messages": [self._to_json(text) for text in shown],
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(len(shown) - 1, 0),
            "uri": self.path,
            "first_page_uri": f"{path}?{urlencode(query | {'Page': 0})}",
            "previous_page_uri": None,
            "next_page_uri": f"{path}?{urlencode(query | {'Page': page + 1})}" if more else None,
        }

    def _check_account(self) -> None:
        expected = base64.b64encode(":".join(self.account).encode()).decode()
        if not hmac.compare_digest(self.headers.get("Authorization", ""), f"Basic {expected}"):
            raise _ApiError(401, 20003, "Authenticate")

    def _resource(self) -> str:
        found = re.fullmatch(
            rf"/2010-04-01/Accounts/{re.escape(self.account[0])}/(Messages(?:/\w+)?)\.json",
            urlsplit(self.path).path,
        )
        if not found:
            raise _not_found()
        return found[1]

    def _write_error(self, error: _ApiError) -> None:
        content = {
            "code": error.code,
            "message": error.message,
            "more_info": f"https://www.twilio.com/docs/errors/{error.code}",
            "status": error.status,
        }
        headers = {"Retry-After": "1"} if error.status == 429 else {}
        self.write_json(error.status, content, headers)


def _failure(text: AcceptedText) -> int:
    """Twilio's code of why a text was not delivered."""
    outcome = simulated_outcome(text.to)
    return _FAILURES.get(outcome, _UNREACHABLE) if outcome else _UNREACHABLE


def _not_found() -> _ApiError:
    return _ApiError(404, 20404, "The requested resource was not found")


def _server_error() -> _ApiError:
    return _ApiError(500, 20500, "An internal server error has occurred")


def _reference(callback: str | None) -> str | None:
    """The client's own id of the message, from the query of the callback URL."""
    return parse_qs(urlsplit(callback or "").query).get("message", [None])[0]


def _retries(fragment: str) -> int:
    """The number of retries in the fragment of a callback URL (`rc=5`)."""
    rc = parse_qs(fragment).get("rc", [""])[0]
    retries = int(rc) if rc.isdecimal() else _DEFAULT_RETRIES
    return min(retries, _MAX_RETRIES)


def _matches(text: AcceptedText, query: Mapping[str, str]) -> bool:
    day = text.at.date()
    return (
        query.get("To", text.to) == text.to
        and query.get("From", text.sender) == text.sender
        and ("DateSent" not in query or day == _day(query["DateSent"]))
        and ("DateSent>" not in query or day >= _day(query["DateSent>"]))
        and ("DateSent<" not in query or day <= _day(query["DateSent<"]))
    )


def _day(written: str) -> date:
    """A day in UTC. As at Twilio, the time of day is ignored."""
    return date.fromisoformat(written[:10])
