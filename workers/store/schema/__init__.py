"""The tables, by subject. Constraints here restate the promises the house makes."""

from workers.store.schema.base import metadata
from workers.store.schema.book import allocation, borrower, instalment, loan, opt_out, payment
from workers.store.schema.contacts import contact, document, message, receipt, reply, sender_pace
from workers.store.schema.escalation import (
    action,
    action_event,
    approval,
    collection_case,
    decision,
    hold,
    promise,
)
from workers.store.schema.machinery import (
    announcement,
    inbox_event,
    outbox_event,
    policy_version,
    problem,
    scan_run,
    tape_import,
)
from workers.store.schema.people import (
    call,
    legal_file,
    legal_file_line,
    legal_file_need,
    shift,
    staff,
    visit,
    visit_staff,
)

__all__ = [
    "action",
    "action_event",
    "allocation",
    "announcement",
    "approval",
    "borrower",
    "call",
    "collection_case",
    "contact",
    "decision",
    "document",
    "hold",
    "inbox_event",
    "instalment",
    "legal_file",
    "legal_file_line",
    "legal_file_need",
    "loan",
    "message",
    "metadata",
    "opt_out",
    "outbox_event",
    "payment",
    "policy_version",
    "problem",
    "promise",
    "receipt",
    "reply",
    "scan_run",
    "sender_pace",
    "shift",
    "staff",
    "tape_import",
    "visit",
    "visit_staff",
]
