"""Holds and disputes: what pauses the ladder of a loan or of a person, and what ends the pause."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, literal, select

from domain.compliance.hold_length import HoldLength, hold_length
from domain.compliance.rules import packs_for
from domain.disputes import Matter
from domain.events import NotYetError, RejectedError
from domain.holds import PLACE_THEIR_OWN, Hold, HoldKind
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.disputes import is_unanswered
from workers.db.free_text import keep_words
from workers.db.holds import insert_hold, release, where_ladder_stands
from workers.db.loans import lock_loan_of, lock_named_loan, not_known_yet
from workers.db.persons import (
    lock_known_borrower,
    lock_loans_of_person,
    lock_person,
    lock_person_of_loan,
)
from workers.db.schema import borrower, hold, loan
from workers.db.sender_ids import is_named, whose_id
from workers.escalation.reassess import reassess
from workers.hardship.hold_limits import assert_length
from workers.hardship.promise_judgement import judge_again

PLACEABLE_KINDS = tuple(kind for kind in HoldKind if kind not in PLACE_THEIR_OWN)
"""Every kind that is reported as a hold."""

NEEDS_ANSWER = {
    HoldKind.DISPUTE: (Matter.DISPUTE, ReasonCode.DISPUTE_NEEDS_ANSWER),
    HoldKind.COMPLAINT: (Matter.COMPLAINT, ReasonCode.COMPLAINT_NEEDS_ANSWER),
}
"""Holds that end with the answer to a dispute or a complaint, and the reason for which nobody may
release them before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHold:
    """A hold as the lender's systems or a person placed it."""

    hold: str
    """The lender's own id of the hold or the dispute: the same id is the same hold."""
    loan: str | None = None
    """The loan, by the lender's id. A hold of a person may name any of their loans, or …"""
    borrower: str | None = None
    """… the borrower."""
    kind: str
    starts_on: date
    ends_on: date | None
    """The first business date without it. None: as long as a law says, else until its release."""
    why: str | None
    """In words; None: what it follows from says it."""
    actor: str
    """The lender's reference of the member of staff."""
    sender: str | None = None
    """Whose id of the hold it is."""
    why_id: UUID | None = None
    """Under which these words are kept, if they are kept already."""


def place_hold(
    connection: Connection,
    ctx: Context,
    new: NewHold,
    *,
    kinds: tuple[HoldKind, ...] = PLACEABLE_KINDS,
    by_policy: bool = False,
) -> Reasons:
    """Pause the ladder of a loan, or of all loans of a person, in the caller's transaction.

    The kind says which: what is true of a person pauses every loan of the person, those that come
    in later too. Calls that nobody made yet, and visits on its days, are cancelled. If it began on
    a day that is past, promises that were not kept since are judged again. Returns what came of it.
    How long somebody may pause it alone is limited, unless it follows `by_policy`.

    Raises:
        NotYetError: the loan or the borrower is not known.
        RejectedError: there is no such kind, it ends before it starts, is over or starts too far
            ahead, lasts longer than anybody may say, it is a hold of a loan and names none, or its
            id is that of another hold.
        SecondPersonNeededError: a supervisor or a lawyer must agree, and has not done so yet.
    """
    now = ctx.now()
    if new.kind not in kinds:
        raise RejectedError(ReasonCode.HOLD_KIND_UNKNOWN, given=new.kind, known=kinds)
    try:
        paused = _lock_paused(connection, new)
    except NotYetError:
        # It waits, and is applied later by nobody who could be asked.
        if not by_policy:
            assert_length(connection, ctx, new, new.ends_on, now.date())
        raise
    if new.ends_on is not None and new.ends_on < new.starts_on:
        raise RejectedError(
            ReasonCode.HOLD_DATES_REVERSED,
            hold_id=new.hold,
            starts_on=new.starts_on,
            ends_on=new.ends_on,
        )
    sender = whose_id(connection, hold, new.hold, new.sender)
    if known := _placed_before(connection, new, paused, sender, now.date()):
        return known
    ends_on = new.ends_on or _lawful_end(ctx, paused.jurisdictions, new)
    if not by_policy:
        assert_length(connection, ctx, new, ends_on, now.date(), _whose(paused), paused.loans)
    pause = Hold(HoldKind(new.kind), new.starts_on, ends_on)
    why_id = new.why_id
    if new.why is not None and why_id is None:
        why_id = keep_words(
            connection,
            ctx.cipher,
            new.why,
            now,
            loan_id=paused.loan_id,
            borrower_id=paused.borrower_id,
        )
    insert_hold(
        connection,
        pause,
        loan_id=paused.loan_id,
        borrower_id=paused.borrower_id,
        external_id=new.hold,
        sender=sender,
        actor=new.actor,
        why_id=why_id,
        now=now,
    )
    if new.starts_on < now.date():
        judge_again(connection, ctx, paused.loans, now)
    reassess(connection, ctx, paused.loans, now)
    if paused.loan_id is None:
        pauses = {"count": len(paused.loans), "starts_on": new.starts_on}
        if ends_on is None:
            return because(ReasonCode.LADDERS_PAUSE_UNTIL_RELEASED, **pauses)
        return because(ReasonCode.LADDERS_PAUSE, **pauses, ends_on=ends_on)
    pauses = {"loan": new.loan, "starts_on": new.starts_on}
    if ends_on is None and pause.kind is HoldKind.DISPUTE:
        return because(ReasonCode.LADDER_PAUSES_UNTIL_CLOSED, **pauses)
    if ends_on is None:
        return because(ReasonCode.LADDER_PAUSES_UNTIL_RELEASED, **pauses)
    return because(ReasonCode.LADDER_PAUSES, **pauses, ends_on=ends_on)


def _placed_before(
    connection: Connection, new: NewHold, paused: "_Paused", sender: str, today: date
) -> Reasons:
    """That the hold is on record already, if it is; another one under its id is refused."""
    of_person = select(borrower.c.person_id).where(borrower.c.id == paused.borrower_id)
    is_same = (
        hold.c.loan_id == paused.loan_id
        if paused.loan_id is not None
        else borrower.c.person_id == of_person.scalar_subquery()
    )
    stored = connection.execute(
        select(
            hold.c.ends_on,
            (is_same.is_(True) & (hold.c.kind == new.kind)).label("is_same"),
            func.coalesce(loan.c.external_id, borrower.c.external_id).label("of"),
        )
        .select_from(
            hold.outerjoin(loan, loan.c.id == hold.c.loan_id).outerjoin(
                borrower, borrower.c.id == hold.c.borrower_id
            )
        )
        .where(is_named(hold, new.hold, sender))
    ).one_or_none()
    if stored is None:
        return ()
    if not stored.is_same:
        raise RejectedError(ReasonCode.HOLD_ID_TAKEN, hold_id=new.hold, of=stored.of)
    on_record = because(ReasonCode.HOLD_KNOWN, hold_id=new.hold)
    if stored.ends_on is None or stored.ends_on > today:
        return on_record
    return on_record + because(ReasonCode.HOLD_ENDED, ends_on=stored.ends_on)


class _Paused(NamedTuple):
    """What a hold pauses; it is locked."""

    loan_id: int | None
    """For a hold of a loan."""
    borrower_id: int | None
    """For a hold of a person: the record on which it came in."""
    loans: list[int]
    jurisdictions: tuple[str, ...]


def _whose(paused: _Paused) -> ColumnElement[int]:
    """The record of the borrower whose hold it is."""
    if paused.borrower_id is not None:
        return literal(paused.borrower_id)
    return select(loan.c.borrower_id).where(loan.c.id == paused.loan_id).scalar_subquery()


def _lock_paused(connection: Connection, new: NewHold) -> _Paused:
    if not HoldKind(new.kind).of_person:
        if new.loan is None:
            raise RejectedError(ReasonCode.HOLD_NEEDS_LOAN, hold_id=new.hold, hold=new.kind)
        owed = lock_named_loan(connection, new.loan, "hold")
        return _Paused(owed.id, None, [owed.id], (owed.jurisdiction,))
    if new.borrower is not None:
        borrower_id = lock_known_borrower(connection, new.borrower, "hold").id
    else:
        found = lock_person_of_loan(connection, cast(str, new.loan))
        if found is None:
            raise not_known_yet(cast(str, new.loan), "hold")
        borrower_id = found
    loans = lock_loans_of_person(connection, borrower_id)
    return _Paused(None, borrower_id, loans, _jurisdictions(connection, loans))


def _jurisdictions(connection: Connection, loans: list[int]) -> tuple[str, ...]:
    known = select(loan.c.jurisdiction).where(loan.c.id.in_(loans)).distinct()
    return tuple(sorted(connection.execute(known).scalars()))


def release_hold(
    connection: Connection,
    ctx: Context,
    external_id: str,
    ends_on: date,
    *,
    sender: str | None = None,
) -> Reasons:
    """End a hold on `ends_on`, the first business date without it.

    A release never makes it longer. If a law makes a hold last for some days after its release, it
    ends that many days later.

    Raises:
        NotYetError: the hold is not known.
        RejectedError: it is the hold of a dispute or a complaint that nobody has answered yet; or
            it has begun, and would end before its first day.
    """
    sender = whose_id(connection, hold, external_id, sender)
    named = is_named(hold, external_id, sender)
    loans = _lock_held(connection, external_id, sender)
    if loans is None:
        raise NotYetError(ReasonCode.HOLD_NOT_KNOWN, hold_id=external_id)
    held = select(hold.c.id, hold.c.kind, hold.c.starts_on).where(named)
    released = connection.execute(held).one()
    if ends_on < released.starts_on <= ctx.today():
        raise RejectedError(
            ReasonCode.HOLD_DATES_REVERSED,
            hold_id=external_id,
            starts_on=released.starts_on,
            ends_on=ends_on,
        )
    ends_on += _after_release(connection, ctx, named, _jurisdictions(connection, loans))
    if (kind := HoldKind(released.kind)) in NEEDS_ANSWER:
        matter, needs_answer = NEEDS_ANSWER[kind]
        if is_unanswered(connection, matter, released.id):
            raise RejectedError(needs_answer, hold_id=external_id)
    if not release(connection, named, ends_on, ctx.now()):
        return because(ReasonCode.HOLD_OVER_BY_THEN, hold_id=external_id)
    reassess(connection, ctx, loans, ctx.now())
    ends = because(ReasonCode.HOLD_ENDS, hold_id=external_id, ends_on=ends_on)
    return ends + where_ladder_stands(connection, loans, ends_on)


def _lock_held(connection: Connection, external_id: str, sender: str) -> list[int] | None:
    """Lock the loan or the person of a hold; the loans that it pauses. None: no such hold."""
    named = is_named(hold, external_id, sender)
    which = select(hold.c.loan_id, hold.c.borrower_id).where(named)
    held = connection.execute(which).one_or_none()
    if held is None:
        return None
    if held.loan_id is not None:
        lock_loan_of(connection, hold, external_id, sender)
        return [held.loan_id]
    lock_person(connection, held.borrower_id)
    return lock_loans_of_person(connection, held.borrower_id)


def _lengths(ctx: Context, jurisdictions: Iterable[str], pause: Hold) -> Iterator[HoldLength]:
    """What each law says about the length of a hold."""
    for jurisdiction in jurisdictions:
        packs = packs_for(ctx.policy.rule_packs, jurisdiction)
        if length := hold_length(packs, pause.kind, pause.starts_on):
            yield length


def _lawful_end(ctx: Context, jurisdictions: Iterable[str], new: NewHold) -> date | None:
    """The first day without a hold that has no end of its own, if a law sets one: the latest."""
    pause = Hold(HoldKind(new.kind), new.starts_on)
    days = [
        length.days for length in _lengths(ctx, jurisdictions, pause) if not length.after_release
    ]
    return new.starts_on + timedelta(days=max(days)) if days else None


def _after_release(
    connection: Connection,
    ctx: Context,
    named: ColumnElement[bool],
    jurisdictions: Iterable[str],
) -> timedelta:
    """How many days a law makes a hold last after its release: the longest time."""
    stored = connection.execute(select(hold.c.kind, hold.c.starts_on).where(named)).one()
    pause = Hold(HoldKind(stored.kind), stored.starts_on)
    lengths = _lengths(ctx, jurisdictions, pause)
    return timedelta(days=max((each.days for each in lengths if each.after_release), default=0))
