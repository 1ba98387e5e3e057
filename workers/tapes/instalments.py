"""The instalments of a row: from its terms or its own list, with what has been paid of them."""

from datetime import date

from config.readers.tape_mapping import Field, PaidBy, ScheduleKind
from domain.loans import ZERO, Instalment
from domain.schedule import (
    drawn_due_day,
    level_payments,
    lump_sum,
    month_after,
    on_due_day,
    paid_by_principal,
    paid_by_total,
)
from domain.written_numbers import plain_digits
from workers.tapes.cells import Cells

LONGEST_TERM_MONTHS = 600
MOST_INSTALMENTS = 1_200
"""In a list. They may fall due every week or every day."""
_LISTED = "instalments as `2026-01-31 500.00 12.50; …`: date, principal, interest, fees"


def read_instalments(cells: Cells, loan_id: str, as_of: date) -> tuple[Instalment, ...]:
    """All instalments in due order, with what has been paid of each.

    Raises:
        BadCellError: a figure is wrong, or the figures do not fit each other.
    """
    match cells.mapping.schedule:
        case ScheduleKind.LEVEL_PAYMENT:
            instalments = _level(cells, as_of)
        case ScheduleKind.LUMP_SUM:
            principal, interest = cells.money(Field.PRINCIPAL), cells.money(Field.INTEREST)
            instalments = lump_sum(principal, interest, cells.day(Field.DUE_ON))
        case ScheduleKind.EXPLICIT:
            instalments = _listed(cells)
    instalments = _paid(cells, instalments)
    if cells.mapping.seen_on:
        day = drawn_due_day(loan_id, instalments, cells.mapping.seen_on)
        instalments = on_due_day(instalments, day)
    return instalments


def _level(cells: Cells, as_of: date) -> tuple[Instalment, ...]:
    issued = cells.month(Field.ISSUE_MONTH)
    if issued > as_of:
        raise cells.refuse(Field.ISSUE_MONTH, "a month that is not after {as_of}", as_of=as_of)
    # If the day is to be drawn, the payments must be allocated to the months first.
    day = 1 if cells.mapping.seen_on else cells.whole(Field.DUE_DAY, 1, 31)
    instalment = cells.money(Field.INSTALMENT)
    try:
        return level_payments(
            principal=cells.money(Field.PRINCIPAL),
            annual_rate_percent=cells.rate(Field.ANNUAL_RATE_PERCENT),
            term_months=cells.whole(Field.TERM_MONTHS, 1, LONGEST_TERM_MONTHS),
            instalment=instalment,
            first_month=month_after(issued, 1, 1),
            due_day=day,
        )
    except ValueError:
        raise cells.refuse(
            Field.INSTALMENT, "an instalment that pays the loan back in its term at its rate"
        ) from None


def _listed(cells: Cells) -> tuple[Instalment, ...]:
    listed = plain_digits(cells.text(Field.INSTALMENTS))
    parts = [part.split() for part in listed.split(";") if part.strip()]
    if len(parts) > MOST_INSTALMENTS:
        raise cells.refuse(
            Field.INSTALMENTS,
            "at most {most:,} instalments; this loan has {count:,}",
            most=MOST_INSTALMENTS,
            count=len(parts),
        )
    instalments = sorted((_instalment(cells, part) for part in parts), key=lambda i: i.due_on)
    days = {instalment.due_on for instalment in instalments}
    if not instalments or len(days) < len(instalments):
        raise cells.refuse(Field.INSTALMENTS, f"{_LISTED}; at least one, and no day twice")
    return tuple(instalments)


def _instalment(cells: Cells, part: list[str]) -> Instalment:
    due_on = cells.day_in(part[0])
    amounts = [cells.amount(text) for text in part[1:]]
    if due_on is None or not 1 <= len(amounts) <= 3:
        raise cells.refuse(Field.INSTALMENTS, _LISTED)
    principal, interest, fees = [*amounts, ZERO, ZERO][:3]
    if principal is None or interest is None or fees is None:
        raise cells.refuse(Field.INSTALMENTS, _LISTED)
    return Instalment(due_on, principal, interest, fees)


def _paid(cells: Cells, instalments: tuple[Instalment, ...]) -> tuple[Instalment, ...]:
    tolerance = cells.mapping.tolerance
    if cells.mapping.paid_by is PaidBy.TOTAL:
        return paid_by_total(instalments, cells.money(Field.PAID_TOTAL), tolerance)
    return paid_by_principal(
        instalments,
        cells.money(Field.PAID_PRINCIPAL),
        cells.money(Field.PAID_INTEREST),
        tolerance,
    )
