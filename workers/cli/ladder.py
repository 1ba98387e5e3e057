"""`arrears ladder`: the lender's stage rules as they are loaded, version by version."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from domain.compliance.vocabulary import Party
from domain.ladder import Days, DueOnRestDay, Item, Ladder, MissedSteps, Step
from workers.cli.language import coded, say, unit, words
from workers.cli.policy import read_policy
from workers.cli.render import Table, console, print_lines
from workers.clock import Clock

MISSED = {
    MissedSteps.SKIP: "missed steps are skipped",
    MissedSteps.CATCH_UP: "missed steps are made up for",
}


class LadderRow(NamedTuple):
    """What the ladder does on some of its days."""

    days: Days
    step: str
    item: str
    does: str
    note: str


DAYS = Table[LadderRow](
    None,
    {
        "days": lambda row: row.days,
        "step": lambda row: row.step,
        "item": lambda row: row.item,
        "does": lambda row: row.does,
        "with, and when": lambda row: row.note,
    },
    one_line=("days", "step", "item", "does"),
)


class FollowUpRow(NamedTuple):
    """What the ladder does after something that happened."""

    after: str
    item: str
    does: str
    note: str


FOLLOW_UPS = Table[FollowUpRow](
    None,
    {
        "because": lambda row: row.after,
        "item": lambda row: row.item,
        "does": lambda row: row.does,
        "with, and when": lambda row: row.note,
    },
    one_line=("item", "does"),
)


def ladder() -> None:
    """Show the stage rules step by step: those in force, those to come and those that are past."""
    settings, policy = read_policy()
    today = Clock(settings.clock_file).now().astimezone(settings.lender_zone).date()
    ladders = sorted(policy.ladders, key=lambda ladder: (ladder.id, ladder.version))
    for ladder in ladders:
        print_lines(f"{ladder.name} — {standing(ladder, ladders, today)}", style="bold")
        for line in _head(ladder):
            console.print(line, markup=False, soft_wrap=False)
        DAYS.print(row for days, step in day_ranges(ladder) for row in _rows(days, step))
        if ladder.follow_ups:
            FOLLOW_UPS.print(_follow_up_row(item) for item in ladder.follow_ups)
    print_lines(
        say("Days are ladder days: they count from the minimum past due, less holds."),
        say("The files are in {policy_dir}.", policy_dir=settings.policy_dir / "ladders"),
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
        return say("to come, from {first}{until}", first=first, until=_until(last))
    if last and last < today:
        return say("past, from {first}{until}", first=first, until=_until(last))
    for other in newer:
        if other.in_force(today):
            return say(
                "past: {other} took its place on {on}", other=other.name, on=other.effective_from
            )
    ends = [
        other.effective_from - timedelta(days=1) for other in newer if today < other.effective_from
    ]
    end = min([*ends, *([last] if last else [])], default=None)
    return say("in force since {first}{until}", first=first, until=_until(end))


def _until(last: date | None) -> str:
    return say(" up to and on {last}", last=last) if last else ""


def _head(ladder: Ladder) -> tuple[str, ...]:
    products = ", ".join(ladder.applies_to.products) or say("all products")
    return (
        say(
            "For {products} in {jurisdictions}, in {currency}.",
            products=products,
            jurisdictions=", ".join(ladder.applies_to.jurisdictions),
            currency=ladder.currency,
        ),
        say(
            "Acts from {minimum} {currency} past due, {grace}; {missed}.",
            minimum=ladder.minimum_amount,
            currency=unit(ladder.currency),
            grace=_grace(ladder.grace_days),
            missed=say(MISSED[ladder.missed_steps]),
        ),
        _rest_days(ladder),
        say("Source: {source}", source=ladder.source),
    )


def _rest_days(ladder: Ladder) -> str:
    if ladder.due_on_rest_day is DueOnRestDay.AS_WRITTEN:
        return say("Due on a day of rest: as it is written.")
    calendar = ladder.calendar
    return say(
        "Due on a day of rest: next working day; {country} is known to {known_until}.",
        country=calendar.country,
        known_until=calendar.known_until,
    )


def _grace(days: int) -> str:
    match days:
        case 0:
            return say("without days of grace")
        case 1:
            return say("after 1 day of grace")
    return say("after {days} days of grace", days=days)


def _rows(days: Days, step: Step | None) -> Iterable[LadderRow]:
    if step is None:
        yield LadderRow(days, say("rest"), "", say("nothing"), say("nobody is contacted"))
        return
    for item in step.items:
        yield LadderRow(item.days, step.id, item.id, coded("action_type", item.do), _note(item))


def _follow_up_row(item: Item) -> FollowUpRow:
    follow_up = item.follow_up
    after = words("follows", [follow_up.after]) if follow_up else ""
    within = say("at most {days} day(s) late", days=follow_up.within) if follow_up else ""
    note = say("; ").join(part for part in (_note(item), within) if part)
    return FollowUpRow(after, item.id, coded("action_type", item.do), note)


def day_ranges(ladder: Ladder) -> Iterable[tuple[Days, Step | None]]:
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
        item.to is not Party.BORROWER and say("to each {party}", party=words("party", [item.to])),
        item.template,
        item.must_learn and say("must learn {topics}", topics=words("topics", item.must_learn)),
        item.may_offer and say("may offer {offers}", offers=words("offers", item.may_offer)),
        item.requires and say("after {steps}", steps=", ".join(item.requires)),
        item.approval and say("once a {role} approves", role=words("role", [item.approval])),
    ]
    return say("; ").join(note for note in notes if note)
