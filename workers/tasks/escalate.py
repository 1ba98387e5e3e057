"""Escalation. A message may carry many loans; each is decided for itself."""

from workers import queues
from workers.app import app
from workers.bootstrap import worker_context
from workers.escalation import escalate


@app.task(name=queues.ESCALATE_LOANS)
def escalate_loans(loan_ids: list[int]) -> str:
    """Review these loans, decide, and record the decisions."""
    done = escalate.escalate_loans(worker_context(), loan_ids)
    return f"{done.reviewed} reviewed, {done.planned} actions planned, {done.failed} failed"
