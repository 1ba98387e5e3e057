"""How a lender's tape writes text, numbers and dates: the part `formats` of a mapping."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from yaml import ScalarNode, SequenceNode

from config.readers.yaml_reader import PolicyError, Value, as_shown
from domain.written_numbers import plain_digits

_KEYS = "encoding delimiter decimal_mark thousands_mark date month"

_ENCODINGS = (
    *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii"),
    *("gb18030", "gbk", "gb2312", "big5", "big5hkscs", "cp950"),
    *("shift_jis", "cp932", "euc_jp", "euc_kr", "cp949"),
    *(f"cp{page}" for page in (437, 850, 852, 866, 874, *range(1250, 1259))),
    *(f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))),
    *("koi8-r", "koi8-u"),
)
"""As Python calls them. A line ends alike in all of them but UTF-16, and none has a state that one
line leaves to the next."""

_ALIKE = {" ": " ", "\u00a0": " ", "\u202f": " ", "\u2019": "'"}
"""Thousands marks that look the same, and the one that they are read as."""

_DECIMAL_MARKS = ".,\u066b"
_THOUSANDS_MARKS = ",.' _\u066c"
_LONGEST_WHOLE = 12
_TOUCHING = re.compile(r"%[Ymd]%[Ymd]")
_NO_DELIMITERS = "\"'.+-\\"

_SAMPLES = (date(2026, 3, 4), date(2021, 10, 11))
"""Days of which another order of day and month makes another day, or none."""


@dataclass(frozen=True, slots=True)
class TapeFormats:
    """How a tape is written. Without a mapping's word: as Arrears itself writes."""

    encoding: str | None = None
    """As Python calls it; None: its first bytes say so, else UTF-8."""
    delimiter: str = ","
    decimal_mark: str = "."
    thousands_mark: str = ""
    dates: tuple[str, ...] = ("%Y-%m-%d",)
    """`strptime` patterns, of which no two read one text as different days."""
    month: str = "%Y-%m"


OWN_FORMATS = TapeFormats()


def read_formats(value: Value) -> TapeFormats:
    """The formats of a mapping.

    Raises:
        PolicyError: one of them is wrong, or two of them do not go together.
    """
    pairs = value.section(_KEYS).pairs
    formats = TapeFormats(
        encoding=_encoding(pairs["encoding"]) if "encoding" in pairs else None,
        delimiter=_delimiter(pairs["delimiter"]) if "delimiter" in pairs else OWN_FORMATS.delimiter,
        decimal_mark=(
            _mark(pairs["decimal_mark"], _DECIMAL_MARKS)
            if "decimal_mark" in pairs
            else OWN_FORMATS.decimal_mark
        ),
        thousands_mark=(
            _mark(pairs["thousands_mark"], _THOUSANDS_MARKS) if "thousands_mark" in pairs else ""
        ),
        dates=_dates(pairs["date"]) if "date" in pairs else OWN_FORMATS.dates,
        month=_pattern(pairs["month"]) if "month" in pairs else OWN_FORMATS.month,
    )
    if formats.thousands_mark == formats.decimal_mark:
        raise pairs["thousands_mark"].refuse(
            "The thousands mark and the decimal mark are both {mark}.",
            "Write decimal_mark: as the tape has it, or leave thousands_mark: out.",
            mark=formats.decimal_mark,
        )
    return formats


MARKS = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"))
"""The decimal marks and thousands marks that systems write, the plainest first."""
LONGEST_NUMBER = 64
LONGEST_DAY = 64
"""Characters. A longer text is none, and no pattern is asked about it."""


def one_mark(text: str) -> str:
    """The text with one space and one apostrophe, whichever of those that look alike it has."""
    return text.translate(_alike)


_alike = str.maketrans(_ALIKE)


def read_number(text: str, decimal_mark: str, thousands_mark: str) -> Decimal | None:
    """The text as a number of zero or more; None if it is not one.

    The thousands mark stands between groups of three digits, or of two before the last three, as in
    India: anywhere else it is the sign of another decimal mark, or of a digit that is missing.
    """
    if len(text) > LONGEST_NUMBER:
        return None
    match = _number(decimal_mark, thousands_mark).fullmatch(plain_digits(one_mark(text)))
    if match is None:
        return None
    whole, part = match.groups()
    if thousands_mark:
        whole = whole.replace(thousands_mark, "")
    return Decimal(f"{whole}.{part or 0}") if len(whole) <= _LONGEST_WHOLE else None


@cache
def _number(decimal_mark: str, thousands_mark: str) -> re.Pattern[str]:
    whole = f"[0-9]{{1,{_LONGEST_WHOLE}}}"
    if thousands_mark:
        mark = re.escape(thousands_mark)
        by_three = f"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+"
        whole += f"|{by_three}|[1-9][0-9]?(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}}"
    return re.compile(f"({whole})(?:{re.escape(decimal_mark)}([0-9]{{1,15}}))?")


def day_in(text: str, pattern: str) -> date | None:
    """The date that a `strptime` pattern finds in the text; None if there is none.

    Digits of any script are read. Where nothing stands between year, month and day, each must have
    all its digits: `2026111` is no date.
    """
    if len(text) > LONGEST_DAY:
        return None
    written, pattern = plain_digits(text), plain_digits(pattern)
    try:
        found = datetime.strptime(written, pattern)
    except ValueError:
        return None
    has_all_digits = found.strftime(pattern).casefold() == written.casefold()
    return None if _TOUCHING.search(pattern) and not has_all_digits else found.date()


def _encoding(value: Value) -> str:
    instead = "Write one such as utf-8, gb18030, utf-16, big5 or windows-1252."
    try:
        name = codecs.lookup(value.text()).name
    except LookupError:
        raise value.refuse("There is no encoding {shown}.", instead, shown=value.shown) from None
    name = "utf-8" if name == "utf-8-sig" else name
    if name not in _ENCODINGS:
        raise value.refuse("A tape cannot be read as {shown}.", instead, shown=value.shown)
    # GB 18030 has all characters of the two older standards, and files say one and use the other.
    return "gb18030" if name in {"gbk", "gb2312"} else name


def _delimiter(value: Value) -> str:
    text = _as_written(value)
    text = "\t" if text.strip(" ").casefold() in {"tab", "\\t"} else text
    if len(text) != 1 or text.isalnum() or text in _NO_DELIMITERS or text in " \r\n\0":
        raise value.refuse(
            "The delimiter is {text}.",
            'Write one mark, such as "," ";" "|" or tab.',
            text=as_shown(text),
        )
    return text


def _mark(value: Value, marks: str) -> str:
    text = plain_digits(one_mark(_as_written(value)))
    if len(text) != 1 or text not in marks:
        listed = " ".join(f'"{mark}"' for mark in marks)
        raise value.refuse(
            "`{key}` is {text}.",
            "Write one of {listed}.",
            key=value.key,
            text=as_shown(text),
            listed=listed,
        )
    return text


def _as_written(value: Value) -> str:
    """With its spaces: a space may be a mark."""
    return str(value.node.value) if isinstance(value.node, ScalarNode) else value.text()


def _dates(value: Value) -> tuple[str, ...]:
    listed: Sequence[Value] = value.values() if isinstance(value.node, SequenceNode) else (value,)
    patterns = tuple(map(_pattern, listed))
    for place, pattern in enumerate(patterns):
        for earlier in patterns[:place]:
            if not agree(earlier, pattern):
                raise listed[place].refuse(
                    "{earlier} and {pattern} read the same text as different days.",
                    "Keep the one that the tape has.",
                    earlier=as_shown(earlier),
                    pattern=as_shown(pattern),
                )
    return patterns


def agree(one: str, other: str) -> bool:
    """Whether no text is one day by the first pattern and another day by the other."""
    for sample in _SAMPLES:
        for writes, reads in ((one, other), (other, one)):
            if day_in(sample.strftime(writes), reads) not in {None, sample}:
                return False
    return True


def _pattern(value: Value) -> str:
    parts = set(re.findall(r"%(.)", value.text()))
    needed = [{"Y"}, {"m", "b", "B"}] + ([{"d"}] if value.key == "date" else [])
    if any(not parts & choice for choice in needed) or parts - set().union(*needed):
        raise _no_pattern(value)
    return value.text()


def _no_pattern(value: Value) -> PolicyError:
    return value.refuse(
        "The format {shown} does not say a whole {key}.",
        "Write one such as %d/%m/%Y for a date, or %b-%Y for a month.",
        shown=value.shown,
        key=value.key,
    )
