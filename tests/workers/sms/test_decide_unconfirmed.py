"""Unknown texts: what a person says of one settles it, and what is proved later is not lost."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from domain.actors import Actor
from domain.errors import ArrearsError
from domain.reasons import ReasonCode, because
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.loans import Book
from tests.support.sending import ANSWER_LOST, Scripted, route
from workers.context import Context
from workers.db.schema import action_event, message, problem, receipt
from workers.inbox.apply import apply_event
from workers.inbox.store import store_event
from workers.sms.decide_unconfirmed import abandon_text, mark_sent, mark_unsent, read_unconfirmed
from workers.sms.reconcile import park_old, reconcile_texts


@pytest.fixture
def book(engine: Engine) -> Book:
    """A loan whose first text may or may not have gone out; nobody has told for a day."""
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.ctx = replace(book.ctx, sms=route(twilio=Scripted(ANSWER_LOST)))
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    book.at("2026-03-03 10:00")
    assert park_old(book.ctx) == 1
    book.ctx = replace(book.ctx, sms=route(twilio=Scripted()))
    return book


def unknown(book: Book) -> UUID:
    with book.ctx.engine.connect() as connection:
        (found,) = read_unconfirmed(connection, book.ctx)
    return found.message


def standing(book: Book) -> tuple[str, list[str]]:
    rows = sorted(book.rows(message), key=lambda row: row.contact_id)
    return book.actions("L-1")["text_day_1"], [row.status for row in rows]


def receipt_comes(book: Book, message_id: UUID, word: str) -> None:
    payload = {
        "provider": "twilio",
        "message_id": str(message_id),
        "sid": "SM1",
        "word": word,
        "status": word,
        "code": None,
    }
    with book.ctx.engine.begin() as connection:
        event_id = store_event(connection, f"twilio:SM1:{word}", "receipt", payload, book.clock.at)
    apply_event(book.ctx, event_id)


def test_the_list_says_which_texts_are_to_be_decided_about(book: Book) -> None:
    with book.ctx.engine.connect() as connection:
        (found,) = read_unconfirmed(connection, book.ctx)
    assert (found.loan, found.item, found.provider, found.status) == (
        "L-1",
        "text_day_1",
        "twilio",
        "parked",
    )
    assert f"{found.since:%Y-%m-%d %H:%M}" == "2026-03-02 10:00"


def test_a_text_that_a_person_found_at_the_provider_is_done(book: Book) -> None:
    mark_sent(acting(book.ctx, Actor("op-1")), unknown(book), sid="SM7")

    assert standing(book) == ("done", ["accepted"])
    assert book.one(message).sid == "SM7"
    assert book.rows(action_event)[-1].reason == because(ReasonCode.SAID_SENT, actor="op-1")


def test_a_text_that_a_person_did_not_find_is_sent_by_the_same_way_as_any(book: Book) -> None:
    mark_unsent(acting(book.ctx, Actor("op-1")), unknown(book))
    assert standing(book) == ("failed", ["not_sent"])

    assert book.send("L-1", "text_day_1") == "accepted"
    assert standing(book) == ("done", ["not_sent", "accepted"])


def test_a_text_that_is_sent_again_meets_the_gate(book: Book) -> None:
    mark_unsent(acting(book.ctx, Actor("op-1")), unknown(book))
    assert book.at("2026-03-03 23:00").send("L-1", "text_day_1") == "nothing to do"
    assert book.actions("L-1")["text_day_1"] == "deferred"


def test_a_text_that_is_discarded_is_over_whatever_a_receipt_tells_later(book: Book) -> None:
    text = unknown(book)
    abandon_text(acting(book.ctx, Actor("op-1")), text)
    reconcile_texts(book.ctx)
    assert standing(book) == ("discarded", ["parked"])

    receipt_comes(book, text, "delivered")
    assert standing(book) == ("discarded", ["delivered"])
    assert book.send("L-1", "text_day_1") == "nothing to do"


def test_a_receipt_settles_a_text_that_waits_for_a_person(book: Book) -> None:
    text = unknown(book)
    receipt_comes(book, text, "delivered")
    assert standing(book) == ("done", ["delivered"])
    with pytest.raises(ArrearsError, match="not unknown any more: it is delivered"):
        mark_unsent(acting(book.ctx, Actor("op-1")), text)


def test_a_receipt_after_a_person_said_not_sent_is_kept_and_stops_the_second_text(
    book: Book,
) -> None:
    text = unknown(book)
    mark_unsent(acting(book.ctx, Actor("op-1")), text)

    receipt_comes(book, text, "delivered")

    assert standing(book) == ("dead", ["not_sent"])
    assert book.one(receipt).status == "delivered"
    assert book.one(problem).kind == "sent_after_all"
    assert book.send("L-1", "text_day_1") == "nothing to do"


def test_a_receipt_that_comes_after_the_second_text_is_a_problem_on_record(book: Book) -> None:
    text = unknown(book)
    mark_unsent(acting(book.ctx, Actor("op-1")), text)
    book.send("L-1", "text_day_1")

    receipt_comes(book, text, "delivered")

    assert standing(book) == ("done", ["not_sent", "accepted"])
    assert book.one(problem).kind == "sent_after_all"


def test_a_receipt_that_agrees_with_the_person_is_no_problem(book: Book) -> None:
    text = unknown(book)
    mark_unsent(acting(book.ctx, Actor("op-1")), text)
    receipt_comes(book, text, "failed")
    assert standing(book) == ("failed", ["not_sent"])
    assert book.rows(problem) == []


@pytest.mark.parametrize("decide", [mark_sent, mark_unsent, abandon_text])
def test_a_dry_run_checks_and_changes_nothing(book: Book, decide: Callable[..., None]) -> None:
    before = standing(book)
    decide(acting(book.ctx, Actor("op-1")), unknown(book), dry_run=True)
    assert standing(book) == before
    with pytest.raises(ArrearsError, match="There is no text"):
        decide(acting(book.ctx, Actor("op-1")), uuid4(), dry_run=True)


def test_of_two_people_who_decide_at_once_one_is_told_that_it_is_settled(book: Book) -> None:
    text = unknown(book)

    def say(decide: Callable[[Context, UUID], None]) -> str:
        try:
            decide(acting(book.ctx, Actor("op-1")), text)
        except ArrearsError as error:
            return str(error)
        return "done"

    said = concurrently(partial(say, mark_sent), partial(say, mark_unsent))
    assert sorted(result == "done" for result in said) == [False, True]
    assert standing(book) in [("done", ["accepted"]), ("failed", ["not_sent"])]


def test_the_id_of_another_text_is_refused(book: Book) -> None:
    book.loan("L-2", due_on="2026-03-01")
    book.at("2026-03-03 10:00").escalate("L-2")
    book.send("L-2", "text_day_1")
    taken = next(row.sid for row in book.rows(message) if row.sid)

    with pytest.raises(ArrearsError, match="is the id of another text"):
        mark_sent(acting(book.ctx, Actor("op-1")), unknown(book), sid=taken)
