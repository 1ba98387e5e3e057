"""The people of a sample tape, by the names on it. All of them are made up."""

import csv
from dataclasses import dataclass

from config.readers.tape_mapping import Field
from config.readers.tape_mapping_reader import load_mapping
from workers.simulator.demo.books import DemoBook


@dataclass(frozen=True, slots=True)
class Person:
    """A borrower, as they know themselves."""

    name: str
    address: str


def people_of(book: DemoBook) -> dict[str, Person]:
    """The borrower of each loan of a book, by the lender's own id of the loan."""
    columns = load_mapping(book.mapping).columns
    loan, name, address = (
        columns[field] for field in (Field.EXTERNAL_ID, Field.NAME, Field.ADDRESS)
    )
    with book.tape.open(encoding="utf-8", newline="") as tape:
        return {row[loan]: Person(row[name], row[address]) for row in csv.DictReader(tape)}
