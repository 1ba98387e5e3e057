"""Start a call: check the gate again, record the contact, and only then show the number."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from domain.access_log import Opened
from domain.actors import Actor, ActorKind, Role
from domain.errors import ArrearsError, NotPermittedError, OutcomeMissingError
from domain.permissions import Permission
from domain.staffing import Member, StaffingTerms, terms_on, why_not_this_work
from workers.access.permitted import ask, permitted
from workers.attempts.attempts import (
    LoanInContact,
    StartedAttempt,
    check_role,
    open_contact_detail,
    refuse_if_barred,
    sending_is_held,
)
from workers.attempts.named import id_taken, refuse_taken_id
from workers.calls.asked_call import (
    AskedCall,
    OpenAttempt,
    ask_gate,
    lock_call,
    may_start,
    number_of,
    without_outcome,
)
from workers.calls.owed_call import call_to_make
from workers.calls.pace import (
    lock_recent_calls,
    refuse_off_shift,
    refuse_second_call,
    refuse_too_many,
    who_is_calling,
    with_alarm,
)
from workers.calls.served_first import refuse_anothers, refuse_unserved
from workers.context import Context
from workers.db.open_calls import ItemToCall, make_one, union_of
from workers.db.work_leases import leases_at
from workers.gate.check import CheckedAction
from workers.gate.locked_action import LockedAction
from workers.gate.reserve import reserve_contacts
from workers.sending.counter import Counted, DatabaseOlderError, counted
from workers.workforce.members import CallToStart, refuse_who_may_not

REPEAT_WITHIN = timedelta(minutes=1)
"""How long a dialer that lost the response may repeat its request."""


@permitted(Permission.START_CALLS)
def start_call(
    ctx: Context,
    loan_external_id: str,
    *,
    item: str | None = None,
    attempt: str | None = None,
    dry_run: bool = False,
    caller: str | None = None,
    opens_callbacks: bool = True,
) -> StartedAttempt:
    """Start the newest open call of a loan, or of one of its ladder items; gives the number.

    It is one call about all that its collector has to call the person about and that may be called
    about now: all loans, and all items of each. What the loan, or the `item`, asks for names it; of
    several the first one in the order of `domain/call_order.py`.

    The call must be that of whoever acts, and they must have been served the person. Who may hand
    on calls may start that of a colleague, which is on record, and needs no serving. `caller` is
    for whom a machine asks, as it says: the call must be theirs, and they must be on shift. Nobody
    starts a call while they are at somebody else whom they were served.

    Nobody starts a call while the outcome of another one of theirs is missing, whoever asks.

    Whoever was served a callback that no open call carries starts that, if it `opens_callbacks`: it
    is a call from then on. The service for dialers may plan nothing.

    `attempt` is the dialer's own id of this attempt. The same id within `REPEAT_WITHIN` is a
    repeated request, not another attempt: it gives the number again. No other conversation has it,
    whoever began that.
    The contact and the access to the number are recorded before the number is given.

    Raises:
        BarredError: the gate does not allow it now, or the arrears are paid. Nothing is written.
        TooOftenError: more numbers were asked for than anybody dials. It is on record.
        NotPermittedError: a colleague has the call.
        NotServedError: whoever calls was not served the person, or is at somebody else.
        MayNotStartError: the caller left, is absent, off shift or not trained, must not handle the
            person, lacks the skill or its certificate, or has a full day.
        ArrearsError: no call is open, who calls is not a caller, or an attempt has no outcome yet.
    """
    machine = ctx.actor if ctx.actor.kind is ActorKind.MACHINE else None
    actor = Actor(caller) if machine and caller else ctx.actor
    asked = AskedCall(
        loan_external_id, item, attempt, actor, machine, opens_callbacks=opens_callbacks
    )
    try:
        with with_alarm(ctx):
            return _start(ctx, asked, dry_run=dry_run)
    except DatabaseOlderError:
        raise sending_is_held() from None


def _start(ctx: Context, asked: AskedCall, *, dry_run: bool) -> StartedAttempt:
    actor, machine = asked.actor, asked.machine
    with counted(ctx) as count, ctx.engine.begin() as connection:
        items = call_to_make(connection, ctx, asked)
        check_role(connection, actor, Role.CALLER, ctx.today())
        if items[0].staff != actor.reference:
            _assert_may_hand_on(ctx, asked.loan, items[0].staff)
        if not dry_run:
            _refuse_too_fast(connection, ctx, asked)
        rows = lock_call(connection, asked, items)
        now = ctx.now()
        person_id = rows[0].person_id
        leases = leases_at(connection, person_id, actor.reference)
        refuse_anothers(leases, actor, now)
        repeated = _repeated(connection, asked, rows, now)
        _refuse_if_on_the_phone(connection, person_id, actor, now)
        checked, *others = ask_gate(connection, ctx, rows, asked, now)
        if repeated is None or checked.sending_held:
            refuse_if_barred(checked)
        to_call = {each.action_id: each for each in items}
        together = [checked, *(each for each in others if _belongs(each, checked, repeated))]
        together = _by_caller(connection, ctx, actor, rows, together, to_call, now)
        started = _started(together, to_call)
        if dry_run:
            connection.rollback()  # a callback that is owed is no open call yet
            return started
        if machine is not None:
            refuse_off_shift(connection, actor, now)
        attempt = asked.attempt
        if repeated is None:
            refuse_unserved(ctx, leases, person_id, asked.loan, actor, now)
            if attempt is not None:
                refuse_taken_id(connection, attempt)
            attempt = attempt or f"call-{uuid4()}"
            _reserve(connection, together, attempt, actor, count)
            calls = [to_call[each.action_id].first_id for each in together]
            make_one(connection, calls[0], calls)
        placed = number_of(connection, checked, repeated)
        number = open_contact_detail(
            connection, ctx, checked, Opened.NUMBER, placed, actor, machine
        )
        return replace(started, attempt=attempt, reach=number)


def _assert_may_hand_on(ctx: Context, loan_external_id: str, assigned_to: str) -> None:
    try:
        ask(ctx, Permission.HAND_ON_CALLS)
    except NotPermittedError:
        raise NotPermittedError(
            "The call for loan {loan} is {assigned_to}'s. They start it, or a caller who has the "
            "permission {permission}.",
            loan=loan_external_id,
            assigned_to=assigned_to,
            permission=Permission.HAND_ON_CALLS,
        ) from None


def _refuse_too_fast(connection: Connection, ctx: Context, asked: AskedCall) -> None:
    """Refuse a call while another one of the caller goes on, or faster than anybody dials."""
    recent = lock_recent_calls(connection, asked.actor, ctx.now(), asked.attempt, asked.machine)
    refuse_second_call(asked.actor, recent)
    refuse_too_many(ctx, asked.actor, recent, asked.machine)


def _repeated(
    connection: Connection, asked: AskedCall, rows: Sequence[LockedAction], now: datetime
) -> OpenAttempt | None:
    """The attempt that this request repeats; None: it is a new one.

    Raises:
        OutcomeMissingError: another attempt has no outcome yet.
    """
    pending = without_outcome(connection, [row.id for row in rows])
    if pending is None:
        return None
    if pending.attempt == asked.attempt and now - pending.at <= REPEAT_WITHIN:
        return pending
    raise OutcomeMissingError(
        "The call of loan {loan} was started as {attempt}, and its "
        "outcome is not recorded. Report the outcome first.",
        loan=asked.loan,
        attempt=pending.attempt,
    )


def _refuse_if_on_the_phone(
    connection: Connection, person_id: int, actor: Actor, now: datetime
) -> None:
    """Refuse a call to a person whom a colleague called and has reported no outcome of yet."""
    by = who_is_calling(connection, person_id, actor.reference, now)
    if by is not None:
        raise ArrearsError(
            "{staff} has called this person and not reported the outcome. Ask for other work.",
            staff=by,
        )


def _belongs(other: CheckedAction, checked: CheckedAction, repeated: OpenAttempt | None) -> bool:
    """Whether the call is about something else too: if the person may be called about it now, on
    the same number. A repeated request is about what the attempt was about."""
    if repeated is not None:
        return other.action_id in repeated.about
    return may_start(other) and other.uses_same_number_as(checked)


def _by_caller(
    connection: Connection,
    ctx: Context,
    actor: Actor,
    rows: Sequence[LockedAction],
    together: Sequence[CheckedAction],
    to_call: Mapping[int, ItemToCall],
    now: datetime,
) -> list[CheckedAction]:
    """Of what the call is about, that for which the caller has the skill and the certificate.

    Raises:
        MayNotStartError: they may not make this call at all.
    """
    checked, *others = together
    terms = terms_on(ctx.policy.staffing, now.date())
    to_start = CallToStart(
        terms,
        [(to_call[each.action_id].step, each.item.id) for each in together],
        [row.id for row in rows],
        is_theirs=to_call[checked.action_id].staff == actor.reference,
    )
    persons = {row.person_id for row in rows}
    member = refuse_who_may_not(connection, actor.reference, now, persons, to_start)
    return [
        checked,
        *(each for each in others if _can(member, terms, to_call[each.action_id], now)),
    ]


def _can(member: Member | None, terms: StaffingTerms, each: ItemToCall, now: datetime) -> bool:
    """Whether who makes a call has what this item of it needs. Its time is counted already."""
    needs = terms.needs_of(each.step, each.item, begun=True)
    return member is None or not why_not_this_work(member, needs, now.date())


def _started(
    together: Sequence[CheckedAction], to_call: Mapping[int, ItemToCall]
) -> StartedAttempt:
    checked = together[0]
    about = [to_call[each.action_id] for each in together]
    return StartedAttempt(
        attempt=None,
        item=checked.loan.item,
        loans=tuple(
            LoanInContact(each.loan.external_id, each.loan.item, to_call[each.action_id].purpose)
            for each in together
        ),
        purpose=about[0].purpose,
        language=checked.loan.locale,
        must_learn=union_of([each.must_learn for each in about]),
        may_offer=union_of([each.may_offer for each in about]),
        outcomes=checked.ladder.shown_outcomes(about[0].step),
        warnings=union_of([each.verdict.warnings for each in together]),
        borrower=checked.loan.record,
        party=checked.party,
        representative=checked.representative.kind if checked.representative else None,
    )


def _reserve(
    connection: Connection,
    together: Sequence[CheckedAction],
    attempt: str,
    actor: Actor,
    count: Counted,
) -> None:
    now = together[0].now
    try:
        with connection.begin_nested():
            reserved = reserve_contacts(connection, together, now, attempt=attempt, actor=actor)
    except IntegrityError:
        raise id_taken(attempt) from None
    count.note(reserved.contacts.values(), reserved.newest_before)
