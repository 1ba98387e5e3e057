"""Arrangements: from the request to the refusal by the lender's ledger."""

from domain.permissions import Permission
from workers.inbox import handlers
from workers.inbox.event_data import arrangements
from workers.inbox.event_kind import A_WEEK, NOBODY, WHO_HAS_LOAN, WHO_SPOKE_OF_LOAN, EventKind

KINDS = (
    # It may pause the ladder until a person answers.
    EventKind(
        "arrangement_request",
        handlers.apply_arrangement_request,
        WHO_SPOKE_OF_LOAN,
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
        waits_at_most=A_WEEK,
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
)
