"""Events as the lender's systems tell them, each under an id of its own."""

from uuid import uuid4

from domain.actions import SEND_SMS
from tests.support.loans import Book
from workers.db.action_claims import read_held_back
from workers.gate.locked_action import lock_action
from workers.inbox.apply import EventResult, apply_event
from workers.inbox.event_data.fields import PersonalEventData
from workers.inbox.store import store_event


def store(book: Book, kind: str, /, **payload: object) -> int:
    """An event that came in and is not applied yet. Gives its id."""
    with book.ctx.engine.begin() as connection:
        return store_event(connection, f"{kind}:{uuid4()}", kind, payload, book.ctx.now())


def is_held_back(book: Book, loan: str) -> bool:
    """Whether nobody is contacted about a loan because an event waits."""
    with book.ctx.engine.begin() as connection:
        row = lock_action(connection, book.action_id(loan, "text_day_1"), SEND_SMS)
        assert row is not None
        return read_held_back(connection, [row.id])[row.id].event_pending


def tell(book: Book, kind: str, /, **payload: object) -> EventResult:
    """Store an event and apply it at once."""
    return apply_event(book.ctx, store(book, kind, **payload))


def confirm(book: Book, record: str, other: str) -> None:
    """Somebody finds out that two records stand for one person."""
    told = {"status": "confirmed", "why": "both came in", "actor": "c-1"}
    assert tell(book, "same_person", borrower=record, other=other, **told).status == "applied"


def tell_personal(
    book: Book, kind: str, model: type[PersonalEventData], /, **given: object
) -> EventResult:
    """The same of an event with personal data, which is encrypted as it comes in."""
    payload = model.model_validate(given, strict=False).payload(book.ctx.cipher)
    return tell(book, kind, **payload)


def pay(
    book: Book,
    amount: str,
    *,
    id: str = "P-1",
    loan: str = "L-1",
    paid_on: str | None = None,
    **more: str,
) -> EventResult:
    """A payment in the loan's currency, of today if no day is given."""
    return tell(
        book,
        "payment",
        external_id=id,
        loan=loan,
        amount=amount,
        currency="CNY",
        paid_on=paid_on or book.ctx.today().isoformat(),
        **more,
    )


def reverse(
    book: Book, payment: str = "P-1", reversed_on: str | None = None, **more: str
) -> EventResult:
    """A reversal of today if no day is given; of a part, with an `amount` and a `reversal`."""
    day = reversed_on or book.ctx.today().isoformat()
    return tell(book, "reversal", payment=payment, reversed_on=day, **more)


def restore(book: Book, payment: str = "P-1", **more: str) -> EventResult:
    """The reversal of a payment of L-1 is taken back today."""
    day = book.ctx.today().isoformat()
    return tell(
        book,
        "reversal_taken_back",
        **{"payment": payment, "loan": "L-1", "taken_back_on": day} | more,
    )


def refund(book: Book, amount: str, *, id: str = "RF-1", payment: str = "P-1") -> EventResult:
    """A refund of today."""
    day = book.ctx.today().isoformat()
    return tell(book, "refund", refund=id, payment=payment, amount=amount, refunded_on=day)


def take_back_refund(
    book: Book, id: str = "RF-1", payment: str = "P-1", on: str | None = None
) -> EventResult:
    """A refund of a payment of L-1 is taken back, today if no day is given."""
    day = on or book.ctx.today().isoformat()
    said = {"payment": payment, "loan": "L-1", "taken_back_on": day}
    return tell(book, "refund_taken_back", refund=id, **said)


def promise(
    book: Book, amount: str, due_on: str, *, id: str = "PR-1", currency: str = "CNY"
) -> EventResult:
    """A promise for L-1."""
    return tell(
        book,
        "promise",
        promise=id,
        loan="L-1",
        amount=amount,
        currency=currency,
        due_on=due_on,
        actor="col-1",
    )


def place(
    book: Book,
    kind: str,
    starts_on: str,
    ends_on: str | None = None,
    *,
    id: str = "H-1",
) -> EventResult:
    """A hold for L-1."""
    return tell(
        book,
        "hold",
        hold=id,
        loan="L-1",
        kind=kind,
        starts_on=starts_on,
        ends_on=ends_on,
        why="a test needs it",
        actor="sup-1",
    )
