"""Events for the lender's systems."""

from workers import queues
from workers.app import app
from workers.bootstrap import worker_context
from workers.outbox import deliver


@app.task(name=queues.DELIVER_EVENTS)
def deliver_events(loan_id: int) -> str:
    """Deliver the events of one loan to the lender's systems, in order."""
    return f"{deliver.deliver_events(worker_context(), loan_id)} taken"
