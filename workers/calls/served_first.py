"""Whom somebody may call: those whom they were served. Nobody chooses."""

from collections.abc import Sequence
from datetime import datetime

from domain.actors import Actor, ActorKind
from domain.errors import ArrearsError, NotServedError
from domain.permissions import Permission, may
from workers.context import Context
from workers.db.work_leases import Lease


def refuse_anothers(leases: Sequence[Lease], actor: Actor, now: datetime) -> None:
    """Refuse a call to a person whom a colleague was served and is at.

    Raises:
        ArrearsError: so it is.
    """
    for lease in leases:
        if lease.staff != actor.reference and lease.until > now:
            raise ArrearsError(
                "{staff} was served this person and is at it until {until} or longer. A supervisor "
                "may take it over.",
                staff=lease.staff,
                until=lease.until.astimezone(now.tzinfo),
            )


def refuse_unserved(
    ctx: Context, leases: Sequence[Lease], person_id: int, loan: str, actor: Actor, now: datetime
) -> None:
    """Refuse the call of a person whom `actor` was not served.

    Whatever they were served about the person counts: it is one conversation. A dialer serves its
    collectors by its own order, and who may hand on calls may help out; but nobody leaves the
    person whom they are at.

    Raises:
        NotServedError: `actor` was not served the person, or is at somebody else.
    """
    own = next((lease for lease in leases if lease.staff == actor.reference), None)
    if own is not None and own.person_id == person_id:
        return
    if own is not None and not own.finished and own.until > now:
        raise NotServedError(
            "{staff} was served somebody else and is at it until {until} or longer. Finish that "
            "work, or give it back, before the call of loan {loan}.",
            staff=actor.reference,
            until=own.until.astimezone(now.tzinfo),
            loan=loan,
        )
    if ctx.actor.kind is ActorKind.STAFF and not may(ctx.actor, Permission.HAND_ON_CALLS):
        raise NotServedError(
            "You were not served the call of loan {loan}. Ask for your next work, and call whom "
            "you are given.",
            loan=loan,
        )
