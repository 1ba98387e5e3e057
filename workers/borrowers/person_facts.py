"""Facts about a person that somebody reports: who acts for them, what they agreed to, and when,
where and in which language they want to be contacted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.actors import Actor
from domain.compliance.fact_reach import ReachingFact
from domain.events import RejectedError
from domain.fact_effects import EFFECTS
from domain.inconvenient import Location
from domain.persons import MAY_EXPIRE, OF_ALL_DEBTS, PersonFact
from domain.reasons import ReasonCode, Reasons, because
from workers.borrowers.number_facts import number_at
from workers.borrowers.opt_outs import loan_of_person, one_debt, record_opt_out
from workers.context import Context
from workers.db.closed_numbers import recheck_through
from workers.db.numbers import blind_indexes_of
from workers.db.person_facts import end_person_facts
from workers.db.persons import LockedBorrower, is_erased, lock_known_borrower, lock_loans_of_person
from workers.db.representative_wishes import acting_numbers, end_wishes, note_wishes
from workers.db.said_facts import SaidFact, is_outdated, replace_person_fact
from workers.escalation.reassess import reassess
from workers.gate.problems import reopen_barred, resolve_gate_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFact(SaidFact):
    """A fact as it was reported, or that it is not true any more."""

    borrower: str
    actor: str
    """The staff reference of who reported it."""
    loan: str | None = None
    """The only loan that it is about; None: all of them."""
    which_number: int | None = None
    """Of a number that is inconvenient: its place in the order, from 1; None: the only one."""
    of_representative: bool = False
    """Whether it is what those asked for who act for the person. It is kept with their number."""
    received_at: datetime | None = None
    """When the report came in, which may be long before it is applied; None: now."""


NewPersonFact = ReportedFact
"""A fact that is true from now on. If the place is a number, it is the number that the borrower
has now."""


def record_person_fact(connection: Connection, ctx: Context, new: NewPersonFact) -> Reasons:
    """Record a fact about a person, in the caller's transaction.

    A new consent or language takes the place of the one before. The same time or place again
    replaces a record of it that ends earlier; a record that ends later stays until it is ended.
    Whichever is applied first, the later word counts. That somebody acts for the person counts for
    one debt only where the report names one, and no law lets it reach further.

    Raises:
        NotYetError: the borrower, or the loan, is not known.
        RejectedError: what was held about the borrower was erased, the fact is about no debt, or it
            does not say which time, place or language it means.
    """
    now, actor = ctx.now(), Actor(new.actor)
    since = new.received_at or now
    if new.of_representative:
        noted = False
        for number in _numbers_of_representatives(connection, new, "person_fact"):
            noted |= note_wishes(connection, number, [new], actor, since)
        code = ReasonCode.PERSON_FACT_RECORDED if noted else ReasonCode.PERSON_FACT_KNOWN
        return because(code, borrower=new.borrower, person_fact=new.fact)
    if new.fact is PersonFact.CEASED:
        return record_opt_out(
            connection, ctx, new.borrower, None, actor, only_about=new.loan, received_at=since
        )
    if new.fact in OF_ALL_DEBTS and new.loan is not None:
        raise RejectedError(ReasonCode.FACT_HAS_NO_LOAN, person_fact=new.fact)
    new.check_complete()
    record = lock_known_borrower(connection, new.borrower, "person_fact")
    if is_erased(connection, record):
        raise RejectedError(ReasonCode.BORROWER_WAS_ERASED, borrower=new.borrower)
    loans = lock_loans_of_person(connection, record.id)
    debt = None
    if new.loan is not None:
        debt = one_debt(connection, ctx, new.loan, _reaching(new.fact), "person_fact", loans)
    details = new.details(
        connection, _number(connection, record, new), record.address_point_id, debt
    )
    if is_outdated(connection, record.id, new.fact, since, details):
        return because(ReasonCode.PERSON_FACT_OUTDATED, borrower=new.borrower, person_fact=new.fact)
    noted = replace_person_fact(connection, record.id, new.fact, actor, since, details, new.until)
    resolve_gate_problems(connection, [record.id], {new.fact}, now)
    reassess(connection, ctx, loans, now)
    if new.fact is PersonFact.AGREED_OTHER_HOURS:
        reopen_barred(connection, loans, now)
    known = ReasonCode.PERSON_FACT_LASTS if new.fact in MAY_EXPIRE else ReasonCode.PERSON_FACT_KNOWN
    code = ReasonCode.PERSON_FACT_RECORDED if noted else known
    return because(code, borrower=new.borrower, person_fact=new.fact)


PersonFactEnd = ReportedFact
"""A fact that is not true any more. What it leaves out ends with whatever was said of it."""


def end_person_fact(connection: Connection, ctx: Context, ended: PersonFactEnd) -> Reasons:
    """End a fact about a person, in the caller's transaction.

    It ends what was said before the report came in: it may be applied long after that. A consent
    ends on every record of the person. What protects them ends only on the records that
    are confirmed to be theirs.

    Raises:
        NotYetError: the borrower, or the loan, is not known.
        RejectedError: a number or an address is the place, and none is on record.
    """
    now = ctx.now()
    if ended.of_representative:
        return _end_wish(connection, ctx, ended)
    record = lock_known_borrower(connection, ended.borrower, "person_fact_end")
    loans = lock_loans_of_person(connection, record.id)
    debt = None
    if ended.loan is not None:
        debt = one_debt(
            connection, ctx, ended.loan, _reaching(ended.fact), "person_fact_end", loans
        )
    actor = Actor(ended.actor)
    details = ended.details(
        connection, _number(connection, record, ended), record.address_point_id, debt
    )
    known = end_person_facts(
        connection,
        record.id,
        ended.fact,
        actor,
        now,
        details,
        effect=EFFECTS[ended.fact].of_the_end,
        said_by=ended.received_at,
    )
    resolve_gate_problems(connection, [record.id], {ended.fact}, now)
    reassess(connection, ctx, loans, now)
    if ended.fact is PersonFact.INCONVENIENT_TIME:
        reopen_barred(connection, loans, now)
    code = ReasonCode.PERSON_FACT_ENDS if known else ReasonCode.PERSON_FACT_NOT_KNOWN
    return because(code, borrower=ended.borrower, person_fact=ended.fact)


def _end_wish(connection: Connection, ctx: Context, ended: PersonFactEnd) -> Reasons:
    """End what those asked for who act for the person. What waited for it is due again, for
    whomever they act."""
    now, known = ctx.now(), False
    for number in _numbers_of_representatives(connection, ended, "person_fact_end"):
        actor, said_by = Actor(ended.actor), ended.received_at
        known |= end_wishes(connection, number, ended, actor, now, said_by=said_by)
        recheck_through(connection, number, now)
    code = ReasonCode.PERSON_FACT_ENDS if known else ReasonCode.PERSON_FACT_NOT_KNOWN
    return because(code, borrower=ended.borrower, person_fact=ended.fact)


def _numbers_of_representatives(
    connection: Connection, reported: ReportedFact, event: str
) -> list[bytes]:
    """The numbers of the representatives of the locked person, in the order in which they are
    locked. If a loan is named, only of those who act about it.

    Raises:
        NotYetError: the borrower, or the loan, is not known.
        RejectedError: no representative has a known number, or the loan is not the person's.
    """
    record = lock_known_borrower(connection, reported.borrower, event)
    about = None
    if reported.loan is not None:
        loans = lock_loans_of_person(connection, record.id)
        about = loan_of_person(connection, reported.loan, event, loans).id
    numbers = acting_numbers(connection, record.id, about)
    if not numbers:
        raise RejectedError(ReasonCode.NO_NUMBER_OF_REPRESENTATIVE, borrower=reported.borrower)
    return sorted(set(numbers))


def _number(connection: Connection, record: LockedBorrower, reported: ReportedFact) -> bytes | None:
    """The number that is the place, if one is."""
    if reported.place is not Location.NUMBER:
        return None
    numbers = blind_indexes_of(connection, record.id)
    return number_at(numbers, reported.borrower, reported.which_number) if numbers else None


def _reaching(fact: PersonFact) -> ReachingFact:
    """How far a law lets a fact reach that names one loan."""
    return ReachingFact.CEASED if fact is PersonFact.CEASED else ReachingFact.REPRESENTED
