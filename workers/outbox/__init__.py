"""Delivers events to the lender's systems, in order for each loan, until they are accepted."""
