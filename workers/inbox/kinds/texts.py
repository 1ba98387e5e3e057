"""What the text providers report."""

from datetime import timedelta

from domain.events import Named
from domain.permissions import Permission
from workers.borrowers.inbound_texts import record_inbound_text
from workers.inbox.event_kind import EventKind
from workers.sms.delivery_receipts import record_receipt

KINDS = (
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
