"""Approving: once, by the right role, and only what waits for it."""

from functools import partial

import pytest
from sqlalchemy import Engine, update

from domain.actors import Actor
from domain.errors import ArrearsError, NotPermittedError
from domain.reasons import ReasonCode, because
from tests.support.acting import acting, acting_alone
from tests.support.concurrently import concurrently
from tests.support.encrypted import typed
from tests.support.loans import Book
from workers.actions.approvals import approve, refuse
from workers.db.schema import action, action_event, approval, permission_use


@pytest.fixture
def book(engine: Engine) -> Book:
    """A loan sixty days past due whose legal file awaits approval."""
    book = Book(engine, now="2026-04-30 10:00")
    book.loan("L-1", due_on="2026-03-01", steps_tried=("remind", "enquire", "visit"))
    book.escalate("L-1")
    for reference in ("sup-1", "sup-2", "sup-7"):
        book.staff(reference, "supervisor")
    return book


def test_an_approval_makes_the_action_due_at_once_and_is_on_record(book: Book) -> None:
    action_id = approve(acting_alone(book.ctx, Actor("sup-7")), "L-1", "legal_file")
    approved = book.action("L-1", "legal_file")
    assert (approved.id, approved.status, approved.due_at) == (
        action_id,
        "planned",
        book.clock.at,
    )
    given = book.one(approval)
    assert (given.role, given.actor, given.approved_at) == (
        "supervisor",
        "sup-7",
        book.clock.at,
    )
    assert book.one(action_event).reason == because(ReasonCode.APPROVED_AS, role="supervisor")


def test_a_second_approval_is_told_that_nothing_waits(book: Book) -> None:
    book.approve("L-1")
    with pytest.raises(ArrearsError, match="Nothing awaits approval as legal_file for loan L-1"):
        book.approve("L-1")
    assert len(book.rows(approval)) == 1


def test_an_action_that_is_planned_anew_is_approved_anew_and_the_newest_counts(
    book: Book,
) -> None:
    action_id = approve(acting_alone(book.ctx, Actor("sup-1")), "L-1", "legal_file")
    with book.ctx.engine.begin() as connection:
        connection.execute(
            update(action).where(action.c.id == action_id).values(status="awaiting_approval")
        )
    approve(acting_alone(book.ctx, Actor("sup-2")), "L-1", "legal_file")
    assert book.one(approval).actor == "sup-2"


def test_of_two_approvals_at_once_one_counts(book: Book) -> None:
    def try_it(actor: str) -> str:
        try:
            approve(acting_alone(book.ctx, Actor(actor)), "L-1", "legal_file")
        except ArrearsError:
            return "too late"
        return "approved"

    outcomes = concurrently(partial(try_it, "sup-1"), partial(try_it, "sup-2"))
    assert sorted(outcomes) == ["approved", "too late"]
    assert len(book.rows(approval)) == 1


def test_an_unknown_loan_and_an_item_that_does_not_wait_are_named(book: Book) -> None:
    with pytest.raises(ArrearsError, match="Loan L-9 is not known"):
        book.approve("L-9")
    with pytest.raises(ArrearsError, match="Nothing awaits approval as field_visit"):
        book.approve("L-1", "field_visit")


def test_only_somebody_on_the_roster_with_the_role_may_approve(book: Book) -> None:
    book.staff("c-1", "caller", "visitor")

    with pytest.raises(ArrearsError, match="for a supervisor to approve, and c-1 is on the roster"):
        approve(acting_alone(book.ctx, Actor("c-1")), "L-1", "legal_file")
    with pytest.raises(ArrearsError, match="Nobody on the roster has the reference nobody"):
        approve(acting_alone(book.ctx, Actor("nobody")), "L-1", "legal_file")
    with pytest.raises(NotPermittedError):
        approve(acting(book.ctx, Actor("c-1")), "L-1", "legal_file")
    use = book.one(permission_use)
    assert (use.actor, use.permission, use.granted) == ("c-1", "approvals:decide", False)

    assert book.actions("L-1")["legal_file"] == "awaiting_approval"
    assert book.rows(approval) == []


def test_a_refusal_drops_the_action_for_good_with_its_reason(book: Book) -> None:
    refuse(
        acting_alone(book.ctx, Actor("sup-1")),
        "L-1",
        "legal_file",
        why="an offer is being talked about",
    )

    refused = book.action("L-1", "legal_file")
    assert refused.status == "discarded"
    why_id = refused.reason[0].params["why_id"]
    assert typed(book, why_id) == "an offer is being talked about"
    assert refused.reason == because(
        ReasonCode.APPROVAL_REFUSED, actor="sup-1", role="supervisor", why_id=why_id
    )
    book.at("2026-05-02 10:00").escalate("L-1")
    assert book.actions("L-1")["legal_file"] == "discarded"
    with pytest.raises(ArrearsError, match="Nothing awaits approval"):
        book.approve("L-1")
