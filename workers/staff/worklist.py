"""The work list of the staff: calls, replies, visits, legal files, and approvals.

It only reads. It has no personal data: people and loans are ids. Work for arrears that have been
paid or replaced since is left out.
"""

from collections.abc import Collection
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Connection, Row, select

from domain.actions import ActionStatus
from domain.collectors import business_day
from domain.errors import NotOnRosterError
from domain.ladder import find_ladder
from domain.permissions import Permission
from workers.access.may_handle import readable
from workers.access.permitted import permitted
from workers.borrowers.reply_queue import read_replies
from workers.context import Context
from workers.db.loans import known_loan_id
from workers.db.pages import (
    ALL,
    NOTHING,
    Asked,
    Listing,
    Page,
    assert_of,
    count_by,
    of_loan,
    read_page,
)
from workers.db.prepared_statements import literal
from workers.db.schema import action, loan, staff
from workers.staff.calls_to_make import read_calls
from workers.staff.files_to_bring import read_files
from workers.staff.visits_to_make import read_visits
from workers.staff.work_items import ApprovalToGive, Kind, WorkList


@permitted(Permission.READ_LOANS)
def read_work(
    connection: Connection,
    ctx: Context,
    on: date,
    kinds: Collection[Kind] = frozenset(Kind),
    member: str | None = None,
    asked: Asked = ALL,
    *,
    language: str = "en",
) -> WorkList:
    """The open calls of business date `on`, and all other open work.

    What a checklist says of evidence is in the `language`: `en` or `zh`.

    With `member`, a staff reference, only that person's calls, visits and replies. Files and
    approvals belong to nobody, so they are always included. What is about people whom whoever reads
    must not handle is left out.

    Raises:
        NotOnRosterError: nobody has that reference.
        ArrearsError: the loan is not known, or the page is none of these kinds.
        ArrearsError: an action names a ladder that is not loaded.
    """
    assert_of(kinds, asked)
    if asked.loan is not None:
        known_loan_id(connection, asked.loan)
    zone = ctx.settings.lender_zone
    day = business_day(datetime.combine(on, time.min, zone))
    staff_id = _staff_id(connection, member) if member is not None else None
    return WorkList(
        calls=read_calls(connection, ctx, day, staff_id, asked) if Kind.CALLS in kinds else NOTHING,
        visits=read_visits(connection, ctx, staff_id, asked) if Kind.VISITS in kinds else NOTHING,
        files=read_files(connection, ctx, asked, language) if Kind.FILES in kinds else NOTHING,
        approvals=_approvals(connection, ctx, asked) if Kind.APPROVALS in kinds else NOTHING,
        replies=(
            read_replies(connection, ctx.actor, zone, staff_id, asked)
            if Kind.REPLIES in kinds
            else NOTHING
        ),
    )


def _staff_id(connection: Connection, reference: str) -> int:
    staff_id: int | None = connection.execute(
        select(staff.c.id).where(staff.c.external_id == reference)
    ).scalar()
    if staff_id is None:
        raise NotOnRosterError(
            "Nobody on the roster has the reference {reference}.", reference=reference
        )
    return staff_id


def _approvals(connection: Connection, ctx: Context, asked: Asked) -> Page[ApprovalToGive]:
    whose = select(loan.c.borrower_id).where(loan.c.id == action.c.loan_id).correlate(action)
    where = [
        action.c.status == literal(ActionStatus.AWAITING_APPROVAL),
        *of_loan(action.c.loan_id, asked),
        *readable(ctx.actor, whose.scalar_subquery()),
    ]
    rows = (
        select(
            loan.c.external_id.label("loan"),
            action.c.item,
            action.c.ladder_id,
            action.c.ladder_version,
            action.c.changed_at,
        )
        .join_from(action, loan, loan.c.id == action.c.loan_id)
        .where(*where)
    )

    def to_give(row: Row[Any]) -> ApprovalToGive:
        ladder = find_ladder(ctx.policy.ladders, row.ladder_id, row.ladder_version)
        return ApprovalToGive(
            loan=row.loan,
            item=row.item,
            role=str(ladder.item(row.item).approval),
            waits_since=row.changed_at.astimezone(ctx.settings.lender_zone),
        )

    counts = count_by(action.c.item, action, *where)
    listing = Listing(Kind.APPROVALS, rows, (action.c.id,), to_give, counts)
    return read_page(connection, listing, asked)
