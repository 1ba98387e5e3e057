"""The call that somebody asks for: its rows under lock, its open attempt, what the gate says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from domain.actions import ASSIGN_CALL, ActionStatus
from domain.actors import Actor
from domain.errors import NoOpenCallError
from workers.attempts.attempts import has_outcome
from workers.context import Context
from workers.db.contact_points import lock_number
from workers.db.loans import known_loan_id
from workers.db.open_calls import ItemToCall, items_to_call_about
from workers.db.parties import number_of_representative
from workers.db.persons import certain_records
from workers.db.places import Placed
from workers.db.schema import contact
from workers.db.typed_rows import typed_row
from workers.gate.check import CheckedAction, check_gates
from workers.gate.locked_action import LockedAction, lock_actions


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A request for the number of a call."""

    loan: str
    item: str | None
    """The ladder item that names the call; None: the first one of the loan does."""
    attempt: str | None
    """The dialer's own id of this attempt."""
    actor: Actor
    """Who calls."""
    machine: Actor | None
    """The machine that asks for them; None: they ask themselves."""
    opens_callbacks: bool = True
    """Whether a callback that they were served becomes a call."""

    def is_named_by(self, loan: str, item: str) -> bool:
        """Whether the call may have its name from this item."""
        return loan == self.loan and self.item in (None, item)


def open_call(
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


def lock_call(
    connection: Connection, asked: AskedCall, items: Sequence[ItemToCall]
) -> list[LockedAction]:
    """Lock what the call is about, in its order: all that is still open and of the same person.

    Raises:
        NoOpenCallError: what names the call is not open any more.
    """
    place = {each.action_id: n for n, each in enumerate(items)}
    locked = lock_actions(connection, list(place), ASSIGN_CALL)
    rows = sorted(
        (row for row in locked if row.status == ActionStatus.ASSIGNED),
        key=lambda row: place[row.id],
    )
    if not rows or not asked.is_named_by(rows[0].external_id, rows[0].item):
        raise _no_call(asked.loan, asked.item)
    # A record that is not certain to be of the same person: that one must hear nothing of the loan.
    if len({row.borrower_id for row in rows}) > 1:
        certain = connection.execute(certain_records(rows[0].borrower_id)).all()
        same = {record.id for record in certain}
        rows = [row for row in rows if row.borrower_id in same]
    return rows


class OpenAttempt(NamedTuple):
    """An attempt that has no outcome yet."""

    attempt: str
    at: datetime
    number_blind_index: bytes | None
    about: list[int]
    """The actions that it is about, of those that were asked for."""


def without_outcome(connection: Connection, action_ids: Sequence[int]) -> OpenAttempt | None:
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
    return typed_row(OpenAttempt, connection.execute(pending))


def ask_gate(
    connection: Connection,
    ctx: Context,
    rows: Sequence[LockedAction],
    asked: AskedCall,
    now: datetime,
) -> list[CheckedAction]:
    """What the gate says of each. What names the call comes first: the first that may be called
    about now, of the loan, and of the item if that was named. If none may be, the order stays."""
    checks = _ask(connection, ctx, rows, asked, now)
    first = checks[0]
    if first.representative is not None and first.number_key is not None:
        # Others are called there about other persons, and the caps of the number count them.
        lock_number(connection, bytes.fromhex(first.number_key))
        return _ask(connection, ctx, rows, asked, now)
    return checks


def _ask(
    connection: Connection,
    ctx: Context,
    rows: Sequence[LockedAction],
    asked: AskedCall,
    now: datetime,
) -> list[CheckedAction]:
    checks = check_gates(connection, ctx, rows, ASSIGN_CALL, now)
    names = (each for each in checks if asked.is_named_by(each.loan.external_id, each.loan.item))
    first = next((each for each in names if may_start(each)), checks[0])
    return [first, *(each for each in checks if each is not first)]


def may_start(checked: CheckedAction) -> bool:
    """Whether the gate allows it now, and no sending hold stops it."""
    return checked.next_move is None and not checked.sending_held


def number_of(
    connection: Connection, checked: CheckedAction, pending: OpenAttempt | None
) -> Placed | None:
    """The number of the call; of a repeated request that of the attempt, whatever is known now."""
    used = bytes.fromhex(checked.number_key) if checked.number_key else None
    if pending is not None:
        used = pending.number_blind_index
    if used is None:
        return None
    own = (n.placed for n in checked.loan.numbers if n.blind_index == used)
    return next(own, None) or number_of_representative(connection, checked.loan.person_id, used)


def _no_call(loan_external_id: str, item: str | None) -> NoOpenCallError:
    named = _named(loan_external_id, item)
    return NoOpenCallError(
        "No call{item} is open for loan {loan}. Ask for the next one (`arrears call next`).",
        **named,
    )


def _named(loan_external_id: str, item: str | None) -> dict[str, str]:
    return {"item": f" {item}" if item else "", "loan": loan_external_id}
