"""A column that a tape lacks changes nothing; an empty cell of one that it has takes away."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Engine, select

from config.readers.tape_mapping import Field
from config.readers.tape_mapping_reader import load_mapping
from tests.support.loans import Book
from workers.db.schema import borrower, loan, loan_party
from workers.history import loan_history
from workers.tapes.import_tape import import_tape

ROW = {
    "loan": "L-1",
    "borrower": "C-1",
    "name": "Li Example",
    "phone": "13800138011",
    "phone_2": "13900139012",
    "phone_3": "13700137013",
    "address": "1 Example Road",
    "locale": "zh-Hans",
    "region": "440000",
    "zones": "Asia/Shanghai",
    "jurisdiction": "CN",
    "product": "consumer_loan",
    "currency": "CNY",
    "instalments": "2026-06-30 100.00",
    "paid_total": "0",
    "steps_tried": "",
    "original_principal": "90.00",
    "annual_rate_percent": "14.07",
    "disbursed_on": "2025-06-30",
    "co_borrower_1_id": "C-2",
    "co_borrower_1_name": "Chen Joint",
    "guarantor_1_id": "G-1",
    "guarantor_1_name": "Wu Example",
    "guarantor_1_phone": "13600136014",
    "guarantor_1_address": "9 Example Road",
    "guarantor_1_zones": "Asia/Urumqi",
    "guarantor_2_id": "G-2",
    "guarantor_2_name": "Zhao Example",
}
NEEDED = tuple(ROW)[:4] + tuple(ROW)[6:16]
OPTIONAL = tuple(column for column in ROW if column not in NEEDED)


class OnRecord(NamedTuple):
    """What a tape may have said of the loan."""

    numbers: tuple[str, ...]
    guarantor: tuple[str, ...]
    region: str | None
    zones: tuple[str, ...]
    has_address: bool
    lent: str
    rate: str
    disbursed_on: date | None
    parties: tuple[str, ...]


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-06 10:00")


def bring_in(book: Book, folder: Path, *, without: Sequence[str] = (), **cells: str) -> int:
    """Import the row without these columns; returns how many loans it changed."""
    found = {column: cell for column, cell in (ROW | cells).items() if column not in without}
    tape = folder / "tape.csv"
    tape.write_text(f"{','.join(found)}\n{','.join(found.values())}\n")
    mapping = load_mapping("arrears")
    if "region" in without:
        of_tape = {of: name for of, name in mapping.columns.items() if of is not Field.REGION}
        mapping = replace(mapping, columns=of_tape)
    return import_tape(book.ctx, tape, mapping, as_of=date(2026, 3, 1)).changed


def on_record(book: Book) -> OnRecord:
    records = {row.external_id: row for row in book.rows(select(borrower))}
    party = select(borrower.c.external_id).join(loan_party).where(loan_party.c.ended_at.is_(None))
    terms, guarantor = book.one(loan), records["G-1"]
    return OnRecord(
        numbers=tuple(book.numbers("C-1")),
        guarantor=(*book.numbers("G-1"), *guarantor.zones),
        region=records["C-1"].region,
        zones=tuple(records["C-1"].zones),
        has_address=guarantor.address_encrypted is not None,
        lent=str(terms.original_principal),
        rate=str(terms.annual_rate_percent),
        disbursed_on=terms.disbursed_on,
        parties=tuple(sorted(book.rows(party.order_by(borrower.c.external_id)), key=str)),
    )


def test_no_column_that_is_missing_takes_anything_away(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path)
    whole = on_record(book)
    assert len(whole.numbers) == len(whole.parties) == 3
    assert (whole.lent, whole.disbursed_on) == ("90.0000", date(2025, 6, 30))
    assert whole.rate == "14.07"

    guarantors = [column for column in OPTIONAL if column.startswith("guarantor")]
    second = [column for column in OPTIONAL if column.startswith("guarantor_2")]
    gone = [["phone_2", "phone_3"], ["phone_3"], ["original_principal"], ["disbursed_on"]]
    gone += [["annual_rate_percent"]]
    gone += [["guarantor_1_phone"], ["guarantor_1_address"], ["guarantor_1_zones"], ["region"]]
    gone += [second, guarantors, [c for c in OPTIONAL if c.startswith("co_borrower")]]
    for without in (*gone, OPTIONAL, [*OPTIONAL, "region"]):
        bring_in(book, tmp_path, without=without)
        assert on_record(book) == whole, without

    # One changed cell changes what it says, and nothing else.
    bring_in(book, tmp_path, without=OPTIONAL, phone="13800138099")
    numbers = ("+8613800138099", *whole.numbers[1:])
    assert on_record(book) == whole._replace(numbers=numbers)
    bring_in(book, tmp_path, without=second, guarantor_1_id="", guarantor_1_name="")
    assert [row.external_id for row in on_record(book).parties] == ["C-2", "G-2"]
    bring_in(book, tmp_path)
    assert on_record(book) == whole


def test_empty_cells_take_away(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path)
    whole = on_record(book)
    empty = dict.fromkeys(("phone_2", "phone_3", "region", "original_principal"), "")
    empty["annual_rate_percent"] = ""
    bring_in(book, tmp_path, disbursed_on="", guarantor_1_address="", **empty)
    found = on_record(book)
    assert found.numbers == whole.numbers[:1]
    assert (found.region, found.has_address) == (None, False)
    assert (found.lent, found.disbursed_on, found.rate) == ("None", None, "None")


def test_a_number_in_the_cell_of_another_goes_with_it(book: Book, tmp_path: Path) -> None:
    without = ("phone_2", "phone_3")
    bring_in(book, tmp_path, without=without, phone="13800138011/13900139012")
    assert len(on_record(book).numbers) == 2
    assert bring_in(book, tmp_path, without=without, phone="13800138011/13900139012") == 0
    bring_in(book, tmp_path, without=without)
    assert on_record(book).numbers == ("+8613800138011",)


def test_what_was_lent_is_in_the_story_of_the_loan(book: Book, tmp_path: Path) -> None:
    def story(language: str, **cells: str) -> str:
        bring_in(book, tmp_path, **cells)
        with book.ctx.engine.connect() as connection:
            return loan_history(connection, book.ctx, "L-1", language=language)[0].text

    assert "The amount lent was 90.00 CNY, paid out on 2025-06-30." in story("en")
    assert "The amount lent was 90.00 CNY." in story("en", disbursed_on="")
    assert "It was paid out on 2025-06-30." in story("en", original_principal="")
    assert "发放" in story("zh")
