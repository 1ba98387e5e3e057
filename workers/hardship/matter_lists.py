"""Disputes and complaints to read: those that are open, by their clock, and one with its words."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, case, func, null, select, true

from domain.compliance.answer_period import ClockState
from domain.disputes import NOT_IN_WORDS, OPEN, Finding, Matter, MatterStatus
from domain.errors import NotKnownError
from domain.language.speak import speak
from domain.permissions import Permission
from domain.reasons import ReasonCode, because
from workers.access.may_handle import assert_may_handle, readable
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.disputes import TABLES
from workers.db.free_text import open_words
from workers.db.pages import (
    ALL,
    Asked,
    Listing,
    Page,
    assert_of,
    count_rows,
    maker,
    of_loan,
    read_page,
)
from workers.db.schema import borrower, complaint, contact, dispute, loan
from workers.db.sender_ids import is_named, whose_id_said
from workers.db.typed_rows import columns_of

FAR = datetime(9999, 1, 1, tzinfo=UTC)
"""What has no deadline comes last."""


@dataclass(frozen=True, slots=True)
class ListedMatter:
    """A dispute or a complaint as a list shows it. It has no personal data."""

    id: str
    """The lender's own id of it."""
    sender: str
    """Who gave it that id."""
    loan: str
    borrower: str
    """The lender's id of the record of who raised it."""
    kind: str
    status: MatterStatus
    received_at: datetime
    clock: ClockState
    due_by: datetime | None
    """The first moment at which what is to be done next is late: to acknowledge, or to answer."""
    acknowledged_at: datetime | None
    answer_by: datetime | None
    """All moments are in the lender's zone."""
    handler: str | None
    about_staff: str | None
    """Of a complaint."""


@dataclass(frozen=True, slots=True)
class ShownMatter:
    """One dispute or complaint, with what people wrote about it."""

    id: str
    sender: str
    loan: str
    borrower: str
    kind: str
    raised_by: str
    attempt: str | None
    """The contact in question."""
    received_at: datetime
    actor: str
    """Who wrote it down."""
    status: MatterStatus
    rules: tuple[str, ...]
    """The rules that decide its clock and what it stops."""
    clock: ClockState
    acknowledge_by: datetime | None
    acknowledged_at: datetime | None
    answer_by: datetime | None
    extensions: int
    handler: str | None
    taken_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    finding: Finding | None
    amount: Decimal | None
    """Of a dispute: how much of the loan is disputed."""
    corrected_by: str | None
    about_staff: str | None
    why: str | None
    """What was written down of it; None: nothing, or it was erased."""
    finding_why: str | None
    has_letter: bool
    letter_printed_at: datetime | None
    """When the letter that answers it was first opened to be printed; None: it was not, or before
    that was noted."""


def _due(table: Any) -> Any:
    to_acknowledge = case((table.c.acknowledged_at.is_(None), table.c.acknowledge_by))
    return case((table.c.status.in_(OPEN), func.least(to_acknowledge, table.c.answer_by)))


@permitted(Permission.READ_DISPUTES)
def read_matters(
    connection: Connection,
    ctx: Context,
    matter: Matter,
    asked: Asked = ALL,
    *,
    also_over: bool = False,
) -> Page[ListedMatter]:
    """The open disputes or complaints, by their clock: what is late, or late soonest, comes first.
    Those of people whom whoever reads must not handle are left out.

    Raises:
        ArrearsError: the page is of another list.
    """
    table = TABLES[matter]
    name = f"{matter}s"
    assert_of((name,), asked)
    zone = ctx.settings.lender_zone
    due = _due(table)
    columns = columns_of(
        ListedMatter,
        table,
        id=table.c.external_id,
        loan=loan.c.external_id,
        borrower=borrower.c.external_id,
        due_by=due,
        about_staff=complaint.c.about_staff if table is complaint else null(),
    )
    rows = (
        select(*columns)
        .join(loan, loan.c.id == table.c.loan_id)
        .join(borrower, borrower.c.id == table.c.borrower_id)
        .where(
            true() if also_over else table.c.status.in_(OPEN),
            *([table.c.kind == asked.kind] if asked.kind else ()),
            *of_loan(table.c.loan_id, asked),
            *readable(ctx.actor, table.c.borrower_id, loan.c.borrower_id),
        )
    )
    listing = Listing(
        name,
        rows,
        (func.coalesce(due, FAR), table.c.id),
        maker(ListedMatter, zone),
        count_rows(rows, table.c.kind),
    )
    return read_page(connection, listing, asked)


@permitted(Permission.READ_DISPUTES)
def read_matter(
    connection: Connection,
    ctx: Context,
    matter: Matter,
    id: str,
    *,
    sender: str | None = None,
    language: str = "en",
) -> ShownMatter:
    """One dispute or complaint, with what people wrote about it. That nothing was written is said
    in the `language`: `en` or `zh`.

    Raises:
        NotKnownError: it is not on record.
        RefusedError: several senders have given the id, or whoever reads it must not handle the
            person: nobody reads what was said of them.
    """
    table = TABLES[matter]
    whose = whose_id_said(connection, table, id, sender)
    is_dispute = table is dispute
    found = connection.execute(
        select(
            table,
            loan.c.external_id.label("loan"),
            borrower.c.external_id.label("borrower"),
            contact.c.attempt,
        )
        .join(loan, loan.c.id == table.c.loan_id)
        .join(borrower, borrower.c.id == table.c.borrower_id)
        .outerjoin(contact, contact.c.id == table.c.contact_id)
        .where(is_named(table, id, whose))
    ).one_or_none()
    if found is None:
        raise NotKnownError("No {matter} {id} is on record. Correct the id.", matter=matter, id=id)
    assert_may_handle(connection, ctx.actor, borrower.c.id == found.borrower_id)
    typed: set[UUID] = {each for each in (found.why_id, found.finding_why_id) if each is not None}
    words = open_words(connection, ctx.cipher, typed)
    if found.why_id is not None and words.get(found.why_id) == NOT_IN_WORDS:
        words[found.why_id] = speak(because(ReasonCode.TOLD_WITHOUT_WORDS), language)
    zone = ctx.settings.lender_zone

    def at(moment: datetime | None) -> datetime | None:
        return moment.astimezone(zone) if moment else None

    return ShownMatter(
        id=found.external_id,
        sender=found.sender,
        loan=found.loan,
        borrower=found.borrower,
        kind=found.kind,
        raised_by=found.raised_by,
        attempt=found.attempt,
        received_at=found.received_at.astimezone(zone),
        actor=found.actor,
        status=MatterStatus(found.status),
        rules=tuple(found.rules),
        clock=ClockState(found.clock),
        acknowledge_by=at(found.acknowledge_by),
        acknowledged_at=at(found.acknowledged_at),
        answer_by=at(found.answer_by),
        extensions=found.extensions,
        handler=found.handler,
        taken_at=at(found.taken_at),
        resolved_at=at(found.resolved_at),
        resolved_by=found.resolved_by,
        finding=Finding(found.finding) if found.finding else None,
        amount=found.amount if is_dispute else None,
        corrected_by=found.corrected_by if is_dispute else None,
        about_staff=None if is_dispute else found.about_staff,
        why=words.get(found.why_id),
        finding_why=words.get(found.finding_why_id),
        has_letter=found.letter_encrypted is not None,
        letter_printed_at=at(found.letter_printed_at),
    )
