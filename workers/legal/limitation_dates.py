"""Dates that laws depend on: the validation notice, the acknowledgement of a debt, and what else
interrupts or suspends the limitation period."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Connection, Table, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.actors import Actor
from domain.compliance.vocabulary import LimitationFact, Proof
from domain.events import NotYetError, RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.loans import lock_named_loan
from workers.db.persons import record_named
from workers.db.schema import acknowledgement, borrower, limitation_fact, loan, loan_party
from workers.escalation.reassess import reassess


def note_validation_notice(
    connection: Connection, ctx: Context, external_id: str, given_on: date
) -> Reasons:
    """Record that the borrower got the validation notice: what is owed, and how to dispute it.

    Regulation F, 12 CFR 1006.34. The first date stays. Actions that waited for it are checked by
    the gate again. In the caller's transaction.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: the date is in the future.
    """
    owed = lock_named_loan(connection, external_id, "validation_notice")
    _check_not_in_future(given_on, ctx, external_id)
    first = func.coalesce(loan.c.validation_notice_on > given_on, True)
    noted = connection.execute(
        update(loan).where(loan.c.id == owed.id, first).values(validation_notice_on=given_on)
    )
    if not noted.rowcount:
        known = select(loan.c.validation_notice_on).where(loan.c.id == owed.id)
        on = connection.execute(known).scalar_one()
        return because(ReasonCode.VALIDATION_NOTICE_KNOWN, loan=external_id, on=on)
    reassess(connection, ctx, [owed.id], ctx.now())
    return because(ReasonCode.VALIDATION_NOTICE_RECORDED, loan=external_id, on=given_on)


def note_acknowledgement(
    connection: Connection,
    ctx: Context,
    external_id: str,
    on: date,
    proof: Proof,
    *,
    acknowledged_by: str | None = None,
    document: str | None = None,
    actor: Actor | None = None,
) -> Reasons:
    """Record that the borrower, or another party to the loan, acknowledged the debt.

    `acknowledged_by` is the lender's id of the record of who did; None: the borrower.

    Where the law says so, the limitation period starts again (中华人民共和国民法典 art. 195;
    Limitation Act 1980 s. 29). Every acknowledgement is kept: a later one may restart it only
    because an earlier one did. One of the same day with the same proof is recorded once. In the
    caller's transaction.

    Raises:
        NotYetError: the loan is not known, or who acknowledged it is no party to it yet.
        RejectedError: the date is in the future.
    """
    owed = lock_named_loan(connection, external_id, "acknowledgement")
    _check_not_in_future(on, ctx, external_id)
    who = _party(connection, owed.id, external_id, acknowledged_by)
    noted = connection.execute(
        insert(acknowledgement)
        .values(
            loan_id=owed.id,
            borrower_id=who,
            acknowledged_on=on,
            proof=proof,
            document=document,
            actor=actor.reference if actor else None,
            recorded_at=ctx.now(),
        )
        .on_conflict_do_nothing()
    )
    if not noted.rowcount:
        return because(ReasonCode.ACKNOWLEDGEMENT_KNOWN, loan=external_id, on=on)
    reassess(connection, ctx, [owed.id], ctx.now())
    return because(ReasonCode.DEBT_ACKNOWLEDGED, loan=external_id, on=on)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLimitationFact:
    """Something that interrupts or suspends the limitation period, as it was reported."""

    loan: str
    fact: LimitationFact
    starts_on: date
    ends_on: date | None = None
    """Of a suit, the day on which the proceedings ended; otherwise the first day without it."""
    document: str | None = None
    actor: str | None = None


def note_limitation_fact(connection: Connection, ctx: Context, new: NewLimitationFact) -> Reasons:
    """Record what interrupts or suspends the limitation period, or its end.

    Whether it counts, each law says (中华人民共和国民法典 art. 194, 195; 50 U.S.C. 3936). The end
    of what is on record without one is recorded by the same fact of the same day; an end that is on
    record stays. In the caller's transaction.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: a day is in the future, or the fact cannot have that end.
    """
    owed = lock_named_loan(connection, new.loan, "limitation_fact")
    if new.ends_on is not None and (not new.fact.lasts or new.ends_on < new.starts_on):
        raise RejectedError(
            ReasonCode.LIMITATION_FACT_CANNOT_END,
            limitation_fact=new.fact,
            starts_on=new.starts_on,
            ends_on=new.ends_on,
        )
    _check_not_in_future(max(new.starts_on, new.ends_on or new.starts_on), ctx, new.loan)
    row = insert(limitation_fact).values(
        loan_id=owed.id,
        fact=new.fact,
        starts_on=new.starts_on,
        ends_on=new.ends_on,
        document=new.document,
        actor=new.actor,
        recorded_at=ctx.now(),
    )
    noted = connection.execute(
        row.on_conflict_do_update(
            constraint="limitation_fact_once",
            set_={"ends_on": new.ends_on, "ended_by": new.actor, "end_recorded_at": ctx.now()},
            where=limitation_fact.c.ends_on.is_(None) & (new.ends_on is not None),
        )
    )
    code = ReasonCode.LIMITATION_FACT_KNOWN
    if noted.rowcount:
        reassess(connection, ctx, [owed.id], ctx.now())
        code = ReasonCode.LIMITATION_FACT_NOTED
    return because(code, limitation_fact=new.fact, loan=new.loan, on=new.starts_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBackFact:
    """A limitation fact that was recorded by mistake."""

    loan: str
    fact: LimitationFact
    starts_on: date
    actor: str | None = None


def take_back_limitation_fact(
    connection: Connection, ctx: Context, mistake: TakenBackFact
) -> Reasons:
    """Take back what was recorded as interrupting or suspending the limitation period.

    It counts for nothing from then on, as if it had never been, and stays as history. The same fact
    may be recorded anew. In the caller's transaction.

    Raises:
        NotYetError: the loan is not known, or no such fact of it is on record.
    """
    owed = lock_named_loan(connection, mistake.loan, "limitation_fact_withdrawal")
    of_fact = (
        limitation_fact.c.loan_id == owed.id,
        limitation_fact.c.fact == mistake.fact,
        limitation_fact.c.starts_on == mistake.starts_on,
    )
    named = {"limitation_fact": mistake.fact, "loan": mistake.loan, "on": mistake.starts_on}
    if _take_back(connection, ctx, limitation_fact, of_fact, mistake.actor):
        reassess(connection, ctx, [owed.id], ctx.now())
        return because(ReasonCode.LIMITATION_FACT_TAKEN_BACK, **named)
    if connection.execute(select(limitation_fact.c.id).where(*of_fact)).first() is None:
        raise NotYetError(ReasonCode.LIMITATION_FACT_NOT_KNOWN, **named)
    return because(ReasonCode.LIMITATION_FACT_WAS_TAKEN_BACK, **named)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBackAcknowledgement:
    """An acknowledgement that was recorded by mistake."""

    loan: str
    acknowledged_on: date
    proof: Proof | None = None
    """None: whatever its proof."""
    borrower: str | None = None
    """The record of who acknowledged it; None: whoever did."""
    actor: str | None = None


def take_back_acknowledgement(
    connection: Connection, ctx: Context, mistake: TakenBackAcknowledgement
) -> Reasons:
    """The same for acknowledgements of one day.

    Raises:
        NotYetError: the loan is not known, or no such acknowledgement is on record.
    """
    owed = lock_named_loan(connection, mistake.loan, "acknowledgement_withdrawal")
    meant = [
        acknowledgement.c.loan_id == owed.id,
        acknowledgement.c.acknowledged_on == mistake.acknowledged_on,
    ]
    if mistake.proof is not None:
        meant.append(acknowledgement.c.proof == mistake.proof)
    if mistake.borrower is not None:
        who = record_named(connection, mistake.borrower)
        meant.append(acknowledgement.c.borrower_id == who)
    named = {"loan": mistake.loan, "on": mistake.acknowledged_on}
    if _take_back(connection, ctx, acknowledgement, meant, mistake.actor):
        reassess(connection, ctx, [owed.id], ctx.now())
        return because(ReasonCode.ACKNOWLEDGEMENT_TAKEN_BACK, **named)
    if connection.execute(select(acknowledgement.c.id).where(*meant)).first() is None:
        raise NotYetError(ReasonCode.ACKNOWLEDGEMENT_NOT_KNOWN, **named)
    return because(ReasonCode.ACKNOWLEDGEMENT_WAS_TAKEN_BACK, **named)


def _take_back(
    connection: Connection,
    ctx: Context,
    table: Table,
    meant: Iterable[ColumnElement[bool]],
    actor: str | None,
) -> bool:
    """Mark those rows as taken back; False if none of them counted any more."""
    taken = connection.execute(
        update(table)
        .where(*meant, table.c.taken_back_at.is_(None))
        .values(taken_back_at=ctx.now(), taken_back_by=actor)
    )
    return taken.rowcount > 0


def _party(connection: Connection, loan_id: int, external_id: str, named: str | None) -> int:
    """The record of the borrower of a locked loan, or of the party who is named."""
    own: int = connection.execute(
        select(loan.c.borrower_id).where(loan.c.id == loan_id)
    ).scalar_one()
    if named is None:
        return own
    who = record_named(connection, named)
    owes = or_(
        borrower.c.id == own,
        borrower.c.id.in_(select(loan_party.c.borrower_id).where(loan_party.c.loan_id == loan_id)),
    )
    of_debtors = select(borrower.c.person_id).where(owes)
    is_debtor = select(borrower.c.id).where(
        borrower.c.id == who, borrower.c.person_id.in_(of_debtors)
    )
    if who is None or connection.execute(is_debtor).first() is None:
        raise NotYetError(ReasonCode.OWES_NOT, borrower=named, loan=external_id)
    return who


def _check_not_in_future(on: date, ctx: Context, external_id: str) -> None:
    if on > ctx.today():
        raise RejectedError(ReasonCode.DATE_IN_FUTURE, on=on, loan=external_id)
