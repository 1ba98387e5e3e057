"""The values that templates of texts and letters are filled in with."""

from __future__ import annotations

from config.readers.templates import format_date, format_money
from workers.context import Context
from workers.gate.claim import ClaimedAction


def text_values(ctx: Context, claimed: ClaimedAction) -> dict[str, str]:
    """What a text may say about a loan: nothing that identifies the borrower to a stranger."""
    locale = claimed.loan.locale
    due_on = claimed.arrears.delinquent_since or claimed.loan.ladder_since
    return {
        "lender": ctx.settings.lender,
        "amount": format_money(claimed.arrears.amount, claimed.loan.currency, locale),
        "due_on": format_date(due_on, locale),
        "days_past_due": str(claimed.arrears.days_past_due),
        "phone": ctx.settings.lender_phone,
        "reference": claimed.loan.external_id,
    }
