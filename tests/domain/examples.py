"""A loan, a ladder and a law to tell stories with. All of it is made up in memory."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.actions import (
    ACTION_MOVES,
    ASSIGN_CALL,
    OPEN_LEGAL_FILE,
    SCHEDULE_VISIT,
    SEND_SMS,
    ActionStatus,
)
from domain.compliance.contact_hours import ContactHours, Hours
from domain.compliance.rules import Confidence, RulePack, Source
from domain.compliance.vocabulary import Channel
from domain.decision import Decision, Snapshot, decide
from domain.holds import Hold
from domain.ladder import AppliesTo, Days, Item, Ladder, MissedSteps, Step
from domain.loans import Instalment
from domain.past_actions import PastAction

SHANGHAI = "Asia/Shanghai"
DUE = date(2026, 3, 1)
REACHING = frozenset({Channel.SMS, Channel.CALL, Channel.VISIT})
EVERY_DAY = frozenset(range(7))


def owed(due_on: date = DUE, amount: str = "1000", paid: str = "0") -> Instalment:
    """An instalment of nothing but principal."""
    return Instalment(due_on, Decimal(amount), paid_principal=Decimal(paid))


def on_day(days_past_due: int, due_on: date = DUE) -> datetime:
    """Ten in the morning in Shanghai, so many days after the due date."""
    day = due_on + timedelta(days=days_past_due)
    return datetime.combine(day, time(10), ZoneInfo(SHANGHAI))


def ladder(
    *,
    id: str = "example",
    version: int = 1,
    effective_from: date = date(2026, 1, 1),
    effective_to: date | None = None,
    jurisdictions: tuple[str, ...] = ("CN",),
    products: tuple[str, ...] = (),
    currency: str = "CNY",
    minimum_amount: str = "0",
    grace_days: int = 0,
    missed_steps: MissedSteps = MissedSteps.SKIP,
    steps: tuple[Step, ...] | None = None,
) -> Ladder:
    """Remind, enquire, visit, legal: like the one that the product ships, with one text less."""
    return Ladder(
        id=id,
        version=version,
        effective_from=effective_from,
        effective_to=effective_to,
        applies_to=AppliesTo(jurisdictions, products),
        currency=currency,
        minimum_amount=Decimal(minimum_amount),
        grace_days=grace_days,
        missed_steps=missed_steps,
        steps=steps or four_steps(),
        source="made up",
    )


def four_steps(
    visit_requires: tuple[str, ...] = (),
    legal_requires: tuple[str, ...] = ("remind", "enquire", "visit"),
) -> tuple[Step, ...]:
    """The steps of `ladder`, and what the last two require."""
    remind, enquire, visit, court = Days(1, 3), Days(7, 29), Days(30, 59), Days(60)
    return (
        Step(
            "remind",
            remind,
            (
                Item("text", SEND_SMS, Days(1, 2), template="reminder_first"),
                Item("friendly_call", ASSIGN_CALL, remind),
            ),
        ),
        Step("enquire", enquire, (Item("enquiry_call", ASSIGN_CALL, enquire),)),
        Step(
            "visit",
            visit,
            (Item("visit", SCHEDULE_VISIT, visit, requires=visit_requires),),
        ),
        Step(
            "legal",
            court,
            (
                Item(
                    "legal_file",
                    OPEN_LEGAL_FILE,
                    court,
                    requires=legal_requires,
                    approval="supervisor",
                ),
            ),
        ),
    )


def pack(
    jurisdiction: str = "CN",
    start: time = time(8),
    end: time = time(21),
    *,
    weekdays: Iterable[int] = EVERY_DAY,
    channels: frozenset[Channel] = REACHING,
    effective_from: date = date(2020, 1, 1),
) -> RulePack:
    """One rule: the same hours on some days of the week."""
    name = jurisdiction.lower().replace("-", "_")
    rule = ContactHours(
        id=f"{name}.contact_hours",
        channels=channels,
        hours=(Hours(frozenset(weekdays), start, end),),
        source=Source("made up", Confidence.GENERAL),
        effective_from=effective_from,
    )
    return RulePack(name, 1, jurisdiction, (rule,))


class LoanOnRecord:
    """A loan and what the records keep of it: facts come in, `look` decides, actions are marked."""

    def __init__(self, climbs: Ladder, *instalments: Instalment) -> None:
        self.ladder = climbs
        self.instalments = instalments or (owed(),)
        self.holds: tuple[Hold, ...] = ()
        self.actions: dict[tuple[date, str], PastAction] = {}
        self.steps_tried: frozenset[str] = frozenset()
        self.steps_tried_at: date | None = None

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(
            loan_id=1,
            instalments=self.instalments,
            holds=self.holds,
            actions=tuple(self.actions.values()),
            steps_tried=self.steps_tried,
            steps_tried_at=self.steps_tried_at,
        )

    def look(self, at: datetime) -> Decision:
        """Decide, and write the decision down as the store does."""
        decision = decide(self.snapshot, self.ladder, at)
        for step, item in decision.skip:
            self._write(decision, step, item, ActionStatus.SKIPPED)
        for step, item in decision.plan:
            waits = ActionStatus.AWAITING_APPROVAL if item.approval else ActionStatus.PLANNED
            self._write(decision, step, item, waits)
        for item_id in decision.expired:
            self.mark(item_id, ActionStatus.SKIPPED)
        return decision

    def look_daily(self, first: int, last: int, *, get_done: bool = True) -> dict[int, list[str]]:
        """Look on each day past due of a stretch; what was planned, and when."""
        diary: dict[int, list[str]] = {}
        for day in range(first, last + 1):
            if planned := plan_of(self.look(on_day(day))):
                diary[day] = planned
            if get_done:
                self.get_done(*planned)
        return diary

    def mark(self, item_id: str, status: ActionStatus) -> None:
        """Move an action for its newest arrears, by a move that exists."""
        key = max(key for key in self.actions if key[1] == item_id)
        action = self.actions[key]
        assert status in ACTION_MOVES[action.status], f"{action.status} to {status}"
        self.actions[key] = PastAction(action.item, action.step, action.ladder_since, status)

    def get_done(self, *item_ids: str) -> None:
        """Approve what waits for it, claim each action, and carry it out."""
        for item_id in item_ids:
            if self.status(item_id) is ActionStatus.AWAITING_APPROVAL:
                self.mark(item_id, ActionStatus.PLANNED)
            self.mark(item_id, ActionStatus.CLAIMED)
            self.mark(item_id, ActionStatus.DONE)

    def status(self, item_id: str) -> ActionStatus:
        return self.actions[max(key for key in self.actions if key[1] == item_id)].status

    def _write(self, decision: Decision, step: Step, item: Item, status: ActionStatus) -> None:
        since = decision.ladder_since
        assert since is not None
        key = (since, item.id)
        # Once: only what never had an effect may be planned again for the same arrears.
        before = self.actions.get(key)
        assert before is None or status in ACTION_MOVES[before.status]
        self.actions[key] = PastAction(item.id, step.id, since, status)


def plan_of(decision: Decision) -> list[str]:
    return [item.id for _, item in decision.plan]


def skips_of(decision: Decision) -> list[str]:
    return [item.id for _, item in decision.skip]
