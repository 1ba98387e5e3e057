"""`arrears ladder`: the lender's stage rules as they are loaded, version by version."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from rich.box import SIMPLE_HEAD
from rich.table import Column, Table
from rich.text import Text

from domain.ladder import Days, Item, Ladder, MissedSteps, Step
from workers.cli.common import console, load_context

MISSED = {
    MissedSteps.SKIP: "missed steps are skipped",
    MissedSteps.CATCH_UP: "missed steps are made up for",
}


def ladder() -> None:
    """Show the stage rules step by step: those in force, those to come and those that are past."""
    ctx = load_context()
    ladders = sorted(
        ctx.policy.ladders, key=lambda each_ladder: (each_ladder.id, each_ladder.version)
    )
    for each_ladder in ladders:
        console.print(
            Text(
                f"{each_ladder.name} — {standing(each_ladder, ladders, ctx.today())}", style="bold"
            )
        )
        for line in _head(each_ladder):
            console.print(Text(line), soft_wrap=False)
        console.print(_table(each_ladder))
    console.print(
        "Days are ladder days: days past due, less those that a hold paused.\n"
        f"The files are in {ctx.settings.policy_dir / 'ladders'}."
    )


def standing(ladder: Ladder, ladders: Iterable[Ladder], today: date) -> str:
    """Whether a version is in force on `today`, to come or past, and from when to when.

    While two versions are in force for the same loans, the newer one counts.
    """
    newer = [
        other
        for other in ladders
        if (other.id, other.currency, other.applies_to)
        == (ladder.id, ladder.currency, ladder.applies_to)
        and other.effective_from > ladder.effective_from
    ]
    first, last = ladder.effective_from, ladder.effective_to
    if first > today:
        return f"to come, from {first}{_until(last)}"
    if last and last < today:
        return f"past, from {first}{_until(last)}"
    for other in newer:
        if other.in_force(today):
            return f"past: {other.name} took its place on {other.effective_from}"
    ends = [
        other.effective_from - timedelta(days=1) for other in newer if today < other.effective_from
    ]
    return f"in force since {first}{_until(min([*ends, *([last] if last else [])], default=None))}"


def _until(last: date | None) -> str:
    return f" up to and on {last}" if last else ""


def _head(ladder: Ladder) -> tuple[str, ...]:
    products = ", ".join(ladder.applies_to.products) or "all products"
    return (
        f"For {products} in {', '.join(ladder.applies_to.jurisdictions)}, in {ladder.currency}.",
        f"Acts from {ladder.minimum_amount} past due, {_grace(ladder.grace_days)}; "
        f"{MISSED[ladder.missed_steps]}.",
        f"Source: {ladder.source}",
    )


def _grace(days: int) -> str:
    match days:
        case 0:
            return "without days of grace"
        case 1:
            return "after 1 day of grace"
    return f"after {days} days of grace"


def _table(ladder: Ladder) -> Table:
    table = Table(
        Column("days", no_wrap=True),
        Column("step", no_wrap=True),
        Column("item", no_wrap=True),
        Column("does", no_wrap=True),
        "with, and when",
        box=SIMPLE_HEAD,
        # Narrow enough for a terminal of 80 columns.
        padding=(0, 1, 0, 0),
    )
    for days, step in stretches(ladder):
        if step is None:
            table.add_row(str(days), "rest", "", "nothing", "nobody is contacted")
            continue
        for item in step.items:
            table.add_row(str(item.days), step.id, item.id, item.do, _note(item))
    return table


def stretches(ladder: Ladder) -> Iterable[tuple[Days, Step | None]]:
    """The ladder's days from first to last, none left out; those without a step are a rest."""
    free_from: int | None = ladder.grace_days + 1
    for step in ladder.steps:
        if free_from is not None and free_from < step.days.first:
            yield Days(free_from, step.days.first - 1), None
        yield step.days, step
        free_from = None if step.days.last is None else step.days.last + 1
    if free_from is not None:
        yield Days(free_from), None


def _note(item: Item) -> str:
    notes = [
        item.template,
        item.must_learn and f"must learn {', '.join(item.must_learn)}",
        item.may_offer and f"may offer {', '.join(item.may_offer)}",
        item.requires and f"after {', '.join(item.requires)}",
        item.approval and f"once a {item.approval} approves",
    ]
    return "; ".join(note for note in notes if note)
