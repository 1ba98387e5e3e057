"""What happened to the records themselves: the tapes that told of the loan, and who looked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, tzinfo
from decimal import Decimal

from sqlalchemy import Connection, select

from domain.access import Opened
from domain.telling import Entry, Part, Phrase, say
from workers.store.schema import access, tape_change, tape_import
from workers.story.loan import LoanTold


def tapes(connection: Connection, told: LoanTold, zone: tzinfo) -> Iterator[Entry]:
    """Each tape that told news of the loan: which, as of when, and what it made of the arrears."""
    rows = connection.execute(
        select(tape_change, tape_import.c.file_name, tape_import.c.as_of)
        .join(tape_import, tape_import.c.id == tape_change.c.tape_import_id)
        .where(tape_change.c.loan_id == told.id)
        .order_by(tape_change.c.id)
    )
    for row in rows:
        on = row.at.astimezone(zone).date()
        after = _standing(row.anchor_after, row.past_due_after, on, told.currency)
        if row.past_due_before is None:
            said = say(Phrase.TAPE_BROUGHT_IN, file=row.file_name, as_of=row.as_of, after=after)
        else:
            before = _standing(row.anchor_before, row.past_due_before, on, told.currency)
            if before == after:
                phrase = Phrase.TAPE_CHANGED_NOTHING_DUE
                said = say(phrase, file=row.file_name, as_of=row.as_of, after=after)
            else:
                said = say(
                    Phrase.TAPE_CHANGED,
                    file=row.file_name,
                    as_of=row.as_of,
                    before=before,
                    after=after,
                )
        yield Entry(row.at, (said,))


def accesses(connection: Connection, told: LoanTold) -> Iterator[Entry]:
    """Each look at a letter."""
    rows = connection.execute(
        select(access)
        .where(access.c.loan_id == told.id, access.c.what == Opened.LETTER)
        .order_by(access.c.id)
    )
    for row in rows:
        yield Entry(row.at, (say(Phrase.OPENED_LETTER, item=row.item, made_by=row.made_by),))


def _standing(anchor: date | None, past_due: Decimal, on: date, currency: str) -> Part:
    if anchor is None:
        return say(Phrase.NOTHING_DUE)
    days = (on - anchor).days
    return say(Phrase.STANDING, days_past_due=days, past_due=past_due, currency=currency)
