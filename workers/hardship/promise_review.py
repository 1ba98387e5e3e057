"""Whether a promise is taken: by the lender's terms, or because a supervisor agrees to it."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection, exists, func, or_, select

from domain.actors import Actor, ActorKind, Role
from domain.collectors import months_after
from domain.delinquency import arrears_on
from domain.errors import ArrearsError
from domain.events import STAFF, RejectedError
from domain.permissions import Permission, may
from domain.promise_terms import PromiseTerms, Review, review
from domain.promises import NOT_KEPT, PromisePart, PromiseStatus
from domain.reasons import ReasonCode, Reasons, because
from domain.terms import terms_for
from workers.access.second_person import with_second_person
from workers.context import Context
from workers.db.free_text import keep_words, open_words
from workers.db.loan_standing import load_standings
from workers.db.loans import LockedLoan
from workers.db.schema import promise
from workers.db.staff import roles_of


class Asked(Protocol):
    """What is asked about a new promise."""

    @property
    def promise(self) -> str: ...
    @property
    def loan(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def agreed_by(self) -> str | None: ...
    @property
    def sender(self) -> str | None: ...


class OfKind(Protocol):
    """A loan, as far as it decides which terms are for it."""

    @property
    def jurisdiction(self) -> str: ...
    @property
    def product(self) -> str: ...
    @property
    def currency(self) -> str: ...


def terms_of_loan(ctx: Context, owed: OfKind, on: date) -> PromiseTerms | None:
    """The terms of promises for a loan on a day; None: the lender wrote none for it."""
    kind = owed.jurisdiction, owed.product, owed.currency
    return terms_for(ctx.policy.promises, *kind, on)


def assert_taken(
    connection: Connection,
    ctx: Context,
    owed: LockedLoan,
    terms: PromiseTerms | None,
    new: Asked,
    parts: Sequence[PromisePart],
    now: datetime,
    means: Decimal | None,
) -> str | None:
    """Check that a promise of a locked loan is taken; who agreed to it, if somebody had to.

    A member of staff who is no supervisor asks for a second person. A machine names the supervisor
    who agreed, who must be on the roster.

    Raises:
        RejectedError: it goes beyond what anybody may take, or a machine names no supervisor.
        SecondPersonNeededError: a supervisor must agree, and has not done so yet.
    """
    found = review_promise(connection, owed, terms, parts, now.date(), means)
    if found.refused:
        raise RejectedError.for_reasons(found.refused)
    if not found.to_agree:
        return None
    if ctx.actor.kind is ActorKind.STAFF:
        return _agreed_here(connection, ctx, new, parts, found.to_agree)
    if new.sender not in (None, STAFF) and new.agreed_by and _may_agree(connection, ctx, new):
        return new.agreed_by
    raise RejectedError.for_reasons(
        because(ReasonCode.PROMISE_NEEDS_SUPERVISOR, promise=new.promise) + found.to_agree
    )


def review_promise(
    connection: Connection,
    owed: LockedLoan,
    terms: PromiseTerms | None,
    parts: Sequence[PromisePart],
    on: date,
    means: Decimal | None,
) -> Review:
    """What the terms say about such a promise of a locked loan today, by somebody who can pay so
    much a month; None: nobody knows."""
    return review(
        terms,
        parts,
        past_due=past_due_of(connection, owed.id, on),
        currency=owed.currency,
        on=on,
        unkept=count_unkept(connection, owed.id, terms, on) if terms else 0,
        a_month=means,
    )


def keep_means(
    connection: Connection, ctx: Context, loan_id: int, a_month: Decimal | None, now: datetime
) -> UUID | None:
    """Keep what a borrower can pay a month, encrypted; its id. An erasure deletes it."""
    if a_month is None:
        return None
    return keep_words(connection, ctx.cipher, f"{a_month:f}", now, loan_id=loan_id)


def known_means(connection: Connection, ctx: Context, loan_id: int) -> Decimal | None:
    """What was said last in a promise of the loan; None if nothing was, or it was erased."""
    newest: UUID | None = connection.execute(
        select(promise.c.a_month_id)
        .where(promise.c.loan_id == loan_id, promise.c.a_month_id.is_not(None))
        .order_by(promise.c.id.desc())
        .limit(1)
    ).scalar()
    if newest is None:
        return None
    words = open_words(connection, ctx.cipher, [newest]).get(newest)
    return Decimal(words) if words else None


def past_due_of(connection: Connection, loan_id: int, on: date) -> Decimal:
    """What is past due of a loan on a day."""
    standing = load_standings(connection, [loan_id], on)[loan_id]
    return arrears_on(standing.instalments, on).amount


def count_unkept(connection: Connection, loan_id: int, terms: PromiseTerms, on: date) -> int:
    """How many promises of a loan went unkept in the months that the terms count: broken, kept in
    part, or replaced by another one before they were."""
    newer = promise.alias("newer")
    was_replaced = exists().where(newer.c.replaces_id == promise.c.id)
    counted: int = connection.execute(
        select(func.count()).where(
            promise.c.loan_id == loan_id,
            promise.c.due_on >= months_after(on, -terms.unkept_within_months),
            or_(
                promise.c.status.in_(NOT_KEPT),
                (promise.c.status == PromiseStatus.WITHDRAWN) & was_replaced,
            ),
        )
    ).scalar_one()
    return counted


def _agreed_here(
    connection: Connection,
    ctx: Context,
    new: Asked,
    parts: Sequence[PromisePart],
    why: Reasons,
) -> str | None:
    """Who agreed: whoever acts, if they may, or the one who granted it to them."""
    if may(ctx.actor, Permission.AGREE_TO_PROMISES):
        return ctx.actor.reference
    promised = [f"{part.amount} {new.currency} {part.due_on}" for part in parts]
    return with_second_person(
        connection,
        ctx,
        Permission.AGREE_TO_PROMISES,
        because(ReasonCode.PROMISE_NEEDS_SUPERVISOR, promise=new.promise) + why,
        {"loan": new.loan, "promise": new.promise, "parts": promised},
    )


def _may_agree(connection: Connection, ctx: Context, new: Asked) -> bool:
    """Whether the one whom a machine names is a supervisor on the roster today."""
    try:
        roles = roles_of(connection, Actor(str(new.agreed_by)), ctx.today())
    except ArrearsError:
        return False
    return Role.SUPERVISOR in roles
