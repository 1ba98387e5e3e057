"""Arrangements: asked for, and what all that is done with them shares."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, select

from domain.actors import BY_TEXT
from domain.arranged import Wish
from domain.arrangements import UNANSWERED, ArrangementKind, ArrangementStatus, AskedBy
from domain.errors import RefusedError
from domain.events import NotAppliedError, NotYetError, RejectedError
from domain.holds import Hold, HoldKind
from domain.language.speak import speak
from domain.money import check_amount
from domain.permissions import Permission
from domain.reasons import ReasonCode, Reasons, because, changed_nothing
from workers.access.may_handle import assert_may_handle, of_loan
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.arrangements import (
    Arrangement,
    find_arrangement,
    insert_arrangement,
    open_arrangement,
)
from workers.db.holds import insert_hold
from workers.db.loans import LockedLoan, lock_loan_of, lock_named_loan
from workers.db.parties import unless_borrower
from workers.db.persons import lock_person_behind
from workers.db.schema import arrangement
from workers.db.sender_ids import whose_id
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_follow_ups import end_declined
from workers.hardship.arrangement_requests import (
    pause_for_request,
    request_terms,
)
from workers.hardship.arrangement_wishes import wish_columns
from workers.hardship.matters import who_raises

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
    borrower: str | None = None
    """The lender's id of the record of the co-borrower or the guarantor who asks; None: the
    borrower."""
    record: int | None = None
    """The same by the row of the record, where that is known."""
    actor: str = ""
    """Who recorded it: the lender's reference of the member of staff, or Arrears itself. Where a
    person does it here, whoever acts."""
    sender: str | None = None
    """Whose id it is."""

    @property
    def wish(self) -> Wish:
        return Wish(self.days, self.instalments, self.until, self.monthly)


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


def record_request(connection: Connection, ctx: Context, new: NewRequest) -> Reasons:
    """Record a request, in the caller's transaction. A person answers it with an offer.

    Its clock starts, and the ladder pauses where the terms say so. Returns what came of it.

    Raises:
        NotYetError: the loan, or the record of who asks, is not known.
        RejectedError: who asks never was party to the loan, the loan has an open arrangement or is
            written off, more than one thing is wished for, or the id is that of another
            arrangement.
    """
    now = ctx.now()
    if new.borrower is not None:
        asking = who_raises(connection, new.loan, new.borrower, "arrangement_request")
        new = replace(new, record=asking.borrower_id)
    owed = lock_named_loan(connection, new.loan, "arrangement_request")
    sender = whose_id(connection, arrangement, new.arrangement, new.sender)
    if known := _recorded_before(connection, new, sender, owed):
        return known
    _check(new, owed, now.date())
    if other := open_arrangement(connection, owed.id):
        may_differ = other.status in UNANSWERED
        raise RejectedError(
            ReasonCode.ARRANGEMENT_ASKED_ALREADY
            if may_differ
            else ReasonCode.ARRANGEMENT_OPEN_ALREADY,
            loan=new.loan,
            arrangement=other.external_id,
            arrangement_status=other.status,
        )
    wish = new.wish
    terms, today = request_terms(ctx, owed, now.date()), now.date()
    answer_by, lapses_on = terms.answer_by(today), terms.lapses_on(today)
    other = unless_borrower(owed.id, new.record)
    if wish.monthly is not None and new.record is not None:
        other = connection.execute(select(other)).scalar()
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
            "borrower_id": other,
            "answer_by": answer_by,
            "lapses_on": lapses_on,
            "review_on": answer_by + timedelta(days=1),
            "request_hold_id": paused,
            "kind": None if wish == Wish() else wish.kind,
            **wish_columns(connection, ctx, wish, owed.id, other, now),
        },
    )
    end_declined(connection, owed.id, now)
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


def _check(new: NewRequest, owed: LockedLoan, today: date) -> None:
    if owed.written_off_on is not None:
        raise RejectedError(
            ReasonCode.ARRANGEMENT_OF_WRITTEN_OFF, loan=new.loan, on=owed.written_off_on
        )
    check_wish(new.wish, new.loan, owed)
    if new.until is not None and new.until <= today:
        raise RejectedError(ReasonCode.UNTIL_IN_PAST, on=new.until)


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
