"""What somebody has to answer or to end: disputes, complaints, holds."""

from domain.events import Named
from domain.permissions import Permission
from workers.inbox import handlers
from workers.inbox.event_data import matters
from workers.inbox.event_kind import A_WEEK, NOBODY, EventKind

KINDS = (
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
        waits_at_most=A_WEEK,
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
        waits_at_most=A_WEEK,
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
)
