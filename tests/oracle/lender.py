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
from tests.oracle.log import Debt, Life, Numbers
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
HEADER = (
    *("loan", "borrower", "name", "phone", "address", "locale", "region", "zones"),
    *("jurisdiction", "product", "currency", "instalments", "paid_total", "steps_tried"),
)


@dataclass(slots=True)
class CoreLoan:
    """A loan as the lender's core system has it."""

    key: int
    customer_id: str
    """Empty where the lender gave none."""
    schedule: tuple[tuple[date, int], ...]
    """Due days and cents."""
    payments: dict[str, tuple[date, int]] = field(default_factory=dict)
    as_of: date = date.min
    """The newest tape on which Arrears has seen it."""

    @property
    def id(self) -> str:
        return f"L-{self.key:06d}"

    @property
    def record(self) -> str:
        return self.customer_id or f"loan:{self.id}"

    def past_due(self, on: date) -> int:
        paid = sum(cents for _, cents in self.payments.values())
        return sum(cents for due_on, cents in self.schedule if due_on < on) - paid


@dataclass(slots=True)
class Customer:
    """A person as the lender's core system has it, and as the oracle judges what is done."""

    life: Life
    name: str
    number: str
    loans: list[CoreLoan]
    pays: float = 0.2
    """How likely they pay what is past due, on a day."""
    told: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    """By record, when Arrears was told of which number last, and which."""
    on_tape: dict[str, tuple[date, str]] = field(default_factory=dict)
    """By record, the newest tape that had it, and its number there."""

    @property
    def known(self) -> list[CoreLoan]:
        """The loans that Arrears has seen."""
        return [loan for loan in self.loans if loan.key in self.life.records_of]


class Row(NamedTuple):
    """One line of a tape, and whom it is about."""

    customer: Customer
    loan: CoreLoan
    cells: tuple[str, ...]
    record: str
    number: str
    payments: tuple[str, ...]
    """Those that its total contains."""


class Tape(NamedTuple):
    """What the lender knew before a day began."""

    as_of: date
    rows: list[Row]


@dataclass(slots=True)
class Lender:
    """The core system."""

    chance: random.Random
    customers: list[Customer] = field(default_factory=list)
    numbers: Numbers = field(default_factory=Numbers)
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
            product=COUNTRIES[jurisdiction][1],
        )
        number, pays = self.new_number(jurisdiction), chance.choice((0.25, 0.2, 0.01))
        customer = Customer(life, f"Person {id} Example", number, loans, pays)
        self.customers.append(customer)
        return customer

    def cut_tape(self, as_of: date) -> Tape:
        """What is true before `as_of` begins. Payments of that day itself are not in it."""
        return Tape(
            as_of,
            [_row(customer, loan, as_of) for customer in self.customers for loan in customer.loans],
        )

    def holders(self, number: str, at: datetime) -> list[Customer]:
        """Whom Arrears was told to have this number."""
        return [
            customer
            for customer in self.customers
            if any(customer.life.number_of(loan.key, at) == number for loan in customer.known)
        ]


def _row(customer: Customer, loan: CoreLoan, as_of: date) -> Row:
    life = customer.life
    currency, product, locale, _, _ = COUNTRIES[life.jurisdiction]
    booked = {id: cents for id, (day, cents) in loan.payments.items() if day < as_of}
    written = (
        *(loan.id, loan.customer_id, customer.name, customer.number, "1 Example Road", locale, ""),
        *(";".join(life.zones), life.jurisdiction, product, currency),
        "; ".join(f"{due_on} {_money(cents)}" for due_on, cents in loan.schedule),
        *(_money(sum(booked.values())), ""),
    )
    return Row(customer, loan, written, loan.record, customer.number, tuple(booked))


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
    cut_at = datetime.combine(tape.as_of, time(), ZoneInfo(LENDER_ZONE)).astimezone(UTC)
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
        day, number = customer.on_tape.get(row.record, (date.min, ""))
        if tape.as_of < day:
            continue
        customer.on_tape[row.record] = (tape.as_of, row.number)
        newest = customer.told.get(row.record)
        if newest is None or (row.number != number and newest[0] < cut_at):
            tell_number(customer, row.record, row.number, cut_at, at)


def tell_number(
    customer: Customer, record: str, number: str, true_since: datetime, at: datetime
) -> None:
    """Arrears is told that a record has this number; it was true at `true_since`."""
    customer.told[record] = (true_since, number)
    customer.life.numbers_of.setdefault(record, []).append((at, number))
