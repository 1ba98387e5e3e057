"""The contact gate: the only way to a borrower. What it does not know, it does not allow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.holds import Hold, active_hold, resumes_on
from domain.loans import ZERO
from domain.rules import Channel, ContactHours, RulePack

NOTHING_PAST_DUE = "house.nothing_past_due"
BELOW_MINIMUM = "house.below_minimum"
ON_HOLD = "house.on_hold"
OPTED_OUT = "house.opted_out"
NO_RULES = "house.no_rules_known"
NO_ZONE = "house.no_zone_known"
NO_ADDRESS = "house.no_address_known"

HORIZON = timedelta(days=8)
"""Hours repeat weekly: what is not lawful within this, one day to spare, never will be."""


class Answer(StrEnum):
    ALLOWED = "allowed"
    DEFERRED = "deferred"
    BARRED = "barred"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer, and every rule it rests on."""

    answer: Answer
    rules: tuple[str, ...]
    reason: str
    """A sentence without personal data."""
    until: datetime | None = None
    """Of a deferred contact: the first lawful moment, in UTC; None while only a new fact can open
    the gate (a number, a time zone, a rule pack, the release of a hold without an end)."""


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What the gate must know about a borrower and a loan, fresh from the claiming transaction."""

    past_due: Decimal
    zones: tuple[str, ...]
    """IANA zones; a contact must be lawful in all of them."""
    lender_zone: str
    """IANA zone in which holds begin and end."""
    packs: tuple[RulePack, ...]
    reachable: frozenset[Channel]
    """The channels for which there is a usable number or address."""
    holds: tuple[Hold, ...] = ()
    opted_out: frozenset[Channel] = field(default=frozenset())
    minimum: Decimal = ZERO
    """The ladder's: less than this past due, and nobody is contacted."""


def may_contact(facts: ContactFacts, channel: Channel, at: datetime) -> Verdict:
    """May this borrower be contacted through `channel` at the aware moment `at`?

    Barred is for good. Deferred carries the first lawful moment, when there is one to name. The
    court channel reaches nobody, so hours and opt-outs do not touch it; the rest does.
    """
    if facts.past_due <= ZERO:
        return Verdict(Answer.BARRED, (NOTHING_PAST_DUE,), "Nothing is past due any more.")
    if facts.past_due < facts.minimum:
        return _until_known(BELOW_MINIMUM, "Less is past due than the ladder acts on.")
    if channel in facts.opted_out:
        return Verdict(Answer.BARRED, (OPTED_OUT,), f"The borrower opted out of {channel}.")
    if not facts.packs:
        return _until_known(NO_RULES, "No rule pack is known for the jurisdiction.")
    if channel is not Channel.LEGAL:
        if not facts.zones:
            return _until_known(NO_ZONE, "The borrower's time zone is not known.")
        if channel not in facts.reachable:
            return _until_known(NO_ADDRESS, f"There is no usable number or address for {channel}.")
    return _first_lawful(facts, channel, at.astimezone(UTC))


def _first_lawful(facts: ContactFacts, channel: Channel, moment: datetime) -> Verdict:
    """Push `moment` forwards, hold by hold and rule by rule, until nothing forbids it."""
    rules: list[str] = []
    reasons: list[str] = []
    free_from = moment
    while True:
        if hold := _hold_at(facts, moment):
            resumes = _hold_end(facts, moment)
            if resumes is None:
                reason = f"A hold ({hold.kind}) is in force until it is released."
                return _until_known(ON_HOLD, reason)
            free_from = moment = resumes
            if ON_HOLD not in rules:
                rules.append(ON_HOLD)
                reasons.append(f"A hold ({hold.kind}) is in force.")
            continue
        if channel is Channel.LEGAL:
            break
        binding = _hours_binding(facts, channel, moment)
        if binding is None:
            return _until_known(NO_RULES, f"No contact hours are known for {channel}.")
        closed = [
            (opening, rule)
            for rule, zone in binding
            if (opening := _opening(rule, zone, moment)) > moment
        ]
        if not closed:
            break
        moment, rule = max(closed, key=lambda pair: pair[0])
        if rule.id not in rules:
            rules.append(rule.id)
            reasons.append(f"Outside the contact hours of {rule.source.citation}.")
        if moment - free_from > HORIZON:
            reasons.append("No hour of the week is lawful in all of the borrower's time zones.")
            return Verdict(Answer.DEFERRED, tuple(rules), " ".join(reasons), None)
    if not rules:
        return Verdict(Answer.ALLOWED, _asked(facts, channel, moment), "No rule forbids it.")
    return Verdict(Answer.DEFERRED, tuple(rules), " ".join(reasons), moment)


def _hours_binding(
    facts: ContactFacts, channel: Channel, moment: datetime
) -> tuple[tuple[ContactHours, str], ...] | None:
    """The hours in force for a channel, with the zone each is asked in.

    None where no pack has any on the day it is in one of the zones: it fails closed.
    """
    binding: list[tuple[ContactHours, str]] = []
    for zone in facts.zones:
        on = moment.astimezone(ZoneInfo(zone)).date()
        here = [
            (rule, zone)
            for pack in facts.packs
            for rule in pack.contact_hours
            if channel in rule.channels and rule.in_force(on)
        ]
        if not here:
            return None
        binding += here
    return tuple(binding)


def _opening(rule: ContactHours, zone: str, moment: datetime) -> datetime:
    """The first moment from `moment`, in UTC, at which one rule lets contact happen in one zone."""
    local = moment.astimezone(ZoneInfo(zone))
    for ahead in range(8):
        day = local.date() + timedelta(days=ahead)
        openings: list[datetime] = []
        for hours in rule.hours:
            if day.weekday() not in hours.weekdays:
                continue
            start = _local(day, hours.start, zone)
            end = _local(day, hours.end, zone)
            if moment < end:
                openings.append(max(start, moment))
        if openings:
            return min(openings)
    raise ValueError(f"rule {rule.id} never allows a contact")


def _local(day: date, clock: time, zone: str) -> datetime:
    if clock == time.max:
        day, clock = day + timedelta(days=1), time.min
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)


def _hold_at(facts: ContactFacts, moment: datetime) -> Hold | None:
    return active_hold(facts.holds, moment.astimezone(ZoneInfo(facts.lender_zone)).date())


def _hold_end(facts: ContactFacts, moment: datetime) -> datetime | None:
    """The moment, in UTC, from which no hold is in force; None while one has no end."""
    zone = ZoneInfo(facts.lender_zone)
    resumes = resumes_on(facts.holds, moment.astimezone(zone).date())
    if resumes is None:
        return None
    return datetime.combine(resumes, time.min, zone).astimezone(UTC)


def _asked(facts: ContactFacts, channel: Channel, moment: datetime) -> tuple[str, ...]:
    binding = _hours_binding(facts, channel, moment) or ()
    return tuple(dict.fromkeys(rule.id for rule, _ in binding))


def _until_known(rule: str, reason: str) -> Verdict:
    return Verdict(Answer.DEFERRED, (rule,), reason, None)
