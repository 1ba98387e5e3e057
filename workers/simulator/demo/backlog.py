"""What is left to do at this moment: a rehearsal's day is over when nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from domain.actions import CLAIMABLE, ActionStatus
from domain.messages import MessageStatus
from workers.db.schema import action, inbox_event, loan, message

ON_ITS_WAY = (MessageStatus.RESERVED, MessageStatus.ACCEPTED, MessageStatus.SENT)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work whose time has come. What waits for another hour, or for a person, is not in it."""

    loans: int
    """Due for a look."""
    actions: int
    """Due, or in the hands of a worker."""
    texts: int
    """With the provider, and no last receipt yet."""
    events: int
    """Stored and not applied."""

    def __bool__(self) -> bool:
        return any((self.loans, self.actions, self.texts, self.events))

    def __str__(self) -> str:
        return (
            f"{self.loans} loans due for a look, {self.actions} actions due, "
            f"{self.texts} texts on their way, {self.events} events to apply"
        )


def read_backlog(connection: Connection, now: datetime) -> Backlog:
    """The backlog at `now`, an aware moment in the lender's zone. One statement."""
    due = and_(action.c.status.in_(CLAIMABLE), action.c.due_at <= now)
    row = connection.execute(
        select(
            select(func.count()).where(loan.c.review_on <= now.date()).scalar_subquery(),
            select(func.count())
            .where(or_(due, action.c.status == ActionStatus.CLAIMED))
            .scalar_subquery(),
            select(func.count()).where(message.c.status.in_(ON_ITS_WAY)).scalar_subquery(),
            select(func.count()).where(inbox_event.c.status == "received").scalar_subquery(),
        )
    ).one()
    return Backlog(*row)
