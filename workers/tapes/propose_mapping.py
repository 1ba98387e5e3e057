"""Proposes the mapping of a lender's own export: a person reads it before it is used.

Columns are known by their names (`config/column_names.yaml`), formats by the first rows. Nothing
here is used by an import, which guesses nothing.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from config.readers.tape_formats import OWN_FORMATS, TapeFormats, day_in, read_number
from config.readers.tape_mapping import Field, ScheduleKind
from config.readers.yaml_reader import Value, read_yaml
from domain.written_numbers import plain_digits
from workers.tapes.encodings import readable_as
from workers.tapes.row_errors import TapeError

COLUMN_NAMES = Path(__file__).parents[2] / "config" / "column_names.yaml"

ROWS_READ = 200
_PIECE = 1 << 20
_DELIMITERS = (",", ";", "\t", "|")

_AMOUNTS = (
    *(Field.PRINCIPAL, Field.INTEREST, Field.INSTALMENT, Field.ORIGINAL_PRINCIPAL),
    *(Field.PAID_TOTAL, Field.PAID_PRINCIPAL, Field.PAID_INTEREST, Field.PAID_FEES),
)
_DATES = (Field.DUE_ON, Field.DISBURSED_ON)
_PATTERNS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日"),
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d-%b-%Y", "%d %b %Y"),
)
_MARKS = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"))
"""Decimal mark and thousands mark, the plainest first."""

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

    header: tuple[str, ...]
    columns: Mapping[Field, str]
    schedule: ScheduleKind
    paid_by: str
    """`total` or `component`, as the columns allow it."""
    formats: TapeFormats
    missing: tuple[Field, ...]
    """Needed columns that no name was found for."""
    unclear: tuple[str, ...] = field(default=())
    """Date patterns that read all rows too, as other days."""
    rows_read: int = 0
    """Rows from which the formats were recognised."""

    @property
    def unused(self) -> list[str]:
        return [column for column in self.header if column not in self.columns.values()]

    @property
    def is_chinese(self) -> bool:
        """Whether the columns have Chinese names."""
        return any("一" <= letter <= "鿿" for letter in "".join(self.header))

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
    columns = dict(_columns(header))
    schedule = _schedule(columns)
    columns = {
        of: column
        for of, column in columns.items()
        if of not in _ONE_OF_THEM or of in _OF_SCHEDULE[schedule]
    }
    in_parts = Field.PAID_TOTAL not in columns and Field.PAID_PRINCIPAL in columns
    if not in_parts:
        columns = {of: column for of, column in columns.items() if of not in _PAID_IN_PARTS}
    rows = [row for row in rows if len(row) == len(header)]
    samples = {of: [row[header.index(column)] for row in rows] for of, column in columns.items()}
    formats, unclear = _formats(samples)
    named = None if encoding in {"utf-8", "utf-16"} else encoding
    needed = (Field.EXTERNAL_ID, Field.NAME, Field.PHONE, Field.ADDRESS, *_OF_SCHEDULE[schedule])
    needed += (Field.PAID_PRINCIPAL, Field.PAID_INTEREST) if in_parts else (Field.PAID_TOTAL,)
    return ProposedMapping(
        tuple(header),
        columns,
        schedule,
        "component" if in_parts else "total",
        replace(formats, encoding=named, delimiter=delimiter),
        tuple(of for of in needed if of not in columns),
        unclear,
        len(rows),
    )


def _beginning(path: Path, encoding: str) -> str:
    """The header and the first rows, as text; a row that is cut off is left out."""
    with path.open("rb") as stream:
        raw = stream.read(_PIECE)
    text = raw.decode(encoding, errors="ignore").removeprefix("\ufeff")
    lines = text.splitlines()
    return "\n".join(lines[: ROWS_READ + 1] if len(raw) < _PIECE else lines[:-1][: ROWS_READ + 1])


def _columns(header: Sequence[str]) -> Iterator[tuple[Field, str]]:
    plain = {_plain(column): column for column in reversed(header)}
    given = set[str]()
    for of, names in _known_names().items():
        found = next((plain[name] for name in names if name in plain), None)
        if found and found not in given:
            given.add(found)
            yield of, found


@cache
def _known_names() -> Mapping[Field, tuple[str, ...]]:
    document = read_yaml(COLUMN_NAMES).section(" ".join(Field))
    return {
        Field(name): (_plain(name), *(_plain(known) for known in names.entries(Value.text)))
        for name, names in document.pairs.items()
    }


LONGEST_NAME = 200
"""Characters of the name of a column that are looked at."""
_UNIT = re.compile(r"[(（\[【][^)）\]】]*[)）\]】]")
_NO_LETTER = re.compile(r"[\W_]")


def _plain(name: str) -> str:
    """Without case, spaces and punctuation, and without a unit in brackets, as in 本金（元）."""
    name = name[:LONGEST_NAME]
    without_unit = _UNIT.sub("", name)
    return _NO_LETTER.sub("", without_unit or name).casefold()


def _schedule(columns: Mapping[Field, str]) -> ScheduleKind:
    """The kind of which the file has the greatest part."""

    def share(kind: ScheduleKind) -> float:
        needed = _OF_SCHEDULE[kind]
        return sum(of in columns for of in needed) / len(needed)

    return max(
        (ScheduleKind.LUMP_SUM, ScheduleKind.EXPLICIT, ScheduleKind.LEVEL_PAYMENT), key=share
    )


def _formats(samples: Mapping[Field, Sequence[str]]) -> tuple[TapeFormats, tuple[str, ...]]:
    """The plainest marks and the date pattern that read the most rows; other such patterns."""
    amounts = [text for of in _AMOUNTS for text in samples.get(of, ()) if text]
    decimal_mark, thousands_mark = max(
        _MARKS, key=lambda marks: sum(read_number(text, *marks) is not None for text in amounts)
    )
    dates = [plain_digits(text) for of in _DATES for text in samples.get(of, ()) if text]
    days = {pattern: [day_in(text, pattern) for text in dates] for pattern in _PATTERNS}
    read = {pattern: sum(day is not None for day in found) for pattern, found in days.items()}
    best = max(_PATTERNS, key=lambda pattern: read[pattern])
    others = [p for p in _PATTERNS if read[p] == read[best] > 0 and days[p] != days[best]]
    formats = replace(
        OWN_FORMATS, decimal_mark=decimal_mark, thousands_mark=thousands_mark, dates=(best,)
    )
    return formats, tuple(others)
