"""Reads the tables of examples: what a lawyer wrote down, as facts for the gate and its answer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from domain.compliance.contact_facts import (
    Consent,
    ContactFacts,
    Interruption,
    PastContact,
    Suspension,
)
from domain.compliance.rules import RulePack, packs_for
from domain.compliance.vocabulary import (
    Channel,
    Collects,
    ConsentTo,
    Interrupts,
    Party,
    Purpose,
    Says,
    Suspends,
)
from domain.contact_outcomes import ContactOutcome
from domain.contact_points import NumberFact, NumberOnRecord
from domain.holds import Hold, HoldKind
from domain.inconvenient import InconvenientPlace, InconvenientTime, Location
from domain.parties import Representative, RepresentativeKind
from domain.persons import PersonFact

TABLES = Path(__file__).parent
LENDER_ZONE = {
    "CN": "Asia/Shanghai",
    "US": "America/New_York",
    "GB": "Europe/London",
    "IN": "Asia/Kolkata",
    "AU": "Australia/Sydney",
    "FR": "Europe/Paris",
    "XW": "Asia/Shanghai",
    "XD": "Asia/Shanghai",
}
ZONE = LENDER_ZONE | {"US-WA": "America/Los_Angeles"}
OF_THE_LENDER = "lender"
"""The table of what counts everywhere. The others are about the law alone."""
LAW = {"cn": "CN", "us": "US", "uk": "GB", "in": "IN", "au": "AU"}
"""The jurisdiction of a table that has no column for it."""

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CONTACT = re.compile(
    r"(?:(?P<times>\d+) x )?(?P<inbound>inbound )?(?P<channel>call|text|visit)"
    r"(?: (?P<went>connected|unanswered|busy|number_invalid|answered by somebody else"
    r"|answered by the borrower))?"
    r" (?P<at>\d{4}-\d\d-\d\d \d\d:\d\d)(?: at (?P<number>[A-Z])\b)?(?P<work> at work)?"
    r"(?: to (?P<whom>third party|representative))?"
    r"(?P<another> with another)?(?P<presumed> presumed)?"
    r"(?: loan (?P<loan>\d)(?: and (?P<more>\d(?: and \d)*))?)?"
)
CONNECTED = {
    "connected": True,
    "answered by somebody else": True,
    "answered by the borrower": True,
    "unanswered": False,
    "busy": False,
    "number_invalid": False,
}
OUTCOME = {
    "answered by somebody else": ContactOutcome.SPOKE_WITH_OTHER,
    "answered by the borrower": ContactOutcome.SPOKE,
    "busy": ContactOutcome.BUSY,
    "number_invalid": ContactOutcome.NUMBER_INVALID,
}
INTERRUPTED = re.compile(
    r"(?P<kind>\w+) (?P<on>\S+)(?: ended (?P<ended>\S+))?(?P<other> of another debtor)?"
)
HOLD = re.compile(r"hold (\w+) from (\S+)(?: to (\S+))?")
CHANNEL = {"call": Channel.CALL, "text": Channel.SMS, "visit": Channel.VISIT}


@dataclass(frozen=True, slots=True)
class Example:
    """One line of a table."""

    table: str
    law: str
    asked: str
    channel: Channel
    given: str
    answer: str
    first_lawful: str
    rule: str
    because: str

    @property
    def zone(self) -> ZoneInfo:
        """In which its moments are written."""
        return ZoneInfo(LENDER_ZONE[self.law.split("-", 1)[0]])

    @property
    def moment(self) -> datetime:
        weekday, written = self.asked.split(" ", 1)
        moment = self.local(written)
        assert WEEKDAYS[moment.weekday()] == weekday, f"{written} is no {weekday}"
        return moment

    @property
    def until(self) -> datetime | None:
        return self.local(self.first_lawful) if self.first_lawful else None

    def local(self, written: str) -> datetime:
        return datetime.fromisoformat(written).replace(tzinfo=self.zone)

    def __str__(self) -> str:
        return f"{self.table}: {self.law} {self.channel} {self.asked} [{self.given}]"


def read_examples() -> Iterator[Example]:
    """Every line of every table."""
    for path in sorted(TABLES.glob("*.md")):
        header: list[str] | None = None
        for line in path.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|") or set(line) <= set("|- "):
                continue
            if header is None:
                header = cells
                continue
            row = dict(zip(header, cells, strict=True))
            yield Example(
                table=path.stem,
                law=row.get("law") or LAW[path.stem],
                asked=row["asked"],
                channel=Channel(row["channel"]),
                given=row["given"],
                answer=row["answer"],
                first_lawful=row["first lawful"],
                rule=row["rule"],
                because=row["because"],
            )


def facts_of(example: Example, packs: tuple[RulePack, ...]) -> ContactFacts:
    """What is given, over a borrower of whom nothing speaks against a contact."""
    facts = ContactFacts(
        past_due=Decimal(1000),
        zones=(ZONE.get(example.law, str(example.zone)),),
        lender_zone=str(example.zone),
        packs=tuple(
            pack
            for pack in packs_for(packs, example.law)
            if pack.is_law or example.table == OF_THE_LENDER
        ),
        reachable=frozenset(Channel),
        loan_id=1,
        number="A",
        says=frozenset({Says.IDENTITY, Says.OPT_OUT}),
        visit_staff=2,
        noticed_at=datetime(2010, 1, 1, tzinfo=example.zone),
        limitation_from=example.moment.date(),
    )
    for words in filter(None, (part.strip() for part in example.given.split(";"))):
        facts = _with(facts, words, example)
    return facts


def _with(facts: ContactFacts, words: str, example: Example) -> ContactFacts:
    if match := CONTACT.fullmatch(words):
        contacts = tuple(_contacts(match, example))
        if match["another"]:
            return replace(facts, number_history=facts.number_history + contacts)
        return replace(facts, history=facts.history + contacts)
    if match := HOLD.fullmatch(words):
        ends_on = date.fromisoformat(match[3]) if match[3] else None
        hold = Hold(HoldKind(match[1]), date.fromisoformat(match[2]), ends_on)
        return replace(facts, holds=(*facts.holds, hold))
    for prefix, change in BY_PREFIX:
        if words.startswith(prefix):
            return change(facts, words.removeprefix(prefix).strip(), example)
    raise AssertionError(f"nobody can read {words!r}")


def _contacts(match: re.Match[str], example: Example) -> Iterator[PastContact]:
    for _ in range(int(match["times"] or 1)):
        yield PastContact(
            at=example.local(match["at"]),
            channel=CHANNEL[match["channel"]],
            loan_id=int(match["loan"] or 1),
            connected=CONNECTED.get(match["went"] or ""),
            number=match["number"],
            at_work=bool(match["work"]),
            party=Party((match["whom"] or "borrower").replace(" ", "_")),
            inbound=bool(match["inbound"]),
            outcome=OUTCOME.get(match["went"] or ""),
            certain=not match["presumed"],
            also_about=frozenset(
                map(int, (match["more"] or "").split(" and ") if match["more"] else ())
            ),
        )


def _callback(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    asked_at, callback_at = written.removesuffix(" presumed").split(" to be called ")
    asked = PastContact(
        at=example.local(asked_at),
        channel=Channel.CALL,
        loan_id=1,
        connected=True,
        outcome=ContactOutcome.CALLBACK_REQUESTED,
        callback_at=example.local(callback_at),
        certain=not written.endswith(" presumed"),
    )
    return replace(facts, history=(*facts.history, asked))


def _words(written: str) -> list[str]:
    return [word.strip() for word in written.split(",")]


def _day(written: str) -> date:
    return date.fromisoformat(written)


def _past_due(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    amount, minimum = written.split(", minimum ")
    return replace(facts, past_due=Decimal(amount), minimum=Decimal(minimum))


def _zones(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    return replace(facts, zones=() if written == "none" else tuple(_words(written)))


def _consent(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    to, _, since = written.partition(" on ")
    day, _, until = since.partition(" until ")
    consent = Consent(ConsentTo(to), example.local(day), example.local(until) if until else None)
    return replace(facts, consents=(*facts.consents, consent))


def _notice(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    if written == "none":
        return replace(facts, noticed_at=None)
    return replace(facts, noticed_at=datetime.combine(_day(written), time(12), example.zone))


def _limitation(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    known = None if written == "unknown" else _day(written.removeprefix("from "))
    return replace(facts, limitation_from=known)


def _knowing(facts: ContactFacts, fact: NumberFact) -> ContactFacts:
    return replace(facts, number_facts=facts.number_facts | {fact})


def _unpaid(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    oldest, newest = written.removeprefix("from ").split(" to ")
    return replace(facts, past_due_from=(_day(oldest), _day(newest)))


def _third_party_number(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    known = facts.third_party_number_facts | {NumberFact(written)}
    return replace(facts, third_party_number_facts=known)


def _interrupted(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    match = INTERRUPTED.fullmatch(written)
    assert match is not None, written
    ended_on = _day(match["ended"]) if match["ended"] else None
    interruption = Interruption(
        Interrupts(match["kind"]), _day(match["on"]), ended_on, by_other=bool(match["other"])
    )
    return replace(facts, interruptions=(*facts.interruptions, interruption))


def _suspended(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    kind, _, since, *end = written.split()
    ends_on = _day(end[1]) if end else None
    suspension = Suspension(Suspends(kind), _day(since), ends_on)
    return replace(facts, suspensions=(*facts.suspensions, suspension))


INCONVENIENT = re.compile(
    r"(?P<place>place )?(?P<what>.*?)(?: by (?P<channel>\w+))?(?: until (?P<until>\S+ \S+))?"
)


def _inconvenient(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    match = INCONVENIENT.fullmatch(written)
    assert match is not None
    more = {
        "channel": CHANNEL[match["channel"]] if match["channel"] else None,
        "until": example.local(match["until"]) if match["until"] else None,
    }
    if match["place"]:
        place = InconvenientPlace(Location(match["what"]), **more)
        return replace(facts, inconvenient_places=(*facts.inconvenient_places, place))
    time = replace(InconvenientTime.parse(match["what"]), **more)
    return replace(facts, inconvenient_times=(*facts.inconvenient_times, time))


ACTING = re.compile(
    r"(?P<kind>\w+)(?P<numberless> without a number)?(?P<refuses> who wants no contact)?"
    r"(?:, number (?P<fact>\w+))?(?:, inconvenient (?P<time>.+))?"
)


def _represented(facts: ContactFacts, written: str, example: Example) -> ContactFacts:
    """Whoever acts for the person has the number Z."""
    match = ACTING.fullmatch(written)
    assert match is not None, written
    known = frozenset({NumberFact(match["fact"])} if match["fact"] else ())
    time = InconvenientTime.parse(match["time"]) if match["time"] else None
    acting = Representative(
        1,
        RepresentativeKind(match["kind"]),
        contacted=not match["refuses"],
        number=None if match["numberless"] else NumberOnRecord("Z", known),
        inconvenient_times=(time,) if time else (),
    )
    person_facts = facts.person_facts | {PersonFact.REPRESENTED}
    return replace(facts, person_facts=person_facts, representative=acting)


BY_PREFIX = (
    ("inconvenient", _inconvenient),
    ("fixed line", lambda f, w, e: _knowing(f, NumberFact.NO_TEXTS)),
    ("nothing past due", lambda f, w, e: replace(f, past_due=Decimal(0))),
    ("past due", _past_due),
    ("due", lambda f, w, e: replace(f, due_day=_day(w))),
    ("zones", _zones),
    ("unreachable", lambda f, w, e: replace(f, reachable=frozenset({Channel.LEGAL}))),
    ("consent to", _consent),
    ("asked on", _callback),
    ("location asked before", lambda f, w, e: replace(f, location_asked=True)),
    ("for", lambda f, w, e: replace(f, purpose=Purpose(w))),
    ("product", lambda f, w, e: replace(f, product=w)),
    ("third party's number", _third_party_number),
    ("represented by", _represented),
    ("represented", lambda f, w, e: replace(f, person_facts=frozenset({PersonFact.REPRESENTED}))),
    ("no number", lambda f, w, e: replace(f, no_number=True)),
    ("number is that of somebody else", lambda f, w, e: _knowing(f, NumberFact.SOMEBODY_ELSE)),
    ("to third party", lambda f, w, e: replace(f, party=Party.THIRD_PARTY)),
    ("number invalid", lambda f, w, e: _knowing(f, NumberFact.REACHES_NOBODY)),
    ("number", lambda f, w, e: replace(f, number=w)),
    ("says", lambda f, w, e: replace(f, says=frozenset(map(Says, _words(w))))),
    ("staff", lambda f, w, e: replace(f, visit_staff=int(w))),
    ("notice", _notice),
    ("limitation", _limitation),
    ("interrupted by", _interrupted),
    ("suspended by", _suspended),
    ("unpaid", _unpaid),
    ("first contact", lambda f, w, e: replace(f, first_contact_on=_day(w))),
    ("validation notice", lambda f, w, e: replace(f, validation_notice_on=_day(w))),
    ("collects as", lambda f, w, e: replace(f, collects_as=frozenset(map(Collects, _words(w))))),
    (
        "opted out of",
        lambda f, w, e: replace(f, refused_channels=frozenset(map(Channel, _words(w)))),
    ),
    ("ceased", lambda f, w, e: replace(f, person_facts=frozenset({PersonFact.CEASED}))),
    ("at work", lambda f, w, e: _knowing(f, NumberFact.AT_WORK)),
)
