"""Every kind of event from outside. A new kind is one more entry here, and its handler.

The HTTP endpoint, its OpenAPI schema, the contact gate and the sweep read all they need to know
about a kind from its entry.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection

from domain.events import HandlerResult
from domain.reasons import Reasons
from workers.borrowers.contact_details import change_contacts
from workers.context import Context
from workers.inbox import event_data, handlers
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
    data: type[event_data.EventData] | None = None
    """The model of what the lender posts; None: the lender does not post this kind."""
    apply_batch: BatchHandler | None = None
    """Applies many events in one transaction; for kinds of which many come at the same time."""
    stops_contact: bool = False
    """Whether nobody is contacted about the `loan`, or the `borrower`, that its payload names until
    it is applied. False for what only allows more contact than before, such as a release."""
    id_field: str | None = None
    """The field of its payload that holds the id under which other events name it."""
    names: str | None = None
    """The field of its payload that names another event by that id, and waits for it."""
    waits_at_most: timedelta | None = None
    """How long it waits for what it names before it is rejected; None: without end, because money
    must not be lost."""


EVENT_KINDS: dict[str, EventKind] = {
    kind.name: kind
    for kind in (
        EventKind(
            "payment",
            handlers.apply_payment,
            event_data.PaymentFacts,
            handlers.apply_payments,
            stops_contact=True,
            id_field="external_id",
        ),
        EventKind("reversal", handlers.apply_reversal, event_data.ReversalFacts, names="payment"),
        EventKind(
            "promise",
            handlers.apply_promise,
            event_data.PromiseFacts,
            stops_contact=True,
            id_field="promise",
        ),
        EventKind(
            "promise_withdrawal",
            handlers.apply_promise_withdrawal,
            event_data.PromiseWithdrawalFacts,
            names="promise",
        ),
        EventKind(
            "dispute",
            handlers.apply_dispute,
            event_data.DisputeFacts,
            stops_contact=True,
            id_field="dispute",
        ),
        EventKind(
            "hold",
            handlers.apply_hold,
            event_data.HoldFacts,
            stops_contact=True,
            id_field="hold",
        ),
        EventKind("release", handlers.apply_release, event_data.ReleaseFacts, names="hold"),
        EventKind(
            "contact_change", change_contacts, event_data.ContactChangeFacts, stops_contact=True
        ),
        EventKind(
            "write_off", handlers.apply_write_off, event_data.WriteOffFacts, stops_contact=True
        ),
        EventKind("opt_out", handlers.apply_opt_out, event_data.OptOutFacts, stops_contact=True),
        EventKind(
            "number_fact",
            handlers.apply_number_fact,
            event_data.NumberFactFacts,
            stops_contact=True,
        ),
        EventKind("number_fact_end", handlers.apply_number_fact_end, event_data.NumberFactEndFacts),
        EventKind("reply_read", handlers.apply_reply_read, event_data.ReplyReadFacts),
        EventKind(
            "same_person",
            handlers.apply_same_person,
            event_data.SamePersonFacts,
            stops_contact=True,
        ),
        EventKind(
            "validation_notice",
            handlers.apply_validation_notice,
            event_data.ValidationNoticeFacts,
        ),
        EventKind(
            "acknowledgement", handlers.apply_acknowledgement, event_data.AcknowledgementFacts
        ),
        EventKind(
            "contact_outcome", handlers.apply_contact_outcome, event_data.ContactOutcomeFacts
        ),
        EventKind(
            "person_fact",
            handlers.apply_person_fact,
            event_data.PersonFactFacts,
            stops_contact=True,
        ),
        EventKind(
            "loan_party", handlers.apply_loan_party, event_data.LoanPartyFacts, stops_contact=True
        ),
        EventKind("loan_party_end", handlers.apply_loan_party_end, event_data.LoanPartyEndFacts),
        EventKind(
            "representative",
            handlers.apply_representative,
            event_data.RepresentativeFacts,
            stops_contact=True,
        ),
        EventKind("person_fact_end", handlers.apply_person_fact_end, event_data.PersonFactEndFacts),
        EventKind(
            "inbound_contact",
            handlers.apply_inbound_contact,
            event_data.InboundContactFacts,
            stops_contact=True,
        ),
        # A receipt may come before the provider's answer that it belongs to, by minutes.
        EventKind("receipt", record_receipt, waits_at_most=timedelta(days=1)),
    )
}
"""By name. The documentation lists the same kinds: docs/events.md."""
