"""The next piece of work of a collector, or of a supervisor: served under a lease, and explained.
Nobody chooses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import Connection

from domain.compliance.vocabulary import Party
from domain.next_work import (
    UNFINISHED,
    LeaseEnd,
    Ranked,
    WorkKind,
    WorkPolicy,
    in_order,
    work_policy_on,
)
from domain.permissions import Permission
from domain.reasons import ReasonCode, Reasons, because
from workers.access.permitted import permitted
from workers.context import Context
from workers.db import new_leases, work_leases
from workers.db.new_leases import Taken, Wanted
from workers.db.open_attempts import read_attempt
from workers.db.work_leases import Lease
from workers.db.working_collectors import WorkingCollector
from workers.staff.pieces import Piece, pieces_for, with_gate
from workers.staff.who_works import read_working, who_asks

ASKED_TOGETHER = (8, 60)
"""The gate is asked about the first 8 pieces of work. If it allows none of them, it is asked up to
the 60th, and at last about all."""
OF_COLLECTOR = frozenset(
    {
        ReasonCode.DAY_IS_FULL,
        ReasonCode.MINUTES_ARE_FULL,
        ReasonCode.STAFF_LACKS_SKILL,
        ReasonCode.STAFF_NOT_CERTIFIED,
    }
)
"""Why work is not for this collector. These reasons are shown to them."""
TRIES = 4
"""How often to try another piece after somebody else was first. Then the answer is: ask again."""


@dataclass(frozen=True, slots=True)
class ServedWork:
    """The work that somebody does next. It has no personal data: people and loans are ids."""

    lease: int | None
    """None: the call goes on, and somebody else was served its person meanwhile."""
    kind: WorkKind
    band: str
    """Why it is served before other work, in a word: a band, `unfinished` or `taken_over`."""
    why: Reasons
    """The same in a sentence."""
    until: datetime
    """Without a sign of life until then, others may be served it."""
    loan: str | None
    """The lender's id of the first loan that it is about."""
    other_loans: tuple[str, ...]
    record: str
    """The lender's id of the borrower record of the person whom it is about."""
    party: Party
    item: str
    """Of the ladder; empty for a reply."""
    purpose: str
    language: str
    """BCP 47: what the person speaks."""
    attempt: str | None = None
    """The call that was started, and whose outcome has to be reported before anything else."""
    reply: int | None = None
    duty: int | None = None
    """What is owed; `/duties/{duty}/done` says that it is done."""
    dispute: str | None = None
    """The dispute that is to be taken: `/disputes/{dispute}/take`, which ends the duty."""
    complaint: str | None = None
    """The same of a complaint."""


@dataclass(frozen=True, slots=True)
class NothingToServe:
    """Why no work is served."""

    why: Reasons
    ask_again_at: datetime | None = None
    """When something may be done; None: that is not known."""


@permitted(Permission.SERVE_WORK)
def next_for(ctx: Context, collector: str | None = None) -> ServedWork | NothingToServe:
    """Serve whoever acts their next work, under a lease; or the work that they have not finished.

    Nobody else is served anything about that person until the lease ends: when an outcome is
    reported, when it is released or taken over, or when it lapses without a sign of life. To ask
    again gives the same work. The gate is asked without effect; it is asked again at the start.
    A supervisor who makes no calls is served what supervisors owe, also outside a shift.

    A machine names the `collector` for whom it asks. The number of statements does not depend on
    how much work there is.

    Raises:
        NotOnRosterError: nobody has that reference.
        WrongRoleError: they are neither a caller nor a supervisor.
        ArrearsError: a machine names nobody.
    """
    now = ctx.now()
    policy = work_policy_on(ctx.policy.worklist, now.date())
    actor = who_asks(ctx, collector)
    with ctx.engine.begin() as connection:
        me = read_working(connection, actor, now)
        lease = work_leases.lease_of(connection, me.id)
        if me.open_attempt is not None and me.open_contact_id is not None:
            return _unfinished(connection, me, lease, policy, now)
        if me.absent_since is not None:
            since = me.absent_since.astimezone(now.tzinfo)
            return NothingToServe(because(ReasonCode.ABSENT_SINCE, since=since))
        if me.calls_on(now.date()) and not me.on_shift:
            return NothingToServe(because(ReasonCode.NOT_ON_SHIFT))
        if me.visit_until is not None:
            until = me.visit_until.astimezone(now.tzinfo)
            why = because(ReasonCode.STAFF_ON_VISIT, staff=me.reference, until=until)
            return NothingToServe(why, until)
        pieces = pieces_for(connection, ctx, me, policy, now)
        if lease is not None:
            if (kept := _kept(connection, ctx, pieces, lease, policy, now)) is not None:
                return kept
            end = LeaseEnd.DONE if lease.finished else LeaseEnd.NOT_ALLOWED
            work_leases.end_lease(connection, lease.id, end, now)
            pieces = [piece.without_lease_of(me.id) for piece in pieces]
        return _serve(connection, ctx, me, pieces, policy, now)


def _unfinished(
    connection: Connection,
    me: WorkingCollector,
    lease: Lease | None,
    policy: WorkPolicy,
    now: datetime,
) -> ServedWork | NothingToServe:
    """The call whose outcome is missing; its person is leased, if nobody else has them."""
    found = read_attempt(connection, me.open_contact_id or 0)
    why = because(ReasonCode.NEXT_UNFINISHED, attempt=me.open_attempt)
    until = now + policy.lease
    lease_id = lease.id if lease is not None else None
    if lease is not None and lease.person_id == found.person_id:
        work_leases.extend_lease(connection, lease.id, me.id, until)
    else:
        if lease is not None:
            work_leases.end_lease(connection, lease.id, LeaseEnd.NOT_ALLOWED, now)
        lease_id = new_leases.lease_attempt(connection, found, me.id, why, now, until)
    return ServedWork(
        lease=lease_id,
        kind=WorkKind.CALL,
        band=UNFINISHED,
        why=why,
        until=until,
        loan=found.loan,
        other_loans=(),
        record=found.record,
        party=Party(found.party),
        item=found.item or "",
        purpose=found.purpose or "",
        language=found.language,
        attempt=me.open_attempt,
    )


def _kept(
    connection: Connection,
    ctx: Context,
    pieces: Sequence[Piece],
    lease: Lease,
    policy: WorkPolicy,
    now: datetime,
) -> ServedWork | None:
    """The work that they were served already, if it is not done and may still be done."""
    if lease.finished:
        return None
    own = with_gate(connection, ctx, [each for each in pieces if each.is_of(lease)], policy, now)
    piece = next((each for each in own if not each.candidate.barred), None)
    if piece is None:
        return None
    until = now + policy.lease
    work_leases.extend_lease(connection, lease.id, lease.staff_id, until)
    why = because(ReasonCode.NEXT_STILL_YOURS) + lease.why
    return _served(piece, lease.id, lease.band, why, until)


def _serve(
    connection: Connection,
    ctx: Context,
    me: WorkingCollector,
    pieces: Sequence[Piece],
    policy: WorkPolicy,
    now: datetime,
) -> ServedWork | NothingToServe:
    """Lease the first piece that is free. The gate is asked about some of them at a time."""
    barred: list[Piece] = []
    others_were_first = False
    for ranked in _lots(connection, ctx, me, pieces, policy, now, barred):
        others_were_first = others_were_first or bool(ranked)
        if (work := _first_free(connection, me, ranked, policy, now)) is not None:
            return work
    if others_were_first:
        return NothingToServe(because(ReasonCode.OTHERS_WERE_FIRST), now)
    return _nothing(barred)


def _first_free(
    connection: Connection,
    me: WorkingCollector,
    ranked: Sequence[tuple[Piece, Ranked]],
    policy: WorkPolicy,
    now: datetime,
) -> ServedWork | None:
    """Lease the first of these that nobody has; None: somebody else has each of them by now."""
    if lapsed := [piece.person_id for piece, _ in ranked if piece.lapsed]:
        work_leases.end_lapsed(connection, lapsed, now)
    until = now + policy.lease
    left = ranked
    for _ in range(TRIES):
        if not left:
            break
        taken, tried = _take(connection, me, left, now, until)
        if taken is None:
            left = left[tried:]
            continue
        piece, place = left[taken.place - 1]
        if taken.lease_id is not None:
            return _served(piece, taken.lease_id, place.band, place.why, until)
        left = [entry for entry in left if entry[0].person_id != piece.person_id]
    return None


def _take(
    connection: Connection,
    me: WorkingCollector,
    ranked: Sequence[tuple[Piece, Ranked]],
    now: datetime,
    until: datetime,
) -> tuple[Taken | None, int]:
    """Try to take the first free piece; of calls all up to the next other work, in one statement.
    Returns of how many it was tried."""
    wanted = [_wanted(piece, place) for piece, place in ranked]
    if wanted[0].call_id is None:
        return new_leases.take_reply(connection, me.id, wanted[0], now, until), 1
    calls = wanted[
        : next((n for n, each in enumerate(wanted) if each.call_id is None), len(wanted))
    ]
    return new_leases.take_first(connection, me.id, calls, now, until), len(calls)


def _wanted(piece: Piece, ranked: Ranked) -> Wanted:
    return Wanted(
        borrower_id=piece.row.borrower_id,
        person_id=piece.person_id,
        loan_id=piece.row.loan_id,
        call_id=piece.row.call_id,
        reply_id=piece.row.reply_id,
        had_by=piece.row.staff_id,
        band=ranked.band,
        first_contact=piece.candidate.kind is WorkKind.CALL and not piece.candidate.spoken,
        why=ranked.why,
        duty_id=piece.row.duty_id,
    )


def _lots(
    connection: Connection,
    ctx: Context,
    me: WorkingCollector,
    pieces: Sequence[Piece],
    policy: WorkPolicy,
    now: datetime,
    barred: list[Piece],
) -> Iterator[list[tuple[Piece, Ranked]]]:
    """What may be done now, in order, in few lots; what may not be is added to `barred`."""

    def ordered(some: Sequence[Piece]) -> list[tuple[Piece, Ranked]]:
        of = {piece.candidate.key: piece for piece in some}
        ranked = in_order(
            [piece.candidate for piece in some],
            policy,
            now,
            served_since_first_contact=me.since_first_contact,
        )
        return [(of[place.candidate.key], place) for place in ranked]

    theirs = [piece for piece in pieces if not piece.is_anothers(me.id, now)]
    barred += [piece for piece in theirs if piece.candidate.barred]
    free = [piece for piece, _ in ordered(theirs)]
    for start, end in pairwise((0, *ASKED_TOGETHER, len(free))):
        if lot := free[start:end]:
            checked = with_gate(connection, ctx, lot, policy, now)
            barred += [piece for piece in checked if piece.candidate.barred]
            yield ordered(checked)


def _nothing(barred: Sequence[Piece]) -> NothingToServe:
    if not barred:
        return NothingToServe(because(ReasonCode.NOTHING_TO_SERVE))
    again = min((piece.may_again_at for piece in barred if piece.may_again_at), default=None)
    why = because(ReasonCode.NOTHING_ALLOWED_NOW, count=len(barred))
    full = [piece for piece in barred if piece.candidate.barred[0].code in OF_COLLECTOR]
    return NothingToServe(why + (full[0].candidate.barred if full else ()), again)


def _served(piece: Piece, lease: int, band: str, why: Reasons, until: datetime) -> ServedWork:
    row = piece.row
    return ServedWork(
        lease=lease,
        kind=piece.candidate.kind,
        band=str(band),
        why=why,
        until=until,
        loan=row.loan,
        other_loans=piece.other_loans,
        record=row.record,
        party=Party(row.party),
        item=row.item,
        purpose=row.purpose,
        language=row.language,
        reply=row.reply_id,
        duty=row.duty_id,
        dispute=row.dispute,
        complaint=row.complaint,
    )
