"""What a run has seen: how many borrower-days of each situation, and what was decided in them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.oracle.acting import called_instead
from tests.oracle.log import CLOSES, Life

ON_HOLD = ("manual", "dispute", "arrangement", "breathing_space", "vulnerability", "insolvency")
WISHES = ("ceased", "represented", "employer_forbids", "not_by_sms", "not_by_call", "not_by_visit")

SITUATIONS = (
    "ordinary",
    "dead",
    *(f"on hold: {kind}" for kind in ON_HOLD),
    *(f"person: {wish}" for wish in WISHES),
    *(f"number: {what}" for what in CLOSES),
    "represented: called instead",
    "represented: nobody is contacted",
    "several loans",
    "several records",
    "several numbers",
    "the next number is used",
    "has a co_borrower",
    "has a guarantor",
    "a party is protected",
    "is co_borrower",
    "is guarantor",
    "another party is protected",
    "second-hand number",
    "shared number",
    "consent",
    "callback",
    "inconvenient time",
    "inconvenient place",
)
"""Every one of them must occur, also in the small run of the tests."""

ANOTHER_LANGUAGE = "another language"
WITHOUT_ID, ID_OF_ANOTHER = "a party without an id", "an id of somebody else"
IN_STORE = (*SITUATIONS, ANOTHER_LANGUAGE, WITHOUT_ID, ID_OF_ANOTHER)
"""Likewise of Arrears itself: languages and customer ids are asked for by queries."""


@dataclass(slots=True)
class Seen:
    """Counts by situation, and by rule."""

    days: Counter[str] = field(default_factory=Counter)
    contacts: Counter[str] = field(default_factory=Counter)
    """Contacts that were made to somebody in the situation, and judged."""
    barred: Counter[str] = field(default_factory=Counter)
    """Refusals, by the rule that was named first."""
    events: Counter[str] = field(default_factory=Counter)
    """What came in from outside."""

    def __iadd__(self, other: "Seen") -> "Seen":
        self.days += other.days
        self.contacts += other.contacts
        self.barred += other.barred
        self.events += other.events
        return self

    def table(self) -> str:
        """For people: what was seen, how often."""
        lines = [f"{'situation':34}{'borrower-days':>14}{'contacts':>10}"]
        for name in IN_STORE:
            lines.append(f"{name:34}{self.days[name]:14}{self.contacts[name]:10}")
        for title, counts in (("barred or deferred by", self.barred), ("came in", self.events)):
            lines += ["", f"{title:44}{'times':>14}"]
            lines += [f"{name:44}{count:14}" for name, count in counts.most_common()]
        return "\n".join(lines)


def situations(life: Life, at: datetime, used: Iterable[str]) -> set[str]:
    """In which situations somebody is; `used` are numbers that other people have or had."""
    found = {wish for wish in WISHES if any(w.what == wish and w.lasts(at) for w in life.wishes)}
    found = {f"person: {wish}" for wish in found}
    day = at.astimezone(ZoneInfo(life.lender_zone)).date()
    for pause in life.pauses:
        if any(pause.covers(loan, day, at) for loan in life.records_of):
            found.add("dead" if pause.kind == "deceased" else f"on hold: {pause.kind}")
    in_order = [life.numbers_at(loan, at) for loan in life.records_of]
    numbers = {number for several in in_order for number in several}
    for number in numbers:
        for fact in life.numbers.known.get(number, ()):
            if fact.lasts(at) and fact.what in CLOSES:
                found.add(f"number: {fact.what}")
    if any(a.since <= at and (a.until is None or at < a.until) for a in life.agreed):
        found.add("consent")
    if any(since <= at < for_when for since, for_when in life.callbacks):
        found.add("callback")
    if any(hours.until is None or at < hours.until for hours in life.inconvenient):
        found.add("inconvenient time")
    if any(spell.what != life.locale and spell.lasts(at) for spell in life.spoken):
        found.add("another language")
    if any(wish.what.startswith("not_at_") and wish.lasts(at) for wish in life.wishes):
        found.add("inconvenient place")
    for loan in life.records_of:
        if life.acting_at(loan, at):
            instead = called_instead(life, "call", loan, at)
            found.add(f"represented: {'called instead' if instead else 'nobody is contacted'}")
    found = found or {"ordinary"}
    for loan in life.loans:
        found |= {f"has a {role}" for role, _ in life.everybody(loan, at)[1:]}
        others = [other for _, other in life.everybody(loan, at)[1:]]
        if any(p.loan is None and p.covers(loan, day, at) for o in others for p in o.pauses):
            found.add("a party is protected")
    for loan in life.loans_as_party(at):
        found.add(f"is {life.role(loan, at)}")
        others = [other for _, other in life.everybody(loan, at) if other is not life]
        if any(p.loan is None and p.covers(loan, day, at) for o in others for p in o.pauses):
            found.add("another party is protected")
    if any(len(several) > 1 for several in in_order):
        found.add("several numbers")
    for first, *later in filter(None, in_order):
        for channel in ("sms", "call"):
            if life.numbers.closed_by(first, channel, at) and not all(
                life.numbers.closed_by(number, channel, at) for number in later
            ):
                found.add("the next number is used")
    records = [life.record_of(loan, at) for loan in life.records_of]
    if any(record.count(":") > 1 for record in records):
        found.add(WITHOUT_ID)
    if life.has_id_of_another():
        found.add(ID_OF_ANOTHER)
    if len(life.loans) > 1:
        found.add("several loans")
    if len(set(records)) > 1:
        found.add("several records")
    if numbers & set(used):
        found.add("shared number")
    if numbers & life.numbers.passed_on:
        found.add("second-hand number")
    return found
