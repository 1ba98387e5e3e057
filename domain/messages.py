"""Texts: what is known of one, from the reservation to the delivery receipt."""

from __future__ import annotations

from enum import StrEnum


class MessageStatus(StrEnum):
    """What is known of one text. Receipts are best-effort and unordered: the rank only rises."""

    RESERVED = "reserved"  # written before the provider is called
    UNKNOWN = "unknown"  # the provider's answer was lost
    PARKED = "parked"  # nothing told what became of it in time: a person must find out
    NOT_SENT = "not_sent"  # it certainly never went out; another one may
    REFUSED = "refused"  # the provider said no, and nothing was sent
    ACCEPTED = "accepted"  # the provider has it and gave it its own id
    SENT = "sent"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    DELIVERED = "delivered"


UNSENT = frozenset({MessageStatus.NOT_SENT, MessageStatus.REFUSED})


UNSETTLED = frozenset({MessageStatus.RESERVED, MessageStatus.UNKNOWN, MessageStatus.PARKED})


MESSAGE_RANK: dict[MessageStatus, int] = {status: rank for rank, status in enumerate(MessageStatus)}


def earlier_than(target: MessageStatus) -> frozenset[MessageStatus]:
    """The statuses that `target` may replace. What never went out stays so."""
    return frozenset(
        s for s in MessageStatus if MESSAGE_RANK[s] < MESSAGE_RANK[target] and s not in UNSENT
    )
