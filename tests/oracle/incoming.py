"""What comes in from outside while contacts are planned: the oracle and Arrears both hear of it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact
from domain.holds import Hold, HoldKind
from domain.inconvenient import WEEK, InconvenientTime
from domain.persons import PersonFact
from tests.oracle.counting import WITH_BORROWER, WITH_OTHER
from tests.oracle.log import Acting, Agreed, Hours, Life, Numbers, Pause, Reached, Spell
from tests.oracle.replies import MEANINGS, READ_AS
from tests.oracle.streets import ROLES, Street

Card = TypeVar("Card")

OF_PERSON = frozenset(
    {"deceased", "insolvency", "breathing_space", "mental_health_crisis", "vulnerability"}
)
"""Holds that are true of a person, and reach all loans."""

KINDS = {
    "hold of a loan": ("manual", "dispute", "arrangement", "deferral"),
    "hold of a person": (
        *("insolvency", "breathing_space", "vulnerability"),
        "mental_health_crisis",
    ),
    "death": ("deceased",),
}

RATES = {
    "payment": 12,
    "due again": 20,
    "hold of a loan": 14,
    "hold of a person": 8,
    "release": 12,
    "death": 2,
    "text": 12,
    "text is read": 12,
    "another number": 10,
    "party": 6,
    "end of a party": 3,
    "another customer id": 8,
    "number fact": 4,
    "end of a number fact": 10,
    "wish": 6,
    "end of a wish": 6,
    "somebody acts for them": 8,
    "a wish of who acts for them": 4,
    "inconvenient time or place": 6,
    "convenient again": 5,
    "consent": 8,
    "inbound call": 12,
    "notice": 12,
}
"""How often each happens, against the others. Few die, so that many situations last."""

PLACES = ("home", "work", "number")
"""Where somebody may not want to be contacted."""

INCONVENIENT = (
    (frozenset(range(7)), 22 * 60, 10 * 60),
    (frozenset({6}), 0, 0),
    (frozenset(range(5)), 9 * 60, 17 * 60),
    (frozenset({4, 5}), 12 * 60, 30),
)
"""Days, and minutes of the day, at which somebody may not want to be contacted."""

TEXTS = {
    **{"stop": 3, "start": 3, "harmless": 3, "unclear": 4},
    **{"cease": 1, "wrong_number": 1, "no_calls": 1},
}

FACTS = {
    "reaches_nobody": NumberFact.REACHES_NOBODY,
    "somebody_else": NumberFact.SOMEBODY_ELSE,
    "takes_no_texts": NumberFact.NO_TEXTS,
    "refused": NumberFact.REFUSED,
    "at_work": NumberFact.AT_WORK,
    "shared": NumberFact.SHARED,
}
"""What the oracle calls it, and what Arrears does."""

WISHES = {
    **{"represented": PersonFact.REPRESENTED, "employer_forbids": PersonFact.EMPLOYER_FORBIDS},
    **{"not_by_sms": "sms", "not_by_call": "call", "not_by_visit": "visit"},
}


ADVISERS = ("ADVISER-1", "ADVISER-2")
"""The numbers of those who act for somebody in a street."""

CONNECTED = frozenset(
    {"spoke", "refused", "callback_requested", "spoke_with_other", "wrong_person"}
    | {"third_party_refused", "deceased"}
)
"""Outcomes of calls in which somebody answered."""

SAYS_OF_NUMBER = {
    "number_invalid": "reaches_nobody",
    "wrong_person": "somebody_else",
    "third_party_refused": "refused",
}
"""By outcome of a call, what is known of the number from then on."""


@dataclass(slots=True)
class Decks:
    """Draws like a dice, but all faces come: a rare one at the latest when its deck is used up."""

    chance: random.Random
    left: dict[str, list[Any]] = field(default_factory=dict)

    def draw(self, deck: str, cards: Mapping[Card, int]) -> Card:
        if not self.left.get(deck):
            self.left[deck] = [card for card, count in cards.items() for _ in range(count)]
            self.chance.shuffle(self.left[deck])
        card: Card = self.left[deck].pop()
        return card


def drawn(chance: random.Random, rates: dict[str, int]) -> str:
    return chance.choices(list(rates), list(rates.values()))[0]


def something_comes(street: Street, life: Life, at: datetime) -> str:
    """One thing comes in; its name. Where there is nothing that it could be about, nothing does."""
    chance, known = street.chance, street.known
    what = drawn(chance, RATES)
    loan = chance.choice([*life.loans, *life.loans_as_party(at)])
    record, owner = life.record_of(loan, at), life.owner(loan)
    number = chance.choice(life.numbers_of[record][-1][1] or (f"N{street.new_id()}",))
    if life.acting and chance.random() < 0.3:
        number = life.acting[-1].number or number
    match what:
        case "payment":
            owner.paid.setdefault(loan, at)
        case "due again":
            owner.paid.clear()
        case "hold of a loan" | "hold of a person" | "death":
            _hold(street, life, loan, at, what)
        case "release":
            _release(street, life, loan, at)
        case "text":
            what = f"text: {_text(street, number, at)}"
        case "text is read":
            _read(street, at)
        case "another number":
            _another_number(street, life, record, at)
        case "another customer id":
            new = str(street.new_id())
            life.records_of[loan].append((at, new))
            life.numbers_of[new] = [(at, life.numbers_of[record][-1][1])]
            known.add_record(new, same_as=record)
        case "party":
            _party(street, life, at)
        case "end of a party":
            for part in life.parts:
                if part.lasts(at):
                    part.until = at
                    break
        case "number fact":
            fact = chance.choice(list(FACTS))
            street.numbers.learn(number, fact, at)
            known.note_number_fact(number, FACTS[fact], at)
        case "end of a number fact":
            for fact, of_engine in FACTS.items():
                street.numbers.forget(number, fact, at)
                known.end_number_fact(number, of_engine, at)
        case "wish":
            wish = chance.choice(list(WISHES))
            life.wishes.append(Spell(wish, at))
            known.person_facts.append(Spell(WISHES[wish], at, record=record))
        case "end of a wish":
            _end_wishes(street, life, at)
        case "somebody acts for them":
            _represented(street, life, record, at)
        case "a wish of who acts for them":
            _wish_of_representative(street, at)
        case "inconvenient time or place":
            _inconvenient(street, life, record, number, at)
        case "convenient again":
            life.inconvenient.clear()
            known.hours = [(of, hours) for of, hours in known.hours if of not in life.numbers_of]
            end_wishes(life, ("not_at_home", "not_at_work"), at)
            end_wishes(life, tuple(f"not_at_{number}" for number in life.every_number()), at)
            for place in known.person_facts:
                if place.record in life.numbers_of and place.what in PLACES and place.lasts(at):
                    place.until = at
        case "consent":
            end = chance.choice((None, at + timedelta(days=chance.choice((2, 5)))))
            life.agreed.append(Agreed(chance.choice(("more_contacts", "other_hours")), at, end))
        case "inbound call":
            spoken = chance.random() < 0.8
            life.contacts.append(Reached(at, "call", loan, spoken, inbound=True))
        case "notice":
            owner.notices.setdefault(loan, at)
    return what


def _hold(street: Street, life: Life, loan: int, at: datetime, what: str) -> None:
    chance, today = street.chance, at.astimezone(ZoneInfo(life.lender_zone)).date()
    end = today + timedelta(days=chance.choice((1, 3, 14, 30)))
    kind = chance.choice(KINDS[what])
    ends = None if kind == "deceased" or chance.random() < 0.2 else end
    of_person = kind in OF_PERSON
    whose = life if of_person else life.owner(loan)
    whose.pauses.append(Pause(None if of_person else loan, today, ends, at, kind))
    of = life.record_of(loan, at) if of_person else loan
    street.known.holds.append((of, Hold(HoldKind(kind), today, ends)))


def _release(street: Street, life: Life, loan: int, at: datetime) -> None:
    """All holds of the person and of one loan end, but for a death."""
    today, known = at.astimezone(ZoneInfo(life.lender_zone)).date(), street.known
    record = life.record_of(loan, at)
    of_person = [pause for pause in life.pauses if pause.loan is None]
    for pause in [*of_person, *(p for p in life.owner(loan).pauses if p.loan == loan)]:
        if pause.kind != "deceased" and pause.released is None:
            pause.released = (at, max(today, pause.first))
    known.holds = [
        (of, hold.released_on(today))
        if hold.kind is not HoldKind.DECEASED
        and (known.same_person(record, of) if isinstance(of, str) else of == loan)
        else (of, hold)
        for of, hold in known.holds
    ]


def _text(street: Street, number: str, at: datetime) -> str:
    """Somebody writes from a number: it says what it says of the number, and of whoever has it."""
    meaning = drawn(street.chance, TEXTS)
    body = street.chance.choice(MEANINGS[meaning])
    holders = street.holders(number)
    street.known.take_text(number, body, [record for _, record in holders], at)
    if meaning in ("unclear", "no_calls"):
        street.numbers.known[number].append(Spell("unread_reply", at))
        street.to_read.append((number, meaning))
    what_follows(street.numbers, number, meaning, [life for life, _ in holders], at)
    return meaning


def what_follows(
    numbers: Numbers,
    number: str,
    meaning: str,
    holders: list[Life],
    at: datetime,
    *,
    source: str = "text",
) -> None:
    """What follows from a text, whoever understood it."""
    if meaning in ("stop", "cease"):
        numbers.learn(number, "opted_out", at, source)
    if meaning == "start":
        numbers.forget(number, "opted_out", at, "text")
    if meaning == "wrong_number":
        numbers.learn(number, "somebody_else", at, source)
    if meaning == "cease" and not holders:
        numbers.learn(number, "refused", at, source)
    for life in holders:
        if meaning == "cease":
            life.wishes.append(Spell("ceased", at))
        if meaning == "no_calls":
            life.wishes.append(Spell("not_by_call", at))


def read_as(chance: random.Random, meaning: str) -> str:
    """What a person says that a text means."""
    return chance.choice(READ_AS) if meaning == "unclear" else meaning


def _read(street: Street, at: datetime) -> None:
    """Somebody reads the text that has waited longest, and says what it means."""
    if not street.to_read:
        return
    number, written = street.to_read.pop(0)
    meaning = read_as(street.chance, written)
    holders = street.holders(number)
    street.known.read_text(number, meaning, [record for _, record in holders], at)
    unread = [fact for fact in street.numbers.known[number] if fact.what == "unread_reply"]
    next(fact for fact in unread if fact.until is None).until = at
    what_follows(street.numbers, number, meaning, [life for life, _ in holders], at)


def _another_number(street: Street, life: Life, record: str, at: datetime) -> None:
    """A record gets a number that nobody had, or one that somebody else has or had; it is one more,
    or stands instead of another. Or its numbers get another order, or one is taken away."""
    chance, numbers = street.chance, street.numbers
    now = list(life.numbers_of[record][-1][1])
    what = chance.choice(("replaced", "replaced", "added", "ordered", "removed"))
    if what == "ordered":
        chance.shuffle(now)
    elif what == "removed" and len(now) > 1:
        now.remove(chance.choice(now))
    elif what in ("replaced", "added"):
        number = f"N{street.new_id()}"
        if chance.random() < 0.7:
            number = chance.choice(sorted(street.every_number()))
            numbers.passed_on.add(number)
        place = chance.randrange(len(now))
        now = [*now[:place], number, *now[place + (what == "replaced") :]]
    life.numbers_of[record].append((at, tuple(dict.fromkeys(now))))


def _party(street: Street, life: Life, at: datetime) -> None:
    """Somebody of the street, under the same law, is made party to a loan."""
    loan = street.chance.choice(list(life.loans))
    there = [somebody for _, somebody in life.everybody(loan, at)]
    alike = [
        other
        for other in street.lives
        if other not in there
        and (other.jurisdiction, other.product, other.collects_as)
        == (life.jurisdiction, life.product, life.collects_as)
    ]
    if alike:
        party, role = street.chance.choice(alike), street.chance.choice(ROLES)
        street.join(life, loan, party, role, at)


def _end_wishes(street: Street, life: Life, at: datetime) -> None:
    """The attorney is gone, or the employer changed: no such wish counts any more."""
    ends = ("represented", "employer_forbids")
    end_wishes(life, ends, at)
    for acting in life.acting:
        acting.until = acting.until or at
    for fact in street.known.person_facts:
        if fact.what in ends and fact.record in life.numbers_of and fact.lasts(at):
            fact.until = at


def _represented(street: Street, life: Life, record: str, at: datetime) -> None:
    """Somebody acts for the person: one who acts for others here too, or nobody of a number."""
    chance = street.chance
    acting = Acting(
        chance.choice(("attorney", "attorney", "debt_adviser", "guardian", "executor")),
        at,
        chance.choice((*ADVISERS, *ADVISERS, "")),
        contacted=chance.random() < 0.85,
    )
    life.acting.append(acting)
    life.wishes.append(Spell("represented", at))
    street.known.person_facts.append(Spell(PersonFact.REPRESENTED, at, record=record))
    street.known.take_representative(record, acting)


def _wish_of_representative(street: Street, at: datetime) -> None:
    """Who acts for people here does not want to be called at some hours, or is free again."""
    number, chance = street.chance.choice(ADVISERS), street.chance
    if chance.random() < 0.4:
        street.numbers.hours[number].clear()
        street.known.hours_of_representatives[number].clear()
        return
    days, starts, ends = chance.choice(INCONVENIENT)
    street.numbers.hours[number].append(Hours(days, starts, ends, at))
    clocks = (time(*divmod(starts, 60)), time(*divmod(ends, 60)))
    week = frozenset(WEEK[day] for day in days)
    known = InconvenientTime(week, *clocks)
    street.known.hours_of_representatives[number].append(known)


def end_wishes(life: Life, what: tuple[str, ...], at: datetime) -> None:
    for wish in life.wishes:
        if wish.what in what and wish.lasts(at):
            wish.until = at


def _inconvenient(street: Street, life: Life, record: str, number: str, at: datetime) -> None:
    chance, known = street.chance, street.known
    if chance.random() < 0.5:
        place = chance.choice(PLACES)
        life.wishes.append(Spell(f"not_at_{number if place == 'number' else place}", at))
        known.person_facts.append(Spell(place, at, record=record, source=number))
        return
    days, starts, ends = chance.choice(INCONVENIENT)
    channel = chance.choice((None, None, "sms", "call"))
    until = chance.choice((None, at + timedelta(days=5)))
    life.inconvenient.append(Hours(days, starts, ends, at, channel, until))
    clocks = (time(*divmod(starts, 60)), time(*divmod(ends, 60)))
    week = frozenset(WEEK[day] for day in days)
    only = Channel(channel) if channel else None
    known.hours.append((record, InconvenientTime(week, *clocks, only, until)))


def hear(
    chance: random.Random,
    life: Life,
    call: Reached,
    at: datetime,
    agreed: Callable[[datetime], datetime | None] = lambda wished: wished,
) -> datetime | None:
    """What a call's outcome says of the number and of the person; the moment of a callback. The
    collector has `agreed` on one, after what the person wished for."""
    if what := SAYS_OF_NUMBER.get(call.outcome):
        # It is a fact of the number, also of that of a third party.
        life.numbers.learn(call.number, what, at, call.outcome)
    if call.party == "third_party":
        return None
    if call.party == "representative" and call.outcome == "callback_requested":
        later = agreed(call.at + timedelta(hours=chance.choice((2, 30, 100))))
        assert later, "the moment before it could be agreed on"
        life.numbers.callbacks[call.number].append((at, later))
        life.numbers.forget(call.number, "reaches_nobody", at)
        life.numbers.forget(call.number, "somebody_else", at)
        return later
    if call.outcome in WITH_BORROWER | WITH_OTHER:
        # It reaches somebody; and the person, if it is they who speak there.
        life.numbers.forget(call.number, "reaches_nobody", at)
    if call.outcome in WITH_BORROWER:
        life.numbers.forget(call.number, "somebody_else", at)
    if call.outcome == "deceased":
        today = call.at.astimezone(ZoneInfo(life.lender_zone)).date()
        life.pauses.append(Pause(None, today, None, at, "deceased"))
    if call.outcome != "callback_requested":
        return None
    later = agreed(call.at + timedelta(hours=chance.choice((2, 30, 100))))
    assert later, "the moment before it could be agreed on"
    life.callbacks.append((at, later))
    record = life.record_of(call.loan, call.at) if life.owner(call.loan).debts else None
    life.agreed.append(Agreed("more_contacts", call.at, record=record))
    return later
