"""An event that a person reports: stored and applied at once, in one transaction."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from domain.actors import Actor, ActorKind
from domain.currencies import decimal_string
from domain.errors import (
    AppliedOtherwiseError,
    KeptAsRejectedError,
    RefusedError,
)
from domain.events import (
    InboxStatus,
    NotYetError,
    RejectedError,
    sender_of,
)
from domain.language.speak import speak
from domain.lately import earliest_reported
from domain.loans import Component
from domain.permissions import needs_second_person
from domain.reasons import ReasonCode, Reasons, because, changed_nothing
from workers.access.may_handle import assert_may_report
from workers.access.permitted import permitted
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context
from workers.db.free_text import WHY, sealed, unsealed
from workers.db.schema import instalment, loan
from workers.inbox.apply import EventResult, apply_in
from workers.inbox.kinds import EVENT_KINDS
from workers.inbox.store import permission_of_event, store_event


@permitted(permission_of_event)
def submit(
    ctx: Context,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    *,
    dry_run: bool = False,
    may_wait: bool = True,
    check: Callable[[Connection], None] | None = None,
) -> EventResult:
    """Store an event that a person reports and apply it, in one transaction.

    - An event that can never be applied is not stored: the person sees the error at once.
    - An event that was stored before keeps the contents that it had.
    - An event that was applied before changes nothing, and its result says what is true now. So it
      is with other contents under an id that nobody chose, as of a second write-off of a loan.

    A dry run stores and changes nothing. With `may_wait` false, nothing is stored while something
    named is unknown. `check` is asked before anything is stored, and refuses what its door does not
    take.

    Raises:
        SecondPersonNeededError: another person has not granted it yet, and one must.
        RefusedError: whoever reports it must not handle the person; it can never be applied as it
            is; a day in it lies so far back that its year was mistyped; a person discarded it; it
            names something unknown and may not wait, or a second person is needed; or it was
            applied already, and says otherwise now.
        AppliedOtherwiseError: it was applied already with other contents.
    """
    stored, sender = sealed(ctx.cipher, payload), sender_of(ctx.actor)
    with ctx.engine.begin() as connection:
        if not EVENT_KINDS[kind].by_anybody:
            assert_may_report(connection, _reporter(ctx, payload), payload)
        if check is not None:
            check(connection)
        try:
            event_id = store_event(
                *(connection, external_id, kind, stored, ctx.now()),
                sender=sender,
                cipher=ctx.cipher,
            )
        except AppliedOtherwiseError:
            chosen_id = EVENT_KINDS[kind].id_field is not None
            reason = () if chosen_id else _true_now(connection, ctx, kind, payload, refuse=True)
            if not reason:
                raise
            return EventResult(InboxStatus.APPLIED, reason, completed_before=True)
        result = apply_in(connection, ctx, event_id)
        if not result.completed_before:
            _check_lately(ctx, kind, payload)
        if result.status in (InboxStatus.REJECTED, InboxStatus.DISCARDED):
            is_kept = result.completed_before and result.status == InboxStatus.REJECTED
            error = KeptAsRejectedError if is_kept else RefusedError
            raise error(speak(result.reason), result.reason)
        if result.completed_before:
            known = because(ReasonCode.EVENT_KNOWN, event_id=external_id)
            reason = _true_now(connection, ctx, kind, payload) or known
            result = EventResult(result.status, reason, completed_before=True)
        if result.status is InboxStatus.RECEIVED and needs_second_person(
            ctx.actor, EVENT_KINDS[kind].permission
        ):
            # It would be applied by itself later, without the second person.
            reason = result.reason + because(ReasonCode.CANNOT_WAIT)
            raise RefusedError(speak(reason), reason)
        if result.status is InboxStatus.RECEIVED and not may_wait:
            raise RefusedError(speak(result.reason), result.reason)
        if dry_run:
            connection.rollback()
        else:
            _let_second_person_see(connection, ctx, external_id, kind, payload, result)
    return result


def _check_lately(ctx: Context, kind: str, payload: Mapping[str, Any]) -> None:
    """
    Raises:
        RefusedError: a day or a moment of it lies so far back that its year was mistyped.
    """
    data, now = EVENT_KINDS[kind].data, ctx.now()
    earliest = earliest_reported(now.date())
    for name in data.lately() if data else ():
        if written := payload.get(name):
            day = _day_of(written, now)
            if day < earliest:
                reason = because(ReasonCode.LONG_AGO, on=day, earliest=earliest)
                raise RefusedError(speak(reason), reason)


def _day_of(written: str, now: datetime) -> date:
    """The business date of a day or a moment, as a payload has it."""
    moment = datetime.fromisoformat(written)
    return moment.astimezone(now.tzinfo).date() if moment.tzinfo else moment.date()


def _reporter(ctx: Context, payload: Mapping[str, Any]) -> Actor:
    """Who reports an event: whoever acts, or for whom a machine says it."""
    said = payload.get("actor")
    return Actor(said) if ctx.actor.kind is ActorKind.MACHINE and said else ctx.actor


def _let_second_person_see(
    connection: Connection,
    ctx: Context,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    result: EventResult,
) -> None:
    """Go on with what an event has done if another person has granted it, where one must.

    Raises:
        SecondPersonNeededError: nobody has granted it yet; what it did is undone.
    """
    permission = EVENT_KINDS[kind].permission
    if not needs_second_person(ctx.actor, permission):
        return
    if not changed_nothing(result.reason):
        facts = {"event": external_id} | {
            name.replace("_", " "): value for name, value in payload.items() if name != WHY
        }
        if kind == "write_off":
            facts["sum that is written off"] = _debt(connection, payload["loan"])
        owed = select(loan.c.borrower_id).where(loan.c.external_id == payload.get("loan"))
        asked = ToGrant(permission, result.reason, facts, {WHY: payload.get(WHY)})
        borrower_id = connection.execute(owed).scalar()
        with_second_person(connection, ctx, asked, borrower_id=borrower_id)


def _debt(connection: Connection, loan_external_id: str) -> str:
    """All that is unpaid of a loan, due or not, with its currency."""
    of_each = sum(instalment.c[part] - instalment.c[f"paid_{part}"] for part in Component)
    unpaid = (
        select(loan.c.currency, func.coalesce(func.sum(of_each), 0).label("unpaid"))
        .join_from(loan, instalment, instalment.c.loan_id == loan.c.id, isouter=True)
        .where(loan.c.external_id == loan_external_id)
        .group_by(loan.c.id)
    )
    row = connection.execute(unpaid).one()
    return f"{decimal_string(row.unpaid, row.currency)} {row.currency}"


def _true_now(
    connection: Connection,
    ctx: Context,
    kind: str,
    payload: Mapping[str, Any],
    *,
    refuse: bool = False,
) -> Reasons:
    """What an event that was applied before would come to now, if it would change nothing.

    Its first result may not be true any more: a payment may be reversed, a promise broken.

    Raises:
        RefusedError: it would be rejected, and is to be refused for that.
    """
    savepoint = connection.begin_nested()
    try:
        reason = EVENT_KINDS[kind].apply(connection, ctx, unsealed(ctx.cipher, payload))
    except RejectedError as error:
        if refuse:
            raise RefusedError(speak(error.reason), error.reason) from None
        return ()
    except NotYetError:
        return ()
    finally:
        savepoint.rollback()
    return reason if changed_nothing(reason) else ()
