"""Doors: each kind of call has connections to the database of its own, and starves no other.

Eight texts that waited for one borrower's lock kept every connection, and a payment got 503.
"""

import asyncio
from enum import Enum


class Door(Enum):
    """A kind of call, and how many of them may use the database at the same time."""

    RECEIPTS = "receipts", 3
    TEXTS = "texts", 3
    EVENTS = "events", 4
    CALLS = "calls", 3  # a dialer waits for the person's lock
    DESK = "desk", 8  # people and their programs
    MACHINES = "machines", 1  # which of them may call, every few seconds
    HEALTH = "health", 1

    def __init__(self, label: str, connections: int) -> None:
        self.label = label
        self.connections = connections


POOL_SIZE = sum(door.connections for door in Door) + 1
"""The connections of the process: those of all doors, and one to read an encryption key."""
WAIT_AT_MOST = 10.0
"""Seconds for which a call waits for a connection of its door; then its sender tries again."""


class Doors:
    """The doors of one application, for one event loop."""

    def __init__(self) -> None:
        self._free = {door: asyncio.Semaphore(door.connections) for door in Door}

    async def enter(self, door: Door) -> None:
        """Take a connection of the door; `leave` gives it back.

        Raises:
            TimeoutError: none became free in time.
        """
        async with asyncio.timeout(WAIT_AT_MOST):
            await self._free[door].acquire()

    def leave(self, door: Door) -> None:
        self._free[door].release()
