"""Reads a loan tape row by row, in constant memory; good and bad rows in the file's order."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from config.readers.formats import IDENTIFIER, JURISDICTION, is_currency
from config.readers.tape_mapping import Field, TapeMapping
from domain.loans import LoanOnTape
from workers.tapes.borrowers import read_borrower
from workers.tapes.cells import Cells
from workers.tapes.csv_lines import Progress, TapeRow, read_header, read_rows
from workers.tapes.customer_ids import CustomerIds
from workers.tapes.instalments import read_instalments
from workers.tapes.known_values import KnownValues
from workers.tapes.parties import read_parties, refuse_borrower_as_party
from workers.tapes.row_errors import BadCellError, RowError, TapeError
from workers.tapes.seen_loans import SeenLoans
from workers.tapes.status_comparison import StatusTally

_BETWEEN_STEPS = re.compile(r"[;\s]+")


def read_tape(
    path: Path,
    mapping: TapeMapping,
    as_of: date,
    *,
    progress: Progress | None = None,
    statuses: StatusTally | None = None,
    known: KnownValues | None = None,
) -> Iterator[LoanOnTape | RowError]:
    """Every loan of the tape, or the first error of its row.

    A tape with customer ids is read twice: first to find ids that two people have.

    Args:
        path: the file: CSV in UTF-8, one header line, one loan a line.
        mapping: how to read it.
        as_of: the business date of the tape; no loan may be issued after it.
        progress: called with the rows and bytes read so far, every few hundred rows and at the end.
        statuses: counts for each good loan the lender's status and the status by days past due.
        known: the steps and locales that exist; without it, all well-formed ones are accepted.

    Raises:
        TapeError: the file as a whole cannot be read.
    """
    mapping = mapping_of_tape(mapping, path)
    columns = tuple(mapping.columns.values())
    with SeenLoans() as seen, CustomerIds() as ids:
        ids.read(path, mapping)
        for row in read_rows(path, columns, progress):
            if isinstance(row, RowError):
                yield row
                continue
            cells = Cells(mapping, row.cells)
            try:
                loan = _loan(row, cells, seen, ids, as_of, known)
            except BadCellError as bad:
                yield bad.on_line(row.line)
                continue
            if statuses:
                statuses.count(loan, cells.text(Field.LENDER_STATUS))
            yield loan


def mapping_of_tape(mapping: TapeMapping, path: Path) -> TapeMapping:
    """The mapping without the optional columns that the tape lacks.

    Raises:
        TapeError: the tape has columns of another party and none for the name: nobody would be
            that party.
    """
    found = mapping.of_tape(read_header(path))
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


def _loan(
    row: TapeRow,
    cells: Cells,
    seen: SeenLoans,
    ids: CustomerIds,
    as_of: date,
    known: KnownValues | None,
) -> LoanOnTape:
    loan_id = cells.needed(Field.EXTERNAL_ID, "the loan's own reference")
    if earlier := seen.earlier_line(loan_id, row.line):
        raise cells.refuse(
            Field.EXTERNAL_ID,
            "each loan once; line {earlier} has the same reference",
            earlier=earlier,
        )
    refuse_borrower_as_party(cells)
    borrower, problems = read_borrower(cells, row.line, loan_id, ids, known)
    return LoanOnTape(
        external_id=loan_id,
        borrower=borrower,
        jurisdiction=_jurisdiction(cells),
        product=cells.matching(
            Field.PRODUCT, IDENTIFIER.fullmatch, "a product, such as consumer_loan"
        ),
        currency=cells.matching(Field.CURRENCY, is_currency, "a currency, such as CNY or USD"),
        instalments=read_instalments(cells, loan_id, as_of),
        steps_tried=_steps_tried(cells, known),
        problems=problems,
        parties=read_parties(cells, row.line, loan_id, borrower, ids, known),
    )


def _jurisdiction(cells: Cells) -> str:
    """From a column of the tape, else from the region, else the constant of the mapping."""
    region = cells.mapping.regions.get(cells.text(Field.REGION))
    if region and region.jurisdiction and Field.JURISDICTION not in cells.mapping.columns:
        return region.jurisdiction
    return cells.matching(
        Field.JURISDICTION, JURISDICTION.fullmatch, "a jurisdiction, such as CN or US-MA"
    )


def _steps_tried(cells: Cells, known: KnownValues | None) -> tuple[str, ...]:
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
