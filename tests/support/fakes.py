"""Fakes in memory. Each passes the contract tests of what it replaces."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from domain.contact_points import NumberFact
from domain.messages import MessageStatus
from domain.reasons import ReasonCode, because
from workers.simulator.providers.magic_numbers import SimulatedOutcome, simulated_outcome
from workers.sms.providers.port import (
    ListedText,
    OutgoingText,
    SendOutcome,
    SendResult,
    StatusReport,
)

_NOT_PROCESSED = {
    SimulatedOutcome.LANDLINE: SendResult(
        SendOutcome.REFUSED,
        because(ReasonCode.NUMBER_CANNOT_RECEIVE),
        code="21614",
        number_fact=NumberFact.NO_TEXTS,
    ),
    SimulatedOutcome.OPTED_OUT: SendResult(
        SendOutcome.REFUSED,
        because(ReasonCode.OPTED_OUT_OF_SENDER),
        code="21610",
        number_fact=NumberFact.OPTED_OUT,
    ),
    SimulatedOutcome.TOO_MANY_REQUESTS: SendResult(
        SendOutcome.NOT_SENT,
        because(ReasonCode.TOO_MANY_REQUESTS, provider="twilio"),
        code="20429",
        retry_after=timedelta(seconds=1),
    ),
}
_ANSWER_IS_LOST = frozenset(
    {
        SimulatedOutcome.SERVER_ERROR,
        SimulatedOutcome.SILENCE,
        SimulatedOutcome.RESET,
        SimulatedOutcome.GARBLED,
        SimulatedOutcome.LOST,
    }
)


@dataclass(frozen=True, slots=True)
class SentText:
    """One text that the fake took."""

    sid: str
    text: OutgoingText
    at: datetime


@dataclass(slots=True)
class FakeSmsGateway:
    """Accepts texts without a network; magic numbers have the same outcomes as when simulated."""

    sent: list[SentText] = field(default_factory=list)
    receipts: dict[str, MessageStatus] = field(default_factory=dict)
    """By its id of a text, what the provider knows of it when it is asked."""
    asked: int = 0
    """How often it was asked to send."""
    received: list[ListedText] = field(default_factory=list)
    """What was written to the lender."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, text: OutgoingText) -> SendResult:
        with self._lock:
            self.asked += 1
        outcome = simulated_outcome(text.to)
        if outcome in _NOT_PROCESSED:
            return _NOT_PROCESSED[outcome]
        if len(text.to) < 8:
            return SendResult(
                SendOutcome.REFUSED,
                because(ReasonCode.NUMBER_INVALID),
                code="21211",
                number_fact=NumberFact.REACHES_NOBODY,
            )
        if outcome is SimulatedOutcome.NOT_TAKEN:
            return SendResult(SendOutcome.UNKNOWN, because(ReasonCode.MAY_BE_SENT))
        sid = "SM" + uuid4().hex
        with self._lock:
            self.sent.append(SentText(sid, text, self.now()))
        if outcome in _ANSWER_IS_LOST:
            return SendResult(SendOutcome.UNKNOWN, because(ReasonCode.MAY_BE_SENT))
        return SendResult(SendOutcome.ACCEPTED, because(ReasonCode.PROVIDER_HAS_IT), sid=sid)

    def receipt_of(self, sid: str, to: str, since: datetime) -> StatusReport | None:
        status = self.receipts.get(sid)
        return StatusReport(None, "twilio", sid, str(status), status, None) if status else None

    def texts_since(self, since: datetime) -> Iterator[ListedText]:
        with self._lock:
            sent = [
                ListedText(
                    sid=earlier.sid,
                    at=earlier.at,
                    is_inbound=False,
                    sender=earlier.text.sender,
                    number=earlier.text.to,
                    body=earlier.text.body,
                )
                for earlier in self.sent
            ]
        yield from (text for text in (*sent, *self.received) if text.at >= since)

    def find(self, text: OutgoingText, since: datetime) -> tuple[str, ...]:
        with self._lock:
            return tuple(
                earlier.sid
                for earlier in self.sent
                if (earlier.text.to, earlier.text.sender, earlier.text.body)
                == (text.to, text.sender, text.body)
                and earlier.at >= since
            )
