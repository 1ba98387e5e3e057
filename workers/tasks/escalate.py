"""Escalation, loan by loan; the message is only an envelope."""

from __future__ import annotations

from workers import queues
from workers.app import app
from workers.bootstrap import process_context
from workers.escalation import escalate


@app.task(name=queues.ESCALATE_LOANS)
def escalate_loans(loan_ids: list[int]) -> str:
    """Look at these loans, decide, and put the decisions on record."""
    done = escalate.escalate_loans(process_context(), loan_ids)
    return f"{done.looked_at} looked at, {done.planned} actions planned, {done.failed} put aside"
