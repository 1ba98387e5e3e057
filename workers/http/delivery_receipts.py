"""Stores the delivery receipts of any provider: one insert each, which waits for nobody."""

from collections.abc import Iterable

from workers.context import Context
from workers.inbox.store import store_unless_known
from workers.sms.delivery_receipts import receipt_payload
from workers.sms.providers.port import StatusReport


def store_reports(ctx: Context, reports: Iterable[StatusReport]) -> list[int]:
    """Store reports as events, each once; returns the ids of those that are new.

    What a provider says of a text is known by the text and the word: whatever else a second report
    says, it is the same receipt. If one of several cannot be stored, the provider sends all again,
    and those that were stored count once.
    """
    by_id = {(report.provider, report.sid, report.word): report for report in reports}
    stored = [
        store_unless_known(
            ctx,
            f"{report.sid}:{report.word}",
            "receipt",
            receipt_payload(report, ctx.cipher),
            sender=report.provider,
        )
        for report in by_id.values()
    ]
    return [event_id for event_id in stored if event_id is not None]
