"""What is on record of a person's money: all of it is handed to them, and an erasure keeps it.

It has no name, number or address. It is kept because it proves what was owed, paid and contacted
for; it goes with the loan, when that is deleted.
"""

import pytest
from sqlalchemy import Engine, Numeric, select

from domain.actors import Actor
from tests.support.acting import acting_alone
from tests.support.events import pay, refund, restore, reverse, take_back_refund, tell
from tests.support.loans import Book
from workers.db.schema import metadata
from workers.payments.write_offs import write_off
from workers.privacy.subject_requests import erase_subject, export_subject

BY = Actor("sup-1")
DAY = "2026-03-02"

# Each column, by what it holds: ids and words that identify nobody, amounts, days, and who did it.
KEPT = {
    "instalment": "loan_id due_on counts_from principal interest fees paid_principal paid_interest "
    "paid_fees",
    "payment": "id external_id sender loan_id amount currency paid_on recorded_at unallocated "
    "returned is_recovery instalment in_tape_as_of reversed_on reversed_at",
    "payment_return": "id payment_id kind external_id sender amount undone returned_on recorded_at "
    "actor in_tape_as_of taken_back_on taken_back_at taken_back_by",
    "paid_by_tape": "id loan_id tape_as_of previous_tape payment_id amount",
    "allocation": "payment_id due_on component amount",
    "adjustment": "id external_id sender loan_id kind amount component instalment due_on booked_on "
    "actor why why_id recorded_at in_tape_as_of taken_back_on taken_back_at taken_back_by",
    "adjustment_part": "adjustment_id due_on component amount counts_from",
    "replaced_schedule": "id external_id sender loan_id restructured_on recorded_at actor why "
    "why_id tape_as_of instalments first_due_on last_due_on amount paid schedule_digest",
    "replaced_instalment": "replaced_schedule_id due_on principal interest fees paid_principal "
    "paid_interest paid_fees",
    "past_write_off": "loan_id written_off_at written_off_on written_off_by written_off_why "
    "written_off_why_id taken_back_on taken_back_at taken_back_by taken_back_why taken_back_why_id",
}
# They have amounts, too, and are about something else: a loan, a promise, a decision, a claim, a
# day.
NOT_MONEY = {
    *("loan", "promise", "promise_part", "promise_event"),
    *("decision", "tape_change", "legal_file", "legal_file_line"),
    *("loan_day", "loan_month", "daily_total"),
    *("dispute", "arrangement", "arrangement_instalment"),
}


@pytest.mark.parametrize("table", sorted(KEPT))
def test_somebody_has_said_of_each_column_that_it_is_kept(table: str) -> None:
    """A column that is new here may be personal data: then an erasure must empty it."""
    assert set(KEPT[table].split()) == set(metadata.tables[table].c.keys())


def test_every_table_of_money_is_named() -> None:
    with_amounts = {
        table.name
        for table in metadata.sorted_tables
        if any(isinstance(column.type, Numeric) for column in table.c)
    }
    assert with_amounts - NOT_MONEY == set(KEPT) - {"past_write_off"}


def test_a_person_gets_it_whole_and_an_erasure_changes_nothing_of_it(engine: Engine) -> None:
    book = Book(engine, now=f"{DAY} 10:00")
    book.staff("sup-1", "supervisor")
    book.loan("L-1", due_on="2026-03-01")
    money_of_every_kind(book)

    exported = export_subject(acting_alone(book.ctx, BY), "B-L-1", purpose="asked for")["data"]
    assert {table: set(exported[table][0]) for table in KEPT} == {
        table: set(columns.split()) for table, columns in KEPT.items()
    }
    before = stored(book)
    assert all(len(exported[table]) == len(before[table]) for table in KEPT)

    with book.ctx.engine.begin() as connection:
        write_off(connection, book.ctx, "L-1", book.ctx.today())
    erase_subject(acting_alone(book.ctx, BY), "B-L-1", why="asked", law="PIPL 47", dry_run=False)
    assert stored(book) == before


def money_of_every_kind(book: Book) -> None:
    of_loan = {"loan": "L-1", "actor": "c-1"}
    charge = {"component": "fees", "due_on": "2026-03-01", "currency": "CNY", "amount": "5"}
    tell(book, "charge", adjustment="A-1", booked_on=DAY, why="late", **charge, **of_loan)
    tell(book, "adjustment_reversal", adjustment="A-1", reversed_on=DAY, **of_loan)
    new = [{"due_on": "2026-04-01", "principal": "100"}]
    schedule = {"restructuring": "RS-1", "restructured_on": DAY, "instalments": new}
    tell(book, "restructuring", currency="CNY", why="agreed", **schedule, **of_loan)
    tell(book, "write_off", written_off_on=DAY, why="old", **of_loan)
    pay(book, "150")
    tell(book, "write_off_taken_back", taken_back_on=DAY, why="not so old", **of_loan)
    refund(book, "20")
    take_back_refund(book)
    reverse(book, amount="30", reversal="R-1")
    restore(book, reversal="R-1")
    book.at("2026-03-03 10:00")
    later = [{"due_on": "2026-05-01", "principal": "100"}]
    schedule = {"restructuring": "RS-2", "restructured_on": "2026-03-03", "instalments": later}
    tell(book, "restructuring", currency="CNY", why="agreed", paid="10", **schedule, **of_loan)


def stored(book: Book) -> dict[str, list[tuple[object, ...]]]:
    """All of it but the words that people typed, which an erasure empties."""
    tables = (metadata.tables[name] for name in KEPT)
    return {
        table.name: [
            tuple(row)
            for row in book.rows(
                select(*(column for column in table.c if not column.name.endswith("why"))).order_by(
                    *table.primary_key.columns
                )
            )
        ]
        for table in tables
    }
