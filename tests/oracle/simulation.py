"""A made-up book: borrowers under every law, and what happens to them day by day.

The engine under test asks its gate when it plans and again when it acts; between the two, money
comes, texts come back and holds begin.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from domain.compliance.gate import Permission, Verdict
from tests.oracle.law import against, moments_worth_asking
from tests.oracle.log import Agreed, Life, Pause, Reached
from tests.oracle.product_answers import ask

FIRST_DAY = date(2026, 1, 5)
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
WORDS = frozenset({"identity", "opt_out", "debt"})
SEARCHED = timedelta(days=10)
"""How far ahead the oracle looks for a lawful moment where Arrears named none."""


@dataclass(slots=True)
class Found:
    """What the oracle made of a part of the book."""

    borrower_days: int = 0
    contacts: int = 0
    refusals: int = 0
    unlawful: int = 0
    unexplained: int = 0
    deferred_too_late: int = 0
    offenders: list[str] = field(default_factory=list)

    def __iadd__(self, other: Found) -> Found:
        for name in ("borrower_days", "contacts", "refusals", "unlawful", "unexplained"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.deferred_too_late += other.deferred_too_late
        self.offenders = (self.offenders + other.offenders)[:10]
        return self


def live(seed: int, borrowers: int, days: int) -> Found:
    """Let so many borrowers live for so many days, and judge all that was done to them."""
    chance = random.Random(seed)
    found = Found()
    for id in range(borrowers):
        life = _born(chance, seed * 1_000_000 + id)
        for day in range(days):
            _one_day(chance, life, FIRST_DAY + timedelta(days=day), found)
        for contact in life.contacts:
            if contact.inbound:
                continue
            if broken := against(life, contact):
                found.unlawful += 1
                found.offenders.append(f"unlawful: {life.jurisdiction} {contact}: {broken}")
            if not contact.rules:
                found.unexplained += 1
                found.offenders.append(f"unexplained: {contact}")
        found.borrower_days += days
        found.contacts += len(life.contacts)
        found.offenders = found.offenders[:10]
    return found


def _born(chance: random.Random, id: int) -> Life:
    jurisdiction = chance.choice(list(ZONES))
    zones = {chance.choice(ZONES[jurisdiction])}
    if chance.random() < 0.15:
        zones.add(chance.choice(ZONES[chance.choice(list(ZONES))]))
    start = FIRST_DAY - timedelta(days=chance.choice((30, 400, 1090, 2180)))
    count = chance.choice((2, 2, 3, 4))
    return Life(
        id=id,
        jurisdiction=jurisdiction,
        zones=tuple(sorted(zones)),
        lender_zone=LENDER[jurisdiction[:2]],
        loans=dict.fromkeys(range(1, count), start),
        due={
            loan: FIRST_DAY + timedelta(days=chance.randrange(50))
            for loan in range(1, count)
            if chance.random() < 0.3
        },
        collects_as=chance.choice(("first_party", "first_party", "third_party")),
        number_invalid=chance.random() < 0.05,
        product=chance.choice(("personal_loan", "personal_loan", "microfinance_loan")),
    )


def _one_day(chance: random.Random, life: Life, day: date, found: Found) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for _ in range(chance.choice((0, 0, 0, 0, 0, 1, 1, 3))):
        planned = midnight + timedelta(minutes=chance.randrange(24 * 60))
        if life.lived_until and planned <= life.lived_until:
            continue
        wanted = _wanted(chance, life, planned)
        verdict = _asked(life, wanted, planned, found)
        acts_at = planned + timedelta(minutes=chance.randrange(3))
        if verdict.until and verdict.until - planned < timedelta(hours=20):
            acts_at = verdict.until
        _something_comes(chance, life, planned, acts_at)
        life.lived_until = acts_at
        again = _asked(life, wanted, acts_at, found)
        if again.permission is Permission.ALLOWED:
            life.contacts.append(replace(wanted, at=acts_at, rules=again.rules))


def _wanted(chance: random.Random, life: Life, at: datetime) -> Reached:
    channel = chance.choice(("sms", "sms", "call", "call", "call", "visit", "legal"))
    says = WORDS
    if channel == "sms" and chance.random() < 0.2:
        says = chance.choice((WORDS - {"opt_out"}, WORDS | {"legal_consequences"}))
    elif channel != "sms":
        says = frozenset()
    to_borrower = chance.random() < 0.93
    purpose = "collect"
    if chance.random() < 0.2:
        purpose = chance.choice(("answer", "requested", "notice") if to_borrower else ("locate",))
    outcome = ""
    if channel == "call":
        outcome = chance.choice(("spoke", "spoke", "spoke_with_other", "no_answer", "busy", ""))
    return Reached(
        at=at,
        channel=channel,
        loan=chance.choice(list(life.loans)),
        connected=outcome in ("spoke", "spoke_with_other"),
        number=chance.choice(("A", "A", "A", "B") if to_borrower else ("C", "D")),
        at_work=channel == "call" and chance.random() < 0.1,
        party="borrower" if to_borrower else "third_party",
        outcome=outcome,
        purpose=purpose,
        also_about=frozenset(loan for loan in life.loans if chance.random() < 0.1),
        says=says,
        staff=chance.choice((1, 2, 2, 2)),
        noticed_at=chance.choice((None, at - timedelta(days=chance.randrange(1, 6)))),
    )


def _something_comes(chance: random.Random, life: Life, since: datetime, until: datetime) -> None:
    """Now and then something comes in between the planning of a contact and the contact."""
    at = since + (until - since) * chance.random()
    happens = chance.random()
    loan = chance.choice(list(life.loans))
    today = at.date()
    if happens < 0.004:
        life.paid.setdefault(loan, at)
    elif happens < 0.008:
        life.stopped.setdefault(chance.choice(("sms", "call", "*")), at)
    elif happens < 0.03:
        end = chance.choice((None, *(today + timedelta(days=n) for n in (1, 3, 30))))
        if end is None and chance.random() < 0.8:
            end = today + timedelta(days=60)
        kind = chance.choice(("manual", "breathing_space", "arrangement", "insolvency"))
        life.pauses.append(Pause(loan, today, end, at, kind))
    elif happens < 0.04:
        spoken = chance.random() < 0.8
        life.contacts.append(Reached(at, "call", loan, spoken, "A", inbound=True))
    elif happens < 0.045:
        end = chance.choice((None, at + timedelta(days=chance.choice((2, 5)))))
        to = chance.choice(("more_contacts", "other_hours"))
        life.agreed.append(Agreed(to, at, end))
    elif happens < 0.06:
        life.notices.setdefault(loan, at)


def _asked(life: Life, wanted: Reached, at: datetime, found: Found) -> Verdict:
    """Ask Arrears, and have the oracle look at a no."""
    verdict = ask(life, wanted, at)
    if verdict.permission is Permission.ALLOWED:
        return verdict
    found.refusals += 1
    if not (verdict.rules and verdict.reason):
        found.unexplained += 1
        found.offenders.append(f"unexplained: {life.jurisdiction} {wanted} {verdict}")
    sooner = _lawful_sooner(life, wanted, at, verdict.until)
    if sooner is not None:
        found.deferred_too_late += 1
        found.offenders.append(
            f"too late: {life.jurisdiction} {life.zones} {wanted} asked {at}: {verdict}, and "
            f"{sooner} was lawful"
        )
    return verdict


def _lawful_sooner(
    life: Life, wanted: Reached, at: datetime, until: datetime | None
) -> datetime | None:
    """A moment before the one that Arrears named, if it named one, which the oracle allows."""
    for moment in moments_worth_asking(life, at, until or at + SEARCHED):
        if not against(life, replace(wanted, at=moment)):
            return moment
    return None
