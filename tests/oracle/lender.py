"""A made-up lender: its customers, the tapes that it cuts each day, and when they arrive.

The lender's core system knows what is true. Arrears hears of it by events, by tapes, or later: what
the oracle holds Arrears to is the newest that it was told.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zoneinfo import ZoneInfo

from config.readers.tape_mapping import TapeMapping
from config.readers.tape_mapping_reader import load_mapping
from tests.oracle.log import Debt, Life, Numbers, Part
from workers.context import Context
from workers.tapes.import_tape import import_tape

LENDER_ZONE = "Asia/Shanghai"
COUNTRIES = {
    "CN": ("CNY", "consumer_loan", "zh-Hans", "Asia/Shanghai", "+86138001"),
    "US": ("USD", "personal_loan", "en", "America/Chicago", "+164620"),
    "US-MA": ("USD", "personal_loan", "en", "America/New_York", "+161720"),
    "US-WA": ("USD", "personal_loan", "en", "America/Los_Angeles", "+120620"),
    "GB": ("GBP", "personal_loan", "en", "Europe/London", "+4474001"),
    "IN": ("INR", "personal_loan", "en", "Asia/Kolkata", "+9198200"),
    "AU": ("AUD", "personal_loan", "en", "Australia/Sydney", "+614123"),
}
SLOTS = {"co_borrower_1": "co_borrower", "guarantor_1": "guarantor", "guarantor_2": "guarantor"}
"""The places of a tape for parties, and what somebody there is to the loan."""
OF_PARTY = ("id", "name", "phone", "address", "zones")
HEADER = (
    *("loan", "borrower", "name", "phone", "phone_2", "phone_3", "address", "locale", "region"),
    *("zones", "jurisdiction", "product", "currency", "instalments", "paid_total", "steps_tried"),
    *(f"{slot}_{cell}" for slot in SLOTS for cell in OF_PARTY),
)


@dataclass(slots=True, eq=False)
class CoreLoan:
    """A loan as the lender's core system has it."""

    key: int
    customer_id: str
    """Empty where the lender gave none."""
    schedule: tuple[tuple[date, int], ...]
    """Due days and cents."""
    payments: dict[str, tuple[date, int]] = field(default_factory=dict)
    owner: "Customer | None" = None
    as_of: date = date.min
    """The newest tape on which Arrears has seen it."""
    parties: dict[str, "Customer"] = field(default_factory=dict)
    """By place on the tape, who else owes it."""
    without_id: dict[int, str] = field(default_factory=dict)
    """By life, the records of parties to whom the lender gave no id: a record follows its name."""
    left_to_events: set[tuple[str, str]] = field(default_factory=set)
    """Records and roles of which an event has spoken: no tape changes those."""

    @property
    def id(self) -> str:
        return f"L-{self.key:06d}"

    @property
    def record(self) -> str:
        return self.customer_id or f"loan:{self.id}"

    def record_of_party(self, slot: str, party: "Customer", id: str) -> str:
        """The record of a party; without an id, the one of its columns, or the next free one."""
        if id:
            return id
        if party.life.id not in self.without_id:
            record, count = f"loan:{slot}:{self.id}", 1
            while record in self.without_id.values():
                count += 1
                record = f"loan:{slot}_{count}:{self.id}"
            self.without_id[party.life.id] = record
        return self.without_id[party.life.id]

    def past_due(self, on: date) -> int:
        paid = sum(cents for _, cents in self.payments.values())
        return sum(cents for due_on, cents in self.schedule if due_on < on) - paid


class Told(NamedTuple):
    """A number of a record."""

    place: int
    number: str
    field: int | None
    """That it has on the tape; None: an event brought it."""


@dataclass(slots=True)
class Records:
    """What Arrears was told of customer records, for whomever they stand."""

    told: dict[str, list[Told]] = field(default_factory=dict)
    """By record, its numbers."""
    changed_at: dict[tuple[str, int | None], datetime] = field(default_factory=dict)
    """By record and field of the tape, when an event changed it last."""
    on_tape: dict[str, tuple[date, tuple[str, ...]]] = field(default_factory=dict)
    """By record, the newest tape that had it, and its cells of numbers there."""
    numbers_of: dict[str, list[tuple[datetime, tuple[str, ...]]]] = field(default_factory=dict)
    """By record, since when it has had which numbers."""


@dataclass(slots=True, eq=False)
class Customer:
    """A person as the lender's core system has it, and as the oracle judges what is done."""

    life: Life
    name: str
    numbers: list[str]
    """In order; the tape has room for three."""
    loans: list[CoreLoan]
    record: str = ""
    """The customer id under which they are party to the loans of others; empty: they have none."""
    number_changed: date = date.min
    renumbered: date = date.min
    """When the lender numbered a party anew."""
    pays: float = 0.2
    """How likely they pay what is past due, on a day."""
    records: "Records" = field(default_factory=lambda: Records())
    """All records of the lender: one may come to stand for another customer."""

    @property
    def known(self) -> list[CoreLoan]:
        """The loans that Arrears has seen."""
        return [loan for loan in self.loans if loan.key in self.life.records_of]

    def answers_for(self, lender: "Lender", at: datetime) -> list[CoreLoan]:
        """The loans of others to which they are party, as Arrears was told."""
        return [lender.by_key[key] for key in self.life.loans_as_party(at)]


class Row(NamedTuple):
    """One line of a tape, and whom it is about."""

    customer: Customer
    loan: CoreLoan
    cells: tuple[str, ...]
    record: str
    numbers: tuple[str, str, str]
    """Its three cells."""
    payments: tuple[str, ...]
    """Those that its total contains."""
    parties: tuple[tuple[str, Customer, str, str], ...]
    """The place of each, who it is, the customer id or nothing, and the number."""


class Tape(NamedTuple):
    """What the lender knew before a day began."""

    as_of: date
    rows: list[Row]


@dataclass(slots=True)
class Lender:
    """The core system."""

    chance: random.Random
    customers: list[Customer] = field(default_factory=list)
    by_key: dict[int, CoreLoan] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=Numbers)
    records: Records = field(default_factory=Records)
    given_up: list[str] = field(default_factory=list)
    """Numbers that nobody has at present."""
    made: int = 0
    replaced: int = 0
    """How many of those who are gone were followed by somebody new."""

    def new_id(self) -> int:
        self.made += 1
        return self.made

    def new_number(self, jurisdiction: str) -> str:
        """One that nobody had or, as often, one that somebody has given up."""
        prefix = COUNTRIES[jurisdiction][-1]
        free = [number for number in self.given_up if number.startswith(prefix)]
        if free and self.chance.random() < 0.7:
            number = self.chance.choice(free)
            self.given_up.remove(number)
            self.numbers.passed_on.add(number)
            return number
        return f"{prefix}{self.new_id() % 100_000:05d}"

    def new_customer(self, on: date) -> Customer:
        """Somebody with loans, and perhaps with others who owe them too."""
        customer = self._new_borrower(on)
        for loan in customer.loans:
            for slot in SLOTS:
                if self.chance.random() < 0.3:
                    loan.parties[slot] = self._party_of(loan, customer)
        return customer

    def _party_of(self, loan: CoreLoan, customer: Customer) -> Customer:
        """Somebody under the same law who is not party to the loan: known, or new."""
        there = [customer, *loan.parties.values()]
        known = [
            other
            for other in self.customers
            if other not in there and other.life.jurisdiction == customer.life.jurisdiction
        ]
        if known and self.chance.random() < 0.4:
            return self.chance.choice(known)
        return self.new_party(customer.life.jurisdiction)

    def new_party(self, jurisdiction: str, *, has_id: bool | None = None) -> Customer:
        """Somebody without a loan of their own; some have no customer id either."""
        zone = COUNTRIES[jurisdiction][3]
        zones = tuple(sorted({zone, self.chance.choice([zone, zone, "Europe/Moscow"])}))
        id = self.new_id()
        life = Life(
            *(id, jurisdiction, zones, LENDER_ZONE, {}),
            numbers=self.numbers,
            numbers_of=self.records.numbers_of,
            product=COUNTRIES[jurisdiction][1],
            locale=COUNTRIES[jurisdiction][2],
        )
        record, number = f"G-{id}", self.new_number(jurisdiction)
        if self.chance.random() < 0.35 if has_id is None else not has_id:
            # By a number that another one had, such a party would be taken for that one.
            record, number = "", f"{COUNTRIES[jurisdiction][-1]}{self.new_id() % 100_000:05d}"
        party = Customer(life, f"Party {id} Example", [number], [], record, records=self.records)
        self.customers.append(party)
        return party

    def _new_borrower(self, on: date) -> Customer:
        chance = self.chance
        jurisdiction = chance.choice(list(COUNTRIES))
        zone = COUNTRIES[jurisdiction][3]
        zones = tuple(sorted({zone, chance.choice([zone, zone, zone, "Europe/Moscow"])}))
        id = self.new_id()
        together = chance.random() < 0.6
        first = on - timedelta(days=chance.choice((0, 0, 1, 5, 28)))
        loans = []
        for _ in range(chance.choice((1, 2, 3))):
            start = first if together else first - timedelta(days=chance.randrange(20))
            every = 7 if together else chance.choice((5, 10, 30))
            amounts = chance.choice(((300_00,) * 8, (1_00, *(500_00,) * 6), (250_50,) * 12))
            schedule = tuple(
                (start + timedelta(days=every * n), cents) for n, cents in enumerate(amounts)
            )
            loans.append(CoreLoan(self.new_id(), f"C-{id}", schedule))
        ladder = "consumer_loan_cn" if jurisdiction == "CN" else "consumer_loan_us"
        life = Life(
            id,
            jurisdiction,
            zones,
            LENDER_ZONE,
            {loan.key: loan.schedule[-1][0] for loan in loans},
            numbers=self.numbers,
            debts={loan.key: Debt(ladder, loan.schedule) for loan in loans},
            numbers_of=self.records.numbers_of,
            product=COUNTRIES[jurisdiction][1],
            locale=COUNTRIES[jurisdiction][2],
        )
        count = chance.choice((1, 1, 2, 3))
        numbers = [self.new_number(jurisdiction) for _ in range(count)]
        name = f"Person {id} Example"
        customer = Customer(life, name, numbers, loans, f"C-{id}", records=self.records)
        customer.pays = chance.choice((0.25, 0.2, 0.01))
        for loan in loans:
            loan.owner = customer
            self.by_key[loan.key] = loan
        self.customers.append(customer)
        return customer

    def cut_tape(self, as_of: date) -> Tape:
        """What is true before `as_of` begins. Payments of that day itself are not in it."""
        return Tape(
            as_of,
            [_row(customer, loan, as_of) for customer in self.customers for loan in customer.loans],
        )

    def advisers(self, jurisdiction: str) -> list[str]:
        """The numbers of those who act for somebody there."""
        return [f"{COUNTRIES[jurisdiction][-1]}{95_000 + n}" for n in range(3)]

    def holders(self, number: str, at: datetime) -> list[Customer]:
        """Whom Arrears was told to have this number."""
        return [
            customer
            for customer in self.customers
            if any(number in customer.life.numbers_at(key, at) for key in customer.life.records_of)
        ]


def _row(customer: Customer, loan: CoreLoan, as_of: date) -> Row:
    life = customer.life
    currency, product, locale, _, _ = COUNTRIES[life.jurisdiction]
    booked = {id: cents for id, (day, cents) in loan.payments.items() if day < as_of}
    one, two, three = (*customer.numbers, "", "")[:3]
    written = [
        *(loan.id, loan.customer_id, customer.name, one, two, three, address_of(customer)),
        *(locale, ""),
        *(";".join(life.zones), life.jurisdiction, product, currency),
        "; ".join(f"{due_on} {_money(cents)}" for due_on, cents in loan.schedule),
        *(_money(sum(booked.values())), ""),
    ]
    parties = []
    for slot in SLOTS:
        if (party := loan.parties.get(slot)) is None:
            written += [""] * len(OF_PARTY)
            continue
        zones = ";".join(party.life.zones)
        written += [party.record, party.name, party.numbers[0], address_of(party), zones]
        parties.append((slot, party, party.record, party.numbers[0]))
    numbers, all_cells = (one, two, three), tuple(written)
    return Row(customer, loan, all_cells, loan.record, numbers, tuple(booked), tuple(parties))


def address_of(customer: Customer) -> str:
    return f"{customer.life.id} Example Road"


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


@cache
def _mapping() -> TapeMapping:
    return load_mapping("arrears")


def import_rows(ctx: Context, tape: Tape) -> None:
    """Give Arrears the tape, as a file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tape.csv"
        lines = [",".join(HEADER), *(",".join(row.cells) for row in tape.rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        report = import_tape(ctx, path, _mapping(), as_of=tape.as_of)
    assert report.kept, report.first_errors


def learn(tape: Tape, at: datetime) -> None:
    """What Arrears has been told now: of each loan and each record, the newest counts."""
    for row in tape.rows:
        customer, loan, life = row.customer, row.loan, row.customer.life
        if tape.as_of < loan.as_of:
            continue
        loan.as_of = tape.as_of
        said = life.records_of.setdefault(loan.key, [])
        if not said or said[-1][1] != row.record:
            said.append((at, row.record))
        for id in row.payments:
            debt = life.debts[loan.key]
            debt.paid.setdefault(id, (at, loan.payments[id][1]))
        first = row.numbers
        _learn_numbers(customer, row.record, {1: first[0], 2: first[1], 3: first[2]}, tape, at)
        _learn_parties(row, tape, at)


def _learn_parties(row: Row, tape: Tape, at: datetime) -> None:
    """A tape ends and brings back whom a tape has made party; others are left to events."""
    loan, named = row.loan, set[tuple[str, str]]()
    for slot, party, id, number in row.parties:
        role, record = SLOTS[slot], loan.record_of_party(slot, party, id)
        named.add((record, role))
        _learn_numbers(party, record, {1: number}, tape, at)
        if (record, role) not in loan.left_to_events:
            join(loan, party, record, role, at)
    for part in row.customer.life.parts:
        key = (part.record, part.role)
        if part.loan == loan.key and part.lasts(at) and key not in named | loan.left_to_events:
            part.until = at


def join(loan: CoreLoan, party: Customer, record: str, role: str, at: datetime) -> None:
    """Arrears is told that somebody is party to a loan."""
    assert loan.owner is not None
    borrower = loan.owner.life
    if not any(
        (p.loan, p.record, p.role) == (loan.key, record, role) and p.lasts(at)
        for p in borrower.parts
    ):
        part = Part(role, loan.key, borrower, party.life, at, record=record)
        borrower.parts.append(part)
        party.life.parts.append(part)
    said = party.life.records_of.setdefault(loan.key, [])
    if not said or said[-1][1] != record:
        said.append((at, record))


def _learn_numbers(
    customer: Customer, record: str, cells: dict[int, str], tape: Tape, at: datetime
) -> None:
    """A tape changes the numbers whose cells it changed, each where it stands. `cells` by field.

    What an event said of a field after the tape was cut is newer.
    """
    day, before = customer.records.on_tape.get(record, (date.min, None))
    if tape.as_of < day:
        return
    was = dict(enumerate(before or ("", "", ""), start=1))
    customer.records.on_tape[record] = (
        tape.as_of,
        tuple(({**was, **cells})[field] for field in (1, 2, 3)),
    )
    cut_at = datetime.combine(tape.as_of, time(), ZoneInfo(LENDER_ZONE)).astimezone(UTC)
    changed = {
        field: number
        for field, number in cells.items()
        if (before is None or number != was[field])
        and customer.records.changed_at.get((record, field), cut_at) <= cut_at
    }
    tell_numbers(customer, record, _with_cells(customer.records.told.get(record, []), changed), at)


def _with_cells(known: list[Told], changed: dict[int, str]) -> list[Told]:
    """The numbers of a record after a tape has changed some fields."""
    places = {}
    for of, number in changed.items():
        stand = [
            t.place for t in known if t.field == of or (t.field is None and t.number == number)
        ]
        if stand:
            places[of] = min(stand)
    rest = [t for t in known if t.field not in changed and t.place not in places.values()]
    taken = {*(t.place for t in rest), *places.values()}
    for of, number in sorted(changed.items()):
        if number and all(t.number != number for t in rest):
            free = of if of not in taken else 3 + of + max(taken)
            rest.append(Told(places.get(of, free), number, of))
    return sorted(rest)


def tell_numbers(customer: Customer, record: str, numbers: list[Told], at: datetime) -> None:
    """Arrears is told that a record has these numbers."""
    customer.records.told[record] = numbers
    said = customer.life.numbers_of.setdefault(record, [])
    in_order = tuple(told.number for told in numbers)
    if not said or said[-1][1] != in_order:
        said.append((at, in_order))
