"""Actions that are due: taken to be announced to their workers, the oldest first."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from domain.actions import CLAIMABLE, ActionType
from workers.db.schema import action, borrower, loan, loan_party
from workers.db.sending_holds import is_action_held
from workers.db.skip_locked import not_dispatched_since, update_first

REVIEWS_FIRST = timedelta(hours=1)
"""How long a contact that several loans share waits for the reviews of the person's other loans."""


def _awaits_reviews(now: datetime) -> ColumnElement[bool]:
    """Whether another loan of whoever an action is for is still to be reviewed today.

    Only loans to which this person is what they are to the loan of the action count: the borrower's
    own ones, or those with them in the same role. Else the first loan's text would go alone, and
    the others a moment later. For a query of `action`.
    """
    own, other = loan.alias("own"), loan.alias("other")
    record, other_record = borrower.alias("record"), borrower.alias("other_record")
    party, other_party = loan_party.alias("party"), loan_party.alias("other_party")
    is_reviewed = and_(
        other.c.id != action.c.loan_id,
        other.c.review_on <= now.date(),
        or_(other.c.quarantined_until.is_(None), other.c.quarantined_until < now),
    )
    of_borrower = exists().where(
        action.c.party_id.is_(None),
        own.c.id == action.c.loan_id,
        record.c.id == own.c.borrower_id,
        other_record.c.person_id == record.c.person_id,
        other.c.borrower_id == other_record.c.id,
        is_reviewed,
    )
    of_party = exists().where(
        party.c.id == action.c.party_id,
        record.c.id == party.c.borrower_id,
        other_record.c.person_id == record.c.person_id,
        other_party.c.borrower_id == other_record.c.id,
        other_party.c.role == party.c.role,
        other_party.c.ended_at.is_(None),
        other.c.id == other_party.c.loan_id,
        is_reviewed,
    )
    return or_(of_borrower, of_party)


def take_due(
    connection: Connection,
    action_type: ActionType,
    now: datetime,
    *,
    again_after: timedelta,
    limit: int,
) -> dict[int, str]:
    """Up to `limit` due actions to be announced to their workers, oldest first.

    Returns, by id, the lender's id of the loan and the item, as Flower shows them. An action that
    was announced longer ago than `again_after` and still waits is among them: its message must have
    been lost. What a sending hold stops is not. Two callers at the same time get different actions.
    `now` is in the lender's zone.
    """
    due = and_(
        action.c.type == action_type,
        action.c.status.in_(CLAIMABLE),
        action.c.due_at <= now,
        not_dispatched_since(action.c.dispatched_at, now - again_after),
        ~is_action_held(action_type=action_type),
    )
    if action_type.shared:
        due &= or_(action.c.due_at <= now - REVIEWS_FIRST, ~_awaits_reviews(now))
    first = update_first(action, due, (action.c.due_at,), limit)
    external_id = select(loan.c.external_id).where(loan.c.id == action.c.loan_id).scalar_subquery()
    taken = first.values(dispatched_at=now).returning(action.c.id, external_id, action.c.item)
    return {id: f"{name} {item}" for id, name, item in sorted(connection.execute(taken))}
