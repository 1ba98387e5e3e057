"""What people typed, in the entries of a history: opened for who may read it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from domain.disputes import NOT_IN_WORDS
from domain.language.phrases import Phrase
from domain.language.render import Entry, Part, part
from domain.permissions import Permission, may
from domain.reasons import Reason, ReasonCode, because
from workers.context import Context
from workers.db.free_text import open_words, with_words, without_words, words_in

WORDS = "why"
"""The name of a value that is the id of such a text."""


def typed_words(row: Any, name: str = "why") -> UUID | str | None:
    """What a person typed, of a row: the id of the text, or the words themselves where an earlier
    release stored them and they are not encrypted yet."""
    id: UUID | None = getattr(row, f"{name}_id")
    words: str | None = getattr(row, name)
    return words if id is None else id


def show_words(
    connection: Connection, ctx: Context, entries: Sequence[Entry], *, shown: bool = True
) -> list[Entry]:
    """The entries with what people typed, where whoever acts may read it. One statement.

    The words may name somebody, so they are for who may see personal data of persons, and only if
    they are `shown` to them. What was erased is said to be.
    """
    if not shown or not may(ctx.actor, Permission.READ_PERSONS):
        return [_replaced(entry, None) for entry in entries]
    ids = {id for entry in entries for id in _ids_in(entry.parts)}
    opened = open_words(connection, ctx.cipher, ids)
    return [_replaced(entry, opened) for entry in entries]


def _ids_in(value: Any, name: str = "") -> set[UUID]:
    match value:
        case UUID() if name == WORDS:
            return {value}
        case Reason():
            return words_in((value,))
        case Part():
            return {id for key, each in value.values.items() for id in _ids_in(each, key)}
        case tuple():
            return {id for each in value for id in _ids_in(each)}
    return set()


def _replaced(entry: Entry, opened: Mapping[UUID, str | None] | None) -> Entry:
    parts = tuple(_in_place("", each, opened) for each in entry.parts)
    return replace(entry, parts=parts)


def _in_place(name: str, value: Any, opened: Mapping[UUID, str | None] | None) -> Any:
    """The value with the words in the place of their ids; `opened` is None for who may not read
    them."""
    match value:
        case UUID() if name == WORDS:
            if opened is None:
                return part(Phrase.WORDS_NOT_SHOWN)
            if value not in opened:
                return part(Phrase.WORDS_ERASED)
            return opened[value] or part(Phrase.WORDS_NOT_SHOWN)
        case str() if name == WORDS and opened is None:
            return part(Phrase.WORDS_NOT_SHOWN)
        case Reason():
            return without_words(value) if opened is None else with_words((value,), opened)[0]
        case Part(phrase=Phrase.THEY_SAID_WHY) if _is_told_without(value.values[WORDS], opened):
            return part(Phrase.WHY, reason=because(ReasonCode.TOLD_WITHOUT_WORDS))
        case Part():
            values = {key: _in_place(key, each, opened) for key, each in value.values.items()}
            return replace(value, values=values)
        case tuple():
            return tuple(_in_place("", each, opened) for each in value)
    return value


def _is_told_without(words: object, opened: Mapping[UUID, str | None] | None) -> bool:
    return isinstance(words, UUID) and opened is not None and opened.get(words) == NOT_IN_WORDS
