"""Erase the personal data of a person, and keep the evidence of what was done.

Erased: the name, the numbers, the address, the bodies of texts, letters and replies, and the
reasons that people typed. Kept: ids, dates, decisions, contacts, receipts, payments, and the record
of the erasure.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, text, update

from domain.actors import Actor, ActorKind
from domain.compliance.retention import RetentionPeriod
from domain.contact_points import NumberFact
from domain.reasons import ReasonCode
from workers.context import Context
from workers.db.closed_numbers import close_number
from workers.db.numbers import forget_points, points_called, points_of
from workers.db.parties import loans_of
from workers.db.persons import lock_loans
from workers.db.problems import note_problem, resolve_problems
from workers.db.schema import (
    action,
    arrangement,
    borrower,
    borrower_number,
    complaint,
    contact,
    dispute,
    document,
    erasure,
    former_number,
    loan,
    loan_party,
    message,
    person,
    person_fact,
    representative,
    tape_row,
)
from workers.db.schema import reply as reply_table
from workers.failures import TRANSIENT_ERRORS, log_summary, reason_of_failure
from workers.privacy.erase_events import erase_events, erase_unread_texts, lock_pending_events
from workers.privacy.free_text import erase_free_text
from workers.privacy.retention import BorrowerRetention, next_page, read_keeping

log = logging.getLogger(__name__)

ERASURE_TASK = Actor("erase_expired_data", ActorKind.SYSTEM)
RETENTION_ENDED = "retention_ended"
ERASURE_FAILED = "erasure_failed"


@dataclass(frozen=True, slots=True)
class Erased:
    """The result of one run."""

    borrowers: int
    go_on_after: int | None
    """The borrower id after which the next run continues; None: the run reached the end."""


def erase_expired_data(ctx: Context, after: int = 0) -> Erased:
    """Erase the borrowers of the next page whose retention period has ended.

    It may run twice, or twice at once: borrowers are locked and checked again before the erasure,
    and an erased borrower is never selected again.
    """
    with ctx.engine.begin() as connection:
        page = next_page(connection, after)
    try:
        erased = _erase_due(ctx, page)
    except TRANSIENT_ERRORS:
        raise
    except Exception as error:
        log.warning("%s borrowers are looked at one by one: %s", len(page), log_summary(error))
        erased = sum(_erase_one(ctx, id) for id in page)
    return Erased(erased, page[-1] if page else None)


def _erase_due(ctx: Context, ids: Sequence[int]) -> int:
    """Erase those of these borrowers whose retention period has ended; returns how many."""
    with ctx.engine.begin() as connection:
        due = [row.id for row in _expired(read_keeping(connection, ctx, ids), ctx)]
        lock_pending_events(connection, due)
        locked = lock_borrowers(connection, due)
        expired = _expired(read_keeping(connection, ctx, locked), ctx)
        now = ctx.now()
        erase(connection, [subject.id for subject in expired], now)
        for subject in expired:
            note_erasure(
                connection, subject.id, ERASURE_TASK, RETENTION_ENDED, now, kept=subject.keeping
            )
    for subject in expired:
        log.info("borrower %s: what was held was erased", subject.borrower)
    return len(expired)


def _erase_one(ctx: Context, borrower_id: int) -> int:
    """Erase one borrower if it is time; if that fails, their loans have the problem from then."""
    try:
        erased = _erase_due(ctx, [borrower_id])
    except TRANSIENT_ERRORS:
        raise
    except Exception as error:
        log.error("borrower row %s cannot be erased: %s", borrower_id, log_summary(error))
        reason = reason_of_failure(error, ReasonCode.ERASURE_FAILED)
        with ctx.engine.begin() as connection:
            for loan_id in _loans_of(connection, borrower_id):
                note_problem(connection, loan_id, ERASURE_FAILED, reason, ctx.now())
        return 0
    with ctx.engine.begin() as connection:
        loan_ids = _loans_of(connection, borrower_id)
        resolve_problems(connection, loan_ids, (ERASURE_FAILED,), ctx.now())
    return erased


def _loans_of(connection: Connection, borrower_id: int) -> list[int]:
    return [row.id for row in connection.execute(loans_of([borrower_id]))]


def lock_borrowers(
    connection: Connection, ids: Sequence[int], *, wait: bool = False
) -> Sequence[int]:
    """Lock the borrowers that nobody else has locked, and their loans, in the order of a claim.

    With `wait`, all of them. Returns the ids of the locked borrowers.
    """
    locked = (
        connection.execute(
            select(borrower.c.id)
            .join(person, person.c.id == borrower.c.person_id)
            .where(borrower.c.id.in_(ids))
            .order_by(person.c.id, borrower.c.id)
            .with_for_update(of=(person, borrower), key_share=True, skip_locked=not wait)
        )
        .scalars()
        .all()
    )
    lock_loans(connection, loan.c.id.in_(loans_of(locked)))
    return locked


def erase(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Erase the personal data of these locked borrowers, after `lock_pending_events`.

    Nothing can contact them after it: without a number, an address and a zone the gate allows
    nothing. A request for no contact at all is kept as a fact of the keyed hashes of their numbers
    and addresses, as an opt-out by text is: it counts if they come back under another id.
    """
    if not ids:
        return
    points = points_of(connection, ids)
    wanted_none = _points_that_want_none(connection, ids)
    # And those of third parties who were asked where the borrower is.
    points += points_called(connection, ids)
    contacts = select(contact.c.id).where(contact.c.borrower_id.in_(ids))
    for_them = select(loan_party.c.id).where(loan_party.c.borrower_id.in_(ids))
    actions = (
        select(action.c.id)
        .join(loan)
        .where(loan.c.borrower_id.in_(ids), action.c.party_id.is_(None))
        .union(select(action.c.id).where(action.c.party_id.in_(for_them)))
    )
    arranged = (
        select(arrangement.c.id)
        .join(loan, loan.c.id == arrangement.c.loan_id)
        .where(loan.c.borrower_id.in_(ids))
    )
    # Before the replies: a text that a worker has just applied is one of them.
    erase_unread_texts(connection, ids, now)
    erase_events(connection, ids, now)
    for table, rows in (
        (message, message.c.contact_id.in_(contacts)),
        (reply_table, reply_table.c.borrower_id.in_(ids)),
        (document, document.c.action_id.in_(actions)),
        (document, document.c.arrangement_id.in_(arranged)),
    ):
        not_empty = table.c.body_encrypted.is_not(None)
        connection.execute(update(table).where(rows, not_empty).values(body_encrypted=None))
    for answered in (dispute, complaint):
        theirs = answered.c.borrower_id.in_(ids) & answered.c.letter_encrypted.is_not(None)
        connection.execute(update(answered).where(theirs).values(letter_encrypted=None))
    _erase_representatives(connection, ids)
    erase_free_text(connection, ids)
    connection.execute(
        update(borrower)
        .where(borrower.c.id.in_(ids))
        .values(
            name_encrypted=None,
            address_encrypted=None,
            address_point_id=None,
            name_digest=None,
            tape_digests={},
            zones=[],
            region=None,
            updated_at=now,
            erased_at=now,
        )
    )
    # Their rows on tapes, and with them what the next tape says, are compared as before.
    connection.execute(delete(tape_row).where(tape_row.c.loan_id.in_(loans_of(ids))))
    for numbers in (borrower_number, former_number):
        connection.execute(delete(numbers).where(numbers.c.borrower_id.in_(ids)))
    for blind_index in wanted_none:
        close_number(connection, blind_index, NumberFact.REFUSED, ERASURE_TASK, now)
    _erase_points(connection, ids, points)


# Who asked for no contact may come back under another id, and nobody knows them by name then.
_WANT_NONE = text("""
WITH wish AS (
    SELECT e.id, e.address_point_id, bool_or(f.kind = 'ceased') AS ceased
      FROM borrower e JOIN borrower r ON r.person_id = e.person_id
           JOIN person_fact f ON f.borrower_id = r.id
     WHERE e.id = ANY(:ids) AND f.ended_at IS NULL AND f.loan_id IS NULL
       AND (f.kind = 'ceased' OR f.kind = 'no_channel' AND f.channel = 'visit')
     GROUP BY e.id)
SELECT n.id, n.blind_index
  FROM wish JOIN borrower_number x ON x.borrower_id = wish.id AND wish.ceased
       JOIN contact_point n ON n.id = x.contact_point_id
 UNION
-- One that they had before, if nobody else has it now.
SELECT n.id, n.blind_index
  FROM wish JOIN former_number x ON x.borrower_id = wish.id AND wish.ceased
       JOIN contact_point n ON n.id = x.contact_point_id
 WHERE NOT EXISTS (SELECT FROM borrower_number o
                    WHERE o.contact_point_id = n.id AND o.borrower_id <> ALL(:ids))
 UNION
SELECT n.id, n.blind_index
  FROM wish JOIN contact_point n ON n.id = wish.address_point_id
 WHERE NOT EXISTS (SELECT FROM borrower o
                    WHERE o.address_point_id = n.id AND o.id <> ALL(:ids))
 ORDER BY id
""")


def _points_that_want_none(connection: Connection, ids: Sequence[int]) -> list[bytes]:
    """The numbers and the addresses of who asked for no contact at all, and the addresses of who
    asked for no visit; by id, as they are locked.

    An address that somebody else has too is left out: it may be that of a whole house.
    """
    rows = connection.execute(_WANT_NONE, {"ids": list(ids)})
    return [row.blind_index for row in rows]


def _erase_representatives(connection: Connection, ids: Sequence[int]) -> None:
    """Forget who acts for these borrowers; that somebody does stays."""
    facts = select(person_fact.c.id).where(person_fact.c.borrower_id.in_(ids))
    connection.execute(
        update(representative)
        .where(representative.c.person_fact_id.in_(facts))
        .values(
            name_encrypted=None,
            phone_encrypted=None,
            phone_blind_index=None,
            address_encrypted=None,
            zones=[],
        )
    )


def _erase_points(connection: Connection, ids: Sequence[int], points: Sequence[int]) -> None:
    """Forget the numbers and addresses that nobody has any more."""
    # A text that nobody has read still puts off the texts to its number, whoever has it.
    was_read = ~reply_table.c.to_read | reply_table.c.handled_at.is_not(None)
    connection.execute(
        update(reply_table)
        .where(reply_table.c.borrower_id.in_(ids), was_read)
        .values(contact_point_id=None)
    )
    forget_points(connection, points)


def note_erasure(
    connection: Connection,
    borrower_id: int,
    actor: Actor,
    why: str,
    now: datetime,
    *,
    kept: RetentionPeriod,
    why_id: UUID | None = None,
    law_id: UUID | None = None,
) -> None:
    """Record the erasure of a borrower's data, and the rules that it is based on.

    `why` is a code; `why_id` and `law_id` are the ids of what a person typed instead.
    """
    connection.execute(
        insert(erasure).values(
            borrower_id=borrower_id,
            at=now,
            actor=actor.reference,
            actor_kind=actor.kind,
            why=why,
            why_id=why_id,
            law_id=law_id,
            rules=list(kept.rules),
            kept_until=kept.until,
        )
    )


def _expired(candidates: Iterable[BorrowerRetention], ctx: Context) -> list[BorrowerRetention]:
    return [candidate for candidate in candidates if candidate.keeping.is_over(ctx.today())]
