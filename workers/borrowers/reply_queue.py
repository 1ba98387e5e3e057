"""Borrowers' texts that need a person: assigned to a collector on shift, read, and closed."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select, update

from domain.access_log import Opened
from domain.actors import Actor
from domain.collectors import Collector, business_day, choose_collector
from domain.errors import ArrearsError, NotKnownError
from domain.permissions import Permission
from domain.staffing import terms_on
from workers.access.may_handle import assert_may_handle, readable
from workers.access.permitted import permitted
from workers.calls.plan import SHIFTS_AHEAD
from workers.context import Context
from workers.db.access_log import note_access
from workers.db.callers import FreeCaller, give, read_callers
from workers.db.pages import ALL, Asked, Listing, Page, count_all, maker, of_loan, read_page
from workers.db.places import place_of_reply
from workers.db.schema import borrower, loan, reply, staff
from workers.db.spoken_language import spoken_language
from workers.db.typed_rows import columns_of

log = logging.getLogger(__name__)

BATCH_SIZE = 200

UNHANDLED = reply.c.to_read & reply.c.handled_at.is_(None)
"""Replies that need a person and are not closed yet."""


def assign_replies(ctx: Context) -> int:
    """Assign open replies to collectors on shift who speak the language, oldest first.

    A collector's day counts them with the calls. If nobody is free a reply stays unassigned; so
    does a reply from a number that no borrower has. Returns how many were assigned.
    """
    now = ctx.now()
    today = business_day(now)
    terms = terms_on(ctx.policy.staffing, now.date())
    minutes = terms.reply_minutes
    with ctx.engine.begin() as connection:
        unassigned = connection.execute(
            select(reply.c.id, borrower.c.person_id, spoken_language().label("locale"))
            .join(borrower, borrower.c.id == reply.c.borrower_id)
            .where(UNHANDLED, reply.c.staff_id.is_(None))
            .order_by(reply.c.id)
            .limit(BATCH_SIZE)
            .with_for_update(of=reply, skip_locked=True)
        ).all()
        if not unassigned:
            return 0
        callers = read_callers(connection, now, now + SHIFTS_AHEAD, terms.visit_minutes)
        collectors = {each.id: _collector(each, minutes) for each in callers}
        barred = {each.id: each.must_not_handle for each in callers}
        given = 0
        for row in unassigned:
            may = [each for each in collectors.values() if row.person_id not in barred[each.id]]
            chosen = choose_collector(may, row.locale, now)
            if not isinstance(chosen, Collector):
                continue
            if not give(
                *(connection, chosen.id, row.person_id),
                minutes=minutes,
                share=0,
                visit_minutes=terms.visit_minutes,
                now=now,
                until=today.ends_at,
            ):
                # Others have filled this day meanwhile.
                collectors[chosen.id] = replace(chosen, assigned_today=chosen.daily_capacity)
                continue
            connection.execute(
                update(reply)
                .where(reply.c.id == row.id)
                .values(staff_id=chosen.id, assigned_at=now)
            )
            busier = replace(chosen, assigned_today=chosen.assigned_today + 1)
            collectors[chosen.id] = busier
            given += 1
        return given


def _collector(caller: FreeCaller, minutes: int) -> Collector:
    """A collector for the choice of who reads a reply; one whose minutes are used up is full."""
    capacity = caller.pieces_a_day
    if caller.minutes_a_day is not None:
        left = max(0, caller.minutes_a_day - caller.minutes) // minutes
        capacity = min(capacity, caller.pieces + left)
    return Collector(
        id=caller.id,
        languages=caller.languages,
        trained_on=caller.trained_on,
        daily_capacity=capacity,
        assigned_today=caller.pieces,
        shifts=caller.working,
    )


@dataclass(frozen=True, slots=True)
class ReplyToRead:
    """An open reply. `open_reply` gives its text."""

    reply: int
    staff: str | None
    """The lender's reference of its collector; None: unassigned."""
    loan: str | None
    """The lender's id of the loan that the borrower was last texted about."""
    language: str | None
    """BCP 47; None: no borrower has that number."""
    received_at: datetime
    """In the lender's zone."""


def read_replies(
    connection: Connection,
    reader: Actor,
    zone: ZoneInfo,
    staff_id: int | None,
    asked: Asked = ALL,
) -> Page[ReplyToRead]:
    """The open replies, oldest first: all, or those of one collector. Those of people whom the
    `reader` must not handle are left out."""
    columns = columns_of(
        ReplyToRead,
        reply,
        reply=reply.c.id,
        staff=staff.c.external_id,
        loan=loan.c.external_id,
        language=spoken_language(),
    )
    where = [
        UNHANDLED,
        *([reply.c.staff_id == staff_id] if staff_id is not None else ()),
        *of_loan(reply.c.loan_id, asked),
        *readable(reader, reply.c.borrower_id),
    ]
    rows = (
        select(*columns)
        .select_from(reply)
        .outerjoin(staff, staff.c.id == reply.c.staff_id)
        .outerjoin(loan, loan.c.id == reply.c.loan_id)
        .outerjoin(borrower, borrower.c.id == reply.c.borrower_id)
        .where(*where)
    )
    counts = count_all("replies", reply, *where)
    listing = Listing("replies", rows, (reply.c.id,), maker(ReplyToRead, zone), counts)
    return read_page(connection, listing, asked)


def count_replies(connection: Connection) -> dict[str, int]:
    """How many replies are open, by who has them; no entry where there is none."""
    unknown = reply.c.borrower_id.is_(None) & reply.c.staff_id.is_(None)
    counted = connection.execute(
        select(
            func.count(reply.c.staff_id).label("with a collector"),
            func.count().filter(reply.c.staff_id.is_(None), ~unknown).label("with nobody yet"),
            func.count().filter(unknown).label("from numbers that nobody on the book has"),
        ).where(UNHANDLED)
    ).one()
    return {name: number for name, number in counted._mapping.items() if number}


@dataclass(frozen=True, slots=True)
class OpenedReply:
    """A borrower's text, decrypted. Its representation leaves the text out."""

    loan: str | None
    body: str = field(repr=False)


@permitted(Permission.READ_REPLIES)
def open_reply(ctx: Context, reply_id: int) -> OpenedReply:
    """Decrypt a borrower's text for the person who works on it.

    The access is recorded and logged.

    Raises:
        RefusedError: whoever opens it must not handle whoever wrote it.
        ArrearsError: there is no such reply, it was erased, or none of the keys decrypts it.
    """
    with ctx.engine.begin() as connection:
        found = connection.execute(
            select(
                *(reply.c.body_encrypted, reply.c.provider, reply.c.sid),
                *(reply.c.loan_id, reply.c.borrower_id, loan.c.external_id),
            )
            .outerjoin(loan, loan.c.id == reply.c.loan_id)
            .where(reply.c.id == reply_id)
        ).one_or_none()
        if found is None:
            raise _no_such_reply(reply_id)
        if found.body_encrypted is None:
            raise ArrearsError("The words of reply {reply_id} were erased.", reply_id=reply_id)
        assert_may_handle(connection, ctx.actor, borrower.c.id == found.borrower_id)
        note_access(
            connection,
            found.loan_id,
            Opened.REPLY,
            ctx.actor,
            ctx.now(),
            borrower_id=found.borrower_id,
            reply_id=reply_id,
        )
        place = place_of_reply(found.provider, found.sid)
        body = ctx.cipher.unseal(found.body_encrypted, place)
    log.info("reply %s was opened by %s for %s", reply_id, ctx.actor, Opened.REPLY.usual_purpose)
    return OpenedReply(found.external_id, body)


def _no_such_reply(reply_id: int) -> NotKnownError:
    return NotKnownError(
        "There is no reply {reply_id}. The worklist shows those that wait to be read.",
        reply_id=reply_id,
    )
