"""Whether a promise is taken: by the lender's terms, or because a supervisor agrees to it."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, exists, func, select

from domain.actors import Actor, ActorKind, Role
from domain.collectors import months_after
from domain.currencies import decimal_string
from domain.delinquency import arrears_on
from domain.errors import ArrearsError
from domain.events import STAFF, RejectedError
from domain.loans import Instalment
from domain.permissions import Permission, may
from domain.promise_terms import EndedPromise, PromiseTerms, Review, review
from domain.promises import NOT_KEPT, PromisePart, PromiseStatus, ReceivedPayment, judge
from domain.reasons import ReasonCode, Reasons, because
from domain.second_person_text import lines_of
from domain.terms import terms_for
from workers.access.second_person import SecondPersonNeededError, ToGrant, with_second_person
from workers.context import Context
from workers.db.loan_standing import load_standings
from workers.db.loans import LockedLoan
from workers.db.promises import (
    OF_CONVERSATION,
    StoredPromise,
    payments_of,
    promises_of,
    was_eased,
    was_judged_withdrawn,
)
from workers.db.schema import instalment, promise
from workers.db.staff import roles_of
from workers.db.typed_rows import columns_of, typed_rows


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
    besides: Sequence[PromisePart] = (),
    other: int | None = None,
) -> str | None:
    """Check that a promise of a locked loan is taken; who agreed to it, if somebody had to. `other`
    is the record of who promises; None: the borrower.

    A member of staff who is no supervisor asks for a second person. A machine names the supervisor
    who agreed, who must be on the roster.

    Raises:
        RejectedError: nothing is past due, it goes beyond what anybody may take, or a machine names
            no supervisor.
        SecondPersonNeededError: a supervisor must agree, and has not done so yet.
    """
    on = now.date()
    instalments = load_standings(connection, [owed.id], on)[owed.id].instalments
    past_due = arrears_on(instalments, on).amount
    if past_due == 0:
        raise RejectedError.for_reasons(_nothing_past_due(new.loan, owed.currency, instalments, on))
    found = review_promise(
        connection, owed, terms, parts, now, means, besides, other, past_due=past_due
    )
    if found.refused:
        raise RejectedError.for_reasons(found.refused + found.instead)
    if not found.to_agree:
        return None
    if ctx.actor.kind is ActorKind.STAFF:
        return _agreed_here(connection, ctx, new, parts, found)
    if new.sender not in (None, STAFF) and new.agreed_by and _may_agree(connection, ctx, new):
        return new.agreed_by
    raise RejectedError.for_reasons(
        because(ReasonCode.PROMISE_NEEDS_SUPERVISOR, promise=new.promise)
        + found.to_agree
        + found.instead
    )


def review_promise(
    connection: Connection,
    owed: LockedLoan,
    terms: PromiseTerms | None,
    parts: Sequence[PromisePart],
    now: datetime,
    means: Decimal | None,
    besides: Sequence[PromisePart] = (),
    other: int | None = None,
    *,
    past_due: Decimal,
) -> Review:
    """What the terms say about a promise of these parts for a locked loan today.

    `past_due` is what is past due of it. `means` is what the person can pay a month; None: nobody
    knows. `besides` is what they are to pay for other loans. `other` is their record; None: they
    are the borrower.
    """
    on = now.date()
    return review(
        terms,
        parts,
        past_due=past_due,
        currency=owed.currency,
        on=on,
        unkept=count_unkept(connection, owed.id, terms, now, other) if terms else 0,
        a_month=means,
        besides=besides,
        still_owed=_still_owed(connection, owed.id),
    )


def _nothing_past_due(
    loan_id: str, currency: str, instalments: Sequence[Instalment], on: date
) -> Reasons:
    """That there is nothing to promise, and what the person pays next instead."""
    unpaid = [each for each in instalments if each.unpaid > 0]
    if not unpaid:
        return because(ReasonCode.PROMISE_NOTHING_OWED, loan=loan_id)
    next_due_on = min(each.due_on for each in unpaid)
    amount = sum(each.unpaid for each in unpaid if each.due_on == next_due_on)
    return because(
        ReasonCode.PROMISE_NOTHING_PAST_DUE,
        loan=loan_id,
        amount=amount,
        currency=currency,
        on=next_due_on,
    )


def past_due_of(connection: Connection, loan_id: int, on: date) -> Decimal:
    """What is past due of a loan on a day."""
    standing = load_standings(connection, [loan_id], on)[loan_id]
    return arrears_on(standing.instalments, on).amount


def _still_owed(connection: Connection, loan_id: int) -> Decimal:
    """All that is unpaid of the schedule of a loan, due or not."""
    unpaid = (
        instalment.c.principal
        + instalment.c.interest
        + instalment.c.fees
        - instalment.c.paid_principal
        - instalment.c.paid_interest
        - instalment.c.paid_fees
    )
    owed = select(func.coalesce(func.sum(unpaid), 0)).where(instalment.c.loan_id == loan_id)
    return Decimal(connection.execute(owed).scalar_one())


def count_unkept(
    connection: Connection,
    loan_id: int,
    terms: PromiseTerms,
    now: datetime,
    other: int | None = None,
) -> int:
    """How many promises about a loan went unkept in the months that the terms count: those of its
    borrower, or of the `other` record that promised.

    What a conversation came to counts once, if a system told the same promise by itself that day.
    `now` is in the lender's zone. What was paid is read only where one was withdrawn.
    """
    newer = promise.alias("newer")
    replaces = newer.c.replaces_id == promise.c.id
    whose = newer.c.borrower_id.is_not_distinct_from(promise.c.borrower_id)
    same = (newer.c.amount == promise.c.amount) & (newer.c.due_on == promise.c.due_on)
    same &= promise.c.external_id.startswith(OF_CONVERSATION, autoescape=True)
    over = (
        select(
            *columns_of(
                _Over,
                promise,
                replaced=exists().where(replaces, whose),
                told_again=exists().where(replaces, same),
                eased=was_eased() | was_judged_withdrawn() | exists().where(replaces, ~whose),
            )
        )
        .where(
            promise.c.loan_id == loan_id,
            promise.c.borrower_id.is_not_distinct_from(other),
            promise.c.due_on >= months_after(now.date(), -terms.unkept_within_months),
            promise.c.status.in_((*NOT_KEPT, PromiseStatus.WITHDRAWN)),
            promise.c.was_made.is_not(False),
        )
        .order_by(promise.c.id)
    )
    rows = typed_rows(_Over, connection.execute(over), now.tzinfo)
    withdrawn = {row.id: row for row in rows if row.status == PromiseStatus.WITHDRAWN}
    unkept = len(rows) - len(withdrawn)
    if not withdrawn:
        return unkept
    received = payments_of(connection, [loan_id])[loan_id]
    for stored in promises_of(connection, [loan_id], [PromiseStatus.WITHDRAWN]):
        row = withdrawn.get(stored.id)
        if row is not None and not (row.told_again and _ended_on_its_day(stored, row, now)):
            unkept += terms.went_unkept(_ended(stored, row, received, now))
    return unkept


class _Over(NamedTuple):
    id: int
    status: str
    completed_at: datetime
    was_made: bool | None
    replaced: bool
    told_again: bool
    """Whether a conversation came to it, and one of the same amount and last day replaced it."""
    eased: bool
    """Whether what was due became due later, nothing asked for it any more, or somebody else
    promised instead."""


def _ended_on_its_day(stored: StoredPromise, row: _Over, now: datetime) -> bool:
    return stored.as_made(now).made_at.date() == row.completed_at.date()


def _ended(
    stored: StoredPromise, row: _Over, received: Sequence[ReceivedPayment], now: datetime
) -> EndedPromise:
    """A withdrawn promise, with what was paid of it up to the day on which it was withdrawn."""
    made, ended_on = stored.as_made(now), row.completed_at.date()
    by_then = [payment for payment in received if payment.paid_on <= ended_on]
    return EndedPromise(
        PromiseStatus.WITHDRAWN,
        first_due_on=made.parts[0].due_on,
        ended_on=ended_on,
        replaced=row.replaced,
        was_made=row.was_made,
        eased=row.eased,
        partly_from=made.partly_from,
        paid=judge(made, by_then, ended_on).paid,
    )


def assert_mistake(
    connection: Connection, ctx: Context, owed: LockedLoan, stored: StoredPromise, now: datetime
) -> None:
    """Check that whoever acts may say that a promise of a locked loan was recorded by mistake.

    A slip is corrected at once, by anybody who records promises. After the day of its first part,
    and where another one of the loan was a mistake in the months that the terms count, a supervisor
    agrees: what is called a mistake pauses the ladder, and never counts as unkept.

    Raises:
        SecondPersonNeededError: a supervisor must agree, and has not done so yet.
    """
    if ctx.actor.kind is not ActorKind.STAFF or may(ctx.actor, Permission.AGREE_TO_PROMISES):
        return
    made, today = stored.as_made(now), now.date()
    if today <= made.parts[0].due_on and not _mistakes(connection, ctx, owed, stored, today):
        return
    promised = [_said(part, owed.currency) for part in made.parts]
    asked = ToGrant(
        Permission.AGREE_TO_PROMISES,
        because(ReasonCode.MISTAKE_NEEDS_SUPERVISOR, promise=stored.external_id),
        {"loan": owed.external_id, "promise": stored.external_id, "parts": promised},
    )
    with_second_person(connection, ctx, asked)


def _mistakes(
    connection: Connection, ctx: Context, owed: LockedLoan, but: StoredPromise, today: date
) -> bool:
    """Whether another promise of a loan was recorded by mistake, in the months that count."""
    terms = terms_of_loan(ctx, owed, today)
    if terms is None:
        return False
    found = exists().where(
        promise.c.loan_id == owed.id,
        promise.c.id != but.id,
        promise.c.was_made.is_(False),
        promise.c.due_on >= months_after(today, -terms.unkept_within_months),
    )
    return bool(connection.execute(select(found)).scalar_one())


def _agreed_here(
    connection: Connection,
    ctx: Context,
    new: Asked,
    parts: Sequence[PromisePart],
    found: Review,
) -> str | None:
    """Who agreed: whoever acts, if they may, or the one who granted it to them. Whoever has to ask
    is told what would be taken instead; the second person is not, for it changes with the days."""
    if may(ctx.actor, Permission.AGREE_TO_PROMISES):
        return ctx.actor.reference
    promised = [_said(part, new.currency) for part in parts]
    asked = ToGrant(
        Permission.AGREE_TO_PROMISES,
        because(ReasonCode.PROMISE_NEEDS_SUPERVISOR, promise=new.promise) + found.to_agree,
        {"loan": new.loan, "promise": new.promise, "parts": promised},
    )
    try:
        return with_second_person(connection, ctx, asked)
    except SecondPersonNeededError as needed:
        raise SecondPersonNeededError(*needed.texts, *lines_of(found.instead, {})) from None


def _said(part: PromisePart, currency: str) -> str:
    return f"{decimal_string(part.amount, currency)} {currency} {part.due_on}"


def _may_agree(connection: Connection, ctx: Context, new: Asked) -> bool:
    """Whether the one whom a machine names is a supervisor on the roster today."""
    try:
        roles = roles_of(connection, Actor(str(new.agreed_by)), ctx.today())
    except ArrearsError:
        return False
    return Role.SUPERVISOR in roles
