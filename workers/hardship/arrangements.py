"""Arrangements: asked for, declined, withdrawn. What people do, as typed functions."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, select

from domain.actors import ARREARS, BY_TEXT, ActorKind
from domain.arranged import Wish
from domain.arrangements import (
    SAID_BY_BORROWER,
    ArrangementKind,
    ArrangementStatus,
    AskedBy,
    Refusal,
)
from domain.errors import RefusedError
from domain.events import NotAppliedError, NotYetError, RejectedError
from domain.holds import Hold, HoldKind
from domain.language.speak import speak
from domain.money import check_amount
from domain.permissions import Permission, may
from domain.reasons import ReasonCode, Reasons, because, changed_nothing
from workers.access.may_handle import assert_may_handle, of_loan, of_loan_id
from workers.access.permitted import permitted
from workers.access.second_person import with_second_person
from workers.context import Context
from workers.db.arrangements import (
    Arrangement,
    find_arrangement,
    insert_arrangement,
    move_arrangement,
    open_arrangement,
)
from workers.db.free_text import keep_words
from workers.db.holds import insert_hold
from workers.db.loans import LockedLoan, lock_loan_by_id, lock_loan_of, lock_named_loan
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.persons import lock_person_behind
from workers.db.problems import OF_AN_ARRANGEMENT, resolve_problems
from workers.db.schema import arrangement, hold, loan
from workers.db.sender_ids import whose_id
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_follow_ups import follow_declined
from workers.hardship.arrangement_requests import (
    end_pause,
    pause_for_request,
    request_terms,
)
from workers.hardship.arrangement_wishes import wish_columns
from workers.hardship.holds import release

HOLD_OF = {
    ArrangementKind.DEFERRAL: HoldKind.DEFERRAL,
    ArrangementKind.INSTALMENT_PLAN: HoldKind.ARRANGEMENT,
}


class Recorded(NamedTuple):
    """An arrangement after somebody recorded something of it."""

    arrangement: Arrangement
    came: Reasons
    """What came of it."""

    @property
    def known(self) -> bool:
        """Whether it was on record before, and nothing changed."""
        return changed_nothing(self.came)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """What a borrower asked for."""

    arrangement: str
    """The lender's own id of it: the same id is the same arrangement."""
    loan: str
    asked_by: AskedBy
    asked_in: str | None = None
    """The id of the text, the attempt, the letter or the form in which it was asked for."""
    days: int | None = None
    """Of a deferral. At most one of these four is said."""
    instalments: int | None = None
    until: date | None = None
    monthly: Decimal | None = None
    actor: str = ""
    """Who recorded it: the lender's reference of the member of staff, or Arrears itself. Where a
    person does it here, whoever acts."""
    sender: str | None = None
    """Whose id it is."""

    @property
    def wish(self) -> Wish:
        return Wish(self.days, self.instalments, self.until, self.monthly)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """That an arrangement is not to be."""

    arrangement: str
    status: ArrangementStatus
    """Declined by the lender, its ledger or the borrower; or withdrawn by the borrower."""
    refusal: Refusal | None = None
    """Why it is declined: of a person, always said."""
    why: str | None = None
    """In words of a person; they are encrypted."""
    actor: str = ""
    """As in a request."""
    sender: str | None = None
    """Whose id it is."""


@permitted(Permission.RECORD_ARRANGEMENTS)
def request_arrangement(ctx: Context, new: NewRequest) -> Recorded:
    """Record that a borrower asks for an arrangement. Returns it, with what came of it.

    Raises:
        RefusedError: as `record_request` says; or whoever records it must not handle the borrower.
    """
    with in_one_transaction(ctx) as connection:
        assert_may_handle(connection, ctx.actor, of_loan(new.loan))
        came = record_request(connection, ctx, replace(new, actor=ctx.actor.reference))
        return Recorded(found(connection, new.arrangement, new.sender), came)


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


def record_request(connection: Connection, ctx: Context, new: NewRequest) -> Reasons:
    """Record a request, in the caller's transaction. A person answers it with an offer.

    Its clock starts, and the ladder pauses where the terms say so. Returns what came of it.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: the loan has an open arrangement or is written off, more than one thing is
            wished for, or the id is that of another arrangement.
    """
    now = ctx.now()
    owed = lock_named_loan(connection, new.loan, "arrangement_request")
    sender = whose_id(connection, arrangement, new.arrangement, new.sender)
    if known := _recorded_before(connection, new, sender, owed):
        return known
    _check(new, owed)
    if other := open_arrangement(connection, owed.id):
        raise RejectedError(
            ReasonCode.ARRANGEMENT_OPEN_ALREADY,
            loan=new.loan,
            arrangement=other.external_id,
            arrangement_status=other.status,
        )
    wish = new.wish
    terms, today = request_terms(ctx, owed, now.date()), now.date()
    answer_by, lapses_on = terms.answer_by(today), terms.lapses_on(today)
    # What a text asks for is not known before a person has read it.
    paused = None
    if new.asked_by is not AskedBy.TEXT or new.actor != BY_TEXT.reference:
        paused = pause_for_request(connection, terms, owed.id, lapses_on, new.actor, now)
    insert_arrangement(
        connection,
        {
            "loan_id": owed.id,
            "external_id": new.arrangement,
            "sender": sender,
            "status": ArrangementStatus.REQUESTED,
            "asked_by": new.asked_by,
            "asked_in": new.asked_in,
            "requested_by": new.actor,
            "requested_at": now,
            "answer_by": answer_by,
            "lapses_on": lapses_on,
            "review_on": answer_by + timedelta(days=1),
            "request_hold_id": paused,
            "kind": None if wish == Wish() else wish.kind,
            **wish_columns(connection, ctx, wish, owed.id, now),
        },
    )
    if paused is not None:
        reassess(connection, ctx, [owed.id], now)
    recorded = because(ReasonCode.ARRANGEMENT_REQUESTED, arrangement=new.arrangement, loan=new.loan)
    return recorded + because(ReasonCode.ARRANGEMENT_ANSWER_BY, answer_by=answer_by)


def request_if_none(connection: Connection, ctx: Context, request: NewRequest) -> Reasons:
    """Record a request that follows from something else, such as a conversation, unless the loan
    has an open arrangement or is written off. What it follows from counts in any case."""
    with suppress(RejectedError):
        return record_request(connection, ctx, request)
    return ()


def _recorded_before(
    connection: Connection, new: NewRequest, sender: str, owed: LockedLoan
) -> Reasons:
    stored = find_arrangement(connection, new.arrangement, sender)
    if stored is None:
        return ()
    if stored.loan_id != owed.id:
        raise RejectedError(ReasonCode.ARRANGEMENT_ID_TAKEN, arrangement=new.arrangement)
    return as_it_stands(stored)


def _check(new: NewRequest, owed: LockedLoan) -> None:
    if owed.written_off_on is not None:
        raise RejectedError(
            ReasonCode.ARRANGEMENT_OF_WRITTEN_OFF, loan=new.loan, on=owed.written_off_on
        )
    check_wish(new.wish, new.loan, owed)


def check_wish(wish: Wish, loan: str, owed: LockedLoan) -> None:
    """Check that a wish can be asked for at all.

    Raises:
        RejectedError: it says more than one thing, or an amount that cannot be paid.
    """
    said = (wish.days, wish.instalments, wish.until, wish.monthly)
    counts = [number for number in (wish.days, wish.instalments) if number is not None]
    if sum(each is not None for each in said) > 1 or any(number < 1 for number in counts):
        raise RejectedError(ReasonCode.WISH_OF_ONE_KIND)
    if wish.monthly is not None:
        check_amount(wish.monthly, owed.currency, loan, owed.currency)


def record_ending(connection: Connection, ctx: Context, ending: Ending) -> Reasons:
    """End an arrangement that the ledger has not confirmed, in the caller's transaction.

    The pause of an accepted one ends today. Once the borrower has accepted, the ledger may refuse
    it, the borrower may withdraw, and a supervisor may decline it. Returns what came of it.

    Raises:
        NotYetError: the arrangement is not known.
        RejectedError: it is active, or was; or a person declines it and does not say why.
        SecondPersonNeededError: the borrower has accepted it, and a supervisor must agree first.
    """
    now = ctx.now()
    stored = lock_arrangement(connection, ending.arrangement, ending.sender)
    if stored.status == ending.status:
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


def _check_accepted(
    connection: Connection, ctx: Context, stored: Arrangement, ending: Ending
) -> None:
    """Check that no collector alone declines what the borrower has accepted, with proof."""
    declines = ending.status is ArrangementStatus.DECLINED
    if not declines or stored.status != ArrangementStatus.ACCEPTED:
        return
    if may(ctx.actor, Permission.AGREE_BEYOND) or ctx.actor.kind is not ActorKind.STAFF:
        return
    owed = lock_loan_by_id(connection, stored.loan_id)
    borrower_id = select(loan.c.borrower_id).where(loan.c.id == owed.id)
    with_second_person(
        connection,
        ctx,
        Permission.AGREE_BEYOND,
        because(ReasonCode.ACCEPTED_NEEDS_SUPERVISOR, arrangement=stored.external_id),
        {"loan": owed.external_id, "arrangement": stored.external_id, "because": ending.refusal},
        words={"why": ending.why},
        borrower_id=connection.execute(borrower_id).scalar_one(),
    )


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


def pause(
    connection: Connection,
    stored: Arrangement,
    starts_on: date,
    ends_on: date | None,
    actor: str,
    now: datetime,
) -> int:
    """Pause the ladder of a locked loan for an arrangement; returns the id of the hold."""
    kind = HOLD_OF[ArrangementKind(str(stored.kind))]
    held = Hold(kind, starts_on, ends_on)
    return insert_hold(connection, held, loan_id=stored.loan_id, actor=actor, now=now)


def lock_arrangement(connection: Connection, external_id: str, sender: str | None) -> Arrangement:
    """Lock the loan of an arrangement, after the person who borrowed it, and read the arrangement.

    Raises:
        NotYetError: the arrangement is not known.
        RejectedError: several senders gave this id.
    """
    of = whose_id(connection, arrangement, external_id, sender)
    stored = None
    lock_person_behind(connection, arrangement, external_id, of)
    if lock_loan_of(connection, arrangement, external_id, of) is not None:
        stored = find_arrangement(connection, external_id, of)
    if stored is None:
        raise NotYetError(ReasonCode.ARRANGEMENT_NOT_KNOWN, arrangement=external_id)
    return stored


def stands_otherwise(stored: Arrangement) -> RejectedError:
    """That an arrangement stands where this is not possible, or not possible any more."""
    return RejectedError(
        ReasonCode.ARRANGEMENT_STANDS_OTHERWISE,
        arrangement=stored.external_id,
        arrangement_status=stored.status,
    )


def as_it_stands(stored: Arrangement) -> Reasons:
    return because(
        ReasonCode.ARRANGEMENT_KNOWN,
        arrangement=stored.external_id,
        arrangement_status=stored.status,
    )


def found(connection: Connection, external_id: str, sender: str | None) -> Arrangement:
    """An arrangement as it is on record.

    Raises:
        NotYetError: it is not known.
    """
    of = whose_id(connection, arrangement, external_id, sender)
    stored = find_arrangement(connection, external_id, of)
    if stored is None:
        raise NotYetError(ReasonCode.ARRANGEMENT_NOT_KNOWN, arrangement=external_id)
    return stored


@contextmanager
def in_one_transaction(ctx: Context) -> Iterator[Connection]:
    """A transaction of what a person does: what is refused leaves nothing behind.

    Raises:
        RefusedError: it cannot be done; the reason says what to do.
    """
    try:
        with ctx.engine.begin() as connection:
            yield connection
    except NotAppliedError as refused:
        raise RefusedError(speak(refused.reason), refused.reason) from None
