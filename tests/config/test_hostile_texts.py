"""Text from outside is cut before a pattern is asked about it: 84 kB stopped the webhook for 11 s.

No seconds are measured. The patterns are replaced by ones that note the lengths of the texts.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from config import setting_validators
from config.readers import placeholders, tape_formats
from domain import inconvenient, plain_text
from tests.support.loans import shipped_policy
from workers.tapes import known_columns, numbers

HOSTILE = [
    part * (100_000 // len(part))
    for part in (
        *(" ", "1", "a", "(", "((", "1 ", "-", "--_", ".", "1,", "1.", ",", "\n", "\u3010", "【a"),
        *("aaa", "\u200b", "é", "ﷺ", "１", "转 ", "ext ", "+1", "/1", "mon-", "mon 08:00-", "或"),
        *("A\t", '"', ";", "%", "\\", "“", "N/A", "xx ", "stop ", "stop.", "停", "＞\n", "_" * 9),
    )
]


class Noting:
    """A pattern that notes the longest text that it was asked about."""

    def __init__(self, pattern: re.Pattern[str], lengths: list[int]) -> None:
        self._pattern, self._lengths = pattern, lengths

    def __getattr__(self, name: str) -> object:
        method = getattr(self._pattern, name)
        if not callable(method):
            return method

        def noting(*given: object) -> object:
            self._lengths.append(len(str(given[-1])))
            return method(*given)

        return noting


@pytest.fixture
def lengths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the texts about which a pattern of these modules was asked."""
    found: list[int] = []
    for module in (setting_validators, inconvenient, plain_text, numbers, known_columns):
        for name, value in vars(module).copy().items():
            if isinstance(value, re.Pattern):
                monkeypatch.setattr(module, name, Noting(value, found))
    words, patterns = placeholders._placeholders()
    noting = tuple(Noting(pattern, found) for pattern in patterns)
    monkeypatch.setattr(placeholders, "_placeholders", lambda: (words, noting))
    number = tape_formats._number
    monkeypatch.setattr(tape_formats, "_number", lambda *marks: Noting(number(*marks), found))
    return found


class Cells:
    """As far as the numbers of a row need it."""

    mapping = SimpleNamespace(phone_region="CN")

    def refuse(self, *said: object, **more: object) -> Exception:
        return ValueError()


READ: dict[str, tuple[Callable[[str], object], int]] = {
    "a telephone number of the settings": (setting_validators.phone, 30),
    "a sender of texts": (setting_validators.sender, 40),
    "a time of the week": (inconvenient.InconvenientTime.parse, 100),
    "a reply": (shipped_policy().replies.read, 3 * plain_text.LONGEST),
    "a placeholder": (placeholders.is_placeholder, 100),
    "a cell with telephone numbers": (
        lambda text: numbers.read_numbers([text, "", ""], Cells()),  # type: ignore[arg-type]
        400,
    ),
    "the name of a column": (known_columns.plain_name, 200),
    "an amount": (lambda text: tape_formats.read_number(text, ".", ","), 64),
    "a day": (lambda text: tape_formats.day_in(text, "%Y-%m-%d"), 64),
}


@pytest.mark.parametrize("what", READ)
def test_a_pattern_never_sees_more_than_the_beginning_of_a_text(
    what: str, lengths: list[int]
) -> None:
    read, most = READ[what]
    for text in HOSTILE:
        with suppress(ValueError):
            read(text)
    assert max(lengths, default=0) <= most


def test_what_is_short_enough_is_read_as_before() -> None:
    assert setting_validators.phone("400-000-0000") == "400-000-0000"
    assert tape_formats.read_number("1,234.50", ".", ",") == Decimal("1234.50")
    assert tape_formats.day_in("2026-03-02", "%Y-%m-%d") == datetime(2026, 3, 2).date()
