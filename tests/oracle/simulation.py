"""Made-up streets: people under every law, what happens to them, and the gate's answers.

A street is a few people who share some numbers. What happens is one queue in the order of time: a
contact is planned, and asked about again when it is made; between the two, money comes, texts come
back, tapes give loans other customer ids, numbers change hands and holds begin. No database.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

from domain.compliance.verdict import Permission, Verdict
from tests.oracle.acting import called_instead
from tests.oracle.facts import is_at_work, number_to_use
from tests.oracle.incoming import CONNECTED, hear, something_comes
from tests.oracle.law import against, is_hopeless, is_lawful, moments_worth_asking
from tests.oracle.log import Life, Reached
from tests.oracle.product_answers import ask
from tests.oracle.situations import Seen, situations
from tests.oracle.streets import FIRST_DAY, IN_A_STREET, Street, born

WORDS = frozenset({"identity", "opt_out", "debt"})
RARE = ("number_invalid", "wrong_person", "third_party_refused", "callback_requested")
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
    seen: Seen = field(default_factory=Seen)

    def __iadd__(self, other: "Found") -> "Found":
        for name in ("borrower_days", "contacts", "refusals", "unlawful", "unexplained"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.deferred_too_late += other.deferred_too_late
        self.offenders = (self.offenders + other.offenders)[:10]
        self.seen += other.seen
        return self

    def offend(self, said: str) -> None:
        """Keep what was wrong, of a run the first ten."""
        if len(self.offenders) < 10:
            self.offenders.append(said)


Job = Callable[[datetime], None]


@dataclass(slots=True)
class Days:
    """The queue of what happens in a street, in the order of time."""

    street: Street
    found: Found
    queue: list[tuple[datetime, int, Job]] = field(default_factory=list)
    order: "count[int]" = field(default_factory=count)

    def at(self, moment: datetime, job: Job) -> None:
        heapq.heappush(self.queue, (moment, next(self.order), job))

    def run(self, until: datetime) -> None:
        while self.queue and self.queue[0][0] < until:
            moment, _, job = heapq.heappop(self.queue)
            job(moment)


def live(seed: int, borrowers: int, days: int) -> Found:
    """Let so many borrowers live for so many days, and judge all that was done to them."""
    chance = random.Random(seed)
    found = Found()
    for first in range(0, borrowers, IN_A_STREET):
        people = min(IN_A_STREET, borrowers - first)
        street = Street(chance)
        start = _midnight(FIRST_DAY)
        for _ in range(people):
            street.lives.append(born(street, start, f"N{street.new_id()}"))
        passing = Days(street, found)
        for day in range(days):
            midnight = start + timedelta(days=day)
            for place in range(people):
                _plan_day(passing, place, midnight)
            passing.run(midnight + timedelta(days=1))
            for life in street.lives:
                found.seen.days.update(situations(life, midnight, street.used_by_others(life)))
        found.borrower_days += people * days
    return found


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _plan_day(passing: Days, place: int, midnight: datetime) -> None:
    chance = passing.street.chance

    def moment() -> datetime:
        return midnight + timedelta(minutes=chance.randrange(24 * 60))

    for _ in range(chance.choice((0, 0, 0, 0, 0, 1, 1, 3))):
        passing.at(moment(), lambda at: _plan(passing, passing.street.lives[place], at))
    if chance.random() < 0.08:
        passing.at(moment(), lambda at: _comes(passing, place, at))


def _comes(passing: Days, place: int, at: datetime) -> None:
    street, life = passing.street, passing.street.lives[place]
    passing.found.seen.events[something_comes(street, life, at)] += 1
    gone = any(pause.kind == "deceased" for pause in life.pauses) or life.wants("ceased", at)
    if gone and street.chance.random() < 0.2:
        # Whoever comes instead may have the number that is free now.
        number = f"N{street.new_id()}"
        if street.chance.random() < 0.5:
            number = next(iter(life.numbers_of.values()))[-1][1][0]
            street.numbers.passed_on.add(number)
        street.lives[place] = born(street, at, number)


def _plan(passing: Days, life: Life, at: datetime) -> None:
    chance = passing.street.chance
    wanted = _wanted(chance, life, at)
    verdict, _ = _asked(passing, life, wanted, at)
    acts_at = at + timedelta(minutes=chance.randrange(3))
    if verdict.until and verdict.until - at < timedelta(hours=20):
        acts_at = verdict.until
    if chance.random() < 0.04:
        between = at + (acts_at - at) * chance.random()
        place = passing.street.lives.index(life)
        passing.at(between, lambda moment: _comes(passing, place, moment))

    def act(moment: datetime) -> None:
        if wanted.party != "third_party" and life.role(wanted.loan, moment) != wanted.party:
            return  # whoever is party no longer is not contacted: what waited is cancelled
        now_wanted = replace(wanted, at=moment)
        again, party = _asked(passing, life, now_wanted, moment)
        if again.permission is Permission.ALLOWED:
            _make(passing, life, replace(now_wanted, rules=again.rules, party=party))

    # No two at the very same moment.
    passing.at(acts_at + timedelta(microseconds=next(passing.order) % 1_000), act)


def _make(passing: Days, life: Life, contact: Reached) -> None:
    """The contact is made, and judged by what was known then."""
    found, street = passing.found, passing.street
    if broken := against(life, contact):
        found.unlawful += 1
        found.offend(f"unlawful: {life.jurisdiction} {contact}: {broken}")
    if not contact.rules:
        found.unexplained += 1
        found.offend(f"unexplained: {contact}")
    found.contacts += 1
    found.seen.contacts.update(situations(life, contact.at, street.used_by_others(life)))
    contact.at_work = is_at_work(life, contact)
    life.contacts.append(contact)
    street.numbers.reached[contact.number].append(contact)
    if contact.outcome:
        street.known.take_outcome(contact)
        hear(street.chance, life, contact, contact.at)


def _wanted(chance: random.Random, life: Life, at: datetime) -> Reached:
    channel = chance.choice(("sms", "sms", "call", "call", "call", "visit", "legal"))
    says = WORDS
    if channel == "sms" and chance.random() < 0.2:
        says = chance.choice((WORDS - {"opt_out"}, WORDS | {"legal_consequences"}))
    elif channel != "sms":
        says = frozenset()
    loan = chance.choice(list(life.loans))
    if (others := life.loans_as_party(at)) and channel != "legal" and chance.random() < 0.5:
        loan = chance.choice(others)
    to_borrower = loan not in life.loans or chance.random() < 0.93
    purpose = "collect"
    if chance.random() < 0.2:
        purpose = chance.choice(("answer", "requested", "notice") if to_borrower else ("locate",))
    outcome = ""
    if channel == "call":
        outcome = chance.choice(("spoke", "spoke", "spoke_with_other", "no_answer", "busy", ""))
        if chance.random() < 0.08:
            outcome = chance.choice(RARE) if to_borrower else "third_party_refused"
    return Reached(
        at=at,
        channel=channel,
        loan=loan,
        connected=outcome in CONNECTED,
        number=(life.number_of(loan, at) or "")
        if to_borrower
        else f"third:{chance.choice('CDEF')}{chance.choice(('', life.id))}",
        at_work=not to_borrower and channel == "call" and chance.random() < 0.1,
        party=life.role(loan, at) if to_borrower else "third_party",
        outcome=outcome,
        purpose=purpose,
        also_about=frozenset(loan for loan in life.loans if chance.random() < 0.1),
        says=says,
        staff=chance.choice((1, 2, 2, 2)),
        noticed_at=chance.choice((None, at - timedelta(days=chance.randrange(1, 6)))),
        life_id=life.id,
    )


def _asked(passing: Days, life: Life, wanted: Reached, at: datetime) -> tuple[Verdict, str]:
    """Ask Arrears, and have the oracle look at a no. Also gives who would be contacted."""
    found = passing.found
    verdict, wanted.number, party = ask(passing.street.known, life, wanted, at)
    if verdict.permission is Permission.ALLOWED:
        return verdict, party
    found.refusals += 1
    found.seen.barred[verdict.rules[0] if verdict.rules else "?"] += 1
    if not (verdict.rules and verdict.reason):
        found.unexplained += 1
        found.offend(f"unexplained: {life.jurisdiction} {wanted} {verdict}")
    sooner = _lawful_sooner(life, wanted, at, verdict.until)
    if sooner is not None:
        found.deferred_too_late += 1
        found.offend(
            f"too late: {life.jurisdiction} {life.zones} {wanted} asked {at}: {verdict}, and "
            f"{sooner} was lawful"
        )
    return verdict, party


def _lawful_sooner(
    life: Life, wanted: Reached, at: datetime, until: datetime | None
) -> datetime | None:
    """A moment before the one that Arrears named, if it named one, which the oracle allows."""
    probe = replace(wanted)
    own = wanted.party != "third_party" and wanted.channel in ("sms", "call")
    if own and (acting := called_instead(life, probe.channel, probe.loan, at)):
        probe.party, probe.number = "representative", acting.number
    elif own:
        probe.number = number_to_use(life, probe)
    if is_hopeless(life, probe):
        return None
    for moment in moments_worth_asking(life, probe.loan, at, until or at + SEARCHED):
        probe.at = moment
        if is_lawful(life, probe):
            return moment
    return None
