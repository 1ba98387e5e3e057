"""The people of a made-up street, and the numbers that they share."""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tests.oracle.log import Life, Numbers
from tests.oracle.product_answers import Known

FIRST_DAY = date(2026, 1, 5)
IN_A_STREET = 5
ZONES = {
    "CN": ("Asia/Shanghai",),
    "US": ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
    "US-MA": ("America/New_York",),
    "US-WA": ("America/Los_Angeles",),
    "GB": ("Europe/London",),
    "IN": ("Asia/Kolkata",),
    "AU": ("Australia/Sydney", "Australia/Perth", "Australia/Lord_Howe", "Australia/Adelaide"),
    "GB-SCT": ("Europe/London",),
    "AU-NSW": ("Australia/Sydney", "Australia/Broken_Hill"),
    "AU-NT": ("Australia/Darwin",),
}
LENDER = {
    "CN": "Asia/Shanghai",
    "US": "America/New_York",
    "GB": "Europe/London",
    "IN": "Asia/Kolkata",
    "AU": "Australia/Sydney",
}


@dataclass(slots=True)
class Street:
    """A few people, who have numbers of one pool, one after the other or at the same time."""

    chance: random.Random
    numbers: Numbers = field(default_factory=Numbers)
    known: Known = field(default_factory=Known)
    lives: list[Life] = field(default_factory=list)
    to_read: list[tuple[str, str]] = field(default_factory=list)
    """The numbers of texts that nobody has read yet, and what they mean."""
    made: int = 0
    """How many people, loans and records have been made."""

    def new_id(self) -> int:
        self.made += 1
        return self.made

    def holders(self, number: str) -> list[tuple[Life, str]]:
        """Who has the number, with each of their records that has it."""
        return [
            (life, record)
            for life in self.lives
            for record, said in life.numbers_of.items()
            if said[-1][1] == number
        ]

    def every_number(self) -> set[str]:
        """All numbers that people here have or had."""
        return {number for life in self.lives for number in life.every_number()}

    def used_by_others(self, life: Life) -> set[str]:
        return {
            str(said[-1][1])
            for other in self.lives
            if other is not life
            for said in other.numbers_of.values()
        }


def born(street: Street, at: datetime, number: str) -> Life:
    """Somebody new, with some loans under one customer record."""
    chance = street.chance
    jurisdiction = chance.choice(list(ZONES))
    zones = {chance.choice(ZONES[jurisdiction])}
    if chance.random() < 0.15:
        zones.add(chance.choice(ZONES[chance.choice(list(ZONES))]))
    start = FIRST_DAY - timedelta(days=chance.choice((30, 400, 1090, 2180)))
    loans = [street.new_id() for _ in range(chance.choice((1, 1, 2, 3)))]
    record = str(street.new_id())
    street.known.add_record(record)
    return Life(
        id=street.new_id(),
        jurisdiction=jurisdiction,
        zones=tuple(sorted(zones)),
        lender_zone=LENDER[jurisdiction[:2]],
        loans=dict.fromkeys(loans, start),
        due={
            loan: at.date() + timedelta(days=chance.randrange(50))
            for loan in loans
            if chance.random() < 0.3
        },
        collects_as=chance.choice(("first_party", "first_party", "third_party")),
        numbers=street.numbers,
        product=chance.choice(("personal_loan", "personal_loan", "microfinance_loan")),
        records_of={loan: [(at, record)] for loan in loans},
        numbers_of={record: [(at, number)]},
    )
