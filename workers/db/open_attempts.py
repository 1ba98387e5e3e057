"""The call that was started and has no outcome yet, and what it is about."""

from typing import NamedTuple

from sqlalchemy import Connection, text

from workers.db.prepared_statements import prepared
from workers.db.typed_rows import typed_rows


class OpenAttempt(NamedTuple):
    """A call that was started and has no outcome."""

    borrower_id: int
    record: str
    person_id: int
    loan_id: int
    loan: str
    party: str
    item: str | None
    purpose: str | None
    language: str
    call_id: int | None


_ATTEMPT = prepared(
    text("""
SELECT b.id AS borrower_id, b.external_id AS record, b.person_id, l.id AS loan_id,
       l.external_id AS loan, c.party, a.item, coalesce(k.purpose, c.purpose) AS purpose,
       coalesce(k.language, b.locale) AS language, k.id AS call_id
  FROM contact c JOIN borrower b ON b.id = c.borrower_id
       JOIN loan l ON l.id = c.loan_id
       LEFT JOIN action a ON a.id = c.action_id
       LEFT JOIN call k ON k.action_id = a.id AND k.cancelled_at IS NULL
 WHERE c.id = :of_contact
""")
)


def read_attempt(connection: Connection, contact_id: int) -> OpenAttempt:
    """What a started call is about."""
    found = connection.execute(_ATTEMPT, {"of_contact": contact_id})
    return typed_rows(OpenAttempt, found)[0]
