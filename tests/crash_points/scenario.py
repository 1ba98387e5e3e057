"""A small book that gives every task something to do, and what comes in from outside meanwhile."""

import contextlib
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select, update

from domain.actions import ActionStatus
from domain.actors import Actor
from domain.arrangements import ArrangementKind, ArrangementStatus, AskedBy
from domain.events import STAFF
from domain.inbound_texts import ReplyKind
from domain.messages import MessageStatus
from tests.support.acting import acting
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import Book, only
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.clock import Clock
from workers.db.places import place_of_reply
from workers.db.schema import action, arrangement, collection_case, loan, message, reply, visit
from workers.hardship.disputes import NewDispute, raise_dispute
from workers.hardship.promises import NewPromise, record_promise
from workers.http.inbound_texts import store_text
from workers.inbox.store import store_event
from workers.inbox.submit import submit
from workers.simulator.providers.magic_numbers import SimulatedOutcome
from workers.sms.providers.port import InboundText, OutgoingText, SendResult
from workers.visits.schedule import schedule_visit

NOW = "2024-03-04 12:00"
"""A Monday at noon in New York; in the past, so that no provider's clock is behind it."""
ZONE = "America/New_York"
TODAY, TOMORROW = "2024-03-04", "2024-03-05"
TRAINED_ON = "2024-01-02"

ANSWER_IS_LOST = "L-lost"
"""Its text is accepted with an HTTP 500, and no receipt ever comes."""
NEVER_SENT = "L-stuck"
"""Its sender was lost yesterday before the provider was asked; a person finds that out."""
ANSWERED_LATE = "L-late"
"""Its sender came back after its claim had lapsed: the text knows more than its action."""
PAID_BY_TAPE = "L-tape"
"""Nothing of it is past due, and its case is still open."""

DISPUTED_LONG_AGO = "L-disputed"
"""Its dispute should have been answered by now."""
CALLED_BACK_LATE = "L-callback"
"""Its borrower asked to be called again an hour ago."""
LEFT_OVER = "L-left-over"
"""The shift of the collector who has its call ended on Friday."""
VISITED_IN_SILENCE = "L-unreported"
"""Nobody said what came of its visit of last week."""

NO_RECEIPT = (ANSWER_IS_LOST, ANSWERED_LATE)

ONE_PERSON = ("L-text", "L-text-too")
"""Two loans of one person, which share their text and their call."""

DUE_ON = {
    "L-text": "2024-03-03",
    "L-text-too": "2024-03-03",
    "L-paid": "2024-03-02",
    ANSWER_IS_LOST: "2024-03-03",
    NEVER_SENT: "2024-03-02",
    ANSWERED_LATE: "2024-03-02",
    PAID_BY_TAPE: "2024-04-02",
    "L-promised": "2024-02-24",
    "L-call": "2024-02-26",
    "L-visit": "2024-02-03",
    "L-legal": "2024-01-04",
    "L-offered": "2024-04-03",
    DISPUTED_LONG_AGO: "2024-04-03",
    CALLED_BACK_LATE: "2024-02-26",
    LEFT_OVER: "2024-02-23",
    VISITED_IN_SILENCE: "2024-01-25",
}
"""A loan for every step of the ladder, and its due date."""

Event = tuple[str, dict[str, Any]]

FROM_OUTSIDE: tuple[tuple[Event, ...], ...] = (
    (
        (
            "payment",
            {
                "external_id": "P-1",
                "loan": "L-paid",
                "amount": "1000",
                "currency": "USD",
                "paid_on": TODAY,
            },
        ),
        (
            "promise",
            {
                "promise": "R-1",
                "loan": "L-call",
                "amount": "1000",
                "currency": "USD",
                "due_on": TOMORROW,
                "actor": "caller-1",
            },
        ),
        (
            "dispute",
            {
                "dispute": "D-1",
                "loan": "L-visit",
                "starts_on": TODAY,
                "why": "The amount is wrong.",
                "actor": "caller-1",
            },
        ),
        (
            "hold",
            {
                "hold": "H-1",
                "loan": "L-text",
                "kind": "manual",
                "starts_on": TODAY,
                "ends_on": None,
                "why": "The borrower is ill.",
                "actor": "caller-1",
            },
        ),
        ("contact_change", {"borrower": "B-L-legal", "locale": "en"}),
    ),
    (
        ("reversal", {"payment": "P-1", "reversed_on": TODAY}),
        ("promise_withdrawal", {"promise": "R-1"}),
        (
            "dispute_resolution",
            {
                "dispute": "D-1",
                "outcome": "withdrawn",
                "finding": "taken_back",
                "actor": "supervisor-1",
            },
        ),
        ("write_off", {"loan": "L-legal", "written_off_on": TODAY}),
    ),
)
"""What comes in after the morning's work: what is in one piece together, then the next piece."""


def write_book(engine: Engine) -> Book:
    """The loans, people to call, to visit and to approve, and a promise that nobody kept."""
    book = Book(engine, now="2024-03-01 12:00", zone=ZONE)
    for n, (external_id, due_on) in enumerate(DUE_ON.items()):
        line = SimulatedOutcome.LOST if external_id == ANSWER_IS_LOST else f"010{n}"
        book.loan(
            external_id,
            due_on=due_on,
            jurisdiction="US",
            phone="+12125550150" if external_id in ONE_PERSON else f"+1212555{line}",
            borrower_id="B-L-text" if external_id in ONE_PERSON else "",
            steps_tried=("remind", "enquire", "visit") if external_id == "L-legal" else (),
        )
    book.staff(
        "caller-1",
        "caller",
        capacity=20,
        trained_on="2024-01-02",
        shift=("2024-03-04 08:00", "2024-03-04 20:00"),
    )
    for n in (1, 2):
        book.staff(f"visitor-{n}", "visitor", trained_on="2024-01-02")
    _visit_without_a_report(book, VISITED_IN_SILENCE)
    _dispute_without_an_answer(book, DISPUTED_LONG_AGO)
    _end_a_shift_with_work_left(book.at("2024-03-01 12:00"), LEFT_OVER)
    _promise_what_is_not_kept(book)
    _offer_what_nobody_accepts(book)
    book.at("2024-03-03 12:00")
    for external_id in (NEVER_SENT, ANSWERED_LATE):
        _lose_a_sender(book, external_id)
    _learn_of_the_answer(book, ANSWERED_LATE)
    _forget_to_close_the_case(book, PAID_BY_TAPE)
    _write_back(book, "L-text")
    _ask_to_be_called_again(book.at("2024-03-04 09:00"), CALLED_BACK_LATE)
    return book.at(NOW)


def _promise_what_is_not_kept(book: Book) -> None:
    promised = NewPromise(
        promise="R-0",
        loan="L-promised",
        amount=Decimal(1000),
        currency="USD",
        due_on=date(2024, 3, 2),
        actor="caller-1",
    )
    with book.ctx.engine.begin() as connection:
        record_promise(connection, book.ctx, promised)


def _offer_what_nobody_accepts(book: Book) -> None:
    """An offer of which the last day was yesterday."""
    offered = {
        "loan_id": book.loan_id("L-offered"),
        "external_id": "AR-1",
        "sender": STAFF,
        "status": ArrangementStatus.OFFERED,
        "asked_by": AskedBy.CALL,
        "requested_by": "caller-1",
        "requested_at": book.clock.at,
        "kind": ArrangementKind.DEFERRAL,
        "quoted_on": date(2024, 3, 1),
        "valid_until": date(2024, 3, 3),
        "quote": {},
        "review_on": date(2024, 3, 4),
    }
    with book.ctx.engine.begin() as connection:
        connection.execute(insert(arrangement).values(offered))


def _visit_without_a_report(book: Book, external_id: str) -> None:
    book.at("2024-02-24 12:00")
    book.escalate(external_id)
    assert schedule_visit(book.ctx, book.action_id(external_id, "field_visit")) == "scheduled"
    assert book.one(visit).ends_at < book.moment("2024-03-04 00:00")


def _dispute_without_an_answer(book: Book, external_id: str) -> None:
    book.at("2024-01-15 12:00")
    disputed = NewDispute(
        dispute="D-0",
        loan=external_id,
        why="It is paid.",
        actor="caller-1",
        starts_on=date(2024, 1, 15),
    )
    with book.ctx.engine.begin() as connection:
        raise_dispute(connection, book.ctx, disputed)


def _end_a_shift_with_work_left(book: Book, external_id: str) -> None:
    book.staff(
        "caller-2",
        "caller",
        trained_on="2024-01-02",
        shift=("2024-03-01 08:00", "2024-03-01 20:00"),
    )
    book.escalate(external_id)
    assert assign_call(book.ctx, book.action_id(external_id, "enquiry_call")) == "assigned"


def _ask_to_be_called_again(book: Book, external_id: str) -> None:
    book.escalate(external_id)
    assert assign_call(book.ctx, book.action_id(external_id, "enquiry_call")) == "assigned"
    said = {
        "attempt": start_call(acting(book.ctx, Actor("caller-1")), external_id).attempt,
        "outcome": "callback_requested",
        "reason": None,
        "callback_at": book.moment("2024-03-04 10:00").isoformat(),
        "actor": "caller-1",
    }
    assert submit(book.ctx, "said", "contact_outcome", said).status == "applied"


class _LostWithItsWorkerError(Exception):
    """Nobody is left to catch it."""


class _NeverAsked(FakeSmsGateway):
    def send(self, text: OutgoingText) -> SendResult:
        raise _LostWithItsWorkerError


def _lose_a_sender(book: Book, external_id: str) -> None:
    """Leave a text reserved and its action claimed, as a lost worker does."""
    book.escalate(external_id)
    ctx = book.ctx
    book.ctx = replace(ctx, sms=only(_NeverAsked()))
    with contextlib.suppress(_LostWithItsWorkerError):
        book.send(external_id, "text_day_1")
    book.ctx = ctx


def _learn_of_the_answer(book: Book, external_id: str) -> None:
    of_action = message.c.action_id == book.action_id(external_id, "text_day_1")
    answer = {
        "status": MessageStatus.ACCEPTED,
        "sid": f"SM{0:032x}",
        "created_at": book.clock.at - timedelta(days=4),  # so long without a receipt: presumed
    }
    with book.ctx.engine.begin() as connection:
        connection.execute(update(message).where(of_action).values(answer))


def _forget_to_close_the_case(book: Book, external_id: str) -> None:
    opened = {"loan_id": book.loan_id(external_id), "opened_on": date(2024, 3, 1)}
    with book.ctx.engine.begin() as connection:
        connection.execute(insert(collection_case).values(opened))


def _write_back(book: Book, external_id: str) -> None:
    """The borrower asks for something that only a person can answer."""
    loan_id = book.loan_id(external_id)
    of_borrower = select(loan.c.borrower_id).where(loan.c.id == loan_id)
    sid = f"SM{1:032x}"
    body = book.ctx.cipher.encrypt("Please call me.", place_of_reply("twilio", sid))
    with book.ctx.engine.begin() as connection:
        connection.execute(
            insert(reply).values(
                borrower_id=of_borrower.scalar_subquery(),
                loan_id=loan_id,
                provider="twilio",
                sid=sid,
                kind=ReplyKind.OTHER,
                to_read=True,
                body_encrypted=body,
                received_at=book.clock.at,
            )
        )


def open_book(engine: Engine, clock_file: Path) -> Book:
    """The same book in a copy of its database, on a clock that the worker reads too."""
    book = Book(engine, now=NOW, zone=ZONE)
    book.ctx = replace(book.ctx, clock=Clock(clock_file))
    return book


def approve_what_waits(book: Book) -> None:
    """A supervisor says yes to every legal file that waits."""
    waiting = (
        select(loan.c.external_id, action.c.item)
        .join(loan, loan.c.id == action.c.loan_id)
        .where(action.c.status == ActionStatus.AWAITING_APPROVAL)
    )
    for row in book.rows(waiting):
        book.approve(row.external_id, row.item)


def come_in(book: Book, events: tuple[Event, ...]) -> None:
    """Store events as the webhook does, and with the first piece a text that a borrower wrote."""
    stop = InboundText("twilio", f"SM{2:032x}", "+12125550102", "STOP", None)
    store_text(book.ctx, stop, help_is_answered=True)
    with book.ctx.engine.begin() as connection:
        for number, (kind, payload) in enumerate(events):
            external_id = f"lender:{kind}:{number}"
            store_event(connection, external_id, kind, payload, book.ctx.now())
