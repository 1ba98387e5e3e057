"""Acceptances of arrangements: the borrower agrees to an offer, with proof, while it is valid."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import Connection

from domain.arrangements import (
    ARRANGEMENT_MOVES,
    AcceptanceProof,
    ArrangementStatus,
    ArrangementTerms,
)
from domain.eligibility import ArrangeableLoan
from domain.events import RejectedError
from domain.moves import sources
from domain.permissions import Permission
from domain.quote_json import digest_of_quote, quote_as_json
from domain.quotes import NotOffered, quote
from domain.reasons import ReasonCode, Reasons, because
from domain.terms import terms_for
from workers.access.may_handle import assert_may_handle, of_loan_id
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.arrangements import (
    Arrangement,
    kind_of,
    move_arrangement,
    note_return,
    open_arrangement,
)
from workers.db.loans import LockedLoan, lock_loan_by_id
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_requests import end_pause
from workers.hardship.arrangement_wishes import wish_of
from workers.hardship.arrangements import (
    Recorded,
    as_it_stands,
    found,
    in_one_transaction,
    lock_arrangement,
    pause,
    stands_otherwise,
)
from workers.hardship.quotes import find_arrangeable


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """That the borrower agreed to an offer."""

    arrangement: str
    loan: str | None = None
    """Checked, if it is said."""
    offer: int | None = None
    """The number of the offer that they were shown; needed where it was offered more than once."""
    accepted_on: date | None = None
    """The business date on which they did; today, if it is left out."""
    proof: AcceptanceProof
    proof_reference: str
    """The id of the recording, the text, the letter or the form. No personal data."""
    actor: str = ""
    """Who recorded it. Where a person does it here, whoever acts."""
    sender: str | None = None
    """Whose id it is."""


@permitted(Permission.RECORD_ARRANGEMENTS)
def accept_arrangement(ctx: Context, new: Acceptance) -> Recorded:
    """Record that the borrower accepts an offer. Returns the arrangement, with what came of it.

    Raises:
        RefusedError: as `record_acceptance` says; or whoever records it must not handle the
            borrower.
    """
    with in_one_transaction(ctx) as connection:
        stored = lock_arrangement(connection, new.arrangement, new.sender)
        assert_may_handle(connection, ctx.actor, of_loan_id(stored.loan_id))
        came = record_acceptance(connection, ctx, replace(new, actor=ctx.actor.reference))
        return Recorded(found(connection, new.arrangement, new.sender), came)


def record_acceptance(connection: Connection, ctx: Context, new: Acceptance) -> Reasons:
    """Accept an offer, in the caller's transaction. Its schedule is proposed to the ledger.

    What was accepted in time counts also if it is reported when the offer has expired.

    Nobody is contacted until the ledger has answered, for as many days as the terms say. Returns
    what came of it.

    Raises:
        NotYetError: the arrangement is not known.
        RejectedError: it is not offered, the offer has expired, another one than the newest was
            shown, or it does not say which; or it would mean something else now: money came in,
            the schedule changed, or other terms were in force on the day on which they accepted; or
            it is accepted already, with another proof.
    """
    now = ctx.now()
    stored = lock_arrangement(connection, new.arrangement, new.sender)
    owed = lock_loan_by_id(connection, stored.loan_id)
    if new.loan is not None and new.loan != owed.external_id:
        raise RejectedError(
            ReasonCode.ARRANGEMENT_OF_OTHER_LOAN,
            arrangement=new.arrangement,
            loan=owed.external_id,
        )
    if (stored.proof, stored.proof_reference) == (new.proof, new.proof_reference):
        return as_it_stands(stored)
    if stored.proof is not None and stored.status == ArrangementStatus.ACCEPTED:
        raise RejectedError(
            ReasonCode.ACCEPTED_WITH_OTHER_PROOF,
            arrangement=new.arrangement,
            acceptance_proof=stored.proof,
            reference=stored.proof_reference,
        )
    if stored.status not in sources(ARRANGEMENT_MOVES, ArrangementStatus.ACCEPTED):
        raise stands_otherwise(stored)
    on = new.accepted_on or now.date()
    _check_day(stored, on, now.date())
    _check_offer(stored, new)
    if stored.status == ArrangementStatus.EXPIRED:
        _check_nothing_else(connection, owed)
        note_return(connection, stored, ArrangementStatus.ACCEPTED, now)
    terms = _check_quote(connection, ctx, stored, owed, on, now.date())
    confirm_by = now.date() + timedelta(days=terms.confirm_within_days)
    end_pause(connection, stored, now)
    hold_id = pause(connection, stored, now.date(), confirm_by, new.actor, now)
    moved = move_arrangement(
        connection,
        stored.id,
        ArrangementStatus.ACCEPTED,
        accepted_on=on,
        accepted_at=now,
        accepted_by=new.actor,
        proof=new.proof,
        proof_reference=new.proof_reference,
        confirm_by=confirm_by,
        hold_id=hold_id,
        review_on=confirm_by,
        ended_at=None,
        ended_by=None,
    )
    if not moved:
        raise stands_otherwise(stored)
    record_events(connection, [_proposal(stored, on)], now)
    reassess(connection, ctx, [stored.loan_id], now)
    return because(
        ReasonCode.ARRANGEMENT_ACCEPTED, arrangement=new.arrangement, confirm_by=confirm_by
    )


def _check_offer(stored: Arrangement, new: Acceptance) -> None:
    """Check that what was accepted is the newest offer."""
    if new.offer is None and stored.offers > 1:
        raise RejectedError(
            ReasonCode.OFFER_NOT_NAMED, arrangement=stored.external_id, newest=stored.offers
        )
    if new.offer not in (None, stored.offers):
        raise RejectedError(
            ReasonCode.OFFER_NOT_NEWEST,
            arrangement=stored.external_id,
            offer=new.offer,
            newest=stored.offers,
        )


def _check_nothing_else(connection: Connection, owed: LockedLoan) -> None:
    """Check that an expired offer that was accepted in time can take its place again."""
    if other := open_arrangement(connection, owed.id):
        raise RejectedError(
            ReasonCode.ARRANGEMENT_OPEN_ALREADY,
            loan=owed.external_id,
            arrangement=other.external_id,
            arrangement_status=other.status,
        )


def _check_day(stored: Arrangement, on: date, today: date) -> None:
    """Check that an offer could be accepted on a day."""
    if stored.quoted_on is None or stored.valid_until is None:
        raise stands_otherwise(stored)
    if on > stored.valid_until:
        raise RejectedError(
            ReasonCode.QUOTE_EXPIRED,
            arrangement=stored.external_id,
            valid_until=stored.valid_until,
        )
    if on > today:
        raise RejectedError(
            ReasonCode.ACCEPTED_ON_DAY_TO_COME, arrangement=stored.external_id, on=on, today=today
        )
    if on < stored.quoted_on:
        raise RejectedError(
            ReasonCode.ACCEPTED_ON_WRONG_DAY,
            arrangement=stored.external_id,
            on=on,
            quoted_on=stored.quoted_on,
        )


def _check_quote(
    connection: Connection,
    ctx: Context,
    stored: Arrangement,
    owed: LockedLoan,
    on: date,
    today: date,
) -> ArrangementTerms:
    """Check that the quote still means what was shown, and that nothing stands in its way."""
    outdated = RejectedError(
        ReasonCode.QUOTE_OUTDATED, arrangement=stored.external_id, loan=owed.external_id
    )
    kind = owed.jurisdiction, owed.product, owed.currency
    terms = terms_for(ctx.policy.arrangements, *kind, on)
    wish = wish_of(connection, ctx, stored)
    if terms is None or wish is None or stored.quoted_on is None:
        raise outdated
    if (terms.id, terms.version) != (stored.terms_id, stored.terms_version):
        raise outdated
    subject = find_arrangeable(connection, ctx, owed.external_id, today)
    _check_holds(subject, terms, stored)
    as_quoted = replace(subject, holds=frozenset())
    again = quote(as_quoted, terms, wish, stored.quoted_on)
    if isinstance(again, NotOffered):
        raise RejectedError(again.reason[0].code, **again.reason[0].params)
    if digest_of_quote(quote_as_json(again)) != stored.quote_digest:
        raise outdated
    return terms


def _check_holds(subject: ArrangeableLoan, terms: ArrangementTerms, stored: Arrangement) -> None:
    of_kind = terms.of_kind(kind_of(stored))
    if of_kind and (against := sorted(subject.holds & of_kind.eligibility.not_during)):
        raise RejectedError(ReasonCode.NOT_DURING_HOLD, hold=against[0])


def _proposal(stored: Arrangement, on: date) -> OutboxMessage:
    """The schedule that is proposed to the lender's ledger, as it was shown to the borrower."""
    shown = dict(stored.quote or {})
    told = {
        "arrangement": stored.external_id,
        "sender": stored.sender,
        "kind": stored.kind,
        "terms": shown["terms"],
        "quoted_on": stored.quoted_on,
        "accepted_on": on,
        "currency": shown["currency"],
        "rate_percent": shown["rate_percent"],
        "to_pay": shown["to_pay_after"],
        "stops": shown["stops"],
        "instalments": [
            {name: each[name] for name in ("due_on", "principal", "interest", "fees")}
            for each in shown["after"]
        ],
    }
    return OutboxMessage(OutboxEventKind.ARRANGEMENT_ACCEPTED, stored.loan_id, told)
