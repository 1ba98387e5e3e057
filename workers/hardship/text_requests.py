"""A text that asks for time or instalments: for which loans, read by the machine or by a person."""

from collections.abc import Sequence
from datetime import date
from hashlib import sha256

from sqlalchemy import Connection, select

from domain.actors import BY_TEXT
from domain.arrangements import ArrangementStatus, AskedBy
from domain.delinquency import arrears_on
from domain.events import RejectedError
from domain.inbound_texts import names_in
from domain.reasons import Reasons
from workers.context import Context
from workers.db.arrangements import open_arrangement
from workers.db.loan_standing import load_standings
from workers.db.persons import lock_loans, lock_person, records_of_person
from workers.db.schema import arrangement, loan
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_endings import end
from workers.hardship.arrangement_requests import pause_after_reading
from workers.hardship.arrangements import NewRequest, as_it_stands, record_request, request_if_none


def request_by_text(
    connection: Connection,
    ctx: Context,
    *,
    borrower_id: int,
    loan_id: int,
    sid: str,
    provider: str,
    words: str,
) -> None:
    """Record that a text of the person behind a record asks for an arrangement, in the caller's
    transaction: for the loans that it names; or else for `loan_id`, which it is most likely about,
    and each other loan of the person with something past due.

    What is wished for, a person reads in the text.
    """
    lock_person(connection, borrower_id)
    own = _lock_own(connection, borrower_id, loan_id)
    meant = names_in(words, own.values()) or _past_due(connection, own, loan_id, ctx.today())
    for name in meant:
        request = _request(sid, provider, name, own[loan_id], borrower_id, BY_TEXT.reference)
        request_if_none(connection, ctx, request)


def request_read_in_text(
    connection: Connection,
    ctx: Context,
    *,
    borrower_id: int | None,
    about: str | None,
    named: str | None,
    sid: str,
    provider: str,
    actor: str,
) -> Reasons:
    """Record that a text asks for an arrangement, as a person reads it.

    It is for the loan that the person `named`. If none was named, it is for the loans for which the
    machine recorded a request. If there are none, it is for `about`, the loan of the text, and for
    all other loans of the writer that are past due.

    A request by the machine stands, and its pause begins now. If it is for a loan that is not
    meant, it is withdrawn. The person is locked.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: none of the loans can have a request: it is written off, or has an open
            arrangement that is something else.
    """
    now = ctx.now()
    by_machine = _requested(connection, sid, provider)
    meant: Sequence[str] = [named] if named else list(by_machine)
    if not meant and borrower_id is not None and about is not None:
        of_text = select(loan.c.id).where(loan.c.external_id == about)
        loan_id: int = connection.execute(of_text).scalar_one()
        own = _lock_own(connection, borrower_id, loan_id)
        meant = _past_due(connection, own, loan_id, ctx.today())
    came: Reasons = ()
    refused: RejectedError | None = None
    for name in meant or [str(about)]:
        try:
            came += _read_for(
                connection, ctx, _request(sid, provider, name, about, borrower_id, actor)
            )
        except RejectedError as error:
            refused = refused or error
    if refused is not None and not came:
        raise refused
    for name, loan_id in by_machine.items():
        stored = open_arrangement(connection, loan_id)
        if name not in meant and stored is not None:
            end(connection, stored, ArrangementStatus.WITHDRAWN, now, ended_by=actor)
    return came


def _read_for(connection: Connection, ctx: Context, new: NewRequest) -> Reasons:
    known = select(loan.c.id).where(loan.c.external_id == new.loan)
    loan_id = connection.execute(known).scalar()
    if loan_id is None:
        return record_request(connection, ctx, new)
    lock_loans(connection, loan.c.id == loan_id)
    stored = open_arrangement(connection, loan_id)
    if stored is None or stored.status != ArrangementStatus.REQUESTED:
        return record_request(connection, ctx, new)
    if pause_after_reading(connection, ctx, stored, new.actor, ctx.now()):
        reassess(connection, ctx, [loan_id], ctx.now())
    return as_it_stands(stored)


def _request(
    sid: str, provider: str, name: str, about: str | None, record: int | None, actor: str
) -> NewRequest:
    """The request of a loan, by who wrote the text. People type its id, and a provider's id can be
    a digest of 64 digits: it is made short. That of another loan than the text's has the loan's
    besides."""
    id = f"text:{sha256(sid.encode()).hexdigest()[:12]}"
    return NewRequest(
        arrangement=id if name == about else f"{id}:{name}",
        loan=name,
        asked_by=AskedBy.TEXT,
        asked_in=sid,
        record=record,
        actor=actor,
        sender=provider,
    )


def _requested(connection: Connection, sid: str, provider: str) -> dict[str, int]:
    """The loans for which the machine has read in a text that it asks for an arrangement, and that
    wait for an answer."""
    waits = (
        select(loan.c.external_id, loan.c.id)
        .join(arrangement, arrangement.c.loan_id == loan.c.id)
        .where(
            arrangement.c.asked_by == AskedBy.TEXT,
            arrangement.c.asked_in == sid,
            arrangement.c.sender == provider,
            arrangement.c.requested_by == BY_TEXT.reference,
            arrangement.c.status == ArrangementStatus.REQUESTED,
        )
        .order_by(arrangement.c.id)
    )
    return {row.external_id: row.id for row in connection.execute(waits)}


def _lock_own(connection: Connection, borrower_id: int, loan_id: int) -> dict[int, str]:
    """Lock the loans that a person borrowed, and the one of a text; their ids of the lender's."""
    own = loan.c.borrower_id.in_(records_of_person(borrower_id))
    locked = lock_loans(connection, own | (loan.c.id == loan_id))
    named = select(loan.c.id, loan.c.external_id).where(loan.c.id.in_(locked)).order_by(loan.c.id)
    return {row.id: row.external_id for row in connection.execute(named)}


def _past_due(connection: Connection, own: dict[int, str], first: int, on: date) -> Sequence[str]:
    """The loan of a text, and each other one with something past due."""
    standings = load_standings(connection, list(own), on)
    late = [id for id in own if id != first and arrears_on(standings[id].instalments, on).amount]
    return [own[id] for id in (first, *late)]
