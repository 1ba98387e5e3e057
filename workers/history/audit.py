"""What happened to the records themselves: the tapes with the loan, accesses and erasures."""

from collections.abc import Iterator
from datetime import date, tzinfo
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, any_, func, or_, select

from domain.events import shown_actor
from domain.language.phrases import Phrase
from domain.language.render import Entry, Part, part
from domain.second_person import BREAK_GLASS, RequestStatus
from workers.db.schema import access, borrower, erasure, reply, tape_change, tape_import
from workers.db.schema import second_person_request as request
from workers.history.loan import ExplainedLoan, of_loan


def tapes(connection: Connection, subject: ExplainedLoan, zone: tzinfo) -> Iterator[Entry]:
    """Each tape that changed the loan: its file, its date, and the arrears before and after."""
    changes = of_loan(tape_change, subject).add_columns(
        tape_import.c.file_name, tape_import.c.as_of
    )
    for row in connection.execute(changes.join(tape_import)):
        on = row.at.astimezone(zone).date()
        after = _standing(row.delinquent_since_after, row.past_due_after, on, subject.currency)
        facts: dict[str, Any] = {"file": row.file_name, "as_of": row.as_of, "after": after}
        if row.past_due_before is None:
            yield Entry(row.at, (part(Phrase.TAPE_BROUGHT_IN, **facts),))
            continue
        before = _standing(row.delinquent_since_before, row.past_due_before, on, subject.currency)
        if before == after:
            yield Entry(row.at, (part(Phrase.TAPE_CHANGED_NOTHING_DUE, **facts),))
        else:
            yield Entry(row.at, (part(Phrase.TAPE_CHANGED, **facts, before=before),))


def accesses(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each access to personal data: of the loan, of its replies, or all of its borrower's.

    A purpose that somebody typed is free text, and is left out.
    """
    # An array, which an index can be searched for; rows of a subquery beside an OR cannot.
    of_reply = func.array(select(reply.c.id).where(reply.c.loan_id == subject.id).scalar_subquery())
    rows = connection.execute(
        select(access)
        .where(
            or_(
                access.c.loan_id == subject.id,
                access.c.reply_id == any_(of_reply),
                access.c.loan_id.is_(None) & (access.c.borrower_id == subject.borrower_id),
            )
        )
        .order_by(access.c.id)
    )
    for row in rows:
        actor = shown_actor(row.actor, row.machine) if row.machine else row.actor
        opened = part(Phrase(f"opened_{row.what}"), actor=actor, item=row.item)
        yield Entry(row.at, (opened,))


def erasures(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    rows = connection.execute(
        select(erasure.c.at, erasure.c.actor)
        .where(erasure.c.borrower_id == subject.borrower_id)
        .order_by(erasure.c.id)
    )
    for row in rows:
        yield Entry(row.at, (part(Phrase.ERASED, actor=row.actor),))


def second_persons(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Who asked for what was done to the loan or its borrower, and who granted it."""
    owed_by = select(borrower.c.external_id).where(borrower.c.id == subject.borrower_id)
    rows = connection.execute(
        select(request)
        .where(
            request.c.status == RequestStatus.DONE,
            or_(
                request.c.loan == subject.external_id,
                request.c.borrower == owed_by.scalar_subquery(),
            ),
        )
        .order_by(request.c.id)
    )
    for row in rows:
        stands_in = row.decided_by.startswith(BREAK_GLASS)
        yield Entry(
            row.decided_at,
            (
                part(
                    Phrase.GRANTED_BY_STAND_IN if stands_in else Phrase.GRANTED_BY,
                    actor=row.asked_by,
                    asked_for=row.permission,
                    granted_by=row.decided_by.removeprefix(BREAK_GLASS),
                ),
            ),
        )


def _standing(delinquent_since: date | None, past_due: Decimal, on: date, currency: str) -> Part:
    if delinquent_since is None:
        return part(Phrase.NOTHING_DUE)
    days = (on - delinquent_since).days
    return part(Phrase.STANDING, days_past_due=days, past_due=past_due, currency=currency)
