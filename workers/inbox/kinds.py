"""Every kind of event from outside. A new kind is one more entry here, and its handler.

The HTTP endpoint, its OpenAPI schema, the contact gate and the sweep read all they need to know
about a kind from its entry.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection

from domain.adjustments import AdjustmentKind
from domain.events import HandlerResult, Named
from domain.permissions import Permission
from domain.reasons import Reasons
from workers.borrowers.contact_details import change_contacts
from workers.borrowers.inbound_texts import record_inbound_text
from workers.context import Context
from workers.db.inbox import HeldBack
from workers.inbox import handlers
from workers.inbox.event_data import (
    arrangements,
    contact_points,
    conversations,
    loans,
    persons,
    staff,
)
from workers.inbox.event_data.fields import EventData
from workers.inbox.resent import note_events_resent
from workers.sms.delivery_receipts import record_receipt

Payload = Mapping[str, Any]
Handler: TypeAlias = Callable[[Connection, Context, Payload], Reasons]
BatchHandler: TypeAlias = Callable[[Connection, Context, Sequence[Payload]], list[HandlerResult]]


@dataclass(frozen=True, slots=True)
class EventKind:
    """What the engine knows about one kind of event."""

    name: str
    """The `type` that the lender posts, and the `kind` that is stored."""
    apply: Handler
    """Applies one event in the caller's transaction, and returns what came of it.

    Raises NotYetError or RejectedError.
    """
    holds_back: tuple[Named, ...]
    """Whom nobody contacts until the event is applied, because it may stop or protect them.

    Empty only for a kind that allows no less than before, such as a release.
    """
    permission: Permission
    """What whoever reports it must be permitted."""
    data: type[EventData] | None = None
    """The model of what the lender posts; None: the lender does not post this kind."""
    apply_batch: BatchHandler | None = None
    """Applies many events in one transaction; for kinds of which many come at the same time."""
    id_field: str | None = None
    """The field of its payload that holds the id under which other events name it."""
    names: str | None = None
    """The field of its payload that names another event by that id, and waits for it."""
    names_places: bool = False
    """Whether it means the numbers or the address that its borrower has, by their places. Then it
    waits until every earlier event of this borrower that changes them is over."""
    only_with: str | None = None
    """It does so only if its payload has this field."""
    is_ordered: bool = False
    """Whether it says that somebody is, or is no longer, party to a loan. Then it waits until every
    earlier such event of this borrower and loan is over: the last one counts."""
    waits_at_most: timedelta | None = None
    """How long it waits for what it names before it is rejected; None: without end, because money
    must not be lost."""
    by_anybody: bool = False
    """Whether it is also taken from a member of staff who must not handle the person: what came of
    a contact that was begun, what was paid, and what protects the person. All else is work for the
    person, which somebody else does."""

    @property
    def pending(self) -> HeldBack:
        """What is stored with an event of this kind, for the claim to ask."""
        return HeldBack(
            stops_contact=bool(self.holds_back),
            reaches_number=Named.NUMBER_OF_BORROWER in self.holds_back,
            reaches_address=not OF_ADDRESS.isdisjoint(self.holds_back),
        )

    def waits_behind(self, payload: Payload) -> tuple[str, ...]:
        """The kinds of earlier events of the same borrower, and of the same loan if it is ordered,
        that are applied before this one."""
        if self.is_ordered:
            return CHANGE_PARTIES
        if not self.names_places:
            return ()
        if payload.get("of_representative"):
            return CHANGE_REPRESENTATIVES
        return CHANGE_PLACES if self.only_with is None or payload.get(self.only_with) else ()


CHANGE_PLACES = ("contact_change", "number_order")
CHANGE_REPRESENTATIVES = ("representative",)
CHANGE_PARTIES = ("loan_party", "loan_party_end")

NOBODY: tuple[Named, ...] = ()
OF_NUMBER = (
    *(Named.BORROWER, Named.REPLY),
    *(Named.NUMBER_OF_BORROWER, Named.NUMBER_OF_REPRESENTATIVE),
)
OF_ADDRESS = {Named.ADDRESS_OF_BORROWER, Named.ADDRESS_OF_LOAN}
WHO_HAS_LOAN = (Named.LOAN,)


EVENT_KINDS: dict[str, EventKind] = {
    kind.name: kind
    for kind in (
        EventKind(
            "payment",
            handlers.apply_payment,
            WHO_HAS_LOAN,
            Permission.RECORD_PAYMENTS,
            loans.PaymentFacts,
            handlers.apply_payments,
            id_field="external_id",
            by_anybody=True,
        ),
        EventKind(
            "reversal",
            handlers.apply_reversal,
            NOBODY,
            Permission.RECORD_PAYMENTS,
            loans.ReversalFacts,
            names="payment",
        ),
        # Until it is applied, the loan may seem to be past due. Its reversal may never come.
        EventKind(
            "reversal_taken_back",
            handlers.apply_reversal_taken_back,
            WHO_HAS_LOAN,
            Permission.RECORD_PAYMENTS,
            loans.ReversalTakenBackFacts,
            names="payment",
            waits_at_most=timedelta(days=7),
        ),
        # It changes nothing that is owed.
        EventKind(
            "refund",
            handlers.apply_refund,
            NOBODY,
            Permission.RECORD_PAYMENTS,
            loans.RefundFacts,
            names="payment",
        ),
        # What is left over again may pay what is past due. The refund may never come.
        EventKind(
            "refund_taken_back",
            handlers.apply_refund_taken_back,
            WHO_HAS_LOAN,
            Permission.RECORD_PAYMENTS,
            loans.RefundTakenBackFacts,
            names="payment",
            waits_at_most=timedelta(days=7),
        ),
        # It allows no less than before.
        EventKind(
            "charge",
            handlers.applying(AdjustmentKind.CHARGE),
            NOBODY,
            Permission.CHANGE_SCHEDULES,
            loans.ChargeFacts,
            id_field="adjustment",
        ),
        # It may name an instalment that the loan never has: that must not hold it back for good.
        EventKind(
            "waiver",
            handlers.applying(AdjustmentKind.WAIVER),
            WHO_HAS_LOAN,
            Permission.CHANGE_SCHEDULES,
            loans.WaiverFacts,
            id_field="adjustment",
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "instalment_left_out",
            handlers.applying(AdjustmentKind.LEFT_OUT),
            WHO_HAS_LOAN,
            Permission.CHANGE_SCHEDULES,
            loans.InstalmentLeftOutFacts,
            id_field="adjustment",
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "acceleration",
            handlers.applying(AdjustmentKind.ACCELERATION),
            NOBODY,
            Permission.CHANGE_SCHEDULES,
            loans.AccelerationFacts,
            id_field="adjustment",
        ),
        # It may take back a charge. It waits for an adjustment that may never come.
        EventKind(
            "adjustment_reversal",
            handlers.apply_adjustment_reversal,
            WHO_HAS_LOAN,
            Permission.CHANGE_SCHEDULES,
            loans.AdjustmentReversalFacts,
            names="adjustment",
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "promise",
            handlers.apply_promise,
            WHO_HAS_LOAN,
            Permission.RECORD_PROMISES,
            loans.PromiseFacts,
            id_field="promise",
        ),
        EventKind(
            "promise_withdrawal",
            handlers.apply_promise_withdrawal,
            NOBODY,
            Permission.RECORD_PROMISES,
            loans.PromiseWithdrawalFacts,
            names="promise",
        ),
        # It may pause the ladder until a person answers.
        EventKind(
            "arrangement_request",
            handlers.apply_arrangement_request,
            WHO_HAS_LOAN,
            Permission.RECORD_ARRANGEMENTS,
            arrangements.ArrangementRequestFacts,
            id_field="arrangement",
        ),
        # It waits for an offer that may never be made.
        EventKind(
            "arrangement_acceptance",
            handlers.apply_arrangement_acceptance,
            WHO_HAS_LOAN,
            Permission.RECORD_ARRANGEMENTS,
            arrangements.ArrangementAcceptanceFacts,
            names="arrangement",
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "arrangement_withdrawal",
            handlers.apply_arrangement_withdrawal,
            NOBODY,
            Permission.RECORD_ARRANGEMENTS,
            arrangements.ArrangementWithdrawalFacts,
            names="arrangement",
        ),
        # By the lender's ledger, to which it was proposed.
        EventKind(
            "arrangement_refusal",
            handlers.apply_arrangement_refusal,
            NOBODY,
            Permission.CHANGE_SCHEDULES,
            arrangements.ArrangementRefusalFacts,
            names="arrangement",
        ),
        EventKind(
            "dispute",
            handlers.apply_dispute,
            (Named.LOAN, Named.BORROWER),
            Permission.RECORD_HOLDS,
            loans.DisputeFacts,
            id_field="dispute",
            by_anybody=True,
        ),
        # Its hold may stay, or end.
        EventKind(
            "dispute_resolution",
            handlers.apply_dispute_resolution,
            NOBODY,
            Permission.HANDLE_DISPUTES,
            loans.DisputeResolutionFacts,
            names="dispute",
            waits_at_most=timedelta(days=7),
        ),
        # It may stop everybody.
        EventKind(
            "complaint",
            handlers.apply_complaint,
            (Named.LOAN, Named.BORROWER),
            Permission.RECEIVE_COMPLAINTS,
            loans.ComplaintFacts,
            id_field="complaint",
            by_anybody=True,
        ),
        EventKind(
            "complaint_resolution",
            handlers.apply_complaint_resolution,
            NOBODY,
            Permission.HANDLE_DISPUTES,
            loans.ComplaintResolutionFacts,
            names="complaint",
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "hold",
            handlers.apply_hold,
            (Named.LOAN, Named.BORROWER),
            Permission.RECORD_HOLDS,
            loans.HoldFacts,
            id_field="hold",
            by_anybody=True,
        ),
        EventKind(
            "release",
            handlers.apply_release,
            NOBODY,
            Permission.RELEASE_HOLDS,
            loans.ReleaseFacts,
            names="hold",
        ),
        # Whether the number is at work, and who is one person by name and number, is said with it.
        EventKind(
            "contact_change",
            change_contacts,
            (Named.BORROWER, Named.NUMBER_OF_BORROWER, Named.NUMBER, Named.NUMBERS),
            Permission.CHANGE_CONTACTS,
            contact_points.ContactChangeFacts,
            names_places=True,
        ),
        EventKind(
            "number_order",
            handlers.apply_number_order,
            (Named.BORROWER,),
            Permission.CHANGE_CONTACTS,
            contact_points.NumberOrderFacts,
            names_places=True,
        ),
        EventKind(
            "restructuring",
            handlers.apply_restructuring,
            WHO_HAS_LOAN,
            Permission.CHANGE_SCHEDULES,
            loans.RestructuringFacts,
            id_field="restructuring",
        ),
        EventKind(
            "write_off",
            handlers.apply_write_off,
            WHO_HAS_LOAN,
            Permission.WRITE_OFF,
            loans.WriteOffFacts,
        ),
        # It allows more than before.
        EventKind(
            "write_off_taken_back",
            handlers.apply_write_off_taken_back,
            NOBODY,
            Permission.WRITE_OFF,
            loans.WriteOffTakenBackFacts,
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "opt_out",
            handlers.apply_opt_out,
            (Named.BORROWER, Named.NUMBER_OF_BORROWER, Named.LOAN),
            Permission.RECORD_FACTS,
            persons.OptOutFacts,
            by_anybody=True,
        ),
        EventKind(
            "number_fact",
            handlers.apply_number_fact,
            OF_NUMBER,
            Permission.RECORD_FACTS,
            contact_points.NumberFactFacts,
            names_places=True,
            by_anybody=True,
        ),
        # The end of a fact may protect too: a number that is no longer at work is one at home.
        EventKind(
            "number_fact_end",
            handlers.apply_number_fact_end,
            OF_NUMBER,
            Permission.RECORD_FACTS,
            contact_points.NumberFactEndFacts,
            names_places=True,
        ),
        EventKind(
            "address_fact",
            handlers.apply_address_fact,
            (Named.BORROWER, Named.ADDRESS_OF_BORROWER),
            Permission.RECORD_FACTS,
            contact_points.AddressFactFacts,
            names_places=True,
            by_anybody=True,
        ),
        EventKind(
            "address_fact_end",
            handlers.apply_address_fact_end,
            (Named.BORROWER, Named.ADDRESS_OF_BORROWER),
            Permission.RECORD_FACTS,
            contact_points.AddressFactEndFacts,
            names_places=True,
        ),
        EventKind(
            "letter_returned",
            handlers.apply_letter_returned,
            (Named.LOAN, Named.ADDRESS_OF_LOAN),
            Permission.RECORD_CONVERSATIONS,
            contact_points.LetterReturnedFacts,
            by_anybody=True,
        ),
        EventKind(
            "reply_read",
            handlers.apply_reply_read,
            (Named.REPLY, Named.LOAN),
            Permission.RECORD_READINGS,
            conversations.ReplyReadFacts,
        ),
        EventKind(
            "same_person",
            handlers.apply_same_person,
            (Named.BORROWER, Named.OTHER),
            Permission.JOIN_PERSONS,
            persons.SamePersonFacts,
        ),
        EventKind(
            "validation_notice",
            handlers.apply_validation_notice,
            NOBODY,
            Permission.RECORD_LEGAL_FACTS,
            loans.ValidationNoticeFacts,
        ),
        EventKind(
            "acknowledgement",
            handlers.apply_acknowledgement,
            NOBODY,
            Permission.RECORD_LEGAL_FACTS,
            loans.AcknowledgementFacts,
        ),
        # It allows no less than before.
        EventKind(
            "limitation_fact",
            handlers.apply_limitation_fact,
            NOBODY,
            Permission.RECORD_LEGAL_FACTS,
            loans.LimitationFactFacts,
        ),
        # The time to sue may be over then.
        EventKind(
            "acknowledgement_withdrawal",
            handlers.apply_acknowledgement_withdrawal,
            (Named.LOAN, Named.BORROWER),
            Permission.RECORD_LEGAL_FACTS,
            loans.AcknowledgementWithdrawalFacts,
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "limitation_fact_withdrawal",
            handlers.apply_limitation_fact_withdrawal,
            WHO_HAS_LOAN,
            Permission.RECORD_LEGAL_FACTS,
            loans.LimitationFactWithdrawalFacts,
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "contact_outcome",
            handlers.apply_contact_outcome,
            (Named.ATTEMPT,),
            Permission.RECORD_CONVERSATIONS,
            conversations.ContactOutcomeFacts,
            by_anybody=True,
        ),
        EventKind(
            "person_fact",
            handlers.apply_person_fact,
            (Named.BORROWER, Named.LOAN, Named.NUMBER_OF_REPRESENTATIVE),
            Permission.RECORD_FACTS,
            persons.PersonFactFacts,
            names_places=True,
            only_with="place",
            by_anybody=True,
        ),
        EventKind(
            "loan_party",
            handlers.apply_loan_party,
            (Named.LOAN, Named.BORROWER, Named.NUMBER),
            Permission.CHANGE_PARTIES,
            persons.LoanPartyFacts,
            is_ordered=True,
        ),
        # Whoever is no party any more is not contacted about the loan.
        EventKind(
            "loan_party_end",
            handlers.apply_loan_party_end,
            (Named.LOAN, Named.BORROWER),
            Permission.CHANGE_PARTIES,
            persons.LoanPartyEndFacts,
            is_ordered=True,
        ),
        EventKind(
            "representative",
            handlers.apply_representative,
            (Named.BORROWER, Named.LOAN, Named.NUMBER),
            Permission.RECORD_FACTS,
            persons.RepresentativeFacts,
            by_anybody=True,
        ),
        # The end of a consent: less is allowed than before.
        EventKind(
            "person_fact_end",
            handlers.apply_person_fact_end,
            (Named.BORROWER, Named.LOAN, Named.NUMBER_OF_REPRESENTATIVE),
            Permission.RECORD_FACTS,
            persons.PersonFactEndFacts,
            names_places=True,
            only_with="place",
        ),
        EventKind(
            "inbound_contact",
            handlers.apply_inbound_contact,
            (Named.LOAN, Named.BORROWER),
            Permission.RECORD_CONVERSATIONS,
            conversations.InboundContactFacts,
        ),
        # They name nobody of the borrowers.
        EventKind(
            "staff_absent",
            handlers.apply_staff_absent,
            NOBODY,
            Permission.NOTE_ABSENCES,
            staff.StaffAbsentFacts,
        ),
        EventKind(
            "staff_left",
            handlers.apply_staff_left,
            NOBODY,
            Permission.NOTE_ABSENCES,
            staff.StaffLeftFacts,
        ),
        EventKind(
            "staff_back",
            handlers.apply_staff_back,
            NOBODY,
            Permission.NOTE_ABSENCES,
            staff.StaffBackFacts,
        ),
        # After a restore: sending waits for it, and not for one loan.
        EventKind(
            "events_resent",
            note_events_resent,
            NOBODY,
            Permission.ANSWER_RECOVERY,
            conversations.EventsResentFacts,
            waits_at_most=timedelta(days=1),
        ),
        # Until it is read by the machine, it may ask for no contact at all.
        EventKind("inbound_text", record_inbound_text, (Named.NUMBER,), Permission.REPORT_TEXTS),
        # It has a number only if it says something of it for good. It may come before the
        # provider's answer that it belongs to, by minutes.
        EventKind(
            "receipt",
            record_receipt,
            (Named.NUMBER,),
            Permission.REPORT_TEXTS,
            waits_at_most=timedelta(days=1),
        ),
    )
}
"""By name. The documentation lists the same kinds: docs/events.md."""
