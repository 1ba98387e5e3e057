"""Until when personal data is kept, from the records and the retention rules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, text

from domain.compliance.retention import LoanActivity, RetentionPeriod, retention_period
from domain.compliance.rules import packs_for
from domain.permissions import Permission
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.schema import borrower

PAGE_SIZE = 1_000
"""Borrowers in one page."""

# A case that closes and a promise that is recorded or completed leave other rows too: a payment, a
# decision, a hold. Another tape with the loan in it is no activity.
_ACTIVITY = text("""
SELECT b.id AS borrower_id, l.external_id AS loan, l.jurisdiction,
       l.written_off_on IS NULL AND EXISTS (
           SELECT FROM instalment i
            WHERE i.loan_id = l.id
              AND i.paid_principal + i.paid_interest + i.paid_fees
                  < i.principal + i.interest + i.fees)
       OR EXISTS (SELECT FROM dispute m WHERE m.loan_id = l.id AND m.resolved_at IS NULL)
       OR EXISTS (SELECT FROM complaint m WHERE m.loan_id = l.id AND m.resolved_at IS NULL)
       AS is_open,
       (greatest((SELECT max(m.resolved_at) FROM dispute m WHERE m.loan_id = l.id),
                 (SELECT max(m.resolved_at) FROM complaint m WHERE m.loan_id = l.id))
        AT TIME ZONE :zone)::date AS answered_on,
       (greatest(
           l.updated_at, l.written_off_at,
           (SELECT max(c.at) FROM contact c WHERE c.borrower_id = b.id AND c.loan_id = l.id),
           (SELECT max(o.reported_at) FROM contact_outcome o JOIN contact c ON c.id = o.contact_id
             WHERE c.borrower_id = b.id AND c.loan_id = l.id),
           (SELECT max(greatest(p.recorded_at, p.reversed_at)) FROM payment p
             WHERE p.loan_id = l.id),
           (SELECT max(greatest(r.recorded_at, r.taken_back_at))
              FROM payment_return r JOIN payment p ON p.id = r.payment_id
             WHERE p.loan_id = l.id),
           (SELECT max(w.taken_back_at) FROM past_write_off w WHERE w.loan_id = l.id),
           (SELECT max(greatest(j.recorded_at, j.taken_back_at)) FROM adjustment j
             WHERE j.loan_id = l.id),
           (SELECT max(d.decided_at) FROM decision d WHERE d.loan_id = l.id),
           (SELECT max(s.recorded_at) FROM replaced_schedule s WHERE s.loan_id = l.id),
           (SELECT max(a.changed_at) FROM action a WHERE a.loan_id = l.id),
           (SELECT max(h.made_at) FROM hold_of_loan h WHERE h.loan_id = l.id),
           (SELECT max(greatest(m.recorded_at, m.resolved_at)) FROM dispute m
             WHERE m.loan_id = l.id),
           (SELECT max(greatest(m.recorded_at, m.resolved_at)) FROM complaint m
             WHERE m.loan_id = l.id),
           (SELECT max(greatest(r.received_at, r.handled_at)) FROM reply r
             WHERE r.borrower_id = b.id)
       ) AT TIME ZONE :zone)::date AS last_activity_on
  FROM borrower b
       -- A record whose loans came in under other customer ids is kept with those of its person.
  JOIN borrower x ON x.person_id = b.person_id
   AND (x.id = b.id OR NOT EXISTS (SELECT FROM loan k WHERE k.borrower_id = b.id))
       -- Who was ever party to a loan is kept as long as its borrower.
  JOIN LATERAL (SELECT k.id FROM loan k WHERE k.borrower_id = x.id
                 UNION
                SELECT q.loan_id FROM loan_party q WHERE q.borrower_id = x.id) theirs ON true
  JOIN loan l ON l.id = theirs.id
 WHERE b.id = ANY(:borrowers)
 ORDER BY l.id
""")


@dataclass(frozen=True, slots=True)
class BorrowerRetention:
    """A borrower whose personal data is held, and until when."""

    id: int
    borrower: str
    """The lender's own id."""
    loans: int
    keeping: RetentionPeriod


@permitted(Permission.READ_RETENTION)
def read_retention(connection: Connection, ctx: Context) -> Iterator[BorrowerRetention]:
    """Until when what is held about each borrower must be kept."""
    for page in pages(connection):
        yield from read_keeping(connection, ctx, page)


def pages(connection: Connection, after: int = 0) -> Iterator[Sequence[int]]:
    """The ids of all borrowers with personal data, one page at a time."""
    while ids := next_page(connection, after):
        yield ids
        after = ids[-1]


def next_page(connection: Connection, after: int) -> Sequence[int]:
    """The ids of the next borrowers with personal data; empty at the end."""
    return (
        connection.execute(
            select(borrower.c.id)
            .where(borrower.c.id > after, borrower.c.erased_at.is_(None))
            .order_by(borrower.c.id)
            .limit(PAGE_SIZE)
        )
        .scalars()
        .all()
    )


def read_keeping(
    connection: Connection, ctx: Context, ids: Sequence[int]
) -> list[BorrowerRetention]:
    """Until when the data of these borrowers is kept, by the rules of today."""
    loans: dict[int, list[LoanActivity]] = {id: [] for id in ids}
    for row in connection.execute(_ACTIVITY, {"borrowers": list(ids), "zone": ctx.settings.zone}):
        packs = packs_for(ctx.policy.rule_packs, row.jurisdiction)
        activity = LoanActivity(row.loan, row.is_open, row.last_activity_on, packs, row.answered_on)
        loans[row.borrower_id].append(activity)
    rows = connection.execute(
        select(borrower.c.id, borrower.c.external_id)
        .where(borrower.c.id.in_(ids), borrower.c.erased_at.is_(None))
        .order_by(borrower.c.id)
    )
    collects_as, today = ctx.settings.collects_as, ctx.today()
    return [
        BorrowerRetention(
            id, external_id, len(loans[id]), retention_period(loans[id], collects_as, today)
        )
        for id, external_id in rows
    ]
