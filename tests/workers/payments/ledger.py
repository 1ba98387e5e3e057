"""The lender's own ledger of one loan: a small model that shares no code with the product.

It knows every booking with its day, in cents. What is owed and paid when a day begins is calculated
from all bookings of the days before: all money pays what is owed, the oldest first. A tape of a
day contains what the ledger says of that day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

PARTS = ("fees", "interest", "principal")
"""In the order in which they are paid."""

Owed = dict[tuple[date, str], int]
"""Cents by due date and component."""


@dataclass
class Booking:
    """What the lender did, or what a borrower paid."""

    day: date
    kind: str
    cents: int = 0
    due_on: date | None = None
    moved_to: date | None = None
    schedule: Owed = field(default_factory=dict)
    """The new one of a restructuring. `cents` is what is paid of it."""
    undone_on: date | None = None
    """Of an adjustment: from this day on it is as if it had never been booked."""


@dataclass(frozen=True)
class Stand:
    """How the loan stands in the lender's system."""

    owed: Owed
    received: int
    restructured_on: date | None

    @property
    def paid(self) -> int:
        """What is more than is owed is left over."""
        return min(self.received, sum(self.owed.values()))

    def unpaid(self) -> Owed:
        """What nothing is paid of yet."""
        left, unpaid = self.received, {}
        for key in in_order(self.owed):
            paid = min(left, self.owed[key])
            left -= paid
            unpaid[key] = self.owed[key] - paid
        return unpaid


def in_order(owed: Owed) -> Iterator[tuple[date, str]]:
    """The oldest instalment first; of each, its fees, its interest, its principal."""
    yield from sorted(owed, key=lambda key: (key[0], PARTS.index(key[1])))


@dataclass
class Ledger:
    """All bookings of one loan, in the order in which they were made."""

    schedule: Owed
    bookings: list[Booking] = field(default_factory=list)

    def book(self, booking: Booking) -> Booking:
        self.bookings.append(booking)
        return booking

    def before(self, day: date) -> Stand:
        """How the loan stood when this day began."""
        stand = Stand(self.schedule, 0, None)
        known = [each for each in self.bookings if each.day < day]
        undone = [each for each in known if each.undone_on is not None and each.undone_on < day]
        ranks = {"restructuring": 0, "charge": 1}
        for each in sorted(known, key=lambda each: (each.day, ranks.get(each.kind, 2))):
            if each not in undone:
                stand = _after(stand, each)
        return stand


def _after(stand: Stand, booking: Booking) -> Stand:
    owed = dict(stand.owed)
    received = stand.received
    match booking.kind:
        case "money":
            received = max(0, received + booking.cents)
        case "charge":
            assert booking.due_on
            key = (booking.due_on, "fees")
            owed[key] = owed.get(key, 0) + booking.cents
        case "waiver":
            left = booking.cents
            unpaid = stand.unpaid()
            for key in in_order(owed):
                waived = min(left, unpaid[key])
                owed[key] -= waived
                left -= waived
        case "left_out" | "acceleration":
            assert booking.moved_to
            for (due_on, part), cents in stand.unpaid().items():
                moves = due_on == booking.due_on
                if booking.kind == "acceleration":
                    moves = due_on > booking.moved_to
                if moves:
                    owed[due_on, part] -= cents
                    to = (booking.moved_to, part)
                    owed[to] = owed.get(to, 0) + cents
        case _:
            return Stand(dict(booking.schedule), booking.cents, booking.day)
    return Stand(owed, received, stand.restructured_on)
