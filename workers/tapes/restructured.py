"""Rows of loans that were restructured: which schedule a row has, and what it means."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from config.readers.tape_mapping import Field
from domain.allocation import AllocationOrder
from domain.loans import Instalment
from domain.replaced_schedules import keep_schedule, reconcile_new_schedule
from domain.tape_reconciliation import OnRecord, Reconciled, paid_in_all, reconcile
from workers.db.loans import load_schedules
from workers.db.replaced_schedules import (
    ReplacedSchedule,
    Replacement,
    Terms,
    keep_replaced,
    read_replaced,
    terms_of,
)
from workers.tapes.cells import Cells

_DATE = text("""
UPDATE loan l SET restructured_on = t.restructured_on
  FROM tape_loan t
 WHERE l.external_id = t.external_id
   AND t.restructured_on > coalesce(l.restructured_on, '-infinity')
""")


class KnownLoan(NamedTuple):
    """A loan on record of which the staged row says something else."""

    id: int
    external_id: str
    jurisdiction: str
    """What the row says; it may be another than is on record."""
    currency: str
    restructured_on: date | None
    """On record; None: it has its first schedule."""
    reported_on: date | None
    """What the row says; None: nothing."""


def read_restructured_on(cells: Cells, as_of: date) -> date | None:
    """The day from which the schedule of the row counts.

    Raises:
        BadCellError: it is no date, or after the day of the tape.
    """
    if not cells.known(Field.RESTRUCTURED_ON):
        return None
    on = cells.day(Field.RESTRUCTURED_ON)
    if on > as_of:
        raise cells.refuse(
            Field.RESTRUCTURED_ON,
            "the day from which the schedule counts: not after {as_of}, the day of the tape",
            as_of=as_of,
        )
    return on


def date_restructured(connection: Connection) -> None:
    """Set the day of the newest schedule of staged loans that are locked, where the row says it."""
    connection.execute(_DATE)


@dataclass(frozen=True)
class Restructured:
    """The known loans of a batch whose schedule was replaced before, or is replaced now."""

    connection: Connection
    known: Sequence[KnownLoan]
    as_of: date
    has_column: bool
    """Whether the tape says from when each schedule counts."""
    now: datetime
    on_record: Mapping[int, tuple[Instalment, ...]] = field(init=False)
    replaced: Mapping[int, Sequence[ReplacedSchedule]] = field(init=False)

    def __post_init__(self) -> None:
        found = [each.id for each in self.known if each.reported_on or each.restructured_on]
        before = [each.id for each in self.known if each.restructured_on]
        schedules = load_schedules(self.connection, found) if found else {}
        object.__setattr__(self, "on_record", schedules)
        replaced = read_replaced(self.connection, before) if before else {}
        object.__setattr__(self, "replaced", replaced)

    def reconcile(
        self,
        schedules: Mapping[str, Sequence[Instalment]],
        record: Mapping[int, OnRecord],
        order: Callable[[KnownLoan], AllocationOrder],
    ) -> tuple[dict[str, Reconciled], dict[str, date]]:
        """Reconcile all known loans with what the tape says of them, by their external ids.

        Also gives the loans whose row still has an old schedule, with the day that replaced it.
        `order` gives the order of allocation of a loan. The schedules that the tape replaces
        are kept.
        """
        results: dict[str, Reconciled] = {}
        old: dict[str, date] = {}
        replacements: list[Replacement] = []
        for loan in self.known:
            on_tape, recorded = tuple(schedules[loan.external_id]), record[loan.id]
            in_order = order(loan)
            if since := self._replaces(loan, on_tape):
                before = self.on_record[loan.id]
                result = reconcile_new_schedule(on_tape, before, recorded, self.as_of, in_order)
                new = Replacement(loan.id, since, result.instalments, tape_as_of=self.as_of)
                replacements.append(new)
            elif loan.restructured_on and self._is_old(loan, loan.restructured_on, on_tape):
                old[loan.external_id] = loan.restructured_on
                result = self._keep(loan, on_tape, recorded, in_order)
            else:
                result = reconcile(on_tape, recorded, self.as_of, in_order)
            results[loan.external_id] = result
        keep_replaced(self.connection, replacements, self.now)
        return results, old

    def _replaces(self, loan: KnownLoan, on_tape: Sequence[Instalment]) -> date | None:
        """From when the row replaces the schedule on record; None: it does not."""
        if loan.reported_on is None or loan.reported_on <= (loan.restructured_on or date.min):
            return None
        is_other = terms_of(on_tape) != terms_of(self.on_record[loan.id])
        return loan.reported_on if is_other else None

    def _is_old(self, loan: KnownLoan, since: date, on_tape: Sequence[Instalment]) -> bool:
        """Whether the row has the schedule of before `since`.

        A tape of that day or earlier contains nothing of that day. On a later one the column says
        it. Without the column, the row is old if a replaced schedule is as like to it as the one on
        record. It need not be the same as either: fees accrue, and events report adjustments.
        """
        if loan.reported_on is not None and loan.reported_on >= since:
            return False
        if self.as_of <= since or self.has_column:
            return True
        terms, on_record = terms_of(on_tape), terms_of(self.on_record[loan.id])
        likeness = _likeness(terms, on_record)
        return terms != on_record and any(
            each.terms != on_record and _likeness(terms, each.terms) >= likeness
            for each in self.replaced.get(loan.id, ())
        )

    def _keep(
        self,
        loan: KnownLoan,
        on_tape: Sequence[Instalment],
        recorded: OnRecord,
        order: AllocationOrder,
    ) -> Reconciled:
        shown = paid_in_all(on_tape)
        if newest := self.replaced.get(loan.id):
            # No event may have reported what the new one had as paid. The lender knew of it, and
            # so the old schedule shows it too.
            shown += newest[-1].new_paid - max(newest[-1].paid, newest[-1].new_paid)
        return keep_schedule(self.on_record[loan.id], shown, recorded, self.as_of, order)


def _likeness(some: Terms, other: Terms) -> tuple[int, ...]:
    """How many instalments two schedules share: by their days, then also by their principal, by
    their interest and by their fees."""
    return tuple(
        len({each[:parts] for each in some} & {each[:parts] for each in other})
        for parts in range(1, 5)
    )
