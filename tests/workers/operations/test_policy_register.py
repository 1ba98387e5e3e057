"""A policy version that was used keeps its words, and its file."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, update

from domain.errors import ArrearsError
from tests.support.loans import Book
from workers.context import Context
from workers.db.schema import policy_version
from workers.operations.policy_register import assert_policy_unchanged, register_policy


@pytest.fixture
def book(engine: Engine) -> Book:
    """A house that has planned by the Chinese ladder, and by no other."""
    book = Book(engine, now="2026-03-02 10:00")
    register_policy(book.ctx)
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    return book


def without_ladder(ctx: Context, id_: str) -> Context:
    left = tuple(document for document in ctx.policy.documents if document.id != id_)
    assert len(left) == len(ctx.policy.documents) - 1
    return replace(ctx, policy=replace(ctx.policy, documents=left))


def test_a_policy_that_was_not_touched_is_well(book: Book) -> None:
    assert_policy_unchanged(book.ctx)


def test_a_version_that_was_changed_after_its_use_is_refused(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(update(policy_version).values(digest="other words"))
    with pytest.raises(ArrearsError, match="was changed after it was first used"):
        assert_policy_unchanged(book.ctx)


def test_a_ladder_that_was_worked_by_must_not_go(book: Book) -> None:
    with pytest.raises(ArrearsError, match="v1 was used, and its file is missing"):
        assert_policy_unchanged(without_ladder(book.ctx, "consumer_loan_cn"))


def test_a_ladder_that_nothing_was_planned_by_may_go(book: Book) -> None:
    others = {ladder.id for ladder in book.ctx.policy.ladders} - {"consumer_loan_cn"}
    assert_policy_unchanged(without_ladder(book.ctx, min(others)))
