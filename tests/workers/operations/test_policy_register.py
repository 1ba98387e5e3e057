"""A policy version that was used keeps its words, and its file."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select, update

from config.readers.policy import PolicyDocument
from domain.errors import ArrearsError
from domain.ladder import Ladder
from domain.loans import Instalment
from tests.support.loans import Book
from workers.context import Context
from workers.db.schema import action, loan, policy_version
from workers.escalation.escalate import escalate_loans
from workers.escalation.scan import Envelope, scan_portfolio
from workers.operations.policy_register import assert_policy_unchanged, register_policy
from workers.sms.providers.port import SendOutcome


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
    assert len(left) < len(ctx.policy.documents)
    return replace(ctx, policy=replace(ctx.policy, documents=left))


def test_a_policy_that_was_not_touched_is_well(book: Book) -> None:
    assert_policy_unchanged(book.ctx)


def test_a_version_that_was_changed_after_its_use_is_refused(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(update(policy_version).values(digest="other words"))
    with pytest.raises(ArrearsError, match="was changed after it was first used"):
        assert_policy_unchanged(book.ctx)


def test_a_ladder_that_was_worked_by_must_not_go(book: Book) -> None:
    newest = max(x.version for x in book.ctx.policy.ladders if is_newer(x))
    with pytest.raises(ArrearsError, match=f"v{newest} was used, and its file is missing"):
        assert_policy_unchanged(without_ladder(book.ctx, "consumer_loan_cn"))


@pytest.mark.parametrize(
    ("ladder_id", "digest"),
    [
        ("consumer_loan_cn", "f51e60b42c9e8a8c559b208d0db31f5d9b3bc58f54744e7c261c0534e7fc1068"),
        ("consumer_loan_cn", "1bfe4453fddbda8f1e0a398eea615e74dcbe6bff260aa0addbaa0b6299104002"),
        ("consumer_loan_cn", "0f6d177c24f97330d7df8f5221016770d1f9b3d6a0e5ae8b9d38dbda152f1fdf"),
        ("consumer_loan_us", "b82b715e74ed3a62589a4bf75e6074a6ec2a98df02c044a7ec541d6f38767e90"),
        ("consumer_loan_us", "8b2bc03666938e3e0d23fcf5aac630cc288eea7878e8f8bd9ce8b67bd81f1afb"),
    ],
    ids=["cn", "cn without names", "cn with days of rest", "us", "us without names"],
)
def test_an_installation_that_knows_a_shipped_version_starts(
    engine: Engine, ladder_id: str, digest: str
) -> None:
    """Version 1, as former releases shipped it, is on record."""
    book = Book(engine)
    shipped = [d for d in book.ctx.policy.documents if (d.id, d.version) == (ladder_id, 1)]
    registered = tuple(replace(document, digest=digest) for document in shipped)
    register_policy(replace(book.ctx, policy=replace(book.ctx.policy, documents=registered)))

    register_policy(book.ctx)
    assert_policy_unchanged(book.ctx)
    recorded = book.one(select(policy_version).filter_by(id=ladder_id, version=1))
    assert recorded.digest == digest


def is_newer(document: Ladder | PolicyDocument) -> bool:
    return document.id == "consumer_loan_cn" and document.version > 1


def review_what_is_due(book: Book) -> None:
    """One scan, and the reviews that it asks for."""
    announced: list[Envelope] = []
    scan_portfolio(book.ctx, announced.extend)
    for envelope in announced:
        escalate_loans(book.ctx, envelope.loan_ids)


def test_loans_in_progress_go_on_under_the_version_that_replaces_theirs(engine: Engine) -> None:
    """What version 1 planned stays; what is planned after the upgrade is the newest version's."""
    book = Book(engine, now="2026-03-02 10:00")
    upgraded = book.ctx
    documents = tuple(d for d in upgraded.policy.documents if not is_newer(d))
    ladders = tuple(x for x in upgraded.policy.ladders if not is_newer(x))
    newest = max(x.version for x in upgraded.policy.ladders if is_newer(x))
    older = replace(upgraded.policy, documents=documents, ladders=ladders)
    book.ctx = replace(upgraded, policy=older)
    register_policy(book.ctx)
    # Due on a Sunday, which version 1 takes as it is written, and on a Saturday that is to come.
    saturday = Instalment(date(2026, 3, 7), Decimal(500), counts_from=None)
    book.loan("L-1", instalments=[Instalment(date(2026, 3, 1), Decimal(500)), saturday])
    review_what_is_due(book)

    book.ctx = upgraded
    register_policy(book.ctx)
    assert_policy_unchanged(book.ctx)
    review_what_is_due(book)
    planned = {row.item: row.ladder_version for row in book.rows(action)}
    assert planned == {"text_day_1": 1, "friendly_call": 1}
    assert book.one(loan).delinquent_since == date(2026, 3, 1)
    assert book.send("L-1", "text_day_1") == SendOutcome.ACCEPTED

    review_what_is_due(book.at("2026-03-04 10:00"))
    planned = {row.item: row.ladder_version for row in book.rows(action)}
    assert planned == {"text_day_1": 1, "friendly_call": 1, "text_day_3": newest}


def test_a_ladder_that_nothing_was_planned_by_may_go(book: Book) -> None:
    others = {ladder.id for ladder in book.ctx.policy.ladders} - {"consumer_loan_cn"}
    assert_policy_unchanged(without_ladder(book.ctx, min(others)))
