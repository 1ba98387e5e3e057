"""The book of a chaotic day: who is owed a text is decided here, by the days past due alone.

Each loan has a borrower and a number of its own, so that a text can be traced to what it was for.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, insert, select

from tests.support.loans import ADDRESS, NAME
from workers.db.contact_points import make_numbers
from workers.db.encryption import Cipher
from workers.db.places import place_of_address, place_of_name, place_of_number
from workers.db.schema import (
    borrower,
    borrower_number,
    contact_point,
    instalment,
    loan,
    person,
)

ZONE = "America/New_York"
TODAY = date(2024, 3, 4)
NOON = "12:00"

OWED_ON = (*range(1, 4), *range(30, 60))
"""Days past due with a text: config/ladders/consumer_loan_us.yaml, worked out by hand."""
QUIET_ON = (-3, 0, 4, 5, 6, 9, 20)
"""Days without one."""

LINES = range(100)
AREAS = range(201, 1000)
MAGIC_NUMBERS = range(88, 100)
"""The last numbers of an area, among them the magic ones. Unused: faults are random here."""
MOST_LOANS = len(AREAS) * (len(LINES) - len(MAGIC_NUMBERS))

BATCH_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class OneLoan:
    """What the oracle must know of a loan."""

    number: str
    days_past_due: int
    zone: str = ZONE

    @property
    def owed(self) -> bool:
        """Whether it is owed a text today: one, whichever of the ladder's it is."""
        return self.days_past_due in OWED_ON


def make_book(owed: int, seed: int) -> list[OneLoan]:
    """So many loans that are owed a text, and a tenth as many that are not, in any order."""
    dice = random.Random(seed)
    days = [dice.choice(OWED_ON) for _ in range(owed)]
    days += [dice.choice(QUIET_ON) for _ in range(max(1, owed // 10))]
    dice.shuffle(days)
    return [OneLoan(number, day) for number, day in zip(fictional_numbers(), days, strict=False)]


def fictional_numbers() -> Iterator[str]:
    """Numbers that are kept for fiction: 555-0100 to 555-0187 of each area."""
    for area in AREAS:
        for line in LINES[: -len(MAGIC_NUMBERS)]:
            yield f"+1{area}55501{line:02d}"


def write_book(
    connection: Connection, cipher: Cipher, book: Sequence[OneLoan], now: datetime
) -> None:
    """Store the book as an import would have left it."""
    for first in range(0, len(book), BATCH_SIZE):
        _write_piece(connection, cipher, book[first : first + BATCH_SIZE], first, now)


def _write_piece(
    connection: Connection, cipher: Cipher, piece: Sequence[OneLoan], first: int, now: datetime
) -> None:
    names = [f"L-{first + n:06d}" for n in range(len(piece))]
    person_ids = connection.scalars(
        insert(person).returning(person.c.id), [{"made_at": now} for _ in piece]
    ).all()
    make_numbers(connection, {cipher.blind_index(fake_loan.number) for fake_loan in piece})
    borrower_ids = connection.scalars(
        insert(borrower).returning(borrower.c.id, sort_by_parameter_order=True),
        [
            {
                "person_id": person_id,
                "external_id": f"B-{external_id}",
                "name_encrypted": cipher.encrypt(NAME, place_of_name(f"B-{external_id}")),
                "address_encrypted": cipher.encrypt(ADDRESS, place_of_address(f"B-{external_id}")),
                "zones": [fake_loan.zone],
                "locale": "en",
                "updated_at": now,
            }
            for external_id, fake_loan, person_id in zip(names, piece, person_ids, strict=True)
        ],
    ).all()
    points = dict(
        tuple(row)
        for row in connection.execute(select(contact_point.c.blind_index, contact_point.c.id))
    )
    connection.execute(
        insert(borrower_number),
        [
            {
                "borrower_id": borrower_id,
                "position": 1,
                "contact_point_id": points[cipher.blind_index(fake_loan.number)],
                "number_encrypted": cipher.encrypt(
                    fake_loan.number,
                    place_of_number(f"B-{external_id}", cipher.blind_index(fake_loan.number)),
                ),
                "tape_field": 1,
            }
            for external_id, fake_loan, borrower_id in zip(names, piece, borrower_ids, strict=True)
        ],
    )
    due = [TODAY - timedelta(days=fake_loan.days_past_due) for fake_loan in piece]
    loan_ids = connection.scalars(
        insert(loan).returning(loan.c.id, sort_by_parameter_order=True),
        [
            {
                "external_id": external_id,
                "borrower_id": borrower_id,
                "jurisdiction": "US",
                "product": "personal_loan",
                "currency": "USD",
                "review_on": due_on + timedelta(days=1),
                "steps_tried": [],
                "updated_at": now,
            }
            for external_id, borrower_id, due_on in zip(names, borrower_ids, due, strict=True)
        ],
    )
    connection.execute(
        insert(instalment),
        [
            {
                "loan_id": loan_id,
                "due_on": due_on,
                "counts_from": due_on,
                "principal": Decimal(100),
            }
            for loan_id, due_on in zip(loan_ids, due, strict=True)
        ],
    )
