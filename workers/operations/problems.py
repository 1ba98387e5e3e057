"""What an operator has to resolve: problems of loans, unread replies, stuck actions and events.

A problem of a loan can be resolved here by hand.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from domain.compliance.vocabulary import Party
from domain.errors import ArrearsError
from domain.events import InboxStatus
from domain.inbound_texts import READ_WITHIN
from domain.permissions import Permission
from domain.reasons import Reasons
from workers.access.permitted import permitted
from workers.actions.dead_letters import StuckActions, read_stuck
from workers.borrowers.reply_queue import UNHANDLED
from workers.context import Context
from workers.db.arrangements import look_again
from workers.db.free_text import keep_words
from workers.db.inbox import shown_id
from workers.db.loans import known_loan_id, lock_known_loan
from workers.db.pages import (
    ALL,
    NOTHING,
    Asked,
    Listing,
    Page,
    assert_of,
    count_all,
    count_by,
    maker,
    of_loan,
    page_of,
    read_page,
)
from workers.db.prepared_statements import literal
from workers.db.problems import ARRANGEMENT_DIFFERS, is_about
from workers.db.schema import borrower, inbox_event, loan, loan_party, problem, reply
from workers.db.typed_rows import columns_of
from workers.operations.calendars import EndingCalendar, ending_calendars
from workers.operations.persons import assert_known
from workers.operations.record_links import RecordLink, read_presumed
from workers.tapes.imports import UnfinishedImport, read_unfinished

UNAPPLIED = (InboxStatus.RECEIVED, InboxStatus.REJECTED)
"""Something is left to be done about an event with one of these statuses."""


@dataclass(frozen=True, slots=True)
class OpenProblem:
    """An open problem of a loan, or of somebody who is contacted about it."""

    loan: str
    borrower: str
    """The lender's id of the record that it is about: the borrower's, or that of another party."""
    role: Party
    """What that one is to the loan."""
    kind: str
    detail: Reasons
    """What is wrong; personal data in it is masked already."""
    since: datetime


@dataclass(frozen=True, slots=True)
class UnappliedEvent:
    """An event that was rejected, or that waits for the loan or the borrower that it names."""

    event: str
    """Its sender, and the id that this gave it."""
    kind: str
    status: str
    """`rejected`, or `received` while it waits."""
    reason: Reasons
    """Empty: nobody has tried to apply it yet."""
    since: datetime


@dataclass(frozen=True, slots=True)
class UnreadReply:
    """A borrower's text that waits to be read. Until it is, no text goes to its number."""

    reply: int
    loan: str | None
    """The lender's id of the loan that it is about; None: no borrower has its number."""
    since: datetime
    read_by: datetime
    """The deadline. Nothing goes on by itself when it is over."""


@dataclass(frozen=True, slots=True)
class Problems:
    """What is open of each list, oldest first. It has no personal data."""

    loans: Page[OpenProblem]
    replies: Page[UnreadReply]
    events: Page[UnappliedEvent]
    actions: Page[StuckActions]
    """Failing and dead actions by their reason, newest first."""
    persons: Page[RecordLink]
    """Records that count as one person until somebody confirms or parts them."""
    calendars: Page[EndingCalendar]
    """Calendars that end soon, or have ended."""
    imports: Page[UnfinishedImport]
    """Imports of tapes that were interrupted."""


LISTS = tuple(field.name for field in fields(Problems))
OF_LOANS = ("loans", "replies", "events")
"""The lists that can be asked for by a loan."""
OF_RECORDS = ("loans",)
"""The lists that can be asked for by a record."""
WITH_KINDS = ("loans", "events")
"""The lists whose rows have kinds of their own."""


@permitted(Permission.READ_OPERATIONS)
def read_problems(connection: Connection, ctx: Context, asked: Asked = ALL) -> Problems:
    """What is open now; moments are in the lender's zone.

    `asked.kind` is a kind of problem or of event, or the name of a list. Lists that have nothing
    to do with what is asked for are empty.

    Raises:
        ArrearsError: the loan or the record is not known, or the page is none of these lists.
    """
    zone = ctx.settings.lender_zone
    lists = asked_lists(asked)
    if asked.kind in LISTS:
        asked = replace(asked, kind=None)
    found = Problems(
        _of_loans(connection, zone, asked) if "loans" in lists else NOTHING,
        _of_replies(connection, zone, asked) if "replies" in lists else NOTHING,
        _of_events(connection, zone, asked) if "events" in lists else NOTHING,
        read_stuck(connection, ctx, asked) if "actions" in lists else NOTHING,
        read_presumed(connection, ctx, asked) if "persons" in lists else NOTHING,
        page_of(
            "calendars", ending_calendars(ctx.policy, ctx.today()), lambda each: each.country, asked
        )
        if "calendars" in lists
        else NOTHING,
        page_of("imports", _interrupted(connection, zone), lambda _: "imports", asked)
        if "imports" in lists
        else NOTHING,
    )
    if asked.loan is not None and not any(getattr(found, name) for name in OF_LOANS):
        known_loan_id(connection, asked.loan)
    if asked.borrower is not None and not found.loans:
        assert_known(connection, asked.borrower)
    return found


def _interrupted(connection: Connection, zone: tzinfo) -> list[UnfinishedImport]:
    return [each for each in read_unfinished(connection, zone) if not each.is_running]


def asked_lists(asked: Asked) -> tuple[str, ...]:
    """The names of the lists that are read.

    Raises:
        ArrearsError: `asked.after` names none of them.
    """
    assert_of(LISTS, asked)
    return tuple(
        name
        for name in LISTS
        if asked.reads(name)
        and (asked.loan is None or name in OF_LOANS)
        and (asked.borrower is None or name in OF_RECORDS)
        and (asked.kind is None or name == asked.kind or asked.kind not in LISTS)
        and (asked.kind is None or asked.kind in LISTS or name in WITH_KINDS)
    )


def _of_loans(connection: Connection, zone: tzinfo, asked: Asked) -> Page[OpenProblem]:
    columns = columns_of(
        OpenProblem,
        problem,
        loan=loan.c.external_id,
        borrower=borrower.c.external_id,
        role=func.coalesce(loan_party.c.role, literal(Party.BORROWER)),
        since=problem.c.found_at,
    )
    named = select(borrower.c.id).where(borrower.c.external_id == asked.borrower)
    where = [
        problem.c.resolved_at.is_(None),
        *of_loan(problem.c.loan_id, asked),
        *([problem.c.kind == asked.kind] if asked.kind else ()),
        *([is_about(named)] if asked.borrower else ()),
    ]
    listing = Listing(
        "loans",
        select(*columns).select_from(_WITH_RECORD).where(*where),
        (problem.c.id,),
        maker(OpenProblem, zone),
        count_by(problem.c.kind, problem, *where),
    )
    return read_page(connection, listing, asked)


_WITH_RECORD = (
    problem.join(loan, loan.c.id == problem.c.loan_id)
    .outerjoin(loan_party, loan_party.c.id == problem.c.party_id)
    .join(borrower, borrower.c.id == func.coalesce(loan_party.c.borrower_id, loan.c.borrower_id))
)
"""Problems, with the record that each is about."""


def _of_replies(connection: Connection, zone: tzinfo, asked: Asked) -> Page[UnreadReply]:
    def unread(row: Any) -> UnreadReply:
        return UnreadReply(
            row.id,
            row.external_id,
            row.received_at.astimezone(zone),
            (row.received_at + READ_WITHIN).astimezone(zone),
        )

    where = [UNHANDLED, *of_loan(reply.c.loan_id, asked)]
    rows = (
        select(reply.c.id, loan.c.external_id, reply.c.received_at)
        .outerjoin(loan, loan.c.id == reply.c.loan_id)
        .where(*where)
    )
    counts = count_all("replies", reply, *where)
    return read_page(connection, Listing("replies", rows, (reply.c.id,), unread, counts), asked)


def _of_events(connection: Connection, zone: tzinfo, asked: Asked) -> Page[UnappliedEvent]:
    event = inbox_event.c
    columns = columns_of(
        UnappliedEvent, inbox_event, event=shown_id(inbox_event), since=event.received_at
    )
    statuses = [event.status == literal(status) for status in UNAPPLIED]
    where = [
        *([event.payload["loan"].astext == asked.loan] if asked.loan else ()),
        *([event.kind == asked.kind] if asked.kind else ()),
    ]
    listing = Listing(
        "events",
        select(*columns),
        (event.id,),
        maker(UnappliedEvent, zone),
        count_by(event.kind, inbox_event, or_(*statuses), *where),
        either=[select(event.id).where(status, *where) for status in statuses],
    )
    return read_page(connection, listing, asked)


@permitted(Permission.MEND_OPERATIONS)
def resolve_problem(
    ctx: Context,
    loan_external_id: str,
    kind: str,
    *,
    why: str,
    record: str | None = None,
    dry_run: bool = False,
) -> None:
    """Close an open problem of a loan. If its cause comes back, a new problem is recorded.

    `record` is the lender's id of the one whose problem it is, if several have one of this kind.

    Raises:
        ArrearsError: there is no such problem, or several.
    """
    with ctx.engine.begin() as connection:
        known = lock_known_loan(connection, loan_external_id)
        is_open = (
            select(problem.c.id, borrower.c.external_id)
            .select_from(_WITH_RECORD)
            .where(
                problem.c.loan_id == known.id,
                problem.c.kind == kind,
                problem.c.resolved_at.is_(None),
            )
            .order_by(problem.c.id)
        )
        found = {row.external_id: row.id for row in connection.execute(is_open)}
        meant = [id for whose, id in found.items() if record in (None, whose)]
        if len(meant) > 1:
            raise ArrearsError(
                "Several have the problem {kind} on loan {loan}: {known}. Name one of them with "
                "--borrower.",
                loan=loan_external_id,
                kind=kind,
                known=", ".join(found),
            )
        if not meant:
            raise ArrearsError(
                "Loan {loan} has no open problem {kind}. `arrears problems list` "
                "shows those that are open.",
                loan=loan_external_id,
                kind=kind,
            )
        if not dry_run:
            now = ctx.now()
            why_id = keep_words(connection, ctx.cipher, why, now, loan_id=known.id)
            resolved = {"resolved_at": now, "actor": ctx.actor.reference, "why_id": why_id}
            connection.execute(update(problem).where(problem.c.id == meant[0]).values(**resolved))
            if kind == ARRANGEMENT_DIFFERS:
                look_again(connection, known.id, now.date())
