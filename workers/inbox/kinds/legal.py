"""What the law counts from: notices, acknowledgements, the time to sue."""

from domain.events import Named
from domain.permissions import Permission
from workers.inbox import handlers
from workers.inbox.event_data import legal
from workers.inbox.event_kind import A_WEEK, NOBODY, WHO_HAS_LOAN, EventKind

KINDS = (
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
    # The time to sue may be over then.
    EventKind(
        "acknowledgement_withdrawal",
        handlers.apply_acknowledgement_withdrawal,
        (Named.LOAN, Named.BORROWER),
        Permission.RECORD_LEGAL_FACTS,
        legal.AcknowledgementWithdrawalFacts,
        waits_at_most=A_WEEK,
    ),
    # It allows no less than before.
    EventKind(
        "limitation_fact",
        handlers.apply_limitation_fact,
        NOBODY,
        Permission.RECORD_LEGAL_FACTS,
        legal.LimitationFactFacts,
    ),
    EventKind(
        "limitation_fact_withdrawal",
        handlers.apply_limitation_fact_withdrawal,
        WHO_HAS_LOAN,
        Permission.RECORD_LEGAL_FACTS,
        legal.LimitationFactWithdrawalFacts,
        waits_at_most=A_WEEK,
    ),
)
