"""What a call sheet is made of, read from the tables."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, text

from domain.actors import Actor
from domain.contact_outcomes import WITH_BORROWER
from domain.loans import Instalment
from domain.reasons import Reasons
from workers.db.prepared_statements import prepared
from workers.db.schema import instalment
from workers.db.schema.base import ReasonsColumn
from workers.db.typed_rows import columns_of, typed_row, typed_rows


class SheetOf(NamedTuple):
    """The work of which a sheet is made."""

    lease: int
    until: datetime
    why: Reasons
    first_call_id: int
    action_id: int
    loan_id: int
    loan: str
    item: str
    step: str
    ladder_since: date
    purpose: str
    must_learn: list[str]
    party: str
    record: str
    borrower_id: int
    person_id: int
    name_encrypted: bytes | None
    address_encrypted: bytes | None
    number_blind_index: bytes | None
    """Of the number that was called; None: none was yet."""
    attempt: str | None
    """The call that was started and goes on; None: none was."""
    contact_id: int | None


class LoanOfCall(NamedTuple):
    """What a call is about: an item of a loan, which may have several."""

    action_id: int
    loan_id: int
    loan: str
    party_id: int | None
    jurisdiction: str
    product: str
    currency: str
    ladder_id: str
    ladder_version: int
    ladder_since: date
    item: str
    cause: str | None
    """What it follows from; None: a day of the ladder asks for it."""
    act_until: date | None
    purpose: str
    must_learn: list[str]
    may_offer: list[str]


class Promised(NamedTuple):
    """The last promise about a loan since its ladder started."""

    status: str
    due_on: date
    made_at: datetime
    amount: Decimal | None
    """None: it may not be seen yet."""
    promises: int
    """How many there were, this one included …"""
    broken: int
    """… and how many of them were not kept."""


class LastPayment(NamedTuple):
    paid_on: date
    amount: Decimal


class PastTalk(NamedTuple):
    """A contact with the person, or with somebody else about them."""

    at: datetime
    channel: str
    party: str
    inbound: bool
    outcome: str | None
    """None: none was reported, or it was a text."""
    item: str | None


class ToldReason(NamedTuple):
    """Why a loan is overdue, as the person said."""

    reason: str
    loan: str
    told_at: datetime


_SHEET = prepared(
    text("""
SELECT w.id AS lease, w.until, w.why, coalesce(c.part_of, c.id) AS first_call_id,
       a.id AS action_id, a.loan_id, l.external_id AS loan, a.item, a.step, a.ladder_since,
       c.purpose, c.must_learn, coalesce(q.role, 'borrower') AS party,
       b.external_id AS record, b.id AS borrower_id, b.person_id, b.name_encrypted,
       b.address_encrypted, going.number_blind_index, going.attempt, going.id AS contact_id
  FROM work_lease w JOIN staff s ON s.id = w.staff_id
       JOIN call c ON c.id = w.call_id
       JOIN action a ON a.id = c.action_id
       JOIN loan l ON l.id = a.loan_id
       LEFT JOIN loan_party q ON q.id = a.party_id
       JOIN borrower b ON b.id = coalesce(q.borrower_id, l.borrower_id)
       LEFT JOIN LATERAL (
           SELECT f.id, f.attempt, f.number_blind_index
             FROM contact x JOIN contact f ON f.id = coalesce(x.part_of, x.id)
            WHERE x.action_id = a.id AND f.actor = s.external_id AND f.attempt IS NOT NULL
              AND NOT EXISTS (SELECT FROM contact_outcome o WHERE o.contact_id = f.id)
            ORDER BY f.id DESC LIMIT 1) going ON true
 WHERE w.id = :of_lease AND w.ended_at IS NULL AND s.external_id = :reference
""").columns(why=ReasonsColumn())
)
_LOANS = prepared(
    text("""
SELECT a.id AS action_id, a.loan_id, l.external_id AS loan, a.party_id, l.jurisdiction, l.product,
       l.currency, a.ladder_id, a.ladder_version, a.ladder_since, a.item, a.cause,
       a.act_until, c.purpose, c.must_learn, c.may_offer
  FROM call c JOIN action a ON a.id = c.action_id JOIN loan l ON l.id = a.loan_id
 WHERE (c.id = :first OR c.part_of = :first) AND c.cancelled_at IS NULL AND a.status = 'assigned'
 ORDER BY c.id
""")
)
_PROMISE = prepared(
    text("""
SELECT status, due_on, made_at, amount,
       count(*) OVER () AS promises,
       count(*) FILTER (WHERE status IN ('broken', 'part_kept')) OVER () AS broken
  FROM promise
 WHERE loan_id = :of_loan AND made_at >= CAST(:since AS date)
   AND borrower_id IS NOT DISTINCT FROM :by
 ORDER BY id DESC LIMIT 1
""")
)
_PAYMENT = prepared(
    text("""
SELECT paid_on, amount FROM payment
 WHERE loan_id = :of_loan AND reversed_on IS NULL
 ORDER BY paid_on DESC, id DESC LIMIT 1
""")
)
_TALKS = prepared(
    text("""
SELECT c.at, c.channel, c.party, coalesce(c.inbound, false) AS inbound, o.outcome, a.item
  FROM borrower b JOIN contact c ON c.borrower_id = b.id
       LEFT JOIN contact_outcome o ON o.contact_id = c.id
       LEFT JOIN action a ON a.id = c.action_id
 WHERE b.person_id = :of_person AND c.part_of IS NULL AND c.at <= :now
   AND NOT EXISTS (SELECT FROM visit v WHERE v.contact_id = c.id AND v.cancelled_at IS NOT NULL)
 ORDER BY c.at DESC, c.id DESC LIMIT 3
""")
)
_REASONS = prepared(
    text("""
SELECT o.reason, l.external_id AS loan, c.at AS told_at
  FROM contact c JOIN contact_outcome o ON o.contact_id = c.id JOIN loan l ON l.id = c.loan_id
 WHERE c.borrower_id IN (SELECT id FROM borrower WHERE person_id = :of_person)
   AND c.party <> 'third_party'
   AND c.loan_id = ANY(:of_loans) AND o.reason IS NOT NULL
   AND o.outcome = ANY(:of_them)
 ORDER BY c.at DESC, c.id DESC
""")
)


def read_sheet(connection: Connection, lease: int, actor: Actor) -> SheetOf | None:
    """The work of a lease that a collector has; None: they have not, or it is no call."""
    values = {"of_lease": lease, "reference": actor.reference}
    return typed_row(SheetOf, connection.execute(_SHEET, values))


def loans_of_call(connection: Connection, first_call_id: int) -> list[LoanOfCall]:
    """The items of loans that a call is still about."""
    return typed_rows(LoanOfCall, connection.execute(_LOANS, {"first": first_call_id}))


def last_promise(
    connection: Connection, loan_id: int, since: date, by: int | None
) -> Promised | None:
    """The last promise about a loan since a day, with the number of all since then: of the
    borrower, or of the co-borrower or the guarantor with the record `by`."""
    values = {"of_loan": loan_id, "since": since, "by": by}
    return typed_row(Promised, connection.execute(_PROMISE, values))


def last_payment(connection: Connection, loan_id: int) -> LastPayment | None:
    """The last payment for a loan that was not reversed."""
    return typed_row(LastPayment, connection.execute(_PAYMENT, {"of_loan": loan_id}))


def last_contacts(connection: Connection, person_id: int, now: datetime) -> list[PastTalk]:
    """The last three contacts with a person, or about them; the newest first."""
    values = {"of_person": person_id, "now": now}
    return typed_rows(PastTalk, connection.execute(_TALKS, values), now.tzinfo)


def told_reasons(
    connection: Connection, person_id: int, loan_ids: Sequence[int]
) -> list[ToldReason]:
    """The reasons that a person gave of loans, the newest first. What another one of a loan said
    is not theirs to hear."""
    values = {
        "of_person": person_id,
        "of_loans": list(loan_ids),
        "of_them": sorted(WITH_BORROWER),
    }
    found: Any = connection.execute(_REASONS, values)
    return typed_rows(ToldReason, found)


def instalments_of(connection: Connection, loan_ids: Sequence[int]) -> dict[int, list[Instalment]]:
    """All instalments of loans, by loan, in the order in which they fall due."""
    rows = connection.execute(
        select(instalment.c.loan_id, *columns_of(Instalment, instalment))
        .where(instalment.c.loan_id.in_(loan_ids))
        .order_by(instalment.c.due_on)
    )
    schedules: defaultdict[int, list[Instalment]] = defaultdict(list)
    for loan_id, *values in rows:
        schedules[loan_id].append(Instalment(*values))
    return schedules
