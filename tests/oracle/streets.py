"""The people of a made-up street, and the numbers that they share."""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from domain.contact_points import NumberFact
from tests.oracle.log import Life, Numbers, Part
from tests.oracle.product_answers import Known

FIRST_DAY = date(2026, 1, 5)
IN_A_STREET = 5
ROLES = ("co_borrower", "guarantor", "guarantor")
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
            if number in said[-1][1]
        ]

    def every_number(self) -> set[str]:
        """All numbers that people here have or had."""
        return {number for life in self.lives for number in life.every_number()}

    def used_by_others(self, life: Life) -> set[str]:
        return {
            number
            for other in self.lives
            if other is not life
            for said in other.numbers_of.values()
            for number in said[-1][1]
        }

    def join(self, borrower: Life, loan: int, party: Life, role: str, at: datetime) -> None:
        """Somebody is party to a loan from now on, under one of their records."""
        part = Part(role, loan, borrower, party, at)
        borrower.parts.append(part)
        party.parts.append(part)
        record = self.chance.choice(list(party.numbers_of))
        party.records_of.setdefault(loan, []).append((at, record))


def born(street: Street, at: datetime, number: str) -> Life:
    """Somebody new, with some loans under one customer record."""
    chance = street.chance
    family = chance.choice(street.lives) if street.lives and chance.random() < 0.5 else None
    jurisdiction = family.jurisdiction if family else chance.choice(list(ZONES))
    zones = {chance.choice(ZONES[jurisdiction])}
    if chance.random() < 0.15:
        zones.add(chance.choice(ZONES[chance.choice(list(ZONES))]))
    start = FIRST_DAY - timedelta(days=chance.choice((30, 400, 1090, 2180)))
    loans = [street.new_id() for _ in range(chance.choice((1, 1, 2, 3)))]
    record = str(street.new_id())
    street.known.add_record(record)
    life = Life(
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
        collects_as=family.collects_as
        if family
        else chance.choice(("first_party", "first_party", "third_party")),
        numbers=street.numbers,
        product=family.product
        if family
        else chance.choice(("personal_loan", "personal_loan", "microfinance_loan")),
        records_of={loan: [(at, record)] for loan in loans},
        numbers_of={record: [(at, (number, *_more_numbers(street, at)))]},
    )
    if family:
        loan, role = chance.choice(list(family.loans)), chance.choice(ROLES)
        street.join(family, loan, life, role, at)
    return life


def _more_numbers(street: Street, at: datetime) -> list[str]:
    """A second and a third number of a record; some are at a place of work, some somebody else's"""
    chance, more = street.chance, list[str]()
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        number = f"N{street.new_id()}"
        if chance.random() < 0.3 and (used := sorted(street.every_number() - set(more))):
            number = chance.choice(used)
        elif chance.random() < 0.3:
            street.numbers.learn(number, "at_work", at)
            street.known.note_number_fact(number, NumberFact.AT_WORK, at)
        more.append(number)
    return more
