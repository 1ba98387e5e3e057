"""Texts: the statuses of one, from the reservation to the delivery receipt, and their moves."""

from enum import StrEnum


class MessageStatus(StrEnum):
    """What is known of one text. The rank of a status is its place in this list.

    Receipts may be missing, and may come in any order: so the rank only rises.
    """

    RESERVED = "reserved"  # written before the provider is called
    UNKNOWN = "unknown"  # the provider's answer was lost
    PARKED = "parked"  # no information came in time: a person must find out
    NOT_SENT = "not_sent"  # it was certainly not sent; the action may send another one
    REFUSED = "refused"  # the provider refused it, and nothing was sent
    ACCEPTED = "accepted"  # the provider has it and gave it its own id
    SENT = "sent"
    UNDELIVERED = "undelivered"  # the network could not deliver it
    SEND_FAILED = "send_failed"  # the provider accepted it and could not send it
    DELIVERED = "delivered"


UNSENT = frozenset({MessageStatus.NOT_SENT, MessageStatus.REFUSED})


NOT_DELIVERED = frozenset({MessageStatus.UNDELIVERED, MessageStatus.SEND_FAILED})
"""The provider accepted it, and it did not arrive: the ladder may try once more."""


UNRESOLVED = frozenset({MessageStatus.RESERVED, MessageStatus.UNKNOWN, MessageStatus.PARKED})
"""Whether the provider accepted these texts is not known yet."""


_RANKED = tuple(MessageStatus)


MESSAGE_MOVES: dict[MessageStatus, frozenset[MessageStatus]] = {
    status: frozenset() if status in UNSENT else frozenset(_RANKED[rank + 1 :])
    for rank, status in enumerate(_RANKED)
}
"""Only a status of a higher rank may follow. A text that was not sent keeps its status."""
