"""Tapes of two days, and who is who on record after them."""

from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select

from config.readers.tape_mapping_reader import load_mapping
from tests.support.events import tell
from tests.support.loans import Book
from workers.db.schema import borrower, problem, same_person
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.tapes.import_tape import ImportReport, import_tape

COLUMNS = (
    "loan,borrower,name,phone,address,locale,region,zones,jurisdiction,product,currency,"
    "instalments,paid_total,steps_tried"
)
DAY_1, DAY_2 = date(2026, 3, 5), date(2026, 3, 6)
NUMBER, OTHER_NUMBER = "13800138011", "13900139012"


def row(
    loan_id: str,
    customer: str = "C-1",
    name: str = "Li Example",
    phone: str = NUMBER,
    address: str = "1 Example Road",
    zones: str = "Asia/Shanghai",
) -> str:
    return (
        f"{loan_id},{customer},{name},{phone},{address},zh-Hans,440000,{zones},CN,consumer_loan,"
        "CNY,2026-03-05 100.00,0,"
    )


def bring_in(
    book: Book, folder: Path, *rows: str, as_of: date = DAY_1, keep_good: bool = False
) -> ImportReport:
    tape = folder / "tape.csv"
    tape.write_text("\n".join((COLUMNS, *rows)) + "\n")
    return import_tape(book.ctx, tape, load_mapping("arrears"), as_of=as_of, keep_good=keep_good)


def persons(book: Book) -> dict[str, int]:
    return {record.external_id: record.person_id for record in book.rows(borrower)}


def number_of(book: Book, customer: str = "C-1") -> str | None:
    return next(iter(book.numbers(customer)), None)


def links(book: Book) -> list[tuple[str, str]]:
    return [(link.status, link.reason[0].code) for link in book.rows(same_person)]


def open_problems(book: Book) -> list[Any]:
    return book.rows(select(problem).where(problem.c.resolved_at.is_(None)))


def change_number(book: Book, phone: str | None, customer: str = "C-1") -> None:
    facts = ContactChangeFacts(borrower=customer, phone=phone)
    changed = tell(book, "contact_change", **facts.payload(book.ctx.cipher))
    assert changed.status == "applied", changed.reason
