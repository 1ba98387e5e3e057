"""What the oracle is shown: who was reached, how and when, and what had come in before."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, TypeVar

from tests.oracle.days import Owed

Value = TypeVar("Value")

CLOSES = {
    "opted_out": frozenset({"sms"}),
    "takes_no_texts": frozenset({"sms"}),
    "shared": frozenset({"sms"}),
    "unread_reply": frozenset({"sms"}),
    "reaches_nobody": frozenset({"sms", "call"}),
    "somebody_else": frozenset({"sms", "call"}),
    "refused": frozenset({"sms", "call"}),
}
"""By what is known of a number, the channels by which nobody may be reached there."""


@dataclass(slots=True, eq=False)
class Reached:
    """One contact, as the provider, a collector or a visitor has it on record."""

    at: datetime
    """UTC."""
    channel: str
    loan: int
    connected: bool = False
    number: str = ""
    at_work: bool = False
    party: str = "borrower"
    inbound: bool = False
    outcome: str = ""
    """As it was reported: `busy`, `spoke_with_other`, … """
    also_about: frozenset[int] = frozenset()
    """Other loans that were mentioned."""
    purpose: str = "collect"
    """Or `locate`, `answer`, `requested`, `notice`."""
    says: frozenset[str] = frozenset()
    language: str = ""
    """Of a text, where its words are known."""
    item: str = ""
    """Of the ladder, likewise."""
    staff: int = 0
    noticed_at: datetime | None = None
    rules: tuple[str, ...] = ("?",)
    """What Arrears says allowed it."""
    life_id: int = 0
    """Whom it was about."""


@dataclass(slots=True)
class Spell:
    """Something that was known from `since` up to, not including, `until`."""

    what: str
    since: datetime
    until: datetime | None = None
    loan: int | None = None
    """The only loan that it is about; None: all of them."""
    record: str | None = None
    """The customer record on which it came in, where it matters."""
    source: str = ""
    """Who said so, where it matters: `text`, or the id of one."""

    def lasts(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(slots=True)
class Hours:
    """A time of the week that a person called inconvenient, by the clock on their wall."""

    days: frozenset[int]
    """On which it begins; Monday is 0."""
    starts: int
    ends: int
    """Minutes of the day. What does not end after it starts goes on into the next day."""
    since: datetime
    channel: str | None = None
    """The only channel that it is about; None: all of them."""
    until: datetime | None = None

    def covers(self, local: datetime, channel: str) -> bool:
        if self.channel not in (None, channel) or local < self.since:
            return False
        if self.until is not None and self.until <= local:
            return False
        day, clock = local.weekday(), local.hour * 60 + local.minute
        if self.starts < self.ends:
            return day in self.days and self.starts <= clock < self.ends
        began_today = day in self.days and clock >= self.starts
        return began_today or ((day - 1) % 7 in self.days and clock < self.ends)


@dataclass(slots=True)
class Pause:
    """A hold: from its first day up to, not including, the last; None has no end."""

    loan: int | None
    """None: it is a person's, and pauses every loan."""
    first: date
    end: date | None
    known_at: datetime
    kind: str = "manual"
    released: tuple[datetime, date] | None = None
    """When the release was known, and the first day without the hold."""

    def covers(self, loan: int, day: date, at: datetime) -> bool:
        end = self.end
        if self.released is not None and self.released[0] <= at:
            end = self.released[1] if end is None else min(end, self.released[1])
        mine = self.loan is None or self.loan == loan
        return mine and self.known_at <= at and self.first <= day and (end is None or day < end)


@dataclass(slots=True)
class Agreed:
    """That the person agreed to something (`more_contacts`, `other_hours`), and when."""

    to: str
    since: datetime
    until: datetime | None = None
    record: str | None = None
    """The customer record on which it came in, where it does not count for the others."""


@dataclass(slots=True)
class Numbers:
    """What is known of telephone numbers, whoever has them; all lives share it."""

    known: dict[str, list[Spell]] = field(default_factory=lambda: defaultdict(list))
    reached: dict[str, list[Reached]] = field(default_factory=lambda: defaultdict(list))
    """Every contact by each number, with whomever, where a cap counts by number."""

    hours: dict[str, list[Hours]] = field(default_factory=lambda: defaultdict(list))
    """By number of who acts for others, the hours at which they asked not to be called."""
    callbacks: dict[str, list[tuple[datetime, datetime]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By such a number, when they asked to be called again, and for when."""

    passed_on: set[str] = field(default_factory=set)
    """Numbers that have changed hands."""
    ids_passed_on: set[str] = field(default_factory=set)
    """Customer ids that stood for two persons, one after the other."""

    def learn(self, number: str, what: str, at: datetime, source: str = "") -> None:
        self.known[number].append(Spell(what, at, source=source))

    def forget(self, number: str, what: str, at: datetime, source: str | None = None) -> None:
        """It is not true any more; with `source`, only what that one said."""
        for fact in self.known[number]:
            if fact.what == what and fact.lasts(at) and source in (None, fact.source):
                fact.until = at

    def knows(self, number: str, what: str, at: datetime) -> bool:
        return any(fact.what == what and fact.lasts(at) for fact in self.known.get(number, ()))

    def closed_by(self, number: str, channel: str, at: datetime) -> list[str]:
        """What is known of the number that forbids this channel."""
        return [
            fact.what
            for fact in self.known.get(number, ())
            if channel in CLOSES.get(fact.what, ()) and fact.lasts(at)
        ]


@dataclass(slots=True)
class Debt:
    """A loan with its instalments, where the oracle works out its days itself."""

    ladder: str
    """The file of its ladder."""
    schedule: tuple[tuple[date, int], ...]
    """Due days and amounts in cents."""
    paid: dict[str, tuple[datetime, int]] = field(default_factory=dict)
    """By payment, when it was known, and how much it was, in cents."""

    def owed(self, at: datetime) -> list[Owed]:
        """What is unpaid of each instalment, the oldest paid first."""
        rest = sum(cents for known_at, cents in self.paid.values() if known_at <= at)
        unpaid = []
        for due_on, amount in self.schedule:
            taken = min(rest, amount)
            rest -= taken
            unpaid.append(Owed(due_on, amount - taken))
        return unpaid


@dataclass(slots=True, eq=False)
class Part:
    """That somebody is `co_borrower` or `guarantor` of a loan, as Arrears was told."""

    role: str
    loan: int
    borrower: "Life"
    party: "Life"
    since: datetime
    until: datetime | None = None
    record: str = ""
    """Under which customer record, where it matters."""

    def lasts(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(slots=True)
class Acting:
    """That somebody acts for a person in all that they owe, as the lender was told."""

    kind: str
    """`attorney`, `debt_adviser`, `guardian` or `executor`."""
    since: datetime
    number: str = ""
    """Empty: none is known."""
    contacted: bool = True
    """False: they want no contact."""
    until: datetime | None = None
    record: str | None = None
    """The customer record on which it came in, where it does not count for the others."""

    def lasts(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


class Undelivered(NamedTuple):
    """A text that the provider took, and of which it said later that it did not arrive."""

    known_at: datetime
    number: str
    loan: int
    item: str
    since: date | None
    """When the ladder of the loan began."""


@dataclass(slots=True, eq=False)
class Life:
    """One person, and all that happened, in the order in which it happened."""

    id: int
    jurisdiction: str
    zones: tuple[str, ...]
    lender_zone: str
    loans: dict[int, date]
    """By loan: the day from which the time to sue runs."""
    collects_as: str = "first_party"
    numbers: Numbers = field(default_factory=Numbers)
    contacts: list[Reached] = field(default_factory=list)
    paid: dict[int, datetime] = field(default_factory=dict)
    pauses: list[Pause] = field(default_factory=list)
    wishes: list[Spell] = field(default_factory=list)
    """What is true of the person: `ceased`, `represented`, `employer_forbids`, `not_by_sms`, …; a
    place that they called inconvenient is `not_at_home`, `not_at_work` or `not_at` a number."""
    inconvenient: list[Hours] = field(default_factory=list)
    locale: str = ""
    """The language of the lender's records."""
    spoken: list[Spell] = field(default_factory=list)
    """What somebody said, by record, that they speak."""
    product: str = "personal_loan"
    agreed: list[Agreed] = field(default_factory=list)
    lived_until: datetime | None = None
    """A life goes forward: nothing happens in it before this."""
    notices: dict[int, datetime] = field(default_factory=dict)
    """By loan, when the written notice of the debt was given."""
    due: dict[int, date] = field(default_factory=dict)
    """By loan, the due day from which its ladder counts, where one may act close to it."""
    callbacks: list[tuple[datetime, datetime]] = field(default_factory=list)
    """When the person asked to be called again, and for when."""
    debts: dict[int, Debt] = field(default_factory=dict)
    records_of: dict[int, list[tuple[datetime, str]]] = field(default_factory=dict)
    """By loan, since when the lender has said that it stands under which customer record."""
    confirmed: list[tuple[datetime, str, str]] = field(default_factory=list)
    """When somebody said of two customer records that they are one person."""
    numbers_of: dict[str, list[tuple[datetime, tuple[str, ...]]]] = field(default_factory=dict)
    """By customer record, since when the lender has said that it has which numbers, in order."""
    acting: list[Acting] = field(default_factory=list)
    """Who acts for the person; each takes the place of the one before."""
    undelivered: list[Undelivered] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    """What they are to the loans of others; or others to theirs."""

    def acting_at(self, loan: int, at: datetime) -> Acting | None:
        """Who acts for the person about a loan: it counts over records that somebody confirmed."""
        lasting = [acting for acting in reversed(self.acting) if acting.lasts(at)]
        if not lasting or lasting[0].record is None:
            return next(iter(lasting), None)
        same = self.same_as(self.record_of(loan, at), at)
        return next((acting for acting in lasting if acting.record in same), None)

    def owner(self, loan: int) -> "Life":
        """The borrower of a loan that they answer for."""
        if loan in self.loans:
            return self
        return next(p.borrower for p in self.parts if p.loan == loan and p.party is self)

    def role(self, loan: int, at: datetime) -> str:
        """What they are to a loan; empty if they are nothing to it."""
        if loan in self.loans:
            return "borrower"
        return next(
            (p.role for p in self.parts if p.loan == loan and p.party is self and p.lasts(at)), ""
        )

    def everybody(self, loan: int, at: datetime) -> list[tuple[str, "Life"]]:
        """All parties of a loan, each with what they are to it."""
        owner = self.owner(loan)
        parts = [p for p in owner.parts if p.loan == loan and p.borrower is owner and p.lasts(at)]
        return [("borrower", owner), *((p.role, p.party) for p in parts)]

    def loans_as_party(self, at: datetime) -> list[int]:
        return [p.loan for p in self.parts if p.party is self and p.lasts(at)]

    def wants(self, what: str, at: datetime, loan: int | None = None) -> bool:
        """Whether something is true of the person, about this loan or about all."""
        return any(
            wish.what == what and wish.lasts(at) and wish.loan in (None, loan)
            for wish in self.wishes
        )

    def agreements(self, to: str, loan: int, at: datetime) -> list[Agreed]:
        """What counts for a loan: consent counts over records that somebody confirmed."""
        found = [a for a in self.agreed if a.to == to and a.since <= at]
        found = [a for a in found if a.until is None or at < a.until]
        if all(a.record is None for a in found):
            return found
        same = self.same_as(self.record_of(loan, at), at)
        return [a for a in found if a.record is None or a.record in same]

    def same_as(self, record: str, at: datetime) -> set[str]:
        """The records that somebody confirmed to be one person with this one, itself among them."""
        same, grows = {record}, True
        while grows:
            pairs = [{one, other} for since, one, other in self.confirmed if since <= at]
            joined = same.union(*(pair for pair in pairs if pair & same))
            grows, same = joined != same, joined
        return same

    def language(self, loan: int, at: datetime) -> str:
        """What they speak: of what was said, what counts for the record of the loan comes first,
        and then the later word; without any, the language of the lender's records."""
        said = [spell for spell in self.spoken if spell.lasts(at)]
        same = self.same_as(self.record_of(loan, at), at)
        latest = max(said, key=lambda spell: (spell.record in same, spell.since), default=None)
        return latest.what if latest else self.locale

    def record_of(self, loan: int, at: datetime) -> str:
        """The customer record under which the lender said last that the loan stands."""
        return _latest(self.records_of[loan], at) or self.records_of[loan][0][1]

    def every_record(self) -> set[str]:
        """All customer records under which their loans stand or stood."""
        return {record for said in self.records_of.values() for _, record in said}

    def has_id_of_another(self) -> bool:
        """Whether somebody else had one of their ids, or has it now."""
        ids = self.numbers.ids_passed_on
        return bool(ids) and not ids.isdisjoint(self.every_record())

    def every_number(self) -> set[str]:
        """All numbers that they have or had."""
        said = (numbers for said in self.numbers_of.values() for _, numbers in said)
        return {number for numbers in said for number in numbers}

    def numbers_at(self, loan: int, at: datetime) -> tuple[str, ...]:
        """The numbers at which the lender says the person can be reached about this loan."""
        return _latest(self.numbers_of[self.record_of(loan, at)], at) or ()

    def number_of(self, loan: int, at: datetime) -> str | None:
        """The first of them."""
        return next(iter(self.numbers_at(loan, at)), None)


def _latest(said: list[tuple[datetime, Value]], at: datetime) -> Value | None:
    """The value that was said last, up to a moment."""
    last = bisect_right(said, at, key=lambda since_value: since_value[0])
    return said[last - 1][1] if last else None
