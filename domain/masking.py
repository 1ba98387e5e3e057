"""Shows the shape of a value and not the value, because it may be somebody's data."""

import re
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


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_JOIN = re.compile(r"(?<=\d)[ -](?=\d)")
_NUMBER_OF_A_PERSON = re.compile(
    r"\d{11}|\+\d{8}"  # a phone, a bank card, an identity card
    r"|(?<!\d)\d{3}[-. ]\d{3}[-. ]\d{4}(?!\d)"  # a phone in the United States
    r"|(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)"  # a social security number
)


def has_number_of_a_person(words: str) -> bool:
    """Whether words seem to hold a number of a phone, a bank card or an identity card.

    It is a guess by the number of digits: a long reference of a payment seems to be one, too.
    """
    without_dates = _DATE.sub(" x ", words)
    return any(
        _NUMBER_OF_A_PERSON.search(each) for each in (without_dates, _JOIN.sub("", without_dates))
    )


def _mask(character: str) -> str:
    if character.isdigit():
        return "#"
    if unicodedata.category(character)[0] in "LM":  # signs of vowels stand beside their letters
        return "a"
    if character.isnumeric():
        return "#"
    return character if character.isprintable() else "?"
