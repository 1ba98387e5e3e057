"""A ladder: the lender's stage rules. Steps begin on a ladder day; items say what to do in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.actions import ASSIGN_CALL, ActionType
from domain.actors import Role
from domain.call_plan import CallPlan
from domain.compliance.calendars import PLAIN_WEEK, Calendar
from domain.compliance.vocabulary import Party, country_of
from domain.contact_outcomes import ONLY_BY_TELEPHONE, SHOWN_BY_DEFAULT, ContactOutcome
from domain.errors import ReasonedError
from domain.follow_ups import FollowUp, Trigger
from domain.loans import Instalment
from domain.outcome_follows import Outcomes
from domain.reasons import ReasonCode, because


class MissedSteps(StrEnum):
    """What happens to items whose days passed before the loan was reviewed."""

    SKIP = "skip"  # only the step reached today acts
    CATCH_UP = "catch_up"  # missed items act late, together with the step reached today


class DueOnRestDay(StrEnum):
    """What a due date on a day of rest means."""

    AS_WRITTEN = "as_written"  # it falls due on that day all the same
    NEXT_WORKING_DAY = "next_working_day"  # 中华人民共和国民法典 art. 203


@dataclass(frozen=True, slots=True)
class Days:
    """Ladder days from `first` to `last`, both included. No `last`: without an end."""

    first: int
    last: int | None = None

    def __contains__(self, day: int) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)

    def passed_by(self, day: int) -> bool:
        return self.last is not None and self.last < day

    def __str__(self) -> str:
        if self.last is None:
            return f"{self.first}-"
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do, at most once each time that the ladder starts for a loan."""

    id: str
    do: ActionType
    days: Days
    template: str | None = None
    """The text or the written notice that goes with it."""
    purpose: str | None = None
    """What a call or a visit is for."""
    must_learn: tuple[str, ...] = ()
    """What a call must find out, such as the reason for falling behind."""
    may_offer: tuple[str, ...] = ()
    """What the collector may offer: deferral, instalments."""
    tries: CallPlan | None = None
    """How a call is tried. None: an outcome that does not complete it leaves it with its collector,
    who may try again when the gate allows it."""
    requires: tuple[str, ...] = ()
    """Steps that must have been tried since the ladder started, before the item may act."""
    approval: Role | None = None
    """The role that must approve first, such as `supervisor`."""
    to: Party = Party.BORROWER
    """Whom it is for. Of co-borrowers and guarantors each gets it; a loan may have none."""
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What people call it, by language: `zh`; where there is none, its id stands."""
    follow_up: FollowUp | None = None
    """What it follows from, if no day of the ladder asks for it: its `days` say nothing then."""


CALL_BACK = Item(
    "call-back",
    ASSIGN_CALL,
    Days(0),
    purpose="Call back, as was agreed.",
    names={"zh": "回电"},
    follow_up=FollowUp(Trigger.OUTCOME, within=3),
)
"""What every ladder asks for without a line of its file: the call back that somebody agreed on in a
conversation that no call of the ladder goes on from. No file can have an item of this id."""


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of collection, such as `remind` or `visit`."""

    id: str
    days: Days
    items: tuple[Item, ...]
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What people call it, by language: `zh`; where there is none, its id stands."""
    outcomes: tuple[ContactOutcome, ...] = ()
    """What is shown to a collector in this step; empty: what the ladder shows."""

    @property
    def last(self) -> Item | None:
        """The last item for the borrower, with which the step is made up for; None: it has none."""
        return next((item for item in reversed(self.items) if item.to is Party.BORROWER), None)


@dataclass(frozen=True, slots=True)
class AppliesTo:
    """The loans a ladder is for. An empty tuple of products means all of them."""

    jurisdictions: tuple[str, ...]
    products: tuple[str, ...] = ()

    def matches(self, jurisdiction: str, product: str) -> bool:
        """`US` also covers `US-MA`: a subdivision follows its country's ladder."""
        named = {jurisdiction, country_of(jurisdiction)}
        return bool(named & set(self.jurisdictions)) and (
            not self.products or product in self.products
        )


@dataclass(frozen=True, slots=True)
class Ladder:
    """One version of one lender's stage rules."""

    id: str
    version: int
    effective_from: date
    effective_to: date | None
    """Last day in force; None while it has no end."""
    applies_to: AppliesTo
    currency: str
    minimum_amount: Decimal
    """The ladder starts on the day on which what is past due reaches this. While it is less,
    nobody is contacted."""
    grace_days: int
    """Nothing acts while the ladder day is at most this."""
    missed_steps: MissedSteps
    steps: tuple[Step, ...]
    source: str
    """Where the stages come from, for the regulator who asks."""
    due_on_rest_day: DueOnRestDay = DueOnRestDay.AS_WRITTEN
    calendar: Calendar = PLAIN_WEEK
    """Says which days are days of rest, and how far that is known."""
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What people call it, by language: `zh`; where there is none, its id stands."""
    follow_ups: tuple[Item, ...] = ()
    """What it asks for because something happened. They are in no step, and move no ladder day."""
    outcomes: Outcomes | None = None
    """What is shown of outcomes, and what follows from them."""
    items: tuple[tuple[Step, Item], ...] = field(init=False, repr=False, compare=False)
    """Every item with its step, in order. Computed once: every review of a loan needs it."""
    _to: Mapping[Party, tuple[tuple[Step, Item], ...]] = field(
        init=False, repr=False, compare=False
    )
    _changes: Mapping[Party, tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        items = tuple((step, item) for step in self.steps for item in step.items)
        to = {
            party: tuple((step, item) for step, item in items if item.to is party)
            for party in dict.fromkeys((Party.BORROWER, *(item.to for _, item in items)))
        }
        object.__setattr__(self, "items", items)
        object.__setattr__(self, "_to", to)
        object.__setattr__(
            self, "_changes", {party: _changes(theirs) for party, theirs in to.items()}
        )

    @property
    def name(self) -> str:
        return f"{self.id} v{self.version}"

    def falls_due(self, due_on: date) -> date | None:
        """The day on which what is due on `due_on` really falls due; None: not known yet."""
        if self.due_on_rest_day is DueOnRestDay.AS_WRITTEN:
            return due_on
        return self.calendar.next_working_day(due_on)

    def with_due_days(self, instalments: Iterable[Instalment]) -> tuple[Instalment, ...]:
        """The same instalments, each with the day on which it really falls due."""
        if self.due_on_rest_day is DueOnRestDay.AS_WRITTEN:
            return tuple(instalments)
        working_day = self.calendar.next_working_day
        return tuple(
            [
                i if (day := working_day(i.due_on)) == i.counts_from else i.falling_due(day)
                for i in instalments
            ]
        )

    def in_force(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)

    def item(self, item_id: str) -> Item:
        """The item of this id, in a step or among the follow-ups; or the call back of every ladder.

        Raises:
            ArrearsError: this version has none.
        """
        for item in (*self.all_items, CALL_BACK):
            if item.id == item_id:
                return item
        raise ReasonedError(
            f"{self.name} has no item {item_id}, and actions on record use it. "
            "Put the file of this version back as it was.",
            because(
                ReasonCode.ITEM_NOT_IN_LADDER, ladder=self.id, version=self.version, item=item_id
            ),
        )

    @property
    def all_items(self) -> tuple[Item, ...]:
        """The items of its steps, and its follow-ups."""
        return (*(item for _, item in self.items), *self.follow_ups)

    def after(self, trigger: Trigger, item_id: str | None = None) -> tuple[Item, ...]:
        """What it asks for when this happened, in order; only `item_id`, if it is given."""
        if item_id == CALL_BACK.id:
            return (CALL_BACK,)
        return tuple(
            item
            for item in self.follow_ups
            if item.follow_up and item.follow_up.after is trigger and item_id in (None, item.id)
        )

    def shown_outcomes(self, step_id: str, *, of_visit: bool = False) -> tuple[ContactOutcome, ...]:
        """The outcomes that are shown to who makes the calls or the visits of a step, at most
        fifteen.

        Any other may be reported too.
        """
        own = next((step.outcomes for step in self.steps if step.id == step_id), ())
        shown = own or (self.outcomes.shown if self.outcomes else ()) or SHOWN_BY_DEFAULT
        if of_visit:
            return tuple(each for each in shown if each not in ONLY_BY_TELEPHONE)
        return shown

    def step_on(self, day: int) -> Step | None:
        return next((step for step in self.steps if day in step.days), None)

    def has_left(self, step: Step, item: Item, day: int) -> bool:
        """Whether the ladder has gone on without an item that waits. Only then is it skipped.

        The days of an item say when it is planned. If it has to wait then, for a cap, for a fact or
        for a worker, it waits as long as the ladder stays in its step. It gives way to a stronger
        step, to the rest before one, and to a later item of its step that does the same for the
        same party.
        """
        if not item.days.passed_by(day):
            return False
        later = step.items[step.items.index(item) + 1 :]
        replaced = any(
            (other.do, other.to) == (item.do, item.to) and other.days.first <= day
            for other in later
        )
        return replaced or step.days.passed_by(day)

    def items_to(self, party: Party) -> tuple[tuple[Step, Item], ...]:
        """The items for such a party, with their steps, in order."""
        return self._to.get(party, ())

    def next_change(self, day: int, party: Party = Party.BORROWER) -> int | None:
        """The first ladder day after `day` on which the days of an item for such a party, or of its
        step, begin or have just passed."""
        changes = self._changes.get(party, ())
        return next((change for change in changes if change > day), None)


def _changes(items: Iterable[tuple[Step, Item]]) -> tuple[int, ...]:
    """The days on which the days of an item begin, or those of an item or of its step have just
    passed, in order."""
    begins = {item.days.first for _, item in items}
    ends = [days.last for step, item in items for days in (step.days, item.days)]
    return tuple(sorted(begins | {last + 1 for last in ends if last is not None}))


def find_ladder(ladders: tuple[Ladder, ...], ladder_id: str, version: int) -> Ladder:
    """The version of a ladder that planned an action.

    Raises:
        ArrearsError: it is not loaded any more.
    """
    for ladder in ladders:
        if (ladder.id, ladder.version) == (ladder_id, version):
            return ladder
    raise ReasonedError(
        f"Ladder {ladder_id} v{version} is not known, and actions on record use it. "
        "Keep the file of every version that was ever in force.",
        because(ReasonCode.LADDER_NOT_LOADED, ladder=ladder_id, version=version),
    )


def ladder_for(
    ladders: tuple[Ladder, ...], *, jurisdiction: str, product: str, currency: str, on: date
) -> Ladder | None:
    """The ladder for such a loan on business date `on`: the newest version in force, or None."""
    fitting = [
        ladder
        for ladder in ladders
        if ladder.in_force(on)
        and ladder.currency == currency
        and ladder.applies_to.matches(jurisdiction, product)
    ]
    return max(fitting, key=lambda ladder: (ladder.effective_from, ladder.version), default=None)


def first_day_with_ladder(
    ladders: tuple[Ladder, ...], *, jurisdiction: str, product: str, currency: str, after: date
) -> date | None:
    """The first business date after `after` from which a ladder for such a loan is in force."""
    return min(
        (
            ladder.effective_from
            for ladder in ladders
            if ladder.effective_from > after
            and ladder.currency == currency
            and ladder.applies_to.matches(jurisdiction, product)
        ),
        default=None,
    )
