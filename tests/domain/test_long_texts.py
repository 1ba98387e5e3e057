"""Names, addresses and ids of any length cost milliseconds, whatever they are made of."""

import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.readers.placeholders import is_placeholder
from domain.contact_points import address_key
from domain.ids import id_of
from domain.masking import masked
from domain.persons import name_key
from domain.unicode_forms import MOST_MARKS, SHORT, normalized

PIECES = ("x", "A\u0316\u0301", "\u0316\u0301", "\ufdfa", "\u0390", "1 ", "((", "王-", "mon-")


@pytest.mark.attack("quadratic text")
@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("read", [name_key, address_key, id_of, is_placeholder, masked])
def test_a_text_of_any_length_costs_milliseconds(read: Callable[[str], object], piece: str) -> None:
    text = piece * (50_000 // len(piece))
    read(piece)
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 1


@given(st.text(alphabet="aé\u0301\u0316Åﬁ가각", max_size=SHORT))
def test_what_people_write_has_the_form_that_unicode_gives_it(text: str) -> None:
    assert normalized("NFC", text) == unicodedata.normalize("NFC", text)


def test_a_long_text_loses_only_the_marks_that_are_too_many() -> None:
    long = "e\u0301" * SHORT
    assert normalized("NFC", long) == "\u00e9" * SHORT
    marks = "\u0316" * SHORT
    assert normalized("NFC", f"e{marks}f{marks}") == f"e{marks[:MOST_MARKS]}f{marks[:MOST_MARKS]}"
