"""Merges the instalments of a batch: reconciles those of the tape with what is recorded here."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, text

from config.readers.tape_mapping import Field, TapeMapping
from domain.allocation import AllocationOrder
from domain.loans import Instalment, Problem
from domain.reasons import ReasonCode, because
from domain.tape_reconciliation import Reconciled
from workers.db.allocations import read_recorded_money, replace_all_allocations
from workers.db.paid_by_tape import Shown, keep_shown
from workers.db.parts import replace_parts
from workers.db.problems import TAPE_HAS_OLD_SCHEDULE, TAPE_SHOWS_LESS
from workers.db.schema import adjustment_part
from workers.db.typed_rows import typed_rows
from workers.tapes.restructured import KnownLoan, Restructured
from workers.tapes.staging import restage_instalments, stage_problems

# Known loans whose instalments on the tape differ from those on record, or which have payments of
# the tape's day or later.
_DIFFERING = text("""
WITH differing AS (
    SELECT t.loan
      FROM tape_instalment t
      JOIN loan l ON l.external_id = t.loan
      LEFT JOIN instalment k ON k.loan_id = l.id AND k.due_on = t.due_on
     WHERE (k.principal, k.interest, k.fees, k.paid_principal, k.paid_interest, k.paid_fees)
           IS DISTINCT FROM
           (t.principal, t.interest, t.fees, t.paid_principal, t.paid_interest, t.paid_fees)
        -- A day that has begun to count stays; others follow the calendar and the ladder.
        OR (k.counts_from < :today) IS NOT TRUE AND k.counts_from IS DISTINCT FROM t.counts_from
     UNION
    SELECT t.external_id
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN instalment i ON i.loan_id = l.id
      LEFT JOIN tape_instalment k ON k.loan = t.external_id AND k.due_on = i.due_on
     WHERE k.loan IS NULL
     UNION
    -- The tape does not contain these payments, also if it shows exactly what is on record.
    SELECT t.external_id
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN payment p ON p.loan_id = l.id
     WHERE p.paid_on >= :as_of AND p.reversed_on IS NULL
       AND p.unallocated < p.amount - p.returned
     UNION
    SELECT t.external_id
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN adjustment a ON a.loan_id = l.id
     WHERE CASE WHEN a.taken_back_on IS NULL THEN a.booked_on >= :as_of
                ELSE a.booked_on < :as_of AND a.taken_back_on >= :as_of END
)
SELECT l.id, l.external_id, t.jurisdiction, t.currency,
       l.restructured_on, t.restructured_on AS reported_on
  FROM differing d
  JOIN loan l ON l.external_id = d.loan
  JOIN tape_loan t ON t.external_id = d.loan
""")

_INSTALMENTS = text("""
INSERT INTO instalment (loan_id, due_on, principal, interest, fees,
                             paid_principal, paid_interest, paid_fees, counts_from)
SELECT l.id, t.due_on, t.principal, t.interest, t.fees,
       t.paid_principal, t.paid_interest, t.paid_fees,
       CASE WHEN k.counts_from < :today THEN k.counts_from ELSE t.counts_from END
  FROM tape_instalment t
  JOIN loan l ON l.external_id = t.loan
  LEFT JOIN instalment k ON k.loan_id = l.id AND k.due_on = t.due_on
 WHERE t.loan = ANY(:loans)
   AND ((k.principal, k.interest, k.fees, k.paid_principal, k.paid_interest, k.paid_fees)
        IS DISTINCT FROM
        (t.principal, t.interest, t.fees, t.paid_principal, t.paid_interest, t.paid_fees)
        OR (k.counts_from < :today) IS NOT TRUE AND k.counts_from IS DISTINCT FROM t.counts_from)
ON CONFLICT (loan_id, due_on) DO UPDATE
   SET principal = excluded.principal, interest = excluded.interest, fees = excluded.fees,
       paid_principal = excluded.paid_principal, paid_interest = excluded.paid_interest,
       paid_fees = excluded.paid_fees, counts_from = excluded.counts_from
RETURNING loan_id
""")

_NEW_INSTALMENTS = text("""
INSERT INTO instalment (loan_id, due_on, principal, interest, fees,
                        paid_principal, paid_interest, paid_fees, counts_from)
SELECT l.id, t.due_on, t.principal, t.interest, t.fees,
       t.paid_principal, t.paid_interest, t.paid_fees, t.counts_from
  FROM tape_instalment t
  JOIN loan l ON l.external_id = t.loan
 WHERE t.loan = ANY(:loans)
""")

_DELETE_INSTALMENTS = text("""
DELETE FROM instalment i USING loan l, tape_loan t
 WHERE l.external_id = t.external_id AND i.loan_id = l.id AND t.external_id = ANY(:loans)
   AND NOT EXISTS (SELECT FROM tape_instalment k
                    WHERE k.loan = t.external_id AND k.due_on = i.due_on)
RETURNING i.loan_id
""")

_STAGED = text("""
SELECT loan, due_on, principal, interest, fees,
       paid_principal, paid_interest, paid_fees, counts_from
  FROM tape_instalment
 WHERE loan = ANY(:loans)
 ORDER BY loan, due_on
""")


def find_differing(connection: Connection, as_of: date, today: date) -> list[KnownLoan]:
    """The staged loans on record whose instalments are to be reconciled. They must be locked."""
    found = connection.execute(_DIFFERING, {"today": today, "as_of": as_of})
    return typed_rows(KnownLoan, found)


def reconcile_staged(
    connection: Connection,
    known: Sequence[KnownLoan],
    mapping: TapeMapping,
    as_of: date,
    order: Callable[[str], AllocationOrder],
    now: datetime,
) -> tuple[dict[str, Reconciled], list[str]]:
    """Reconcile the staged instalments with what is recorded here; by the loans' external ids.
    Also gives those of which the record will be something else than the tape says.

    `known` are the loans on record whose instalments differ. They are locked: no payment can come
    in between.
    """
    if not known:
        return {}, []
    record = read_recorded_money(connection, [loan.id for loan in known], as_of)
    schedules: dict[str, list[Instalment]] = defaultdict(list)
    staged = connection.execute(_STAGED, {"loans": [loan.external_id for loan in known]})
    for external_id, *instalment in staged.all():
        schedules[external_id].append(Instalment(*instalment))
    says = mapping.says(Field.RESTRUCTURED_ON)
    restructured = Restructured(connection, known, as_of, says, now)
    reconciled, old = restructured.reconcile(
        schedules, record, lambda loan: order(loan.jurisdiction)
    )
    replace_all_allocations(
        connection,
        {id: to for result in reconciled.values() for id, to in result.allocations.items()},
    )
    ids = {loan.external_id: loan.id for loan in known}
    currencies = {loan.external_id: loan.currency for loan in known}
    shown = {ids[loan]: Shown(r.spent, r.unexplained) for loan, r in reconciled.items()}
    keep_shown(connection, shown, as_of)
    replace_parts(
        connection,
        adjustment_part,
        {id: parts for result in reconciled.values() for id, parts in result.adjusted.items()},
    )
    other = {
        loan: result.instalments
        for loan, result in reconciled.items()
        if list(result.instalments) != schedules[loan]
    }
    if other:
        restage_instalments(connection, other)
    problems = {
        loan: (_shows_less(result.less, currencies[loan], as_of),)
        for loan, result in reconciled.items()
        if result.less
    }
    problems |= {loan: (_has_old_schedule(on, as_of),) for loan, on in old.items()}
    stage_problems(connection, problems)
    return reconciled, list({**other, **old})


def _shows_less(less: Decimal, currency: str, as_of: date) -> Problem:
    detail = because(ReasonCode.TAPE_SHOWS_LESS, on=as_of, amount=less, currency=currency)
    return Problem(TAPE_SHOWS_LESS, detail)


def _has_old_schedule(replaced_on: date, as_of: date) -> Problem:
    detail = because(ReasonCode.TAPE_HAS_OLD_SCHEDULE, on=replaced_on, as_of=as_of)
    return Problem(TAPE_HAS_OLD_SCHEDULE, detail)


def insert_instalments(connection: Connection, new: Sequence[str]) -> None:
    """Insert the staged instalments of new loans."""
    if new:
        connection.execute(_NEW_INSTALMENTS, {"loans": list(new)})


def update_instalments(connection: Connection, loans: Collection[str], today: date) -> set[int]:
    """Make the instalments of these loans those that are staged; returns the ids of the loans of
    which any differed."""
    if not loans:
        return set()
    differing = {"loans": list(loans), "today": today}
    changed = set(connection.execute(_INSTALMENTS, differing).scalars())
    return changed | set(connection.execute(_DELETE_INSTALMENTS, differing).scalars())
