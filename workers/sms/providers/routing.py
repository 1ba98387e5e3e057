"""Which provider sends a text: the providers of the number's region, in order of preference."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import phonenumbers

from workers.sms.providers.port import SmsGateway

ALL_OTHER_REGIONS = "*"
"""All regions that have no route of their own."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One provider, and the sender name of the lender there."""

    provider: str
    sender: str
    """E.164, or another name under which the provider knows the lender."""
    gateway: SmsGateway
    takes_replies: bool = True
    """Whether people can answer it."""
    registered: frozenset[tuple[str, str]] | None = None
    """The templates and locales that it sends; None: it sends any words."""

    def sends(self, template: str, locale: str) -> bool:
        return self.registered is None or (template, locale) in self.registered


@dataclass(frozen=True, slots=True)
class Routes:
    """All senders, and which of them send to which region."""

    senders: Mapping[str, Sender]
    """By provider, including those without a route: they still list the texts that they sent."""
    by_region: Mapping[str, Sequence[str]]
    """Providers by region (ISO 3166) or `ALL_OTHER_REGIONS`, in order of preference."""

    def for_number(self, e164: str, refused_by: Collection[str] = ()) -> Sender | None:
        """The first provider of the number's route that has not refused; None if all have."""
        route = self.route_of(e164)
        return next((sender for sender in route if sender.provider not in refused_by), None)

    def route_of(self, e164: str) -> list[Sender]:
        """All senders of the number's route, in order of preference."""
        route = self.by_region.get(_region(e164), self.by_region[ALL_OTHER_REGIONS])
        return [self.senders[name] for name in route]

    def gateway_to(self, provider: str) -> SmsGateway | None:
        """The gateway of a provider that sent earlier; None if it is not configured any more."""
        sender = self.senders.get(provider)
        return sender.gateway if sender else None


def _region(e164: str) -> str:
    """The region of a number; if its range is not known, that of its country code."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return ALL_OTHER_REGIONS
    code = number.country_code or 0
    return phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        code
    )
