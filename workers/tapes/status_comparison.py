"""Compares the status by days past due with the lender's own status of each loan."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from config.readers.lender_statuses import LenderStatuses
from domain.delinquency import days_past_due
from domain.loans import ZERO, LoanOnTape
from domain.masking import masked


@dataclass(frozen=True, slots=True)
class StatusCell:
    """The loans that have one status by their days past due and one by the lender."""

    ours: str
    lender: str
    loans: int
    why: str
    """A sentence on why the two differ; empty where they agree."""

    @property
    def agrees(self) -> bool:
        return self.ours == self.lender


@dataclass(frozen=True, slots=True)
class StatusComparison:
    """A cross table of all good loans, without empty cells."""

    as_of: date
    statuses: tuple[str, ...]
    """In the mapping's order, for the rows and columns of a table."""
    cells: tuple[StatusCell, ...]
    """In the order of the status by days past due, then of the lender's status."""

    @property
    def loans(self) -> int:
        return sum(cell.loans for cell in self.cells)

    @property
    def agreeing(self) -> int:
        return sum(cell.loans for cell in self.cells if cell.agrees)

    @property
    def share(self) -> float:
        """The fraction of the loans that agree, 0 to 1; 1 for no loans."""
        return self.agreeing / self.loans if self.loans else 1.0


class StatusTally:
    """Counts the loans while the tape is read. Counts of several parts are added up."""

    def __init__(
        self,
        statuses: LenderStatuses,
        as_of: date,
        counts: Counter[tuple[str, str]] | None = None,
    ) -> None:
        self._statuses = statuses
        self._as_of = as_of
        self.counts = Counter[tuple[str, str]]() if counts is None else counts
        """By the status that the days past due give, and the lender's."""

    def count(self, loan: LoanOnTape, lender_status: str) -> None:
        """Count one loan. A status that the mapping does not know is counted by its shape: anything
        may stand in that column."""
        settled = all(instalment.unpaid <= ZERO for instalment in loan.instalments)
        days = days_past_due(loan.instalments, self._as_of)
        known = lender_status in {self._statuses.settled, *self._statuses.days}
        lender = lender_status if known else masked(lender_status)
        self.counts[self._statuses.of(days, settled), lender] += 1

    def result(self) -> StatusComparison:
        """The comparison of the loans counted so far."""
        known = (self._statuses.settled, *self._statuses.days)
        unknown = sorted({lender for _, lender in self.counts} - set(known))
        order = (*known, *unknown)
        cells = (
            StatusCell(ours, lender, self.counts[ours, lender], self._why(ours, lender))
            for ours in order
            for lender in order
            if self.counts[ours, lender]
        )
        return StatusComparison(self._as_of, order, tuple(cells))

    def _why(self, ours: str, lender: str) -> str:
        if ours == lender:
            return ""
        return self._statuses.reasons.get((ours, lender), "The mapping gives no reason.")
