"""What borrowers and their lender do, as events, texts and tapes; the oracle hears of it too."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from tests.oracle.incoming import (
    INCONVENIENT,
    KINDS,
    OF_PERSON,
    PLACES,
    TEXTS,
    end_wishes,
    read_as,
    what_follows,
)
from tests.oracle.lender import (
    COUNTRIES,
    CoreLoan,
    Customer,
)
from tests.oracle.log import Agreed, Hours, Pause, Spell
from tests.oracle.people_and_numbers import (
    another_customer_id,
    another_number,
    end_of_number_fact,
    id_of_another,
    number_fact,
    one_number,
    party,
    representative,
)
from tests.oracle.replies import MEANINGS
from tests.oracle.simulated_borrowers import Simulation, Unread, submit_event
from tests.support.inbound import record_inbound_text
from workers.db.schema import reply
from workers.sms.providers.port import InboundText


def payment(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """All that is past due is paid; Arrears hears of it at once, or from the next tape."""
    today = simulation.book.ctx.today()
    cents = loan.past_due(today)
    if cents <= 0:
        return
    id = f"P-{simulation.lender.new_id()}"
    simulation.events["payment"] += 1
    loan.payments[id] = (today, cents)
    if simulation.chance.random() < 0.3:
        simulation.events["payment on a tape only"] += 1
        return
    paid = {
        "external_id": id,
        "loan": loan.id,
        "amount": f"{cents / 100:.2f}",
        "currency": COUNTRIES[customer.life.jurisdiction][0],
        "paid_on": str(today),
    }
    submit_event(simulation, "payment", paid)
    customer.life.debts[loan.key].paid[id] = (simulation.now, cents)


def hold_of_loan(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    kinds = dict.fromkeys(KINDS["hold of a loan"], 1)
    # Of a loan that they answer for, it is that loan's.
    _hold(simulation, customer, loan, simulation.decks.draw("hold of a loan", kinds))


def hold_of_person(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    kinds = dict.fromkeys(KINDS["hold of a person"], 1)
    _hold(simulation, customer, loan, simulation.decks.draw("hold of a person", kinds))


def death(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    _hold(simulation, customer, loan, "deceased")


def _hold(simulation: Simulation, customer: Customer, loan: CoreLoan, kind: str) -> None:
    """Told of one loan, or of a person; what is true of the person is true of all loans."""
    chance, today = simulation.chance, simulation.book.ctx.today()
    end = today + timedelta(days=chance.choice((1, 3, 14)))
    ends = None if kind in ("deceased", "dispute") or chance.random() < 0.2 else end
    id = f"H-{simulation.lender.new_id()}"
    hold = {
        "hold": id,
        "loan": loan.id,
        "kind": kind,
        "starts_on": str(today),
        "ends_on": str(ends) if ends else None,
        "why": "a test needs it",
        "actor": "c-0",
    }
    assert loan.owner is not None
    whose = customer if kind in OF_PERSON else loan.owner
    if kind in OF_PERSON and (loan.owner is not customer or chance.random() < 0.5):
        del hold["loan"]
        hold["borrower"] = customer.life.record_of(loan.key, simulation.now)
    pause = Pause(None if kind in OF_PERSON else loan.key, today, ends, simulation.now, kind)
    if kind == "dispute":
        hold = {
            "dispute": id,
            **{name: hold[name] for name in ("loan", "starts_on", "why", "actor")},
        }
    submit_event(simulation, "dispute" if kind == "dispute" else "hold", hold)
    whose.life.pauses.append(pause)
    if kind != "deceased":
        simulation.holds[id] = pause


def release(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """A hold of anybody ends today, as far as Arrears is told."""
    if not simulation.holds:
        return
    id = simulation.chance.choice(list(simulation.holds))
    pause, today = simulation.holds.pop(id), simulation.book.ctx.today()
    kind, told = "release", {"hold": id, "ends_on": str(today), "actor": "c-0"}
    if pause.kind == "dispute":
        taken_back = {"outcome": "withdrawn", "finding": "taken_back"}
        kind, told = "dispute_resolution", {"dispute": id, **taken_back, "actor": "c-0"}
    submit_event(simulation, kind, told, at_once=True)
    pause.released = (simulation.now, max(today, pause.first))


def text(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """Somebody writes from the number that the customer has, or from one that nobody has."""
    lender, chance, now = simulation.lender, simulation.chance, simulation.now
    number = chance.choice(customer.numbers)
    if lender.given_up and chance.random() < 0.1:
        number = chance.choice(lender.given_up)
    meaning = simulation.decks.draw("text", TEXTS)
    body = chance.choice(MEANINGS[meaning])
    simulation.events[f"text: {meaning}"] += 1
    sid = f"SM{lender.new_id():032d}"
    writers = lender.holders(number, now)
    sent = InboundText("twilio", sid, number, body, None)
    record_inbound_text(simulation.book.ctx, sent, help_is_answered=True)
    what_follows(lender.numbers, number, meaning, [writer.life for writer in writers], now)
    if meaning in ("unclear", "no_calls"):
        fact = Spell("unread_reply", now)
        lender.numbers.known[number].append(fact)
        simulation.unread.append(Unread(sid, number, fact, writers, meaning))


def read(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """Somebody reads the text that has waited longest, and says what it means."""
    if not simulation.unread:
        return
    waited, now = simulation.unread.pop(0), simulation.now
    meaning = read_as(simulation.chance, waited.meaning)
    id = simulation.book.one(select(reply.c.id).where(reply.c.sid == waited.sid)).id
    told = {"reply": id, "meaning": meaning, "actor": "c-0"}
    submit_event(simulation, "reply_read", told, at_once=True)
    waited.fact.until = now
    still = simulation.lender.holders(waited.number, now)
    lives = [writer.life for writer in waited.writers if writer in still]
    what_follows(simulation.lender.numbers, waited.number, meaning, lives, now, source="c-0")


def wish(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """By one record, and true of the person."""
    now, record = simulation.now, customer.life.record_of(loan.key, simulation.now)
    what = simulation.decks.draw("wish", dict.fromkeys(WISHES, 1))
    if what in ("represented", "employer_forbids"):
        fact = {"borrower": record, "fact": what, "actor": "c-0"}
        submit_event(simulation, "person_fact", fact)
        customer.life.wishes.append(Spell(what, now))
        return
    channel = what.removeprefix("not_by_") if what != "ceased" else None
    told = {"borrower": record, "channel": channel, "actor": "c-0"}
    # Which number is meant is looked up when it is applied.
    submit_event(simulation, "opt_out", told, at_once=channel == "sms")
    customer.life.wishes.append(Spell(what, now))
    for number in customer.life.numbers_at(loan.key, now) if channel == "sms" else ():
        simulation.lender.numbers.learn(number, "opted_out", now, "c-0")


def end_of_wish(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    if customer.life.has_id_of_another():
        return  # nobody could say whose wish ends
    now, record = simulation.now, customer.life.record_of(loan.key, simulation.now)
    for what in ("represented", "employer_forbids"):
        if customer.life.wants(what, now):
            told = {"borrower": record, "fact": what, "actor": "c-0"}
            submit_event(simulation, "person_fact_end", told, at_once=True)
            for spell in customer.life.wishes:
                if spell.what == what and spell.lasts(now):
                    spell.until = now
    same = customer.life.same_as(record, now)
    for acting in customer.life.acting:
        if acting.record in same and acting.lasts(now):
            acting.until = now


def inconvenient_time(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    now, chance = simulation.now, simulation.chance
    days, starts, ends = chance.choice(INCONVENIENT)
    channel = chance.choice((None, None, "sms", "call"))
    until = chance.choice((None, now + timedelta(days=5)))
    told = {
        "borrower": customer.life.record_of(loan.key, now),
        "fact": "inconvenient_time",
        "time": {
            "days": [WEEKDAYS[day] for day in sorted(days)],
            "starts": "{:02}:{:02}".format(*divmod(starts, 60)),
            "ends": "{:02}:{:02}".format(*divmod(ends, 60)),
        },
        "channel": channel,
        "until": until.isoformat() if until else None,
        "actor": "c-0",
    }
    submit_event(simulation, "person_fact", told)
    customer.life.inconvenient.append(Hours(days, starts, ends, now, channel, until))


def inconvenient_place(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    now, record = simulation.now, customer.life.record_of(loan.key, simulation.now)
    place = simulation.decks.draw("place", dict.fromkeys(PLACES, 1))
    told: dict[str, Any] = {"borrower": record, "fact": "inconvenient_place"}
    told |= {"place": place, "actor": "c-0"}
    where = place
    if place == "number":
        if (named := one_number(simulation, customer, loan)) is None:
            return
        where, told = named[0], {**told, **named[1]}
    # Which number is meant is looked up when it is applied.
    submit_event(simulation, "person_fact", told, at_once=True)
    customer.life.wishes.append(Spell(f"not_at_{where}", now))


def convenient_again(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """What is withdrawn by one record; the oracle holds Arrears to none of it any more."""
    if customer.life.has_id_of_another():
        return
    now, record = simulation.now, customer.life.record_of(loan.key, simulation.now)
    for fact in ("inconvenient_time", "inconvenient_place"):
        told = {"borrower": record, "fact": fact, "actor": "c-0"}
        submit_event(simulation, "person_fact_end", told, at_once=True)
    for hours in customer.life.inconvenient:
        hours.until = min(now, hours.until or now)
    places = ("home", "work", *customer.life.every_number())
    end_wishes(customer.life, tuple(f"not_at_{place}" for place in places), now)


def consent(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    now, record = simulation.now, customer.life.record_of(loan.key, simulation.now)
    to = simulation.chance.choice(("more_contacts", "other_hours"))
    until = simulation.chance.choice((None, now + timedelta(days=5)))
    told = {
        "borrower": record,
        "fact": f"agreed_{to}",
        "until": until.isoformat() if until else None,
        "actor": "c-0",
    }
    submit_event(simulation, "person_fact", told)
    customer.life.agreed.append(Agreed(to, now, until, record))


def language(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """Somebody says what they speak; there are no templates in some of it. Or it is taken back."""
    now, life = simulation.now, customer.life
    record = life.record_of(loan.key, now)
    spoken = simulation.decks.draw("language", {"en": 3, "zh-Hans": 3, "fr": 1, "": 2})
    same = life.same_as(record, now)
    if spoken:
        told = {"borrower": record, "fact": "language", "locale": spoken, "actor": "c-0"}
        submit_event(simulation, "person_fact", told, at_once=True)
    else:
        told = {"borrower": record, "fact": "language", "actor": "c-0"}
        submit_event(simulation, "person_fact_end", told, at_once=True)
    for spell in life.spoken:
        if spell.record in same and spell.lasts(now):
            spell.until = now
    if spoken:
        life.spoken.append(Spell(spoken, now, record=record))


def same_person(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """Somebody confirms that two records are one person."""
    records = sorted(customer.life.every_record())
    if len(records) < 2 or customer.life.has_id_of_another():
        return
    one, other = simulation.chance.sample(records, 2)
    told = {"borrower": one, "other": other, "status": "confirmed", "why": "seen", "actor": "c-0"}
    submit_event(simulation, "same_person", told, at_once=True)
    customer.life.confirmed.append((simulation.now, one, other))


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OF_DISPUTE = ("loan", "starts_on", "why", "actor")
WISHES = ("represented", "employer_forbids", "ceased", "not_by_sms", "not_by_call", "not_by_visit")

Happening = Callable[[Simulation, Customer, CoreLoan], None]
RATES: dict[Happening, int] = {
    hold_of_loan: 5,
    hold_of_person: 5,
    death: 1,
    release: 5,
    text: 12,
    read: 5,
    another_number: 8,
    another_customer_id: 6,
    number_fact: 3,
    end_of_number_fact: 6,
    wish: 4,
    end_of_wish: 4,
    inconvenient_time: 3,
    inconvenient_place: 3,
    convenient_again: 3,
    consent: 4,
    same_person: 3,
    party: 5,
    language: 4,
    representative: 5,
    id_of_another: 6,
}
"""How often each happens, against the others."""

A_DAY = 0.08
"""How many of these there are for each customer and day. Few die or cease, so that much lasts."""


def something_comes(simulation: Simulation, events_a_day: float, part_of_day: float) -> None:
    """What comes in before the hour's work: payments, and of everything else so many a day."""
    lender, chance = simulation.lender, simulation.chance
    for customer in list(lender.customers):
        for loan in customer.known:
            if chance.random() < customer.pays * part_of_day:
                payment(simulation, customer, loan)
        loans = customer.known + customer.answers_for(lender, simulation.now)
        if chance.random() > events_a_day * part_of_day or not loans:
            continue
        life = customer.life
        if any(pause.kind == "deceased" for pause in life.pauses) and chance.random() < 0.8:
            continue
        # Nothing else happens at this very moment.
        simulation.book.clock.at += timedelta(seconds=1)
        happens = simulation.decks.draw("happening", RATES)
        simulation.events[happens.__name__.replace("_", " ")] += 1
        happens(simulation, customer, chance.choice(loans))


def somebody_new(simulation: Simulation) -> None:
    """For each who has died or ceased, somebody new comes some days later, with a later tape."""
    lender, now = simulation.lender, simulation.now
    gone = [
        customer
        for customer in lender.customers
        if customer.life.wants("ceased", now)
        or any(pause.kind == "deceased" for pause in customer.life.pauses)
    ]
    wanted = len([c for c in lender.customers if c not in gone])
    if wanted < len(lender.customers) - lender.replaced:
        lender.replaced += 1
        lender.given_up += [n for n in gone[-1].numbers if n not in lender.given_up]
        lender.new_customer(simulation.book.ctx.today())
