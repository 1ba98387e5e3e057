"""Events from outside. A message may carry many; each is applied for itself."""

from collections import Counter

from workers import queues
from workers.app import app
from workers.bootstrap import worker_context
from workers.inbox import apply


@app.task(name=queues.APPLY_EVENTS)
def apply_events(event_ids: list[int]) -> str:
    """Apply these stored events, such as payments and receipts."""
    results = apply.apply_events(worker_context(), event_ids)
    counts = Counter(result.status for result in results)
    return ", ".join(f"{many} {status}" for status, many in sorted(counts.items()))
