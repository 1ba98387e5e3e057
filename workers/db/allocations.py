"""What is recorded of a loan's money, read for a tape; and what payments pay, written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from pydantic import TypeAdapter
from sqlalchemy import Connection, text, update

from domain.allocation import Allocation
from domain.loans import Instalment
from domain.tape_reconciliation import BookedAdjustment, BookedPayment, OnRecord
from workers.db.bulk import as_rows, given_rows, is_among
from workers.db.parts import replace_parts
from workers.db.prepared_statements import prepared
from workers.db.schema import allocation, payment

_TOTALS = text("""
SELECT l.id,
       (SELECT coalesce(sum(i.paid_principal + i.paid_interest + i.paid_fees), 0)
          FROM instalment i WHERE i.loan_id = l.id) AS paid,
       (SELECT coalesce(sum(p.amount - p.returned), 0)
          FROM payment p
         WHERE p.loan_id = l.id AND p.in_tape_as_of IS NOT NULL
           AND p.reversed_on <= :as_of)
       + (SELECT coalesce(sum(r.amount), 0)
            FROM payment_return r JOIN payment p ON p.id = r.payment_id
           WHERE p.loan_id = l.id AND r.in_tape_as_of IS NOT NULL AND r.taken_back_on IS NULL
             AND r.returned_on <= :as_of) AS may_fall_by,
       (SELECT coalesce(sum(p.unallocated), 0)
          FROM payment p
         WHERE p.loan_id = l.id AND p.reversed_on IS NULL AND p.paid_on < :as_of) AS left_over,
       (SELECT coalesce(sum(p.amount - p.returned - p.unallocated), 0)
          FROM payment p
         WHERE p.loan_id = l.id AND p.in_tape_as_of IS NOT NULL AND p.reversed_on < :as_of)
       + (SELECT coalesce(sum(r.undone), 0)
            FROM payment_return r JOIN payment p ON p.id = r.payment_id
           WHERE p.loan_id = l.id AND r.in_tape_as_of IS NOT NULL AND r.taken_back_on IS NULL
             AND r.returned_on < :as_of) AS should_fall_by,
       EXISTS (SELECT FROM payment p
                WHERE p.loan_id = l.id
                  AND (p.reversed_on IS NOT NULL OR p.returned > 0 OR p.unallocated > 0))
       OR EXISTS (SELECT FROM arrangement r
                   WHERE r.loan_id = l.id AND r.accepted_at IS NOT NULL)
       AS may_come_late,
       (SELECT json_agg(json_build_object(
                   'id', a.id, 'adjustment', json_build_object(
                       'kind', a.kind, 'booked_on', a.booked_on, 'amount', a.amount::text,
                       'component', a.component, 'instalment', a.instalment, 'due_on', a.due_on),
                   'parts', (SELECT coalesce(json_agg(json_build_object(
                                        'due_on', c.due_on, 'component', c.component,
                                        'amount', c.amount::text, 'counts_from', c.counts_from)
                                        ORDER BY c.due_on, c.component), '[]')
                               FROM adjustment_part c WHERE c.adjustment_id = a.id),
                   'taken_back', a.taken_back_on IS NOT NULL,
                   'recorded_at', a.recorded_at)
                   ORDER BY a.booked_on, a.id)
          FROM adjustment a
         WHERE a.loan_id = l.id
           AND CASE WHEN a.taken_back_on IS NULL
                    THEN a.booked_on >= :as_of
                    ELSE a.booked_on <= :as_of AND a.taken_back_on >= :as_of
                         AND a.kind IN ('charge', 'acceleration') END) AS adjustments,
       (SELECT json_agg(json_build_object(
                   'due_on', i.due_on, 'principal', i.principal::text,
                   'interest', i.interest::text, 'fees', i.fees::text))
          FROM instalment i
         WHERE i.loan_id = l.id AND EXISTS (
               SELECT FROM adjustment a
                WHERE a.loan_id = l.id AND a.booked_on = :as_of
                  AND a.kind IN ('charge', 'acceleration'))) AS owed
  FROM loan l
 WHERE l.id = ANY(:loan_ids)
""")

_PAYMENTS = text("""
SELECT p.id, p.loan_id, p.paid_on, p.amount - p.returned AS amount,
       p.reversed_on IS NOT NULL AS reversed,
       p.instalment,
       CASE WHEN p.reversed_on IS NULL
            THEN (SELECT coalesce(sum(a.amount), 0) FROM allocation a WHERE a.payment_id = p.id)
            ELSE p.amount - p.returned - p.unallocated END AS pays,
       p.recorded_at
  FROM payment p
 WHERE p.loan_id = ANY(:loan_ids) AND p.returned < p.amount
   AND CASE WHEN p.reversed_on IS NULL
            THEN p.paid_on >= :as_of
            ELSE p.in_tape_as_of IS NULL AND p.paid_on < :as_of AND p.reversed_on >= :as_of END
 UNION ALL
SELECT p.id, p.loan_id, p.paid_on, r.undone, true, p.instalment, r.undone, p.recorded_at
  FROM payment_return r JOIN payment p ON p.id = r.payment_id
 WHERE p.loan_id = ANY(:loan_ids) AND r.kind = 'reversal' AND r.undone > 0
   AND r.taken_back_on IS NULL
   AND r.in_tape_as_of IS NULL AND p.paid_on < :as_of AND r.returned_on >= :as_of
 ORDER BY paid_on, id
""")

_ADJUSTMENTS = TypeAdapter(tuple[BookedAdjustment, ...])
_OWED = TypeAdapter(tuple[Instalment, ...])


def read_recorded_money(
    connection: Connection, loan_ids: Sequence[int], as_of: date
) -> dict[int, OnRecord]:
    """The recorded payments and adjustments of these loans, to compare with a tape of `as_of`. Two
    statements."""
    given = {"loan_ids": list(loan_ids), "as_of": as_of}
    payments: dict[int, list[BookedPayment]] = defaultdict(list)
    for row in connection.execute(_PAYMENTS, given):
        recorded = BookedPayment(
            row.id, row.paid_on, row.amount, row.pays, row.reversed, row.instalment, row.recorded_at
        )
        payments[row.loan_id].append(recorded)
    totals = connection.execute(_TOTALS, given)
    return {
        row.id: OnRecord(
            row.paid,
            row.may_fall_by,
            tuple(payments[row.id]),
            _ADJUSTMENTS.validate_python(row.adjustments or ()),
            row.left_over,
            row.should_fall_by,
            row.may_come_late,
            _OWED.validate_python(row.owed or ()),
        )
        for row in totals
    }


def replace_all_allocations(
    connection: Connection, allocations_of: Mapping[int, tuple[Sequence[Allocation], Decimal]]
) -> None:
    """Replace the allocations and the unallocated rest of payments, by id. Three statements."""
    if not allocations_of:
        return
    set_unallocated(
        connection, {id: unallocated for id, (_, unallocated) in allocations_of.items()}
    )
    replace_parts(connection, allocation, {id: parts for id, (parts, _) in allocations_of.items()})


_UNALLOCATED = as_rows((payment.c.id, payment.c.unallocated))
_SET_UNALLOCATED = prepared(
    update(payment)
    .where(is_among(payment.c.id, "of_payments"), payment.c.id == _UNALLOCATED.c.id)
    .values(unallocated=_UNALLOCATED.c.unallocated)
)


def set_unallocated(connection: Connection, unallocated: Mapping[int, Decimal]) -> None:
    """Set the unallocated rest of payments, by their ids. One statement."""
    if unallocated:
        rows = [{"id": id, "unallocated": amount} for id, amount in unallocated.items()]
        connection.execute(_SET_UNALLOCATED, {"of_payments": list(unallocated), **given_rows(rows)})
