"""Quotes of deferrals and instalment plans, from what is on record. Nothing is changed."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, select, union_all

from domain.actors import Role
from domain.adjustments import AdjustmentKind
from domain.arranged import Wish
from domain.arrangements import ArrangementKind, ArrangementTerms
from domain.closest_offer import closest_offer, most_alone
from domain.compliance.money_cap import MoneyCap, money_caps
from domain.compliance.rules import packs_for
from domain.compliance.vocabulary import Suspends
from domain.eligibility import ArrangeableLoan
from domain.events import RejectedError
from domain.holds import HoldKind
from domain.loans import Instalment
from domain.money import check_amount
from domain.permissions import Permission
from domain.quotes import NotOffered, Quote, quote
from domain.terms import terms_for
from workers.access.may_handle import assert_may_handle, of_loan
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.loans import loan_not_known
from workers.db.schema import (
    adjustment,
    arrangement,
    hold_of_loan,
    instalment,
    limitation_fact,
    loan,
    replaced_schedule,
)
from workers.db.typed_rows import columns_of, typed_row, typed_rows


class _Loan(NamedTuple):
    """The columns of `loan` that a quote needs, under their own names."""

    id: int
    external_id: str
    product: str
    jurisdiction: str
    currency: str
    annual_rate_percent: Decimal | None
    disbursed_on: date | None
    written_off_on: date | None


@permitted(Permission.READ_LOANS)
def quote_loan(
    connection: Connection, ctx: Context, external_id: str, wish: Wish
) -> Quote | NotOffered:
    """What an arrangement would mean for a loan today, or why it cannot be offered, and what is
    closest to it.

    Raises:
        RefusedError: whoever asks must not handle the borrower.
        ArrearsError: the loan is not known.
    """
    today = ctx.today()
    found = find_arrangeable(connection, ctx, external_id, today)
    assert_may_handle(connection, ctx.actor, of_loan(external_id))
    if wish.monthly is not None:
        try:
            check_amount(wish.monthly, found.currency, external_id, found.currency)
        except RejectedError as error:
            return NotOffered(error.reason)
    terms = terms_for(
        ctx.policy.arrangements, found.jurisdiction, found.product, found.currency, today
    )
    return with_closest(quote(found, terms, wish, today), found, terms, wish, today)


@permitted(Permission.READ_LOANS)
def most_quoted(
    connection: Connection, ctx: Context, external_id: str, kind: ArrangementKind, role: Role
) -> tuple[Wish, Quote | NotOffered] | None:
    """The most of a kind that a role may agree to alone for a loan today, or why there is nothing;
    None: all that can be offered is beyond the role, or the terms have nothing for it.

    Raises:
        RefusedError: whoever asks must not handle the borrower.
        ArrearsError: the loan is not known.
    """
    today = ctx.today()
    found = find_arrangeable(connection, ctx, external_id, today)
    assert_may_handle(connection, ctx.actor, of_loan(external_id))
    terms = terms_for(
        ctx.policy.arrangements, found.jurisdiction, found.product, found.currency, today
    )
    most = most_alone(found, terms, kind, role, today) if terms else None
    if most is None:
        return None
    wish, quoted = most
    return wish, with_closest(quoted, found, terms, wish, today)


def with_closest(
    quoted: Quote | NotOffered,
    subject: ArrangeableLoan,
    terms: ArrangementTerms | None,
    wish: Wish,
    today: date,
) -> Quote | NotOffered:
    """A quote; or why none can be given, with the closest offer there is."""
    if isinstance(quoted, Quote):
        return quoted
    return NotOffered(quoted.reason + closest_offer(subject, terms, wish, today))


def find_arrangeable(
    connection: Connection, ctx: Context, external_id: str, on: date
) -> ArrangeableLoan:
    """What a quote of a loan follows from: as it is now, with the holds and the caps in force on a
    day.

    Raises:
        ArrearsError: the loan is not known.
    """
    named = select(*columns_of(_Loan, loan)).where(loan.c.external_id == external_id)
    found = typed_row(_Loan, connection.execute(named))
    if found is None:
        raise loan_not_known(external_id)
    return ArrangeableLoan(
        external_id=found.external_id,
        product=found.product,
        jurisdiction=found.jurisdiction,
        currency=found.currency,
        instalments=_instalments(connection, found.id),
        annual_rate_percent=found.annual_rate_percent,
        disbursed_on=found.disbursed_on,
        arranged_on=_arranged_on(connection, found.id),
        holds=_holds(connection, found.id, on),
        written_off=found.written_off_on is not None,
        caps=tuple(rule.cap for rule in _caps(connection, ctx, found, on)),
        pays_in_order=ctx.allocation_order(found.jurisdiction).components,
    )


def _caps(connection: Connection, ctx: Context, of: _Loan, on: date) -> tuple[MoneyCap, ...]:
    """The rules that limit what the loan may cost. One statement where one asks about a fact."""
    packs = packs_for(ctx.policy.rule_packs, of.jurisdiction)
    known = frozenset[Suspends]()
    if any(isinstance(rule, MoneyCap) and rule.during for pack in packs for rule in pack.rules):
        known = _lasting(connection, of, on)
    return money_caps(packs, ctx.settings.collects_as, of.product, on, known)


def _lasting(connection: Connection, of: _Loan, on: date) -> frozenset[Suspends]:
    """The facts of a loan that last on a day and began after it was paid out."""
    fact = limitation_fact.c
    facts = connection.execute(
        select(fact.fact).where(
            fact.loan_id == of.id,
            fact.fact.in_(list(Suspends)),
            fact.taken_back_at.is_(None),
            fact.starts_on > (of.disbursed_on or date.min),
            fact.starts_on <= on,
            fact.ends_on.is_(None) | (fact.ends_on > on),
        )
    )
    return frozenset(map(Suspends, facts.scalars()))


def _instalments(connection: Connection, loan_id: int) -> Sequence[Instalment]:
    rows = connection.execute(
        select(*columns_of(Instalment, instalment))
        .where(instalment.c.loan_id == loan_id)
        .order_by(instalment.c.due_on)
    )
    return typed_rows(Instalment, rows)


def _arranged_on(connection: Connection, loan_id: int) -> Sequence[date]:
    """The days from which schedules were replaced, and on which instalments were left out.

    What the ledger made of an arrangement is such a schedule: each one counts once.
    """
    replaced = select(replaced_schedule.c.restructured_on).filter_by(loan_id=loan_id)
    left_out = select(adjustment.c.booked_on).where(
        adjustment.c.loan_id == loan_id,
        adjustment.c.kind == AdjustmentKind.LEFT_OUT,
        adjustment.c.taken_back_on.is_(None),
    )
    return sorted(connection.execute(union_all(replaced, left_out)).scalars())


def _holds(connection: Connection, loan_id: int, today: date) -> frozenset[HoldKind]:
    """The pause while a request waits for its answer does not stand in the way of the answer."""
    waits = select(arrangement.c.request_hold_id).where(
        arrangement.c.loan_id == loan_id, arrangement.c.request_hold_id.is_not(None)
    )
    kinds = connection.execute(
        select(hold_of_loan.c.kind).where(
            hold_of_loan.c.loan_id == loan_id,
            hold_of_loan.c.id.not_in(waits),
            hold_of_loan.c.starts_on <= today,
            hold_of_loan.c.ends_on.is_(None) | (hold_of_loan.c.ends_on > today),
        )
    )
    return frozenset(map(HoldKind, kinds.scalars()))
