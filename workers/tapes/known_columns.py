"""Knows the columns of an export by their names, in `config/column_names.yaml`."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from config.readers.tape_mapping import PHONES, Field
from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import Value
from domain.written_numbers import plain_digits

COLUMN_NAMES = Path(__file__).parents[2] / "config" / "column_names.yaml"
_PARTS = "given_name family_name street house_number address_line_2 postcode city district"
_OF_STREET = ("street", "house_number", "address_line_2", "postcode", "city")
LONGEST_NAME = 200
"""Characters of the name of a column that are looked at."""

_UNIT = re.compile(r"[(（\[【][^)）\]】]*[)）\]】]")
_NO_LETTER = re.compile(r"[\W_]")
_NUMBER = re.compile(
    r"第([0-9]{1,4}|[一二三四五六七八九十]{1,3})期|([0-9]{1,4}|[一二三四五六七八九十])"
)
_CHINESE = {digit: number for number, digit in enumerate("一二三四五六七八九十", start=1)}


@dataclass(frozen=True, slots=True)
class KnownColumns:
    """The columns of a file whose names are known."""

    columns: Mapping[Field, tuple[str, ...]]
    """The column of each value, or the columns that are joined."""
    more_phones: tuple[str, ...]
    """Columns of telephone numbers for which there is no place."""


def known_columns(header: Sequence[str], cells: Mapping[str, Sequence[str]]) -> KnownColumns:
    """The known columns of a header. `cells` are those of each column, in the first rows."""
    plain = {plain_name(column): column for column in reversed(header)}
    phones = _phones(header)
    columns: dict[Field, tuple[str, ...]] = {}
    columns |= {of: (column,) for of, column in zip(PHONES, phones, strict=False)}
    taken = set(phones)
    parts: dict[str, str] = {}
    for of, names in _known_names().items():
        found = next((plain[name] for name in names if name in plain), None)
        if found is None or found in taken or of in PHONES:
            continue
        if of in _PARTS.split():
            parts[of] = found
        else:
            columns[Field(of)] = (found,)
        taken.add(found)
    whole_name, whole_address = columns.get(Field.NAME, ()), columns.get(Field.ADDRESS, ())
    for of, names in (
        (Field.NAME, _name(whole_name, parts, cells)),
        (Field.ADDRESS, _address(whole_address, parts, cells)),
    ):
        if names:
            columns[of] = names
    in_order = {of: columns[of] for of in Field if of in columns}
    return KnownColumns(in_order, tuple(phones[len(PHONES) :]))


def plain_name(name: str) -> str:
    """Without case, accents, spaces and punctuation, and without a unit in brackets, as in
    本金（元）."""
    name = name[:LONGEST_NAME]
    letters = unicodedata.normalize("NFKD", _UNIT.sub("", name).strip() or name)
    return _NO_LETTER.sub("", letters[:LONGEST_NAME]).casefold()


def numbered(column: str) -> tuple[str, int | None]:
    """The plain name of a column without its number, and the number: 第2期本金, due_2, 手机号2."""
    name = plain_name(plain_digits(column[:LONGEST_NAME]))
    found = [*_NUMBER.finditer(name)]
    if len(found) != 1:
        return name, None
    (match,) = found
    digits = match[1] or match[2]
    number = int(digits) if digits.isascii() else _chinese_number(digits)
    return name[: match.start()] + name[match.end() :], number


def _chinese_number(digits: str) -> int:
    """Of 一 to 九十九."""
    tens, ten, ones = digits.rpartition("十")
    return (_CHINESE.get(tens, 1) * 10 if ten else 0) + _CHINESE.get(ones, 0)


def _phones(header: Sequence[str]) -> list[str]:
    """The columns of the borrower's telephone numbers, by the order of the known words and by
    their numbers: 手机号1, 手机号2."""
    ranks: dict[str, int] = {}
    for of in PHONES:
        for name in _known_names()[of]:
            ranks.setdefault(name, len(ranks))
    found: list[tuple[int, int, str]] = []
    for column in dict.fromkeys(header):
        word, number = numbered(column)
        for name, place in ((plain_name(column), 0), (word, number or 0)):
            if name in ranks:
                found.append((ranks[name], place, column))
                break
    return [column for *_, column in sorted(found, key=lambda each: each[:2])]


def _name(
    whole: tuple[str, ...], parts: Mapping[str, str], cells: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    given, family = parts.get("given_name"), parts.get("family_name")
    if whole and not (given and family):
        # Where one part has a column, a column called Name may be the other part.
        names = (given, *whole) if given else (*whole, family)
        return _not_said_twice(whole[0], [name for name in names if name], cells)
    if whole and given and given not in _not_said_twice(whole[0], (*whole, given), cells):
        return whole
    # A column called Customer that has no first names may have customer numbers.
    is_chinese = any("一" <= letter <= "鿿" for letter in (family or "") + (given or ""))
    in_order = (family, given) if is_chinese else (given, family)
    return tuple(name for name in in_order if name)


def _address(
    whole: tuple[str, ...], parts: Mapping[str, str], cells: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    is_chinese = any("一" <= letter <= "鿿" for letter in "".join((*whole, *parts.values())))
    if is_chinese:
        larger = [parts[part] for part in ("city", "district") if part in parts]
        return _not_said_twice(whole[0], [*larger, *whole], cells) if whole else ()
    if not whole and "street" not in parts:
        return ()
    in_order = [*whole, *(parts[part] for part in _OF_STREET if part in parts)]
    return _not_said_twice(in_order[0], in_order, cells)


def _not_said_twice(
    whole: str, names: Sequence[str], cells: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """The columns, without those that mostly repeat what stands in the column `whole` already."""

    def is_new(name: str) -> bool:
        if not cells[name]:
            return True
        pairs = [(a, b) for a, b in zip(cells[name], cells[whole], strict=True) if a]
        inside = sum(a.casefold() in b.casefold() for a, b in pairs)
        return bool(pairs) and 2 * inside < len(pairs)

    return tuple(name for name in names if name == whole or is_new(name))


@cache
def _known_names() -> Mapping[str, tuple[str, ...]]:
    document = read_yaml(COLUMN_NAMES).section(f"{' '.join(Field)} {_PARTS}")
    return {of: tuple(_plain_names(of, names)) for of, names in document.pairs.items()}


def _plain_names(of: str, names: Value) -> Iterator[str]:
    yield plain_name(of)
    yield from (plain_name(name) for name in names.entries(Value.text))
