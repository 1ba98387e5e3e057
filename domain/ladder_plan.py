"""What the items of a ladder require for one person on a day: what acts, what was missed, and what
waits for steps that were not tried."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta

from domain.actions import WAITING, ActionStatus
from domain.compliance.vocabulary import Party
from domain.holds import Hold, days_held
from domain.ladder import Item, Ladder, MissedSteps, Step

StepItem = tuple[Step, Item]
"""An item, and the step that it belongs to."""


def ladder_day(
    ladder: Ladder, holds: Iterable[Hold], since: date, on: date
) -> tuple[int, date | None]:
    """The ladder day; and while it is in the days of grace, the first day after them."""
    day = (on - since).days - days_held(holds, since, on)
    if ladder.grace_days and day <= ladder.grace_days:
        return day, on + timedelta(days=ladder.grace_days + 1 - day)
    return day, None


def sort_items(
    ladder: Ladder,
    party: Party,
    day: int,
    on_record: Mapping[str, ActionStatus],
    tried: set[str],
) -> tuple[list[StepItem], list[StepItem], set[str]]:
    """Of a party's items: what acts today, what was missed, and the untried steps that due items
    require. Due are the items of today, and those that wait on record.

    A step that was tried when a waiting item was planned may not count as tried any more.
    """
    plan: list[StepItem] = []
    skip: list[StepItem] = []
    untried: set[str] = set()
    for step, item in ladder.items_to(party):
        missing = set(item.requires) - tried
        if item.id in on_record:
            untried |= missing if on_record[item.id] in WAITING else set()
            continue
        if day in item.days:
            untried |= missing
            if not missing:
                plan.append((step, item))
        elif item.days.passed_by(day):
            late = ladder.missed_steps is MissedSteps.CATCH_UP and not missing
            (plan if late else skip).append((step, item))
    for step in reversed(ladder.steps):
        if step.id in untried and step.last:
            untried |= set(step.last.requires) - tried
    return plan, skip, untried


CAUGHT_UP = frozenset({ActionStatus.SKIPPED, ActionStatus.UNDELIVERED})
"""What acts late, where a later step requires its step: it never acted, or its text did not arrive.
The latter is a next try."""


def catch_up_item(
    ladder: Ladder,
    untried: set[str],
    on_record: Mapping[str, ActionStatus],
    not_yet: Collection[str],
) -> StepItem | None:
    """The item that acts late because a later step requires its step; None if it is under way, or
    is among those whose next try may not be planned yet.

    An item must neither wait for ever for steps that were not tried, nor act without them. So these
    steps act first, late as they are, one a day and in the ladder's order.
    """
    for step in ladder.steps:
        if step.id in untried and (item := step.last):
            status = on_record.get(item.id, ActionStatus.SKIPPED)
            acts = status in CAUGHT_UP and item.id not in not_yet
            return (step, item) if acts else None
    return None


def expired_items(
    ladder: Ladder,
    party: Party,
    day: int,
    waiting: Collection[str],
    untried: set[str],
) -> tuple[str, ...]:
    """Of the items that still wait, those without which the ladder has gone on."""
    if ladder.missed_steps is MissedSteps.CATCH_UP:
        return ()
    return tuple(
        item.id
        for step, item in ladder.items_to(party)
        if item.id in waiting and step.id not in untried and ladder.has_left(step, item, day)
    )


def next_change_on(
    ladder: Ladder, party: Party, day: int, on: date, untried: set[str], *, tomorrow: bool = False
) -> date | None:
    """The next day on which another item may act, or end: tomorrow, while one waits for untried
    steps, or `tomorrow` says so."""
    if untried or tomorrow:
        return on + timedelta(days=1)
    change = ladder.next_change(day, party)
    return on + timedelta(days=change - day) if change is not None else None
