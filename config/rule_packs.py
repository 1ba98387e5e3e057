"""Reads rule packs from `config/rule_packs/*.yaml`: what the law asks, article by article."""

from __future__ import annotations

import re
from datetime import date, time
from enum import StrEnum
from functools import partial

from config.yaml_source import Section, Value, each
from domain.rules import Channel, Confidence, ContactHours, Hours, RulePack, Source

PACK_KEYS = ("id", "version", "jurisdiction", "rules")
RULE_KEYS = (
    "id",
    "kind",
    "channels",
    "hours",
    "effective_from",
    "effective_to",
    "citation",
    "confidence",
)
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = "every_day"
CLOCK = re.compile(r"(\d{2}:\d{2})-(\d{2}:\d{2})")


class RuleKind(StrEnum):
    """The kinds of rule that the contact gate can apply."""

    CONTACT_HOURS = "contact_hours"


class Reaching(StrEnum):
    """The channels that reach a person. The court's reaches nobody, so hours do not bind it."""

    SMS = Channel.SMS
    CALL = Channel.CALL
    VISIT = Channel.VISIT


def read_rule_pack(document: Value) -> RulePack:
    """Turn one file into a rule pack.

    Raises:
        PolicyError: the file says something a pack must not, or a country's pack is silent about
            a channel, which would bar that channel for good.
    """
    top = document.section(PACK_KEYS)
    pack_id = top.need("id").identifier()
    jurisdiction = top.need("jurisdiction").jurisdiction()
    entries = top.need("rules").values()
    rules = each(entries, partial(_read_rule, pack_id=pack_id))
    _refuse_two_at_once(tuple(zip(entries, rules, strict=True)))
    covered = {str(channel) for rule in rules for channel in rule.channels}
    silent = [str(channel) for channel in Reaching if str(channel) not in covered]
    if silent and "-" not in jurisdiction:
        raise top.need("rules").refuse(
            f"No rule gives the contact hours of {', '.join(silent)}.",
            "A country's pack must give hours for sms, call and visit: add the channels to a rule.",
        )
    return RulePack(pack_id, top.need("version").whole(at_least=1), jurisdiction, rules)


def describe(pack: RulePack) -> tuple[str, ...]:
    """One line for each rule, with its citation, for a terminal."""
    return tuple(
        f"{rule.id}: {', '.join(sorted(rule.channels))} "
        f"{'; '.join(_describe_hours(hours) for hours in rule.hours)} — "
        f"{describe_source(rule.source)}"
        for rule in pack.contact_hours
    )


def describe_source(source: Source) -> str:
    """The citation and how sure it is; what was not read in the primary text says so."""
    review = ", review: needed" if source.needs_review else ""
    return f"{source.citation} ({source.confidence}{review})"


def read_source(section: Section) -> Source:
    """The citation and the confidence, both of which a rule must have."""
    return Source(
        section.need("citation").text(),
        section.need("confidence").word(Confidence),
    )


def _read_rule(value: Value, pack_id: str) -> ContactHours:
    section = value.section(RULE_KEYS)
    section.need("kind").word(RuleKind)
    effective_from = section.need("effective_from").day()
    end = section.maybe("effective_to")
    effective_to = end.day() if end else None
    if end and effective_to and effective_to < effective_from:
        raise end.refuse(
            f"`effective_to` is {effective_to}, before `effective_from`.",
            f"Write {effective_from} or later, or leave it out.",
        )
    return ContactHours(
        id=_read_rule_id(section.need("id"), pack_id),
        channels=frozenset(_read_channel(entry) for entry in section.need("channels").values()),
        hours=read_hours(section.need("hours")),
        source=read_source(section),
        effective_from=effective_from,
        effective_to=effective_to,
    )


def _read_rule_id(value: Value, pack_id: str) -> str:
    """Rule ids name their pack, so that a verdict can be traced and no two packs can share one."""
    id_ = value.identifier()
    if not id_.startswith(f"{pack_id}."):
        raise value.refuse(
            f"The rule id {id_} does not begin with its pack's.",
            f"Write {pack_id}. and a name, such as {pack_id}.contact_hours.",
        )
    return id_


def _read_channel(value: Value) -> Channel:
    return Channel(value.word(Reaching))


def read_hours(value: Value) -> tuple[Hours, ...]:
    """Hours of the week such as `{mon-fri: "08:00-20:00"}`, each day at most once."""
    hours: list[Hours] = []
    for days, clock in value.pairs().items():
        weekdays = _read_weekdays(days, clock)
        if any(weekdays & other.weekdays for other in hours):
            raise clock.refuse(
                f"`{days}` has a day that a line above has too.", "Name each day of the week once."
            )
        hours.append(Hours(weekdays, *_read_clock(clock)))
    if not hours:
        raise value.refuse("`hours` names no day.", 'Write hours: {every_day: "08:00-21:00"}.')
    return tuple(hours)


def _read_weekdays(days: str, place: Value) -> frozenset[int]:
    if days == EVERY_DAY:
        return frozenset(range(7))
    first, _, last = days.partition("-")
    last = last or first
    if first not in WEEK or last not in WEEK or WEEK.index(last) < WEEK.index(first):
        raise place.refuse(
            f"`{days}` is not days of the week.",
            "Write every_day, a day such as sat, or days in order such as mon-fri.",
        )
    return frozenset(range(WEEK.index(first), WEEK.index(last) + 1))


def _read_clock(value: Value) -> tuple[time, time]:
    """From and until, on the local clock; 24:00 is the midnight that ends the day."""
    instead = "Write from and until on one day, such as 08:00-22:00 or 09:00-24:00."
    text = value.text()
    match = CLOCK.fullmatch(text)
    if not match:
        raise value.refuse(f"`{value.key}` is {text}.", instead)
    try:
        start = time.fromisoformat(match[1])
        end = time.max if match[2] == "24:00" else time.fromisoformat(match[2])
    except ValueError:
        raise value.refuse(f"`{value.key}` is {text}.", instead) from None
    if end <= start:
        raise value.refuse(f"`{value.key}` is {text}, which ends before it begins.", instead)
    return start, end


def _describe_hours(hours: Hours) -> str:
    end = "24:00" if hours.end == time.max else f"{hours.end:%H:%M}"
    days = "every day"
    if len(hours.weekdays) < len(WEEK):
        days = ", ".join(WEEK[day] for day in sorted(hours.weekdays))
    return f"{days} {hours.start:%H:%M}-{end}"


def _refuse_two_at_once(rules: tuple[tuple[Value, ContactHours], ...]) -> None:
    """One pack answers once for a channel and a day; stricter hours belong in the same rule."""
    for index, (value, rule) in enumerate(rules):
        for _, other in rules[:index]:
            shared = rule.channels & other.channels
            if rule.id == other.id or (shared and _both_in_force(rule, other)):
                raise value.refuse(
                    f"{rule.id} overlaps {other.id}.",
                    "Write one rule for a channel at a time, under an id that no other has.",
                )


def _both_in_force(one: ContactHours, other: ContactHours) -> bool:
    return one.effective_from <= (other.effective_to or date.max) and other.effective_from <= (
        one.effective_to or date.max
    )
