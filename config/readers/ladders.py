"""Reads stage ladders from `config/ladders/*.yaml`, and refuses one that could surprise anybody."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from babel.numbers import list_currencies

from config.readers.yaml_reader import Section, Value, each
from domain.actions import ACTION_TYPES, ActionType
from domain.collectors import Role
from domain.ladder import AppliesTo, Days, Item, Ladder, MissedSteps, Step

LADDER_KEYS = (
    "id",
    "version",
    "effective_from",
    "effective_to",
    "applies_to",
    "currency",
    "minimum_amount",
    "grace_days",
    "missed_steps",
    "source",
    "steps",
)
STEP_KEYS = ("step", "days", "items")
REST_KEYS = ("rest", "days")
ITEM_KEYS = (
    "item",
    "do",
    "days",
    "template",
    "purpose",
    "must_learn",
    "may_offer",
    "requires",
    "approval",
)
DAYS = re.compile(r"(\d{1,5})(-)?(\d{1,5})?")


def read_ladder(document: Value, template_names: Collection[str]) -> Ladder:
    """Turn one file into a ladder.

    Raises:
        PolicyError: the file says something a ladder must not; every step and item that is wrong
            is named, with its line and what to write instead.
    """
    top = document.section(LADDER_KEYS)
    grace_days = top.need("grace_days").whole(at_least=0)
    effective_from, effective_to = _effective(top)
    return Ladder(
        id=top.need("id").identifier(),
        version=top.need("version").whole(at_least=1),
        effective_from=effective_from,
        effective_to=effective_to,
        applies_to=_applies_to(top.need("applies_to")),
        currency=top.need("currency").known(list_currencies(), "currency"),
        minimum_amount=top.need("minimum_amount").amount(),
        grace_days=grace_days,
        missed_steps=top.need("missed_steps").word(MissedSteps),
        source=top.need("source").text(),
        steps=_read_steps(top.need("steps"), grace_days, template_names),
    )


def describe(ladder: Ladder) -> tuple[str, ...]:
    """One line for each step, in the ladder's order, for a terminal."""
    return tuple(
        f"{step.id}, days {step.days}: {', '.join(_describe_item(item) for item in step.items)}"
        for step in ladder.steps
    )


def _describe_item(item: Item) -> str:
    notes = [f"days {item.days}"]
    if item.template:
        notes.append(item.template)
    if item.requires:
        notes.append(f"after {', '.join(item.requires)}")
    if item.approval:
        notes.append(f"approved by a {item.approval}")
    return f"{item.id} ({'; '.join(notes)})"


def _effective(top: Section) -> tuple[date, date | None]:
    first = top.need("effective_from").day()
    end = top.maybe("effective_to")
    last = end.day() if end else None
    if end and last and last < first:
        raise end.refuse(
            f"`effective_to` is {last}, before `effective_from`.",
            f"Write {first} or later, or leave it out.",
        )
    return first, last


def _applies_to(value: Value) -> AppliesTo:
    section = value.section(("jurisdictions", "products"))
    jurisdictions = each(section.need("jurisdictions").values(), Value.jurisdiction)
    return AppliesTo(jurisdictions, section.texts("products"))


def _read_steps(value: Value, grace_days: int, template_names: Collection[str]) -> tuple[Step, ...]:
    entries = value.values()
    read = each(entries, partial(_read_entry, so_far=_SoFar(grace_days, template_names)))
    _refuse_overlaps_and_gaps(tuple(zip(entries, read, strict=True)), grace_days)
    return tuple(entry for entry in read if isinstance(entry, Step))


@dataclass(slots=True)
class _SoFar:
    """What an entry must agree with: the ladder's head, and the entries above it."""

    grace_days: int
    template_names: Collection[str]
    steps: dict[str, Value] = field(default_factory=dict)
    items: dict[str, Value] = field(default_factory=dict)


def _read_entry(value: Value, so_far: _SoFar) -> Step | Days:
    """A step, or the days of a declared rest, on which nobody is contacted."""
    if "rest" in value.pairs():
        rest = value.section(REST_KEYS)
        if rest.need("rest").text() != "true":
            raise rest.need("rest").refuse("`rest` is not true.", "Write rest: true, or a step.")
        return _read_days(rest.need("days"))
    section = value.section(STEP_KEYS)
    days = _read_days(section.need("days"))
    earlier = tuple(so_far.steps)
    id_ = _new_id(section.need("step"), so_far.steps)
    read = partial(_read_item, step_days=days, earlier=earlier, so_far=so_far)
    return Step(id_, days, each(section.need("items").values(), read))


def _read_item(value: Value, step_days: Days, earlier: tuple[str, ...], so_far: _SoFar) -> Item:
    section = value.section(ITEM_KEYS)
    do = section.need("do").word(ACTION_TYPES.values())
    purpose = section.maybe("purpose")
    approval = section.maybe("approval")
    return Item(
        id=_new_id(section.need("item"), so_far.items),
        do=do,
        days=_read_item_days(section, step_days, so_far.grace_days),
        template=_read_template(section, do, so_far.template_names),
        purpose=purpose.text() if purpose else None,
        must_learn=section.texts("must_learn"),
        may_offer=section.texts("may_offer"),
        requires=_read_requires(section.maybe("requires"), earlier),
        approval=approval.word(Role) if approval else None,
    )


def _named(days: Days) -> str:
    return f"day {days}" if days.first == days.last else f"days {days}"


def _new_id(value: Value, taken: dict[str, Value]) -> str:
    """Ids are what the records know steps and items by, so none may come twice in a ladder."""
    id_ = value.identifier()
    if id_ in taken:
        raise value.refuse(
            f"The ladder has the {value.key} {id_} already, in line {taken[id_].line}.",
            "Write an id that no other has.",
        )
    taken[id_] = value
    return id_


def _read_item_days(section: Section, step_days: Days, grace_days: int) -> Days:
    written = section.maybe("days")
    days = _read_days(written) if written else step_days
    place = written or section.place
    if not _within(days, step_days):
        raise place.refuse(
            f"Days {days} of the item are not within days {step_days} of its step.",
            f"Write days within {step_days}.",
        )
    if days.passed_by(grace_days + 1):
        raise place.refuse(
            f"Days {days} of the item all fall in the {grace_days} days of grace.",
            f"Write days that reach {grace_days + 1} or later, or fewer grace_days.",
        )
    return days


def _read_requires(value: Value | None, earlier: tuple[str, ...]) -> tuple[str, ...]:
    """An item may only require steps that come before its own, or it could never act."""
    if value is None:
        return ()
    if not earlier:
        raise value.refuse("There is no step before this one to require.", "Take the line out.")
    return each(value.values(), lambda step: step.known(earlier, "earlier step"))


def _read_template(section: Section, do: ActionType, templates: Collection[str]) -> str | None:
    template = section.maybe("template")
    if do.needs_template:
        return section.need("template").known(templates, "template")
    if template:
        raise template.refuse(
            f"An item that does {do} writes nothing, and so has no template.",
            "Take the line out.",
        )
    return None


def _read_days(value: Value) -> Days:
    text = value.text()
    instead = "Write ladder days from 1, such as 3, 1-3, or 60- for day 60 and all that follow."
    match = DAYS.fullmatch(text)
    if not match or (match[3] and not match[2]):
        raise value.refuse(f"`{value.key}` is {text}.", instead)
    first = int(match[1])
    last = int(match[3]) if match[3] else None if match[2] else first
    if first < 1:
        raise value.refuse(f"`{value.key}` is {text}, but the due day 0 is not overdue.", instead)
    if last is not None and last < first:
        raise value.refuse(f"`{value.key}` is {text}, which runs backwards.", instead)
    return Days(first, last)


def _within(inner: Days, outer: Days) -> bool:
    ends_in_time = outer.last is None or (inner.last is not None and inner.last <= outer.last)
    return outer.first <= inner.first and ends_in_time


def _refuse_overlaps_and_gaps(
    entries: tuple[tuple[Value, Step | Days], ...], grace_days: int
) -> None:
    """Each entry must begin on the day after the one before it ended; the last has no end."""
    free_from: int | None = 1
    for value, entry in entries:
        days = entry.days if isinstance(entry, Step) else entry
        if free_from is None or days.first < free_from:
            raise value.refuse(
                f"Days {days} overlap days that an entry above covers, or are out of order.",
                f"Begin on day {free_from}." if free_from else "Give the entry above a last day.",
            )
        in_grace = free_from == 1 and days.first <= grace_days + 1
        if days.first > free_from and not in_grace:
            gap = Days(free_from, days.first - 1)
            raise value.refuse(
                f"Nothing is said about {_named(gap)}.",
                f"Write an entry with rest: true and days: {gap} before this one.",
            )
        free_from = None if days.last is None else days.last + 1
    if free_from is not None:
        raise entries[-1][0].refuse(
            f"Nothing is said about day {free_from} and all that follow.",
            f"Let the last days end with -, or add a rest: true with days: {free_from}-.",
        )
