"""Calls and visits that people begin: the gate is asked once more before anybody is reached.

A call counts for the law's caps from the moment it is begun, whatever becomes of it. Two people who
begin at once wait for each other at the borrower's row, as all claims do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, exists, select, true, update

from domain.access import Opened
from domain.contact_facts import ContactFacts
from domain.errors import ArrearsError
from domain.gate import Verdict, may_contact
from domain.ladder import Work
from domain.rules import Channel
from domain.staffing import Role
from domain.statuses import ActionStatus
from workers.contacting import Weighed, lock_action, reserve_contact, weigh
from workers.house import House
from workers.store.accesses import note_access
from workers.store.actions import Move, move_actions
from workers.store.book import loan_not_known, lock_known_loan
from workers.store.people import roles_of
from workers.store.schema import (
    action,
    call,
    contact,
    contact_outcome,
    loan,
    staff,
    visit,
    visit_staff,
)


class BarredError(ArrearsError):
    """The contact may not begin now. The sentence says why."""

    def __init__(self, why: str, rules: Sequence[str], until: datetime | None) -> None:
        super().__init__(why)
        self.rules = tuple(rules)
        self.until = until
        """The first lawful moment, where there is one to name; aware."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A call or a visit that may begin now."""

    attempt: str | None
    """The id under which its outcome is told; None after a dry run."""
    item: str
    purpose: str
    language: str
    """BCP 47."""
    must_learn: tuple[str, ...] = ()
    may_offer: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """Advisory rules that speak against it."""
    reach: str | None = field(default=None, repr=False)
    """The number to call or the address to go to: personal data. None after a dry run."""


def begin_call(
    house: House,
    loan_external_id: str,
    *,
    by: str,
    item: str | None = None,
    attempt: str | None = None,
    dry_run: bool = False,
) -> Begun:
    """Begin the newest call that is open for a loan, or that of one of its items; gives the number.

    `by` is the staff reference of the caller, `attempt` the dialer's own id of this attempt: the
    same id again is the same attempt, and gives the number again. The contact and the look at the
    number are on record before the number is given.

    Raises:
        BarredError: the gate says not now, or never; or the money came. Nothing is written.
        ArrearsError: no call is open, `by` is no caller, or an attempt has no outcome yet.
    """
    with house.engine.begin() as connection:
        open_call = _open_call(connection, loan_external_id, item)
        _check_role(connection, by, Role.CALLER)
        row = lock_action(connection, open_call.action_id, Work.ASSIGN_CALL)
        if row is None or row.status != ActionStatus.ARRANGED:
            raise _no_call(loan_external_id, item)
        again = _attempt_without_outcome(connection, open_call.action_id)
        if again is not None and (attempt is None or again != attempt):
            raise ArrearsError(
                f"The call of loan {loan_external_id} was begun as {again}, and nobody has said "
                "what came of it. `arrears call end` says so."
            )
        weighed = weigh(
            connection, house, open_call.action_id, row, Work.ASSIGN_CALL, house.now(), None
        )
        begun = Begun(
            attempt=None,
            item=row.item,
            purpose=open_call.purpose,
            language=open_call.language,
            must_learn=tuple(open_call.must_learn),
            may_offer=tuple(open_call.may_offer),
            warnings=weighed.verdict.warnings,
        )
        if again is None:
            _refuse_if_barred(weighed)
            if dry_run:
                return begun
            attempt = attempt or f"call-{uuid4()}"
            _check_new(connection, attempt)
            reserve_contact(connection, weighed, weighed.now, attempt=attempt, made_by=by)
        number = _opened(connection, house, weighed, Opened.NUMBER, row.phone_sealed, by)
        return replace(begun, attempt=attempt, reach=number)


def begin_visit(house: House, loan_external_id: str, *, by: str, dry_run: bool = False) -> Begun:
    """Begin the visit of a loan whose hours have come; gives the address.

    `by` is the staff reference of one of its two visitors.

    Raises:
        BarredError: the gate says not now, or never; or the money came. Nothing is written.
        ArrearsError: no visit is arranged for this hour, or `by` does not go there.
    """
    now = house.now()
    with house.engine.begin() as connection:
        due = _visit_of(connection, loan_external_id)
        if not due.starts_at <= now < due.ends_at:
            zone = house.settings.lender_zone
            raise ArrearsError(
                f"The visit of loan {loan_external_id} is from "
                f"{due.starts_at.astimezone(zone):%Y-%m-%d %H:%M} to "
                f"{due.ends_at.astimezone(zone):%H:%M}. It can be begun then, and not at any "
                "other time: its notice says so."
            )
        _check_goes(connection, due.id, loan_external_id, by)
        row = lock_action(connection, due.action_id, Work.SCHEDULE_VISIT)
        if row is None or row.status != ActionStatus.ARRANGED:
            raise _no_visit(loan_external_id)
        weighed = weigh(
            connection, house, due.action_id, row, Work.SCHEDULE_VISIT, now, _this_visit(due, now)
        )
        _refuse_if_barred(weighed)
        begun = Begun(None, row.item, due.purpose, row.locale, warnings=weighed.verdict.warnings)
        if dry_run:
            return begun
        connection.execute(
            update(visit)
            .where(visit.c.id == due.id, visit.c.begun_at.is_(None))
            .values(begun_at=now)
        )
        address = _opened(connection, house, weighed, Opened.ADDRESS, row.address_sealed, by)
        return replace(begun, attempt=due.attempt, reach=address)


def call_off_visit(house: House, loan_external_id: str, *, by: str, why: str) -> None:
    """Call off a visit that did not take place: its people are free, and it is planned anew.

    Raises:
        ArrearsError: no visit is arranged, or it was begun: then its outcome is to be told.
    """
    now = house.now()
    with house.engine.begin() as connection:
        lock_known_loan(connection, loan_external_id)
        due = _visit_of(connection, loan_external_id)
        roles_of(connection, by)
        if due.begun_at is not None:
            raise ArrearsError(
                f"The visit of loan {loan_external_id} was begun. `arrears visit end` says what "
                "came of it."
            )
        connection.execute(update(visit).where(visit.c.id == due.id).values(cancelled_at=now))
        connection.execute(
            update(visit_staff).where(visit_staff.c.visit_id == due.id).values(called_off_at=now)
        )
        move = Move(ActionStatus.PLANNED, f"called off by {by}: {why}", due_at=now)
        move_actions(connection, [due.action_id], move, now)


def attempt_to_end(connection: Connection, loan_external_id: str, channel: Channel) -> str:
    """The attempt at a loan that was begun last and of which nobody has said what came of it.

    Raises:
        ArrearsError: the loan is not known, or there is none.
    """
    found: str | None = connection.execute(
        select(contact.c.attempt)
        .join(loan, loan.c.id == contact.c.loan_id)
        .where(
            loan.c.external_id == loan_external_id,
            contact.c.channel == channel,
            contact.c.attempt.is_not(None),
            ~_told(),
            exists().where(visit.c.action_id == contact.c.action_id, visit.c.begun_at.is_not(None))
            if channel is Channel.VISIT
            else true(),
        )
        .order_by(contact.c.id.desc())
        .limit(1)
    ).scalar()
    if found is None:
        raise ArrearsError(
            f"No {channel} of loan {loan_external_id} was begun that waits for its outcome."
        )
    return found


def _open_call(
    connection: Connection, loan_external_id: str, item: str | None
) -> Row[*tuple[Any, ...]]:
    found = connection.execute(
        select(call)
        .join(action, action.c.id == call.c.action_id)
        .join(loan, loan.c.id == call.c.loan_id)
        .where(
            loan.c.external_id == loan_external_id,
            call.c.cancelled_at.is_(None),
            action.c.status == ActionStatus.ARRANGED,
            action.c.item == item if item else true(),
        )
        .order_by(call.c.id.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        _check_known(connection, loan_external_id)
        raise _no_call(loan_external_id, item)
    return found


def _visit_of(connection: Connection, loan_external_id: str) -> Row[*tuple[Any, ...]]:
    """The visit of a loan that is arranged; of several the next."""
    found = connection.execute(
        select(visit, contact.c.attempt)
        .join(action, action.c.id == visit.c.action_id)
        .join(loan, loan.c.id == visit.c.loan_id)
        .join(
            contact,
            (contact.c.action_id == visit.c.action_id) & (contact.c.at == visit.c.starts_at),
        )
        .where(
            loan.c.external_id == loan_external_id,
            visit.c.cancelled_at.is_(None),
            action.c.status == ActionStatus.ARRANGED,
        )
        .order_by(visit.c.starts_at)
        .limit(1)
    ).one_or_none()
    if found is None:
        _check_known(connection, loan_external_id)
        raise _no_visit(loan_external_id)
    return found


def _this_visit(due: Row[*tuple[Any, ...]], now: datetime) -> Any:
    """The gate for a visit that counts already: it does not stand in its own way."""

    def ask(facts: ContactFacts) -> Verdict:
        others = tuple(
            one
            for one in facts.history
            if (one.channel, one.loan_id, one.at) != (Channel.VISIT, due.loan_id, due.starts_at)
        )
        told = replace(facts, history=others, noticed_at=due.scheduled_at)
        return may_contact(told, Channel.VISIT, now)

    return ask


def _refuse_if_barred(weighed: Weighed) -> None:
    if (move := weighed.away) is None:
        return
    raise BarredError(_why_not(move), move.rules, move.due_at)


def _why_not(move: Move) -> str:
    if move.to is ActionStatus.CANCELLED:
        return f"It is not to be made any more: {move.reason}."
    return move.reason


def _attempt_without_outcome(connection: Connection, action_id: int) -> str | None:
    found: str | None = connection.execute(
        select(contact.c.attempt).where(
            contact.c.action_id == action_id, contact.c.attempt.is_not(None), ~_told()
        )
    ).scalar()
    return found


def _told() -> Any:
    return exists().where(contact_outcome.c.contact_id == contact.c.id)


def _opened(
    connection: Connection,
    house: House,
    weighed: Weighed,
    what: Opened,
    sealed: bytes | None,
    by: str,
) -> str:
    """What was sealed, with the look at it on record."""
    if sealed is None:
        raise ArrearsError(f"There is no {what} on record for loan {weighed.loan.external_id}.")
    note_access(connection, weighed.loan.loan_id, what, by, weighed.now, item=weighed.loan.item)
    return house.vault.open(sealed)


def _check_new(connection: Connection, attempt: str) -> None:
    if connection.execute(select(contact.c.id).where(contact.c.attempt == attempt)).first():
        raise ArrearsError(f"{attempt} is the id of another attempt. Each has one of its own.")


def _check_role(connection: Connection, by: str, role: Role) -> None:
    roles = roles_of(connection, by)
    if role not in roles:
        raise ArrearsError(
            f"{by} is on the roster as {' and '.join(roles) or 'nothing'}, not as a {role}. "
            f"Let a {role} do it."
        )


def _check_goes(connection: Connection, visit_id: int, loan_external_id: str, by: str) -> None:
    go = connection.execute(
        select(staff.c.external_id)
        .join(visit_staff, visit_staff.c.staff_id == staff.c.id)
        .where(visit_staff.c.visit_id == visit_id)
        .order_by(staff.c.external_id)
    ).scalars()
    visitors = list(go)
    if by not in visitors:
        raise ArrearsError(
            f"The visit of loan {loan_external_id} is made by {' and '.join(visitors)}, as its "
            f"notice says, and not by {by}."
        )


def _check_known(connection: Connection, loan_external_id: str) -> None:
    known = select(loan.c.id).where(loan.c.external_id == loan_external_id)
    if connection.execute(known).first() is None:
        raise loan_not_known(loan_external_id)


def _no_call(loan_external_id: str, item: str | None) -> ArrearsError:
    return ArrearsError(
        f"No call{f' {item}' if item else ''} is open for loan {loan_external_id}. "
        "`arrears work --kind calls` shows those that are."
    )


def _no_visit(loan_external_id: str) -> ArrearsError:
    return ArrearsError(
        f"No visit is arranged for loan {loan_external_id}. `arrears work --kind visits` shows "
        "those that are."
    )
