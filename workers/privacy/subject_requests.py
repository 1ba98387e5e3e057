"""Requests of a data subject: a copy of all data about them, and its erasure.

PIPL art. 45 and 47; GDPR art. 15 and 17.
"""

import logging
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from domain.access_log import Opened
from domain.compliance.retention import RetentionPeriod
from domain.errors import ArrearsError, text_of
from domain.permissions import Permission
from domain.plain_text import assert_says_something
from workers.access.permitted import permitted
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context
from workers.db.access_log import note_access
from workers.db.free_text import TYPED, keep_words
from workers.db.persons import record_named
from workers.db.schema import erasure, loan
from workers.privacy.erase_events import lock_pending_events
from workers.privacy.erasure import erase, lock_borrowers, note_erasure
from workers.privacy.retention import read_keeping
from workers.privacy.subject_export import read_subject_data

log = logging.getLogger(__name__)


@permitted(Permission.EXPORT_DATA)
def export_subject(ctx: Context, external_id: str, *, purpose: str) -> dict[str, Any]:
    """All data about a borrower, decrypted. The access is recorded for each of their loans.

    `purpose` says what the copy is for.

    Raises:
        ArrearsError: the borrower is not known, or none of the keys decrypts a value.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        borrower_id = _borrower_id(connection, external_id)
        facts = {"borrower": external_id}
        what = text_of("Export all data about a person.")
        asked = ToGrant(Permission.EXPORT_DATA, what, facts, {"purpose": purpose})
        with_second_person(connection, ctx, asked, borrower_id=borrower_id)
        purpose_id = keep_words(connection, ctx.cipher, purpose, now, borrower_id=borrower_id)
        loans = select(loan.c.id).where(loan.c.borrower_id == borrower_id).order_by(loan.c.id)
        for loan_id in list(connection.execute(loans).scalars()) or [None]:
            note_access(
                connection,
                loan_id,
                Opened.EVERYTHING,
                ctx.actor,
                now,
                borrower_id=borrower_id,
                purpose_id=purpose_id,
            )
        stored = read_subject_data(connection, ctx.cipher, borrower_id)
    log.info("borrower %s: all stored data was opened by %s", external_id, ctx.actor)
    return {
        "borrower": external_id,
        "opened_at": now,
        "opened_by": ctx.actor.reference,
        "purpose": purpose,
        "data": stored,
    }


@permitted(Permission.ERASE_DATA)
def erase_subject(
    ctx: Context, external_id: str, *, why: str, law: str | None = None, dry_run: bool
) -> RetentionPeriod:
    """Erase the personal data of a borrower who asks for it; evidence of what was done stays.

    Refused while a loan is open, and while a rule requires to keep the data. `law` names what
    requires the erasure in spite of such a rule, for example a court order; then only an open loan
    prevents it. Returns the retention decision that it is based on.

    Raises:
        ArrearsError: it is refused or was done before, the borrower is not known, or `law` says
            nothing.
    """
    now = ctx.now()
    assert_says_something("--law", law)
    with ctx.engine.begin() as connection:
        borrower_id = _borrower_id(connection, external_id)
        lock_pending_events(connection, [borrower_id])
        lock_borrowers(connection, [borrower_id], wait=True)
        periods = read_keeping(connection, ctx, [borrower_id])
        if not periods:
            raise _erased_before(connection, borrower_id, external_id, ctx)
        keeping = periods[0].keeping
        if keeping.open_loan or not (law or keeping.is_over(ctx.today())):
            raise _refusal(external_id, keeping)
        if not dry_run:
            facts = {
                "borrower": external_id,
                "must be kept until": keeping.until,
                "by the rules": keeping.rules,
                "of no rule is the loan": keeping.unruled_loan,
                "a law or a court asks for it sooner": not keeping.is_over(ctx.today()),
            }
            what = text_of("Erase all data about a person.")
            asked = ToGrant(Permission.ERASE_DATA, what, facts, {"why": why, "law": law})
            with_second_person(connection, ctx, asked, borrower_id=borrower_id)
            erase(connection, [borrower_id], now)

            def keep(words: str) -> UUID:
                return keep_words(connection, ctx.cipher, words, now, borrower_id=borrower_id)

            note_erasure(
                connection,
                borrower_id,
                ctx.actor,
                TYPED,
                now,
                kept=keeping,
                why_id=keep(why),
                law_id=keep(law) if law else None,
            )
            log.info("borrower %s: what was held was erased by %s", external_id, ctx.actor)
    return keeping


def _borrower_id(connection: Connection, external_id: str) -> int:
    found = record_named(connection, external_id)
    if found is None:
        raise ArrearsError(
            "Borrower {external_id} is not known. It is the lender's id of the person, "
            "as the loan tape has it, and not that of a loan.",
            external_id=external_id,
        )
    return found


def _refusal(external_id: str, keeping: RetentionPeriod) -> ArrearsError:
    if keeping.open_loan:
        return ArrearsError(
            "Loan {loan} of borrower {borrower} is open: something of it is not paid, or a dispute "
            "or a complaint is not answered. Nothing is erased until it is paid or written off, "
            "and answered.",
            loan=keeping.open_loan,
            borrower=external_id,
        )
    if keeping.unruled_loan:
        return ArrearsError(
            "No rule pack says how long what is held about loan {loan} of borrower {borrower} must "
            "be kept, so it is kept. If a law or a court asks for the erasure, name it with --law.",
            loan=keeping.unruled_loan,
            borrower=external_id,
        )
    return ArrearsError(
        "What is held about borrower {borrower} must be kept until {until} ({rules}). From the day "
        "after it can be erased, and is by itself. If a law or a court asks for it sooner, name it "
        "with --law.",
        borrower=external_id,
        until=keeping.until,
        rules=", ".join(keeping.rules),
    )


def _erased_before(
    connection: Connection, borrower_id: int, external_id: str, ctx: Context
) -> ArrearsError:
    last = connection.execute(
        select(erasure.c.at, erasure.c.actor)
        .where(erasure.c.borrower_id == borrower_id)
        .order_by(erasure.c.id.desc())
        .limit(1)
    ).one()
    on = last.at.astimezone(ctx.settings.lender_zone).date()
    return ArrearsError(
        "What was held about borrower {borrower} was erased on {on} by {actor}.",
        borrower=external_id,
        on=on,
        actor=last.actor,
    )
