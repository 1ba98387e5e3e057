"""What a loan owes, for statements that add it up."""

UNPAID = """i.principal + i.interest + i.fees
                  - i.paid_principal - i.paid_interest - i.paid_fees"""
"""What is unpaid of an instalment `i`, due or not."""


def owed_on_day(loan_id: str) -> str:
    """Joins `owed`: what is unpaid of a loan, how much of that is principal, and how much is past
    due at the end of `:day`. `loan_id` is the SQL of its id."""
    return f"""CROSS JOIN LATERAL (
       SELECT coalesce(sum(i.principal - i.paid_principal), 0) AS principal,
              coalesce(sum(u.unpaid), 0) AS unpaid,
              coalesce(sum(u.unpaid) FILTER (WHERE i.counts_from < :day), 0) AS past_due
         FROM instalment i
        CROSS JOIN LATERAL (
              SELECT {UNPAID} AS unpaid) u
        WHERE i.loan_id = {loan_id}) owed"""  # noqa: S608 put together from constants
