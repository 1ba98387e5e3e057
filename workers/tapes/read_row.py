"""Reads one row of a tape: the loan that it is, or its first error.

What only the whole tape shows is found elsewhere (workers/tapes/contradictions.py): a loan that
stands twice, and a customer id that stands for two people.
"""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from config.readers.formats import IDENTIFIER, JURISDICTION, is_currency
from config.readers.tape_mapping import Field, TapeMapping
from domain.loans import LoanOnTape
from workers.tapes.borrowers import read_borrower
from workers.tapes.cells import Cells
from workers.tapes.csv_lines import TapeRow
from workers.tapes.disbursements import (
    read_annual_rate,
    read_disbursed_on,
    read_original_principal,
)
from workers.tapes.instalments import read_instalments
from workers.tapes.known_values import KnownValues
from workers.tapes.parties import read_parties, refuse_borrower_as_party
from workers.tapes.restructured import read_restructured_on
from workers.tapes.row_errors import BadCellError, RowError, TapeError

_BETWEEN_STEPS = re.compile(r"[;；\s]+")


def mapping_of_tape(mapping: TapeMapping, path: Path, header: Sequence[str]) -> TapeMapping:
    """The mapping without the optional columns that the tape lacks.

    Raises:
        TapeError: the tape has columns of another party and none for the name: nobody would be
            that party.
    """
    found = mapping.of_tape(header)
    if (nameless := found.nameless_party()) is not None:
        name = re.sub(r"_[a-z]+$", "_name", nameless)
        raise TapeError(
            "{path} line 1: the header has the column {column}, and not {name}, the "
            "name of that party. Export the tape with it.",
            path=path,
            column=found.columns[nameless],
            name=mapping.columns[Field(name)],
        )
    return found


def read_row(
    row: TapeRow, mapping: TapeMapping, as_of: date, known: KnownValues | None
) -> LoanOnTape | RowError:
    """The loan of a row, or the first error in it.

    `as_of` is the business date of the tape; no loan may be issued after it. `known` are the steps
    and locales that exist; without it, all well-formed ones are accepted.
    """
    try:
        return _loan(Cells(mapping, row.cells), as_of, known)
    except BadCellError as bad:
        return bad.on_line(row.line)


def _loan(cells: Cells, as_of: date, known: KnownValues | None) -> LoanOnTape:
    loan_id = read_loan_id(cells)
    refuse_borrower_as_party(cells)
    borrower, problems = read_borrower(cells, loan_id, known)
    currency = read_currency(cells)
    instalments = read_instalments(cells, loan_id, as_of)
    return LoanOnTape(
        external_id=loan_id,
        borrower=borrower,
        jurisdiction=read_jurisdiction(cells),
        product=read_product(cells),
        currency=currency,
        instalments=instalments,
        original_principal=read_original_principal(cells, currency),
        disbursed_on=read_disbursed_on(cells, instalments, as_of),
        annual_rate_percent=read_annual_rate(cells),
        restructured_on=read_restructured_on(cells, as_of),
        steps_tried=read_steps_tried(cells, known),
        problems=problems,
        parties=read_parties(cells, loan_id, borrower, known),
    )


def read_loan_id(cells: Cells) -> str:
    """The lender's id of the loan."""
    expected = "the loan's own reference"
    return cells.id(Field.EXTERNAL_ID, expected) or cells.needed(Field.EXTERNAL_ID, expected)


def read_currency(cells: Cells) -> str:
    """The currency, as ISO 4217."""
    return cells.matching(Field.CURRENCY, is_currency, "a currency, such as CNY or USD")


def read_product(cells: Cells) -> str:
    """The product, which a ladder may be for."""
    return cells.matching(Field.PRODUCT, IDENTIFIER.fullmatch, "a product, such as consumer_loan")


def read_jurisdiction(cells: Cells) -> str:
    """From a column of the tape, else from the region, else the constant of the mapping."""
    region = cells.mapping.regions.get(cells.text(Field.REGION))
    if region and region.jurisdiction and Field.JURISDICTION not in cells.mapping.columns:
        return region.jurisdiction
    return cells.matching(
        Field.JURISDICTION, JURISDICTION.fullmatch, "a jurisdiction, such as CN or US-MA"
    )


def read_steps_tried(cells: Cells, known: KnownValues | None) -> tuple[str, ...]:
    """The steps of a ladder that were tried before."""
    steps = tuple(step for step in _BETWEEN_STEPS.split(cells.text(Field.STEPS_TRIED)) if step)
    if not all(IDENTIFIER.fullmatch(step) for step in steps):
        raise cells.refuse(Field.STEPS_TRIED, "steps of a ladder, such as remind;enquire")
    if known and not set(steps) <= set(known.steps):
        raise cells.refuse(
            Field.STEPS_TRIED,
            "steps of a ladder with ; between them, of {steps}",
            steps=", ".join(known.steps),
        )
    return steps
