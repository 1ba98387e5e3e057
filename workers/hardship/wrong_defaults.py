"""A default that was wrong: money that was paid in time is reported after an arrangement ended."""

from datetime import datetime

from sqlalchemy import Connection, exists, select

from domain.actions import ActionStatus
from domain.actors import ARREARS
from domain.arrangement_clock import grace_anew
from domain.arrangements import ArrangementStatus, Effect, Standing
from domain.quote_json import quote_from_json
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.arrangements import (
    Arrangement,
    move_arrangement,
    note_look,
    note_return,
    open_arrangement,
)
from workers.db.duties import end_owed_notice, owed_notice
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.problems import (
    ARRANGEMENT_ENDED_WRONGLY,
    ARRANGEMENT_PAID_BY_TAPE,
    note_problem,
    resolve_problems,
)
from workers.db.schema import action, loan
from workers.hardship.agreed_numbers import differ_again
from workers.hardship.arrangement_follow_ups import (
    causes_of_default,
    end_declined,
    end_default,
)
from workers.hardship.arrangement_standing import ended_rightly, standing_on
from workers.hardship.arrangements import pause

_S = ArrangementStatus


def take_back_default(
    connection: Connection,
    ctx: Context,
    stored: Arrangement,
    standing: Standing | None,
    now: datetime,
) -> None:
    """An arrangement of a locked loan that ended in default goes on, or is completed, if it was not
    in default on the day on which it ended. The caller reassesses the loan.

    What followed from its end and is not done yet is called off. If the borrower has heard of the
    end, a problem asks a person to tell them what is right. If another arrangement of the loan is
    open, or its debt is written off, it stays as it ended, and the problem says so.
    """
    if standing is None or ended_rightly(connection, ctx, stored, now):
        return
    ended_on = stored.ended_at.astimezone(now.tzinfo).date() if stored.ended_at else now.date()
    was_told = _was_told(connection, stored, now)
    end_default(connection, stored, now)
    end_owed_notice(connection, stored.loan_id, stored.id, now)
    other = open_arrangement(connection, stored.loan_id)
    stays = _is_written_off(connection, stored.loan_id) or (
        other is not None and standing.status is not _S.COMPLETED
    )
    if not stays:
        go_on(connection, stored, standing, now)
    if was_told or stays:
        code = (
            ReasonCode.ARRANGEMENT_ENDED_WRONGLY_STAYS
            if stays
            else ReasonCode.ARRANGEMENT_ENDED_WRONGLY
        )
        why = because(code, arrangement=stored.external_id, on=ended_on)
        note_problem(connection, stored.loan_id, ARRANGEMENT_ENDED_WRONGLY, why, now)


def look_at_tape(connection: Connection, ctx: Context, stored: Arrangement, now: datetime) -> None:
    """A tape shows money of an arrangement of a locked loan that ended in default: it goes on if
    that was surely paid in time. If nobody can know it, a problem asks for the days of payment. The
    caller reassesses the loan."""
    note_look(connection, stored.id, missed=stored.missed, review_on=None)
    standing = standing_on(connection, ctx, stored, now.date())
    if standing is None:
        return
    if not ended_rightly(connection, ctx, stored, now):
        take_back_default(connection, ctx, stored, standing, now)
    elif not ended_rightly(connection, ctx, stored, now, at_the_earliest=True):
        ended_on = stored.ended_at.astimezone(now.tzinfo).date() if stored.ended_at else now.date()
        why = because(
            ReasonCode.ARRANGEMENT_PAID_BY_TAPE, arrangement=stored.external_id, on=ended_on
        )
        note_problem(connection, stored.loan_id, ARRANGEMENT_PAID_BY_TAPE, why, now)


def go_on(connection: Connection, stored: Arrangement, standing: Standing, now: datetime) -> None:
    """Let an arrangement that has ended go on, with its pause; or complete it, if all of it is
    paid. Days of grace begin today, and what is missed counts as missed today. Numbers of its
    ledger that differed differ again. The ledger hears of it."""
    resolve_problems(connection, [stored.loan_id], (ARRANGEMENT_PAID_BY_TAPE,), now)
    if standing.status is _S.COMPLETED:
        note_return(connection, stored, _S.COMPLETED, now)
        ended = {"ended_at": now, "ended_by": ARREARS.reference, "missed": 0, "review_on": None}
        move_arrangement(connection, stored.id, _S.COMPLETED, **ended)
        _tell_ledger(connection, stored, OutboxEventKind.ARRANGEMENT_ENDED, _S.COMPLETED, now)
        return
    today = now.date()
    note_return(connection, stored, _S.ACTIVE, now)
    end_declined(connection, stored.loan_id, now)
    hold_id = stored.hold_id
    if Effect.COLLECTION in quote_from_json(stored.quote or {}).stops:
        hold_id = pause(
            connection, stored, today, stored.pauses_until, stored.accepted_by or "", now
        )
    move_arrangement(
        connection,
        stored.id,
        _S.ACTIVE,
        ended_at=None,
        ended_by=None,
        hold_id=hold_id,
        missed=len(standing.missed),
        no_default_before=grace_anew(stored, today),
        noticed_at=None,
        notice_days=None,
        review_on=today if standing.missed else standing.review_on,
    )
    differ_again(connection, stored, now)
    _tell_ledger(connection, stored, OutboxEventKind.ARRANGEMENT_GOES_ON, _S.ACTIVE, now)


def _tell_ledger(
    connection: Connection,
    stored: Arrangement,
    kind: OutboxEventKind,
    status: ArrangementStatus,
    now: datetime,
) -> None:
    facts = {"arrangement": stored.external_id, "sender": stored.sender, "status": status}
    record_events(connection, [OutboxMessage(kind, stored.loan_id, facts)], now)


def _was_told(connection: Connection, stored: Arrangement, now: datetime) -> bool:
    """Whether the borrower has heard of the end, or hears of it at this moment."""
    told = exists().where(
        action.c.loan_id == stored.loan_id,
        action.c.cause.in_(causes_of_default(stored, now)),
        action.c.status.in_((ActionStatus.CLAIMED, ActionStatus.UNKNOWN, ActionStatus.DONE)),
    )
    if connection.execute(select(told)).scalar_one():
        return True
    owed = owed_notice(connection, stored.loan_id, stored.id)
    return owed is not None and owed.made_at == stored.ended_at and owed.given_at is not None


def _is_written_off(connection: Connection, loan_id: int) -> bool:
    written_off = select(loan.c.written_off_on.is_not(None)).where(loan.c.id == loan_id)
    return bool(connection.execute(written_off).scalar_one())
