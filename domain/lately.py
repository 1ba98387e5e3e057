"""How far back what a person reports may lie: beyond that, its year was mistyped."""

from datetime import date, timedelta

REPORTED_WITHIN = timedelta(days=180)
"""Shorter than a year, so that the year before is never taken for this one. What is older comes
from the lender's systems, which type nothing."""


def earliest_reported(today: date) -> date:
    """The first business date that a person may still report something of."""
    return today - REPORTED_WITHIN
