"""Dead letters: actions that were given up. A person retries or discards one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    case,
    cast,
    exists,
    func,
    or_,
    select,
    true,
    update,
)

from domain.actions import ActionStatus, Move
from domain.errors import ArrearsError
from domain.ladder import find_ladder
from domain.messages import NOT_DELIVERED, UNSENT
from domain.permissions import Permission
from domain.reasons import ReasonCode, Reasons, because
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.loans import known_loan_id
from workers.db.messages import of_action
from workers.db.pages import ALL, Asked, Listing, Page, assert_of, count_by, maker, read_page
from workers.db.prepared_statements import literal
from workers.db.schema import action, action_event, loan, message
from workers.db.typed_rows import columns_of, typed_row, typed_rows


@dataclass(frozen=True, slots=True)
class DeadAction:
    """An action that was given up. Holds no personal data."""

    action: int
    loan: str
    item: str
    action_type: str
    status: str
    attempts: int
    """How many times it failed."""
    reason: Reasons
    since: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """One move of an action."""

    at: datetime
    was: str
    became: str
    reason: Reasons


@dataclass(frozen=True, slots=True)
class Tried:
    """One text of an action."""

    message: UUID
    at: datetime
    provider: str
    status: str
    code: str | None
    sid: str | None


@dataclass(frozen=True, slots=True)
class History:
    """All that happened to an action, oldest first."""

    action: DeadAction
    moves: tuple[Moved, ...]
    texts: tuple[Tried, ...]


@permitted(Permission.READ_OPERATIONS)
def read_dead(connection: Connection, ctx: Context, asked: Asked = ALL) -> Page[DeadAction]:
    """The actions that were given up, oldest first; moments are in the lender's zone.

    `asked.kind` is a ladder item.

    Raises:
        ArrearsError: the loan is not known, or the page is not one of this list.
    """
    where = [action.c.status == literal(ActionStatus.DEAD)]
    if asked.loan is not None:
        where.append(action.c.loan_id == known_loan_id(connection, asked.loan))
    if asked.kind is not None:
        where.append(action.c.item == asked.kind)
    listing = Listing(
        "dead",
        _actions().where(*where),
        (action.c.changed_at, action.c.id),
        maker(DeadAction, ctx.settings.lender_zone),
        count_by(action.c.item, action, *where),
    )
    return read_page(connection, listing, assert_of({"dead"}, asked))


@permitted(Permission.READ_OPERATIONS)
def read_history(connection: Connection, action_id: int, ctx: Context) -> History:
    """Every move and every text of one action, whatever its status. Moments are in the lender's
    zone.

    Raises:
        ArrearsError: there is no such action.
    """
    named = connection.execute(_actions().where(action.c.id == action_id))
    if (stored := typed_row(DeadAction, named, ctx.settings.lender_zone)) is None:
        raise _not_known(action_id)
    of_move = columns_of(
        Moved, action_event, was=action_event.c.from_status, became=action_event.c.to_status
    )
    moves = connection.execute(
        select(*of_move).where(action_event.c.action_id == action_id).order_by(action_event.c.id)
    )
    of_text = columns_of(Tried, message, message=message.c.id, at=message.c.created_at)
    texts = connection.execute(
        select(*of_text).where(of_action(action_id)).order_by(message.c.contact_id)
    )
    return History(
        stored,
        tuple(typed_rows(Moved, moves, ctx.settings.lender_zone)),
        tuple(typed_rows(Tried, texts, ctx.settings.lender_zone)),
    )


@permitted(Permission.MEND_OPERATIONS)
def retry(ctx: Context, action_id: int, *, dry_run: bool = False) -> DeadAction:
    """Plan a dead action for now, as if it had never failed. The claim asks the gate, as always.

    With `dry_run` everything is checked and nothing is
    written. Returns the action as it was.

    Raises:
        ArrearsError: there is no such action, it is not dead, or the provider accepted a text of
            it that may have arrived: it is never sent a second time.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        stored = _lock_dead(connection, ctx, action_id)
        if _text_went_out(connection, action_id):
            raise ArrearsError(
                "Action {action_id} cannot go again: the provider took its text, and no item "
                "is texted twice. Reach the borrower of loan {loan} another way.",
                action_id=action_id,
                loan=stored.loan,
            )
        if not dry_run:
            move = Move(
                ActionStatus.PLANNED, because(ReasonCode.RETRIED, actor=ctx.actor), due_at=now
            )
            move_actions(connection, [action_id], move, now)
            next_try = action.c.try_number + cast(_is_tried(), Integer)
            again = update(action).where(action.c.id == action_id)
            connection.execute(again.values(attempts=0, try_number=next_try))
    return stored


@permitted(Permission.MEND_OPERATIONS)
def discard(ctx: Context, action_id: int, *, dry_run: bool = False) -> DeadAction:
    """Discard a dead action: it is never done. Returns it as it was.

    Raises:
        ArrearsError: there is no such action, or it is not dead.
    """
    with ctx.engine.begin() as connection:
        stored = _lock_dead(connection, ctx, action_id)
        if not dry_run:
            move = Move(ActionStatus.DISCARDED, because(ReasonCode.DISCARDED, actor=ctx.actor))
            move_actions(connection, [action_id], move, ctx.now())
    return stored


@permitted(Permission.MEND_OPERATIONS)
def items_requiring(ctx: Context, action_id: int) -> list[str]:
    """The items of its ladder that require the step of an action."""
    with ctx.engine.connect() as connection:
        columns = (action.c.step, action.c.ladder_id, action.c.ladder_version)
        planned = connection.execute(select(*columns).where(action.c.id == action_id)).one()
    ladder = find_ladder(ctx.policy.ladders, planned.ladder_id, planned.ladder_version)
    return [item.id for _, item in ladder.items if planned.step in item.requires]


def _actions() -> Select[*tuple[Any, ...]]:
    columns = columns_of(
        DeadAction,
        action,
        action=action.c.id,
        loan=loan.c.external_id,
        action_type=action.c.type,
        since=action.c.changed_at,
    )
    return select(*columns).join_from(action, loan)


def _lock_dead(connection: Connection, ctx: Context, action_id: int) -> DeadAction:
    named = connection.execute(
        _actions().where(action.c.id == action_id).with_for_update(of=action)
    )
    if (stored := typed_row(DeadAction, named, ctx.settings.lender_zone)) is None:
        raise _not_known(action_id)
    if stored.status != ActionStatus.DEAD:
        raise ArrearsError(
            "Action {action_id} is {status}: only one that is dead can be retried or "
            "discarded. `arrears actions dead-letters` shows those.",
            action_id=action_id,
            status=stored.status,
        )
    return stored


def _not_known(action_id: int) -> ArrearsError:
    return ArrearsError(
        "There is no action {action_id}. `arrears actions dead-letters` shows those "
        "that were given up.",
        action_id=action_id,
    )


def _text_went_out(connection: Connection, action_id: int) -> bool:
    """Whether a text of the action may have been sent, and may have arrived."""
    nowhere = UNSENT | NOT_DELIVERED
    sent = exists().where(message.c.action_id == action_id, message.c.status.not_in(nowhere))
    return bool(connection.execute(select(sent)).scalar())


def _is_tried() -> ColumnElement[bool]:
    """Whether the newest try of an action was sent, for a statement about `action`."""
    return exists().where(
        message.c.action_id == action.c.id,
        message.c.try_number == action.c.try_number,
        message.c.status.in_(NOT_DELIVERED),
    )


STUCK = (ActionStatus.FAILED, ActionStatus.DEAD)


@dataclass(frozen=True, slots=True)
class StuckActions:
    """Actions with one status for one reason. Holds no personal data."""

    status: str
    """`failed`: it is tried again automatically; `dead`: a person must retry or discard it."""
    reason: Reasons
    count: int
    newest: int
    """The number of the action that got this status last."""
    loan: str
    """Its loan."""
    item: str
    since: datetime
    """When the newest got this status, in the lender's zone."""
    command: str
    """The command that shows more about the newest."""


def read_stuck(connection: Connection, ctx: Context, asked: Asked) -> Page[StuckActions]:
    """All actions that fail or were given up, by status and reason; the newest first.

    The page counts the actions of each status, and each row is of one reason.
    """
    stuck = or_(*(action.c.status == literal(status) for status in STUCK))
    same = (
        select(
            action.c.status,
            action.c.reason,
            func.count().label("count"),
            func.max(action.c.changed_at).label("since"),
        )
        .where(stuck)
        .group_by(action.c.status, action.c.reason)
        .subquery()
    )
    newest = (
        select(action.c.id, action.c.loan_id, action.c.item)
        .where(
            stuck,
            action.c.status == same.c.status,
            action.c.reason.is_not_distinct_from(same.c.reason),
            action.c.changed_at == same.c.since,
        )
        .order_by(action.c.id.desc())
        .limit(1)
        .lateral()
    )
    command = {
        ActionStatus.FAILED: func.concat("arrears explain ", loan.c.external_id),
        ActionStatus.DEAD: func.concat("arrears actions show ", newest.c.id),
    }
    columns = columns_of(
        StuckActions,
        same,
        newest,
        newest=newest.c.id,
        loan=loan.c.external_id,
        command=case(command, value=same.c.status),
    )
    listing = Listing(
        "actions",
        select(*columns)
        .select_from(same.join(newest, true()))
        .join(loan, loan.c.id == newest.c.loan_id),
        (same.c.since, newest.c.id),
        maker(StuckActions, ctx.settings.lender_zone),
        count_by(action.c.status, action, stuck),
        descending=True,
    )
    return read_page(connection, listing, asked)
