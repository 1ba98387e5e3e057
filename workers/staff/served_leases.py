"""Work that was served: a sign of life keeps it, and it is given back or taken over."""

from datetime import datetime

from sqlalchemy import Connection

from domain.actors import Actor, Role
from domain.errors import ArrearsError, NotKnownError
from domain.language.speak import speak
from domain.next_work import TAKEN_OVER, LeaseEnd, work_policy_on
from domain.outcome_follows import Owner
from domain.permissions import Permission
from domain.reasons import ReasonCode, because
from workers.access.may_handle import assert_may_handle
from workers.access.permitted import permitted
from workers.attempts.attempts import check_role
from workers.calls.pace import refuse_off_shift, who_is_calling
from workers.context import Context
from workers.db import work_leases, work_takeovers
from workers.db.free_text import keep_words
from workers.db.new_leases import lease_again
from workers.db.schema import borrower
from workers.db.working_collectors import WorkingCollector
from workers.staff.pieces import owners_of
from workers.staff.who_works import read_working, who_asks
from workers.workforce.members import MayNotStartError, refuse_who_may_not


@permitted(Permission.SERVE_WORK)
def heartbeat(ctx: Context, lease: int, collector: str | None = None) -> datetime:
    """A sign of life: the lease goes on. Returns until when.

    Raises:
        ArrearsError: it ended, or is somebody else's.
        MayNotStartError: they are absent or off shift, or must not handle the person, and no call
            of theirs goes on.
    """
    now = ctx.now()
    until = now + work_policy_on(ctx.policy.worklist, now.date()).lease
    with ctx.engine.begin() as connection:
        me = read_working(connection, who_asks(ctx, collector), now)
        held = work_leases.lease_of(connection, me.id)
        if held is None or held.id != lease or (held.finished and me.open_attempt is None):
            raise _not_theirs(connection, lease)
        if me.open_attempt is None:
            _refuse_who_may_not(connection, me, held.person_id, now)
        if work_leases.extend_lease(connection, lease, me.id, until) is None:
            raise _not_theirs(connection, lease)
    return until


@permitted(Permission.SERVE_WORK)
def release(ctx: Context, lease: int, collector: str | None = None) -> None:
    """Give work back. It stays the collector's own call. Others may be served it, and they
    themselves after all else that they may do; a callback at its moment.

    Raises:
        ArrearsError: it ended, or is somebody else's; or its call was started, and the outcome is
            missing.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        me = read_working(connection, who_asks(ctx, collector), now)
        held = work_leases.lease_of(connection, me.id)
        if held is None or held.id != lease:
            raise _not_theirs(connection, lease)
        if me.open_attempt is not None:
            raise ArrearsError(
                "The call {attempt} was started, and its outcome is not reported. Report it first.",
                attempt=me.open_attempt,
            )
        work_leases.end_lease(connection, lease, LeaseEnd.RELEASED, now)


@permitted(Permission.TAKE_OVER_WORK)
def take_over(ctx: Context, lease: int, why: str, to: str | None = None) -> None:
    """Take work from a collector, for somebody else: a supervisor decides it, and says why.

    It is that one's next work, if they are at no other. Who had it, who has it and why is on
    record. A call that is being made stays with whoever makes it. What is owed after a conversation
    may be given to a supervisor who makes no calls: then supervisors owe it.

    Raises:
        ArrearsError: the lease ended, or no reason is given, or whoever is to have it has it, or is
            not on shift, or owes nothing of this kind; or the person was called and the outcome is
            not reported.
        WrongRoleError: whoever is to have it is no caller, nor a supervisor who is given a duty.
        MayNotStartError: they left, are absent, off shift or not trained, or must not handle the
            person.
    """
    now = ctx.now()
    if not any(character.isalnum() for character in why):
        raise ArrearsError("Write why the work is taken over.")
    policy = work_policy_on(ctx.policy.worklist, now.date())
    given_to = Actor(to) if to else ctx.actor
    with ctx.engine.begin() as connection:
        held = work_leases.read_lease(connection, lease)
        if held is None or held.finished:
            raise _not_theirs(connection, lease)
        if held.duty_id is None:
            check_role(connection, given_to, Role.CALLER, now.date())
        taker = read_working(connection, given_to, now)
        if held.staff_id == taker.id:
            raise ArrearsError("{actor} has this work already.", actor=given_to)
        owner = _owner_then(connection, ctx, held.duty_id, taker, now) if held.duty_id else None
        _refuse_who_may_not(connection, taker, held.person_id, now)
        if taker.calls_on(now.date()):
            refuse_off_shift(connection, given_to, now)
        if by := who_is_calling(connection, held.person_id, taker.reference, now):
            raise ArrearsError(
                "{staff} has called this person and not reported the outcome. Take the work over "
                "after that.",
                staff=by,
            )
        if not work_leases.end_lease(connection, lease, LeaseEnd.TAKEN_OVER, now):
            raise _not_theirs(connection, lease)
        why_id = keep_words(
            connection, ctx.cipher, why, now, loan_id=held.loan_id, borrower_id=held.borrower_id
        )
        work_takeovers.note_takeover(connection, held, str(given_to), ctx.actor, why_id, now)
        work_takeovers.hand_over(connection, held, taker.id, owner)
        if work_leases.lease_of(connection, taker.id) is None:
            reason = because(ReasonCode.NEXT_TAKEN_OVER, actor=str(ctx.actor))
            until = now + policy.lease
            lease_again(connection, held, taker.id, TAKEN_OVER, reason, now, until)


def _owner_then(
    connection: Connection, ctx: Context, duty_id: int, taker: WorkingCollector, now: datetime
) -> Owner:
    """As whom somebody owes a duty that they are given: a supervisor answers for all.

    Raises:
        ArrearsError: it is for others.
    """
    owner = work_takeovers.owner_of_duty(connection, duty_id)
    owners = owners_of(ctx, taker, now)
    if owner in owners:
        return owner
    if Owner.SUPERVISOR in owners:
        return Owner.SUPERVISOR
    raise ArrearsError(
        "This is not for {staff} to do. Give it to whom it is for: {owner}.",
        owner=owner,
        staff=taker.reference,
    )


def _refuse_who_may_not(
    connection: Connection, me: WorkingCollector, person_id: int, now: datetime
) -> None:
    """Refuse somebody who may not do this work now. Supervisors need neither training nor shift."""
    if me.calls_on(now.date()):
        refuse_who_may_not(connection, me.reference, now, {person_id})
        return
    if me.absent_since is not None:
        why = because(ReasonCode.STAFF_ABSENT, staff=me.reference)
        raise MayNotStartError(speak(why), why)
    assert_may_handle(connection, Actor(me.reference), borrower.c.person_id == person_id)


def _not_theirs(connection: Connection, lease: int) -> ArrearsError:
    if not work_leases.is_on_record(connection, lease):
        return NotKnownError("No work {lease} was ever served. Ask for the next one.", lease=lease)
    return ArrearsError(
        "The work {lease} ended, or somebody else has it. Ask for the next one.", lease=lease
    )
