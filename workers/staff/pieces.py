"""Pieces of work of a collector, as the order of work needs them: what is read, and what the gate
says."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import Connection

from domain.actors import Role
from domain.call_order import ItemOfCall, place_in_call
from domain.collectors import speaks
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from domain.disputes import Matter
from domain.ladder import CALL_BACK, find_ladder
from domain.next_work import BrokenPromise, Candidate, WorkKind, WorkPolicy
from domain.outcome_follows import Owner
from domain.reasons import ReasonCode, because
from domain.staffing import HARDSHIP, terms_on, why_not_this_work
from workers.context import Context
from workers.db.served_work import Waiting, read_waiting
from workers.db.work_leases import Lease
from workers.db.working_collectors import WorkingCollector
from workers.gate.ask_together import AskedAction, GateAnswer, ask_together, hours_end, open_until

LONG_AGO = datetime.min.replace(tzinfo=UTC)
DUTIES = 1 << 60
"""From here on are the keys of duties: a call about the loan comes first, if it may be made."""
UNKEPT = frozenset({"broken", "part_kept"})
"""Promises about which somebody has to speak with the borrower."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A call about all that it is about, or a reply."""

    candidate: Candidate
    row: Waiting
    """What names a call, or the reply."""
    others: tuple[Waiting, ...] = ()
    """What else a call is about."""
    may_again_at: datetime | None = None
    """Of what is barred now: the first moment at which it may be done, where one is known."""
    lapsed: bool = False
    """Whether somebody had been served that person, and gave no sign of life."""

    @property
    def other_loans(self) -> tuple[str, ...]:
        """The lender's ids of the loans besides that of the row."""
        named = dict.fromkeys(row.loan for row in self.others if row.loan)
        return tuple(loan for loan in named if loan != self.row.loan)

    @property
    def rows(self) -> tuple[Waiting, ...]:
        return self.row, *self.others

    @property
    def person_id(self) -> int:
        return self.row.person_id

    def is_of(self, lease: Lease) -> bool:
        if lease.duty_id is not None:
            return self.row.duty_id == lease.duty_id
        if lease.reply_id is not None:
            return self.row.reply_id == lease.reply_id
        calls = {self.row.first_id, *(row.call_id for row in self.rows)}
        return lease.call_id is not None and lease.call_id in calls

    def is_anothers(self, staff_id: int, now: datetime) -> bool:
        """Whether somebody else is at that person."""
        row = self.row
        if row.leased_to in (None, staff_id) or row.leased_until is None:
            return False
        return row.leased_until > now

    def without_lease_of(self, staff_id: int) -> "Piece":
        if self.row.leased_to != staff_id:
            return self
        return replace(self, row=self.row._replace(leased_to=None, leased_until=None), lapsed=False)


def pieces_for(
    connection: Connection, ctx: Context, me: WorkingCollector, policy: WorkPolicy, now: datetime
) -> list[Piece]:
    """All work that somebody may be served. One statement. The gate is not asked yet."""
    late, clock = now - policy.callback_to_team_after, now + policy.clock_within
    waiting = read_waiting(connection, me.id, now, late, clock, owners_of(ctx, me, now))
    of_call = defaultdict[int, list[Waiting]](list)
    hours: dict[tuple[str, tuple[str, ...]], datetime | None] = {}
    pieces = []
    calls = me.calls_on(now.date())
    for row in waiting:
        if row.duty_id is not None:
            own = row.duty_owner != Owner.TEAM and row.staff_id == me.id
            if own or speaks(me.languages, row.language):
                pieces.append(_duty(row, me, policy, now))
        elif not calls:
            continue  # a call or a text is for who makes calls
        elif row.first_id is None:
            pieces.append(_reply(row, me, policy, now))
        elif row.staff_id == me.id or speaks(me.languages, row.language):
            of_call[row.first_id].append(row)
    for rows in of_call.values():
        rows.sort(key=lambda row: place_in_call(_item(row)))
        first = rows[0]
        place = (first.jurisdiction, tuple(first.zones))
        if place not in hours:
            hours[place] = hours_end(ctx, *place, now, policy.window_closes_within)
        pieces.append(_call(ctx, rows, me, policy, now, hours[place]))
    return pieces


def owners_of(ctx: Context, me: WorkingCollector, now: datetime) -> list[Owner]:
    """As which owners of duties somebody is served today."""
    owners = [Owner.COLLECTOR, Owner.TEAM] if me.calls_on(now.date()) else []
    if Role.SUPERVISOR in me.membership.roles_on(now.date()):
        owners.append(Owner.SUPERVISOR)
    if HARDSHIP in me.skills_on(ctx.policy.staffing, now.date()):
        owners.append(Owner.SPECIALIST)
    return owners


def _duty(row: Waiting, me: WorkingCollector, policy: WorkPolicy, now: datetime) -> Piece:
    candidate = Candidate(
        key=DUTIES + (row.duty_id or 0),
        kind=WorkKind.DUTY,
        since=row.since,
        callback_at=row.callback_at,
        of_colleague=row.staff_id != me.id,
        clock_ends_at=row.duty_at,
        owed_after=row.duty_after,
        owed_by=row.duty_owner,
        given_back=_was_given_back(row, row.callback_at, me, policy, now),
        to_take=_to_take(row),
    )
    return Piece(candidate, row, lapsed=_has_lapsed(row, me, now))


def _to_take(row: Waiting) -> tuple[Matter, str] | None:
    """The dispute or the complaint that somebody takes."""
    if row.dispute is not None:
        return Matter.DISPUTE, row.dispute
    return None if row.complaint is None else (Matter.COMPLAINT, row.complaint)


def _reply(row: Waiting, me: WorkingCollector, policy: WorkPolicy, now: datetime) -> Piece:
    candidate = Candidate(
        key=-(row.reply_id or 0),
        kind=WorkKind.REPLY,
        since=row.since,
        given_back=_was_given_back(row, None, me, policy, now),
    )
    return Piece(candidate, row, lapsed=_has_lapsed(row, me, now))


def _call(
    ctx: Context,
    rows: Sequence[Waiting],
    me: WorkingCollector,
    policy: WorkPolicy,
    now: datetime,
    open_until: datetime | None,
) -> Piece:
    first, *others = rows
    tried = max(rows, key=lambda row: row.tried_at or LONG_AGO)
    callback_at = _callback(tried)
    promises = [row for row in rows if row.promise_status in UNKEPT and not _spoken_since(row)]
    broken = min(promises, key=lambda row: row.promise_status != "part_kept", default=None)
    started = any(row.action_id in me.started for row in rows)
    terms = terms_on(ctx.policy.staffing, now.date())
    longest = max(terms.of_call(row.step, row.item).minutes for row in rows)
    needs = replace(terms.needs_of(first.step, first.item, begun=started), minutes=longest)
    barred = why_not_this_work(me.member(terms.visit_minutes), needs, now.date())
    again_at = None if barred else _again_at(tried, callback_at, policy, now)
    if again_at is not None:
        barred = because(
            ReasonCode.TRIED_LATELY,
            at=tried.tried_at and tried.tried_at.astimezone(now.tzinfo),
            until=again_at.astimezone(now.tzinfo),
        )
    candidate = Candidate(
        key=first.first_id or 0,
        since=min(row.since for row in rows),
        barred=barred,
        callback_at=callback_at,
        of_colleague=first.staff_id != me.id,
        broken_promise=BrokenPromise(
            broken.promise_completed_at, part_kept=broken.promise_status == "part_kept"
        )
        if broken and broken.promise_completed_at
        else None,
        clock_ends_at=min((row.duty_at for row in rows if row.duty_at), default=None),
        open_until=open_until,
        last_day=any(_is_last_day(ctx, row, now) for row in rows),
        spoken=any(row.spoken_at for row in rows),
        tries=max(row.tries for row in rows),
        past_due=sum((row.past_due for row in rows), Decimal(0)),
        currency=first.currency,
        given_back=_was_given_back(first, callback_at, me, policy, now),
    )
    return Piece(
        candidate,
        first,
        tuple(others),
        may_again_at=again_at,
        lapsed=_has_lapsed(first, me, now),
    )


def _callback(row: Waiting) -> datetime | None:
    """The moment that the person named, unless it was kept."""
    kept = row.callback_at and row.tried_at and row.tried_at >= row.callback_at
    return None if kept else row.callback_at


def _item(row: Waiting) -> ItemOfCall:
    return ItemOfCall(
        action_id=row.action_id or 0,
        callback_at=_callback(row),
        follows=row.follows,
        caused_at=row.caused_at,
    )


def _again_at(
    row: Waiting, callback_at: datetime | None, policy: WorkPolicy, now: datetime
) -> datetime | None:
    """When a call that was tried is served again: at the moment that was asked for, or in a while.
    None: it may be served now."""
    if callback_at is None and row.tried_at is not None:
        callback_at = row.tried_at + policy.again_after
    return callback_at if callback_at is not None and callback_at > now else None


def _was_given_back(
    row: Waiting,
    callback_at: datetime | None,
    me: WorkingCollector,
    policy: WorkPolicy,
    now: datetime,
) -> bool:
    """Whether they gave back work about this person a short time ago, and no callback came due
    since."""
    at = me.gave_back_at(row.person_id)
    if at is None or now - at >= policy.again_after:
        return False
    return callback_at is None or callback_at <= at


def _has_lapsed(row: Waiting, me: WorkingCollector, now: datetime) -> bool:
    return row.leased_to not in (None, me.id) and bool(row.leased_until and row.leased_until <= now)


def _spoken_since(row: Waiting) -> bool:
    broken_at, spoken_at = row.promise_completed_at, row.spoken_at
    return bool(broken_at and spoken_at and spoken_at >= broken_at)


def _is_last_day(ctx: Context, row: Waiting, now: datetime) -> bool:
    """Whether the ladder goes on without the call tomorrow."""
    ladder = find_ladder(ctx.policy.ladders, row.ladder_id, row.ladder_version)
    day = row.ladder_day
    if day is None:
        day = (now.date() - row.ladder_since).days
    return next(
        (
            ladder.has_left(step, item, day + 1) and not ladder.has_left(step, item, day)
            for step, item in ladder.items
            if item.id == row.item
        ),
        False,
    )


def with_gate(
    connection: Connection, ctx: Context, pieces: Sequence[Piece], policy: WorkPolicy, now: datetime
) -> list[Piece]:
    """The same pieces, with what the gate says about each call now. Three statements at most."""
    asked = [_asked(row) for piece in pieces for row in piece.rows if _calls(row)]
    answers = ask_together(connection, ctx, asked, now)
    checked = []
    for piece in pieces:
        if not _calls(piece.row):
            checked.append(piece)
            continue
        named = _named_by(piece, answers)
        answer = answers.get(_key(named.row))
        if answer is None:
            gone = because(ReasonCode.SUPERSEDED)
            checked.append(replace(piece, candidate=replace(piece.candidate, barred=gone)))
            continue
        closes = None
        if not answer.barred:
            closes = open_until(answer.asked, Channel.CALL, now, policy.window_closes_within)
        candidate = replace(piece.candidate, barred=answer.barred, open_until=closes)
        checked.append(replace(named, candidate=candidate, may_again_at=answer.until))
    return checked


def _named_by(piece: Piece, answers: Mapping[int, GateAnswer]) -> Piece:
    """The piece with the first of its rows that may be called about now; as it is, if none may."""
    for row in piece.rows:
        answer = answers.get(_key(row))
        if answer is not None and not answer.barred:
            return replace(piece, row=row, others=tuple(x for x in piece.rows if x is not row))
    return piece


def _calls(row: Waiting) -> bool:
    """Whether it is a call, or a callback that is owed and begins as one."""
    owed = row.duty_after == ContactOutcome.CALLBACK_REQUESTED
    return row.action_id is not None or (row.duty_id is not None and owed)


def _key(row: Waiting) -> int:
    """Its key among the gate's answers."""
    return row.action_id or -(row.duty_id or 0)


def _asked(row: Waiting) -> AskedAction:
    return AskedAction(
        action_id=_key(row),
        loan_id=row.loan_id or 0,
        party_id=row.party_id,
        jurisdiction=row.jurisdiction,
        ladder_id=row.ladder_id,
        ladder_version=row.ladder_version,
        ladder_since=row.ladder_since,
        item=row.item if row.action_id else CALL_BACK.id,
        cause=row.cause,
        act_until=row.act_until,
    )
