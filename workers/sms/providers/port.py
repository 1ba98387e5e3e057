"""The port through which a text leaves the house."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.errors import ArrearsError
from domain.messages import MessageStatus


class SendOutcome(StrEnum):
    """What is known of a text after the provider was asked to send it."""

    ACCEPTED = "accepted"
    """The provider took it and gave it an id."""
    NOT_SENT = "not_sent"
    """The provider certainly did not process it: it may be sent again later."""
    REFUSED = "refused"
    """The provider declined it for a reason that will not pass: never send it again."""
    UNKNOWN = "unknown"
    """It may have gone out. Never send it again blindly: find out first."""


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """One text to one number. Holds personal data, which its representation leaves out."""

    reference: UUID
    """The house's own id of the message; receipts come back with it."""
    to: str = field(repr=False)
    """E.164."""
    body: str = field(repr=False)
    sender: str
    """E.164, or whatever else the provider knows the lender's sender by."""
    template: str
    """The template's name and locale: some providers send only what they were shown before."""
    locale: str
    values: Mapping[str, str] = field(repr=False)
    """What the body was filled in with, by name."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """The provider's answer, sorted."""

    outcome: SendOutcome
    reason: str
    """A sentence for a person. Never the provider's own words: they may hold the number."""
    sid: str | None = None
    """The provider's id of the message, where it gave one."""
    code: str | None = None
    """The provider's error code, where it gave one: Twilio's are numbers, others' are words."""
    opted_out: bool = False
    """The borrower has told the provider to stop: record the opt-out."""
    number_invalid: bool = False
    """The number cannot receive texts at all: another one is needed."""
    elsewhere: bool = False
    """It was refused for the provider's sake, not the number's: another provider may take it."""
    retry_after: timedelta | None = None
    """How long the provider asks to be left alone, where it says so."""


class SmsGateway(Protocol):
    """One provider of texts."""

    def send(self, text: OutgoingText) -> SendResult:
        """Asks the provider once, without retries, within a bounded time.

        Whatever the provider or the network does is an outcome; nothing is raised for it.
        """
        ...

    def find(self, text: OutgoingText, since: datetime) -> tuple[str, ...]:
        """The provider's ids of texts like this one that it took at or after `since`.

        Like this one: with the same reference where the provider keeps it, else with the same
        sender, number and body. This settles a text whose outcome is unknown.
        Raises `LookupFailedError` where the provider cannot say, which is not the same as none.
        """
        ...


@dataclass(frozen=True, slots=True)
class StatusReport:
    """One receipt: what a provider says later of one text."""

    reference: UUID | None
    """The house's own id of the message; None where the provider names its own id only."""
    provider: str
    """Its name in the settings: `twilio`, `tencent`."""
    sid: str
    """The provider's id of the message."""
    word: str
    """The provider's own word for the status; with `sid` it tells one receipt from another."""
    status: MessageStatus
    code: str | None
    """The provider's error code, with `failed` and `undelivered`."""


@dataclass(frozen=True, slots=True)
class InboundText:
    """One text that somebody sent to the lender. Its representation leaves out whose and what."""

    provider: str
    sid: str
    """The provider's id of the text, or one made from what it says: the same for the same text."""
    from_number: str = field(repr=False)
    """E.164."""
    body: str = field(repr=False)
    opt_out_type: str | None
    """What the provider took the text for, where it looks: `STOP`, `START` or `HELP`."""


class LookupFailedError(ArrearsError):
    """The provider could not be asked what it has sent."""
