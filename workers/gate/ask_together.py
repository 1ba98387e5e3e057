"""What the gate would answer about many assigned calls at once. It locks and writes nothing.

The real question is asked again when a call is started.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import local
from typing import NamedTuple

from sqlalchemy import Connection

from domain.actions import ActionFacts, next_status
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import may_contact
from domain.compliance.rules import packs_for
from domain.compliance.verdict import Permission, Verdict
from domain.compliance.vocabulary import Channel
from domain.delinquency import Arrears, arrears_on, ladder_start
from domain.ladder import Ladder, find_ladder
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.action_claims import read_held_back
from workers.db.loan_facts import LoanFacts, load_facts, load_party_facts
from workers.gate.facts import contact_facts

NEAR_ENOUGH = timedelta(minutes=1)
"""How exactly the end of lawful hours is searched for."""
STEP = timedelta(hours=1)
A_WHILE = timedelta(days=30)
SENDING_IS_HELD = because(ReasonCode.SENDING_HELD)


class AskedAction(NamedTuple):
    """What is known of an action about which the gate is asked; or of a callback that somebody owes
    and that has no action yet: its `item` is `CALL_BACK`, and its ladder the one of today."""

    action_id: int
    """Of a callback without an action the id of the duty, as a negative number."""
    loan_id: int
    party_id: int | None
    jurisdiction: str
    ladder_id: str
    ladder_version: int
    ladder_since: date
    item: str
    cause: str | None
    """What it follows from; None: a day of the ladder asks for it."""
    act_until: date | None
    """The last day on which a follow-up may act."""


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """The gate's answer about one action, and what it rests on."""

    facts: LoanFacts
    asked: ContactFacts
    arrears: Arrears
    verdict: Verdict
    barred: Reasons
    """Why the call may not be made now; empty: it may."""
    until: datetime | None
    """If it may not: the first lawful moment, where one is known."""


def ask_together(
    connection: Connection, ctx: Context, actions: Sequence[AskedAction], now: datetime
) -> dict[int, GateAnswer]:
    """The answers about calls, by action. Three statements at most, however many they are."""
    if not actions:
        return {}
    of_loans = dict.fromkeys(each.loan_id for each in actions if each.party_id is None)
    of_parties = dict.fromkeys(each.party_id for each in actions if each.party_id is not None)
    loans = load_facts(connection, list(of_loans), now) if of_loans else {}
    parties = load_party_facts(connection, list(of_parties), now) if of_parties else {}
    held_back = read_held_back(connection, [each.action_id for each in actions])
    answers = {}
    for each in actions:
        facts = loans.get(each.loan_id) if each.party_id is None else parties.get(each.party_id)
        held = held_back.get(each.action_id)
        if facts is None or (held is None and each.action_id > 0):
            continue
        ladder = _ladder(ctx, each, facts, now)
        if ladder is None:
            continue
        item = ladder.item(each.item)
        arrears = arrears_on(facts.instalments, now.date())
        asked = contact_facts(
            ctx, each.loan_id, each.jurisdiction, facts, arrears, ladder, item, now
        )
        verdict = may_contact(asked, Channel.CALL, now)
        since = ladder_start(facts.instalments, now.date(), ladder.minimum_amount)
        began = each.ladder_since if held else since
        if began is None:
            continue
        move = next_status(
            began,
            ActionFacts(
                past_due=arrears.past_due,
                ladder_since=since,
                written_off=facts.written_off,
                event_pending=held is not None and held.event_pending,
                party_left=each.party_id is not None and not facts.is_contacted(each.party_id),
            ).following(each.cause, each.act_until, now.date()),
            verdict,
            now,
        )
        barred = move.reason if move else ()
        if held is not None and held.sending_held and not barred:
            barred = SENDING_IS_HELD
        answers[each.action_id] = GateAnswer(
            facts, asked, arrears, verdict, barred, move.due_at if move else None
        )
    return answers


def _ladder(ctx: Context, asked: AskedAction, facts: LoanFacts, now: datetime) -> Ladder | None:
    if asked.action_id > 0:
        return find_ladder(ctx.policy.ladders, asked.ladder_id, asked.ladder_version)
    return ctx.ladder_of(facts, now.date())


def open_until(
    asked: ContactFacts, channel: Channel, now: datetime, within: timedelta
) -> datetime | None:
    """When contact that is allowed now is allowed no more, if that is within so long; to the
    minute. None: not so soon. A pause of less than `STEP` may be overlooked."""

    def allowed(moment: datetime) -> bool:
        return may_contact(asked, channel, moment).permission is Permission.ALLOWED

    early, late = now, now + min(STEP, within)
    while allowed(late):
        if late >= now + within:
            return None
        early, late = late, min(late + STEP, now + within)
    while late - early > NEAR_ENOUGH:
        middle = early + (late - early) / 2
        if allowed(middle):
            early = middle
        else:
            late = middle
    return late.replace(second=0, microsecond=0)


def hours_end(
    ctx: Context, jurisdiction: str, zones: Sequence[str], now: datetime, within: timedelta
) -> datetime | None:
    """When the lawful hours for calls to anybody end in these zones, if that is `within` so long.
    None: not so soon, or it depends on more than the hour.

    It is only for the order in which people are looked at. The gate is asked about each of them.
    """
    asked = (id(ctx.policy), ctx.settings.zone, jurisdiction, tuple(zones), within)
    minute = now.replace(second=0, microsecond=0)
    if _hours.minute != minute:
        _hours.minute, _hours.ends = minute, {}
    if asked not in _hours.ends:
        _hours.ends[asked] = _hours_end(ctx, jurisdiction, zones, now, within)
    return _hours.ends[asked]


class _Hours(local):
    """What was found within this minute, of each thread: whoever asks next asks the same."""

    def __init__(self) -> None:
        self.minute: datetime | None = None
        self.ends: dict[tuple[object, ...], datetime | None] = {}


_hours = _Hours()


def _hours_end(
    ctx: Context, jurisdiction: str, zones: Sequence[str], now: datetime, within: timedelta
) -> datetime | None:
    anybody = ContactFacts(
        past_due=Decimal(1),
        zones=tuple(zones),
        lender_zone=ctx.settings.zone,
        packs=packs_for(ctx.policy.rule_packs, jurisdiction),
        reachable=frozenset({Channel.CALL}),
        due_day=(now - A_WHILE).date(),
        collects_as=ctx.settings.collects_as,
        validation_notice_on=(now - A_WHILE).date(),
        limitation_from=now.date(),
        past_due_from=((now - A_WHILE).date(), (now - A_WHILE).date()),
    )
    if may_contact(anybody, Channel.CALL, now).permission is not Permission.ALLOWED:
        return None
    return open_until(anybody, Channel.CALL, now, within)
