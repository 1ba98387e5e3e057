"""Reads what was lent, when it was paid out and at which rate. A tape need not say any of it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from config.readers.placeholders import is_placeholder
from config.readers.tape_formats import read_number
from config.readers.tape_mapping import Field, ScheduleKind
from domain.currencies import digits_of
from domain.loans import Instalment
from workers.tapes.cells import Cells


def read_original_principal(cells: Cells, currency: str) -> Decimal | None:
    """The amount lent. Without a column of its own, the principal from which the schedule is
    calculated.

    Raises:
        BadCellError: it is not an amount of the currency, or not more than zero.
    """
    if Field.ORIGINAL_PRINCIPAL not in cells.mapping.columns:
        if cells.mapping.schedule is ScheduleKind.EXPLICIT:
            return None
        return cells.money(Field.PRINCIPAL) or None
    formats, digits = cells.mapping.formats, digits_of(currency)
    text = cells.text(Field.ORIGINAL_PRINCIPAL)
    lent = read_number(text, formats.decimal_mark, formats.thousands_mark)
    # `is_placeholder` is made for ids and names: 5555 is one of those, and may well be an amount.
    if lent is None and (not text or is_placeholder(text)):
        return None
    if lent is None and (written := cells.in_other_marks(text)):
        raise cells.refuse(
            Field.ORIGINAL_PRINCIPAL,
            "the amount lent: more than zero, with at most {digits} digits after {mark}; if your "
            "system writes {written}, write decimal_mark and thousands_mark under formats in the "
            "mapping (docs/files.md#formats)",
            digits=digits,
            mark=formats.decimal_mark,
            written=written,
        )
    if not lent or lent != round(lent, digits):
        raise cells.refuse(
            Field.ORIGINAL_PRINCIPAL,
            "the amount lent: more than zero, with at most {digits} digits after {mark}",
            digits=digits,
            mark=formats.decimal_mark,
        )
    return round(lent, digits)


def read_annual_rate(cells: Cells) -> Decimal | None:
    """The rate of the contract, in percent a year.

    Raises:
        BadCellError: it is no rate from 0 to 1000.
    """
    of = Field.ANNUAL_RATE_PERCENT
    if of not in cells.mapping.columns:
        return None
    formats, text = cells.mapping.formats, cells.text(of)
    is_number = read_number(text, formats.decimal_mark, formats.thousands_mark) is not None
    # As above: 0 and 99 are placeholders of ids, and may well be rates.
    if not is_number and (not text or is_placeholder(text)):
        return None
    return cells.rate(of)


def read_disbursed_on(cells: Cells, instalments: Sequence[Instalment], as_of: date) -> date | None:
    """The day on which the loan was paid out.

    Raises:
        BadCellError: it is no date, or after the first due date, or after the day of the tape.
    """
    if not cells.known(Field.DISBURSED_ON):
        return None
    disbursed_on = cells.day(Field.DISBURSED_ON)
    if disbursed_on > min(instalments[0].due_on, as_of):
        raise cells.refuse(
            Field.DISBURSED_ON,
            "the day on which the loan was paid out: not after the first due date, and not after "
            "{as_of}, the day of the tape",
            as_of=as_of,
        )
    return disbursed_on
