"""Reads a wrong row again, part by part, to name every error in it.

A good row is read once (`read_row.py`), and stops at its first error, which is faster.
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial

from config.readers.formats import is_currency
from config.readers.tape_mapping import Field
from workers.tapes.borrowers import parts_of_borrower, read_borrower
from workers.tapes.cells import Cells
from workers.tapes.disbursements import (
    read_annual_rate,
    read_disbursed_on,
    read_original_principal,
)
from workers.tapes.instalments import parts_of_instalments, read_instalments
from workers.tapes.known_values import KnownValues
from workers.tapes.parties import parts_of_parties, read_parties, refuse_borrower_as_party
from workers.tapes.read_row import (
    read_currency,
    read_jurisdiction,
    read_loan_id,
    read_product,
    read_steps_tried,
)
from workers.tapes.restructured import read_restructured_on
from workers.tapes.row_errors import BadCellError, RowError

Part = Callable[[], object]


def all_errors(
    first: RowError, cells: Cells, as_of: date, known: KnownValues | None
) -> list[RowError]:
    """Every error of a row: one for each column, in the order in which the parts are read.

    `first` is the error at which the row was given up.
    """
    errors = {first.column: first}
    for part in _parts(cells, as_of, known):
        try:
            part()
        except BadCellError as bad:
            error = bad.on_line(first.line, first.loan)
            errors.setdefault(error.column, error)
    return [*errors.values()]


def _parts(cells: Cells, as_of: date, known: KnownValues | None) -> Iterator[Part]:
    loan_id = cells.text(Field.EXTERNAL_ID)
    yield partial(read_loan_id, cells)
    yield partial(refuse_borrower_as_party, cells)
    yield from parts_of_borrower(cells, loan_id, known)
    yield partial(read_currency, cells)
    yield from parts_of_instalments(cells, as_of)
    yield partial(read_jurisdiction, cells)
    yield partial(read_product, cells)
    currency = cells.text(Field.CURRENCY)
    if is_currency(currency):
        yield partial(read_original_principal, cells, currency)
    yield lambda: read_disbursed_on(cells, read_instalments(cells, loan_id, as_of), as_of)
    if cells.known(Field.DISBURSED_ON):
        yield partial(cells.day, Field.DISBURSED_ON)
    yield partial(read_annual_rate, cells)
    yield partial(read_restructured_on, cells, as_of)
    yield partial(read_steps_tried, cells, known)
    yield from parts_of_parties(cells, loan_id, known)
    yield lambda: read_parties(cells, loan_id, read_borrower(cells, loan_id, known)[0], known)
