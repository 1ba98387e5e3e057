"""What the engine knows of one kind of event, and how it is applied."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection

from domain.events import HandlerResult, Named
from domain.permissions import Permission
from domain.reasons import Reasons
from workers.context import Context
from workers.db.inbox import HeldBack
from workers.inbox.event_data.fields import EventData

Payload = Mapping[str, Any]
Handler: TypeAlias = Callable[[Connection, Context, Payload], Reasons]
BatchHandler: TypeAlias = Callable[[Connection, Context, Sequence[Payload]], list[HandlerResult]]

A_WEEK = timedelta(days=7)
"""How long an event waits at most where what it names may never come."""
NOBODY: tuple[Named, ...] = ()
"""Whom an event holds back that allows no less than before."""
WHO_HAS_LOAN = (Named.LOAN,)
"""Whom an event about a loan holds back."""
WHO_SPOKE_OF_LOAN = (Named.LOAN, Named.BORROWER)


@dataclass(frozen=True, slots=True)
class EventKind:
    """What the engine knows about one kind of event."""

    name: str
    """The `type` that the lender posts, and the `kind` that is stored."""
    apply: Handler
    """Applies one event in the caller's transaction, and returns what came of it.

    Raises NotYetError or RejectedError.
    """
    holds_back: tuple[Named, ...]
    """Whom nobody contacts until the event is applied, because it may stop or protect them.

    Empty only for a kind that allows no less than before, such as a release.
    """
    permission: Permission
    """What whoever reports it must be permitted."""
    data: type[EventData] | None = None
    """The model of what the lender posts; None: the lender does not post this kind."""
    apply_batch: BatchHandler | None = None
    """Applies many events in one transaction; for kinds of which many come at the same time."""
    id_field: str | None = None
    """The field of its payload that holds the id under which other events name it."""
    names: str | None = None
    """The field of its payload that names another event by that id, and waits for it."""
    names_places: bool = False
    """Whether it means the numbers or the address that its borrower has, by their places. Then it
    waits until every earlier event of this borrower that changes them is over."""
    only_with: str | None = None
    """It does so only if its payload has this field."""
    is_ordered: bool = False
    """Whether it says that somebody is, or is no longer, party to a loan. Then it waits until every
    earlier such event of this borrower and loan is over: the last one counts."""
    waits_at_most: timedelta | None = None
    """How long it waits for what it names before it is rejected; None: without end, because money
    must not be lost."""
    by_anybody: bool = False
    """Whether it is also taken from a member of staff who must not handle the person: what came of
    a contact that was begun, what was paid, and what protects the person. All else is work for the
    person, which somebody else does."""

    @property
    def pending(self) -> HeldBack:
        """What is stored with an event of this kind, for the claim to ask."""
        return HeldBack(
            stops_contact=bool(self.holds_back),
            reaches_number=Named.NUMBER_OF_BORROWER in self.holds_back,
            reaches_address=not OF_ADDRESS.isdisjoint(self.holds_back),
        )

    def waits_behind(self, payload: Payload) -> tuple[str, ...]:
        """The kinds of earlier events of the same borrower, and of the same loan if it is ordered,
        that are applied before this one."""
        if self.is_ordered:
            return CHANGE_PARTIES
        if not self.names_places:
            return ()
        if payload.get("of_representative"):
            return CHANGE_REPRESENTATIVES
        return CHANGE_PLACES if self.only_with is None or payload.get(self.only_with) else ()


CHANGE_PLACES = ("contact_change", "number_order")
CHANGE_REPRESENTATIVES = ("representative",)
CHANGE_PARTIES = ("loan_party", "loan_party_end")
OF_ADDRESS = {Named.ADDRESS_OF_BORROWER, Named.ADDRESS_OF_LOAN}
