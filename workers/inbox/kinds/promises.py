"""Promises to pay."""

from domain.permissions import Permission
from workers.inbox import handlers
from workers.inbox.event_data import promises
from workers.inbox.event_kind import NOBODY, WHO_SPOKE_OF_LOAN, EventKind

KINDS = (
    EventKind(
        "promise",
        handlers.apply_promise,
        WHO_SPOKE_OF_LOAN,
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
)
