"""What a text or a letter says, as far as a law asks: read off its words, so that none is missed.

`config/templates/statements.yaml` names, for each locale, the words that make a statement.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from config.readers.yaml_reader import Value, read_yaml
from domain.compliance.vocabulary import Says

FILE = "statements.yaml"


class ByWords(StrEnum):
    """The statements that are known by their words; the others by the values they need."""

    OPT_OUT = Says.OPT_OUT
    LEGAL_CONSEQUENCES = Says.LEGAL_CONSEQUENCES


BY_PLACEHOLDER = {
    Says.IDENTITY: frozenset({"lender"}),
    Says.DEBT: frozenset({"amount", "due_on", "days_past_due", "reference"}),
}

Wordings: TypeAlias = Mapping[Says, tuple[str, ...]]
"""Words each of which makes the statement, in one locale."""


def load_statements(directory: Path) -> Mapping[str, Wordings]:
    """The wordings of each locale; none where the directory has no such file.

    A text without known words says nothing then, and a law that asks for an opt-out bars it.

    Raises:
        PolicyError: the file says something that it must not.
    """
    path = directory / FILE
    if not path.exists():
        return {}
    return {locale: _wordings(value) for locale, value in read_yaml(path).pairs().items()}


def statements_in(text: str, placeholders: Collection[str], told_by: Wordings) -> frozenset[Says]:
    """What a template says: `text` is its source, `placeholders` the values it needs."""
    by_value = {says for says, names in BY_PLACEHOLDER.items() if names & set(placeholders)}
    plain = text.casefold()
    by_words = {
        says for says, words in told_by.items() if any(word.casefold() in plain for word in words)
    }
    return frozenset(by_value | by_words)


def _wordings(value: Value) -> Wordings:
    section = value.section([str(word) for word in ByWords])
    return {Says(str(word)): section.texts(str(word)) for word in ByWords}
