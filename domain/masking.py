"""Shows the shape of a value and not the value, because it may be somebody's data."""

import unicodedata

MASK_LENGTH = 20
MASKING = "Values are masked: a stands for a letter, # for a digit."
"""Shown once, beside masked values."""


def masked(value: str) -> str:
    """The value with only its shape, so that a person can find it and nobody can read it.

    Letters become a and digits #; long values are cut.
    """
    hidden = "".join(_mask(character) for character in value)
    return hidden if len(hidden) <= MASK_LENGTH else f"{hidden[: MASK_LENGTH - 1]}…"


def _mask(character: str) -> str:
    if character.isdigit():
        return "#"
    if unicodedata.category(character)[0] in "LM":  # signs of vowels stand beside their letters
        return "a"
    if character.isnumeric():
        return "#"
    return character if character.isprintable() else "?"
