"""Opt-outs: a borrower asked not to be contacted by one channel, or at all."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.events import NotYetError, RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.loans import insert_opt_out
from workers.db.schema import borrower, loan
from workers.escalation.reassess import reassess


def record_opt_out(
    connection: Connection, ctx: Context, external_id: str, channel: Channel | None, actor: Actor
) -> Reasons:
    """Never contact a borrower through `channel` again. None: through no channel at all.

    In the caller's transaction. Returns what came of it. Only the borrower can take this
    back, by a text that says START. Legal files stay possible: they contact nobody.

    Raises:
        NotYetError: the borrower is not known.
        RejectedError: what was held about the borrower was erased.
    """
    now = ctx.now()
    person = connection.execute(
        select(borrower.c.id, borrower.c.ceased_at, borrower.c.erased_at)
        .where(borrower.c.external_id == external_id)
        .with_for_update()
    ).one_or_none()
    if person is None:
        raise NotYetError(ReasonCode.BORROWER_NOT_KNOWN, borrower=external_id, event="opt_out")
    if person.erased_at is not None:
        raise RejectedError(ReasonCode.BORROWER_WAS_ERASED, borrower=external_id)
    if channel is None:
        connection.execute(
            update(borrower)
            .where(borrower.c.id == person.id, borrower.c.ceased_at.is_(None))
            .values(ceased_at=now)
        )
        result = because(ReasonCode.NOBODY_CONTACTS, borrower=external_id)
    else:
        insert_opt_out(connection, person.id, channel, actor, now)
        result = because(ReasonCode.NOT_REACHED_BY, borrower=external_id, channel=channel)
    loans = connection.execute(
        select(loan.c.id)
        .where(loan.c.borrower_id == person.id)
        .order_by(loan.c.id)
        .with_for_update()
    ).scalars()
    reassess(connection, ctx, list(loans), now)
    return result
