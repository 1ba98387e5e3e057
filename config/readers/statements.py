"""Finds in the words of a text or a letter the statements that a law asks about.

`config/templates/statements.yaml` lists, for each locale, the words that make a statement.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeAlias

from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import Value
from domain.compliance.vocabulary import Says

FILE = "statements.yaml"


BY_WORDS = (Says.OPT_OUT, Says.REPLY, Says.LEGAL_CONSEQUENCES)
"""The statements that are found by their words; the others by the values of the template."""

BY_PLACEHOLDER = {
    Says.IDENTITY: frozenset({"lender"}),
    Says.DEBT: frozenset({"amount", "due_on", "days_past_due", "reference"})
    # of a text about several loans
    | {"loan_1", "amount_1", "loan_2", "amount_2", "loan_3", "amount_3", "count", "total"},
}

Wordings: TypeAlias = Mapping[Says, tuple[str, ...]]
"""In one locale: for each statement the words, any of which makes it."""


def load_statements(directory: Path) -> Mapping[str, Wordings]:
    """The wordings of each locale; empty if the directory has no such file.

    Without them no text has an opt-out, and a law that asks for one bars the text.

    Raises:
        PolicyError: something in the file is wrong.
    """
    path = directory / FILE
    if not path.exists():
        return {}
    return {locale: _wordings(value) for locale, value in read_yaml(path).pairs().items()}


def statements_in(text: str, placeholders: Collection[str], wordings: Wordings) -> frozenset[Says]:
    """The statements of a template. `text` is its source, `placeholders` the values it needs."""
    by_placeholder = {says for says, names in BY_PLACEHOLDER.items() if names & set(placeholders)}
    plain = text.casefold()
    by_words = {
        says for says, words in wordings.items() if any(word.casefold() in plain for word in words)
    }
    return frozenset(by_placeholder | by_words)


def _wordings(value: Value) -> Wordings:
    section = value.section(" ".join(BY_WORDS))
    return {says: section.entries(says, Value.text) for says in BY_WORDS}
