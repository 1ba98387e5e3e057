"""Resuming: a person lets an action that was given up go again."""

from __future__ import annotations

from sqlalchemy import Connection, select

from domain.errors import ArrearsError
from domain.statuses import ActionStatus, MessageStatus
from workers.house import House
from workers.store.actions import Move, move_actions
from workers.store.book import lock_loan
from workers.store.schema import action, message


def resume(house: House, loan_external_id: str, item: str, by: str) -> int:
    """Plan the dead item of a loan for now. Returns the action's id.

    `by` is the lender's own reference of the person. The gate is asked again, as always. Tries that
    failed before still count: an action that had used them all up has one more, each time.

    Raises:
        ArrearsError: the loan is not known, nothing was given up as that item, or the provider
            took its text once already, and it is never sent a second time.
    """
    now = house.now()
    with house.engine.begin() as connection:
        loan = lock_loan(connection, loan_external_id)
        if loan is None:
            raise ArrearsError(f"Loan {loan_external_id} is not known. Check its number.")
        action_id = _given_up(connection, loan.id, item)
        if action_id is None:
            raise ArrearsError(
                f"Nothing was given up as {item} for loan {loan_external_id}. "
                f"`arrears explain {loan_external_id}` shows where it stands."
            )
        if _text_went_out(connection, action_id):
            raise ArrearsError(
                f"{item} for loan {loan_external_id} cannot go again: the provider took its text, "
                "and no item is texted twice. Reach the borrower another way."
            )
        move = Move(ActionStatus.PLANNED, f"resumed by {by}", due_at=now)
        move_actions(connection, [action_id], move, now)
        return action_id


def _given_up(connection: Connection, loan_id: int, item: str) -> int | None:
    """The dead action of the item; of several anchors the latest."""
    found: int | None = connection.execute(
        select(action.c.id)
        .where(
            action.c.loan_id == loan_id,
            action.c.item == item,
            action.c.status == ActionStatus.DEAD,
        )
        .order_by(action.c.anchor_on.desc())
        .limit(1)
    ).scalar()
    return found


def _text_went_out(connection: Connection, action_id: int) -> bool:
    """Whether a text of the action may have left the house; a refused one certainly did not."""
    return (
        connection.execute(
            select(message.c.id).where(
                message.c.action_id == action_id, message.c.status != MessageStatus.REFUSED
            )
        ).first()
        is not None
    )
