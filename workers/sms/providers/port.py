"""The port for sending texts: the interface that every provider implements."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from domain.contact_points import NumberFact
from domain.errors import ArrearsError
from domain.messages import MessageStatus
from domain.reasons import Reasons


class SendOutcome(StrEnum):
    """What is known of a text after the request to the provider."""

    ACCEPTED = "accepted"
    """The provider accepted it and gave it an id."""
    NOT_SENT = "not_sent"
    """The provider certainly did not process it: it may be sent again later."""
    REFUSED = "refused"
    """The provider refused it for a permanent reason: never send it again."""
    UNKNOWN = "unknown"
    """It may have been sent. Never send it again before that is known."""


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """One text to one number. Holds personal data, which its representation leaves out."""

    reference: UUID
    """Our own id of the message; receipts carry it."""
    to: str = field(repr=False)
    """E.164."""
    body: str = field(repr=False)
    sender: str
    """E.164, or another name under which the provider knows the lender."""
    template: str
    """The template's name and locale: some providers send registered texts only."""
    locale: str
    values: Mapping[str, str] = field(repr=False)
    """The values in the body, by their names."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """The provider's response, classified."""

    outcome: SendOutcome
    reason: Reasons
    """Never the provider's own text: it may contain the number."""
    sid: str | None = None
    """The provider's id of the message, if it gave one."""
    code: str | None = None
    """The provider's error code, if it gave one: digits for Twilio, words for Tencent Cloud."""
    number_fact: NumberFact | None = None
    """What the provider says of the number for good; None: nothing."""
    other_provider_may_accept: bool = False
    """The reason is the provider, not the number: another provider may accept it."""
    retry_after: timedelta | None = None
    """How long the provider asks to wait, if it does."""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A receipt: the status of one text, as the provider reports it later."""

    reference: UUID | None
    """Our own id of the message; None if the provider names only its own id."""
    provider: str
    """Its name in the settings: `twilio`, `tencent`."""
    sid: str
    """The provider's id of the message."""
    word: str
    """The provider's own name of the status. `sid` and `word` together identify a receipt."""
    status: MessageStatus
    code: str | None
    """The provider's error code, with `failed` and `undelivered`."""
    number_fact: NumberFact | None = None
    """What that code says of the number for good; None: nothing."""
    to: str | None = field(default=None, repr=False)
    """The number that was texted, in E.164, where the report has it."""


class SmsGateway(Protocol):
    """One provider of texts."""

    def send(self, text: OutgoingText) -> SendResult:
        """Send one request, without retries, within a bounded time.

        It raises no exception: every error of the provider or the network is an outcome.
        """
        ...

    def find(self, text: OutgoingText, since: datetime) -> tuple[str, ...]:
        """The provider's ids of texts equal to this one that it accepted at or after `since`.

        Equal: with the same reference if the provider keeps it, else with the same sender, number
        and body. This resolves a text whose outcome is unknown.

        Raises:
            LookupFailedError: the provider did not list them. There may be such texts.
        """
        ...

    def receipt_of(self, sid: str, to: str, since: datetime) -> StatusReport | None:
        """What became of the text with the provider's id `sid`, for a receipt that did not come.

        `to` is its number and `since` a moment before it was sent. None: the provider does not know
        yet whether it was delivered, or has no record of it.

        Raises:
            LookupFailedError: the provider did not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class InboundText:
    """One text to the lender. Its representation leaves out the number and the body."""

    provider: str
    sid: str
    """The provider's id of the text, or an id computed from its contents."""
    from_number: str = field(repr=False)
    """E.164."""
    body: str = field(repr=False)
    opt_out_type: str | None
    """How the provider classified the text, if it does: `STOP`, `START` or `HELP`."""


@dataclass(frozen=True, slots=True)
class ListedText:
    """One text on a provider's list. Its representation leaves out the number and the body."""

    sid: str
    """The provider's id of it."""
    at: datetime
    """When the provider accepted it."""
    is_inbound: bool
    """Whether it was sent to the lender."""
    sender: str
    """The lender's side of it: a number, or another name under which the provider knows it."""
    number: str = field(repr=False)
    """The other side's, E.164."""
    body: str = field(repr=False)
    was_sent: bool = True
    """False: the provider is certain that it never went out."""


@runtime_checkable
class ListsTexts(Protocol):
    """A provider that lists everything that came in and went out."""

    def texts_since(self, since: datetime) -> Iterator[ListedText]:
        """All texts to and from the lender's sender since a moment, in any order.

        Raises:
            LookupFailedError: the provider did not list them to the end.
        """
        ...


class LookupFailedError(ArrearsError):
    """The provider did not list the texts that it has sent."""
