"""The claim: the one transaction that every action must pass before it has an effect.

It locks the person, the loan and the number, reads the facts again, claims the action by a token
and asks the contact gate. Facts recorded before it count; later ones wait until it commits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, insert, select

from domain.actions import CLAIMABLE, ActionFacts, ActionStatus, ActionType, Move, next_status
from domain.actors import Actor
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import Verdict, may_contact
from domain.compliance.vocabulary import Channel
from domain.contact_points import BY_NUMBER, NumberFact
from domain.delinquency import Arrears, arrears_on, ladder_start
from domain.ladder import Item, Ladder, find_ladder
from workers.context import Context
from workers.db.actions import claim_action, move_actions
from workers.db.loan_facts import LoanFacts, load_facts
from workers.db.pending_events import has_pending_event
from workers.db.persons import lock_number
from workers.db.prepared_statements import prepared
from workers.db.schema import action, borrower, contact, loan, person
from workers.db.typed_rows import columns_of, typed_row
from workers.gate.facts import contact_facts

Gate = Callable[[ContactFacts], Verdict]


class LockedAction(NamedTuple):
    """An action with what is read of its loan and its borrower, which are locked."""

    status: ActionStatus
    due_at: datetime | None
    attempts: int
    ladder_since: date
    item: str
    ladder_id: str
    ladder_version: int
    loan_id: int
    external_id: str
    jurisdiction: str
    currency: str
    borrower_id: int
    name_encrypted: bytes | None
    phone_encrypted: bytes | None
    phone_blind_index: bytes | None
    address_encrypted: bytes | None
    zones: list[str]
    locale: str
    region: str | None
    has_pending_event: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAction:
    """An action whose facts were read under lock, and the gate's verdict about it."""

    action_id: int
    item: Item
    channel: Channel
    loan: LockedAction
    facts: LoanFacts
    ladder: Ladder
    """The version of the ladder that planned the action."""
    arrears: Arrears
    ladder_since: date | None
    """The start of the ladder that planned the action, by the facts of now."""
    verdict: Verdict
    rule_packs: tuple[str, ...]
    now: datetime

    @property
    def next_move(self) -> Move | None:
        """Where the action goes instead of being carried out; None if it may be carried out now."""
        facts = ActionFacts(
            past_due=self.arrears.past_due,
            ladder_since=self.ladder_since,
            written_off=self.facts.written_off,
            event_pending=self.loan.has_pending_event,
        )
        return next_status(self.loan.ladder_since, facts, self.verdict, self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedAction(CheckedAction):
    """An action that this worker has claimed and may carry out."""

    token: UUID
    failures: int
    """How many times it failed before, each time certainly without effect."""


def claim(
    connection: Connection,
    ctx: Context,
    action_id: int,
    action_type: ActionType,
    gate: Gate | None = None,
) -> ClaimedAction | None:
    """Claim an action; if it may not be carried out now, move it to where it belongs.

    Returns None if there is nothing to do: the action is not due, another worker has it, its loan
    was paid, or the gate deferred or barred it. Its move is on record then. `gate` asks about
    another moment than now, as a visit needs.
    """
    now = ctx.now()
    row = lock_action(connection, action_id, action_type)
    if row is None or row.status not in CLAIMABLE or row.due_at is None or row.due_at > now:
        return None
    token = uuid4()
    if not claim_action(connection, action_id, token, now, ctx.settings.lease):
        return None
    checked = check_gate(connection, ctx, action_id, row, action_type, now, gate)
    if move := checked.next_move:
        move_actions(connection, [action_id], move, now, token=token)
        return None
    known = {field.name: getattr(checked, field.name) for field in fields(checked)}
    return ClaimedAction(**known, token=token, failures=row.attempts)


def check_gate(
    connection: Connection,
    ctx: Context,
    action_id: int,
    row: LockedAction,
    action_type: ActionType,
    now: datetime,
    gate: Gate | None = None,
) -> CheckedAction:
    """Ask the gate about an action that `lock_action` locked, with facts read after that."""
    facts = load_facts(connection, [row.loan_id], now)[row.loan_id]
    arrears = arrears_on(facts.instalments, now.date())
    channel = action_type.channel
    ladder = find_ladder(ctx.policy.ladders, row.ladder_id, row.ladder_version)
    item = ladder.item(row.item)
    asked = contact_facts(ctx, row.loan_id, row.jurisdiction, facts, arrears, ladder, item, now)
    return CheckedAction(
        action_id=action_id,
        item=item,
        channel=channel,
        loan=row,
        facts=facts,
        ladder=ladder,
        arrears=arrears,
        ladder_since=ladder_start(facts.instalments, now.date(), ladder.minimum_amount),
        verdict=gate(asked) if gate else may_contact(asked, channel, now),
        rule_packs=tuple(pack.name for pack in asked.packs),
        now=now,
    )


_RESERVE = prepared(insert(contact).returning(contact.c.id))


def reserve_contact(
    connection: Connection,
    claimed: CheckedAction,
    at: datetime,
    *,
    attempt: str | None = None,
    actor: Actor | None = None,
) -> int:
    """Record a contact before it happens: the frequency caps of the law count these rows.

    `attempt` is the id under which `actor`, who makes the contact, will report its outcome.
    """
    by_number = claimed.channel in BY_NUMBER
    made = {
        "borrower_id": claimed.loan.borrower_id,
        "loan_id": claimed.loan.loan_id,
        "action_id": claimed.action_id,
        "channel": claimed.channel,
        "at": at,
        "rules": list(claimed.verdict.rules),
        "rule_packs": list(claimed.rule_packs),
        "zones": list(claimed.loan.zones),
        "warnings": list(claimed.verdict.warnings),
        "number_blind_index": claimed.loan.phone_blind_index if by_number else None,
        "at_work": NumberFact.AT_WORK in claimed.facts.reach.number_facts and by_number,
        "attempt": attempt,
        "actor": actor.reference if actor else None,
    }
    written: int = connection.execute(_RESERVE, made).scalar_one()
    return written


def complete(connection: Connection, claimed: ClaimedAction, move: Move, now: datetime) -> bool:
    """Move the claimed action; False, and nothing is written, if the claim has lapsed."""
    return move_actions(connection, [claimed.action_id], move, now, token=claimed.token) == 1


_LOCK = prepared(
    select(*columns_of(LockedAction, action, loan, borrower, has_pending_event=has_pending_event()))
    .select_from(person.join(borrower).join(loan).join(action))
    .where(action.c.id == bindparam("of_action"), action.c.type == bindparam("to_do"))
    .with_for_update(of=(person, borrower, loan))
)


def lock_action(
    connection: Connection, action_id: int, action_type: ActionType
) -> LockedAction | None:
    """Lock what a contact rests on: the person, so that caps cannot race, the loan, so that no
    payment slips in, and the number that would be used, so that no fact about it does."""
    values = {"of_action": action_id, "to_do": action_type}
    row = typed_row(LockedAction, connection.execute(_LOCK, values))
    if row is not None and row.phone_blind_index and action_type.channel in BY_NUMBER:
        lock_number(connection, row.phone_blind_index)
    return row
