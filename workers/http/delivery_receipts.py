"""Stores the delivery receipts of any provider."""

from collections.abc import Iterable

from workers.context import Context
from workers.inbox.process import store_event
from workers.sms.delivery_receipts import receipt_payload
from workers.sms.providers.port import StatusReport


def store_reports(ctx: Context, reports: Iterable[StatusReport]) -> list[int]:
    """Store reports as events, each once, all or none; returns their ids.

    Raises:
        ArrearsError: one was applied before, and its contents were others.
    """
    by_id = {f"{report.provider}:{report.sid}:{report.word}": report for report in reports}
    with ctx.engine.begin() as connection:
        # In one order, so that two calls with the same reports cannot wait for each other.
        return [
            store_event(
                connection,
                external_id,
                "receipt",
                receipt_payload(report, ctx.cipher),
                ctx.now(),
            )
            for external_id, report in sorted(by_id.items())
        ]
