"""The Twilio stand-in's HTTP side: create, list and fetch messages."""

from __future__ import annotations

import base64
import hmac
import json
import re
import socket
import struct
import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import phonenumbers

from workers.local.receipts import Receipt, ReceiptPoster
from workers.local.rehearsal import Rehearsal, rehearsal_for
from workers.local.sent_texts import AcceptedText, SentTexts

_BODY_AT_MOST = 1600
_PAGE_AT_MOST = 1000
_SILENCE_SECONDS = 60.0

_ACCEPTED_THEN_FAILS = frozenset({Rehearsal.SERVER_ERROR, Rehearsal.LOST})


class _ProblemError(Exception):
    """An answer that is an error, with Twilio's code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class MessagesApi(BaseHTTPRequestHandler):
    """Serves one account; a subclass says which, and where its texts are kept."""

    account: ClassVar[tuple[str, str]]
    """The account's SID and auth token."""
    texts: ClassVar[SentTexts]
    poster: ClassVar[ReceiptPoster]
    stopping: ClassVar[threading.Event]

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        form = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
        try:
            self._check_account()
            if self._resource() != "Messages":
                raise _not_found()
            self._create(form)
        except _ProblemError as problem:
            self._answer_problem(problem)

    def do_GET(self) -> None:
        try:
            self._check_account()
            sid = self._resource().removeprefix("Messages").removeprefix("/")
            self._answer(200, self._fetch(sid) if sid else self._list())
        except _ProblemError as problem:
            self._answer_problem(problem)

    def _create(self, form: Mapping[str, str]) -> None:
        rehearsal = self._check_text(form)
        text = self.texts.accept(
            to=form["To"],
            sender=form["From"],
            body=form["Body"],
            status_callback=form.get("StatusCallback"),
            at=datetime.now(UTC),
        )
        answer = text.resource(self.account[0])
        self._send_receipts(text, rehearsal)
        if rehearsal in _ACCEPTED_THEN_FAILS:
            raise _ProblemError(500, 20500, "An internal server error has occurred")
        if rehearsal is Rehearsal.SILENCE:
            self.stopping.wait(_SILENCE_SECONDS)
        elif rehearsal is Rehearsal.RESET:
            self._break_connection()
        elif rehearsal is Rehearsal.GARBLED:
            self._write(201, b"<html>Created</html>", "text/html")
        else:
            self._answer(201, answer)

    def _check_text(self, form: Mapping[str, str]) -> Rehearsal | None:
        to = form.get("To", "")
        rehearsal = rehearsal_for(to)
        if rehearsal is Rehearsal.TOO_MANY_REQUESTS:
            raise _ProblemError(429, 20429, "Too Many Requests")
        if not _is_number(to):
            raise _ProblemError(400, 21211, f"Invalid 'To' Phone Number: {to}")
        if rehearsal is Rehearsal.LANDLINE:
            raise _ProblemError(400, 21614, f"'To' number is not a valid mobile number: {to}")
        if rehearsal is Rehearsal.OPTED_OUT or self.texts.has_opted_out(to):
            raise _ProblemError(400, 21610, f"Attempt to send to unsubscribed recipient {to}")
        if not form.get("From"):
            raise _ProblemError(400, 21603, "A 'From' phone number is required.")
        if not form.get("Body"):
            raise _ProblemError(400, 21602, "Message body is required.")
        if len(form["Body"]) > _BODY_AT_MOST:
            raise _ProblemError(400, 21617, "The message body exceeds the 1600 character limit.")
        return rehearsal

    def _send_receipts(self, text: AcceptedText, rehearsal: Rehearsal | None) -> None:
        undelivered = rehearsal is Rehearsal.UNDELIVERED
        status, code = ("undelivered", 30003) if undelivered else ("delivered", None)
        self.texts.advance(text.sid, status, code)
        if text.status_callback and rehearsal is not Rehearsal.LOST:
            sent = self._receipt(text, text.status_callback, "sent", None)
            last = self._receipt(text, text.status_callback, status, code)
            self.poster.post((sent, last))

    def _receipt(self, text: AcceptedText, url: str, status: str, code: int | None) -> Receipt:
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
        return Receipt(url, fields if code is None else fields | {"ErrorCode": str(code)})

    def _fetch(self, sid: str) -> dict[str, object]:
        text = self.texts.get(sid)
        if text is None:
            raise _not_found()
        return text.resource(self.account[0])

    def _list(self) -> dict[str, object]:
        query = dict(parse_qsl(urlsplit(self.path).query))
        page = int(query.get("Page", "0"))
        size = min(int(query.get("PageSize", "50")), _PAGE_AT_MOST)
        found = [text for text in reversed(self.texts.all()) if _matches(text, query)]
        shown = found[page * size : (page + 1) * size]
        more = len(found) > (page + 1) * size
        path = urlsplit(self.path).path
        return {
            "messages": [text.resource(self.account[0]) for text in shown],
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
            raise _ProblemError(401, 20003, "Authenticate")

    def _resource(self) -> str:
        found = re.fullmatch(
            rf"/2010-04-01/Accounts/{re.escape(self.account[0])}/(Messages(?:/\w+)?)\.json",
            urlsplit(self.path).path,
        )
        if not found:
            raise _not_found()
        return found[1]

    def _answer_problem(self, problem: _ProblemError) -> None:
        self._answer(
            problem.status,
            {
                "code": problem.code,
                "message": problem.message,
                "more_info": f"https://www.twilio.com/docs/errors/{problem.code}",
                "status": problem.status,
            },
        )

    def _answer(self, status: int, content: Mapping[str, object]) -> None:
        self._write(status, json.dumps(content).encode(), "application/json")

    def _write(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(content)

    def _break_connection(self) -> None:
        # A socket that may not linger is reset when it is closed, instead of being ended in order.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: request lines may hold numbers."""


def _not_found() -> _ProblemError:
    return _ProblemError(404, 20404, "The requested resource was not found")


def _is_number(to: str) -> bool:
    try:
        return to.startswith("+") and phonenumbers.is_possible_number(phonenumbers.parse(to))
    except phonenumbers.NumberParseException:
        return False


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
    """Days in UTC. Of a moment only the day counts, as with Twilio."""
    return date.fromisoformat(written[:10])
