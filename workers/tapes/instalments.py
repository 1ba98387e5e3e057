"""The instalments of a row: from its terms or its own list, with what has been paid of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

from config.readers.tape_mapping import Field, PaidBy, ScheduleKind
from domain.currencies import smallest_of
from domain.loans import ZERO, Component, Instalment
from domain.schedule import (
    drawn_due_day,
    level_payments,
    lump_sum,
    month_after,
    on_due_day,
    one_a_day,
    paid_by_component,
    paid_by_principal,
    paid_by_total,
    with_tolerance,
)
from domain.written_numbers import plain_digits
from workers.tapes.cells import Cells, Readings

LONGEST_TERM_MONTHS = 600
MOST_INSTALMENTS = 1_200
"""In a list. They may fall due every week or every day."""
PAID = "paid"
"""Stands in a list between what is due of an instalment and what is paid of it."""
_LISTED = "instalments as `2026-01-31 500.00 12.50; …`: date, principal, interest, fees"
_LISTED_IN_OTHER_MARKS = (
    "instalments as `2026-01-31 500.00 12.50; …`: date, principal, interest, fees; if your system "
    "writes {written}, write decimal_mark and thousands_mark under formats in the mapping "
    "(docs/files.md#formats)"
)
_LISTED_PAID = (
    "in every instalment, or in none, the word `paid` and as many amounts after it as before it: "
    "`2026-01-31 500.00 12.50 paid 400.00 12.50`"
)
_PAID_COLUMNS = {
    Component.PRINCIPAL: Field.PAID_PRINCIPAL,
    Component.INTEREST: Field.PAID_INTEREST,
    Component.FEES: Field.PAID_FEES,
}


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
    if cells.mapping.schedule is ScheduleKind.EXPLICIT and PAID in cells.text(Field.INSTALMENTS):
        _check_totals(cells, instalments)
        instalments = with_tolerance(instalments, cells.mapping.tolerance)
    else:
        instalments = _paid(cells, instalments)
    if cells.mapping.seen_on:
        day = drawn_due_day(loan_id, instalments, cells.mapping.seen_on)
        instalments = on_due_day(instalments, day)
    return instalments


def parts_of_instalments(cells: Cells, as_of: date) -> Iterator[Callable[[], object]]:
    """What `read_instalments` reads, each cell by itself, so that each can show its error."""
    match cells.mapping.schedule:
        case ScheduleKind.LEVEL_PAYMENT:
            yield partial(_issued, cells, as_of)
            yield partial(_due_day, cells)
            yield partial(cells.money, Field.INSTALMENT)
            yield partial(cells.money, Field.PRINCIPAL)
            yield partial(cells.rate, Field.ANNUAL_RATE_PERCENT)
            yield partial(_term, cells)
        case ScheduleKind.LUMP_SUM:
            yield partial(cells.money, Field.PRINCIPAL)
            yield partial(cells.money, Field.INTEREST)
            yield partial(cells.day, Field.DUE_ON)
        case ScheduleKind.EXPLICIT:
            yield partial(_listed, cells)
            if PAID in cells.text(Field.INSTALMENTS):
                yield from (
                    partial(cells.money, of)
                    for of in (Field.PAID_TOTAL, *_PAID_COLUMNS.values())
                    if cells.text(of)
                )
                return
    match cells.mapping.paid_by:
        case PaidBy.TOTAL:
            yield partial(cells.money, Field.PAID_TOTAL)
        case PaidBy.PRINCIPAL:
            yield partial(cells.money, Field.PAID_PRINCIPAL)
            yield partial(cells.money, Field.PAID_INTEREST)
        case PaidBy.COMPONENT:
            said = filter(cells.mapping.says, _PAID_COLUMNS.values())
            yield from (partial(cells.money, of) for of in said)


def _issued(cells: Cells, as_of: date) -> date:
    issued = cells.month(Field.ISSUE_MONTH)
    if issued > as_of:
        raise cells.refuse(Field.ISSUE_MONTH, "a month that is not after {as_of}", as_of=as_of)
    return issued


def _due_day(cells: Cells) -> int:
    # If the day is to be drawn, the payments must be allocated to the months first.
    return 1 if cells.mapping.seen_on else cells.whole(Field.DUE_DAY, 1, 31)


def _term(cells: Cells) -> int:
    return cells.whole(Field.TERM_MONTHS, 1, LONGEST_TERM_MONTHS)


def _level(cells: Cells, as_of: date) -> tuple[Instalment, ...]:
    issued = _issued(cells, as_of)
    day = _due_day(cells)
    instalment = cells.money(Field.INSTALMENT)
    try:
        return level_payments(
            principal=cells.money(Field.PRINCIPAL),
            annual_rate_percent=cells.rate(Field.ANNUAL_RATE_PERCENT),
            term_months=_term(cells),
            instalment=instalment,
            first_month=month_after(issued, 1, 1),
            due_day=day,
            smallest=smallest_of(cells.text(Field.CURRENCY)),
        )
    except ValueError:
        raise cells.refuse(
            Field.INSTALMENT, "an instalment that pays the loan back in its term at its rate"
        ) from None


def _listed(cells: Cells) -> tuple[Instalment, ...]:
    listed = plain_digits(cells.text(Field.INSTALMENTS))
    parts = [words for part in listed.split(";") if (words := part.split())]
    if len(parts) > MOST_INSTALMENTS:
        raise cells.refuse(
            Field.INSTALMENTS,
            "at most {most:,} instalments; this loan has {count:,}",
            most=MOST_INSTALMENTS,
            count=len(parts),
        )
    if not parts:
        raise cells.refuse(Field.INSTALMENTS, f"{_LISTED}; at least one")
    read = _with_paid if PAID in listed else _instalment
    days, amounts = cells.days, cells.amounts
    return one_a_day([read(cells, days, amounts, part) for part in parts])


def _with_paid(
    cells: Cells, days: Readings[date], amounts: Readings[Decimal], part: list[str]
) -> Instalment:
    """An instalment that says what is paid of it."""
    if part.count(PAID) != 1:
        raise cells.refuse(Field.INSTALMENTS, _LISTED_PAID)
    at = part.index(PAID)
    due = _instalment(cells, days, amounts, part[:at])
    paid = _instalment(cells, days, amounts, [part[0], *part[at + 1 :]])
    if len(part) != 2 * at:
        raise cells.refuse(Field.INSTALMENTS, _LISTED_PAID)
    found = replace(
        due, paid_principal=paid.principal, paid_interest=paid.interest, paid_fees=paid.fees
    )
    if any(found.unpaid_of(component) < ZERO for component in Component):
        raise cells.refuse(
            Field.INSTALMENTS, "not more paid of a part of an instalment than is due of it"
        )
    return found


def _instalment(
    cells: Cells, days: Readings[date], amounts: Readings[Decimal], part: list[str]
) -> Instalment:
    due_on = days[part[0]] if part else None
    found = [amount for text in part[1:] if (amount := amounts[text]) is not None]
    if due_on and len(found) < len(part) - 1:
        wrong = next(text for text in part[1:] if amounts[text] is None)
        if written := cells.in_other_marks(wrong):
            raise cells.refuse(Field.INSTALMENTS, _LISTED_IN_OTHER_MARKS, written=written)
    if due_on is None or not 1 <= len(found) <= 3 or len(found) < len(part) - 1:
        raise cells.refuse(Field.INSTALMENTS, _LISTED)
    principal, interest, fees = (*found, ZERO, ZERO)[:3]
    return Instalment(due_on, principal, interest, fees)


def _paid(cells: Cells, instalments: tuple[Instalment, ...]) -> tuple[Instalment, ...]:
    tolerance = cells.mapping.tolerance
    match cells.mapping.paid_by:
        case PaidBy.TOTAL:
            return paid_by_total(instalments, cells.money(Field.PAID_TOTAL), tolerance)
        case PaidBy.PRINCIPAL:
            paid_principal = cells.money(Field.PAID_PRINCIPAL)
            paid_interest = cells.money(Field.PAID_INTEREST)
            return paid_by_principal(instalments, paid_principal, paid_interest, tolerance)
        case PaidBy.COMPONENT:
            paid = {c: cells.money(of) for c, of in _PAID_COLUMNS.items() if cells.mapping.says(of)}
            if Component.FEES not in paid and any(i.fees for i in instalments):
                raise cells.refuse(
                    Field.PAID_FEES, "a column paid_fees in the mapping, because this loan has fees"
                )
            return paid_by_component(instalments, paid, tolerance)
        case PaidBy.INSTALMENT:
            raise cells.refuse(Field.INSTALMENTS, _LISTED_PAID)


def _check_totals(cells: Cells, instalments: Sequence[Instalment]) -> None:
    """Check that the totals of the row, if it has any, are the sums of its instalments."""
    totals = [
        (Field.PAID_TOTAL, sum(i.paid for i in instalments), sum(i.unpaid for i in instalments))
    ]
    for part, of in _PAID_COLUMNS.items():
        paid = sum(i.paid_of(part) for i in instalments)
        totals.append((of, paid, sum(i.unpaid_of(part) for i in instalments)))
    for of, paid, unpaid in totals:
        if not cells.text(of):
            continue
        total = cells.money(of)
        if total != paid and (unpaid or total < paid):
            raise cells.refuse(of, "the sum of what is paid of the instalments, or an empty cell")
