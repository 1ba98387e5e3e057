"""What is on record of a loan's items: which acted, which end with their step, which were tried."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from domain.actions import SCHEDULE_VISIT, TRIED, WAITING, ActionStatus
from domain.compliance.vocabulary import Party
from domain.ladder import Ladder


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that a collector has, and what may keep it beyond its step."""

    tries: int = 0
    """How many attempts at it have an outcome."""
    is_kept: bool = False
    """Whether somebody makes it at this moment, or owes the callback that was asked for."""


@dataclass(frozen=True, slots=True)
class PastAction:
    """What is on record for one item."""

    item: str
    step: str
    ladder_since: date
    """The start of the ladder on which it was planned."""
    status: ActionStatus
    person: int | None = None
    """Whom it is for; None: the borrower."""
    party: int | None = None
    """The party that they were when it was planned; None: the borrower."""
    reported: bool = True
    """False while nobody has reported an attempt at the call or the visit that it assigned, or
    while the text that it sent is not known to have arrived."""
    again_from: datetime | None = None
    """When its next try may be planned at the earliest, if its text did not arrive; aware."""
    undelivered_to: tuple[str, ...] = ()
    """The keys of the numbers at which its texts did not arrive."""
    cause: str | None = None
    """What it follows from, such as `promise:P-1`; None: a day of the ladder asks for it."""
    act_until: date | None = None
    """The last day on which a follow-up may act."""
    open_call: OpenCall | None = None
    """Of a call that a collector has; None: it is none."""

    @property
    def ends_with_its_step(self) -> bool:
        """Whether it is done no more once the ladder has left its step."""
        if self.cause is not None:
            return False
        if self.open_call is not None:
            return not self.open_call.is_kept
        return self.status in WAITING

    @property
    def tried(self) -> bool:
        return self.reported and self.status in TRIED


def steps_tried(ladder: Ladder, actions: Iterable[PastAction], since: date) -> set[str]:
    """The steps that were tried with the borrower on the ladder that started on `since`.

    A step with a visit was tried when its visitors reported it: the notice alone is not the visit.
    A call with a plan was tried when it is done: it reached somebody, or its tries are used up.
    """
    items = ladder.items_to(Party.BORROWER)
    planned = {item.id for _, item in items if item.tries}
    visits = {item.id for _, item in items if item.do == SCHEDULE_VISIT}
    with_visit = {step.id for step, item in items if item.id in visits}
    return {
        action.step
        for action in actions
        if action.ladder_since == since
        and action.person is None
        and action.cause is None
        and action.tried
        and not (action.item in planned and action.status is ActionStatus.ASSIGNED)
        and (action.step not in with_visit or action.item in visits)
    }


def on_record(
    actions: Iterable[PastAction], since: date, person: int | None = None
) -> dict[str, ActionStatus]:
    """The status of each item for a person, by default the borrower, since the ladder started.

    What was called off when these arrears were cured is planned anew now that they are back.
    """
    return {
        a.item: a.status
        for a in actions
        if (a.ladder_since, a.person, a.cause) == (since, person, None)
        and a.status is not ActionStatus.CANCELLED
    }


@dataclass(frozen=True, slots=True)
class EndingItems:
    """What becomes of the items on record for a person when the ladder leaves their step."""

    ends: frozenset[str]
    """They end with the step."""
    kept: frozenset[str]
    """Calls that go on beyond the step."""
    tried: frozenset[str]
    """Calls that were tried."""


def ending_items(
    actions: Iterable[PastAction], since: date, person: int | None = None
) -> EndingItems:
    """Those of a person, by default the borrower, on the ladder that started on `since`."""
    of_person = [a for a in actions if a.ladder_since == since and a.person == person]
    calls = [(a.item, a.open_call) for a in of_person if a.open_call]
    return EndingItems(
        ends=frozenset(a.item for a in of_person if a.ends_with_its_step),
        kept=frozenset(item for item, call in calls if call.is_kept),
        tried=frozenset(item for item, call in calls if call.tries),
    )
