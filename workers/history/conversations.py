"""What people did around conversations: whom they confirmed, whose work was taken over, and what
was owed after one."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from domain.language.phrases import Phrase
from domain.language.render import Entry, part
from workers.db.schema import contact, duty, loan_party, party_check, work_lease, work_takeover
from workers.history.loan import ExplainedLoan, by_whom_and_why


def who_owes(connection: Connection, subject: ExplainedLoan) -> list[int]:
    """The records of the borrower and of who else owes the loan, or owed it."""
    parties = select(loan_party.c.borrower_id).where(loan_party.c.loan_id == subject.id)
    return [subject.borrower_id, *connection.execute(parties).scalars()]


def confirmations(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each time that answers were compared with what is on record, in a conversation about it."""
    rows = connection.execute(
        select(party_check)
        .join(contact, contact.c.id == party_check.c.contact_id)
        .where(
            party_check.c.borrower_id.in_(who_owes(connection, subject)),
            contact.c.loan_id == subject.id,
        )
        .order_by(party_check.c.id)
    )
    for row in rows:
        phrase = Phrase.PERSON_CONFIRMED if row.passed else Phrase.PERSON_NOT_CONFIRMED
        right = {"actor": row.actor, "right": len(row.matched), "asked": len(row.questions)}
        yield Entry(row.at, (part(phrase, **right),))


def takeovers(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each time that somebody's work about the loan was given to somebody else by a person."""
    rows = connection.execute(
        select(work_takeover)
        .join(work_lease, work_lease.c.id == work_takeover.c.work_lease_id)
        .where(
            work_lease.c.borrower_id.in_(who_owes(connection, subject)),
            work_lease.c.loan_id == subject.id,
        )
        .order_by(work_takeover.c.id)
    )
    for row in rows:
        who = {"actor": row.actor, "before": row.taken_from, "after": row.given_to}
        taken = part(Phrase.WORK_TAKEN_OVER, **who)
        yield Entry(row.at, (taken, *by_whom_and_why(None, row.why_id)))


def duties(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """What somebody owed after a conversation, or where a notice could not reach anybody: by when,
    and when it was done or not owed any more."""
    of_loan = select(duty).where(duty.c.loan_id == subject.id).order_by(duty.c.id)
    for row in connection.execute(of_loan):
        what = {"outcome": row.outcome} if row.outcome else {}
        if row.staff:
            phrase = Phrase.OWES if what else Phrase.OWES_NOTICE
            owed = part(phrase, staff=row.staff, due_at=row.due_at, **what)
        else:
            phrase = Phrase.OWED_BY if what else Phrase.NOTICE_OWED_BY
            owed = part(phrase, owner=row.owner, due_at=row.due_at, **what)
        yield Entry(row.made_at, (owed,))
        if row.ended_at is not None:
            phrase = Phrase.OWED_NO_MORE if what else Phrase.NOTICE_OWED_NO_MORE
            yield Entry(row.ended_at, (part(phrase, actor=row.ended_by, **what),))
