"""Which of a borrower's numbers is used: the first in order that nothing stops for the channel."""

from dataclasses import replace
from datetime import datetime

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.vocabulary import Channel, Party
from domain.contact_points import BY_NUMBER, NumberFact, NumberOnRecord, stopped_by
from domain.inconvenient import Location, locations_of_address
from domain.reasons import ReasonCode, Reasons, because


def number_for(facts: ContactFacts, channel: Channel, at: datetime) -> NumberOnRecord | None:
    """The number of the borrower that is used at the aware moment `at`; None if none may be."""
    over = numbers_passed_over(facts, channel, at)
    return facts.numbers[len(over)] if len(over) < len(facts.numbers) else None


def through(facts: ContactFacts, channel: Channel, at: datetime) -> ContactFacts:
    """The facts with the number that is used for `channel`: if none may be, the first one.

    For a visit, what is known of the address counts instead. The number of a third party is
    given.
    """
    if facts.party is Party.THIRD_PARTY:
        by_number = channel in BY_NUMBER
        return facts if by_number else replace(facts, third_party_number_facts=frozenset())
    if channel not in BY_NUMBER:
        return _with(facts, facts.number, facts.address_facts)
    if not facts.numbers:
        return facts
    used = number_for(facts, channel, at) or facts.numbers[0]
    return _with(facts, used.key, used.facts)


def numbers_passed_over(
    facts: ContactFacts, channel: Channel, at: datetime
) -> tuple[tuple[int, NumberFact], ...]:
    """The numbers that are passed over before one may be used: each by its place in the order, with
    what stops it. All of them if none may be used."""
    if channel not in BY_NUMBER:
        return ()
    over = _passed_over_in_order(facts, channel, at, not_delivered=True)
    if len(over) < len(facts.numbers):
        return over
    return _passed_over_in_order(facts, channel, at, not_delivered=False)


def _passed_over_in_order(
    facts: ContactFacts, channel: Channel, at: datetime, *, not_delivered: bool
) -> tuple[tuple[int, NumberFact], ...]:
    """The same. With `not_delivered` a number at which a try did not arrive is passed over too:
    it is used again only if there is no other one."""
    found: list[tuple[int, NumberFact]] = []
    for place, number in enumerate(facts.numbers, start=1):
        stopped = _passed_over(facts, number, channel, at)
        if stopped is None and not_delivered and NumberFact.NOT_DELIVERED in number.facts:
            stopped = NumberFact.NOT_DELIVERED
        if stopped is None:
            break
        found.append((place, stopped))
    return tuple(found)


def why_passed_over(facts: ContactFacts, channel: Channel, at: datetime) -> Reasons:
    """Why numbers were passed over for another one; empty if the first one is used."""
    return tuple(
        reason
        for place, fact in numbers_passed_over(facts, channel, at)
        for reason in because(ReasonCode.NUMBER_PASSED_OVER, place=place, number_fact=fact)
    )


def inconvenient_place(facts: ContactFacts, channel: Channel, at: datetime) -> Location | None:
    """The place that the contact would reach, if the person called it inconvenient.

    A visit reaches the address: the place of work, if it is one, and else the home. A number
    reaches the place of work, if it belongs to one, and the home, if it is another fixed line. A
    mobile telephone is at no place.
    """
    if not facts.inconvenient_places:
        return None
    if channel is Channel.VISIT:
        reached = locations_of_address(at_work=facts.at_work)
    else:
        fixed = NumberFact.NO_TEXTS in facts.number_facts
        line = Location.WORK if facts.at_work else Location.HOME if fixed else None
        reached = frozenset({Location.NUMBER, *((line,) if line else ())})
    named = (
        place.place
        for place in facts.inconvenient_places
        if place.stops(channel, at) and place.number in (None, facts.number)
    )
    return next((place for place in named if place in reached), None)


def _with(
    facts: ContactFacts, number: str | None, number_facts: frozenset[NumberFact]
) -> ContactFacts:
    """The facts with this number. Mostly they have it already, and a copy takes its time."""
    if (facts.number, facts.number_facts) == (number, number_facts):
        return facts
    return replace(facts, number=number, number_facts=number_facts)


def _passed_over(
    facts: ContactFacts, number: NumberOnRecord, channel: Channel, at: datetime
) -> NumberFact | None:
    """Why the next number is used instead of this one; None: this one may be used.

    A reply that nobody has read is no reason: what it asks for may be about every number. The
    contact waits for whoever reads it.
    """
    stopped = stopped_by(number.facts - {NumberFact.UNREAD_REPLY}, channel)
    if stopped is not None:
        return stopped
    if facts.not_at_work and NumberFact.AT_WORK in number.facts:
        return NumberFact.AT_WORK
    if inconvenient_place(_with(facts, number.key, number.facts), channel, at) is not None:
        return NumberFact.INCONVENIENT
    return None
