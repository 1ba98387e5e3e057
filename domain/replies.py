"""What a borrower's text asks for."""

from __future__ import annotations

from enum import StrEnum


class ReplyKind(StrEnum):
    """What the house does about a borrower's text."""

    STOP = "stop"  # no more texts, at once
    START = "start"  # texts are welcome again
    HELP = "help"  # who is this, and where can I call
    OTHER = "other"  # for a person to read
