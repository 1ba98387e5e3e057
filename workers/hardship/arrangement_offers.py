"""Offers of arrangements: a quote is given to the borrower, in the role that it needs."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from domain.actors import Actor, ActorKind, Role
from domain.arranged import Wish
from domain.arrangements import ArrangementKind, ArrangementStatus, ArrangementTerms, who_agrees
from domain.errors import RefusedError, text_of
from domain.events import RejectedError
from domain.language.speak import speak
from domain.permissions import Permission, may
from domain.promise_terms import most_in_a_month
from domain.promises import PromisePart
from domain.quote_json import digest_of_quote, quote_as_json
from domain.quotes import NotOffered, Quote, quote
from domain.reasons import ReasonCode, Reasons, because
from domain.terms import terms_for
from workers.access.may_handle import assert_may_handle, of_loan_id
from workers.access.permitted import permitted
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context
from workers.db.arrangements import Arrangement, move_arrangement, set_instalments
from workers.db.loans import LockedLoan, lock_loan_by_id
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_requests import answered, pause_for_offer
from workers.hardship.arrangement_wishes import wish_columns, wish_of
from workers.hardship.arrangements import (
    Recorded,
    as_it_stands,
    check_wish,
    found,
    in_one_transaction,
    lock_arrangement,
    stands_otherwise,
)
from workers.hardship.means import known_means, promised_besides, who_pays
from workers.hardship.quotes import find_arrangeable, with_closest


@permitted(Permission.OFFER_ARRANGEMENTS)
def offer_arrangement(
    ctx: Context, name: str, wish: Wish | None = None, *, sender: str | None = None
) -> Recorded:
    """Quote an arrangement that was asked for, and keep the quote as the offer. Returns it, with
    what came of it.

    `name` is its id, and `sender` whose id that is. Without a wish, what was asked for is quoted.
    The offer is valid for the days that the terms say. Another offer takes its place, with the next
    number; the same one again changes nothing. Where the quote is beyond the authority of whoever
    acts, a second person has to agree first.

    Raises:
        SecondPersonNeededError: another person has not agreed yet.
        RefusedError: the arrangement is not known or was answered already, nothing is wished for,
            this cannot be offered: every reason is said; or whoever offers it must not handle the
            borrower.
    """
    with in_one_transaction(ctx) as connection:
        now = ctx.now()
        stored = lock_arrangement(connection, name, sender)
        assert_may_handle(connection, ctx.actor, of_loan_id(stored.loan_id))
        if stored.status not in (ArrangementStatus.REQUESTED, ArrangementStatus.OFFERED):
            raise stands_otherwise(stored)
        owed = lock_loan_by_id(connection, stored.loan_id)
        wished = wish_of(connection, ctx, stored)
        wish = wish or wished
        if wish is None:
            raise RejectedError(ReasonCode.WISH_MISSING, arrangement=name)
        check_wish(wish, owed.external_id, owed)
        terms, quoted = _quote(connection, ctx, owed, wish)
        if wish == wished and _is_offered(stored, quoted, ctx.actor):
            return Recorded(stored, as_it_stands(stored))
        beyond = _beyond_means(connection, ctx, owed, wish, quoted, now)
        role, agreed_by = _authority(connection, ctx, name, owed.external_id, terms, quoted, beyond)
        _keep_offer(connection, ctx, stored, wish, terms, quoted, role, agreed_by, now)
        offered = because(
            ReasonCode.ARRANGEMENT_OFFERED, arrangement=name, valid_until=quoted.valid_until
        )
        return Recorded(found(connection, stored.external_id, stored.sender), offered)


def _quote(
    connection: Connection, ctx: Context, owed: LockedLoan, wish: Wish
) -> tuple[ArrangementTerms, Quote]:
    today = ctx.today()
    subject = find_arrangeable(connection, ctx, owed.external_id, today)
    terms = terms_for(
        ctx.policy.arrangements, owed.jurisdiction, owed.product, owed.currency, today
    )
    quoted = with_closest(quote(subject, terms, wish, today), subject, terms, wish, today)
    if isinstance(quoted, NotOffered) or terms is None:
        reason = quoted.reason if isinstance(quoted, NotOffered) else ()
        raise RefusedError(speak(reason), reason)
    return terms, quoted


def _is_offered(stored: Arrangement, quoted: Quote, actor: Actor) -> bool:
    """Whether whoever acts has offered exactly this already: nobody has to agree once more."""
    return (
        stored.status == ArrangementStatus.OFFERED
        and stored.offered_by == actor.reference
        and stored.quote_digest == digest_of_quote(quote_as_json(quoted))
    )


def _beyond_means(
    connection: Connection,
    ctx: Context,
    owed: LockedLoan,
    wish: Wish,
    quoted: Quote,
    now: datetime,
) -> Reasons:
    """That a plan asks for more within a month, with what is promised or offered for the other
    loans of the person, than they said to be able to pay; empty: it does not, or nobody knows."""
    if quoted.kind is not ArrangementKind.INSTALMENT_PLAN:
        return ()
    payer = who_pays(connection, owed, None).record
    a_month = wish.monthly
    if a_month is None:
        a_month = known_means(connection, ctx, payer, owed.currency)
    if a_month is None:
        return ()
    parts = [PromisePart(each.due_on, each.amount) for each in quoted.after]
    most = most_in_a_month(parts, promised_besides(connection, payer, owed, now))
    if most <= a_month:
        return ()
    return because(ReasonCode.PROMISE_BEYOND_MEANS, amount=most, currency=owed.currency)


def _authority(
    connection: Connection,
    ctx: Context,
    name: str,
    loan: str,
    terms: ArrangementTerms,
    quoted: Quote,
    beyond: Reasons,
) -> tuple[Role, str | None]:
    """The role in which it is offered, and who agreed: somebody must if the role is not enough, or
    if it is `beyond` what the person said to be able to pay."""
    of_kind = terms.of_kind(quoted.kind)
    limits = of_kind.limits if of_kind else ()
    actor = ctx.actor
    if actor.kind is ActorKind.SYSTEM:
        return quoted.who_may_agree, None
    own = who_agrees(actor.roles, limits, quoted.who_may_agree)
    if own and (not beyond or may(actor, Permission.AGREE_BEYOND)):
        return own, None
    shown = quote_as_json(quoted)
    facts = {
        "loan": loan,
        "arrangement": name,
        "terms": terms.name,
        "instalments": len(quoted.arranged),
        "last day": quoted.last_day_after.isoformat(),
        "to pay before": f"{shown['to_pay_before']} {quoted.currency}",
        "to pay after": f"{shown['to_pay_after']} {quoted.currency}",
        "cost in percent a year": shown["cost_percent"],
        "digest of the quote": digest_of_quote(shown),
    }
    what = text_of("Agree to an arrangement beyond the authority of who offers it.")
    asked = ToGrant(Permission.AGREE_BEYOND, beyond if own else what, facts)
    agreed_by = with_second_person(connection, ctx, asked)
    return own or quoted.who_may_agree, agreed_by


def _keep_offer(
    connection: Connection,
    ctx: Context,
    stored: Arrangement,
    wish: Wish,
    terms: ArrangementTerms,
    quoted: Quote,
    role: Role,
    agreed_by: str | None,
    now: datetime,
) -> None:
    shown = quote_as_json(quoted)
    answered(connection, stored, now)
    paused = pause_for_offer(connection, stored, quoted.valid_until, ctx.actor.reference, now)
    moved = move_arrangement(
        connection,
        stored.id,
        ArrangementStatus.OFFERED,
        request_hold_id=paused,
        kind=quoted.kind,
        offer=stored.offers + 1,
        **wish_columns(connection, ctx, wish, stored.loan_id, stored.borrower_id, now),
        terms_id=terms.id,
        terms_version=terms.version,
        quoted_on=quoted.as_of,
        valid_until=quoted.valid_until,
        quote=shown,
        quote_digest=digest_of_quote(shown),
        to_pay_before=quoted.to_pay_before,
        to_pay_after=quoted.to_pay_after,
        grace_days=quoted.grace_days,
        missed_ends_it=quoted.missed_ends_it,
        offered_by=ctx.actor.reference,
        offered_as=role,
        agreed_by=agreed_by,
        offered_at=now,
        review_on=quoted.valid_until + timedelta(days=1),
    )
    if not moved:
        raise stands_otherwise(stored)
    set_instalments(connection, stored.id, quoted.arranged)
    if paused is not None:
        reassess(connection, ctx, [stored.loan_id], now)
