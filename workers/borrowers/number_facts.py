"""Facts of a telephone number that the staff or the lender's systems report."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from domain.actors import Actor
from domain.contact_points import NumberFact
from domain.events import NotYetError, RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.closed_numbers import close_number, reopen_number
from workers.db.persons import is_record_named
from workers.db.schema import borrower, contact_point, reply


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFactReport:
    """What is true of a number from now on, or not any more. The number itself is never given."""

    borrower: str | None = None
    """Whose number it is; or …"""
    reply: int | None = None
    """… a text that came from it."""
    fact: NumberFact
    actor: str
    """The staff reference of who reported it."""


def record_number_fact(connection: Connection, ctx: Context, report: NumberFactReport) -> Reasons:
    """Record a fact of a telephone number, for everybody who has it, in the caller's transaction.

    Raises:
        NotYetError: the borrower is not known.
        RejectedError: there is no such reply, or no number.
    """
    number = _number_of(connection, report)
    new = close_number(connection, number, report.fact, Actor(report.actor), ctx.now())
    code = ReasonCode.NUMBER_FACT_NOTED if new else ReasonCode.NUMBER_FACT_KNOWN
    return because(code, number_fact=report.fact)


def end_number_fact(connection: Connection, ctx: Context, report: NumberFactReport) -> Reasons:
    """End a fact of a telephone number, in the caller's transaction. What waited is due again.

    Raises:
        NotYetError: the borrower is not known.
        RejectedError: there is no such reply, or no number.
    """
    number = _number_of(connection, report)
    ended = reopen_number(connection, number, {report.fact}, Actor(report.actor), ctx.now())
    code = ReasonCode.NUMBER_FACT_OVER if ended else ReasonCode.NUMBER_FACT_NOT_KNOWN
    return because(code, number_fact=report.fact)


def _number_of(connection: Connection, report: NumberFactReport) -> bytes:
    number: bytes | None
    if report.borrower is not None:
        of_borrower = select(borrower.c.phone_blind_index, borrower.c.id).where(
            is_record_named(borrower, report.borrower)
        )
        row = connection.execute(of_borrower).one_or_none()
        if row is None:
            raise NotYetError(
                ReasonCode.BORROWER_NOT_KNOWN, borrower=report.borrower, event="number_fact"
            )
        number = row.phone_blind_index
    else:
        of_reply = (select(contact_point.c.blind_index).join_from(reply, contact_point)).where(
            reply.c.id == report.reply
        )
        number = connection.execute(of_reply).scalar()
        if number is None:
            raise RejectedError(ReasonCode.REPLY_NOT_KNOWN, reply_id=report.reply)
    if number is None:
        raise RejectedError(ReasonCode.NO_NUMBER_ON_RECORD, borrower=report.borrower)
    return number
