"""Looks at what holds personal data: each is put on record, with whoever looked."""

from __future__ import annotations

from enum import StrEnum


class Opened(StrEnum):
    """What was opened."""

    LETTER = "letter"  # to be printed and posted
