"""What the house may say to a borrower about a loan, whichever channel carries the words."""

from __future__ import annotations

from datetime import date

from config.readers.templates import format_date, format_money
from workers.context import House
from workers.gate.claim import Claimed


def text_values(house: House, claimed: Claimed) -> dict[str, str]:
    """What a text may say about a loan: nothing that tells a stranger who owes."""
    locale = claimed.loan.locale
    due_on: date = claimed.loan.anchor_on
    return {
        "lender": house.settings.lender,
        "amount": format_money(claimed.arrears.amount, claimed.loan.currency, locale),
        "due_on": format_date(due_on, locale),
        "days_past_due": str(claimed.arrears.days_past_due),
        "phone": house.settings.lender_phone,
        "reference": claimed.loan.external_id,
    }
