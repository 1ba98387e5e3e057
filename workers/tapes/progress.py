"""How far an import has come, for whoever waits for it."""

from collections.abc import Callable
from enum import StrEnum


class Phase(StrEnum):
    """What an import does, in order."""

    COMPARE = "compare"  # bytes of the file
    READ = "read"  # rows
    MERGE = "merge"  # loans
    ABSENT = "absent"  # loans that the tape leaves out
    DATE = "date"  # loans that are unchanged


Progress = Callable[[Phase, int, int], None]
"""Called regularly with what is done of the phase, and its total."""


def no_progress(phase: Phase, done: int, total: int) -> None:
    """Nobody waits."""
