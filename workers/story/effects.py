"""What was done about a loan: texts, calls, visits, documents and legal files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, select

from domain.statuses import MessageStatus
from domain.telling import Entry, Part, Phrase, say
from workers.store.schema import (
    action,
    call,
    document,
    legal_file,
    legal_file_need,
    message,
    receipt,
    staff,
    visit,
    visit_staff,
)
from workers.story.loan import LoanTold


def messages(connection: Connection, told: LoanTold) -> Iterator[Entry]:
    """Each text with what is known of it now; never what it says, nor to which number."""
    for row in connection.execute(_of_loan(message, told).order_by(message.c.created_at)):
        status = MessageStatus(row.status)
        written = say(
            Phrase.MESSAGE,
            item=row.item,
            template=row.template,
            version=row.template_version,
            locale=row.locale,
            segments=row.segments,
            provider=row.provider,
        )
        known = say(Phrase.MESSAGE_STATUS, changed_at=row.changed_at, status=status)
        yield Entry(row.created_at, (written, known, *_code(row.code)))


def receipts(connection: Connection, told: LoanTold) -> Iterator[Entry]:
    """What the provider told us about each text."""
    rows = connection.execute(
        select(receipt, action.c.item)
        .join(message, message.c.sid == receipt.c.sid)
        .join(action, action.c.id == message.c.action_id)
        .where(action.c.loan_id == told.id)
        .order_by(receipt.c.id)
    )
    for row in rows:
        said = say(Phrase.RECEIPT, item=row.item, status=row.status)
        yield Entry(row.received_at, (said, *_code(row.code)))


def calls(connection: Connection, told: LoanTold) -> Iterator[Entry]:
    rows = connection.execute(
        select(call, action.c.item, staff.c.external_id.label("staff"))
        .join(action, action.c.id == call.c.action_id)
        .join(staff, staff.c.id == call.c.staff_id)
        .where(action.c.loan_id == told.id)
        .order_by(call.c.id)
    )
    for row in rows:
        parts = [say(Phrase.CALL, item=row.item, staff=row.staff, language=row.language)]
        if row.must_learn:
            parts.append(say(Phrase.MUST_LEARN, topics=tuple(row.must_learn)))
        if row.may_offer:
            parts.append(say(Phrase.MAY_OFFER, offers=tuple(row.may_offer)))
        yield Entry(row.assigned_at, tuple(parts))


def visits(connection: Connection, told: LoanTold) -> Iterator[Entry]:
    goes: dict[int, list[str]] = defaultdict(list)
    for one in connection.execute(
        select(visit_staff.c.visit_id, staff.c.external_id)
        .join(staff, staff.c.id == visit_staff.c.staff_id)
        .join(visit, visit.c.id == visit_staff.c.visit_id)
        .join(action, action.c.id == visit.c.action_id)
        .where(action.c.loan_id == told.id)
        .order_by(staff.c.external_id)
    ):
        goes[one.visit_id].append(one.external_id)
    for row in connection.execute(_of_loan(visit, told).order_by(visit.c.id)):
        said = say(
            Phrase.VISIT,
            item=row.item,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            staff=tuple(goes[row.id]),
        )
        yield Entry(row.scheduled_at, (said,))


def documents(connection: Connection, told: LoanTold) -> Iterator[Entry]:
    """Each document that was written; never what it says."""
    for row in connection.execute(_of_loan(document, told).order_by(document.c.id)):
        said = say(
            Phrase.DOCUMENT,
            item=row.item,
            kind=row.kind,
            template=row.template,
            version=row.template_version,
            locale=row.locale,
        )
        yield Entry(row.created_at, (said,))


def legal_files(connection: Connection, told: LoanTold) -> Iterator[Entry]:
    """Each legal file: the claim, and what a court will ask for, on file or missing."""
    needs: dict[int, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
    for need in connection.execute(
        select(legal_file_need)
        .join(legal_file, legal_file.c.id == legal_file_need.c.legal_file_id)
        .join(action, action.c.id == legal_file.c.action_id)
        .where(action.c.loan_id == told.id)
        .order_by(legal_file_need.c.need)
    ):
        needs[need.legal_file_id].append(need)
    for row in connection.execute(_of_loan(legal_file, told).order_by(legal_file.c.id)):
        yield Entry(row.opened_at, tuple(_legal_file(row, needs[row.id])))


def _legal_file(row: Row[*tuple[Any, ...]], needs: list[Row[*tuple[Any, ...]]]) -> Iterator[Part]:
    yield say(
        Phrase.LEGAL_FILE,
        item=row.item,
        principal=row.principal,
        interest=row.interest,
        fees=row.fees,
        currency=row.currency,
    )
    if row.limitation_on is not None:
        yield say(Phrase.LIMITATION, limitation_on=row.limitation_on)
    if met := tuple(need.need for need in needs if need.met_by is not None):
        yield say(Phrase.MET, needs=met)
    if missing := tuple(need.need for need in needs if need.met_by is None):
        yield say(Phrase.MISSING, needs=missing)


def _of_loan(effect: Table, told: LoanTold) -> Select[*tuple[Any, ...]]:
    """The rows of `effect` for the loan's actions, each with its item; sealed columns stay out."""
    shown = [column for column in effect.c if not column.name.endswith("_sealed")]
    return (
        select(*shown, action.c.item)
        .join(action, action.c.id == effect.c.action_id)
        .where(action.c.loan_id == told.id)
    )


def _code(code: str | None) -> tuple[Part, ...]:
    return (say(Phrase.CODE, code=code),) if code else ()
