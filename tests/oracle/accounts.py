"""One loan whose borrower promises, asks for plans and complains, judged once more.

What came in from outside, and what was done to the borrower, is kept here in cents and moments; so
are the answers to three questions: may this contact be made, what must follow, and where does what
was agreed stand. No code of Arrears; the ladder and the terms are read as they are written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from tests.oracle.agreements import (
    Money,
    PlanPart,
    Pledge,
    default_not_before,
    next_try,
    paid_oldest_first,
    plan_stands,
    pledge_stands,
)
from tests.oracle.days import Owed, Stands, falls_due, ladder_file, stands
from tests.oracle.happened import (
    Cause,
    Complained,
    Disputed,
    Made,
    Paid,
    Plan,
    Promised,
    SaidPaid,
)
from tests.oracle.items import days_of_step, follow_ups, tries_of_item

NOT_KEPT = ("broken", "part_kept")
ENDS_TODAY = frozenset({"cannot_talk", "hung_up", "hung_up_after", "refuses", "complains"})
"""Outcomes after which nobody contacts the person again on that day."""
YEAR = timedelta(days=365)


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
    said_paid: list[SaidPaid] = field(default_factory=list)
    late_since: date | None = None
    """The day on which these arrears were first looked at; None: nothing was past due then."""
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
        return paid_oldest_first(schedule, sum(money.cents for money in self.money(at, since)))

    def stands(self, at: datetime) -> Stands:
        return stands(ladder_file(self.ladder), self.owed(at), self.day(at), self.held)

    def promise_stands(self, promised: Promised, at: datetime) -> str:
        if promised.stood == "excused":
            return "kept"
        following = self._made_since(promised, at)
        pledge = replace(promised.pledge, next_made_at=min(following, default=None))
        return self._pledge_stands(pledge, at)

    def _made_since(self, promised: Promised, at: datetime) -> list[datetime]:
        made_at = promised.pledge.made_at
        every = (each.pledge.made_at for each in self.promised)
        return [each for each in every if made_at < each <= at]

    def _pledge_stands(self, pledge: Pledge, at: datetime) -> str:
        """Its clock stands still on days on which something else stops collection."""
        stopped = partial(self._was_stopped, at=at)
        return pledge_stands(pledge, self.money(at), self.day(at), stopped)[0]

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
            if plan.not_paid_at is None or at < plan.not_paid_at:
                return plan
        return None

    def says_paid(self, attempt: str, at: datetime) -> SaidPaid:
        """They say in a call that they have paid: a pause, as often as the ladder allows it in the
        same arrears; and a call when it is over."""
        follows = ladder_file(self.ladder)["outcomes"]["follows"]["says_paid"]
        today = self.day(at)
        before = [
            e for e in self.said_paid if self.late_since and self.day(e.at) >= self.late_since
        ]
        pauses = len(before) < follows.get("times", 2)
        said = SaidPaid(attempt, at, today + timedelta(days=follows["days"]) if pauses else None)
        self.said_paid.append(said)
        due_on = said.until or today + timedelta(days=1)
        self.causes.append(Cause("outcome", attempt, due_on, follows["then"]))
        return said

    def is_said_to_be_paid(self, at: datetime) -> bool:
        """Whether the pause lasts that came from their saying so."""
        return any(
            each.at <= at and each.until is not None and self.day(at) < each.until
            for each in self.said_paid
        )

    def is_paused(self, at: datetime) -> bool:
        return bool(
            self.open_promises(at)
            or self.plan_in_force(at)
            or any(each.stops_all for each in self.open_complaints(at))
            or any(each.lasts(at) for each in self.disputed)
            or self.is_said_to_be_paid(at)
        )

    def open_complaints(self, at: datetime) -> list[Complained]:
        return [
            each
            for each in self.complained
            if each.at <= at and (each.answered_at is None or at < each.answered_at)
        ]

    def parts_of(self, plan: Plan, at: datetime) -> dict[date, PlanPart]:
        """By due day, what is unpaid of a plan: of the ledger's schedule, or of what was agreed
        while the ledger is silent. Each falls due later by the days of disputes since."""
        if plan.active_at is None:
            paid = sum(money.cents for money in self.money(at, plan.accepted_at))
            owed = paid_oldest_first(plan.agreed, paid)
        else:
            owed = [each for each in self.owed(at) if each.due_on in plan.days]
        return {
            each.due_on: PlanPart(self._falls_due(each.due_on, at), each.unpaid) for each in owed
        }

    def _falls_due(self, due_on: date, at: datetime) -> date | None:
        day = falls_due(ladder_file(self.ladder), due_on)
        yesterday = self.day(at) - timedelta(days=1)
        if day is None or day >= yesterday:
            return day
        passed = (day + timedelta(days=n) for n in range((yesterday - day).days))
        return day + timedelta(days=sum(self._was_disputed(each) for each in passed))

    def _stop_clocks(self) -> list[Disputed | Complained]:
        return [*self.disputed, *(each for each in self.complained if each.stops_all)]

    def _was_disputed(self, day: date) -> bool:
        return any(
            self.day(each.at) <= day
            and (each.answered_at is None or day < self.day(each.answered_at))
            for each in self._stop_clocks()
        )

    def _was_stopped(self, day: date, at: datetime) -> bool:
        """Whether something that is no promise stopped collection on a day, by what is known at a
        moment."""
        if day > self.day(at):
            return False
        lasted = [(each.at, each.answered_at) for each in self.disputed]
        lasted += [(each.at, each.answered_at) for each in self.complained if each.stops_all]
        lasted += [(each.accepted_at, self._plan_ended(each)) for each in self.plans]
        return any(
            began <= at
            and self.day(began) <= day
            and (ended is None or at < ended or day < self.day(ended))
            for began, ended in lasted
        ) or any(
            each.at <= at and each.until is not None and self.day(each.at) <= day < each.until
            for each in self.said_paid
        )

    def _plan_ended(self, plan: Plan) -> datetime | None:
        """When a plan ended, or it was seen that nothing came of it."""
        if plan.ended is not None:
            return plan.ended[0]
        return plan.refused_at or (plan.not_paid_at if plan.active_at is None else None)

    # ---- what becomes of it

    def look(self, at: datetime) -> None:
        """What money and the calendar have made of it by now, and what must follow from that."""
        if self.stands(at).past_due == 0:
            self.late_since = None
        elif self.late_since is None:
            self.late_since = self.day(at)
        for promised in self.promised:
            self._look_at_promise(promised, at)
            self._excuse(promised, at)
        for plan in self.plans:
            if plan.active_at is not None and plan.ended is None:
                self._look_at_plan(plan, at)
            elif plan.active_at is None and plan.not_paid_at is None:
                self._look_at_silence(plan, at)

    def money_changed(self, at: datetime, lost: str | None = None) -> None:
        """What money makes of it at once. `lost` is the payment that went back."""
        if self.stands(at).past_due == 0:
            self.late_since = None
        for promised in self.promised:
            self._look_at_promise(promised, at)
        for promised in self.open_promises(at) if lost is not None else ():
            self.remind(promised, at)
        for plan in self.plans:
            if plan.active_at is not None and not (plan.ended and plan.ended[1] == "defaulted"):
                self._money_of_plan(plan, at, lost)

    def remind(self, promised: Promised, at: datetime) -> None:
        """Of each part that is unpaid the borrower is reminded on the day before, unless that has
        come, or too little is past due."""
        parts = promised.pledge.parts
        for day, _ in parts if self.stands(at).ladder_since is not None else ():
            remind_on = day - timedelta(days=1)
            cause = promised.id if len(parts) == 1 else f"{promised.id} {day}"
            told = Cause("promise_due_tomorrow", cause, remind_on)
            of_day = "" if len(parts) == 1 else str(day)
            if (
                remind_on > self.day(at)
                and told not in self.causes
                and not self._is_paid(promised, of_day, at)
            ):
                self.causes.append(told)

    def _look_at_promise(self, promised: Promised, at: datetime) -> None:
        if promised.ended_at is not None or promised.stood == "excused":
            return
        was, is_now = promised.stood, self.promise_stands(promised, at)
        if was == "open" and is_now in NOT_KEPT and self.stands(at).past_due == 0:
            is_now = "excused"
        if was != "open" and is_now == "open" and self._made_since(promised, at):
            promised.ended_at = at
            return
        promised.stood = is_now
        if is_now in NOT_KEPT and was not in NOT_KEPT:
            promised.not_kept_on = self.day(at)
            if self.stands(at).ladder_since is not None:
                twice = len(self.not_kept(at)) > 1
                trigger = "promises_broken_twice" if twice else "promise_broken"
                self.causes.append(Cause(trigger, promised.id, self.day(at)))

    def _excuse(self, promised: Promised, at: datetime) -> None:
        """Whoever waits for no more than the end of something that stops collection, and has
        nothing past due any more, has nothing to keep."""
        if promised.stood != "open" or promised.ended_at or self.stands(at).past_due:
            return
        if pledge_stands(promised.pledge, self.money(at), self.day(at))[0] in NOT_KEPT:
            promised.stood = "excused"

    def not_kept(self, at: datetime) -> list[Promised]:
        """Those of a year that were not kept."""
        return [
            each
            for each in self.promised
            if each.stood in NOT_KEPT and each.pledge.parts[-1][0] >= self.day(at) - YEAR
        ]

    def _stands(self, plan: Plan, at: datetime) -> tuple[str, list[date]]:
        """Where a plan stands, and the due days of what is missed of it."""
        parts = self.parts_of(plan, at)
        status, late = plan_stands(list(parts.values()), plan.grace, plan.ends_it, self.day(at))
        missed = [day for day, part in parts.items() if part.unpaid and part.falls_due in late]
        if status == "defaulted" and (
            any(each.lasts(at) for each in self._stop_clocks())
            or (plan.not_before is not None and self.day(at) < plan.not_before)
        ):
            status = "active"
        return status, missed

    def _look_at_plan(self, plan: Plan, at: datetime) -> None:
        status, missed = self._stands(plan, at)
        matters = self.stands(at).ladder_since is not None
        if status != "active":
            plan.ended = (at, status)
        if status == "defaulted" and matters:
            # One that went on once may end again: that is another end.
            cause = f"{plan.id} {self.day(at)}" if plan.not_before else plan.id
            self.causes.append(Cause("arrangement_defaulted", cause, self.day(at)))
        for due_on in missed if status == "active" else ():
            if due_on not in plan.missed:
                plan.missed.append(due_on)
                if matters:
                    cause = f"{plan.id} {due_on}"
                    self.causes.append(Cause("arrangement_missed", cause, self.day(at)))

    def _look_at_silence(self, plan: Plan, at: datetime) -> None:
        """Whoever pays what was agreed is not contacted because the ledger is silent."""
        if self.day(at) >= plan.answer_by and self._stands(plan, at)[1]:
            plan.not_paid_at = at

    def _money_of_plan(self, plan: Plan, at: datetime, lost: str | None) -> None:
        """It is completed at once, or goes on; when money goes back, with days of grace."""
        status, missed = self._stands(plan, at)
        if status == "completed":
            plan.ended = plan.ended or (at, status)
            return
        began_anew = plan.ended is not None
        plan.ended = None
        if lost is not None and (began_anew or len(missed) > self._missed_with(plan, at, lost)):
            plan.not_before = default_not_before(self.day(at), plan.grace)

    def _missed_with(self, plan: Plan, at: datetime, lost: str) -> int:
        """How much would be missed, had the payment not gone back."""
        paid = self.paid[lost]
        gone_at, paid.gone_at = paid.gone_at, None
        missed = self._stands(plan, at)[1]
        paid.gone_at = gone_at
        return len(missed)

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
            and cause.item in (None, made.item)
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
        if cause.trigger == "outcome":
            return True
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
        return self._pledge_stands(upto, at) == "kept"

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
        if self.is_said_to_be_paid(made.at):
            yield "they had said that they paid"

    def _of_tries(self, made: Made, before: list[Made]) -> Iterable[str]:
        since = self.stands(made.at).ladder_since
        tried = [each for each in before if (each.item, each.since) == (made.item, since)]
        tries = tries_of_item(self.ladder, made.item)
        if tries is None:
            return
        if any(each.learnt for each in tried):
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
