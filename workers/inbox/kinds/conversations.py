"""What came of conversations, and what a text means."""

from datetime import timedelta

from domain.events import Named
from domain.permissions import Permission
from workers.inbox import handlers
from workers.inbox.event_data import conversations
from workers.inbox.event_kind import NOBODY, EventKind
from workers.inbox.resent import note_events_resent

KINDS = (
    EventKind(
        "contact_outcome",
        handlers.apply_contact_outcome,
        (Named.ATTEMPT,),
        Permission.RECORD_CONVERSATIONS,
        conversations.ContactOutcomeFacts,
        by_anybody=True,
    ),
    EventKind(
        "inbound_contact",
        handlers.apply_inbound_contact,
        (Named.LOAN, Named.BORROWER),
        Permission.RECORD_CONVERSATIONS,
        conversations.InboundContactFacts,
    ),
    EventKind(
        "reply_read",
        handlers.apply_reply_read,
        (Named.REPLY, Named.LOAN),
        Permission.RECORD_READINGS,
        conversations.ReplyReadFacts,
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
)
