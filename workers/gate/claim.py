"""The claim: the one transaction that every action must pass before it has an effect.

It locks the person, the loan and the numbers, reads the facts again, claims the action by a token
and asks the contact gate. Facts recorded before it count; later ones wait until it commits.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import (
    Connection,
    Executable,
    FromClause,
    and_,
    bindparam,
    func,
    insert,
    null,
    or_,
    select,
    union_all,
)

from domain.actions import CLAIMABLE, ActionFacts, ActionStatus, ActionType, Move, next_status
from domain.actors import Actor
from domain.collectors import business_day
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import Verdict, may_contact
from domain.compliance.number_choice import number_for, through, why_passed_over
from domain.compliance.vocabulary import Channel, Party
from domain.contact_points import BY_NUMBER, NumberOnRecord
from domain.delinquency import Arrears, arrears_on, ladder_start
from domain.ladder import Item, find_ladder
from domain.reasons import Reasons
from workers.context import Context
from workers.db.actions import claim_actions, held_back, move_actions
from workers.db.bulk import as_rows, given_rows, is_among
from workers.db.loan_facts import LoanFacts, load_facts, load_party_facts
from workers.db.numbers import LockedNumber, lock_numbers_of, lock_point
from workers.db.parties import with_contacted
from workers.db.prepared_statements import literal, prepared
from workers.db.schema import action, borrower, contact, loan, loan_party, person
from workers.db.spoken_language import spoken_language
from workers.db.typed_rows import columns_of, typed_rows
from workers.gate.facts import contact_facts
from workers.gate.problems import note_gate_problems

Gate = Callable[[ContactFacts], Verdict]


class LockedAction(NamedTuple):
    """An action with what is read of its loan and its borrower, which are locked."""

    id: int
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
    """The record of whom it is for."""
    person_id: int
    name_encrypted: bytes | None
    address_encrypted: bytes | None
    zones: list[str]
    locale: str
    """The language that the person speaks."""
    region: str | None
    address_point_id: int | None
    party_id: int | None
    """The party whom it is for, whose record is read instead of the borrower's; None: the
    borrower."""
    party: Party
    party_left: bool
    numbers: Sequence[LockedNumber]
    """Those of the record, in order; locked. Empty for a channel that needs none."""
    address_blind_index: bytes | None
    """Of a visit; the address is locked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAction:
    """An action whose facts were read under lock, and the gate's verdict about it."""

    action_id: int
    item: Item
    channel: Channel
    loan: LockedAction
    facts: LoanFacts
    arrears: Arrears
    ladder_since: date | None
    """The start of the ladder that planned the action, by the facts of now."""
    number: LockedNumber | None
    """The number that is used: the first that no fact stops. None: none, or none is needed."""
    at_work: bool
    """Whether it, or the address of a visit, is that of a place of work."""
    passed_over: Reasons
    """Why earlier numbers were not used."""
    verdict: Verdict
    rule_packs: tuple[str, ...]
    now: datetime
    event_pending: bool = False
    """Whether an event that may stop the contact is stored and not applied yet."""

    def uses_same_number_as(self, other: "CheckedAction") -> bool:
        """Whether both are one contact, which uses one number; or none has a number to use."""
        ours, theirs = self.number, other.number
        return (ours.key if ours else None) == (theirs.key if theirs else None)

    @property
    def next_move(self) -> Move | None:
        """Where the action goes instead of being carried out; None if it may be carried out now."""
        facts = ActionFacts(
            past_due=self.arrears.past_due,
            ladder_since=self.ladder_since,
            written_off=self.facts.written_off,
            event_pending=self.event_pending,
            party_left=self.loan.party_left,
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
    claimed = _claim(connection, ctx, [row] if row else [], action_type, now, gate)
    return claimed[0] if claimed else None


def claim_together(
    connection: Connection,
    ctx: Context,
    action_id: int,
    action_type: ActionType,
    may_share: Callable[[LockedAction], bool] = lambda _: True,
) -> list[ClaimedAction]:
    """Claim an action, and the actions of the person's other loans that belong to its contact.

    Those are due today, of the same type and ladder step, in the same currency, under the same law,
    for the same number and in the same language; one of each loan. Each is checked by itself, as by
    `claim`: one that may not be carried out now is moved to where it belongs, and the others stay.
    The list is empty if there is nothing to do. `may_share` says whether the contact may be about
    several loans.
    """
    now = ctx.now()
    rows = lock_together(connection, action_id, action_type, now)
    if len(rows) > 1 and not may_share(rows[0]):
        rows = rows[:1]
    return _claim(connection, ctx, rows, action_type, now)


def _claim(
    connection: Connection,
    ctx: Context,
    rows: Sequence[LockedAction],
    action_type: ActionType,
    now: datetime,
    gate: Gate | None = None,
) -> list[ClaimedAction]:
    """Claim locked actions, of which the first must be due; those that may be carried out now."""
    first = rows[0] if rows else None
    if first is None or first.status not in CLAIMABLE or not first.due_at or first.due_at > now:
        return []
    token = uuid4()
    facts = _load_facts(connection, rows, now)
    checks = [_check(ctx, row, facts[row.id], action_type, now, gate) for row in rows]
    # One contact uses one number: an action that would use another one is claimed by itself.
    checks = [checked for checked in checks if checked.uses_same_number_as(checks[0])]
    got = claim_actions(
        connection,
        [checked.action_id for checked in checks],
        token,
        now,
        ctx.settings.lease,
        others_due_by=business_day(now).ends_at,
    )
    claimed = list[ClaimedAction]()
    moves = defaultdict[Move, list[int]](list)
    for checked in checks:
        if checked.action_id not in got:
            continue
        checked = replace(checked, event_pending=got[checked.action_id])
        if move := checked.next_move:
            moves[move].append(checked.action_id)
            note_gate_problems(connection, checked.loan.loan_id, move.reason, now)
            continue
        known = {field.name: getattr(checked, field.name) for field in fields(checked)}
        claimed.append(ClaimedAction(**known, token=token, failures=checked.loan.attempts))
    for move, moved in moves.items():
        move_actions(connection, moved, move, now, token=token)
    return claimed


def check_gates(
    connection: Connection,
    ctx: Context,
    rows: Sequence[LockedAction],
    action_type: ActionType,
    now: datetime,
) -> list[CheckedAction]:
    """Ask the gate about locked actions, each by itself, with facts read after that."""
    return _check_locked(connection, ctx, rows, action_type, now, None)


def check_gate(
    connection: Connection,
    ctx: Context,
    row: LockedAction,
    action_type: ActionType,
    now: datetime,
    gate: Gate | None = None,
) -> CheckedAction:
    """Ask the gate about an action that `lock_action` locked, with facts read after that."""
    return _check_locked(connection, ctx, [row], action_type, now, gate)[0]


def _check_locked(
    connection: Connection,
    ctx: Context,
    rows: Sequence[LockedAction],
    action_type: ActionType,
    now: datetime,
    gate: Gate | None,
) -> list[CheckedAction]:
    facts = _load_facts(connection, rows, now)
    waits_for_event = held_back(connection, [row.id for row in rows])
    checks = [_check(ctx, row, facts[row.id], action_type, now, gate) for row in rows]
    return [
        replace(checked, event_pending=checked.action_id in waits_for_event) for checked in checks
    ]


def _load_facts(
    connection: Connection, rows: Sequence[LockedAction], now: datetime
) -> dict[int, LoanFacts]:
    """The facts of actions that one contact is about, by action; so all are for one party role. One
    statement."""
    party_ids = [row.party_id for row in rows if row.party_id is not None]
    if party_ids:
        of_parties = load_party_facts(connection, party_ids, now)
        return {row.id: of_parties[row.party_id] for row in rows if row.party_id in of_parties}
    facts = load_facts(connection, [row.loan_id for row in rows], now)
    return {row.id: facts[row.loan_id] for row in rows}


def _check(
    ctx: Context,
    row: LockedAction,
    facts: LoanFacts,
    action_type: ActionType,
    now: datetime,
    gate: Gate | None,
) -> CheckedAction:
    arrears = arrears_on(facts.instalments, now.date())
    channel = action_type.channel
    ladder = find_ladder(ctx.policy.ladders, row.ladder_id, row.ladder_version)
    item = ladder.item(row.item)
    asked = contact_facts(ctx, row.loan_id, row.jurisdiction, facts, arrears, ladder, item, now)
    used = number_for(asked, channel, now) if channel in BY_NUMBER else None
    return CheckedAction(
        action_id=row.id,
        item=item,
        channel=channel,
        loan=row._replace(locale=facts.reach.locale),
        facts=facts,
        arrears=arrears,
        ladder_since=ladder_start(facts.instalments, now.date(), ladder.minimum_amount),
        number=_locked(row, used),
        at_work=through(asked, channel, now).at_work,
        passed_over=why_passed_over(asked, channel, now) if used else (),
        verdict=gate(asked) if gate else may_contact(asked, channel, now),
        rule_packs=tuple(pack.name for pack in asked.packs),
        now=now,
    )


def _locked(row: LockedAction, used: NumberOnRecord | None) -> LockedNumber | None:
    """The locked number that the facts call by its key."""
    if used is None:
        return None
    return next(number for number in row.numbers if number.key == used.key)


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
    row = _contact(claimed, at, attempt, actor)
    reserved: int = connection.execute(_RESERVE, row).scalar_one()
    return reserved


def reserve_contacts(
    connection: Connection,
    claimed: Sequence[CheckedAction],
    at: datetime,
    *,
    attempt: str | None = None,
    actor: Actor | None = None,
) -> dict[int, int]:
    """Record one contact about several loans; gives the ids of its rows by those of the actions.

    Each action has a row of its own, with the rules that were checked for its loan. The first row
    is the contact that caps count, and has the `attempt`; the others refer to it. One statement.
    """
    first, *others = claimed
    if not others:
        contact_id = reserve_contact(connection, first, at, attempt=attempt, actor=actor)
        return {first.action_id: contact_id}
    rows = [_contact(first, at, attempt, actor)]
    rows += [_contact(other, at, None, actor) for other in others]
    values = {**given_rows(rows), "first": first.action_id}
    reserved = connection.execute(_reserve_together(tuple(rows[0])), values)
    return {row.action_id: row.id for row in reserved}


@cache
def _reserve_together(names: tuple[str, ...]) -> Executable:
    given = as_rows(contact.c[name] for name in names)
    columns = [given.c[name] for name in names]
    is_first = given.c.action_id == bindparam("first")
    first = (
        insert(contact)
        .from_select(list(names), select(*columns).where(is_first))
        .returning(contact.c.id, contact.c.action_id)
        .cte("first_row")
    )
    part_of = select(first.c.id).scalar_subquery()
    others = (
        insert(contact)
        .from_select([*names, "part_of"], select(*columns, part_of).where(~is_first))
        .returning(contact.c.id, contact.c.action_id)
        .cte("other_rows")
    )
    return prepared(union_all(select(first), select(others)))


def _contact(
    claimed: CheckedAction, at: datetime, attempt: str | None, actor: Actor | None
) -> dict[str, Any]:
    number = claimed.number
    return {
        "borrower_id": claimed.loan.borrower_id,
        "loan_id": claimed.loan.loan_id,
        "action_id": claimed.action_id,
        "channel": claimed.channel,
        "at": at,
        "rules": list(claimed.verdict.rules),
        "rule_packs": list(claimed.rule_packs),
        "zones": list(claimed.loan.zones),
        "warnings": list(claimed.verdict.warnings),
        "party": claimed.loan.party,
        "number_blind_index": number.blind_index if number else None,
        "address_blind_index": claimed.loan.address_blind_index,
        "passed_over": claimed.passed_over,
        "at_work": claimed.at_work,
        "attempt": attempt,
        "actor": actor.reference if actor else None,
    }


def complete(connection: Connection, claimed: ClaimedAction, move: Move, now: datetime) -> bool:
    """Move the claimed action; False, and nothing is written, if the claim has lapsed."""
    return complete_together(connection, [claimed], move, now)


def complete_together(
    connection: Connection, claimed: Sequence[ClaimedAction], move: Move, now: datetime
) -> bool:
    """Move actions that one claim took; False, and nothing is written, if it has lapsed."""
    ids = [action.action_id for action in claimed]
    return move_actions(connection, ids, move, now, token=claimed[0].token) > 0


_LOCKED = columns_of(
    LockedAction,
    *(action, loan, borrower),
    borrower_id=borrower.c.id,
    locale=spoken_language(),
    party=func.coalesce(loan_party.c.role, literal(Party.BORROWER)),
    party_left=loan_party.c.ended_at.is_not(None),
    numbers=null(),  # read after the lock, as the address is: nobody can change them then
    address_blind_index=null(),
)
_LOCK = prepared(
    select(*_LOCKED)
    .select_from(with_contacted(action.join(loan, loan.c.id == action.c.loan_id)))
    .join(person, person.c.id == borrower.c.person_id)
    .where(is_among(action.c.id, "of_actions"), action.c.type == bindparam("to_do"))
    .order_by(loan.c.id)
    .with_for_update(of=(person, borrower, loan), key_share=True)
)


def lock_action(
    connection: Connection, action_id: int, action_type: ActionType
) -> LockedAction | None:
    """Lock what a contact rests on: the person, so that caps cannot race, the loan, so that no
    payment slips in, and the numbers that may be used or the address, so that no fact about them
    does."""
    rows = lock_actions(connection, [action_id], action_type)
    return rows[0] if rows else None


def lock_actions(
    connection: Connection, action_ids: Sequence[int], action_type: ActionType
) -> list[LockedAction]:
    """The same for actions of one person that are one contact."""
    values = {"of_actions": list(action_ids), "to_do": action_type}
    rows = typed_rows(LockedAction, connection.execute(_LOCK, values))
    return _lock_contact_points(connection, rows, action_type.channel)


def _lock_contact_points(
    connection: Connection, rows: Sequence[LockedAction], channel: Channel
) -> list[LockedAction]:
    """Lock the numbers that may be used, or the address, last of all."""
    if channel in BY_NUMBER and rows:
        numbers = lock_numbers_of(connection, {row.borrower_id for row in rows})
        return [row._replace(numbers=numbers[row.borrower_id]) for row in rows]
    rows = [row._replace(numbers=()) for row in rows]
    if channel is Channel.VISIT:
        addresses = {
            id: lock_point(connection, id)
            for id in sorted({row.address_point_id for row in rows if row.address_point_id})
        }
        rows = [
            row._replace(address_blind_index=addresses.get(row.address_point_id or 0))
            for row in rows
        ]
    return rows


_ASKED = action.alias("asked")
_ASKED_LOAN = loan.alias("asked_loan")
_ASKED_BORROWER = borrower.alias("asked_borrower")
_ASKED_PARTY = loan_party.alias("asked_party")


def _like(table: FromClause, asked: FromClause, *names: str) -> list[Any]:
    return [table.c[name] == asked.c[name] for name in names]


# Rows are locked in their order: the person and the loans by id.
_LOCK_TOGETHER = prepared(
    select(*_LOCKED)
    .select_from(_ASKED)
    .join(_ASKED_LOAN, _ASKED_LOAN.c.id == _ASKED.c.loan_id)
    .outerjoin(_ASKED_PARTY, _ASKED_PARTY.c.id == _ASKED.c.party_id)
    .join(
        _ASKED_BORROWER,
        _ASKED_BORROWER.c.id
        == func.coalesce(_ASKED_PARTY.c.borrower_id, _ASKED_LOAN.c.borrower_id),
    )
    .join(person, person.c.id == _ASKED_BORROWER.c.person_id)
    .join(borrower, borrower.c.person_id == person.c.id)
    # The loans to which the person is what they are to the first one.
    .outerjoin(
        loan_party,
        and_(
            loan_party.c.borrower_id == borrower.c.id,
            *_like(loan_party, _ASKED_PARTY, "role"),
        ),
    )
    .join(
        loan,
        or_(
            loan.c.id == loan_party.c.loan_id,
            and_(_ASKED.c.party_id.is_(None), loan.c.borrower_id == borrower.c.id),
        ),
    )
    .join(
        action,
        and_(
            action.c.loan_id == loan.c.id,
            action.c.party_id.is_not_distinct_from(loan_party.c.id),
        ),
    )
    .where(
        _ASKED.c.id == bindparam("of_action"),
        _ASKED.c.type == bindparam("to_do"),
        _ASKED.c.status.in_(CLAIMABLE),
        or_(
            action.c.id == _ASKED.c.id,
            and_(
                loan.c.id != _ASKED_LOAN.c.id,
                action.c.status.in_(CLAIMABLE),
                action.c.due_at < bindparam("until"),
                *_like(action, _ASKED, "type", "ladder_id", "step"),
                *_like(loan, _ASKED_LOAN, "currency", "jurisdiction"),
            ),
        ),
    )
    .order_by(loan.c.id, action.c.id)
    .with_for_update(of=(person, borrower, loan), key_share=True)
)


def lock_together(
    connection: Connection, action_id: int, action_type: ActionType, now: datetime
) -> list[LockedAction]:
    """Lock what one contact about several loans rests on, as `lock_action` does for one.

    The action itself comes first, then one of each other loan. A loan may have two that are due:
    the later one of its ladder is taken. One statement, and one more for the numbers.
    """
    values = {
        "of_action": action_id,
        "to_do": action_type,
        "until": business_day(now).ends_at,
    }
    by_loan = {
        row.loan_id: row
        for row in typed_rows(LockedAction, connection.execute(_LOCK_TOGETHER, values))
    }
    rows = sorted(by_loan.values(), key=lambda row: row.id != action_id)
    rows = [row for row in rows if row.locale == rows[0].locale]
    return _lock_contact_points(connection, rows, action_type.channel)
