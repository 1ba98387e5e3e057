"""Looks at what holds personal data, in the store."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert

from domain.access import Opened
from workers.store.schema import access


def note_access(
    connection: Connection,
    loan_id: int,
    what: Opened,
    by: str,
    now: datetime,
    *,
    item: str | None = None,
) -> None:
    """Put on record that `by`, a reference of the lender's own, opened something of a loan.

    In the transaction of the look: what cannot be put on record is not shown.
    """
    connection.execute(
        insert(access).values(loan_id=loan_id, at=now, what=what, item=item, made_by=by)
    )
