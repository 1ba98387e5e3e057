"""What tapes and events say of numbers, customer ids and parties; the oracle hears it too."""

from typing import Any

from tests.oracle.lender import (
    COUNTRIES,
    SLOTS,
    CoreLoan,
    Customer,
    Told,
    address_of,
    join,
    tell_numbers,
)
from tests.oracle.log import Acting, Spell
from tests.oracle.simulated_borrowers import Simulation, submit_event
from tests.support.encrypted import in_payload


def another_number(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """The customer has another number; an event says so of one record, or only tapes will."""
    lender, now, chance = simulation.lender, simulation.now, simulation.chance
    today = simulation.book.ctx.today()
    if (today - customer.renumbered).days < SETTLED:
        return
    customer.number_changed = today
    record = customer.life.record_of(loan.key, now)
    known = customer.records.told.get(record, [])
    number = lender.new_number(customer.life.jurisdiction)
    if chance.random() < 0.3 and len(customer.numbers) < 3:
        customer.numbers.append(number)
        simulation.events["one more number"] += 1
        told = [*known, Told(0, number, None)]
        change = encrypted(simulation, record, another_phone=number)
    elif len(customer.numbers) > 1 and chance.random() < 0.4:
        lender.given_up.append(number)
        _number_order(simulation, customer, record)
        return
    else:
        place = chance.randrange(len(customer.numbers))
        lender.given_up.append(customer.numbers[place])
        customer.numbers[place] = number
        if place or chance.random() < 0.4:
            simulation.events["another number, on a tape only"] += 1
            return
        told = [Told(0, number, known[0].field if known else 1), *known[1:]]
        change = encrypted(simulation, record, phone=number)
        customer.records.changed_at[record, told[0].field] = now
    # A place in the order is that of the moment at which it is applied, and counts those before it.
    at_once = len(known) > 1 or "another_phone_encrypted" in change
    submit_event(simulation, "contact_change", {"borrower": record, **change}, at_once=at_once)
    tell(simulation, customer, record, told)


def _number_order(simulation: Simulation, customer: Customer, record: str) -> None:
    """An event puts the numbers into another order, of which no tape speaks."""
    known = customer.records.told.get(record, [])
    order = list(range(1, len(known) + 1))
    simulation.chance.shuffle(order)
    if not order:
        return
    simulation.events["another order of numbers"] += 1
    # The places are those of the moment at which it is applied.
    told = {"borrower": record, "order": order, "actor": "c-0"}
    submit_event(simulation, "number_order", told, at_once=True)
    tell(simulation, customer, record, [known[place - 1] for place in order])


def tell(simulation: Simulation, customer: Customer, record: str, numbers: list[Told]) -> None:
    """An event gives a record these numbers, in order; one that comes twice counts once."""
    first: dict[str, int | None] = {}
    for told in numbers:
        first.setdefault(told.number, told.field)
    placed = [Told(n, number, field) for n, (number, field) in enumerate(first.items(), start=1)]
    tell_numbers(customer, record, placed, simulation.now)


def encrypted(simulation: Simulation, record: str, **values: str) -> dict[str, str]:
    """Values as the payload of an event about this record has them."""
    return {
        f"{name}_encrypted": in_payload(simulation.book, f"{name}_encrypted", value, record)
        for name, value in values.items()
    }


def another_customer_id(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """The lender numbers a customer anew: one loan, or all; perhaps the name is written anew.

    A party is known again by the name and the number, so that these stay for some days.
    """
    chance, new = simulation.chance, f"C-{simulation.lender.new_id()}"
    if not customer.loans:
        today = simulation.book.ctx.today()
        if (today - customer.number_changed).days >= SETTLED:
            customer.record = chance.choice((new, new, ""))
            customer.renumbered = today
        return
    for moved in customer.loans if chance.random() < 0.3 else [loan]:
        moved.customer_id = chance.choice(("", new, new))
    if chance.random() < 0.3:
        customer.name = chance.choice((customer.name.upper(), f"{customer.name} II"))


def id_of_another(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """The core system numbers two customers anew: each gets the id of the other; or one gets the
    id that the other had before."""
    lender, chance = simulation.lender, simulation.chance
    ids = lender.numbers.ids_passed_on
    others = [
        other
        for other in lender.customers
        if other is not customer
        and other.known
        and other.life.jurisdiction == customer.life.jurisdiction
        and not other.life.confirmed
    ]
    if loan.owner is not customer or customer.life.confirmed or not others:
        return
    other = chance.choice(others)
    one, two = loan.customer_id, chance.choice(other.known).customer_id
    if not (one and two) or {one, two} & ids:
        return
    # A late tape with the old ids would be refused, if it lacks a loan that comes meanwhile.
    simulation.tapes.clear()
    back = chance.choice((two, f"C-{lender.new_id()}"))
    becomes = {one: back, two: one}
    simulation.events["ids swapped" if back == two else "id given to another"] += 1
    for each in lender.by_key.values():
        each.customer_id = becomes.get(each.customer_id, each.customer_id)
    for each_customer in lender.customers:
        each_customer.record = becomes.get(each_customer.record, each_customer.record)
    ids |= {one, two}


def number_fact(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    lender, now = simulation.lender, simulation.now
    if (named := one_number(simulation, customer, loan)) is None:
        return
    fact = simulation.decks.draw("number fact", dict.fromkeys(NUMBER_FACTS, 1))
    number, told = named[0], {**named[1], "fact": NUMBER_FACTS[fact], "actor": "c-0"}
    submit_event(simulation, "number_fact", told, at_once=True)
    lender.numbers.learn(number, fact, now, "c-0")


def one_number(
    simulation: Simulation, customer: Customer, loan: CoreLoan
) -> tuple[str, dict[str, Any]] | None:
    """One of the numbers of a record, and how an event names it."""
    record = customer.life.record_of(loan.key, simulation.now)
    numbers = customer.life.numbers_at(loan.key, simulation.now)
    if not numbers:
        return None
    place = simulation.chance.randrange(len(numbers))
    return numbers[place], {"borrower": record, "which_number": place + 1}


def end_of_number_fact(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    numbers, now = simulation.lender.numbers, simulation.now
    if (named := one_number(simulation, customer, loan)) is None:
        return
    number, which = named
    known = [fact for fact in NUMBER_FACTS if numbers.knows(number, fact, now)]
    for fact in known:
        told = {**which, "fact": NUMBER_FACTS[fact], "actor": "c-0"}
        submit_event(simulation, "number_fact_end", told, at_once=True)
        numbers.forget(number, fact, now)


def party(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """The core system has somebody else who owes a loan, or one less. Tapes say so; or events,
    and then tapes change nothing about that."""
    chance, now = simulation.chance, simulation.now
    if loan.owner is not customer:
        return
    slot = simulation.decks.draw("slot", dict.fromkeys(SLOTS, 1))
    role, there = SLOTS[slot], loan.parties.get(slot)
    jurisdiction = customer.life.jurisdiction
    if there is not None and not there.record and (slot, LAST in loan.parties) == (FIRST, False):
        # Their record follows the name, and not the columns in which somebody else stands now.
        loan.parties[LAST] = there
        loan.parties[slot] = simulation.lender.new_party(jurisdiction, has_id=False)
        simulation.events["party without an id stands in other columns"] += 1
        return
    if there is not None:
        del loan.parties[slot]
        record = there.record or loan.without_id.get(there.life.id, "")
        simulation.events["party is left out"] += 1
        known = any(
            (p.loan, p.record, p.role) == (loan.key, record, role) and p.lasts(now)
            for p in customer.life.parts
        )
        if known and chance.random() < 0.5:
            ended = {"loan": loan.id, "borrower": record, "role": role, "actor": "c-0"}
            submit_event(simulation, "loan_party_end", ended, at_once=True)
            loan.left_to_events.add((record, role))
            for part in customer.life.parts:
                if (part.loan, part.record, part.role) == (loan.key, record, role):
                    part.until = part.until or now
        return
    by_event = chance.random() < 0.5
    new = simulation.lender.new_party(jurisdiction, has_id=by_event or None)
    loan.parties[slot] = new
    if not by_event:
        return
    told: dict[str, Any] = {
        "loan": loan.id,
        "borrower": new.record,
        "role": role,
        **encrypted(
            simulation,
            new.record,
            name=new.name,
            phone=new.numbers[0],
            address=address_of(new),
        ),
        "zones": list(new.life.zones),
        "locale": COUNTRIES[customer.life.jurisdiction][2],
        "actor": "c-0",
    }
    submit_event(simulation, "loan_party", told, at_once=True)
    loan.left_to_events.add((new.record, role))
    tell(simulation, new, new.record, [Told(1, new.numbers[0], None)])
    join(loan, new, new.record, role, now)


def representative(simulation: Simulation, customer: Customer, loan: CoreLoan) -> None:
    """Somebody acts for the person, of whom a number is known or not, and may be called or not."""
    chance, now, life = simulation.chance, simulation.now, customer.life
    record = life.record_of(loan.key, now)
    kinds = {"attorney": 2, "debt_adviser": 1, "guardian": 1, "executor": 1}
    kind = simulation.decks.draw("who acts", kinds)
    number = chance.choice(["", *simulation.lender.advisers(life.jurisdiction)])
    contacted = simulation.decks.draw("may be contacted", {True: 5, False: 1})
    told = {
        "borrower": record,
        "kind": kind,
        "contacted": contacted,
        **(encrypted(simulation, record, phone=number) if number else {"phone_encrypted": None}),
        "zones": list(life.zones),
        "actor": "c-0",
    }
    submit_event(simulation, "representative", told, at_once=True)
    for acting in life.acting:
        if acting.record == record and acting.lasts(now):
            acting.until = now
    life.acting.append(Acting(kind, now, number, contacted, record=record))
    life.wishes.append(Spell("represented", now))


FIRST, LAST = "guarantor_1", "guarantor_2"
SETTLED = 7
"""Days in which a party has the same number before and after the lender numbers them anew."""


NUMBER_FACTS = {
    "reaches_nobody": "reaches_nobody",
    "somebody_else": "somebody_else",
    "takes_no_texts": "no_texts",
    "refused": "refused",
    "at_work": "at_work",
    "shared": "shared",
}
