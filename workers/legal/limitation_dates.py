"""Dates that laws depend on: the validation notice, the acknowledgement of a debt, and what else
interrupts or suspends the limitation period."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, or_, select, update
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
            index_elements=[row.table.c.loan_id, row.table.c.fact, row.table.c.starts_on],
            set_={"ends_on": new.ends_on, "ended_by": new.actor, "end_recorded_at": ctx.now()},
            where=limitation_fact.c.ends_on.is_(None) & (new.ends_on is not None),
        )
    )
    code = ReasonCode.LIMITATION_FACT_KNOWN
    if noted.rowcount:
        reassess(connection, ctx, [owed.id], ctx.now())
        code = ReasonCode.LIMITATION_FACT_NOTED
    return because(code, limitation_fact=new.fact, loan=new.loan, on=new.starts_on)


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
