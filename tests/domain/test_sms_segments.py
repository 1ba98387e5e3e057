"""How a text is measured: the figures are those of GSM 03.38."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sms_segments import Encoding, Segments, segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments(Encoding.GSM_7, 0, 0)),
        ("a" * 160, Segments(Encoding.GSM_7, 160, 1)),
        ("a" * 161, Segments(Encoding.GSM_7, 161, 2)),
        ("a" * 306, Segments(Encoding.GSM_7, 306, 2)),
        ("a" * 307, Segments(Encoding.GSM_7, 307, 3)),
        ("款" * 70, Segments(Encoding.UCS_2, 70, 1)),
        ("款" * 71, Segments(Encoding.UCS_2, 71, 2)),
        ("款" * 134, Segments(Encoding.UCS_2, 134, 2)),
        ("款" * 135, Segments(Encoding.UCS_2, 135, 3)),
    ],
)
def test_a_text_fills_its_segments_to_the_last_unit(text: str, expected: Segments) -> None:
    assert segments(text) == expected


@pytest.mark.parametrize("character", "\f^{}\\[~]|€")
def test_a_character_of_the_extension_table_takes_two_septets(character: str) -> None:
    assert segments(character * 80) == Segments(Encoding.GSM_7, 160, 1)


@pytest.mark.parametrize("character", "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà")
def test_a_character_of_the_basic_table_takes_one_septet(character: str) -> None:
    assert segments(character) == Segments(Encoding.GSM_7, 1, 1)


@pytest.mark.parametrize("character", ["`", "ç", "\t", "₹", "’", "—", "\N{NO-BREAK SPACE}"])
def test_one_character_outside_the_tables_turns_the_text_into_ucs_2(character: str) -> None:
    assert segments("a" * 70 + character) == Segments(Encoding.UCS_2, 71, 2)


def test_an_extension_character_is_not_split_between_segments() -> None:
    # 152 septets leave one of 153, too little for the euro sign.
    assert segments("a" * 152 + "€" + "a" * 151) == Segments(Encoding.GSM_7, 305, 2)
    assert segments("a" * 152 + "€" + "a" * 152) == Segments(Encoding.GSM_7, 306, 3)


def test_a_surrogate_pair_is_not_split_between_segments() -> None:
    assert segments("😀" * 35) == Segments(Encoding.UCS_2, 70, 1)
    # Each part of 67 units holds 33 pairs, and one unit stays empty.
    assert segments("😀" * 66) == Segments(Encoding.UCS_2, 132, 2)
    assert segments("😀" * 67) == Segments(Encoding.UCS_2, 134, 3)


@given(st.text(max_size=400))
def test_no_text_overflows_its_segments(text: str) -> None:
    found = segments(text)
    alone, part = (160, 153) if found.encoding is Encoding.GSM_7 else (70, 67)
    assert found.units <= (alone if found.count == 1 else found.count * part)
    assert found.count <= found.units
