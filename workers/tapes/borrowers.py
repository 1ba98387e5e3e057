"""Reads the borrower of a row, with the telephone number and the time zones.

A wrong number or a missing zone does not reject the loan. It becomes a `Problem`: the borrower then
has no number, or no zone and so no hour at which a contact is lawful.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from phonenumbers import PhoneNumber

from config.readers.formats import LOCALE, is_zone
from config.readers.placeholders import is_placeholder
from config.readers.regions import Region
from config.readers.tape_mapping import PHONES, Field
from domain.loans import Borrower, Problem
from domain.persons import FORMER, OF_LOAN, borrower_of_loan
from domain.reasons import ReasonCode, because
from domain.written_numbers import plain_digits
from workers.tapes.cells import Cells
from workers.tapes.invented_contacts import made_address, made_name, made_phone
from workers.tapes.known_values import KnownValues
from workers.tapes.numbers import read_cell, read_numbers, written, zones_of_number

_BETWEEN_ZONES = re.compile(r"[;；\s]+")


def read_borrower(
    cells: Cells, loan_id: str, known: KnownValues | None
) -> tuple[Borrower, tuple[Problem, ...]]:
    """The borrower, and the problems of their contact details. A borrower without an id on the tape
    gets that of the loan, in a space of its own.

    Raises:
        BadCellError: the id is no id; there is no name; a cell has numbers that cannot be told
            apart; the locale is not one or has no templates; a zone or the region is misspelt.
    """
    id = _id(cells, loan_id)
    locale = _locale(cells, known)
    name, texts, address = _contacts(cells, loan_id)
    numbers, phone_problems = read_numbers(texts, cells)
    zones, zone_problems = _zones(cells, numbers)
    problems = phone_problems + zone_problems
    if is_placeholder(address):
        address = ""
        problems += (Problem("address_missing", because(ReasonCode.ADDRESS_MISSING)),)
    borrower = Borrower(
        external_id=id,
        name=name,
        phone=written(numbers[0]),
        phone_2=written(numbers[1]),
        phone_3=written(numbers[2]),
        address=address or None,
        zones=zones,
        locale=locale,
        region=cells.text(Field.REGION) or None,
    )
    return borrower, problems


def parts_of_borrower(
    cells: Cells, loan_id: str, known: KnownValues | None
) -> Iterator[Callable[[], object]]:
    """What `read_borrower` reads, each part by itself, so that each can show its error."""
    yield partial(_id, cells, loan_id)
    yield partial(_locale, cells, known)
    yield partial(_contacts, cells, loan_id)
    if not cells.mapping.made_contacts:
        for of in PHONES:
            yield partial(read_cell, of, plain_digits(cells.text(of)), cells)
    yield partial(_zones_of_address, cells)
    yield partial(_region, cells)


def _id(cells: Cells, loan_id: str) -> str:
    expected = "the lender's own id of the customer, or an empty cell"
    id = cells.id(Field.BORROWER_ID, expected)
    for prefix in (OF_LOAN, FORMER):
        if id.startswith(prefix):
            raise cells.refuse(
                Field.BORROWER_ID, expected + "; no id begins with {prefix}", prefix=prefix
            )
    return id or borrower_of_loan(loan_id)


def _locale(cells: Cells, known: KnownValues | None) -> str:
    locale = cells.matching(Field.LOCALE, LOCALE.fullmatch, "a locale, such as zh-Hans or en")
    if known and not known.has_templates(locale):
        raise cells.refuse(
            Field.LOCALE, "a locale that has templates: {locales}", locales=", ".join(known.locales)
        )
    return locale


def _contacts(cells: Cells, loan_id: str) -> tuple[str, Sequence[str], str]:
    """The name, the texts of the numbers, and the address."""
    if not cells.mapping.made_contacts:
        name = cells.needed(Field.NAME, "the borrower's name")
        return name, [plain_digits(cells.text(of)) for of in PHONES], cells.text(Field.ADDRESS)
    code = cells.text(Field.REGION)
    region = cells.mapping.regions.get(code)
    area_code = region.area_code if region else None
    phone = made_phone(loan_id, area_code) if area_code else ""
    return made_name(loan_id), (phone, "", ""), made_address(loan_id, code)


def _zones(
    cells: Cells, numbers: Sequence[PhoneNumber | None]
) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """The zones of the address and, where they differ, of the numbers.

    A number alone is no sign of the zone: people keep their number when they move.
    """
    zones = _zones_of_address(cells)
    if not zones:
        return (), (Problem("zone_missing", because(ReasonCode.ZONE_MISSING)),)
    for number in numbers:
        if number is not None:
            zones += tuple(zone for zone in zones_of_number(number) if zone not in zones)
    return zones, ()


def _zones_of_address(cells: Cells) -> tuple[str, ...]:
    if given := cells.text(Field.ZONES):
        zones = tuple(zone for zone in _BETWEEN_ZONES.split(given) if zone)
        if not all(is_zone(zone) for zone in zones):
            raise cells.refuse(
                Field.ZONES, "IANA time zones, such as Asia/Shanghai, with ; between several"
            )
        return zones
    region = _region(cells)
    return region.zones if region else ()


def _region(cells: Cells) -> Region | None:
    """The region in the mapping; None if the tape names none."""
    regions, code = cells.mapping.regions, cells.text(Field.REGION)
    if regions and code and code not in regions:
        raise cells.refuse(
            Field.REGION, "a region of the mapping, such as {region}", region=next(iter(regions))
        )
    return regions.get(code)
