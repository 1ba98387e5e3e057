"""The book of a drill: who is texted when, and about whom something happens after the backup."""

from dataclasses import dataclass
from itertools import islice

from tests.chaos.book import OWED_ON, ZONE, OneLoan, fictional_numbers

ZONES = (ZONE, "America/Los_Angeles", "Pacific/Honolulu")
"""A third of the loans is in each: texted in the morning, after the backup, after the recovery."""
MORNING, AFTERNOON, AFTERWARDS = "10:00", "12:30", "15:00"
"""In the lender's zone: when the next third may be texted."""
NOON = "10:50"
"""When the backup is made: the second third may not be texted yet."""


@dataclass(frozen=True, slots=True)
class People:
    """All of them are owed a text today."""

    book: list[OneLoan]

    def numbers(self, part: int) -> list[str]:
        """Of one zone."""
        return [self.book[position].number for position in self._positions(part)]

    def loan(self, position: int) -> str:
        return f"L-{position:06d}"

    def number(self, position: int) -> str:
        return self.book[position].number

    @property
    def erased(self) -> int:
        """Is texted and pays all in the morning; their data is erased in the afternoon."""
        return self._positions(0)[0]

    @property
    def stopped(self) -> tuple[int, int]:
        """Write STOP in the afternoon: one was texted just before, one would be texted later."""
        return self._positions(1)[0], self._positions(2)[0]

    @property
    def payer(self) -> int:
        """Pays all in the afternoon, and so is not texted later."""
        return self._positions(2)[1]

    @property
    def stopped_meanwhile(self) -> int:
        """Writes STOP while nothing runs that could receive it."""
        return self._positions(2)[2]

    @property
    def owed_afterwards(self) -> set[str]:
        """Who is owed a text when all is said."""
        neither = (self.stopped[1], self.stopped_meanwhile, self.payer)
        return set(self.numbers(2)) - {self.number(position) for position in neither}

    def _positions(self, part: int) -> range:
        each = len(self.book) // len(ZONES)
        return range(part * each, (part + 1) * each)


def make_people(loans: int) -> People:
    """As many loans in each zone."""
    each = loans // len(ZONES)
    numbers = islice(fictional_numbers(), each * len(ZONES))
    return People(
        [
            OneLoan(number, OWED_ON[n % len(OWED_ON)], ZONES[n // each])
            for n, number in enumerate(numbers)
        ]
    )
