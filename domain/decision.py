"""The decision: what a loan's facts and its ladder require now, and the next review."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from domain.compliance.vocabulary import Party
from domain.delinquency import Arrears, arrears_on, ladder_start
from domain.holds import Hold, active_hold, next_start, resumes_on
from domain.ladder import Ladder, Step
from domain.ladder_plan import (
    StepItem,
    catch_up_item,
    expired_items,
    ladder_day,
    next_change_on,
    sort_items,
)
from domain.loans import Instalment
from domain.parties import LoanParty, contacted_parties
from domain.past_actions import PastAction, ending_items, on_record, steps_tried


class Outcome(StrEnum):
    """The result of the review of a loan."""

    ACT = "act"  # at least one item is planned
    WAIT = "wait"  # past due, and nothing to do today
    HELD = "held"  # a hold pauses the ladder
    IN_GRACE = "in_grace"
    BELOW_MINIMUM = "below_minimum"
    NO_LADDER = "no_ladder"  # no ladder is for this loan: nobody is contacted
    NOT_PAST_DUE = "not_past_due"
    WRITTEN_OFF = "written_off"  # the lender took it off its books: it is not collected here


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All the facts about one loan that a decision depends on."""

    loan_id: int
    instalments: tuple[Instalment, ...]
    """All that are unpaid and past due, and at least the next one to fall due."""
    holds: tuple[Hold, ...] = ()
    actions: tuple[PastAction, ...] = ()
    steps_tried: frozenset[str] = frozenset()
    """Steps that the lender tried before, on the ladder that started on `steps_tried_at`."""
    steps_tried_at: date | None = None
    written_off: bool = False
    parties: tuple[LoanParty, ...] = ()
    """Co-borrowers and guarantors, each with all holds that stop contact with them."""


@dataclass(frozen=True, slots=True)
class PartyDecision:
    """What is to be done about one party of a loan besides its borrower."""

    party: LoanParty
    ladder_day: int
    """The loan's, less the days on which holds paused it for this party."""
    review_on: date | None
    plan: tuple[StepItem, ...] = ()
    skip: tuple[StepItem, ...] = ()
    expired: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    """Steps that must be tried with the borrower before an item that is due today may act."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about one loan: all that is needed to act on it, and to explain it years later."""

    loan_id: int
    decided_at: datetime
    on: date
    """The business date of the decision."""
    outcome: Outcome
    arrears: Arrears
    review_on: date | None
    """The next day on which the position can change, also because a hold begins; None: not before a
    fact changes."""
    ladder_id: str | None = None
    ladder_version: int | None = None
    ladder_since: date | None = None
    """The day on which what is past due reached the ladder's minimum; with it, an item acts once.
    None: no ladder, or less than its minimum is past due."""
    ladder_day: int | None = None
    step: Step | None = None
    plan: tuple[StepItem, ...] = ()
    skip: tuple[StepItem, ...] = ()
    expired: tuple[str, ...] = ()
    """Items that still waited, and calls that a collector still had, when the ladder went on
    without them: `Ladder.has_left`. They are skipped, not cancelled, so that they can be caught up
    if a later step requires their step."""
    expired_tried: tuple[str, ...] = ()
    """Of these, the calls that were tried without a plan that says how often: they are done."""
    removed_by_policy: tuple[str, ...] = ()
    """Items that still waited and that the ladder, in its newer version, does not have any more."""
    waits_for: tuple[str, ...] = ()
    """Steps that must be tried before an item that is due today may act."""
    hold: Hold | None = None
    parties: tuple[PartyDecision, ...] = ()
    """Of each co-borrower and guarantor for whom the ladder has items."""

    @property
    def plans(self) -> list[tuple[LoanParty | None, StepItem]]:
        """All that is planned, with the party that it is for; None: the borrower."""
        planned = [(None, step_item) for step_item in self.plan]
        return [*planned, *((of.party, step_item) for of in self.parties for step_item in of.plan)]

    @property
    def skips(self) -> list[tuple[LoanParty | None, StepItem]]:
        """All that was missed, with the party that it is for; None: the borrower."""
        skipped = [(None, step_item) for step_item in self.skip]
        return [*skipped, *((of.party, step_item) for of in self.parties for step_item in of.skip)]

    def has_expired(self, action: PastAction) -> bool:
        """Whether the days of an action that still waits have passed."""
        if action.person is None:
            return action.item in self.expired
        return any(
            action.item in of.expired for of in self.parties if of.party.person == action.person
        )


def decide(snapshot: Snapshot, ladder: Ladder | None, now: datetime) -> Decision:
    """Decide what to do about a loan.

    `now` is an aware datetime in the lender's zone: its date is the business date. The same facts
    and moment always give the same decision.
    """
    on = now.date()
    arrears = arrears_on(snapshot.instalments, on)
    since = ladder_start(snapshot.instalments, on, ladder.minimum_amount) if ladder else None

    nothing = Decision(
        loan_id=snapshot.loan_id,
        decided_at=now,
        on=on,
        outcome=Outcome.NOT_PAST_DUE,
        arrears=arrears,
        review_on=_day_after(arrears.next_due_on),
        ladder_id=ladder.id if ladder else None,
        ladder_version=ladder.version if ladder else None,
        ladder_since=since,
    )
    if snapshot.written_off:
        return replace(nothing, outcome=Outcome.WRITTEN_OFF, review_on=None)
    if not arrears.past_due:
        return nothing
    if ladder is None:
        return replace(nothing, outcome=Outcome.NO_LADDER, review_on=on + timedelta(days=1))
    if since is None:
        decision = _without_ladder_day(nothing, snapshot, Outcome.BELOW_MINIMUM)
    else:
        parties = _decide_parties(snapshot, ladder, since, on)
        decision = _decide_borrower(nothing, snapshot, ladder, since, parties)
        decision = _with_parties(decision, parties) if parties else decision
    return replace(decision, review_on=_first_of(decision.review_on, _hold_begins(snapshot, on)))


def next_review(snapshot: Snapshot, now: datetime) -> date | None:
    """The day on which the loan must be reviewed next, after its facts changed at `now`.

    A loan past due is reviewed today: only a decision may say that there is nothing to do. A loan
    on hold is reviewed when the hold ends or another begins, or today if it does not stop contact
    with all parties; any other on the day after its next instalment falls due. None: a loan that is
    paid off or written off is not reviewed again.
    """
    if snapshot.written_off:
        return None
    on = now.date()
    arrears = arrears_on(snapshot.instalments, on)
    if not arrears.past_due:
        return _day_after(arrears.next_due_on)
    all_holds = [snapshot.holds, *(party.holds for party in snapshot.parties)]
    days = [resumes_on(holds, on) if active_hold(holds, on) else on for holds in all_holds]
    return _first_of(*days, _hold_begins(snapshot, on))


def _without_ladder_day(nothing: Decision, snapshot: Snapshot, outcome: Outcome) -> Decision:
    """The decision while a hold pauses the ladder, or while it has not started: `outcome`."""
    if hold := active_hold(snapshot.holds, nothing.on):
        resumes = resumes_on(snapshot.holds, nothing.on)
        return replace(nothing, outcome=Outcome.HELD, review_on=resumes, hold=hold)
    return replace(nothing, outcome=outcome)


def _decide_borrower(
    nothing: Decision,
    snapshot: Snapshot,
    ladder: Ladder,
    since: date,
    parties: tuple[PartyDecision, ...],
) -> Decision:
    if active_hold(snapshot.holds, nothing.on):
        return _without_ladder_day(nothing, snapshot, Outcome.HELD)
    day, grace_over = ladder_day(ladder, snapshot.holds, since, nothing.on)
    if grace_over is not None:
        return replace(nothing, outcome=Outcome.IN_GRACE, review_on=grace_over, ladder_day=day)
    return _plan_on_ladder(nothing, snapshot, ladder, since, day, parties)


def _plan_on_ladder(
    nothing: Decision,
    snapshot: Snapshot,
    ladder: Ladder,
    since: date,
    day: int,
    parties: tuple[PartyDecision, ...],
) -> Decision:
    on = nothing.on
    statuses, tried = on_record(snapshot.actions, since), _tried(snapshot, ladder, since)
    plan, skip, untried = sort_items(ladder, Party.BORROWER, day, statuses, tried)
    for of in parties:  # what an item for another party requires is tried with the borrower
        untried |= set(of.waits_for)
    not_yet = {
        a.item for a in snapshot.actions if a.again_from and a.again_from > nothing.decided_at
    }
    if catch_up := catch_up_item(ladder, untried, statuses, not_yet):
        skip = [(step, item) for step, item in skip if item.id != catch_up[1].id]
        if catch_up not in plan:
            plan.append(catch_up)
    ending = ending_items(snapshot.actions, since)
    expired = expired_items(ladder, Party.BORROWER, day, ending.ends, untried)
    kept = expired_items(ladder, Party.BORROWER, day, ending.kept, untried)
    may_end = bool(kept) or any(a.cause and a.open_call for a in snapshot.actions)
    without_plan = {item.id for _, item in ladder.items if item.tries is None}
    return replace(
        nothing,
        outcome=Outcome.ACT if plan else Outcome.WAIT,
        review_on=next_change_on(ladder, Party.BORROWER, day, on, untried, tomorrow=may_end),
        ladder_day=day,
        step=ladder.step_on(day),
        plan=tuple(plan),
        skip=tuple(skip),
        expired=expired,
        expired_tried=tuple(id for id in expired if id in without_plan & ending.tried),
        removed_by_policy=_removed_by_policy(ladder, snapshot, since),
        waits_for=tuple(step.id for step in ladder.steps if step.id in untried),
    )


def _removed_by_policy(ladder: Ladder, snapshot: Snapshot, since: date) -> tuple[str, ...]:
    known = {item.id for _, item in ladder.items}
    gone = (
        a.item
        for a in snapshot.actions
        if (a.ladder_since, a.cause) == (since, None)
        and a.ends_with_its_step
        and a.item not in known
    )
    return tuple(dict.fromkeys(gone))


def _decide_parties(
    snapshot: Snapshot, ladder: Ladder, since: date, on: date
) -> tuple[PartyDecision, ...]:
    """Each party climbs the ladder by itself: what stops one need not stop another.

    A person who is a party by several records is one.
    """
    contacted = sorted(contacted_parties(snapshot.parties).values(), key=lambda party: party.id)
    return tuple(
        _decide_party(snapshot, party, ladder, since, on)
        for party in contacted
        if ladder.items_to(party.role)
    )


def _decide_party(
    snapshot: Snapshot, party: LoanParty, ladder: Ladder, since: date, on: date
) -> PartyDecision:
    day, grace_over = ladder_day(ladder, party.holds, since, on)
    if active_hold(party.holds, on):
        return PartyDecision(party, day, resumes_on(party.holds, on))
    if grace_over is not None:
        return PartyDecision(party, day, grace_over)
    statuses = on_record(snapshot.actions, since, party.person)
    tried = _tried(snapshot, ladder, since)
    plan, skip, untried = sort_items(ladder, party.role, day, statuses, tried)
    ending = ending_items(snapshot.actions, since, party.person)
    kept = expired_items(ladder, party.role, day, ending.kept, untried)
    return PartyDecision(
        party,
        day,
        next_change_on(ladder, party.role, day, on, untried, tomorrow=bool(kept)),
        plan=tuple(plan),
        skip=tuple(skip),
        expired=expired_items(ladder, party.role, day, ending.ends, untried),
        waits_for=tuple(step.id for step in ladder.steps if step.id in untried),
    )


def _with_parties(decision: Decision, parties: tuple[PartyDecision, ...]) -> Decision:
    """The decision about the borrower, with those about the other parties."""
    planned = any(of.plan for of in parties)
    acts = planned and decision.outcome is Outcome.WAIT
    return replace(
        decision,
        outcome=Outcome.ACT if acts else decision.outcome,
        review_on=_first_of(decision.review_on, *(of.review_on for of in parties)),
        parties=parties,
    )


def _tried(snapshot: Snapshot, ladder: Ladder, since: date) -> set[str]:
    """The steps that were tried with the borrower since the ladder started, also by the lender."""
    tried = steps_tried(ladder, snapshot.actions, since)
    return tried | (snapshot.steps_tried if snapshot.steps_tried_at == since else set())


def _hold_begins(snapshot: Snapshot, on: date) -> date | None:
    """The first day after `on` on which a hold of the loan or its borrower begins. Those of other
    parties only stop what is for them, and that is asked when it is due."""
    return next_start(snapshot.holds, on)


def _first_of(*days: date | None) -> date | None:
    return min((day for day in days if day is not None), default=None)


def _day_after(day: date | None) -> date | None:
    return day + timedelta(days=1) if day else None
