"""The claim: the one transaction through which every action must pass before it has an effect.

It locks the borrower and the loan, reads the facts afresh, takes the action by token and asks the
gate. What was recorded before it is seen; what comes later waits for its commit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, insert, select

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import NOTHING_PAST_DUE, Answer, Verdict, may_contact
from domain.compliance.rules import Channel
from domain.delinquency import Arrears, arrears_on
from domain.ladder import Item, Work, find_ladder
from domain.statuses import CLAIMABLE, ActionStatus
from workers.context import House
from workers.db.actions import Move, claim_action, move_actions
from workers.db.cases import WRITTEN_OFF
from workers.db.loan_facts import LoanFacts, load_facts
from workers.db.pending_events import news_waits
from workers.db.prepared_statements import planned_once
from workers.db.schema import action, borrower, contact, loan
from workers.gate.facts import CHANNEL, contact_facts

BY_NUMBER = frozenset({Channel.SMS, Channel.CALL})
NEWS_WAITS = "house.news_waits"
NEWS_WAIT = timedelta(minutes=1)

Gate = Callable[[ContactFacts], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """An action whose facts were read under lock, and what the gate says of it."""

    action_id: int
    item: Item
    channel: Channel
    loan: Row[*tuple[Any, ...]]
    """The columns that `lock_action` reads: the loan's and its borrower's, still sealed."""
    facts: LoanFacts
    arrears: Arrears
    verdict: Verdict
    rule_packs: tuple[str, ...]
    now: datetime

    @property
    def away(self) -> Move | None:
        """Where an action goes that may not be carried out now; None if it may."""
        return _move_away(self.loan, self.facts, self.arrears, self.verdict, self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(Weighed):
    """An action that is ours to carry out."""

    token: UUID
    failures: int
    """How many times it was tried before, each certainly without effect."""


def claim(
    connection: Connection, house: House, action_id: int, work: Work, gate: Gate | None = None
) -> Claimed | None:
    """Claim an action, or leave it moved to where it belongs and return None.

    None means there is nothing to do: it is not due, somebody else has it, its loan was paid, or
    the gate deferred or barred it — and then that is on record already. `gate` asks about another
    moment than now, as a visit does.
    """
    now = house.now()
    row = lock_action(connection, action_id, work)
    if row is None or row.status not in CLAIMABLE or row.due_at is None or row.due_at > now:
        return None
    token = uuid4()
    if not claim_action(connection, action_id, token, now, house.settings.lease):
        return None
    weighed = weigh(connection, house, action_id, row, work, now, gate)
    if move := weighed.away:
        move_actions(connection, [action_id], move, now, token=token)
        return None
    known = {one.name: getattr(weighed, one.name) for one in fields(weighed)}
    return Claimed(**known, token=token, failures=row.attempts)


def weigh(
    connection: Connection,
    house: House,
    action_id: int,
    row: Row[*tuple[Any, ...]],
    work: Work,
    now: datetime,
    gate: Gate | None = None,
) -> Weighed:
    """Ask the gate about an action that `lock_action` locked, on facts read since."""
    facts = load_facts(connection, [row.loan_id], now)[row.loan_id]
    arrears = arrears_on(facts.instalments, now.date())
    channel = CHANNEL[work]
    ladder = find_ladder(house.policy.ladders, row.ladder_id, row.ladder_version)
    item = ladder.item(row.item)
    asked = contact_facts(house, row.loan_id, row.jurisdiction, facts, arrears, ladder, item, now)
    return Weighed(
        action_id=action_id,
        item=item,
        channel=channel,
        loan=row,
        facts=facts,
        arrears=arrears,
        verdict=gate(asked) if gate else may_contact(asked, channel, now),
        rule_packs=tuple(pack.name for pack in asked.packs),
        now=now,
    )


_RESERVE = planned_once(insert(contact).returning(contact.c.id))


def reserve_contact(
    connection: Connection,
    claimed: Weighed,
    at: datetime,
    *,
    attempt: str | None = None,
    made_by: str | None = None,
) -> int:
    """Write the contact into the ledger that legal caps count, before it happens.

    `attempt` is the id under which whoever makes it, `made_by`, will tell what came of it.
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
        "number_digest": claimed.loan.phone_digest if by_number else None,
        "at_work": claimed.facts.reach.at_work and by_number,
        "attempt": attempt,
        "made_by": made_by,
    }
    written: int = connection.execute(_RESERVE, made).scalar_one()
    return written


def settle(connection: Connection, claimed: Claimed, move: Move, now: datetime) -> bool:
    """Move the claimed action on; False, and nothing is written, if the claim has lapsed."""
    return move_actions(connection, [claimed.action_id], move, now, token=claimed.token) == 1


_LOCK = planned_once(
    select(
        action.c.status,
        action.c.due_at,
        action.c.attempts,
        action.c.anchor_on,
        action.c.item,
        action.c.ladder_id,
        action.c.ladder_version,
        loan.c.id.label("loan_id"),
        loan.c.external_id,
        loan.c.jurisdiction,
        loan.c.currency,
        borrower.c.id.label("borrower_id"),
        borrower.c.name_sealed,
        borrower.c.phone_sealed,
        borrower.c.phone_digest,
        borrower.c.address_sealed,
        borrower.c.zones,
        borrower.c.locale,
        borrower.c.region,
        news_waits().label("news_waits"),
    )
    .select_from(borrower.join(loan).join(action))
    .where(action.c.id == bindparam("of_action"), action.c.work == bindparam("to_do"))
    .with_for_update(of=(borrower, loan))
)


def lock_action(connection: Connection, action_id: int, work: Work) -> Row[*tuple[Any, ...]] | None:
    """Lock the borrower, so that caps cannot race, and the loan, so that no payment slips in."""
    return connection.execute(_LOCK, {"of_action": action_id, "to_do": work}).one_or_none()


def _move_away(
    row: Row[*tuple[Any, ...]],
    facts: LoanFacts,
    arrears: Arrears,
    verdict: Verdict,
    now: datetime,
) -> Move | None:
    """Where an action goes that may not be carried out now; None if it may."""
    if facts.written_off:
        return Move(ActionStatus.CANCELLED, WRITTEN_OFF)
    if not arrears.past_due or NOTHING_PAST_DUE in verdict.rules:
        return Move(ActionStatus.CANCELLED, "cured")
    if row.anchor_on != arrears.anchor:
        return Move(ActionStatus.CANCELLED, "superseded")
    if row.news_waits:
        reason = "Something has come in about it and is not applied yet."
        return Move(ActionStatus.DEFERRED, reason, (NEWS_WAITS,), now + NEWS_WAIT)
    match verdict.answer:
        case Answer.BARRED:
            return Move(ActionStatus.BARRED, verdict.reason, verdict.rules)
        case Answer.DEFERRED:
            return Move(ActionStatus.DEFERRED, verdict.reason, verdict.rules, verdict.until)
        case Answer.ALLOWED:
            return None
