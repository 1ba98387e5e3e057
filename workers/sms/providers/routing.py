"""Who sends a text: the providers of the number's region, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import phonenumbers

from workers.sms.providers.port import SmsGateway

ELSEWHERE = "*"
"""All regions that have no route of their own."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One provider, and who the lender is to it."""

    provider: str
    sender: str
    """E.164, or whatever else the provider knows the lender's sender by."""
    gateway: SmsGateway


@dataclass(frozen=True, slots=True)
class Routes:
    """All senders of the house, and who of them sends to which region."""

    senders: Mapping[str, Sender]
    """By provider. One that no route names any more is still asked what became of its texts."""
    by_region: Mapping[str, Sequence[str]]
    """Providers by region (ISO 3166) or `ELSEWHERE`, the first one first."""

    def for_number(self, e164: str, refused_by: Collection[str] = ()) -> Sender | None:
        """The first provider of the number's route that has not refused; None: all of them have."""
        route = self.by_region.get(_region(e164), self.by_region[ELSEWHERE])
        return next((self.senders[one] for one in route if one not in refused_by), None)

    def gateway_to(self, provider: str) -> SmsGateway | None:
        """The way to a provider that sent earlier; None: it is not set up here any more."""
        sender = self.senders.get(provider)
        return sender.gateway if sender else None


def _region(e164: str) -> str:
    """The region of a number; where its range is not known, the region of its country code."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return ELSEWHERE
    code = number.country_code or 0
    return phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        code
    )
