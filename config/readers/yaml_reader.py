"""The values of a YAML file: every error names the file, the line and what to write instead.

A value stays the text that was written until a method converts it. So `08:00`, `1-3` and `1.50`
mean what they look like: YAML does not guess their types.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from config.readers.formats import IDENTIFIER, JURISDICTION, is_zone
from domain.currencies import digits_of, smallest_of
from domain.errors import ArrearsError, Text, text_of
from domain.ladder import Days
from domain.masking import masked
from domain.written_numbers import EARLIEST_DAY, LATEST_DAY, in_range

A = TypeVar("A")
B = TypeVar("B")
W = TypeVar("W", bound=str)

WHOLE_NUMBER = re.compile(r"-?\d{1,9}")
HIGHEST_PERCENT = Decimal(100)
AMOUNT = re.compile(r"-?\d+(\.\d+)?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
FOLD = "\a"
"""Marks where the lines of a folded block were joined: digests have been taken of texts with it."""
DAYS = re.compile(r"(\d{1,5})(?:(-)(\d{1,5})?)?")


class PolicyError(ArrearsError):
    """The errors in a policy file: one line for each, with its file, its line and a remedy."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a file, with its key and its position."""

    key: str
    file: str
    node: Node

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    @property
    def shown(self) -> Text:
        """The text as an error shows it: somebody may have written a name or a number there."""
        return as_shown(self.text())

    def refuse(self, wrong: str, instead: str | Text, **values: object) -> PolicyError:
        """The error for this value: a sentence on what is wrong, one on what to write instead.

        Both are in English, with `values` in their braces.
        """
        return PolicyError(
            "{file} line {line}: {wrong} {instead}",
            file=self.file,
            line=self.line,
            wrong=Text(wrong, values),
            instead=instead if isinstance(instead, Text) else Text(instead, values),
        )

    def text(self) -> str:
        """Anything written on one line, or a folded block of lines."""
        if not isinstance(self.node, ScalarNode):
            raise self.refuse(
                "`{key}` is not a single value.", "Write one word or sentence.", key=self.key
            )
        text = str(self.node.value).replace(FOLD, "").strip()
        if not text or self.node.tag == "tag:yaml.org,2002:null":
            raise self.refuse(
                "`{key}` has no value.", "Write one, or leave out the line.", key=self.key
            )
        return text

    def wrong(self, instead: str | Text, **values: object) -> PolicyError:
        """The error for a text that is not in the right form."""
        shown = {"key": self.key, "shown": self.shown}
        return self.refuse("`{key}` is {shown}.", instead, **values, **shown)

    def matching(self, pattern: re.Pattern[str], instead: str | Text) -> re.Match[str]:
        """The match of a text that must match as a whole."""
        if match := pattern.fullmatch(self.text()):
            return match
        raise self.wrong(instead)

    def identifier(self) -> str:
        """A name that is stored in records: small letters, digits, underscores, dots between."""
        return self.matching(IDENTIFIER, "Write small letters, digits and _, such as remind_2.")[0]

    def jurisdiction(self) -> str:
        """ISO 3166-1 alpha-2, with a subdivision where its law differs: `CN`, `US-MA`."""
        return self.matching(
            JURISDICTION, "Write a country in two capitals, such as CN, or a part of it, as US-MA."
        )[0]

    def zone(self) -> str:
        """The name of an IANA time zone."""
        if not is_zone(name := self.text()):
            raise self.refuse(
                "There is no time zone {shown}.",
                "Write one such as Asia/Shanghai.",
                shown=self.shown,
            )
        return name

    def whole(self, at_least: int, at_most: int | None = None) -> int:
        """A whole number between two limits, both included."""
        number = int(self.matching(WHOLE_NUMBER, "Write a whole number, such as 3.")[0])
        if number < at_least:
            raise self.wrong("Write {at_least} or more.", at_least=at_least)
        if at_most is not None and number > at_most:
            raise self.wrong("Write {at_most} or less.", at_most=at_most)
        return number

    def money(self, currency: str) -> Decimal:
        """An amount of money, zero or more, with no more decimal places than its currency has."""
        amount = self.amount()
        if amount % smallest_of(currency):
            raise self.wrong(
                text_of(
                    "Write an amount with at most {digits} decimal places, as {currency} has.",
                    digits=digits_of(currency),
                    currency=currency,
                )
            )
        return amount

    def percent(self) -> Decimal:
        """Percent a year, from 0 to 100."""
        percent = self.amount()
        if percent > HIGHEST_PERCENT:
            raise self.wrong("Write percent a year, at most {most}.", most=HIGHEST_PERCENT)
        return percent

    def amount(self) -> Decimal:
        """An amount of money, zero or more."""
        amount = Decimal(self.matching(AMOUNT, "Write an amount, such as 100.00.")[0])
        if amount < 0:
            raise self.wrong("Write 0 or more.")
        return amount

    def day(self) -> date:
        """A calendar day from 1970 to 2199."""
        instead = "Write a day of the calendar as year-month-day, such as 2026-01-31."
        try:
            day = date.fromisoformat(self.matching(DATE, instead)[0])
        except ValueError:
            raise self.wrong(instead) from None
        if not in_range(day):
            raise self.wrong(
                "Write a day from {earliest} to {latest}.",
                earliest=EARLIEST_DAY,
                latest=LATEST_DAY,
            )
        return day

    def days(self, instead: str | Text) -> Days:
        """A range of days such as 3, 1-3, or 60- for day 60 and all that follow."""
        first, open_ended, last = self.matching(DAYS, instead).groups()
        return Days(int(first), int(last) if last else None if open_ended else int(first))

    def word(self, words: Iterable[W]) -> W:
        """One word of a closed vocabulary, such as a `StrEnum`."""
        known = {str(word): word for word in words}
        if self.text() not in known:
            raise self.wrong(_one_of(self.text(), known))
        return known[self.text()]

    def is_true(self) -> bool:
        """True; nothing else can be written, as what is not so is left out."""
        return self.word(("true",)) == "true"

    def known(self, names: Collection[str], what: str) -> str:
        """One of the names that are defined elsewhere."""
        text = self.text()
        if text not in names:
            raise self.refuse(
                "There is no {what} {shown}.",
                _one_of(text, names),
                what=text_of(what),
                shown=self.shown,
            )
        return text

    def unused(self, name: str, seen: dict[str, Value], taken: str, **values: object) -> str:
        """The name, which must not be in `seen` yet; `taken` begins the sentence if it is.

        `values` fill the braces of `taken`.
        """
        if name in seen:
            raise self.refuse(
                "{taken} already, in line {other_line}.",
                "Write an id that no other has.",
                taken=Text(taken, values),
                other_line=seen[name].line,
            )
        seen[name] = self
        return name

    def values(self) -> tuple[Value, ...]:
        """The entries of a list."""
        if not isinstance(self.node, SequenceNode) or not self.node.value:
            raise self.refuse(
                "`{key}` is not a list.", "Write one entry or more, each with -.", key=self.key
            )
        return tuple(Value(self.key, self.file, node) for node in self.node.value)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, SequenceNode)

    def entries(self, read: Callable[[Value], B]) -> tuple[B, ...]:
        """The entries of a list, each converted by `read`."""
        return each(self.values(), read)

    def pairs(self) -> dict[str, Value]:
        """The values of a mapping by their keys; no key may come twice."""
        if not isinstance(self.node, MappingNode):
            raise self.refuse(
                "`{key}` has no keys.", "Write key: value, one on each line.", key=self.key
            )
        pairs: dict[str, Value] = {}
        for key, node in self.node.value:
            name = Value("key", self.file, key).text()
            if name in pairs:
                raise Value(name, self.file, key).refuse(
                    "{name} is written twice, first in line {first_line}.",
                    "Write it once.",
                    name=as_shown(name),
                    first_line=pairs[name].line,
                )
            pairs[name] = Value(name, self.file, node)
        return pairs

    def at(self, key: str) -> Value:
        """The value of a key of a mapping that has it: an error about the whole names its line."""
        return self.pairs()[key]

    def section(self, keys: str) -> Section:
        """A mapping that has no other keys than these, which are separated by spaces."""
        known = keys.split()

        def check(value: Value) -> None:
            if value.key not in known:
                raise value.refuse(
                    "The key {name} is not known here.",
                    _one_of(value.key, known),
                    name=as_shown(value.key),
                )

        pairs = self.pairs()
        each(pairs.values(), check)
        return Section(self, pairs)


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping whose keys are all known."""

    value: Value
    pairs: Mapping[str, Value]

    def need(self, key: str) -> Value:
        """The value of a key that must be there."""
        if key not in self.pairs:
            raise self.missing(key)
        return self.pairs[key]

    def missing(self, key: str) -> PolicyError:
        """The error for a key that must be there and is not."""
        return self.value.refuse(
            "The key `{key}` is missing here.", "Write {key}: and its value.", key=key
        )

    def maybe(self, key: str, read: Callable[[Value], B]) -> B | None:
        """The value of a key that may be left out, converted by `read`; None without the key."""
        return read(self.pairs[key]) if key in self.pairs else None

    def given(self, reads: Mapping[str, Callable[[Value], B]]) -> dict[str, B]:
        """The values of those of these keys that are there, each converted by its function."""
        return {key: read(self.pairs[key]) for key, read in reads.items() if key in self.pairs}

    def entries(self, key: str, read: Callable[[Value], B]) -> tuple[B, ...]:
        """The entries of a list that may be left out, each converted by `read`."""
        return self.maybe(key, lambda value: value.entries(read)) or ()

    def effective(self) -> tuple[date, date | None]:
        """First and last day in force: `effective_from` and, if there is one, `effective_to`."""
        first, last = self.need("effective_from").day(), self.maybe("effective_to", Value.day)
        if last and last < first:
            raise self.pairs["effective_to"].refuse(
                "`effective_to` is {shown}, before `effective_from`.",
                "Write {first} or later, or leave it out.",
                shown=self.pairs["effective_to"].shown,
                first=first,
            )
        return first, last


def each(sources: Iterable[A], read: Callable[[A], B]) -> tuple[B, ...]:
    """Apply `read` to each source. The error lists all that are wrong, not only the first.

    Raises:
        PolicyError: one or more of them are wrong.
    """
    results: list[B] = []
    problems: list[Text] = []
    for source in sources:
        try:
            results.append(read(source))
        except PolicyError as error:
            problems += [text for text in error.texts if text not in problems]
    if problems:
        raise PolicyError(*problems)
    return tuple(results)


def all_of(*checks: Callable[[], object], **reads: Callable[[], Any]) -> dict[str, Any]:
    """Make these checks and reads; by name, what was read. The error lists all that are wrong, each
    once, although several of them may need the same value.

    Raises:
        PolicyError: one or more of them are wrong.
    """
    found = each((*checks, *reads.values()), lambda read: read())
    return dict(zip(reads, found[len(checks) :], strict=True))


def as_shown(text: str) -> Text:
    """A text of a file, masked, as errors show it."""
    return text_of("`{masked}` (masked)", masked=masked(text))


def _one_of(text: str, known: Collection[str]) -> Text:
    listed = ", ".join(sorted(known))
    if close := difflib.get_close_matches(text, known, n=1):
        return text_of("Did you mean {close}? Write one of: {known}.", close=close[0], known=listed)
    return text_of("Write one of: {known}.", known=listed)
