"""The clock of requests: by when they are answered, what holds meanwhile, and when they lapse."""

from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select

from domain.arrangements import ArrangementStatus, RequestTerms
from domain.holds import Hold, HoldKind
from domain.reasons import ReasonCode, because
from domain.terms import terms_for
from workers.context import Context
from workers.db.arrangements import Arrangement, paused_on, set_request_clock
from workers.db.holds import insert_hold, release
from workers.db.loans import LockedLoan, lock_loan_by_id
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.problems import ARRANGEMENT_UNANSWERED, note_problem, resolve_problems
from workers.db.schema import hold


def request_terms(ctx: Context, owed: LockedLoan, on: date) -> RequestTerms:
    """How requests of a loan are answered; where nothing is offered for it, as by default."""
    kind = owed.jurisdiction, owed.product, owed.currency
    terms = terms_for(ctx.policy.arrangements, *kind, on)
    return terms.requests if terms else RequestTerms()


def pause_for_request(
    connection: Connection,
    terms: RequestTerms,
    loan_id: int,
    until: date,
    actor: str,
    now: datetime,
) -> int | None:
    """Pause the ladder of a locked loan up to a day; the id of the hold, or None if it goes on."""
    today = now.date()
    if not terms.may_pause(paused_on(connection, loan_id), today):
        return None
    pause = Hold(HoldKind.MANUAL, today, until)
    return insert_hold(connection, pause, loan_id=loan_id, actor=actor, now=now)


def pause_for_offer(
    connection: Connection, stored: Arrangement, valid_until: date, actor: str, now: datetime
) -> int | None:
    """Let the pause of a request last while its offer can be accepted; the id of the hold. Another
    offer lets it last no longer than the one before it, or until the request would have lapsed."""
    if stored.request_hold_id is None:
        return None
    ends_on = valid_until + timedelta(days=1)
    if stored.status == ArrangementStatus.OFFERED:
        of_hold = select(hold.c.ends_on).where(hold.c.id == stored.request_hold_id)
        latest = max(connection.execute(of_hold).scalar_one(), stored.lapses_on or now.date())
        ends_on = min(ends_on, latest)
    if ends_on <= now.date():
        return stored.request_hold_id
    end_pause(connection, stored, now)
    pause = Hold(HoldKind.MANUAL, now.date(), ends_on)
    return insert_hold(connection, pause, loan_id=stored.loan_id, actor=actor, now=now)


def pause_after_reading(
    connection: Connection, ctx: Context, stored: Arrangement, actor: str, now: datetime
) -> bool:
    """Pause the ladder for a request of a text that a person has read by now; whether it pauses."""
    waits = stored.status == ArrangementStatus.REQUESTED and stored.request_hold_id is None
    if not waits or stored.lapses_on is None or stored.lapses_on <= now.date():
        return False
    owed = lock_loan_by_id(connection, stored.loan_id)
    terms = request_terms(ctx, owed, now.date())
    hold_id = pause_for_request(connection, terms, owed.id, stored.lapses_on, actor, now)
    if hold_id is not None:
        set_request_clock(connection, stored.id, request_hold_id=hold_id)
    return hold_id is not None


def end_pause(connection: Connection, stored: Arrangement, now: datetime) -> None:
    """End the pause of a request today, if it has one."""
    if stored.request_hold_id is not None:
        release(connection, hold.c.id == stored.request_hold_id, now.date(), now)


def answered(connection: Connection, stored: Arrangement, now: datetime) -> None:
    """A request got its answer, or needs none any more: its problem is resolved."""
    if stored.status == ArrangementStatus.REQUESTED:
        resolve_problems(connection, [stored.loan_id], (ARRANGEMENT_UNANSWERED,), now)


def look_at_request(
    connection: Connection, ctx: Context, stored: Arrangement, now: datetime
) -> bool:
    """Look at a request whose day has come; whether it has lapsed, and the caller ends it.

    One that is late is a problem of its loan and an event for the lender's systems, once. One of an
    earlier release gets its clock.
    """
    today = now.date()
    if stored.answer_by is None or stored.lapses_on is None:
        terms = request_terms(ctx, lock_loan_by_id(connection, stored.loan_id), today)
        clock = {"answer_by": terms.answer_by(today), "lapses_on": terms.lapses_on(today)}
        review_on = clock["answer_by"] + timedelta(days=1)
        set_request_clock(connection, stored.id, **clock, review_on=review_on)
        return False
    if today >= stored.lapses_on:
        return True
    late = because(
        ReasonCode.ARRANGEMENT_UNANSWERED,
        arrangement=stored.external_id,
        on=stored.answer_by,
        lapses_on=stored.lapses_on,
    )
    note_problem(connection, stored.loan_id, ARRANGEMENT_UNANSWERED, late, now)
    told = {
        "arrangement": stored.external_id,
        "sender": stored.sender,
        "answer_by": stored.answer_by,
        "lapses_on": stored.lapses_on,
    }
    message = OutboxMessage(OutboxEventKind.ARRANGEMENT_LATE, stored.loan_id, told)
    record_events(connection, [message], now)
    set_request_clock(connection, stored.id, review_on=stored.lapses_on)
    return False
