"""Reads stage ladders from `config/ladders/*.yaml`, and refuses one with gaps or contradictions."""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial

from babel.numbers import list_currencies

from config.readers.calendars import read_calendar
from config.readers.call_plans import read_call_plan
from config.readers.outcomes import read_outcomes, read_shown
from config.readers.yaml_reader import Section, Value, each
from domain.actions import ACTION_TYPES, ActionType
from domain.actors import Role
from domain.compliance.calendars import PLAIN_WEEK, Calendar
from domain.compliance.vocabulary import Channel, Party
from domain.follow_ups import FOLLOW_UP, MAY_REMIND_DURING, FollowUp, Trigger
from domain.holds import HoldKind
from domain.ladder import AppliesTo, Days, DueOnRestDay, Item, Ladder, MissedSteps, Step

LADDER_KEYS = (
    "id version effective_from effective_to applies_to currency minimum_amount grace_days "
    "missed_steps source steps names due_on_rest_day calendar follow_ups outcomes"
)
ITEM_KEYS = "item do to days template purpose must_learn may_offer tries requires approval names"
FOLLOW_UP_KEYS = (
    "item after within during do template purpose must_learn may_offer tries approval names"
)
ALL_DAYS = Days(1)
"""The days of a follow-up, of which no ladder day asks anything."""
TO = {
    "borrower": Party.BORROWER,
    "co_borrowers": Party.CO_BORROWER,
    "guarantors": Party.GUARANTOR,
}
"""Whom an item may be for."""


def read_ladder(document: Value, template_names: Collection[str]) -> Ladder:
    """Convert one file into a ladder.

    Raises:
        PolicyError: something in the file is wrong. Every wrong step and item is named, with its
            line and what to write instead.
    """
    top = document.section(LADDER_KEYS)
    grace_days = top.need("grace_days").whole(at_least=0)
    effective_from, effective_to = top.effective()
    due_on_rest_day, calendar = _read_rest_days(top)
    applies_to = top.need("applies_to").section("jurisdictions products")
    so_far = _SoFar(grace_days, template_names)
    steps = _read_steps(top.need("steps"), so_far)
    follow_ups = top.entries("follow_ups", partial(_read_follow_up, so_far=so_far))
    return Ladder(
        id=top.need("id").identifier(),
        version=top.need("version").whole(at_least=1),
        effective_from=effective_from,
        effective_to=effective_to,
        applies_to=read_applies_to(applies_to),
        currency=top.need("currency").known(list_currencies(), "currency"),
        minimum_amount=top.need("minimum_amount").amount(),
        grace_days=grace_days,
        missed_steps=top.need("missed_steps").word(MissedSteps),
        source=top.need("source").text(),
        steps=steps,
        follow_ups=follow_ups,
        outcomes=top.maybe("outcomes", partial(read_outcomes, follow_ups=follow_ups)),
        names=top.maybe("names", _read_names) or {},
        due_on_rest_day=due_on_rest_day,
        calendar=calendar,
    )


def read_applies_to(section: Section) -> AppliesTo:
    """Which loans a ladder, or what else the lender writes, is for."""
    return AppliesTo(
        section.need("jurisdictions").entries(Value.jurisdiction),
        section.entries("products", Value.text),
    )


def _read_rest_days(top: Section) -> tuple[DueOnRestDay, Calendar]:
    """What a due date on a day of rest means, and which days those are."""
    if "due_on_rest_day" in top.pairs:
        rule = top.need("due_on_rest_day").word(DueOnRestDay)
    else:
        rule = DueOnRestDay.AS_WRITTEN
    if rule is DueOnRestDay.NEXT_WORKING_DAY:
        return rule, read_calendar(top.need("calendar"))
    if given := top.pairs.get("calendar"):
        raise given.refuse(
            "Due dates stand as they are written, so no calendar is asked.",
            "Write due_on_rest_day: next_working_day, or take the line out.",
        )
    return rule, PLAIN_WEEK


@dataclass(slots=True)
class _SoFar:
    """What an entry must be consistent with: the head of the ladder, and the entries above it."""

    grace_days: int
    template_names: Collection[str]
    steps: dict[str, Value] = field(default_factory=dict)
    with_borrower: set[str] = field(default_factory=set)
    """The steps that have an item for the borrower."""
    items: dict[str, Value] = field(default_factory=dict)


def _read_steps(value: Value, so_far: _SoFar) -> tuple[Step, ...]:
    entries = value.values()
    steps = each(entries, partial(_read_entry, so_far=so_far))
    _refuse_overlaps_and_gaps(tuple(zip(entries, steps, strict=True)), so_far.grace_days)
    return tuple(step for step in steps if isinstance(step, Step))


def _read_entry(value: Value, so_far: _SoFar) -> Step | Days:
    """A step, or the days of a rest, on which nobody is contacted."""
    if "rest" in value.pairs():
        rest = value.section("rest days")
        if rest.need("rest").text() != "true":
            raise rest.need("rest").refuse("`rest` is not true.", "Write rest: true, or a step.")
        return _read_days(rest.need("days"))
    section = value.section("step days items names outcomes")
    days = _read_days(section.need("days"))
    earlier = tuple(so_far.steps)
    step_id = _new_id(section.need("step"), so_far.steps)
    if step_id == FOLLOW_UP:
        raise section.need("step").refuse(
            "{step} is what the records call the step of all follow-ups.",
            "Choose another id.",
            step=step_id,
        )
    read = partial(_read_item, step_days=days, earlier=earlier, so_far=so_far)
    names = section.maybe("names", _read_names) or {}
    shown = section.maybe("outcomes", read_shown) or ()
    step = Step(step_id, days, section.need("items").entries(read), names, shown)
    if step.last:
        so_far.with_borrower.add(step_id)
    return step


def _read_item(value: Value, step_days: Days, earlier: tuple[str, ...], so_far: _SoFar) -> Item:
    section = value.section(ITEM_KEYS)
    do = section.need("do").word(ACTION_TYPES.values())
    must_learn = section.entries("must_learn", Value.text)
    return Item(
        id=_new_id(section.need("item"), so_far.items),
        do=do,
        days=_read_item_days(section, step_days, so_far.grace_days),
        template=_read_template(section, do, so_far.template_names),
        purpose=section.maybe("purpose", Value.text),
        must_learn=must_learn,
        may_offer=section.entries("may_offer", Value.text),
        tries=section.maybe("tries", partial(read_call_plan, do=do, must_learn=must_learn)),
        requires=section.maybe("requires", partial(_read_requires, earlier, so_far)) or (),
        approval=section.maybe("approval", partial(Value.word, words=Role)),
        names=section.maybe("names", _read_names) or {},
        to=_read_to(section, do),
    )


def _read_follow_up(value: Value, so_far: _SoFar) -> Item:
    """What acts because something happened. It goes to the borrower."""
    section = value.section(FOLLOW_UP_KEYS)
    do = section.need("do").word(ACTION_TYPES.values())
    if do.channel is Channel.LEGAL:
        raise section.need("do").refuse(
            "A follow-up that does {do} would bring the loan to court because of one thing that "
            "happened.",
            "Write it as an item of a step, on its days.",
            do=do,
        )
    follow_up = FollowUp(
        after=section.need("after").word(Trigger),
        within=section.need("within").whole(at_least=0),
        during=frozenset(section.maybe("during", partial(_read_during, do)) or ()),
    )
    must_learn = section.entries("must_learn", Value.text)
    return Item(
        id=_new_id(section.need("item"), so_far.items),
        do=do,
        days=ALL_DAYS,
        template=_read_template(section, do, so_far.template_names),
        purpose=section.maybe("purpose", Value.text),
        must_learn=must_learn,
        may_offer=section.entries("may_offer", Value.text),
        tries=section.maybe("tries", partial(read_call_plan, do=do, must_learn=must_learn)),
        approval=section.maybe("approval", partial(Value.word, words=Role)),
        names=section.maybe("names", _read_names) or {},
        follow_up=follow_up,
    )


def _read_during(do: ActionType, value: Value) -> tuple[HoldKind, ...]:
    """The holds that do not stop it: those which a text may belong to."""
    if do.channel is not Channel.SMS:
        raise value.refuse(
            "While a hold pauses the ladder, only a text may remind of what the hold is for.",
            "Take the line out, or write do: send_sms.",
        )
    return value.entries(partial(Value.word, words=sorted(MAY_REMIND_DURING)))


def _read_to(section: Section, do: ActionType) -> Party:
    """Whom the item is for. A legal file is about the loan, with all who owe it."""
    if (given := section.pairs.get("to")) is None:
        return Party.BORROWER
    to = TO[given.word(TO)]
    if do.channel is Channel.LEGAL and to is not Party.BORROWER:
        raise given.refuse(
            "An item that does {do} is about the loan, and reaches nobody.",
            "Take the line out.",
            do=do,
        )
    return to


def _read_names(value: Value) -> dict[str, str]:
    """What people call it, by language."""
    return value.section("en zh").given({"en": Value.text, "zh": Value.text})


def _new_id(value: Value, seen: dict[str, Value]) -> str:
    """The records know a step and an item by its id, so an id must be unique in a ladder."""
    new_id = value.identifier()
    return value.unused(
        new_id, seen, "The ladder has the {key} {new_id}", key=value.key, new_id=new_id
    )


def _read_item_days(section: Section, step_days: Days, grace_days: int) -> Days:
    days = section.maybe("days", _read_days) or step_days
    value = section.pairs.get("days", section.value)
    if not _within(days, step_days):
        raise value.refuse(
            "Days {days} of the item are not within days {step_days} of its step.",
            "Write days within {step_days}.",
            days=days,
            step_days=step_days,
        )
    if days.passed_by(grace_days + 1):
        raise value.refuse(
            "Days {days} of the item all fall in the {grace_days} days of grace.",
            "Write days that reach {from_day} or later, or fewer grace_days.",
            days=days,
            grace_days=grace_days,
            from_day=grace_days + 1,
        )
    return days


def _read_requires(earlier: tuple[str, ...], so_far: _SoFar, value: Value) -> tuple[str, ...]:
    """An item may only require steps before its own, which are tried with the borrower. Otherwise
    it could never act."""
    if not earlier:
        raise value.refuse("There is no step before this one to require.", "Take the line out.")
    return value.entries(partial(_read_required, earlier, so_far))


def _read_required(earlier: tuple[str, ...], so_far: _SoFar, value: Value) -> str:
    step = value.known(earlier, "earlier step")
    if step not in so_far.with_borrower:
        raise value.refuse(
            "The step {step} has no item for the borrower, so it is never tried.",
            "Add one to it, or require another step.",
            step=step,
        )
    return step


def _read_template(section: Section, do: ActionType, templates: Collection[str]) -> str | None:
    if do.needs_template:
        return section.need("template").known(templates, "template")
    if template := section.pairs.get("template"):
        raise template.refuse(
            "An item that does {do} writes nothing, and so has no template.",
            "Take the line out.",
            do=do,
        )
    return None


def _read_days(value: Value) -> Days:
    instead = "Write ladder days from 1, such as 3, 1-3, or 60- for day 60 and all that follow."
    days = value.days(instead)
    if days.first < 1:
        raise value.refuse(
            "`{key}` is {shown}, but the due day 0 is not overdue.",
            instead,
            key=value.key,
            shown=value.shown,
        )
    if days.passed_by(days.first):
        raise value.refuse(
            "`{key}` is {shown}, which runs backwards.", instead, key=value.key, shown=value.shown
        )
    return days


def _within(inner: Days, outer: Days) -> bool:
    ends_in_time = outer.last is None or (inner.last is not None and inner.last <= outer.last)
    return outer.first <= inner.first and ends_in_time


def _refuse_overlaps_and_gaps(
    entries: tuple[tuple[Value, Step | Days], ...], grace_days: int
) -> None:
    """Each entry must begin on the day after the previous one ended; the last has no end."""
    free_from: int | None = 1
    for value, entry in entries:
        days = entry.days if isinstance(entry, Step) else entry
        if free_from is None or days.first < free_from:
            raise value.refuse(
                "Days {days} overlap days that an entry above covers, or are out of order.",
                "Begin on day {free_from}." if free_from else "Give the entry above a last day.",
                days=days,
                free_from=free_from,
            )
        in_grace = free_from == 1 and days.first <= grace_days + 1
        if days.first > free_from and not in_grace:
            gap = Days(free_from, days.first - 1)
            raise value.refuse(
                "Nothing is said about day {gap}."
                if gap.first == gap.last
                else "Nothing is said about days {gap}.",
                "Write an entry with rest: true and days: {gap} before this one.",
                gap=gap,
            )
        free_from = None if days.last is None else days.last + 1
    if free_from is not None:
        raise entries[-1][0].refuse(
            "Nothing is said about day {free_from} and all that follow.",
            "Let the last days end with -, or add a rest: true with days: {free_from}-.",
            free_from=free_from,
        )
