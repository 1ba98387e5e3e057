"""A quote as JSON: as programs read it, and as it is kept when it was shown to a borrower.

Amounts are decimal strings with the places of the currency.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from domain.actors import Role
from domain.amortisation import DayCount
from domain.arrangements import ArrangementKind, Effect
from domain.compliance.money_cap import Cap, CapKind
from domain.compliance.rules import Confidence, Source
from domain.currencies import decimal_string
from domain.loans import Component, Instalment
from domain.quotes import Quote


def quote_as_json(found: Quote) -> dict[str, Any]:
    """The quote, with nothing left out."""

    def amount(value: Decimal) -> str:
        return decimal_string(value, found.currency)

    def rows(instalments: Sequence[Instalment]) -> list[dict[str, str]]:
        return [
            {
                "due_on": each.due_on.isoformat(),
                "principal": amount(each.principal),
                "interest": amount(each.interest),
                "fees": amount(each.fees),
                "amount": amount(each.amount),
            }
            for each in instalments
        ]

    cap = found.cost_cap
    return {
        "kind": found.kind,
        "terms": found.terms,
        "as_of": found.as_of.isoformat(),
        "valid_until": found.valid_until.isoformat(),
        "currency": found.currency,
        "rate_percent": f"{found.rate_percent:f}",
        "day_count": found.day_count,
        "arranged": rows(found.arranged),
        "after": rows(found.after),
        "interest": amount(found.interest),
        "fee": amount(found.fee),
        "interest_dropped": amount(found.interest_dropped),
        "to_pay_before": amount(found.to_pay_before),
        "to_pay_after": amount(found.to_pay_after),
        "difference": amount(found.difference),
        "last_day_before": found.last_day_before.isoformat(),
        "last_day_after": found.last_day_after.isoformat(),
        "stops": list(found.stops),
        "goes_on": list(found.goes_on),
        "grace_days": found.grace_days,
        "missed_ends_it": found.missed_ends_it,
        "cost_percent": f"{found.cost_percent:f}",
        "cost_cap_percent": f"{cap.at_most:f}" if cap else None,
        "cost_cap_citation": cap.source.citation if cap else None,
        "cost_cap_confidence": cap.source.confidence if cap else None,
        "who_may_agree": found.who_may_agree,
        "pays_in_order": list(found.pays_in_order),
        **({"deferred_until": until.isoformat()} if (until := found.deferred_until) else {}),
    }


def digest_of_quote(shown: Mapping[str, Any]) -> str:
    """The digest of a quote as JSON: two are the same if they mean the same to the cent.

    In which order payments are allocated changes nothing of what is to be paid.
    """
    meant = {name: value for name, value in shown.items() if name != "pays_in_order"}
    written = json.dumps(meant, sort_keys=True, ensure_ascii=False)
    return sha256(written.encode()).hexdigest()


def quote_from_json(shown: Mapping[str, Any]) -> Quote:
    """A quote that was kept, to be shown again in any language."""

    def day(name: str) -> date:
        return date.fromisoformat(shown[name])

    def rows(name: str) -> tuple[Instalment, ...]:
        return tuple(
            Instalment(
                date.fromisoformat(each["due_on"]),
                Decimal(each["principal"]),
                Decimal(each["interest"]),
                Decimal(each["fees"]),
            )
            for each in shown[name]
        )

    amounts = ("interest", "fee", "interest_dropped", "to_pay_before", "to_pay_after")
    at_most = shown["cost_cap_percent"]
    cap = None
    if at_most is not None:
        confidence = Confidence(shown["cost_cap_confidence"])
        source = Source(shown["cost_cap_citation"], confidence)
        cap = Cap(CapKind.YEARLY_COST_PERCENT, Decimal(at_most), source)
    return Quote(
        kind=ArrangementKind(shown["kind"]),
        terms=shown["terms"],
        as_of=day("as_of"),
        valid_until=day("valid_until"),
        currency=shown["currency"],
        rate_percent=Decimal(shown["rate_percent"]),
        day_count=DayCount(shown["day_count"]),
        arranged=rows("arranged"),
        after=rows("after"),
        **{name: Decimal(shown[name]) for name in amounts},
        last_day_before=day("last_day_before"),
        last_day_after=day("last_day_after"),
        stops=tuple(map(Effect, shown["stops"])),
        goes_on=tuple(map(Effect, shown["goes_on"])),
        grace_days=shown["grace_days"],
        missed_ends_it=shown["missed_ends_it"],
        cost_percent=Decimal(shown["cost_percent"]),
        cost_cap=cap,
        who_may_agree=Role(shown["who_may_agree"]),
        pays_in_order=tuple(map(Component, shown.get("pays_in_order", ()))),
        deferred_until=day("deferred_until") if "deferred_until" in shown else None,
    )
