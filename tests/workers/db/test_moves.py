"""A row moves only as its table of moves allows; any other move changes nothing at all.

Each test goes over all pairs of statuses: a row stands in the first, and the function that moves
such rows is told to move it to the second.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from itertools import product
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, Table, select, update

from domain.actions import ACTION_MOVES, INITIAL, PLANNED_AGAIN, ActionStatus, Move
from domain.arrangements import ARRANGEMENT_MOVES, OPEN, ArrangementStatus
from domain.messages import MESSAGE_MOVES, MessageStatus
from domain.promises import PROMISE_MOVES, PromiseStatus
from domain.reasons import ReasonCode, because
from tests.support.arrangements import ask
from tests.support.events import promise as make_promise
from tests.support.loans import Book
from workers.db.action_claims import claim_action
from workers.db.actions import move_actions
from workers.db.arrangements import move_arrangement
from workers.db.messages import advance_message
from workers.db.promises import move_promises
from workers.db.schema import action, action_event, arrangement, message, promise
from workers.escalation.record import plan_actions

Status = TypeVar("Status", bound=StrEnum)


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine)
    book.loan("L-1")
    book.escalate("L-1")
    return book


def test_actions(book: Book) -> None:
    now, id = book.ctx.now(), book.action_id("L-1", "text_day_1")

    def move(connection: Connection, to: ActionStatus) -> None:
        if to is ActionStatus.CLAIMED:
            claim_action(connection, id, uuid4(), now, timedelta(minutes=5))
        else:
            move_actions(connection, [id], Move(to, because(ReasonCode.DAYS_PASSED)), now)

    assert_moves(book, action, ACTION_MOVES, move, token_if_claimed)


def test_actions_that_are_planned_again(book: Book) -> None:
    id = book.action_id("L-1", "text_day_1")
    stored = book.one(select(action).where(action.c.id == id))
    plan: dict[str, Any] = {
        "loan_ids": [stored.loan_id],
        "decision_ids": [stored.decision_id],
        "since": [stored.ladder_since],
    }
    for name in ("step", "item", "type", "ladder_id", "ladder_version", "rules"):
        plan[name] = getattr(stored, name)

    def move(connection: Connection, to: ActionStatus) -> None:
        plan_actions(connection, [plan | {"status": to}], book.ctx.now())

    moves = {
        status: ACTION_MOVES[status] if status in PLANNED_AGAIN else frozenset()
        for status in ActionStatus
    }
    targets = INITIAL | {ActionStatus.SKIPPED}
    assert_moves(book, action, moves, move, token_if_claimed, targets)


def test_texts(book: Book) -> None:
    assert book.send("L-1", "text_day_1") == "accepted"
    id = book.one(message).id

    def move(connection: Connection, to: MessageStatus) -> None:
        advance_message(connection, id, to, book.ctx.now())

    assert_moves(book, message, MESSAGE_MOVES, move)


def test_promises(book: Book) -> None:
    make_promise(book, "400", "2026-03-05")
    id, now = book.one(promise).id, book.ctx.now()

    def move(connection: Connection, to: PromiseStatus) -> None:
        move_promises(connection, [id], to, now)

    def completed(status: PromiseStatus) -> dict[str, object]:
        return {"completed_at": None if status is PromiseStatus.OPEN else now}

    assert_moves(book, promise, PROMISE_MOVES, move, completed)


def test_arrangements(book: Book) -> None:
    ask(book)
    id, now = book.one(arrangement).id, book.ctx.now()

    def ended(status: ArrangementStatus) -> dict[str, object]:
        return {"ended_at": None if status in OPEN else now}

    def move(connection: Connection, to: ArrangementStatus) -> None:
        move_arrangement(connection, id, to, **ended(to), missed=7)

    assert_moves(book, arrangement, ARRANGEMENT_MOVES, move, ended)


def token_if_claimed(status: ActionStatus) -> dict[str, object]:
    return {"claim_token": uuid4() if status is ActionStatus.CLAIMED else None}


def assert_moves(
    book: Book,
    table: Table,
    moves: Mapping[Status, frozenset[Status]],
    move: Callable[[Connection, Status], None],
    columns: Callable[[Status], dict[str, object]] = lambda _: {},
    targets: Iterable[Status] = (),
) -> None:
    """Every pair of statuses, each in a transaction that is rolled back."""
    for before, after in product(moves, targets or moves):
        with book.ctx.engine.connect() as connection:
            connection.execute(update(table).values(status=before, **columns(before)))
            stood = everything(connection, table)
            move(connection, after)
            moved = everything(connection, table) != stood
            assert moved is (after in moves[before]), f"{table}: {before} to {after}"


def everything(connection: Connection, table: Table) -> list[tuple[object, ...]]:
    """All rows of the table, and all moves on record."""
    return [
        tuple(row)
        for each in (table, action_event)
        for row in connection.execute(select(each).order_by(each.c.id))
    ]
