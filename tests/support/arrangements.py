"""Arrangements as people and the lender's ledger make them, for stories."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from sqlalchemy import Engine, update

from config.readers.policy import Policy
from domain.actors import Actor
from domain.arranged import Wish
from domain.arrangements import AcceptanceProof, ArrangementStatus, AskedBy, Refusal
from domain.loans import Instalment
from tests.support.acting import acting
from tests.support.events import tell
from tests.support.loans import Book
from workers.db.arrangements import Arrangement
from workers.db.schema import arrangement, hold, loan
from workers.hardship.arrangement_acceptances import Acceptance, accept_arrangement
from workers.hardship.arrangement_endings import Ending, end_arrangement
from workers.hardship.arrangement_offers import offer_arrangement
from workers.hardship.arrangements import NewRequest, request_arrangement
from workers.inbox.apply import EventResult

SCHEDULE = [Instalment(date(2026, month, 1), Decimal(900), Decimal(20)) for month in range(1, 7)]
COLLECTOR, SUPERVISOR = Actor("c-1"), Actor("sup-1")


def in_difficulty(engine: Engine, policy: Policy | None = None) -> Book:
    """L-1 owes 920 on the first day of each month from January on, at 14.6 % a year. On 11 March
    the borrower, who paid nothing since February, has lost her job."""
    book = Book(engine, now="2026-03-11 10:00", policy=policy)
    book.loan("L-1", instalments=SCHEDULE)
    tell(
        book,
        "payment",
        external_id="P-0",
        loan="L-1",
        amount="1840",
        currency="CNY",
        paid_on="2026-02-01",
    )
    values = {"annual_rate_percent": Decimal("14.6"), "disbursed_on": date(2025, 11, 1)}
    with engine.begin() as connection:
        connection.execute(update(loan).values(values))
    return book


def ask(
    book: Book,
    wish: Wish | None = None,
    *,
    id: str = "AR-1",
    by: AskedBy = AskedBy.CALL,
    loan: str = "L-1",
) -> Arrangement:
    wish = wish or Wish(instalments=3)
    return request_arrangement(
        acting(book.ctx, COLLECTOR),
        NewRequest(
            arrangement=id,
            loan=loan,
            asked_by=by,
            days=wish.days,
            instalments=wish.instalments,
            until=wish.until,
            monthly=wish.monthly,
        ),
    ).arrangement


def offer(book: Book, wish: Wish | None = None, *, id: str = "AR-1") -> Arrangement:
    return offer_arrangement(acting(book.ctx, COLLECTOR), id, wish).arrangement


def accept(book: Book, *, id: str = "AR-1", recording: str = "REC-1") -> Arrangement:
    """The borrower accepts the newest offer."""
    newest = [row.offer for row in book.rows(arrangement) if row.external_id == id]
    accepted = Acceptance(
        arrangement=id,
        offer=newest[0] if newest else None,
        proof=AcceptanceProof.RECORDING,
        proof_reference=recording,
    )
    return accept_arrangement(acting(book.ctx, COLLECTOR), accepted).arrangement


def decline(
    book: Book, refusal: Refusal | None, why: str | None = None, *, id: str = "AR-1"
) -> Arrangement:
    ending = Ending(arrangement=id, status=ArrangementStatus.DECLINED, refusal=refusal, why=why)
    return end_arrangement(acting(book.ctx, COLLECTOR), ending).arrangement


def withdraw(book: Book, *, id: str = "AR-1") -> Arrangement:
    ending = Ending(arrangement=id, status=ArrangementStatus.WITHDRAWN)
    return end_arrangement(acting(book.ctx, COLLECTOR), ending).arrangement


def as_quoted(book: Book) -> list[dict[str, str]]:
    """The schedule that the ledger was asked for."""
    quote = book.rows(arrangement)[-1].quote
    return [
        {name: each[name] for name in ("due_on", "principal", "interest", "fees")}
        for each in quote["after"]
    ]


def confirm(
    book: Book,
    instalments: Iterable[dict[str, str]] | None = None,
    *,
    id: str | None = "AR-1",
    restructuring: str = "RS-1",
    currency: str = "CNY",
) -> EventResult:
    """The ledger replaces the schedule, today."""
    named = {"arrangement": id} if id else {}
    return tell(
        book,
        "restructuring",
        restructuring=restructuring,
        loan="L-1",
        currency=currency,
        restructured_on=book.ctx.today().isoformat(),
        instalments=list(as_quoted(book) if instalments is None else instalments),
        why="as agreed",
        actor="ledger",
        **named,
    )


def arranged(book: Book, wish: Wish | None = None) -> Book:
    """Asked for, offered, accepted and confirmed, all on this day."""
    ask(book, wish)
    offer(book)
    accept(book)
    assert confirm(book).status == "applied"
    return book


def status(book: Book) -> str:
    """Of the newest arrangement."""
    return str(book.rows(arrangement)[-1].status)


def holds(book: Book, *, of_requests: bool = False) -> list[tuple[str, str, str | None]]:
    """Each hold with its days: those of arrangements, or those while a request waits."""
    waiting = {row.id for row in book.rows(hold) if row.kind == "manual"}
    return [
        (row.kind, row.starts_on.isoformat(), row.ends_on.isoformat() if row.ends_on else None)
        for row in book.rows(hold)
        if (row.id in waiting) is of_requests
    ]
