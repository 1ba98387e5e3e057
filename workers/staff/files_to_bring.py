"""The legal files of the work list, with the evidence that a person must still attach."""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select

from config.readers.legal_checklists import checklist_for
from workers.access.may_handle import readable
from workers.context import Context
from workers.db.actions import action_is_current
from workers.db.pages import Asked, Listing, Page, count_rows, of_loan, read_page
from workers.db.schema import action, legal_file, legal_file_need, loan
from workers.staff.work_items import FileToBring, Kind

NO_LIMITATION = date(9999, 12, 31)
"""Files without a day of limitation come last."""


def read_files(
    connection: Connection, ctx: Context, asked: Asked, language: str
) -> Page[FileToBring]:
    """The open files; what a checklist says of evidence is in the `language`."""
    missing = select(legal_file_need.c.need).where(
        legal_file_need.c.legal_file_id == legal_file.c.id, legal_file_need.c.met_by.is_(None)
    )
    rows = (
        select(
            legal_file,
            loan.c.external_id.label("loan"),
            loan.c.jurisdiction,
            action.c.item,
            func.array(missing.scalar_subquery()).label("missing"),
        )
        .join_from(legal_file, action, action.c.id == legal_file.c.action_id)
        .join(loan, loan.c.id == legal_file.c.loan_id)
        .where(
            action_is_current(),
            *of_loan(legal_file.c.loan_id, asked),
            *readable(ctx.actor, loan.c.borrower_id),
        )
    )

    def to_bring(row: Row[Any]) -> FileToBring:
        return FileToBring(
            loan=row.loan,
            item=row.item,
            currency=row.currency,
            principal=row.principal,
            interest=row.interest,
            fees=row.fees,
            limitation_on=row.limitation_on,
            missing=_texts(ctx, row.jurisdiction, row.missing, language),
            opened_at=row.opened_at.astimezone(ctx.settings.lender_zone),
        )

    listing = Listing(
        Kind.FILES,
        rows,
        (func.coalesce(legal_file.c.limitation_on, NO_LIMITATION), legal_file.c.id),
        to_bring,
        count_rows(rows, action.c.item),
    )
    return read_page(connection, listing, asked)


def _texts(
    ctx: Context, jurisdiction: str, needs: Collection[str], language: str
) -> dict[str, str]:
    """The texts in the order of the checklist; evidence that left the checklist has its id only."""
    checklist = checklist_for(ctx.policy.checklists, jurisdiction)
    evidence = checklist.evidence if checklist else ()
    listed = {need.id: need.text_zh if language == "zh" else need.text_en for need in evidence}
    texts = {need: text for need, text in listed.items() if need in needs}
    return texts | {need: need for need in sorted(needs) if need not in texts}
