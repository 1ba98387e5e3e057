"""Facts of telephone numbers and addresses that the staff or the lender's systems report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from domain.actors import Actor
from domain.contact_points import NumberFact
from domain.events import NotYetError, RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.closed_numbers import close_number, reopen_number
from workers.db.numbers import blind_indexes_of
from workers.db.people import lock_people
from workers.db.representative_wishes import acting_numbers
from workers.db.schema import borrower, contact_point, reply


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFactReport:
    """What is true of a number or an address from now on, or not any more; neither is shown."""

    borrower: str | None = None
    """Whose number, or address, it is; or …"""
    reply: int | None = None
    """… a text that came from it."""
    which_number: int | None = None
    """Which of the borrower's numbers, from 1; None: the only one."""
    of_address: bool = False
    of_representative: bool = False
    """Whether it is the number of who acts for the borrower, the last who was recorded."""
    fact: NumberFact
    actor: str
    """The staff reference of who reported it."""
    received_at: datetime | None = None
    """When the report came in, which may be long before it is applied; None: now."""


def record_number_fact(connection: Connection, ctx: Context, report: NumberFactReport) -> Reasons:
    """Record a fact of a telephone number, for everybody who has it, in the caller's transaction.

    Raises:
        NotYetError: the borrower is not known.
        RejectedError: there is no such reply, or no number.
    """
    number = _number_of(connection, report)
    lock_people(connection, number)
    since = report.received_at or ctx.now()
    new = close_number(connection, number, report.fact, Actor(report.actor), since)
    noted, known = (
        (ReasonCode.ADDRESS_FACT_NOTED, ReasonCode.ADDRESS_FACT_KNOWN)
        if report.of_address
        else (ReasonCode.NUMBER_FACT_NOTED, ReasonCode.NUMBER_FACT_KNOWN)
    )
    return because(noted if new else known, number_fact=report.fact)


def end_number_fact(connection: Connection, ctx: Context, report: NumberFactReport) -> Reasons:
    """End a fact of a telephone number, in the caller's transaction. What waited is due again.

    It ends what was known before the report came in: it may be applied long after that.

    Raises:
        NotYetError: the borrower is not known.
        RejectedError: there is no such reply, or no number.
    """
    number = _number_of(connection, report)
    lock_people(connection, number)
    now, actor = ctx.now(), Actor(report.actor)
    ended = reopen_number(connection, number, {report.fact}, actor, now, seen_at=report.received_at)
    over, not_known = (
        (ReasonCode.ADDRESS_FACT_OVER, ReasonCode.ADDRESS_FACT_NOT_KNOWN)
        if report.of_address
        else (ReasonCode.NUMBER_FACT_OVER, ReasonCode.NUMBER_FACT_NOT_KNOWN)
    )
    return because(over if ended else not_known, number_fact=report.fact)


def _number_of(connection: Connection, report: NumberFactReport) -> bytes:
    if report.borrower is not None:
        return _of_borrower(connection, report, report.borrower)
    of_reply = (select(contact_point.c.blind_index).join_from(reply, contact_point)).where(
        reply.c.id == report.reply
    )
    number: bytes | None = connection.execute(of_reply).scalar()
    if number is None:
        raise RejectedError(ReasonCode.REPLY_NOT_KNOWN, reply_id=report.reply)
    return number


def _of_borrower(connection: Connection, report: NumberFactReport, named: str) -> bytes:
    address = contact_point.alias("address")
    row = connection.execute(
        select(borrower.c.id, address.c.blind_index.label("address"))
        .outerjoin(address, address.c.id == borrower.c.address_point_id)
        .where(borrower.c.external_id == named)
    ).one_or_none()
    if row is None:
        event = "address_fact" if report.of_address else "number_fact"
        raise NotYetError(ReasonCode.BORROWER_NOT_KNOWN, borrower=report.borrower, event=event)
    if report.of_address:
        if row.address is None:
            raise RejectedError(ReasonCode.NO_ADDRESS_ON_RECORD, borrower=report.borrower)
        return bytes(row.address)
    if report.of_representative:
        numbers = acting_numbers(connection, row.id)
        if not numbers:
            raise RejectedError(ReasonCode.NO_NUMBER_OF_REPRESENTATIVE, borrower=named)
        return numbers[0]
    return number_at(blind_indexes_of(connection, row.id), report.borrower, report.which_number)


def number_at(numbers: Sequence[bytes], borrower_id: str | None, place: int | None) -> bytes:
    """The number at a place in the order, from 1; without a place, the only one.

    Raises:
        RejectedError: there is none, or there are several and no place is given.
    """
    if not numbers:
        raise RejectedError(ReasonCode.NO_NUMBER_ON_RECORD, borrower=borrower_id)
    if place is None and len(numbers) > 1:
        raise RejectedError(ReasonCode.WHICH_NUMBER, borrower=borrower_id, numbers=len(numbers))
    place = place or 1
    if place > len(numbers):
        raise RejectedError(
            ReasonCode.NO_SUCH_NUMBER, borrower=borrower_id, numbers=len(numbers), place=place
        )
    return numbers[place - 1]
