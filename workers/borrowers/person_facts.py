"""Facts about a person that somebody reports: who acts for them, and what they agreed to."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.actors import Actor
from domain.compliance.fact_reach import ReachingFact
from domain.events import RejectedError
from domain.persons import CONSENTS, PersonFact
from domain.reasons import ReasonCode, Reasons, because
from workers.borrowers.opt_outs import one_debt, record_opt_out
from workers.context import Context
from workers.db.persons import (
    end_person_facts,
    is_erased,
    lock_known_borrower,
    lock_loans_of_person,
    note_person_fact,
)
from workers.escalation.reassess import reassess


@dataclass(frozen=True, slots=True)
class NewPersonFact:
    """A fact as it was reported."""

    borrower: str
    fact: PersonFact
    actor: str
    """The staff reference of who reported it."""
    loan: str | None = None
    """The only loan that it is about; None: all of them."""
    until: datetime | None = None
    """Aware; of a consent only: from then on it counts no more."""


def record_person_fact(connection: Connection, ctx: Context, new: NewPersonFact) -> Reasons:
    """Record a fact about a person, in the caller's transaction.

    A consent that is given anew takes the place of the one before. That somebody acts for the
    person counts for one debt only where the report names one, and no law lets it reach further.

    Raises:
        NotYetError: the borrower, or the loan, is not known.
        RejectedError: what was held about the borrower was erased, or the fact is about no debt.
    """
    now, actor = ctx.now(), Actor(new.actor)
    if new.fact is PersonFact.CEASED:
        return record_opt_out(connection, ctx, new.borrower, None, actor, only_about=new.loan)
    if new.fact is PersonFact.EMPLOYER_FORBIDS and new.loan is not None:
        raise RejectedError(ReasonCode.FACT_HAS_NO_LOAN, person_fact=new.fact)
    record = lock_known_borrower(connection, new.borrower, "person_fact")
    if is_erased(connection, record):
        raise RejectedError(ReasonCode.BORROWER_WAS_ERASED, borrower=new.borrower)
    loans = lock_loans_of_person(connection, record.id)
    debt = None
    if new.loan is not None:
        debt = one_debt(connection, ctx, new.loan, _reaching(new.fact), "person_fact", loans)
    if new.fact in CONSENTS:
        end_person_facts(connection, record.id, new.fact, actor, now)
    note_person_fact(connection, record.id, new.fact, actor, now, loan_id=debt, until=new.until)
    reassess(connection, ctx, loans, now)
    return because(ReasonCode.PERSON_FACT_RECORDED, borrower=new.borrower, person_fact=new.fact)


@dataclass(frozen=True, slots=True)
class PersonFactEnd:
    """A fact that is not true any more, or a consent that was withdrawn."""

    borrower: str
    fact: PersonFact
    actor: str
    loan: str | None = None
    """Only what is about this loan alone; None: all that is known of the kind."""


def end_person_fact(connection: Connection, ctx: Context, ended: PersonFactEnd) -> Reasons:
    """End a fact on every record of the person, in the caller's transaction.

    Raises:
        NotYetError: the borrower, or the loan, is not known.
    """
    now = ctx.now()
    record = lock_known_borrower(connection, ended.borrower, "person_fact_end")
    loans = lock_loans_of_person(connection, record.id)
    debt = None
    if ended.loan is not None:
        debt = one_debt(
            connection, ctx, ended.loan, _reaching(ended.fact), "person_fact_end", loans
        )
    actor = Actor(ended.actor)
    known = end_person_facts(connection, record.id, ended.fact, actor, now, loan_id=debt)
    reassess(connection, ctx, loans, now)
    code = ReasonCode.PERSON_FACT_ENDS if known else ReasonCode.PERSON_FACT_NOT_KNOWN
    return because(code, borrower=ended.borrower, person_fact=ended.fact)


def _reaching(fact: PersonFact) -> ReachingFact:
    """How far a law lets a fact reach that names one loan."""
    return ReachingFact.CEASED if fact is PersonFact.CEASED else ReachingFact.REPRESENTED
