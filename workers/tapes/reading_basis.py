"""What the reading of a row depends on besides its bytes, in one digest.

If any of it changes, every row has another digest, and the next tape is read whole.
"""

from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from functools import lru_cache
from hashlib import sha256

import phonenumbers

from config.readers.placeholders import placeholders_digest
from config.readers.tape_mapping import TapeMapping
from domain.ladder import Ladder
from workers.context import Context
from workers.tapes.csv_lines import Layout
from workers.tapes.known_values import KnownValues

READER_VERSION = 7
"""Raise it when a row may be read in another way than before."""


def reading_basis(ctx: Context, layout: Layout, mapping: TapeMapping, known: KnownValues) -> str:
    """The digest of the header, the mapping, the ladders in force today with their calendars, the
    steps and locales that exist, the order of allocation, and the numbering plans."""
    today = ctx.today()
    ladders = [ladder for ladder in ctx.policy.ladders if ladder.in_force(today)]
    parts = (
        READER_VERSION,
        layout.header,
        mapping,
        [_of_ladder(ladder) for ladder in ladders],
        (known.steps, known.locales),
        ctx.settings.allocation_order,
        sorted((pack.jurisdiction, pack.allocation) for pack in ctx.policy.rule_packs),
        placeholders_digest(),
        phonenumbers.__version__,
    )
    return sha256(_canonical(parts).encode()).hexdigest()


@lru_cache(maxsize=64)
def _of_ladder(ladder: Ladder) -> str:
    """A calendar has the days of many years: it is written down once."""
    return _canonical((ladder, ladder.calendar))


def _canonical(value: object) -> str:
    """A text that is the same for equal values in every process: sets have no order in one."""
    if is_dataclass(value) and not isinstance(value, type):
        of = {field.name: getattr(value, field.name) for field in fields(value)}
        return f"{type(value).__name__}{_canonical(of)}"
    match value:
        case str():
            return repr(str(value))
        case Mapping():
            items = sorted((_canonical(key), _canonical(each)) for key, each in value.items())
            return "{" + ",".join(f"{key}:{each}" for key, each in items) + "}"
        case Set():
            return "{" + ",".join(sorted(map(_canonical, value))) + "}"
        case list() | tuple():
            return "(" + ",".join(map(_canonical, value)) + ")"
        case _:
            return repr(value)
