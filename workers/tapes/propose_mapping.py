"""Proposes the mapping of a lender's own export: a person reads it before it is used.

Columns are known by their names (`config/column_names.yaml`), formats by the first rows. Nothing
here is used by an import, which guesses nothing.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain
from pathlib import Path

import phonenumbers

from config.readers.formats import IDENTIFIER
from config.readers.tape_formats import TapeFormats
from config.readers.tape_mapping import PHONES, Field, ScheduleKind
from config.readers.tape_mapping_reader import MAPPINGS_DIRECTORY
from workers.tapes.encodings import readable_as
from workers.tapes.known_columns import KnownColumns, known_columns, numbered
from workers.tapes.propose_formats import is_amount, is_date, is_in_lakhs, most_are, propose_formats
from workers.tapes.row_errors import TapeError

ROWS_READ = 200
_PIECE = 1 << 20
_DELIMITERS = (",", ";", "\t", "|")

_AMOUNTS = (
    *(Field.PRINCIPAL, Field.INTEREST, Field.INSTALMENT, Field.ORIGINAL_PRINCIPAL),
    *(Field.PAID_TOTAL, Field.PAID_PRINCIPAL, Field.PAID_INTEREST, Field.PAID_FEES),
)
_DATES = (Field.DUE_ON, Field.DISBURSED_ON)
_MOST_REPEATED = 0.8
"""Of the lines. With fewer different loans, each line is an instalment, and not a loan."""
LONGEST_CELL = 64
"""Characters. A longer cell is not tried as a telephone number."""
LONGEST_ID = 60
"""Characters of the name of a file that become the name of its mapping."""
_NO_IDENTIFIER = re.compile(r"[^a-z0-9]+")

_OF_SCHEDULE: Mapping[ScheduleKind, tuple[Field, ...]] = {
    ScheduleKind.EXPLICIT: (Field.INSTALMENTS,),
    ScheduleKind.LEVEL_PAYMENT: (
        *(Field.PRINCIPAL, Field.ANNUAL_RATE_PERCENT, Field.TERM_MONTHS),
        *(Field.INSTALMENT, Field.ISSUE_MONTH, Field.DUE_DAY),
    ),
    ScheduleKind.LUMP_SUM: (Field.PRINCIPAL, Field.INTEREST, Field.DUE_ON),
}
_ONE_OF_THEM = {field for fields in _OF_SCHEDULE.values() for field in fields}
_PAID_IN_PARTS = (Field.PAID_PRINCIPAL, Field.PAID_INTEREST, Field.PAID_FEES)
_MAY_BE_ABSENT = (Field.PHONE_2, Field.PHONE_3, Field.ORIGINAL_PRINCIPAL, Field.DISBURSED_ON)


@dataclass(frozen=True, slots=True)
class ProposedMapping:
    """What a file seems to have."""

    id: str
    """The name of the mapping, made from that of the file."""
    header: tuple[str, ...]
    columns: Mapping[Field, tuple[str, ...]]
    """The column of each value, or the columns that are joined."""
    schedule: ScheduleKind
    paid_by: str
    """`total` or `component`, as the columns allow it."""
    formats: TapeFormats
    missing: tuple[Field, ...]
    """Needed columns that no name was found for."""
    country: str | None
    """`CN` or `IN`, if names, numbers and amounts suggest it."""
    more_phones: tuple[str, ...]
    """Columns of telephone numbers that are not used."""
    numbered_sets: tuple[str, ...]
    """The columns of the first instalment, if each instalment has columns of its own."""
    repeated_loan: bool
    """Whether a loan stands on several lines."""
    unclear_dates: tuple[str, ...] = ()
    """Date patterns that read all rows too, as other days."""
    unclear_marks: bool = False
    """Whether other marks read all amounts too, as other amounts."""
    rows_read: int = 0
    """Rows from which the formats were recognised."""

    @property
    def unused(self) -> list[str]:
        used = set(chain.from_iterable(self.columns.values()))
        return [column for column in self.header if column not in used]

    def is_optional(self, of: Field) -> bool:
        """Whether a later tape may lack the column."""
        return of in _MAY_BE_ABSENT or of.startswith(("co_borrower", "guarantor"))


def propose_mapping(path: Path) -> ProposedMapping:
    """Read the header and the first rows of a file.

    Raises:
        TapeError: it cannot be read, is in no known encoding, or has no header.
    """
    encoding = readable_as(path)
    text = _beginning(path, encoding)
    if not text.strip():
        raise TapeError("{path} is empty. Export the tape again, with its header line.", path=path)
    delimiter = max(_DELIMITERS, key=text.splitlines()[0].count)
    lines = csv.reader(text.splitlines(), delimiter=delimiter)
    header, *rows = [[cell.strip() for cell in line] for line in lines if any(line)]
    rows = [row for row in rows if len(row) == len(header)]
    cells = {column: [row[at] for row in rows] for at, column in reversed([*enumerate(header)])}
    found = known_columns(header, cells)
    columns = dict(found.columns)
    loans = [text for name in columns.get(Field.EXTERNAL_ID, ()) for text in cells[name] if text]
    sets = _numbered_sets(header, cells, found)
    is_repeated = len(set(loans)) < _MOST_REPEATED * len(loans)
    schedule = ScheduleKind.EXPLICIT if sets or is_repeated else _schedule(columns)
    in_parts = Field.PAID_TOTAL not in columns and Field.PAID_PRINCIPAL in columns
    columns = {
        of: names
        for of, names in columns.items()
        if (of not in _ONE_OF_THEM or of in _OF_SCHEDULE[schedule])
        and (in_parts or of not in _PAID_IN_PARTS)
    }
    formats = propose_formats(*_samples(columns, cells))
    named = None if encoding in {"utf-8", "utf-16"} else encoding
    needed = (Field.EXTERNAL_ID, Field.NAME, Field.PHONE, Field.ADDRESS, *_OF_SCHEDULE[schedule])
    needed += (Field.PAID_PRINCIPAL, Field.PAID_INTEREST) if in_parts else (Field.PAID_TOTAL,)
    country = _country(header, columns, cells)
    used = set(chain.from_iterable(columns.values()))
    rest = {column: cells[column] for column in header if column not in used}
    return ProposedMapping(
        id=name_of_mapping(path),
        header=tuple(header),
        columns=columns,
        schedule=schedule,
        paid_by="component" if in_parts else "total",
        formats=replace(formats.formats, encoding=named, delimiter=delimiter),
        missing=tuple(of for of in needed if of not in columns),
        country=country,
        more_phones=tuple(
            column
            for column, texts in rest.items()
            if column in found.more_phones or most_are(texts, lambda t: _is_phone(t, country))
        ),
        numbered_sets=sets,
        repeated_loan=is_repeated,
        unclear_dates=formats.unclear_dates,
        unclear_marks=formats.unclear_marks,
        rows_read=len(rows),
    )


def name_of_mapping(path: Path) -> str:
    """The name for the mapping of a file: the name of the file in small letters, digits and _.

    What cannot be written so is replaced by a part of its digest: two files have two names.
    """
    stem = path.stem.casefold()
    plain = unicodedata.normalize("NFKD", stem)
    letters = [letter for letter in plain if letter.isalnum()]
    name = _NO_IDENTIFIER.sub("_", "".join(c for c in plain if c.isascii())).strip("_")
    if not all(letter.isascii() for letter in letters) or not 0 < len(name) <= LONGEST_ID:
        name = f"{name[:LONGEST_ID]}_{sha256(stem.encode()).hexdigest()[:6]}".strip("_")
    shipped = {mapping.stem for mapping in MAPPINGS_DIRECTORY.glob("*.yaml")}
    if not IDENTIFIER.fullmatch(name) or name in shipped or not any(map(str.isascii, letters)):
        name = f"export_{name}"
    return name


def _beginning(path: Path, encoding: str) -> str:
    """The header and the first rows, as text; a row that is cut off is left out."""
    with path.open("rb") as stream:
        raw = stream.read(_PIECE)
    text = raw.decode(encoding, errors="ignore").removeprefix("\ufeff")
    lines = text.splitlines()
    return "\n".join(lines[: ROWS_READ + 1] if len(raw) < _PIECE else lines[:-1][: ROWS_READ + 1])


def _schedule(columns: Mapping[Field, tuple[str, ...]]) -> ScheduleKind:
    """The kind of which the file has the greatest part."""

    def share(kind: ScheduleKind) -> float:
        needed = _OF_SCHEDULE[kind]
        return sum(of in columns for of in needed) / len(needed)

    return max(
        (ScheduleKind.LUMP_SUM, ScheduleKind.EXPLICIT, ScheduleKind.LEVEL_PAYMENT), key=share
    )


def _numbered_sets(
    header: Sequence[str], cells: Mapping[str, Sequence[str]], found: KnownColumns
) -> tuple[str, ...]:
    """The columns of the first set, if the header has one set of columns for each instalment, with
    a date and an amount in it: `due_1, principal_1, due_2, principal_2`."""
    named = set(chain.from_iterable(found.columns.values())) | set(found.more_phones)
    sets: dict[int, list[str]] = {}
    for column in header:
        _, number = numbered(column)
        if number is not None and column not in named:
            sets.setdefault(number, []).append(column)
    several = [names for _, names in sorted(sets.items()) if len(names) > 1]
    words = [{numbered(name)[0] for name in names} for names in several]
    if len(several) < 2 or not words[0] & words[1]:
        return ()
    first = several[0]
    has_dates = any(most_are(cells[name], is_date) for name in first)
    has_amounts = any(
        most_are(cells[name], is_amount) and not most_are(cells[name], is_date) for name in first
    )
    return tuple(first) if has_dates and has_amounts else ()


def _samples(
    columns: Mapping[Field, tuple[str, ...]], cells: Mapping[str, Sequence[str]]
) -> tuple[list[str], list[str], dict[str, list[str]]]:
    """The cells of amounts, those of dates, and those of columns that are not known."""
    of = {field: [t for n in names for t in cells[n] if t] for field, names in columns.items()}
    amounts = [text for field in _AMOUNTS for text in of.get(field, ())]
    dates = [text for field in _DATES for text in of.get(field, ())]
    for listed in of.get(Field.INSTALMENTS, ()):
        for part in filter(None, map(str.split, listed.split(";"))):
            dates.append(part[0])
            amounts += [text for text in part[1:] if is_amount(text)]
    used = set(chain.from_iterable(columns.values()))
    unknown = {name: [t for t in texts if t] for name, texts in cells.items() if name not in used}
    return amounts, dates, unknown


def _country(
    header: Sequence[str],
    columns: Mapping[Field, tuple[str, ...]],
    cells: Mapping[str, Sequence[str]],
) -> str | None:
    """China if columns have Chinese names. India if numbers have its code, or amounts are grouped
    in its way and no number has another code."""
    if any("一" <= letter <= "鿿" for letter in "".join(header)):
        return "CN"
    phones = [text for of in PHONES for name in columns.get(of, ()) for text in cells[name]]
    codes = [text.replace(" ", "")[:3] for text in phones if text.startswith("+")]
    if most_are(codes, lambda code: code == "+91"):
        return "IN"
    lakhs = any(is_in_lakhs(text) for texts in cells.values() for text in texts)
    return "IN" if lakhs and not codes else None


def _is_phone(text: str, country: str | None) -> bool:
    if len(text) > LONGEST_CELL or is_date(text):
        return False
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)
