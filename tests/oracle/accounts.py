"""One loan whose borrower promises, asks for plans and complains, judged once more.

What came in from outside, and what was done to the borrower, is kept here in cents and moments; so
are the answers to three questions: may this contact be made, what must follow, and where does what
was agreed stand. No code of Arrears; the ladder and the terms are read as they are written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.agreements import (
    Money,
    PlanPart,
    Pledge,
    next_try,
    plan_stands,
    pledge_stands,
)
from tests.oracle.days import Owed, Stands, falls_due, ladder_file, stands

NOT_KEPT = ("broken", "part_kept")
ENDS_TODAY = frozenset({"cannot_talk", "hung_up", "hung_up_after", "refuses", "complains"})
"""Outcomes after which nobody contacts the person again on that day."""
TALKED = frozenset({"spoke", "promised", "asks_plan", "asks_deferral", "hardship", "refuses"})
"""Outcomes of calls in which the borrower talked."""
YEAR = timedelta(days=365)


@dataclass(slots=True)
class Made:
    """A contact with the borrower."""

    at: datetime
    channel: str
    item: str
    by: str = ""
    outcome: str = ""
    """Of a call: known after it."""
    since: date | None = None
    """When the ladder had begun."""
    reported_at: datetime | None = None
    again_at: datetime | None = None
    """When the person asked to be called again."""


@dataclass(slots=True)
class Paid:
    """A payment, when it was told, and when it went back."""

    paid_on: date
    known_at: datetime
    cents: int
    gone_at: datetime | None = None


@dataclass(slots=True)
class Promised:
    """A promise, and where it stood when somebody last looked."""

    id: str
    pledge: Pledge
    ended_at: datetime | None = None
    """Taken back, or another one took its place."""
    stood: str = "open"
    not_kept_on: date | None = None


@dataclass(slots=True)
class Plan:
    """A deferral or an instalment plan that the borrower accepted."""

    id: str
    accepted_at: datetime
    answer_by: date
    """Up to, not including, this day nobody is contacted while the ledger has not answered."""
    days: tuple[date, ...]
    grace: int
    ends_it: int
    active_at: datetime | None = None
    refused_at: datetime | None = None
    ended: tuple[datetime, str] | None = None
    missed: list[date] = field(default_factory=list)
    """The days of those that were missed at some time."""


@dataclass(slots=True)
class Complained:
    """A complaint, whom it is about, and what became of it."""

    id: str
    at: datetime
    about: str | None
    stops_all: bool
    answer_by: date
    """The last day."""
    answered_at: datetime | None = None
    upheld: bool = False

    def bars(self, who: str, at: datetime) -> bool:
        if self.about != who or at < self.at:
            return False
        return self.upheld or self.answered_at is None or at < self.answered_at


@dataclass(slots=True)
class Disputed:
    """A dispute: nobody is contacted about the loan until it is answered."""

    id: str
    at: datetime
    answered_at: datetime | None = None

    def lasts(self, at: datetime) -> bool:
        return self.at <= at and (self.answered_at is None or at < self.answered_at)


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that a follow-up answers."""

    trigger: str
    id: str
    """As an action names it, without its kind and its sender."""
    on: date
    """When what follows is due."""


@dataclass(slots=True)
class Account:
    """One loan of one borrower, and all that happened."""

    id: str
    ladder: str
    zone: str
    lender_zone: ZoneInfo
    schedules: list[tuple[datetime, tuple[tuple[date, int], ...]]]
    """Since when which instalments have counted."""
    paid: dict[str, Paid] = field(default_factory=dict)
    promised: list[Promised] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    complained: list[Complained] = field(default_factory=list)
    disputed: list[Disputed] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    held: set[date] = field(default_factory=set)
    """The days that were paused when they ended."""
    causes: list[Cause] = field(default_factory=list)

    def day(self, at: datetime) -> date:
        return at.astimezone(self.lender_zone).date()

    def money(self, at: datetime, since: datetime | None = None) -> list[Money]:
        """What was known to be paid, and had not gone back."""
        return [
            Money(paid.paid_on, paid.known_at, paid.cents)
            for paid in self.paid.values()
            if paid.known_at <= at
            and (paid.gone_at is None or at < paid.gone_at)
            and (since is None or since <= paid.known_at)
        ]

    def owed(self, at: datetime) -> list[Owed]:
        since, schedule = next(each for each in reversed(self.schedules) if each[0] <= at)
        rest = sum(money.cents for money in self.money(at, since))
        owed = []
        for due_on, cents in schedule:
            taken = min(rest, cents)
            rest -= taken
            owed.append(Owed(due_on, cents - taken))
        return owed

    def stands(self, at: datetime) -> Stands:
        return stands(ladder_file(self.ladder), self.owed(at), self.day(at), self.held)

    def promise_stands(self, promised: Promised, at: datetime) -> str:
        if promised.stood == "excused":
            return "kept"
        return pledge_stands(promised.pledge, self.money(at), self.day(at))[0]

    def open_promises(self, at: datetime) -> list[Promised]:
        return [
            each
            for each in self.promised
            if each.pledge.made_at <= at
            and (each.ended_at is None or at < each.ended_at)
            and each.stood in ("open", "kept")
            and self.promise_stands(each, at) == "open"
        ]

    def plan_in_force(self, at: datetime) -> Plan | None:
        """The plan that pauses the ladder: it is kept, or its ledger has not answered yet."""
        for plan in self.plans:
            over = plan.ended is not None and plan.ended[0] <= at
            refused = plan.refused_at is not None and plan.refused_at <= at
            if over or refused or at < plan.accepted_at:
                continue
            if plan.active_at is not None and plan.active_at <= at:
                return plan
            if self.day(at) < plan.answer_by:
                return plan
        return None

    def is_paused(self, at: datetime) -> bool:
        return bool(
            self.open_promises(at)
            or self.plan_in_force(at)
            or any(each.stops_all for each in self.open_complaints(at))
            or any(each.lasts(at) for each in self.disputed)
        )

    def open_complaints(self, at: datetime) -> list[Complained]:
        return [
            each
            for each in self.complained
            if each.at <= at and (each.answered_at is None or at < each.answered_at)
        ]

    def parts_of(self, plan: Plan, at: datetime) -> list[PlanPart]:
        ladder = ladder_file(self.ladder)
        return [
            PlanPart(falls_due(ladder, owed.due_on), owed.unpaid)
            for owed in self.owed(at)
            if owed.due_on in plan.days
        ]

    # ---- what becomes of it

    def look(self, at: datetime) -> None:
        """What money and the calendar have made of it by now, and what must follow from that."""
        for promised in self.promised:
            self._look_at_promise(promised, at)
        for plan in self.plans:
            if plan.active_at is not None and plan.ended is None:
                self._look_at_plan(plan, at)

    def _look_at_promise(self, promised: Promised, at: datetime) -> None:
        if promised.ended_at is not None or promised.stood == "excused":
            return
        was, is_now = promised.stood, self.promise_stands(promised, at)
        if was == "open" and is_now in NOT_KEPT and self.stands(at).past_due == 0:
            is_now = "excused"
        others = [each for each in self.open_promises(at) if each is not promised]
        if was == "kept" and is_now == "open" and others:
            promised.ended_at = at
            return
        promised.stood = is_now
        if is_now in NOT_KEPT and was not in NOT_KEPT:
            promised.not_kept_on = self.day(at)
            if self.stands(at).ladder_since is not None:
                twice = len(self.not_kept(at)) > 1
                trigger = "promises_broken_twice" if twice else "promise_broken"
                self.causes.append(Cause(trigger, promised.id, self.day(at)))

    def not_kept(self, at: datetime) -> list[Promised]:
        """Those of a year that were not kept."""
        return [
            each
            for each in self.promised
            if each.stood in NOT_KEPT and each.pledge.parts[-1][0] >= self.day(at) - YEAR
        ]

    def _look_at_plan(self, plan: Plan, at: datetime) -> None:
        parts = self.parts_of(plan, at)
        status, missed = plan_stands(parts, plan.grace, plan.ends_it, self.day(at))
        matters = self.stands(at).ladder_since is not None
        if status != "active":
            plan.ended = (at, status)
        if status == "defaulted" and matters:
            self.causes.append(Cause("arrangement_defaulted", plan.id, self.day(at)))
        for day in missed if status == "active" else ():
            due_on = self._due_on(plan, day)
            if due_on not in plan.missed:
                plan.missed.append(due_on)
                if matters:
                    cause = f"{plan.id} {due_on}"
                    self.causes.append(Cause("arrangement_missed", cause, self.day(at)))

    def _due_on(self, plan: Plan, falls: date) -> date:
        ladder = ladder_file(self.ladder)
        return next(day for day in plan.days if falls_due(ladder, day) == falls)

    def day_ends(self, at: datetime) -> None:
        """The last moment of a day: whether it was paused."""
        if self.is_paused(at):
            self.held.add(self.day(at))

    # ---- whether a contact may be made

    def against(self, made: Made) -> list[str]:
        """What forbids a contact, by what was known before it."""
        found = list(self._of_the_ladder(made))
        found += self._of_what_was_agreed(made)
        if made.by and any(each.bars(made.by, made.at) for each in self.complained):
            found.append("they had complained of who calls")
        before = [each for each in self.made if each.at < made.at]
        today = [each for each in before if self.day(each.at) == self.day(made.at)]
        if any(each.outcome in ENDS_TODAY for each in today):
            found.append("they had ended it for today")
        if made.channel == "call":
            asked = [each.again_at for each in before if each.again_at]
            if asked and made.at < asked[-1]:
                found.append("they had asked to be called later")
            if {each.by for each in today if each.channel == "call"} - {made.by}:
                found.append("another collector had called today")
            found += self._of_tries(made, before)
        return found

    def _of_the_ladder(self, made: Made) -> Iterable[str]:
        standing = self.stands(made.at)
        if standing.ladder_since is None or standing.ladder_day is None:
            yield "nothing that matters was past due"
        elif made.item in follow_ups(self.ladder):
            yield from self._of_causes(made)
        else:
            first, last = days_of_step(self.ladder, made.item)
            of_item = [each for each in self.made if each.at < made.at and each.item == made.item]
            if of_item and of_item[-1].again_at is not None:
                return  # a callback is owed beyond the step
            if not first <= standing.ladder_day <= last:
                yield f"it was day {standing.ladder_day}, and {made.item} is of {first} to {last}"

    def _of_causes(self, made: Made) -> Iterable[str]:
        follow_up, today = follow_ups(self.ladder)[made.item], self.day(made.at)
        latest = timedelta(days=follow_up["within"])
        alive = [
            cause
            for cause in self.causes
            if cause.trigger == follow_up["after"]
            and cause.on <= today <= cause.on + latest
            and self._lasts(cause, made.at)
        ]
        if not alive:
            yield f"nothing that {made.item} answers had happened"
        elif made.channel == "sms":
            # A text may have answered what is over by now.
            first = min(cause.on for cause in alive)
            all_of_them = [
                cause
                for cause in self.causes
                if cause.trigger == follow_up["after"] and first - latest <= cause.on <= today
            ]
            before = [each for each in self.made if each.at < made.at and each.item == made.item]
            if sum(self.day(each.at) >= first for each in before) >= len(all_of_them):
                yield f"{made.item} had answered it already"

    def must_remind(self, cause: Cause, at: datetime) -> bool:
        """Whether a reminder has to go out still: its day is to come, and its part is not paid."""
        to_come = cause.trigger == "promise_due_tomorrow" and self.day(at) < cause.on
        return to_come and self.stands(at).ladder_since is not None and self._lasts(cause, at)

    def _lasts(self, cause: Cause, at: datetime) -> bool:
        """Whether what happened is still true."""
        name, _, day = cause.id.partition(" ")
        if cause.trigger.startswith("promise"):
            promised = next(each for each in self.promised if each.id == name)
            if promised.ended_at is not None and promised.ended_at <= at:
                return False
            if cause.trigger != "promise_due_tomorrow":
                return promised.stood in NOT_KEPT
            return promised in self.open_promises(at) and not self._is_paid(promised, day, at)
        plan = next(each for each in self.plans if each.id == name)
        if cause.trigger == "arrangement_defaulted":
            return plan.ended is not None and plan.ended[1] == "defaulted"
        unpaid = {owed.due_on for owed in self.owed(at) if owed.unpaid}
        return self.plan_in_force(at) is plan and date.fromisoformat(day) in unpaid

    def _is_paid(self, promised: Promised, day: str, at: datetime) -> bool:
        """Whether all that was promised by the day of a part is there."""
        pledge = promised.pledge
        by = date.fromisoformat(day) if day else pledge.parts[-1][0]
        parts = tuple(part for part in pledge.parts if part[0] <= by)
        upto = Pledge(parts, pledge.made_at, pledge.lacking, pledge.grace, pledge.booking)
        return pledge_stands(upto, self.money(at), self.day(at))[0] == "kept"

    def _of_what_was_agreed(self, made: Made) -> Iterable[str]:
        during = follow_ups(self.ladder).get(made.item, {}).get("during", ())
        if self.open_promises(made.at) and "promise" not in during:
            yield "they had promised to pay"
        plan = self.plan_in_force(made.at)
        if plan is not None and "arrangement" not in during:
            yield "a plan was kept"
        if any(each.stops_all for each in self.open_complaints(made.at)):
            yield "their complaint was not answered"
        if any(each.lasts(made.at) for each in self.disputed):
            yield "their dispute was not answered"

    def _of_tries(self, made: Made, before: list[Made]) -> Iterable[str]:
        since = self.stands(made.at).ladder_since
        tried = [each for each in before if (each.item, each.since) == (made.item, since)]
        tries = tries_of_item(self.ladder, made.item)
        if tries is None:
            return
        if any(each.outcome in TALKED for each in tried):
            yield "what was to be learnt was learnt"
        if not tried:
            return
        reported = tried[-1].reported_at or tried[-1].at
        if tried[-1].again_at is not None:
            return  # a callback is owed whatever its tries
        again = next_try(tries, [each.at for each in tried], self.zone, reported)
        if again is None:
            yield "its tries were used up"
        elif made.at < again:
            yield f"the next try was not before {again}"


@cache
def follow_ups(ladder: str) -> Mapping[str, dict[str, Any]]:
    """By item, what a ladder's file says of follow-ups."""
    return {each["item"]: each for each in ladder_file(ladder).get("follow_ups", ())}


@cache
def _steps(ladder: str) -> tuple[dict[str, Any], ...]:
    return tuple(step for step in ladder_file(ladder)["steps"] if "items" in step)


def days_of_step(ladder: str, item: str) -> tuple[int, int]:
    """The first and the last day of the step that an item belongs to."""
    step = next(s for s in _steps(ladder) if any(each["item"] == item for each in s["items"]))
    first, _, last = str(step["days"]).partition("-")
    return int(first), int(last or (first if "-" not in str(step["days"]) else 10_000))


def tries_of_item(ladder: str, item: str) -> dict[str, Any] | None:
    """How often an item is tried, if the ladder's file says so."""
    items = (each for step in _steps(ladder) for each in step["items"])
    return next((each.get("tries") for each in items if each["item"] == item), None)


@cache
def item_of_template(ladder: str, template: str) -> str:
    """The item that a text belongs to."""
    everything = [each for step in _steps(ladder) for each in step["items"]]
    everything += follow_ups(ladder).values()
    return next(
        str(each["item"])
        for each in everything
        if each.get("template") == template and each["do"] == "send_sms"
    )
