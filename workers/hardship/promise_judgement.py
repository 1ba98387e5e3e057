"""Promises judged by money and the calendar: kept, part kept, broken, and open again."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select, update

from domain.promises import (
    NOT_KEPT,
    Judgement,
    Promise,
    PromisePart,
    PromiseStatus,
    ReceivedPayment,
    judge,
    promise_hold,
)
from workers.context import Context
from workers.db.holds import insert_hold, lengthen_hold
from workers.db.pending_events import has_pending_event_of_loan, has_pending_tape, loan_waits
from workers.db.promises import (
    MONEY_COMES_LATE,
    STORED,
    NotPaid,
    StoredPromise,
    causes_of,
    causes_of_parts,
    is_due_for_judgement,
    move_promises,
    payments_of,
    promises_of,
    set_judge_on,
    stored_promise,
    what_else_came,
)
from workers.db.schema import borrower, loan, promise
from workers.escalation.follow_ups import end_follow_ups
from workers.escalation.quarantine import for_each_loan, is_not_quarantined
from workers.escalation.reassess import reassess
from workers.hardship.promise_follow_ups import plan_after_broken, plan_reminders
from workers.hardship.promises import complete, note_was_made

BATCH_SIZE = 500
_JUDGED_AGAIN = (PromiseStatus.OPEN, PromiseStatus.KEPT, *sorted(NOT_KEPT))
YEAR = timedelta(days=365)
"""How far back promises count that were not kept, where what follows depends on their number."""


def keep_promises(
    connection: Connection, ctx: Context, loan_ids: Sequence[int], now: datetime
) -> None:
    """After a payment: judge the promises of locked loans that it may keep.

    Those that were not kept are among them, while payments of their days may still be reported. If
    no part of one was missed after all, it is open again and pauses the ladder; if another promise
    has taken its place since, it is withdrawn. The caller reassesses the loans. One statement, and
    one more if there are promises.
    """
    _judge_by_now(connection, ctx, loan_ids, [PromiseStatus.OPEN, *sorted(NOT_KEPT)], now)


def judge_again(
    connection: Connection, ctx: Context, loan_ids: Sequence[int], now: datetime
) -> None:
    """After something stopped collection of locked loans for days that are past: judge again what
    was not kept, as after a payment."""
    _judge_by_now(connection, ctx, loan_ids, sorted(NOT_KEPT), now)


def _judge_by_now(
    connection: Connection,
    ctx: Context,
    loan_ids: Sequence[int],
    statuses: Sequence[PromiseStatus],
    now: datetime,
) -> None:
    due_from = now.date() - MONEY_COMES_LATE
    stored = promises_of(connection, loan_ids, statuses, due_from=due_from)
    if not stored:
        return
    received = payments_of(connection, {each.loan_id for each in stored})
    for each in stored:
        found = judge(each.as_made(now), received[each.loan_id], now.date())
        if each.status is PromiseStatus.OPEN:
            _judge_open(connection, each, found, now)
        elif found.status is not each.status:
            _judge_again(connection, ctx, each, found, now)


def _judge_open(
    connection: Connection, stored: StoredPromise, found: Judgement, now: datetime
) -> None:
    """Complete an open promise that is kept; if it stays open, wait for its next part.

    Only `break_overdue_promises` finds that a promise was not kept, when all money must be known.
    """
    made = stored.as_made(now)
    if found.status is PromiseStatus.KEPT:
        complete(connection, stored, PromiseStatus.KEPT, now, found.paid)
    elif (waits_for := found.next_part) and (waits_for != made.parts[0] or waits_for.stood_still):
        set_judge_on(connection, stored.id, _looked_at_on(made, waits_for, now))
        if made.parts[-1].stood_still:
            lengthen_hold(connection, stored.hold_id, promise_hold(made))
        paid = made.parts[: made.parts.index(waits_for)]
        end_follow_ups(connection, [stored.loan_id], causes_of_parts(stored, paid), now)


def _looked_at_on(made: Promise, waits_for: PromisePart, now: datetime) -> date:
    """When a promise is looked at that waits for a part: while its clock stands still, each day,
    for nothing may be past due any more."""
    if not waits_for.stood_still:
        return made.known_on(waits_for)
    tomorrow = now.date() + timedelta(days=1)
    return max(tomorrow, made.known_on(replace(waits_for, stood_still=0)))


def _judge_again(
    connection: Connection, ctx: Context, stored: StoredPromise, found: Judgement, now: datetime
) -> None:
    """Move a promise that was not kept, with what is known now. What followed is called off, if it
    is kept or open."""
    if found.status not in NOT_KEPT:
        end_follow_ups(connection, [stored.loan_id], causes_of(stored), now)
    if found.status is PromiseStatus.OPEN:
        _open_again(connection, ctx, stored, found, now)
    else:
        move_promises(connection, [stored.id], found.status, now, paid={stored.id: found.paid})


def undo_promises(
    connection: Connection, ctx: Context, loan_id: int, lost: ReceivedPayment, now: datetime
) -> None:
    """After money went back: judge the promises of a locked loan again that it had kept.

    `lost` is what went back. A promise that it had not kept stays as it is.

    - A promise whose days are not over is open again and pauses the ladder again. If another
      promise has taken its place since, it is withdrawn.
    - A promise whose days are over is broken, or part kept, and what follows is planned.
    - An open promise waits again for the part that the money had paid. If the days of that part are
      over, it is judged at once.

    An event or a tape of the loan that is not applied yet may bring the same money anew. Until it
    is applied the promise is open, so that nobody is called for it. Whoever has to pay a part again
    is reminded again. The loan's position is up to date.
    """
    judged = promises_of(connection, [loan_id], list(_JUDGED_AGAIN))
    if not judged:
        return
    received = payments_of(connection, [loan_id])[loan_id]
    broken: list[StoredPromise] = []
    for stored in judged:
        made = stored.as_made(now)
        before = judge(made, [*received, lost], now.date())
        found = judge(made, received, now.date())
        if stored.status is PromiseStatus.OPEN:
            missed_now = found.missed_part and not before.missed_part
            if missed_now and not loan_waits(connection, loan_id):
                _judge_overdue(connection, ctx, [stored], now)
            else:
                _wait_again(connection, ctx, stored, found, now)
            continue
        if before.status is not stored.status or found.status is stored.status:
            continue
        goes_on = found.status is PromiseStatus.OPEN
        if stored.status is PromiseStatus.KEPT and now.date() < made.known_on(made.parts[-1]):
            goes_on = goes_on or (not made.next_made_at and loan_waits(connection, loan_id))
        if goes_on:
            _open_again(connection, ctx, stored, found, now)
        else:
            counted = {stored.id: found.paid}
            move_promises(connection, [stored.id], found.status, now, paid=counted)
            if stored.status is PromiseStatus.KEPT:
                broken.append(stored)
    _follow_up(connection, ctx, broken, now)


def _wait_again(
    connection: Connection,
    ctx: Context,
    stored: StoredPromise,
    found: Judgement,
    now: datetime,
) -> None:
    """An open promise waits for the first part that is unpaid, which may be an earlier one again.

    That a part was missed is for `break_overdue_promises` to say, when all money must be known.
    """
    made = stored.as_made(now)
    if waits_for := found.next_part or found.missed_part:
        set_judge_on(connection, stored.id, _looked_at_on(made, waits_for, now))
        named = (stored.loan_id, stored.external_id, stored.sender, stored.borrower_id)
        plan_reminders(connection, ctx, *named, made.parts, now, waits_for=waits_for)


def _open_again(
    connection: Connection,
    ctx: Context,
    stored: StoredPromise,
    found: Judgement,
    now: datetime,
) -> None:
    if stored.next_made_at:
        withdrawn = PromiseStatus.WITHDRAWN
        move_promises(connection, [stored.id], withdrawn, now, paid={stored.id: found.paid})
        note_was_made(connection, stored.id, True)
        return
    made = stored.as_made(now)
    rest = promise_hold(made)
    pause = type(rest)(rest.kind, now.date(), rest.ends_on)
    hold_id = insert_hold(connection, pause, loan_id=stored.loan_id, actor=stored.actor, now=now)
    connection.execute(update(promise).where(promise.c.id == stored.id).values(hold_id=hold_id))
    move_promises(connection, [stored.id], PromiseStatus.OPEN, now, paid={stored.id: found.paid})
    reassess(connection, ctx, [stored.loan_id], now)
    _wait_again(connection, ctx, stored, found, now)


def break_overdue_promises(ctx: Context, *, limit: int = BATCH_SIZE) -> int:
    """Judge the open promises of which a part must be known by now; returns how many ended.

    May run any number of times. If nothing is past due any more, the promise is kept if a tape
    showed the money, else it is withdrawn: nothing asks for it. What was waived breaks none. That
    of a guarantor who is protected by then, such as one who died, is withdrawn too. While
    something else stops collection of the loan, its promise waits; so it does while an event or a
    tape of the loan is not applied yet, such as a payment of yesterday. Otherwise it is broken or
    part kept, its loan is due for review today, and what follows from it is planned.
    """
    now = ctx.now()
    overdue = (
        STORED.select_from(borrower.join(loan).join(promise))
        .where(
            promise.c.status == PromiseStatus.OPEN,
            is_due_for_judgement(now.date()),
            is_not_quarantined(now),
            ~has_pending_event_of_loan(),
            ~has_pending_tape(),
        )
        .order_by(promise.c.judge_on, promise.c.id)
        .limit(limit)
        .with_for_update(of=loan, key_share=True, skip_locked=True)
    )

    def find(connection: Connection, loan_id: int | None) -> list[StoredPromise]:
        asked = overdue if loan_id is None else overdue.where(loan.c.id == loan_id)
        return [stored_promise(row) for row in connection.execute(asked)]

    def judge_all(connection: Connection, found: Sequence[StoredPromise]) -> int:
        return _judge_overdue(connection, ctx, found, now)

    return for_each_loan(ctx, find, judge_all)


def _judge_overdue(
    connection: Connection, ctx: Context, found: Sequence[StoredPromise], now: datetime
) -> int:
    loan_ids = [stored.loan_id for stored in found]
    received = payments_of(connection, loan_ids)
    arrears = reassess(connection, ctx, loan_ids, now)
    judged = [
        (stored, judge(stored.as_made(now), received[stored.loan_id], now.date()))
        for stored in found
    ]
    not_paid = [
        each.id
        for each, by in judged
        if by.status in NOT_KEPT
        or (by.next_part and by.next_part.stood_still and not arrears[each.loan_id].past_due)
    ]
    besides = what_else_came(connection, not_paid)
    ended = 0
    moved: list[StoredPromise] = []
    broken: list[StoredPromise] = []
    for stored, by_money in judged:
        judgement = by_money
        if came := besides.get(stored.id):
            is_cured = not arrears[stored.loan_id].past_due
            money = received[stored.loan_id]
            judgement = _not_paid(stored, by_money, came, money, now, is_cured=is_cured)
        if judgement.status is PromiseStatus.OPEN:
            _judge_open(connection, stored, judgement, now)
            moved += [stored] if stored.as_made(now).parts[-1].stood_still else []
            continue
        if judgement.status is PromiseStatus.WITHDRAWN:
            note_was_made(connection, stored.id, True)
        complete(connection, stored, judgement.status, now, judgement.paid)
        ended += 1
        if judgement.status in NOT_KEPT:
            broken.append(stored)
    # A part that was missed ends the pause before its last day: the ladders go on today.
    reassess(connection, ctx, [stored.loan_id for stored in (*broken, *moved)], now)
    _follow_up(connection, ctx, broken, now)
    return ended


def _not_paid(
    stored: StoredPromise,
    judged: Judgement,
    came: NotPaid,
    received: Sequence[ReceivedPayment],
    now: datetime,
    *,
    is_cured: bool,
) -> Judgement:
    """A promise that its payments did not keep, judged by what else came. `is_cured` says whether
    nothing of its loan is past due."""
    made = stored.as_made(now)
    if is_cured:
        is_paid = judged.paid + came.by_tape >= made.amount - made.tolerance
        kept = is_paid and not came.eased
        status = PromiseStatus.KEPT if kept else PromiseStatus.WITHDRAWN
        return replace(judged, status=status)
    if came.protected and judged.status in NOT_KEPT:
        return replace(judged, status=PromiseStatus.WITHDRAWN)
    if not came.waived:
        return judged
    waived = ReceivedPayment(came.waived, made.made_at.date(), made.made_at)
    without = judge(made, [*received, waived], now.date())
    if without.status is PromiseStatus.KEPT:
        return replace(judged, status=PromiseStatus.WITHDRAWN)
    return without if without.status is PromiseStatus.OPEN else judged


def _follow_up(
    connection: Connection, ctx: Context, broken: Collection[StoredPromise], now: datetime
) -> None:
    """Plan what follows, now that these are on record as not kept."""
    if not broken:
        return
    loan_ids = {stored.loan_id for stored in broken}
    counted = connection.execute(
        select(promise.c.loan_id, promise.c.borrower_id, func.count().label("number"))
        .where(
            promise.c.loan_id.in_(loan_ids),
            promise.c.status.in_(NOT_KEPT),
            promise.c.was_made.is_not(False),
            promise.c.due_on >= now.date() - YEAR,
        )
        .group_by(promise.c.loan_id, promise.c.borrower_id)
    )
    unkept = {(row.loan_id, row.borrower_id): int(row.number) for row in counted}
    with_number = [(each, unkept.get((each.loan_id, each.borrower_id), 1)) for each in broken]
    plan_after_broken(connection, ctx, with_number, now)
