"""The daily history: the states of loans, the book at the end of each month, totals of each day.

Rows are added and never changed: whatever was known on a day can be said years later. A correction
is a new row.
"""

from sqlalchemy import BigInteger, Column, Date, Index, Integer, Table, Text

from domain.daily_totals import Closed, Measure
from domain.holds import HoldKind
from domain.loan_states import Standing
from workers.db.schema.base import identity, metadata, moment, money, refers_to, word

# Append only: one row each time that the state of a loan changed. It holds from its day on until
# the day of the loan's next row; of two rows of one day the later one counts at the day's end. A
# loan without a row was never past due.
loan_day = Table(
    "loan_day",
    metadata,
    identity(),
    refers_to("loan"),
    Column("day", Date, nullable=False),
    moment("recorded_at"),
    word("standing", Standing),
    Column("delinquent_since", Date),
    Column("bucket", Text),  # null: written off, or the lender has no buckets
    Column("step", Text),
    word("hold", HoldKind, nullable=True),
    # In the loan's currency, when the row was written:
    money("past_due"),
    money("principal"),  # that is unpaid, whether it is due or not
    money("unpaid"),  # all that is unpaid of the schedule as it is known
    Index(None, "loan_id", "day", "id"),
    # Who comes into another bucket by the calendar alone.
    Index(
        "loan_day_delinquent_since_idx",
        "delinquent_since",
        postgresql_where="delinquent_since IS NOT NULL",
    ),
)

# Append only: one row for each loan on the book at the end of each month.
loan_month = Table(
    "loan_month",
    metadata,
    # The day comes first in the key: one index finds a month, and the months of a loan.
    Column("month_end", Date, primary_key=True),
    refers_to("loan", primary_key=True),
    # whose it was then: records may be joined and divided later
    Column("person_id", BigInteger, nullable=False),
    moment("taken_at"),
    # At the end of that day:
    word("standing", Standing),
    Column("delinquent_since", Date),
    Column("bucket", Text),
    Column("step", Text),
    word("hold", HoldKind, nullable=True),
    # When it was taken:
    money("past_due"),
    money("principal"),
    money("unpaid"),
)

# Append only: numbers of a day, written once when it is closed.
daily_total = Table(
    "daily_total",
    metadata,
    identity(),
    Column("day", Date, nullable=False),  # on which it was recorded …
    Column("value_day", Date, nullable=False),  # … and on which it happened
    word("measure", Measure),
    Column("product", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("step", Text),  # null: the loan was not on a step
    Column("team", Text),  # null: nobody did it, or they were in no team
    Column("number", Integer, nullable=False),
    money("amount", nullable=True),  # null: it is not about money
    Index(None, "day", "measure"),
)

# What was closed, once.
closed_day = Table(
    "closed_day",
    metadata,
    Column("day", Date, primary_key=True),
    word("what", Closed, primary_key=True),
    moment("closed_at"),
)
