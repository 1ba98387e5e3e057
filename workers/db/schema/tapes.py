"""Loan tapes: their imports, what they changed, and what is left to do of one."""

from sqlalchemy import BigInteger, Column, Date, Index, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from domain.tape_imports import TapeImportStatus
from workers.db.schema.base import identity, metadata, moment, money, refers_to, word, words

tape_import = Table(
    "tape_import",
    metadata,
    identity(),
    Column("file_name", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("rows_taken", BigInteger, nullable=False),
    Column("rows_rejected", BigInteger, nullable=False),
    word("status", TapeImportStatus),
    # When the last of its loans was named; null: it was interrupted before, or it is of a version
    # that did not record it.
    moment("named_at", nullable=True),
    moment("imported_at"),  # when it began to change loans; once it is finished, when it ended
)

# Append only: which tape changed which loan, and what was past due before and after.
tape_change = Table(
    "tape_change",
    metadata,
    identity(),
    refers_to("tape_import"),
    refers_to("loan"),
    moment("at"),
    Column("delinquent_since_before", Date),  # null: nothing was past due, or the loan is new
    money("past_due_before", nullable=True),  # null: the tape imported the loan
    Column("delinquent_since_after", Date),
    money("past_due_after"),
    Index(None, "loan_id"),
)

# Until its loan is merged, nobody is contacted about it, and nobody whom its row names.
tape_pending_loan = Table(
    "tape_pending_loan",
    metadata,
    Column("external_id", Text, primary_key=True),  # the loan may not be on record yet
    refers_to("tape_import"),
    # The ids of the borrower rows that its row names and that are not its borrower or party yet, by
    # a customer id or by the same name and number; null: none.
    Column("records", ARRAY(BigInteger)),
    Index(
        "tape_pending_loan_records_idx",
        "records",
        postgresql_using="gin",
        postgresql_where="records IS NOT NULL",
    ),
)

# The row of the last tape that was merged for a loan, as keyed hashes. A row that is the same again
# is not read. A trigger deletes it when an instalment of the loan changes in any way.
tape_row = Table(
    "tape_row",
    metadata,
    refers_to("loan", primary_key=True),
    Column("digest", UUID(), nullable=False),  # of the bytes, and of all that reading depends on
    Column("customers", ARRAY(UUID()), nullable=False),  # the customer ids that it names …
    Column("persons", ARRAY(BigInteger), nullable=False),  # … and the person of each
    words("problems"),  # that were open when it was merged
)

# A loan that the full tapes of its mapping have left out. Once a tape shows it again, that is over.
absent_loan = Table(
    "absent_loan",
    metadata,
    identity(),
    refers_to("loan"),
    Column("since", Date, nullable=False),  # business date of the first tape without it
    moment("noted_at"),
    refers_to("hold", nullable=True),  # what stops contact; null: the mapping says that it goes on
    Column("back_on", Date),  # business date of the tape that shows it again
    moment("back_at", nullable=True),
    # Only one of them is open for each loan.
    Index("absent_loan_open_idx", "loan_id", unique=True, postgresql_where="back_at IS NULL"),
    Index(None, "loan_id"),
)
