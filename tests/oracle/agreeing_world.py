"""The world outside Arrears, where borrowers agree to things, and what the oracle makes of it."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime

from tests.oracle.accounts import Account
from tests.oracle.incoming import Decks
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import Book


@dataclass(slots=True)
class Judged:
    """What the oracle made of it."""

    borrower_days: int = 0
    contacts: Counter[str] = field(default_factory=Counter)
    """By item."""
    seen: Counter[str] = field(default_factory=Counter)
    unlawful: list[str] = field(default_factory=list)
    """Contacts that may not have been made, with why."""
    not_due: list[str] = field(default_factory=list)
    """What is on record and should not be, or lacks."""

    @property
    def wrong(self) -> int:
        return len(self.unlawful) + len(self.not_due)


@dataclass(slots=True)
class World:
    """Everything outside Arrears."""

    book: Book
    chance: random.Random
    decks: Decks
    accounts: dict[str, Account]
    by_number: dict[str, str]
    judged: Judged
    texts: FakeSmsGateway
    heard: int = 0
    """How many texts of the provider's log were judged."""
    count: int = 0

    @property
    def now(self) -> datetime:
        return self.book.ctx.now()

    @property
    def today(self) -> date:
        return self.book.ctx.today()

    def new_id(self, letter: str) -> str:
        self.count += 1
        return f"{letter}-{self.count}"


def currency_of(account: Account) -> str:
    return "CNY" if account.ladder == "consumer_loan_cn" else "INR"


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
