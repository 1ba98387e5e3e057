"""Stand-ins in memory. Each is held to the contract suite of what it stands in for."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from domain.reasons import ReasonCode, because
from workers.simulator.providers.magic_numbers import Rehearsal, rehearsal_for
from workers.sms.providers.port import OutgoingText, SendOutcome, SendResult

_NOT_PROCESSED = {
    Rehearsal.LANDLINE: SendResult(
        SendOutcome.REFUSED,
        because(ReasonCode.NUMBER_CANNOT_RECEIVE),
        code="21614",
        number_invalid=True,
    ),
    Rehearsal.OPTED_OUT: SendResult(
        SendOutcome.REFUSED, because(ReasonCode.OPTED_OUT_OF_SENDER), code="21610", opted_out=True
    ),
    Rehearsal.TOO_MANY_REQUESTS: SendResult(
        SendOutcome.NOT_SENT,
        because(ReasonCode.TOO_MANY_REQUESTS, provider="twilio"),
        code="20429",
        retry_after=timedelta(seconds=1),
    ),
}
_ANSWER_IS_LOST = frozenset(
    {
        Rehearsal.SERVER_ERROR,
        Rehearsal.SILENCE,
        Rehearsal.RESET,
        Rehearsal.GARBLED,
        Rehearsal.LOST,
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
    """Takes texts without a network; rehearsal numbers misbehave as they do with the stand-in."""

    sent: list[SentText] = field(default_factory=list)
    asked: int = 0
    """How often it was asked to send."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, text: OutgoingText) -> SendResult:
        with self._lock:
            self.asked += 1
        rehearsal = rehearsal_for(text.to)
        if rehearsal in _NOT_PROCESSED:
            return _NOT_PROCESSED[rehearsal]
        if len(text.to) < 8:
            return SendResult(
                SendOutcome.REFUSED,
                because(ReasonCode.NUMBER_INVALID),
                code="21211",
                number_invalid=True,
            )
        if rehearsal is Rehearsal.NOT_TAKEN:
            return SendResult(SendOutcome.UNKNOWN, because(ReasonCode.MAY_BE_SENT))
        sid = "SM" + uuid4().hex
        with self._lock:
            self.sent.append(SentText(sid, text, datetime.now(UTC)))
        if rehearsal in _ANSWER_IS_LOST:
            return SendResult(SendOutcome.UNKNOWN, because(ReasonCode.MAY_BE_SENT))
        return SendResult(SendOutcome.ACCEPTED, because(ReasonCode.PROVIDER_HAS_IT), sid=sid)

    def find(self, text: OutgoingText, since: datetime) -> tuple[str, ...]:
        with self._lock:
            return tuple(
                one.sid
                for one in self.sent
                if (one.text.to, one.text.sender, one.text.body)
                == (text.to, text.sender, text.body)
                and one.at >= since
            )
