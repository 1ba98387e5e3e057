"""What is owed, hidden in reasons and sentences from whoever may not see it."""

import re

from domain.reasons import Reason, Reasons

AMOUNTS = frozenset(
    {
        *("after", "agreed", "amount", "at_most", "before", "difference", "fee", "fees"),
        *("interest", "least", "old_amount", "old_paid", "original_principal", "owed", "paid"),
        *("past_due", "principal", "total"),
    }
)
"""The parameters that say how much is owed, was paid or is to be paid, where they are no counts."""

HIDDEN = "***"
"""Stands in a reason instead of an amount, for whoever may not see what is owed."""


def is_amount(name: str, value: object) -> bool:
    """Whether a parameter is an amount, which is a text. A count is a whole number."""
    return (
        name in AMOUNTS
        and isinstance(value, str)
        and value.replace(".", "", 1).lstrip("-").isdigit()
    )


def without_amounts(reasons: Reasons) -> Reasons:
    """The same reasons for somebody who may not see what is owed: each amount is `HIDDEN`."""
    return tuple(
        Reason(
            reason.code,
            {
                name: HIDDEN if is_amount(name, value) else value
                for name, value in reason.params.items()
            },
        )
        for reason in reasons
    )


_AMOUNT_IN_SENTENCE = re.compile(r"\d[\d.,]*(?=\s?[A-Z]{3}\b)|\d+\.\d+")


def amounts_hidden_in(said: str) -> str:
    """A sentence for somebody who may not see what is owed: each number before the code of a
    currency, or with decimal places, is `HIDDEN`."""
    return _AMOUNT_IN_SENTENCE.sub(HIDDEN, said)
