"""Providers for stories about one text: each does one thing, always."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from domain.reasons import ReasonCode, because
from tests.support.loans import SENDER
from workers.sms.providers.port import (
    LookupFailedError,
    OutgoingText,
    SendOutcome,
    SendResult,
    StatusReport,
)
from workers.sms.providers.routing import ALL_OTHER_REGIONS, Routes, Sender

REFUSED_FOR_ITS_OWN_SAKE = SendResult(
    SendOutcome.REFUSED,
    because(ReasonCode.REGION_NOT_PERMITTED),
    code="21408",
    other_provider_may_accept=True,
)
ANSWER_LOST = SendResult(SendOutcome.UNKNOWN, because(ReasonCode.MAY_BE_SENT))


@dataclass(slots=True)
class Scripted:
    """Answers every text alike, and has on its list what a test puts there."""

    answer: SendResult | None = None
    """None: it accepts."""
    listed: tuple[str, ...] = ()
    cannot_say: bool = False
    asked: list[OutgoingText] = field(default_factory=list)
    looked_up: list[OutgoingText] = field(default_factory=list)

    def send(self, text: OutgoingText) -> SendResult:
        self.asked.append(text)
        return self.answer or SendResult(
            SendOutcome.ACCEPTED, because(ReasonCode.PROVIDER_HAS_IT), sid=f"SM{uuid4().hex}"
        )

    def receipt_of(self, sid: str, to: str, since: datetime) -> StatusReport | None:
        if self.cannot_say:
            raise LookupFailedError("The provider could not be asked.")
        return None

    def find(self, text: OutgoingText, since: datetime) -> tuple[str, ...]:
        self.looked_up.append(text)
        if self.cannot_say:
            raise LookupFailedError("The provider could not be asked.")
        return self.listed


def route(**gateways: Scripted) -> Routes:
    """All numbers go to these providers, in this order."""
    senders = {name: Sender(name, SENDER, gateway) for name, gateway in gateways.items()}
    return Routes(senders, {ALL_OTHER_REGIONS: tuple(senders)})


def asked(*gateways: Scripted) -> Iterable[int]:
    """How many texts each of them was asked to send."""
    return [len(gateway.asked) for gateway in gateways]
