"""What is left to do at this moment: the simulated day ends when nothing is left."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from domain.actions import CLAIMABLE, ActionStatus
from domain.messages import MessageStatus
from workers.db.schema import action, inbox_event, loan, message

IN_FLIGHT = (MessageStatus.RESERVED, MessageStatus.ACCEPTED, MessageStatus.SENT)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work that is due now. It leaves out what waits for a later hour or for a person."""

    loans: int
    """Loans whose review date has come."""
    actions: int
    """Actions that are due or claimed by a worker."""
    texts: int
    """Texts without a final receipt."""
    events: int
    """Events that are stored and not applied."""

    def __bool__(self) -> bool:
        return any((self.loans, self.actions, self.texts, self.events))

    def __str__(self) -> str:
        return (
            f"{self.loans} loans due for review, {self.actions} actions due, "
            f"{self.texts} texts without a final receipt, {self.events} events to apply"
        )


def read_backlog(connection: Connection, now: datetime) -> Backlog:
    """The backlog at `now`, a time with the lender's zone. One statement."""
    due = and_(action.c.status.in_(CLAIMABLE), action.c.due_at <= now)
    row = connection.execute(
        select(
            select(func.count()).where(loan.c.review_on <= now.date()).scalar_subquery(),
            select(func.count())
            .where(or_(due, action.c.status == ActionStatus.CLAIMED))
            .scalar_subquery(),
            select(func.count()).where(message.c.status.in_(IN_FLIGHT)).scalar_subquery(),
            select(func.count()).where(inbox_event.c.status == "received").scalar_subquery(),
        )
    ).one()
    return Backlog(*row)
