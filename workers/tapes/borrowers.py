"""Reads the borrower of a row, with the telephone number and the time zones.

A wrong number or a missing zone does not reject the loan. It becomes a `Problem`: the borrower then
has no number, or no zone and so no hour at which a contact is lawful.
"""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, timezone

from config.readers.formats import LOCALE, is_zone
from config.readers.regions import Region
from config.readers.tape_mapping import Field, TapeMapping
from domain.loans import Borrower, Problem
from domain.reasons import ReasonCode, because
from workers.tapes.cells import Cells
from workers.tapes.invented_contacts import made_address, made_name, made_phone
from workers.tapes.known_values import KnownValues
from workers.tapes.row_errors import masked

_BETWEEN_ZONES = re.compile(r"[;\s]+")


def read_borrower(
    cells: Cells, loan_id: str, known: KnownValues | None
) -> tuple[Borrower, tuple[Problem, ...]]:
    """The borrower, and the problems of their contact details. A borrower without an id on the tape
    gets the id of the loan.

    Raises:
        BadCellError: there is no name, the locale is not one or has no templates, or a zone or the
            region is misspelt.
    """
    locale = _locale(cells, known)
    name, phone_text, address = _contacts(cells, loan_id)
    number, phone_problems = _number(phone_text, cells.mapping)
    zones, zone_problems = _zones(cells, number)
    borrower = Borrower(
        external_id=cells.text(Field.BORROWER_ID) or loan_id,
        name=name,
        phone=phonenumbers.format_number(number, PhoneNumberFormat.E164) if number else None,
        address=address or None,
        zones=zones,
        locale=locale,
        region=cells.text(Field.REGION) or None,
    )
    return borrower, phone_problems + zone_problems


def _locale(cells: Cells, known: KnownValues | None) -> str:
    locale = cells.matching(Field.LOCALE, LOCALE.fullmatch, "a locale, such as zh-Hans or en")
    if known and not known.has_templates(locale):
        raise cells.refuse(Field.LOCALE, f"a locale that has templates: {', '.join(known.locales)}")
    return locale


def _contacts(cells: Cells, loan_id: str) -> tuple[str, str, str]:
    if not cells.mapping.made_contacts:
        name = cells.needed(Field.NAME, "the borrower's name")
        return name, cells.text(Field.PHONE), cells.text(Field.ADDRESS)
    code = cells.text(Field.REGION)
    region = cells.mapping.regions.get(code)
    area_code = region.area_code if region else None
    phone = made_phone(loan_id, area_code) if area_code else ""
    return made_name(loan_id), phone, made_address(loan_id, code)


def _number(text: str, mapping: TapeMapping) -> tuple[PhoneNumber | None, tuple[Problem, ...]]:
    """A number must be valid in its country's numbering plan. The ranges reserved for fiction in
    North America (555-0100 to 555-0199) are valid."""
    if not text:
        return None, (Problem("phone_missing", because(ReasonCode.PHONE_MISSING)),)
    try:
        number = phonenumbers.parse(text, mapping.phone_region)
    except NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        detail = because(ReasonCode.PHONE_NOT_IN_USE, phone=masked(text))
        return None, (Problem("phone_invalid", detail),)
    return number, ()


def _zones(cells: Cells, number: PhoneNumber | None) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """The zones of the address and, where it differs, of the number.

    A number alone is no sign of the zone: people keep their number when they move.
    """
    zones = _zones_of_address(cells)
    if not zones:
        return (), (Problem("zone_missing", because(ReasonCode.ZONE_MISSING)),)
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
        raise cells.refuse(Field.REGION, f"a region of the mapping, such as {next(iter(regions))}")
    return regions.get(code)


def zones_of_number(number: PhoneNumber) -> tuple[str, ...]:
    """The zone of the owner of a number; empty if the number does not show it."""
    # A toll-free number, and in some countries a mobile number, belongs to every zone of the
    # country, and so does not show where its owner is.
    zones = tuple(timezone.time_zones_for_number(number))
    return zones if len(zones) == 1 and is_zone(zones[0]) else ()
