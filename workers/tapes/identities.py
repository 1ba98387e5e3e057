"""What a row says about the people behind its customer ids, as keyed hashes.

If two rows give one id to two people, both are refused. The rows of a tape are compared with each
other in the database, without names and numbers.
"""

import re
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

import phonenumbers

from config.readers.tape_mapping import PHONES, Field, TapeMapping
from domain.ids import id_of
from domain.masking import masked
from domain.persons import name_key
from domain.written_numbers import plain_digits
from workers.tapes.cells import Cells
from workers.tapes.csv_lines import TapeRow

PLACE = (Field.ZONES, Field.LOCALE, Field.REGION)

_NO_DIGIT = re.compile(r"\D")


class Identity(NamedTuple):
    """A customer id of a row, and the one for whom it stands there."""

    slot: int
    """0: the borrower; then the other parties, in the order of the mapping."""
    customer: str
    """Of the id, 128 bits in hexadecimal."""
    name: int
    """Of the name, 64 bits, as of the others."""
    phone: int
    address: int
    place: int | None
    """Of the zones, the locale and the region; None: the cells of a party do not say all of them.
    """
    is_compared: bool
    """Whether another row with the id and another person is a contradiction."""
    shown: str
    """The id, masked."""
    person: int
    """Of whom the id stands for in this row: of the name, the number and the address together."""


def identities(mapping: TapeMapping, row: TapeRow, key: bytes) -> Iterator[Identity]:
    """The identities of a row. One without a customer id has none: its borrower is the loan's."""
    for slot, of in enumerate((mapping, *mapping.of_parties.values())):
        cells = Cells(of, row.cells)
        if id := cells.text(Field.BORROWER_ID):
            yield _identity(cells, slot, id_of(id) or id, key)


def _identity(cells: Cells, slot: int, id: str, key: bytes) -> Identity:
    mapping = cells.mapping
    name = cells.known(Field.NAME)
    country = _country_code(mapping.phone_region)
    phones = " ".join(_digits(cells.known(of), country) for of in PHONES).strip()
    address = "".join(cells.known(Field.ADDRESS).split()).casefold()
    name_hash, phone_hash, address_hash = (
        _hash(text, key) for text in (name_key(name), phones, address)
    )
    return Identity(
        slot=slot,
        customer=customer_hash(id, key),
        name=name_hash,
        phone=phone_hash,
        address=address_hash,
        place=None if slot else _hash("\n".join(map(cells.text, PLACE)), key),
        # A row without a name is refused, and made-up contacts differ from loan to loan.
        is_compared=bool(name) and not mapping.made_contacts,
        shown=masked(id),
        person=_hash(f"{name_hash} {phone_hash} {address_hash}", key),
    )


def customer_hash(id: str, key: bytes) -> str:
    """The hash of a customer id, 128 bits in hexadecimal."""
    return blake2b(id.encode(), key=key, digest_size=16).hexdigest()


def nothing(key: bytes) -> int:
    """The hash of a number or an address that a row does not have."""
    return _hash("", key)


def _hash(text: str, key: bytes) -> int:
    digest = blake2b(text.encode(), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@cache
def _country_code(region: str) -> str:
    return str(phonenumbers.country_code_for_region(region))


def _digits(phone: str, country: str) -> str:
    """The number without the signs, zeros and country code that people leave out or write."""
    if not phone:
        return ""
    phone = plain_digits(phone)
    digits = _NO_DIGIT.sub("", phone)
    if phone.lstrip().startswith("+") or digits.startswith("00"):
        digits = digits.removeprefix("00").removeprefix(country)
    return digits.lstrip("0")
