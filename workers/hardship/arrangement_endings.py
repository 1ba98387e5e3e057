"""How an arrangement ends: a person or the ledger declines it, or it is withdrawn; and what every
end does."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from domain.actors import ARREARS, ActorKind
from domain.arrangements import (
    SAID_BY_BORROWER,
    ArrangementStatus,
    Refusal,
)
from domain.events import RejectedError
from domain.permissions import Permission, may
from domain.reasons import ReasonCode, Reasons, because
from workers.access.may_handle import assert_may_handle, of_loan_id
from workers.access.permitted import permitted
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context
from workers.db.arrangements import Arrangement, move_arrangement, open_arrangement
from workers.db.free_text import keep_words, open_words
from workers.db.holds import release
from workers.db.loans import lock_loan_by_id
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.problems import OF_AN_ARRANGEMENT, resolve_problems
from workers.db.schema import hold, loan
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_follow_ups import follow_declined
from workers.hardship.arrangement_requests import end_pause
from workers.hardship.arrangements import (
    Recorded,
    as_it_stands,
    found,
    in_one_transaction,
    lock_arrangement,
    stands_otherwise,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of an arrangement that the ledger has not confirmed."""

    arrangement: str
    status: ArrangementStatus
    """Declined by the lender, its ledger or the borrower; or withdrawn by the borrower."""
    refusal: Refusal | None = None
    """Why it is declined. A person must always say it."""
    why: str | None = None
    """Why, in words of a person. Kept encrypted."""
    actor: str = ""
    """The staff reference of who ends it."""
    sender: str | None = None
    """The sender who gave the arrangement its id."""


@permitted(Permission.RECORD_ARRANGEMENTS)
def end_arrangement(ctx: Context, ending: Ending) -> Recorded:
    """Decline or withdraw an arrangement before the ledger has confirmed it. Returns it, with what
    came of it.

    Raises:
        RefusedError: as `record_ending` says; or whoever ends it must not handle the borrower.
    """
    with in_one_transaction(ctx) as connection:
        stored = lock_arrangement(connection, ending.arrangement, ending.sender)
        assert_may_handle(connection, ctx.actor, of_loan_id(stored.loan_id))
        came = record_ending(connection, ctx, replace(ending, actor=ctx.actor.reference))
        return Recorded(found(connection, ending.arrangement, ending.sender), came)


def record_ending(connection: Connection, ctx: Context, ending: Ending) -> Reasons:
    """End an arrangement that the ledger has not confirmed, in the caller's transaction.

    The pause of an accepted one ends today. Once the borrower has accepted, the ledger may refuse
    it, and a supervisor may decline it or record that the borrower withdraws. Returns what came of
    it.

    Raises:
        NotYetError: the arrangement is not known.
        RejectedError: it is active, or was; a person declines it and does not say why, or declines
            it again for another reason.
        SecondPersonNeededError: the borrower has accepted it, and a supervisor must agree first.
    """
    now = ctx.now()
    stored = lock_arrangement(connection, ending.arrangement, ending.sender)
    if stored.status == ending.status:
        _check_same(connection, ctx, stored, ending)
        return as_it_stands(stored)
    _check_refusal(ctx, ending)
    _check_accepted(connection, ctx, stored, ending)
    why_id = None
    if ending.why:
        why_id = keep_words(connection, ctx.cipher, ending.why, now, loan_id=stored.loan_id)
    end(
        connection,
        stored,
        ending.status,
        now,
        ended_by=ending.actor,
        why_id=why_id,
        refusal=ending.refusal,
    )
    if stored.hold_id is not None or stored.request_hold_id is not None:
        reassess(connection, ctx, [stored.loan_id], now)
    if _must_be_told(ctx, ending):
        follow_declined(connection, ctx, stored, now)
    return because(
        ReasonCode.ARRANGEMENT_HAS_ENDED,
        arrangement=stored.external_id,
        arrangement_status=ending.status,
    )


def _must_be_told(ctx: Context, ending: Ending) -> bool:
    """Whether the borrower does not know yet that nothing is offered: a person decided it. What the
    ledger refuses, somebody looks at first."""
    decided = ending.status is ArrangementStatus.DECLINED and ctx.actor.kind is ActorKind.STAFF
    return decided and ending.refusal not in SAID_BY_BORROWER


def _check_refusal(ctx: Context, ending: Ending) -> None:
    """Check that a person says why nothing is offered: as a code, and `other` in words."""
    declines = ending.status is ArrangementStatus.DECLINED
    if ending.refusal is not None and not declines:
        raise RejectedError(ReasonCode.REFUSAL_OF_DECLINED, arrangement=ending.arrangement)
    unsaid = ending.refusal is None or (ending.refusal is Refusal.OTHER and not ending.why)
    if declines and unsaid and ctx.actor.kind is ActorKind.STAFF:
        raise RejectedError(ReasonCode.REFUSAL_NEEDS_WHY, known=list(Refusal))


def _check_same(connection: Connection, ctx: Context, stored: Arrangement, ending: Ending) -> None:
    """Check that a person who declines once more says nothing else: the reason is not changed. What
    they leave out, or what was erased, is no other reason."""
    if ctx.actor.kind is not ActorKind.STAFF or stored.refusal is None:
        return
    differs = ending.refusal not in (None, stored.refusal)
    if ending.why and not differs:
        words: str | None = ""
        if stored.why_id is not None:
            words = open_words(connection, ctx.cipher, [stored.why_id]).get(stored.why_id)
        differs = words is not None and words != ending.why
    if differs:
        raise RejectedError(
            ReasonCode.DECLINED_FOR_ANOTHER_REASON,
            arrangement=stored.external_id,
            refusal=stored.refusal,
        )


def _check_accepted(
    connection: Connection, ctx: Context, stored: Arrangement, ending: Ending
) -> None:
    """Check that no collector alone ends what the borrower has accepted, with proof."""
    if stored.status != ArrangementStatus.ACCEPTED:
        return
    if may(ctx.actor, Permission.AGREE_BEYOND) or ctx.actor.kind is not ActorKind.STAFF:
        return
    declines = ending.status is ArrangementStatus.DECLINED
    code = (
        ReasonCode.ACCEPTED_NEEDS_SUPERVISOR if declines else ReasonCode.WITHDRAWAL_NEEDS_SUPERVISOR
    )
    owed = lock_loan_by_id(connection, stored.loan_id)
    facts = {"loan": owed.external_id, "arrangement": stored.external_id}
    borrower_id = select(loan.c.borrower_id).where(loan.c.id == owed.id)
    asked = ToGrant(
        Permission.AGREE_BEYOND,
        because(code, arrangement=stored.external_id),
        facts | ({"because": ending.refusal} if declines else {}),
        {"why": ending.why},
    )
    of_borrower = connection.execute(borrower_id).scalar_one()
    with_second_person(connection, ctx, asked, borrower_id=of_borrower)


def end(
    connection: Connection,
    stored: Arrangement,
    status: ArrangementStatus,
    now: datetime,
    **values: object,
) -> None:
    """End an arrangement of a locked loan, and its pause. The caller reassesses the loan.

    The lender's ledger hears of the end of a proposed arrangement. Its problems end with it.

    Raises:
        RejectedError: it cannot end in this way as it stands.
    """
    ended = {"ended_at": now, "review_on": None, **values}
    if not move_arrangement(connection, stored.id, status, **ended):
        raise stands_otherwise(stored)
    resolve_problems(connection, [stored.loan_id], OF_AN_ARRANGEMENT, now)
    end_pause(connection, stored, now)
    if stored.hold_id is not None:
        release(connection, hold.c.id == stored.hold_id, now.date(), now)
    if stored.accepted_on is not None:
        told = {"arrangement": stored.external_id, "sender": stored.sender, "status": status}
        message = OutboxMessage(OutboxEventKind.ARRANGEMENT_ENDED, stored.loan_id, told)
        record_events(connection, [message], now)


def decline_open(connection: Connection, loan_id: int, now: datetime) -> None:
    """Before a write-off: decline what is asked for, offered or accepted of a locked loan.

    An active arrangement stays: it can still be kept.
    """
    stored = open_arrangement(connection, loan_id)
    if stored is not None and stored.status != ArrangementStatus.ACTIVE:
        end(connection, stored, ArrangementStatus.DECLINED, now, ended_by=ARREARS.reference)
