"""The scan, which beat starts every minute or so. It publishes a due loan once."""

from workers import queues
from workers.app import app
from workers.bootstrap import worker_context
from workers.escalation import scan
from workers.messaging.broker import queue_depths
from workers.messaging.publish import announce, for_all
from workers.messaging.sweeps import Sweep
from workers.queues import Queue


# It may run twice at once, started by two beats or by an operator: each loan is announced once.
@app.task(
    name=queues.SCAN_PORTFOLIO,
    base=Sweep,
    shows_what_it_found=True,
    soft_time_limit=540,
    time_limit=570,
)
def scan_portfolio() -> str:
    """Publish every loan whose review date has come."""

    def publish(envelopes: list[scan.Envelope]) -> None:
        messages = (for_all(each.loan_ids, each.names) for each in envelopes)
        announce(app, queues.ESCALATE_LOANS, messages)

    ctx = worker_context()
    waiting = queue_depths(ctx.settings.redis_url)[Queue.ESCALATE]
    done = scan.scan_portfolio(ctx, publish, waiting)
    return f"{done.loans} loans in {done.envelopes} messages for {done.business_date}"
