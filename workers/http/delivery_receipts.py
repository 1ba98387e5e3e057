"""Storing what providers report of texts, whoever the provider is."""

from __future__ import annotations

from collections.abc import Iterable

from workers.context import Context
from workers.inbox.process import store_event
from workers.sms.delivery_receipts import receipt_payload
from workers.sms.providers.port import StatusReport


def store_reports(ctx: Context, reports: Iterable[StatusReport]) -> None:
    """Store reports as events, each once, all or none.

    Raises:
        ArrearsError: one was applied before, and its contents were others.
    """
    told = {
        f"{each_report.provider}:{each_report.sid}:{each_report.word}": each_report
        for each_report in reports
    }
    with ctx.engine.begin() as connection:
        # In one order, so that two calls with the same reports cannot wait for each other.
        for external_id, report in sorted(told.items()):
            store_event(connection, external_id, "receipt", receipt_payload(report), ctx.now())
