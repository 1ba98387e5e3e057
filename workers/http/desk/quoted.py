"""A quote as the desk answers it: `quote_as_json`."""

from pydantic import BaseModel


class InstalmentQuoted(BaseModel):
    """What is to be paid on one day. Amounts are decimal strings."""

    due_on: str
    principal: str
    interest: str
    fees: str
    amount: str


class Quoted(BaseModel):
    """What an arrangement would mean. Amounts are decimal strings in `currency`."""

    kind: str
    terms: str
    as_of: str
    valid_until: str
    """The last day on which it can be accepted."""
    currency: str
    rate_percent: str
    """Percent a year."""
    day_count: str
    arranged: list[InstalmentQuoted]
    """The instalments of the arrangement."""
    after: list[InstalmentQuoted]
    """All that is to be paid if it is agreed."""
    interest: str
    fee: str
    interest_dropped: str
    """Interest of the old schedule that is not owed any more."""
    to_pay_before: str
    to_pay_after: str
    difference: str
    last_day_before: str
    last_day_after: str
    stops: list[str]
    goes_on: list[str]
    grace_days: int
    missed_ends_it: int
    cost_percent: str
    """Interest and fee a year, in percent of the principal for as long as it is owed."""
    cost_cap_percent: str | None
    cost_cap_citation: str | None
    who_may_agree: str
    """The lowest role."""
    pays_in_order: list[str] = []
    """What a payment pays first."""
    deferred_until: str | None = None
    """The last day of a deferral that ends then, whatever is unpaid."""


class Offered(Quoted):
    """A quote that was offered."""

    offer: int
    """Its number. The acceptance names it, once the arrangement was offered more than once."""
    known: bool
    """Whether exactly this was offered before, and nothing changed."""
