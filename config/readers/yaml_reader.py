"""Reads the YAML of the policy so that every refusal names the file, the line and the remedy.

Values are kept as they were written until a getter says what is wanted: `08:00`, `1-3` and `1.50`
then mean what they look like, and none of YAML's guesses at types can get in between.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from domain.errors import ArrearsError

A = TypeVar("A")
B = TypeVar("B")
W = TypeVar("W", bound=str)

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


class PolicyError(ArrearsError):
    """What a policy file says and must not: a line for each problem, with file, line and remedy."""

    def __init__(self, *problems: str) -> None:
        """Takes whole sentences, one string for each problem."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Value:
    """One value, the key it stands under, and where it stands."""

    key: str
    file: str
    node: Node

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    def refuse(self, wrong: str, instead: str) -> PolicyError:
        """The error that says what is wrong here and what to write instead, in two sentences."""
        return PolicyError(f"{self.file} line {self.line}: {wrong} {instead}")

    def text(self) -> str:
        """Anything written on one line, or a folded block of lines."""
        if not isinstance(self.node, ScalarNode):
            raise self.refuse(f"`{self.key}` is not a single value.", "Write one word or sentence.")
        text = str(self.node.value).strip()
        if not text or self.node.tag == "tag:yaml.org,2002:null":
            raise self.refuse(f"`{self.key}` has no value.", "Write one, or leave out the line.")
        return text

    def identifier(self) -> str:
        """A name that ends up in the records: small letters, digits, underscores, dots between."""
        return self._matching(IDENTIFIER, "Write small letters, digits and _, such as remind_2.")

    def jurisdiction(self) -> str:
        """ISO 3166-1 alpha-2, with a subdivision where its law differs: `CN`, `US-MA`."""
        return self._matching(
            JURISDICTION, "Write a country in two capitals, such as CN, or a part of it, as US-MA."
        )

    def whole(self, at_least: int) -> int:
        """A whole number."""
        text = self._matching(re.compile(r"-?\d{1,9}"), "Write a whole number, such as 3.")
        if int(text) < at_least:
            raise self.refuse(f"`{self.key}` is {text}.", f"Write {at_least} or more.")
        return int(text)

    def amount(self) -> Decimal:
        """Money, of zero or more."""
        text = self._matching(re.compile(r"-?\d+(\.\d+)?"), "Write an amount, such as 100.00.")
        if Decimal(text) < 0:
            raise self.refuse(f"`{self.key}` is {text}.", "Write 0 or more.")
        return Decimal(text)

    def day(self) -> date:
        """A calendar day."""
        instead = "Write a day of the calendar as year-month-day, such as 2026-01-31."
        text = self._matching(re.compile(r"\d{4}-\d{2}-\d{2}"), instead)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self.refuse(f"`{self.key}` is {text}.", instead) from None

    def word(self, words: Iterable[W]) -> W:
        """One word of a closed vocabulary, such as a `StrEnum`."""
        text = self.text()
        known = {str(word): word for word in words}
        if text not in known:
            raise self.refuse(f"`{self.key}` is {text}.", _one_of(text, known))
        return known[text]

    def known(self, names: Collection[str], what: str) -> str:
        """One of the names that exist elsewhere."""
        text = self.text()
        if text not in names:
            raise self.refuse(f"There is no {what} {text}.", _one_of(text, names))
        return text

    def values(self) -> tuple[Value, ...]:
        """The entries of a list."""
        if not isinstance(self.node, SequenceNode) or not self.node.value:
            raise self.refuse(
                f"`{self.key}` is not a list.", "Write one entry or more, each with -."
            )
        return tuple(Value(self.key, self.file, node) for node in self.node.value)

    def pairs(self) -> dict[str, Value]:
        """The keys of a mapping, whatever they are, and their values; no key may come twice."""
        if not isinstance(self.node, MappingNode):
            raise self.refuse(f"`{self.key}` has no keys.", "Write key: value, one on each line.")
        pairs: dict[str, Value] = {}
        for key, node in self.node.value:
            name = Value("key", self.file, key).text()
            if name in pairs:
                raise Value(name, self.file, key).refuse(
                    f"`{name}` is written twice, first in line {pairs[name].line}.",
                    "Write it once.",
                )
            pairs[name] = Value(name, self.file, node)
        return pairs

    def section(self, keys: Collection[str]) -> Section:
        """A mapping that has none but these keys."""
        pairs = self.pairs()
        unknown = [key for key in pairs if key not in keys]
        if unknown:
            raise PolicyError(
                *(
                    problem
                    for key in unknown
                    for problem in pairs[key]
                    .refuse(f"The key `{key}` is not known here.", _one_of(key, keys))
                    .problems
                )
            )
        return Section(self, pairs)

    def _matching(self, pattern: re.Pattern[str], instead: str) -> str:
        text = self.text()
        if not pattern.fullmatch(text):
            raise self.refuse(f"`{self.key}` is {text}.", instead)
        return text


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping whose keys are all known."""

    place: Value
    pairs: Mapping[str, Value]

    def need(self, key: str) -> Value:
        """The value of a key that must be there."""
        if key not in self.pairs:
            raise self.place.refuse(
                f"The key `{key}` is missing here.", f"Write {key}: and its value."
            )
        return self.pairs[key]

    def maybe(self, key: str) -> Value | None:
        """The value of a key that may be left out."""
        return self.pairs.get(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of words that may be left out."""
        value = self.maybe(key)
        return tuple(entry.text() for entry in value.values()) if value else ()


def each(things: Iterable[A], read: Callable[[A], B]) -> tuple[B, ...]:
    """Read every thing, and refuse all that are wrong at once rather than one at a time."""
    results: list[B] = []
    problems: list[str] = []
    for thing in things:
        try:
            results.append(read(thing))
        except PolicyError as error:
            problems += error.problems
    if problems:
        raise PolicyError(*problems)
    return tuple(results)


def read_yaml(path: Path) -> Value:
    """Read one file, which holds one YAML document.

    Raises:
        PolicyError: it cannot be read, is empty, or is not YAML.
    """
    file = _shown(path)
    try:
        node = YAML().compose(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PolicyError(f"{file} cannot be read ({error.strerror}). Check its path.") from None
    except UnicodeDecodeError:
        raise PolicyError(f"{file} is not UTF-8. Save it as UTF-8.") from None
    except MarkedYAMLError as error:
        raise PolicyError(_not_yaml(file, error)) from None
    except YAMLError:
        raise PolicyError(f"{file} holds characters that YAML forbids. Take them out.") from None
    if node is None:
        raise PolicyError(f"{file} line 1: the file is empty. Fill it in, or delete it.")
    return Value("file", file, node)


def digest(value: Value) -> str:
    """SHA-256, in hex, of what a document says: comments, layout and key order do not count."""
    said = json.dumps(_plain(value.node), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def _plain(node: Node) -> object:
    if isinstance(node, MappingNode):
        return {str(key.value): _plain(child) for key, child in node.value}
    if isinstance(node, SequenceNode):
        return [_plain(child) for child in node.value]
    return str(node.value)


def _not_yaml(file: str, error: MarkedYAMLError) -> str:
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    problem = error.problem or "something unexpected"
    if r"'\t'" in problem:
        return f"{file} line {line}: there is a tab before the text. Write spaces instead."
    return (
        f"{file} line {line}: this is not YAML ({problem}). "
        f'Check indents, brackets and colons, and write text that has a colon in "quotes".'
    )


def _one_of(text: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(text, known, n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    return f"{hint}Write one of: {', '.join(sorted(known))}."


def _shown(path: Path) -> str:
    """The path as a person in the working directory would type it."""
    resolved = path.resolve()
    here = Path.cwd()
    return str(resolved.relative_to(here) if resolved.is_relative_to(here) else path)
