"""Why an action failed: a code with parameters that every language has words for, no sentence."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, update

from domain.language.speak import speak
from domain.reasons import Reason, ReasonCode
from tests.support.loans import Book
from workers.actions.run import run_action
from workers.context import Context
from workers.db.encryption import Cipher
from workers.db.schema import action
from workers.sms.send import send_sms


@pytest.fixture
def book(engine: Engine) -> Book:
    """A text is due."""
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    return book


def fails(book: Book, ctx: Context | None = None) -> Reason:
    action_id = book.action_id("L-1", "text_day_1")
    assert run_action(ctx or book.ctx, action_id, send_sms) == "quarantined"
    (reason,) = book.action("L-1", "text_day_1").reason
    return reason


def test_a_ladder_whose_file_is_gone(book: Book) -> None:
    without = replace(book.ctx, policy=replace(book.ctx.policy, ladders=()))
    reason = fails(book, without)
    assert (reason.code, reason.params) == (
        ReasonCode.LADDER_NOT_LOADED,
        {"ladder": "consumer_loan_cn", "version": 4},
    )
    assert "consumer_loan_cn版本4的文件缺失" in speak((reason,), "zh")


def test_an_item_that_its_ladder_does_not_have(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(
            update(action).where(action.c.item == "text_day_1").values(ladder_version=1)
        )
    ladders = tuple(replace(ladder, steps=()) for ladder in book.ctx.policy.ladders)
    reason = fails(book, replace(book.ctx, policy=replace(book.ctx.policy, ladders=ladders)))
    assert reason.code is ReasonCode.ITEM_NOT_IN_LADDER
    assert reason.params["item"] == "text_day_1"


def test_a_key_that_is_gone(book: Book) -> None:
    reason = fails(book, replace(book.ctx, cipher=Cipher([Cipher.new_key()])))
    assert reason.code is ReasonCode.NO_KEY_DECRYPTS
    assert "ARREARS_ENCRYPTION_KEYS" in speak((reason,))


def test_any_other_error_is_named_by_its_type_only(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> str:
        raise ValueError("Lin Example, +8613800138000")

    assert run_action(book.ctx, book.action_id("L-1", "text_day_1"), breaks) == "quarantined"
    (reason,) = book.action("L-1", "text_day_1").reason
    assert (reason.code, reason.params) == (ReasonCode.FAILED, {"error": "ValueError"})
