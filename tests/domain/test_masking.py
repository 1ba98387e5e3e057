"""Which words seem to hold a number of a person."""

import pytest

from domain.masking import has_number_of_a_person


@pytest.mark.parametrize(
    ("words", "has"),
    [
        ("his card is 11010119900307123X", True),
        ("call 138 0013 8009", True),
        ("call １３８００１３８００９", True),
        ("+44 7700 900123", True),
        ("415-555-0132", True),
        ("123-45-6789", True),
        ("on 2026-03-09 10:00 and 2026-03-10", False),
        ("from 2026-03-09 to 2026-03-10", False),
        ("paid 1,000,000.00 in 12 months", False),
        ("reference 12345678", False),
    ],
)
def test_a_number_of_a_phone_or_a_card_is_seen_and_a_date_or_an_amount_is_not(
    words: str, has: bool
) -> None:
    assert has_number_of_a_person(words) is has
