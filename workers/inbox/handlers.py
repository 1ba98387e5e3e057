"""The handlers of events: each reads a stored payload and calls the use case that applies it.

All run in the caller's transaction. Amounts in payloads are decimal strings, dates are business
dates in ISO form. A handler returns reasons, which are turned into sentences where people read
them.

Raises (each of them):
    NotYetError: something that the event names is not known yet.
    RejectedError: the event can never be applied as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Connection

from domain.actors import ARREARS, Actor
from domain.adjustments import AdjustmentKind
from domain.arrangements import ArrangementStatus
from domain.compliance.vocabulary import Channel, Proof
from domain.disputes import Matter
from domain.events import HandlerResult
from domain.reasons import Reasons
from workers.attempts.conversations import ReportedOutcome
from workers.attempts.inbound import InboundContact, record_inbound_contact
from workers.attempts.outcomes import record_outcome
from workers.borrowers.contact_details import NumberOrder, order_numbers
from workers.borrowers.number_facts import NumberFactReport, end_number_fact, record_number_fact
from workers.borrowers.opt_outs import record_opt_out
from workers.borrowers.parties import NewParty, PartyEnd, end_party_of_loan, record_party
from workers.borrowers.person_facts import (
    NewPersonFact,
    PersonFactEnd,
    end_person_fact,
    record_person_fact,
)
from workers.borrowers.reply_meaning import ReadReply, record_meaning
from workers.borrowers.representatives import NewRepresentative, record_representative
from workers.borrowers.same_person import SamePersonDecision, decide_same_person
from workers.context import Context
from workers.db.free_text import MONTHLY, unsealed_value
from workers.hardship.arrangement_acceptances import Acceptance, record_acceptance
from workers.hardship.arrangement_endings import Ending, record_ending
from workers.hardship.arrangements import NewRequest, record_request
from workers.hardship.complaints import NewComplaint, receive_complaint
from workers.hardship.disputes import NewDispute, raise_dispute
from workers.hardship.handling import Resolution, resolve
from workers.hardship.holds import NewHold, place_hold, release_hold
from workers.hardship.promises import NewPromise, record_promise, withdraw_promise
from workers.inbox.event_data.promises import means_in
from workers.legal.limitation_dates import (
    NewLimitationFact,
    TakenBackAcknowledgement,
    TakenBackFact,
    note_acknowledgement,
    note_limitation_fact,
    note_validation_notice,
    take_back_acknowledgement,
    take_back_limitation_fact,
)
from workers.payments.adjustments import NewAdjustment, record_adjustment
from workers.payments.adjustments_taken_back import AdjustmentReversal, take_back_adjustment
from workers.payments.payments import Payment, record_payment, record_payments
from workers.payments.refunds import Refund, RefundTakenBack, record_refund, take_back_refund
from workers.payments.restructuring import Restructuring, restructure
from workers.payments.reversals import Reversal, reverse_payment
from workers.payments.reversals_taken_back import ReversalTakenBack, take_back_reversal
from workers.payments.write_offs import WriteOffTakenBack, take_back_write_off, write_off
from workers.visits.letters import ReturnedLetter, record_returned_letter
from workers.workforce.absences import (
    NewAbsence,
    StaffBack,
    StaffLeft,
    note_absence,
    note_back,
    note_left,
)

Payload = Mapping[str, Any]
Request = TypeVar("Request")


def reading(
    request: type[Request], use_case: Callable[[Connection, Context, Request], Reasons]
) -> Callable[[Connection, Context, Payload], Reasons]:
    """A handler that reads the payload as the use case's own dataclass, field by field."""
    read = TypeAdapter(request).validate_python

    def apply(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
        return use_case(connection, ctx, read(payload))

    return apply


PAYMENTS = TypeAdapter(list[Payment])

apply_payment = reading(Payment, record_payment)
_apply_adjustment = reading(NewAdjustment, record_adjustment)
apply_adjustment_reversal = reading(AdjustmentReversal, take_back_adjustment)
apply_reversal = reading(Reversal, reverse_payment)
apply_reversal_taken_back = reading(ReversalTakenBack, take_back_reversal)
apply_refund = reading(Refund, record_refund)
apply_refund_taken_back = reading(RefundTakenBack, take_back_refund)
apply_write_off_taken_back = reading(WriteOffTakenBack, take_back_write_off)
_apply_promise = reading(NewPromise, record_promise)
apply_restructuring = reading(Restructuring, restructure)
apply_limitation_fact = reading(NewLimitationFact, note_limitation_fact)
apply_limitation_fact_withdrawal = reading(TakenBackFact, take_back_limitation_fact)
apply_acknowledgement_withdrawal = reading(TakenBackAcknowledgement, take_back_acknowledgement)
apply_hold = reading(NewHold, place_hold)
_apply_request = reading(NewRequest, record_request)
_apply_acceptance = reading(Acceptance, record_acceptance)
_apply_ending = reading(Ending, record_ending)
apply_dispute = reading(NewDispute, raise_dispute)
apply_complaint = reading(NewComplaint, receive_complaint)
_apply_resolution = reading(Resolution, resolve)
apply_same_person = reading(SamePersonDecision, decide_same_person)
_apply_contact_outcome = reading(ReportedOutcome, record_outcome)
apply_person_fact = reading(NewPersonFact, record_person_fact)
apply_person_fact_end = reading(PersonFactEnd, end_person_fact)
apply_loan_party = reading(NewParty, record_party)
apply_loan_party_end = reading(PartyEnd, end_party_of_loan)
apply_representative = reading(NewRepresentative, record_representative)
_apply_inbound_contact = reading(InboundContact, record_inbound_contact)
apply_staff_absent = reading(NewAbsence, note_absence)
apply_staff_left = reading(StaffLeft, note_left)
apply_staff_back = reading(StaffBack, note_back)
apply_reply_read = reading(ReadReply, record_meaning)
apply_number_order = reading(NumberOrder, order_numbers)
apply_number_fact = reading(NumberFactReport, record_number_fact)
apply_number_fact_end = reading(NumberFactReport, end_number_fact)
apply_letter_returned = reading(ReturnedLetter, record_returned_letter)


def apply_address_fact(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    return apply_number_fact(connection, ctx, {**payload, "of_address": True})


def apply_address_fact_end(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    return apply_number_fact_end(connection, ctx, {**payload, "of_address": True})


def apply_payments(
    connection: Connection, ctx: Context, payloads: Sequence[Payload]
) -> list[HandlerResult]:
    """Apply many payments in their order; returns the result of each."""
    return record_payments(connection, ctx, PAYMENTS.validate_python(payloads))


def applying(kind: AdjustmentKind) -> Callable[[Connection, Context, Payload], Reasons]:
    """A handler of the events of one kind of adjustment."""

    def apply(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
        return _apply_adjustment(connection, ctx, {**payload, "kind": kind})

    return apply


def apply_promise(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    """A promise, with what the borrower can pay a month, if it says so."""
    named = {
        *("promise", "loan", "amount", "currency", "due_on", "parts", "agreed_by"),
        *("borrower", "actor", "sender"),
    }
    given = {name: value for name, value in payload.items() if name in named}
    return _apply_promise(
        connection, ctx, {**given, "can_pay_monthly": means_in(ctx.cipher, payload)}
    )


def apply_contact_outcome(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    return _apply_contact_outcome(connection, ctx, _with_means(ctx, payload))


def apply_inbound_contact(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    return _apply_inbound_contact(connection, ctx, _with_means(ctx, payload))


def _with_means(ctx: Context, payload: Payload) -> Payload:
    """The payload of a conversation; in its promise what the borrower can pay a month, if said."""
    promised, means = payload.get("promised"), means_in(ctx.cipher, payload)
    if promised is None or means is None:
        return payload
    return {**payload, "promised": {**promised, "can_pay_monthly": means}}


def apply_promise_withdrawal(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    return withdraw_promise(
        connection,
        ctx,
        payload["promise"],
        sender=payload.get("sender"),
        was_made=payload.get("was_made"),
    )


def apply_arrangement_request(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    given = {**_by_machine(payload), **payload}
    if amount := unsealed_value(ctx.cipher, payload, MONTHLY):
        given[MONTHLY] = amount
    return _apply_request(connection, ctx, given)


def apply_arrangement_acceptance(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    return _apply_acceptance(connection, ctx, {**_by_machine(payload), **payload})


def apply_arrangement_withdrawal(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    status = ArrangementStatus.WITHDRAWN
    return _apply_ending(connection, ctx, {**_by_machine(payload), **payload, "status": status})


def apply_arrangement_refusal(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    status = ArrangementStatus.DECLINED
    return _apply_ending(connection, ctx, {**_by_machine(payload), **payload, "status": status})


def _by_machine(payload: Payload) -> dict[str, str]:
    """Who did it where the event names nobody: the lender's system that sent it."""
    return {"actor": str(payload.get("own_sender") or ARREARS.reference)}


def apply_dispute_resolution(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    named = {"matter": Matter.DISPUTE, "id": payload["dispute"]}
    return _apply_resolution(connection, ctx, {**payload, **named})


def apply_complaint_resolution(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    named = {"matter": Matter.COMPLAINT, "id": payload["complaint"]}
    return _apply_resolution(connection, ctx, {**payload, **named})


def apply_release(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    ends_on = date.fromisoformat(payload["ends_on"])
    return release_hold(
        connection,
        ctx,
        payload["hold"],
        ends_on,
        sender=payload.get("sender"),
    )


def apply_opt_out(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    channel = payload["channel"]
    asked = Channel(channel) if channel else None
    return record_opt_out(
        connection,
        ctx,
        payload["borrower"],
        asked,
        Actor(payload["actor"]),
        only_about=payload.get("loan"),
        received_at=payload.get("received_at"),
    )


def apply_validation_notice(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    on = date.fromisoformat(payload["given_on"])
    return note_validation_notice(connection, ctx, payload["loan"], on)


def apply_acknowledgement(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    on = date.fromisoformat(payload["acknowledged_on"])
    return note_acknowledgement(
        connection,
        ctx,
        payload["loan"],
        on,
        Proof(payload.get("proof") or Proof.NOT_SAID),
        acknowledged_by=payload.get("borrower"),
        document=payload.get("document"),
        actor=_actor(payload),
    )


def apply_write_off(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    on = date.fromisoformat(payload["written_off_on"])
    actor = _actor(payload)
    return write_off(connection, ctx, payload["loan"], on, actor=actor, why=payload.get("why"))


def _actor(payload: Payload) -> Actor | None:
    """Who did it, if the lender's system says so."""
    return Actor(payload["actor"]) if payload.get("actor") else None
