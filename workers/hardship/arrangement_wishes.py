"""What a borrower wishes for. What they can pay a month is personal, and kept encrypted."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from domain.arranged import Wish
from workers.context import Context
from workers.db.arrangements import Arrangement
from workers.db.free_text import keep_words, open_words


def wish_columns(
    connection: Connection,
    ctx: Context,
    wish: Wish,
    loan_id: int,
    other: Any,
    now: datetime,
) -> dict[str, object]:
    """The columns of a wish. An amount is kept beside them, and goes with the erasure of whose it
    is: the borrower of the loan, or who has the record `other`."""
    monthly_id = None
    if wish.monthly is not None:
        amount = f"{wish.monthly:f}"
        of = None if other else loan_id
        monthly_id = keep_words(
            connection, ctx.cipher, amount, now, loan_id=of, borrower_id=other, flagged_on=loan_id
        )
    return {
        "wish_days": wish.days,
        "wish_instalments": wish.instalments,
        "wish_until": wish.until,
        "wish_monthly": None,
        "wish_monthly_id": monthly_id,
    }


def wish_of(connection: Connection, ctx: Context, stored: Arrangement) -> Wish | None:
    """What was asked for, or offered last; None: it was not said yet, or it is erased."""
    wish = Wish(
        stored.wish_days,
        stored.wish_instalments,
        stored.wish_until,
        _monthly(connection, ctx, stored),
    )
    return None if wish == Wish() else wish


def _monthly(connection: Connection, ctx: Context, stored: Arrangement) -> Decimal | None:
    if stored.wish_monthly_id is None:
        return stored.wish_monthly
    id = stored.wish_monthly_id
    amount = open_words(connection, ctx.cipher, [id]).get(id)
    return Decimal(amount) if amount else None
