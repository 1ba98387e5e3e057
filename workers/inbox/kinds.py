"""Every kind of event from outside. A new kind is one more entry here, and its handler.

The HTTP endpoint, its OpenAPI schema, the contact gate and the sweep read all they need to know
about a kind from its entry.
"""

from datetime import timedelta

from domain.adjustments import AdjustmentKind
from domain.events import Named
from domain.permissions import Permission
from workers.borrowers.contact_details import change_contacts
from workers.borrowers.inbound_texts import record_inbound_text
from workers.inbox import handlers
from workers.inbox.event_data import (
    arrangements,
    contact_points,
    conversations,
    legal,
    matters,
    money,
    persons,
    promises,
    staff,
)
from workers.inbox.event_kind import EventKind
from workers.inbox.resent import note_events_resent
from workers.sms.delivery_receipts import record_receipt

NOBODY: tuple[Named, ...] = ()
OF_NUMBER = (
    *(Named.BORROWER, Named.REPLY),
    *(Named.NUMBER_OF_BORROWER, Named.NUMBER_OF_REPRESENTATIVE),
)
WHO_HAS_LOAN = (Named.LOAN,)


EVENT_KINDS: dict[str, EventKind] = {
    kind.name: kind
    for kind in (
        EventKind(
            "payment",
            handlers.apply_payment,
            WHO_HAS_LOAN,
            Permission.RECORD_PAYMENTS,
            money.PaymentFacts,
            handlers.apply_payments,
            id_field="external_id",
            by_anybody=True,
        ),
        EventKind(
            "reversal",
            handlers.apply_reversal,
            NOBODY,
            Permission.RECORD_PAYMENTS,
            money.ReversalFacts,
            names="payment",
        ),
        # Until it is applied, the loan may seem to be past due. Its reversal may never come.
        EventKind(
            "reversal_taken_back",
            handlers.apply_reversal_taken_back,
            WHO_HAS_LOAN,
            Permission.RECORD_PAYMENTS,
            money.ReversalTakenBackFacts,
            names="payment",
            waits_at_most=timedelta(days=7),
        ),
        # It changes nothing that is owed.
        EventKind(
            "refund",
            handlers.apply_refund,
            NOBODY,
            Permission.RECORD_PAYMENTS,
            money.RefundFacts,
            names="payment",
        ),
        # What is left over again may pay what is past due. The refund may never come.
        EventKind(
            "refund_taken_back",
            handlers.apply_refund_taken_back,
            WHO_HAS_LOAN,
            Permission.RECORD_PAYMENTS,
            money.RefundTakenBackFacts,
            names="payment",
            waits_at_most=timedelta(days=7),
        ),
        # It allows no less than before.
        EventKind(
            "charge",
            handlers.applying(AdjustmentKind.CHARGE),
            NOBODY,
            Permission.CHANGE_SCHEDULES,
            money.ChargeFacts,
            id_field="adjustment",
        ),
        # It may name an instalment that the loan never has: that must not hold it back for good.
        EventKind(
            "waiver",
            handlers.applying(AdjustmentKind.WAIVER),
            WHO_HAS_LOAN,
            Permission.CHANGE_SCHEDULES,
            money.WaiverFacts,
            id_field="adjustment",
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "instalment_left_out",
            handlers.applying(AdjustmentKind.LEFT_OUT),
            WHO_HAS_LOAN,
            Permission.CHANGE_SCHEDULES,
            money.InstalmentLeftOutFacts,
            id_field="adjustment",
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "acceleration",
            handlers.applying(AdjustmentKind.ACCELERATION),
            NOBODY,
            Permission.CHANGE_SCHEDULES,
            money.AccelerationFacts,
            id_field="adjustment",
        ),
        # It may take back a charge. It waits for an adjustment that may never come.
        EventKind(
            "adjustment_reversal",
            handlers.apply_adjustment_reversal,
            WHO_HAS_LOAN,
            Permission.CHANGE_SCHEDULES,
            money.AdjustmentReversalFacts,
            names="adjustment",
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "promise",
            handlers.apply_promise,
            WHO_HAS_LOAN,
            Permission.RECORD_PROMISES,
            promises.PromiseFacts,
            id_field="promise",
        ),
        EventKind(
            "promise_withdrawal",
            handlers.apply_promise_withdrawal,
            NOBODY,
            Permission.RECORD_PROMISES,
            promises.PromiseWithdrawalFacts,
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
            matters.DisputeFacts,
            id_field="dispute",
            by_anybody=True,
        ),
        # Its hold may stay, or end.
        EventKind(
            "dispute_resolution",
            handlers.apply_dispute_resolution,
            NOBODY,
            Permission.HANDLE_DISPUTES,
            matters.DisputeResolutionFacts,
            names="dispute",
            waits_at_most=timedelta(days=7),
        ),
        # It may stop everybody.
        EventKind(
            "complaint",
            handlers.apply_complaint,
            (Named.LOAN, Named.BORROWER),
            Permission.RECEIVE_COMPLAINTS,
            matters.ComplaintFacts,
            id_field="complaint",
            by_anybody=True,
        ),
        EventKind(
            "complaint_resolution",
            handlers.apply_complaint_resolution,
            NOBODY,
            Permission.HANDLE_DISPUTES,
            matters.ComplaintResolutionFacts,
            names="complaint",
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "hold",
            handlers.apply_hold,
            (Named.LOAN, Named.BORROWER),
            Permission.RECORD_HOLDS,
            matters.HoldFacts,
            id_field="hold",
            by_anybody=True,
        ),
        EventKind(
            "release",
            handlers.apply_release,
            NOBODY,
            Permission.RELEASE_HOLDS,
            matters.ReleaseFacts,
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
            money.RestructuringFacts,
            id_field="restructuring",
        ),
        EventKind(
            "write_off",
            handlers.apply_write_off,
            WHO_HAS_LOAN,
            Permission.WRITE_OFF,
            money.WriteOffFacts,
        ),
        # It allows more than before.
        EventKind(
            "write_off_taken_back",
            handlers.apply_write_off_taken_back,
            NOBODY,
            Permission.WRITE_OFF,
            money.WriteOffTakenBackFacts,
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
            legal.ValidationNoticeFacts,
        ),
        EventKind(
            "acknowledgement",
            handlers.apply_acknowledgement,
            NOBODY,
            Permission.RECORD_LEGAL_FACTS,
            legal.AcknowledgementFacts,
        ),
        # It allows no less than before.
        EventKind(
            "limitation_fact",
            handlers.apply_limitation_fact,
            NOBODY,
            Permission.RECORD_LEGAL_FACTS,
            legal.LimitationFactFacts,
        ),
        # The time to sue may be over then.
        EventKind(
            "acknowledgement_withdrawal",
            handlers.apply_acknowledgement_withdrawal,
            (Named.LOAN, Named.BORROWER),
            Permission.RECORD_LEGAL_FACTS,
            legal.AcknowledgementWithdrawalFacts,
            waits_at_most=timedelta(days=7),
        ),
        EventKind(
            "limitation_fact_withdrawal",
            handlers.apply_limitation_fact_withdrawal,
            WHO_HAS_LOAN,
            Permission.RECORD_LEGAL_FACTS,
            legal.LimitationFactWithdrawalFacts,
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
