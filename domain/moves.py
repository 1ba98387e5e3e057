"""Tables of moves: for each status, the statuses that may follow it.

Every UPDATE that moves a row names in its WHERE clause the statuses from which the table allows the
move, so that no other row moves.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeVar

Status = TypeVar("Status", bound=StrEnum)


def sources(moves: Mapping[Status, Collection[Status]], target: Status) -> frozenset[Status]:
    """The statuses from which a row may move to `target`."""
    return frozenset(status for status, targets in moves.items() if target in targets)
