"""What a person may ask for: all that is held about them, and that it be erased.

PIPL art. 45 and 47; GDPR art. 15 and 17.
"""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Connection, select

from domain.access_log import Opened
from domain.actors import Actor
from domain.compliance.retention import RetentionPeriod
from domain.errors import ArrearsError
from workers.context import Context
from workers.db.access_log import note_access
from workers.db.schema import borrower, erasure, loan
from workers.db.staff import roles_of
from workers.privacy.erasure import erase, lock_borrowers, note_erasure
from workers.privacy.retention import read_keeping
from workers.privacy.subject_export import everything_about

log = logging.getLogger(__name__)


def export_subject(ctx: Context, external_id: str, *, actor: Actor, purpose: str) -> dict[str, Any]:
    """All that is held about a borrower, opened. The look is put on record of each of their loans.

    `by` is the reference of somebody on the roster; `purpose` says what it is handed out for.

    Raises:
        ArrearsError: the borrower or `by` is not known, or none of the keys opens something.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        roles_of(connection, actor)
        borrower_id = _known(connection, external_id)
        loans = select(loan.c.id).where(loan.c.borrower_id == borrower_id).order_by(loan.c.id)
        for loan_id in list(connection.execute(loans).scalars()) or [None]:
            note_access(
                connection,
                loan_id,
                Opened.EVERYTHING,
                actor,
                now,
                borrower_id=borrower_id,
                purpose=purpose,
            )
        held = everything_about(connection, ctx.cipher, borrower_id)
    log.info("borrower %s: all that is held was opened by %s", external_id, actor)
    return {
        "borrower": external_id,
        "opened_at": now,
        "opened_by": actor.reference,
        "purpose": purpose,
        "held": held,
    }


def erase_subject(
    ctx: Context, external_id: str, *, actor: Actor, why: str, law: str | None = None, dry_run: bool
) -> RetentionPeriod:
    """Erase what is held about a borrower who asks for it; the evidence of what was done stays.

    Refused while a loan is open, and while it must be kept. `law` names what asks for it although
    it must be kept, such as a court's order: then only an open loan stands in the way. Returns what
    it rested on.

    Raises:
        ArrearsError: it is refused, was done before, or the borrower or `by` is not known.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        roles_of(connection, actor)
        borrower_id = _known(connection, external_id)
        lock_borrowers(connection, [borrower_id], wait=True)
        held = read_keeping(connection, ctx, [borrower_id])
        if not held:
            raise ArrearsError(_erased_before(connection, borrower_id, external_id, ctx))
        kept = held[0].keeping
        if kept.open_loan or not (law or kept.is_over(ctx.today())):
            raise ArrearsError(_refusal(external_id, kept))
        if not dry_run:
            erase(connection, [borrower_id], now)
            note_erasure(connection, borrower_id, actor, why, now, kept=kept, law=law)
            log.info("borrower %s: what was held was erased by %s", external_id, actor)
    return kept


def _known(connection: Connection, external_id: str) -> int:
    found: int | None = connection.execute(
        select(borrower.c.id).where(borrower.c.external_id == external_id)
    ).scalar()
    if found is None:
        raise ArrearsError(
            f"Borrower {external_id} is not known. It is the lender's id of the person, as the "
            "loan tape has it, and not that of a loan."
        )
    return found


def _refusal(external_id: str, kept: RetentionPeriod) -> str:
    if kept.open_loan:
        return (
            f"Loan {kept.open_loan} of borrower {external_id} is open: something of it is not "
            "paid. Nothing is erased until it is paid or written off."
        )
    if kept.unruled_loan:
        return (
            f"No rule pack says how long what is held about loan {kept.unruled_loan} of borrower "
            f"{external_id} must be kept, so it is kept. If a law or a court asks for the "
            "erasure, name it with --law."
        )
    return (
        f"What is held about borrower {external_id} must be kept until {kept.until} "
        f"({', '.join(kept.rules)}). From the day after it can be erased, and is by itself. If a "
        "law or a court asks for it sooner, name it with --law."
    )


def _erased_before(connection: Connection, borrower_id: int, external_id: str, ctx: Context) -> str:
    last = connection.execute(
        select(erasure.c.at, erasure.c.actor)
        .where(erasure.c.borrower_id == borrower_id)
        .order_by(erasure.c.id.desc())
        .limit(1)
    ).one()
    on = last.at.astimezone(ctx.settings.lender_zone).date()
    return f"What was held about borrower {external_id} was erased on {on} by {last.actor}."
