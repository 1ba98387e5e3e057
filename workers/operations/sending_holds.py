"""Sending holds: a person stops sending on the server, and two persons let it go on."""

import logging
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, func, select, update

from domain.actions import SEND_SMS, ActionStatus
from domain.actors import ActorKind
from domain.compliance.rules import EVERYWHERE
from domain.compliance.vocabulary import OF_LENDER, country_of
from domain.errors import ArrearsError, text_of
from domain.permissions import Permission
from domain.reasons import ReasonCode, because
from domain.sending import OF_COUNTER, Scope, SendingScope, StoppedBecause
from workers.access.os_account import os_account
from workers.access.permitted import permitted
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context
from workers.db.free_text import keep_words
from workers.db.recoveries import is_recovered
from workers.db.schema import action, loan, sending_hold
from workers.db.sending_holds import SendingHold, read_sending_holds, set_sending_hold

log = logging.getLogger(__name__)


class Stopped(NamedTuple):
    """What came of stopping."""

    is_new: bool
    """False: somebody had stopped it before."""
    on_the_way: int
    """Texts that were claimed before, and may still go out within seconds."""


@permitted(Permission.MEND_OPERATIONS)
def stop_sending(ctx: Context, scope: Scope, why: str) -> Stopped:
    """Stop sending until two persons resume it. Everything is still decided.

    Raises:
        ArrearsError: no loan, no ladder or no rule pack has what is to be stopped.
    """
    is_person = ctx.actor.kind is ActorKind.STAFF
    account = ctx.actor.reference if is_person else os_account()
    with ctx.engine.begin() as connection:
        _assert_known(connection, ctx, scope)
        id, now = uuid4(), ctx.now()
        reason = because(ReasonCode.SENDING_STOPPED, why_id=id)
        person = StoppedBecause.PERSON
        is_new = set_sending_hold(connection, person, reason, account, now, scope=scope)
        if is_new:
            keep_words(connection, ctx.cipher, why, now, id=id)
        claimed = select(func.count()).where(
            action.c.type == SEND_SMS, action.c.status == ActionStatus.CLAIMED
        )
        on_the_way = connection.execute(claimed).scalar_one()
    log.critical("sending was stopped by %s: %s", account, scope)
    return Stopped(is_new, on_the_way)


@permitted(Permission.RESUME_SENDING)
def resume_sending(ctx: Context, id: int) -> SendingHold:
    """End a sending hold: what it kept back is claimed now. Returns it as it was.

    Raises:
        SecondPersonNeededError: another person has not granted it yet.
        ArrearsError: there is no such hold, or it has ended.
    """
    with ctx.engine.begin() as connection:
        found = read_sending_hold(connection, ctx, id)
        _assert_recovered(connection, found)
        facts = {
            "hold": id,
            "of": str(Scope(found.scope, found.subject)),
            "stopped at": found.set_at.astimezone(ctx.settings.lender_zone),
            "because": found.why,
        }
        asked = ToGrant(Permission.RESUME_SENDING, text_of("Resume sending."), facts)
        with_second_person(connection, ctx, asked)
        connection.execute(
            update(sending_hold)
            .where(sending_hold.c.id == id, sending_hold.c.resumed_at.is_(None))
            .values(resumed_at=ctx.now(), resumed_by=ctx.actor.reference)
        )
    log.critical("sending was resumed by %s: hold %s", ctx.actor, id)
    return found


def _assert_recovered(connection: Connection, hold: SendingHold) -> None:
    """What the sending counter stopped goes on after a recovery only.

    Raises:
        ArrearsError: none has finished since it was stopped.
    """
    if hold.cause in OF_COUNTER and not is_recovered(connection, hold.set_at):
        raise ArrearsError(
            "Sending hold {id} shows that the database may be older than what was sent. Run "
            "`arrears recover` first; if no backup was restored, with --nothing-restored. Then "
            "resume it.",
            id=hold.id,
        )


def read_sending_hold(connection: Connection, ctx: Context, id: int) -> SendingHold:
    """A sending hold that stops something now.

    Raises:
        ArrearsError: there is no such hold, or it has ended.
    """
    holds = read_sending_holds(connection, ctx.settings.lender_zone)
    if (found := next((hold for hold in holds if hold.id == id), None)) is None:
        raise ArrearsError(
            "No sending hold {id} stops anything. `arrears sending list` shows those that do.",
            id=id,
        )
    return found


def _assert_known(connection: Connection, ctx: Context, scope: Scope) -> None:
    """A misspelt name would stop nothing."""
    match scope.kind:
        case SendingScope.CHANNEL:
            known = set(map(str, OF_LENDER))
        case SendingScope.LADDER:
            known = {ladder.id for ladder in ctx.policy.ladders}
        case SendingScope.JURISDICTION:
            of_loans = connection.execute(select(loan.c.jurisdiction).distinct()).scalars()
            known = {pack.jurisdiction for pack in ctx.policy.rule_packs} | set(of_loans)
            known |= set(map(country_of, known))
            known.discard(EVERYWHERE)
        case SendingScope.ALL:
            return
    if scope.subject not in known:
        raise ArrearsError(
            "No {scope} is called {subject}. Those known are {known}.",
            scope=scope.kind,
            subject=scope.subject,
            known=", ".join(sorted(known)),
        )
