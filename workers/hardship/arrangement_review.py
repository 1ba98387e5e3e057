"""Active arrangements: kept, missed, completed or defaulted, by money and by the calendar."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from domain.actors import ARREARS
from domain.arrangement_clock import grace_anew
from domain.arrangements import OPEN, UNANSWERED, ArrangementStatus, Effect, Standing
from domain.quote_json import quote_from_json
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.arrangements import (
    Arrangement,
    arrangements_to_review,
    days_of,
    note_look,
    open_arrangement,
    owes_nothing,
    paid_of,
)
from workers.db.pending_events import has_pending_event_of_loan, has_pending_tape
from workers.db.problems import ARRANGEMENT_NOT_CONFIRMED, note_problem
from workers.db.schema import arrangement, borrower, loan
from workers.db.typed_rows import columns_of, typed_rows
from workers.escalation.quarantine import for_each_loan, is_not_quarantined
from workers.escalation.reassess import reassess
from workers.hardship.agreed_numbers import settle_numbers
from workers.hardship.arrangement_endings import end
from workers.hardship.arrangement_follow_ups import end_missed, follow_default, follow_missed
from workers.hardship.arrangement_requests import look_at_request
from workers.hardship.arrangement_standing import standing_as_agreed, standing_on
from workers.hardship.arrangements import pause
from workers.hardship.default_notices import owe_if_untold, take_back_notice, wait_for_notice
from workers.hardship.steps_tried import keep_steps_tried
from workers.hardship.wrong_defaults import go_on, look_at_tape, take_back_default

BATCH_SIZE = 500
ASK_AGAIN = timedelta(days=7)
"""Until the next look at what is paid and the ledger has not confirmed."""
_S = ArrangementStatus


def review_arrangements(
    connection: Connection,
    ctx: Context,
    loan_ids: Sequence[int],
    now: datetime,
    *,
    went_back: bool = False,
) -> None:
    """Review arrangements after money or schedules of locked loans changed.

    What is paid is completed. A completed arrangement that is not paid any more goes on. A default
    is taken back if the money was paid in time after all. What was only asked for or offered is
    withdrawn when nothing is left to pay. No arrangement defaults here: that
    happens by the calendar, when everything of the day is known. If money `went_back`, the days of
    grace run anew for what is unpaid by that. The caller reassesses the loans.
    """
    for stored in arrangements_to_review(connection, loan_ids):
        if stored.status in UNANSWERED:
            _end_if_needless(connection, stored, now)
            continue
        standing = standing_on(connection, ctx, stored, now.date())
        if stored.status == _S.DEFAULTED:
            if not went_back:
                take_back_default(connection, ctx, stored, standing, now)
            continue
        if standing is None or standing.status is not _S.DEFAULTED:
            take_back_notice(connection, stored, now)
        if stored.status == _S.COMPLETED:
            _go_on_again(connection, stored, standing, now)
        elif standing is None:
            end(connection, stored, _S.REPLACED, now, ended_by=ARREARS.reference)
        elif standing.status is _S.COMPLETED:
            end(connection, stored, _S.COMPLETED, now, ended_by=ARREARS.reference, missed=0)
            _call_off(connection, stored, standing, now)
        else:
            _call_off(connection, stored, standing, now)
            if len(standing.missed) > stored.missed:
                _miss_now(connection, stored, standing, now.date(), went_back)
            else:
                _note(connection, stored, standing, now.date())


def settle_arrangements(ctx: Context, *, limit: int = BATCH_SIZE) -> int:
    """Look at the arrangements whose day has come; returns how many ended.

    What was asked for or offered is withdrawn when nothing is left to pay. A request that nobody
    answered in time becomes a problem, and lapses at last. An offer that nobody accepted expires.
    An arrangement that the ledger has not confirmed in time becomes a problem; while it is paid as
    agreed, its pause goes on. An active arrangement is in default when too much was missed: its
    pause ends, and the loan is due for review. Where a law or the terms ask for a letter first, the
    default counts only when the days of the letter are over. An arrangement that ended in default
    is judged again when a tape shows money since.

    While an event or a tape of a loan is not applied yet, such as a payment of yesterday, its
    arrangement waits. May run any number of times.
    """
    now = ctx.now()
    due = (
        select(*columns_of(_Due, arrangement))
        .select_from(borrower.join(loan).join(arrangement, arrangement.c.loan_id == loan.c.id))
        .where(
            arrangement.c.review_on <= now.date(),
            is_not_quarantined(now),
            ~has_pending_event_of_loan(),
            ~has_pending_tape(),
        )
        .order_by(arrangement.c.review_on, arrangement.c.id)
        .limit(limit)
        .with_for_update(of=loan, key_share=True, skip_locked=True)
    )

    def find(connection: Connection, loan_id: int | None) -> list[_Due]:
        asked = due if loan_id is None else due.where(loan.c.id == loan_id)
        return typed_rows(_Due, connection.execute(asked))

    def settle(connection: Connection, found: Sequence[_Due]) -> int:
        settled = [_settle(connection, ctx, each, now) for each in found]
        reassess(connection, ctx, sorted({each.loan_id for each in found}), now)
        ended = 0
        for stored, status, missed in filter(None, settled):
            if status is _S.DEFAULTED:
                keep_steps_tried(connection, ctx, stored.loan_id, now.date())
                follow_default(connection, ctx, stored, missed, now)
                owe_if_untold(connection, ctx, stored, now)
            elif status is _S.ACTIVE:
                follow_missed(connection, ctx, stored, missed, now)
            ended += status not in OPEN
        return ended

    return for_each_loan(ctx, find, settle)


class _Due(NamedTuple):
    id: int
    loan_id: int


class _Settled(NamedTuple):
    """An arrangement as it was, what it is now, and what is missed of it."""

    stored: Arrangement
    status: ArrangementStatus
    missed: Sequence[date] = ()


def _settle(connection: Connection, ctx: Context, due: _Due, now: datetime) -> _Settled | None:
    """Look at one arrangement of a locked loan."""
    stored = open_arrangement(connection, due.loan_id)
    if stored is None or stored.id != due.id:
        for ended in arrangements_to_review(connection, [due.loan_id]):
            if ended.id == due.id and ended.status == _S.DEFAULTED:
                look_at_tape(connection, ctx, ended, now)
        return None
    by = ARREARS.reference
    if stored.status in UNANSWERED and _end_if_needless(connection, stored, now):
        return _Settled(stored, _S.WITHDRAWN)
    if stored.status == _S.REQUESTED and not look_at_request(connection, ctx, stored, now):
        return None
    if stored.status in UNANSWERED:
        end(connection, stored, _S.EXPIRED, now, ended_by=by)
        return _Settled(stored, _S.EXPIRED)
    if stored.status == _S.ACCEPTED:
        _tell_of_silence(connection, ctx, stored, now)
        return None
    settle_numbers(connection, stored.loan_id, now)
    standing = standing_on(connection, ctx, stored, now.date())
    if standing is None or standing.status is not _S.DEFAULTED:
        take_back_notice(connection, stored, now)
    if standing is None:
        end(connection, stored, _S.REPLACED, now, ended_by=by)
        return _Settled(stored, _S.REPLACED)
    if standing.status is _S.DEFAULTED:
        owed = paid_of(connection, stored)
        if again := wait_for_notice(connection, ctx, stored, standing, owed, now):
            note_look(connection, stored.id, missed=len(standing.missed), review_on=again)
            return _Settled(stored, _S.ACTIVE, standing.missed)
    if standing.status in (_S.COMPLETED, _S.DEFAULTED):
        missed = len(standing.missed)
        end(connection, stored, standing.status, now, ended_by=by, missed=missed)
    else:
        _note(connection, stored, standing, now.date())
    return _Settled(stored, standing.status, standing.missed)


def _end_if_needless(connection: Connection, stored: Arrangement, now: datetime) -> bool:
    """Withdraw what was asked for or offered if nothing is left to pay; whether that is so."""
    if not owes_nothing(connection, stored.loan_id):
        return False
    end(connection, stored, _S.WITHDRAWN, now, ended_by=ARREARS.reference)
    return True


def _tell_of_silence(
    connection: Connection, ctx: Context, stored: Arrangement, now: datetime
) -> None:
    """The ledger has not answered in time, which is a problem to resolve.

    Whoever pays as was agreed is contacted about nothing meanwhile: the pause goes on until the
    next instalment could be missed, and is looked at again then. If something is missed of what was
    agreed, or the days of a deferral are over, contact goes on.
    """
    silent = because(
        ReasonCode.ARRANGEMENT_NOT_CONFIRMED,
        arrangement=stored.external_id,
        accepted_on=stored.accepted_on,
    )
    note_problem(connection, stored.loan_id, ARRANGEMENT_NOT_CONFIRMED, silent, now)
    standing = standing_as_agreed(connection, ctx, stored, now.date())
    again = None
    stops = quote_from_json(stored.quote or {}).stops
    is_over = stored.pauses_until is not None and stored.pauses_until <= now.date()
    if Effect.COLLECTION in stops and not standing.missed and not is_over:
        again = standing.review_on or now.date() + ASK_AGAIN
        hold_id = pause(connection, stored, now.date(), again, ARREARS.reference, now)
        connection.execute(
            update(arrangement).where(arrangement.c.id == stored.id).values(hold_id=hold_id)
        )
    note_look(connection, stored.id, missed=len(standing.missed), review_on=again)


def _call_off(
    connection: Connection, stored: Arrangement, standing: Standing, now: datetime
) -> None:
    """What was to be done about instalments that are paid by now is not done any more."""
    if stored.missed > len(standing.missed):
        paid = set(days_of(connection, stored.id)) - set(standing.missed)
        end_missed(connection, stored, sorted(paid), now)


def _note(connection: Connection, stored: Arrangement, standing: Standing, today: date) -> None:
    missed = len(standing.missed)
    # One that is in default by now ends when the day is settled.
    review_on = today if standing.status is _S.DEFAULTED else standing.review_on
    if (missed, review_on) != (stored.missed, stored.review_on):
        note_look(connection, stored.id, missed=missed, review_on=review_on)


def _miss_now(
    connection: Connection, stored: Arrangement, standing: Standing, today: date, went_back: bool
) -> None:
    """More is missed than at the last look: what follows is planned when the day is settled."""
    not_before = grace_anew(stored, today) if went_back else stored.no_default_before
    seen = {"missed": len(standing.missed), "review_on": today, "no_default_before": not_before}
    connection.execute(update(arrangement).where(arrangement.c.id == stored.id).values(seen))


def _go_on_again(
    connection: Connection, stored: Arrangement, standing: Standing | None, now: datetime
) -> None:
    """Money of a completed arrangement went back: it is active again, unless another one is."""
    if standing is None or standing.status is _S.COMPLETED:
        return
    if open_arrangement(connection, stored.loan_id) is None:
        go_on(connection, stored, standing, now)
