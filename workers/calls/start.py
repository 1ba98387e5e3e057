"""Start a call: check the gate again, record the contact, and only then show the number."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from domain.access_log import Opened
from domain.actions import ASSIGN_CALL, ActionStatus
from domain.actors import Actor, ActorKind, Role
from domain.errors import ArrearsError, NoOpenCallError, NotPermittedError, OutcomeMissingError
from domain.permissions import Permission
from domain.staffing import Member, StaffingTerms, terms_on, why_not_this_work
from workers.access.permitted import ask, permitted
from workers.attempts.attempts import (
    LoanInContact,
    StartedAttempt,
    check_role,
    has_outcome,
    open_contact_detail,
    refuse_if_barred,
    sending_is_held,
)
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
from workers.db.contact_points import lock_number
from workers.db.loans import known_loan_id
from workers.db.open_calls import ItemToCall, items_to_call_about, make_one, union_of
from workers.db.parties import number_of_representative
from workers.db.persons import certain_records
from workers.db.places import Placed
from workers.db.schema import contact
from workers.db.typed_rows import typed_row
from workers.db.work_leases import leases_at
from workers.gate.check import CheckedAction, check_gates
from workers.gate.locked_action import LockedAction, lock_actions
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

    `attempt` is the dialer's own id of this attempt. The same id within `REPEAT_WITHIN` is a
    repeated request, not another attempt: it gives the number again.
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
    try:
        with with_alarm(ctx):
            return _start(ctx, loan_external_id, item, attempt, caller, dry_run=dry_run)
    except DatabaseOlderError:
        raise sending_is_held() from None


def _start(
    ctx: Context,
    loan_external_id: str,
    item: str | None,
    attempt: str | None,
    caller: str | None,
    *,
    dry_run: bool,
) -> StartedAttempt:
    machine = ctx.actor if ctx.actor.kind is ActorKind.MACHINE else None
    actor = Actor(caller) if machine and caller else ctx.actor
    with counted(ctx) as count, ctx.engine.begin() as connection:
        items = _open_call(connection, loan_external_id, item, of=actor if machine else None)
        check_role(connection, actor, Role.CALLER, ctx.today())
        has_it = items[0].staff
        if has_it != actor.reference:
            _assert_may_hand_on(ctx, loan_external_id, has_it)
        if not dry_run:
            recent = lock_recent_calls(connection, actor, ctx.now(), attempt, machine)
            refuse_second_call(actor, recent)
            refuse_too_many(ctx, actor, recent, machine)
        place = {each.action_id: n for n, each in enumerate(items)}
        locked = lock_actions(connection, list(place), ASSIGN_CALL)
        rows = sorted(
            (row for row in locked if row.status == ActionStatus.ASSIGNED),
            key=lambda row: place[row.id],
        )
        if not rows or rows[0].external_id != loan_external_id or item not in (None, rows[0].item):
            raise _no_call(loan_external_id, item)
        # Who is not, or not any more, confirmed to be the same person hears nothing of the loan.
        if len({row.borrower_id for row in rows}) > 1:
            certain = connection.execute(certain_records(rows[0].borrower_id)).all()
            same = {record.id for record in certain}
            rows = [row for row in rows if row.borrower_id in same]
        now = ctx.now()
        person_id = rows[0].person_id
        leases = leases_at(connection, person_id, actor.reference)
        refuse_anothers(leases, actor, now)
        pending = _without_outcome(connection, [row.id for row in rows])
        if pending and not (pending.attempt == attempt and now - pending.at <= REPEAT_WITHIN):
            raise OutcomeMissingError(
                "The call of loan {loan} was started as {attempt}, and its "
                "outcome is not recorded. Report the outcome first.",
                loan=loan_external_id,
                attempt=pending.attempt,
            )
        _refuse_if_on_the_phone(connection, person_id, actor, now)
        checked, *others = _ask_gate(connection, ctx, rows, loan_external_id, item, now)
        if checked.representative is not None and checked.number_key is not None:
            # Others are called there about other persons, and the caps of the number count them.
            lock_number(connection, bytes.fromhex(checked.number_key))
            checked, *others = _ask_gate(connection, ctx, rows, loan_external_id, item, now)
        if pending is None or checked.sending_held:
            refuse_if_barred(checked)
        to_call = {each.action_id: each for each in items}
        together = [
            checked,
            *(
                other
                for other in others
                if (other.action_id in pending.about if pending else _belongs(other, checked))
            ),
        ]
        terms = terms_on(ctx.policy.staffing, now.date())
        to_start = CallToStart(
            terms,
            [(to_call[each.action_id].step, each.item.id) for each in together],
            [row.id for row in rows],
            is_theirs=has_it == actor.reference,
        )
        persons = {row.person_id for row in rows}
        member = refuse_who_may_not(connection, actor.reference, now, persons, to_start)
        together = [
            checked,
            *(each for each in together[1:] if _can(member, terms, to_call[each.action_id], now)),
        ]
        started = _started(checked, together, to_call)
        if dry_run:
            return started
        if machine is not None:
            refuse_off_shift(connection, actor, now)
        if pending is None:
            refuse_unserved(ctx, leases, person_id, loan_external_id, actor, now)
            attempt = attempt or f"call-{uuid4()}"
            _reserve(connection, together, attempt, actor, count)
            calls = [to_call[each.action_id].first_id for each in together]
            make_one(connection, calls[0], calls)
        placed = _number_of(connection, checked, pending)
        number = open_contact_detail(
            connection, ctx, checked, Opened.NUMBER, placed, actor, machine
        )
        return replace(started, attempt=attempt, reach=number)


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


def _ask_gate(
    connection: Connection,
    ctx: Context,
    rows: Sequence[LockedAction],
    loan_external_id: str,
    item: str | None,
    now: datetime,
) -> list[CheckedAction]:
    """What the gate says of each; the first one that may be called about now comes first, of the
    loan, and of the item if that was named. If none may be, it stays as it was."""
    checks = check_gates(connection, ctx, rows, ASSIGN_CALL, now)
    names = (
        each
        for each in checks
        if each.loan.external_id == loan_external_id and item in (None, each.loan.item)
    )
    first = next((each for each in names if _may_start(each)), checks[0])
    return [first, *(each for each in checks if each is not first)]


def _may_start(checked: CheckedAction) -> bool:
    return checked.next_move is None and not checked.sending_held


def _belongs(other: CheckedAction, checked: CheckedAction) -> bool:
    """Whether a call is about something else too: of that the person may be called now, on the same
    number."""
    return _may_start(other) and other.uses_same_number_as(checked)


def _can(member: Member | None, terms: StaffingTerms, each: ItemToCall, now: datetime) -> bool:
    """Whether who makes a call has what this item of it needs. Its time is counted already."""
    needs = terms.needs_of(each.step, each.item, begun=True)
    return member is None or not why_not_this_work(member, needs, now.date())


def _started(
    checked: CheckedAction,
    together: Sequence[CheckedAction],
    to_call: Mapping[int, ItemToCall],
) -> StartedAttempt:
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
        warnings=union_of([each.verdict.warnings for each in together]),
        borrower=checked.loan.record,
        party=checked.party,
        representative=checked.representative.kind if checked.representative else None,
    )


def _open_call(
    connection: Connection,
    loan_external_id: str,
    item: str | None,
    *,
    of: Actor | None,
) -> list[ItemToCall]:
    """What the call is about, in its order; only if it is assigned to `of`, if that is given.

    Raises:
        NoOpenCallError: there is none. A machine learns no more: it may know of no other loan.
        ArrearsError: the loan is not known.
    """
    of_staff = of.reference if of else None
    found = items_to_call_about(connection, loan_external_id, item, of_staff)
    if not found and of is not None:
        raise NoOpenCallError(
            "{actor} has no open call{item} of loan {loan}.",
            actor=of,
            **_named(loan_external_id, item),
        )
    if not found:
        known_loan_id(connection, loan_external_id)
        raise _no_call(loan_external_id, item)
    return found


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


class _OpenAttempt(NamedTuple):
    attempt: str
    at: datetime
    number_blind_index: bytes | None
    about: list[int]
    """The actions that it is about, of those that were asked for."""


def _number_of(
    connection: Connection, checked: CheckedAction, pending: _OpenAttempt | None
) -> Placed | None:
    """The number of the call; of a repeated request that of the attempt, whatever is known now."""
    used = bytes.fromhex(checked.number_key) if checked.number_key else None
    if pending is not None:
        used = pending.number_blind_index
    if used is None:
        return None
    own = (n.placed for n in checked.loan.numbers if n.blind_index == used)
    return next(own, None) or number_of_representative(connection, checked.loan.person_id, used)


def _without_outcome(connection: Connection, action_ids: Sequence[int]) -> _OpenAttempt | None:
    """The attempt that has no outcome yet; there is one at most."""
    first = contact.alias("first")
    pending = (
        select(
            first.c.attempt,
            first.c.at,
            first.c.number_blind_index,
            func.array_agg(contact.c.action_id).label("about"),
        )
        .group_by(first.c.id)
        .select_from(contact)
        .join(first, first.c.id == func.coalesce(contact.c.part_of, contact.c.id))
        .where(
            contact.c.action_id.in_(action_ids),
            first.c.attempt.is_not(None),
            ~has_outcome(),
        )
    )
    return typed_row(_OpenAttempt, connection.execute(pending))


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
        raise ArrearsError(
            "{attempt} is the id of another attempt. Each has one of its own.", attempt=attempt
        ) from None
    count.note(reserved.contacts.values(), reserved.newest_before)


def _no_call(loan_external_id: str, item: str | None) -> NoOpenCallError:
    named = _named(loan_external_id, item)
    return NoOpenCallError(
        "No call{item} is open for loan {loan}. Ask for the next one (`arrears call next`).",
        **named,
    )


def _named(loan_external_id: str, item: str | None) -> dict[str, str]:
    return {"item": f" {item}" if item else "", "loan": loan_external_id}
