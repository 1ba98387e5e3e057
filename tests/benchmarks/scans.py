"""A scan that can be run again and again, and counted."""

from dataclasses import dataclass, field

from sqlalchemy import delete

from tests.benchmarks.book import vacuum_and_flush
from tests.benchmarks.figures import expect
from workers.app import app
from workers.context import Context
from workers.db.schema import announcement, scan_run
from workers.escalation.scan import Announce, Envelope, scan_portfolio
from workers.messaging.publish import announce, for_all
from workers.queues import ESCALATE_LOANS


def publish(envelopes: list[Envelope]) -> None:
    """Announce as the task `scan_portfolio` does."""
    announce(app, ESCALATE_LOANS, (for_all(each.loan_ids, each.names) for each in envelopes))


def keep_quiet(envelopes: list[Envelope]) -> None:
    """Announce nothing: what then remains is the database's part."""


@dataclass(slots=True)
class CountedScan:
    """The day's first scan of an installation, which must find exactly the loans that are due."""

    ctx: Context
    due: int
    announce: Announce
    _found: list[int] = field(default_factory=list)

    def make_ready(self) -> None:
        """As if the day had not been scanned yet, on tables as autovacuum leaves them."""
        self._found.clear()
        with self.ctx.engine.begin() as connection:
            connection.execute(delete(announcement))
            connection.execute(delete(scan_run))
        vacuum_and_flush(self.ctx.settings.database_url)

    def run(self) -> None:
        scan_portfolio(self.ctx, self._count_and_announce)

    def check(self) -> None:
        """Raises WrongResultError unless each due loan was announced, once."""
        expect("loans announced", len(self._found), self.due)
        expect("different loans announced", len(set(self._found)), self.due)

    def _count_and_announce(self, envelopes: list[Envelope]) -> None:
        for envelope in envelopes:
            self._found.extend(envelope.loan_ids)
        self.announce(envelopes)
