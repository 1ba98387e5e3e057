"""Asks the contact gate about locked actions, with facts that are read after the lock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import (
    Connection,
)

from domain.actions import CLAIMABLE, ActionFacts, ActionType, Move, next_status
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import may_contact
from domain.compliance.number_choice import number_for, through, why_passed_over
from domain.compliance.representatives import contacted_instead
from domain.compliance.verdict import Verdict
from domain.compliance.vocabulary import Channel, Party
from domain.contact_points import BY_NUMBER, NumberOnRecord
from domain.delinquency import Arrears, arrears_on, ladder_start
from domain.ladder import Item, Ladder, find_ladder
from domain.parties import Representative
from domain.past_actions import steps_tried
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.action_claims import read_held_back
from workers.db.loan_facts import LoanFacts, load_facts, load_party_facts
from workers.db.numbers import LockedNumber
from workers.gate.facts import contact_facts
from workers.gate.locked_action import LockedAction

Gate = Callable[[ContactFacts], Verdict]


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
    number: LockedNumber | None
    """The number that is used: the first that no fact stops. None: none, or none is needed."""
    party: Party
    """Who is contacted: the one whom the action is for, or who acts for them."""
    representative: Representative | None
    """Who is contacted instead, with the number that is used then. None: nobody."""
    at_work: bool
    """Whether it, or the address of a visit, is that of a place of work."""
    passed_over: Reasons
    """Why earlier numbers were not used, or the person at all."""
    verdict: Verdict
    rule_packs: tuple[str, ...]
    now: datetime
    event_pending: bool = False
    """Whether an event that may stop the contact is stored and not applied yet."""
    sending_held: bool = False
    """Whether a sending hold stops it. The claim does not take such an action at all."""

    def uses_same_number_as(self, other: "CheckedAction") -> bool:
        """Whether both are one contact, which uses one number; or none has a number to use."""
        return (self.party, self.number_key) == (other.party, other.number_key)

    @property
    def zones(self) -> Sequence[str]:
        """The IANA zones of whoever is contacted."""
        theirs = self.representative.zones if self.representative else ()
        return theirs or self.loan.zones

    @property
    def number_key(self) -> str | None:
        """The key of the number that is used; None if there is none."""
        used = self.representative.number if self.representative else self.number
        return used.key if used else None

    @property
    def next_move(self) -> Move | None:
        """Where the action goes instead of being carried out; None if it may be carried out now."""
        facts = ActionFacts(
            past_due=self.arrears.past_due,
            ladder_since=self.ladder_since,
            written_off=self.facts.written_off,
            event_pending=self.event_pending,
            party_left=self._party_left,
            steps_not_tried=self._steps_not_tried,
        ).following(self.loan.cause, self.loan.act_until, self.now.date())
        return next_status(self.loan.ladder_since, facts, self.verdict, self.now)

    @property
    def _steps_not_tried(self) -> tuple[str, ...]:
        """The steps that its item requires and that were not tried, here or by the lender, in the
        order of the item. What people were assigned already is theirs."""
        if not self.item.requires or self.loan.status not in CLAIMABLE:
            return ()
        since = self.loan.ladder_since
        tried = steps_tried(self.ladder, (stored.past for stored in self.facts.actions), since)
        if self.loan.steps_tried_at == since:
            tried |= set(self.loan.steps_tried)
        return tuple(step for step in self.item.requires if step not in tried)

    @property
    def _party_left(self) -> bool:
        """Whether the one whom the action is for is no such party any more."""
        if self.loan.party_id is None:
            return False
        return self.loan.party_left or not self.facts.is_contacted(self.loan.party_id)


def check_gates(
    connection: Connection,
    ctx: Context,
    rows: Sequence[LockedAction],
    action_type: ActionType,
    now: datetime,
) -> list[CheckedAction]:
    """Ask the gate about locked actions, each by itself, with facts read after that."""
    return _with_pending(connection, check_facts(connection, ctx, rows, action_type, now))


def check_gate(
    connection: Connection,
    ctx: Context,
    row: LockedAction,
    action_type: ActionType,
    now: datetime,
    gate: Gate | None = None,
) -> CheckedAction:
    """Ask the gate about an action that `lock_action` locked, with facts read after that."""
    checks = check_facts(connection, ctx, [row], action_type, now, gate)
    return _with_pending(connection, checks)[0]


def _with_pending(connection: Connection, checks: Sequence[CheckedAction]) -> list[CheckedAction]:
    held_back = read_held_back(connection, [checked.action_id for checked in checks])
    return [replace(checked, **held_back[checked.action_id]._asdict()) for checked in checks]


def check_facts(
    connection: Connection,
    ctx: Context,
    rows: Sequence[LockedAction],
    action_type: ActionType,
    now: datetime,
    gate: Gate | None = None,
) -> list[CheckedAction]:
    """The same, but it does not ask for events that wait: the claim asks for them last of all."""
    facts = _load_facts(connection, rows, now)
    return [_check(ctx, row, facts[row.id], action_type, now, gate) for row in rows]


def _load_facts(
    connection: Connection, rows: Sequence[LockedAction], now: datetime
) -> dict[int, LoanFacts]:
    """The facts of actions that one contact is about, by action; so all are for one party role. One
    statement."""
    party_ids = dict.fromkeys(row.party_id for row in rows if row.party_id is not None)
    if party_ids:
        of_parties = load_party_facts(connection, list(party_ids), now)
        return {row.id: of_parties[row.party_id] for row in rows if row.party_id in of_parties}
    # Two items of one loan may be one call.
    facts = load_facts(connection, list(dict.fromkeys(row.loan_id for row in rows)), now)
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
    acting, instead = contacted_instead(asked, channel, now)
    used = number_for(acting, channel, now) if channel in BY_NUMBER else None
    return CheckedAction(
        action_id=row.id,
        item=item,
        channel=channel,
        loan=row._replace(locale=_language(asked, facts) if instead else facts.reach.locale),
        facts=facts,
        ladder=ladder,
        arrears=arrears,
        ladder_since=ladder_start(facts.instalments, now.date(), ladder.minimum_amount),
        number=_locked(row, used) if instead is None else None,
        party=row.party if instead is None else acting.party,
        representative=asked.representative if instead else None,
        at_work=through(acting, channel, now).at_work,
        passed_over=_instead(asked) if instead else _passed_over(asked, channel, now, used),
        verdict=gate(asked) if gate else may_contact(asked, channel, now),
        rule_packs=tuple(pack.name for pack in asked.packs),
        now=now,
    )


def _language(asked: ContactFacts, facts: LoanFacts) -> str:
    """The language of who is called instead; that of the person, where nobody said another."""
    spoken = asked.representative.locale if asked.representative else None
    return spoken or facts.reach.locale


def _instead(asked: ContactFacts) -> Reasons:
    acting = asked.representative
    return because(ReasonCode.CONTACTED_INSTEAD, representative=acting.kind) if acting else ()


def _passed_over(
    asked: ContactFacts, channel: Channel, now: datetime, used: NumberOnRecord | None
) -> Reasons:
    return why_passed_over(asked, channel, now) if used else ()


def _locked(row: LockedAction, used: NumberOnRecord | None) -> LockedNumber | None:
    """The locked number that the facts call by its key."""
    if used is None:
        return None
    return next(number for number in row.numbers if number.key == used.key)
