"""The moment of a callback: in the future, near enough, lawful, and in the shift of somebody who
may call the person."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select

from domain.callbacks import Callback, Obstacle, first_callback
from domain.collectors import Span, is_trained, speaks
from domain.compliance.call_windows import next_call_at
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import may_contact
from domain.compliance.rules import packs_for
from domain.compliance.verdict import Permission, Verdict
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import CALLBACK_WITHIN, ContactOutcome
from domain.delinquency import arrears_on
from domain.events import RejectedError, person_of
from domain.follow_ups import FOLLOW_UP
from domain.ladder import CALL_BACK, find_ladder
from domain.reasons import ReasonCode, because
from domain.staffing import StaffingTerms, terms_on
from workers.attempts.call_plans import CalledAction
from workers.attempts.conversations import LoanOfContact
from workers.context import Context
from workers.db.callers import FreeCaller, read_callers
from workers.db.loan_facts import LoanFacts, load_facts, load_party_facts
from workers.db.schema import borrower, loan, loan_party, shift
from workers.db.typed_rows import typed_rows
from workers.db.visit_hours import visits_after
from workers.gate.facts import contact_facts

Gate = Callable[[datetime], Verdict]


def check_callback(outcome: ContactOutcome, at: datetime | None, now: datetime) -> None:
    """Check that a callback has a moment, in the future and not too far ahead, and that no other
    outcome has a moment. `now` is in the lender's zone.

    Raises:
        RejectedError: it is missing, over or too far away, or belongs to another outcome.
    """
    if at is None:
        if outcome is ContactOutcome.CALLBACK_REQUESTED:
            raise RejectedError(ReasonCode.CALLBACK_NEEDS_MOMENT)
        return
    if outcome is not ContactOutcome.CALLBACK_REQUESTED:
        raise RejectedError(ReasonCode.CALLBACK_NOT_ASKED_FOR)
    if at.tzinfo is None:
        raise RejectedError(ReasonCode.CALLBACK_NEEDS_MOMENT)
    if at <= now:
        raise RejectedError(ReasonCode.CALLBACK_IN_PAST, callback_at=at.astimezone(now.tzinfo))
    if at - now > CALLBACK_WITHIN:
        raise RejectedError(ReasonCode.CALLBACK_TOO_FAR, days=CALLBACK_WITHIN.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCallback:
    """A callback that somebody asked for in a conversation that is on record."""

    at: datetime
    by: str
    """Who had the conversation, as it is on record."""
    contact_id: int
    record: int
    """The record of the person."""
    zones: Sequence[str]
    """Where the person was then."""
    third_party: bool
    """Whether somebody else is to be called, who was asked where the borrower is."""
    loans: Sequence[LoanOfContact]
    """What the conversation was about."""
    called: Sequence[CalledAction] = ()
    """The calls that go on with it."""


def check_callback_moment(
    connection: Connection, ctx: Context, asked: AskedCallback, now: datetime
) -> None:
    """Check that a callback can be made at its moment: nobody is promised a call that nobody may or
    can make. `now` is in the lender's zone.

    It is asked after all else of the conversation is on record, so that what was said in it counts.
    The contact gate answers as it will at the start of the call. Whoever had the conversation is on
    no visit then; the visit that is being reported is over. And somebody works by the roster who
    may call the person; of a day that the roster does not reach yet nothing is known.

    Raises:
        RejectedError: it cannot. The next possible moment is named, and what is against this one.
    """
    terms = terms_on(ctx.policy.staffing, asked.at.astimezone(now.tzinfo).date())
    person = _person_of(connection, asked)
    facts = {} if asked.third_party else _facts(connection, person, now)
    first = first_callback(
        asked.at,
        now + CALLBACK_WITHIN,
        _gate_of_other(ctx, asked) if asked.third_party else _gate(ctx, asked, facts, now),
        visits=visits_after(connection, person_of(asked.by), asked.at, but=asked.contact_id),
        working=_working(connection, asked, person, facts, terms, now),
        takes=timedelta(minutes=terms.of_call(FOLLOW_UP, CALL_BACK.id).minutes),
    )
    if first.moment != asked.at:
        raise _refusal(asked, first, now)


def _refusal(asked: AskedCallback, first: Callback, now: datetime) -> RejectedError:
    at = asked.at.astimezone(now.tzinfo)
    if first.moment is None:
        never = because(ReasonCode.CALLBACK_NEVER_LAWFUL, callback_at=at)
        return RejectedError.for_reasons(never + first.why)
    until = first.moment.astimezone(now.tzinfo)
    if first.obstacle is Obstacle.VISIT:
        staff = person_of(asked.by)
        return RejectedError(ReasonCode.CALLBACK_AT_VISIT, callback_at=at, staff=staff, until=until)
    if first.obstacle is Obstacle.NOBODY_WORKS:
        return RejectedError(ReasonCode.CALLBACK_NOBODY_WORKS, callback_at=at, until=until)
    refused = because(ReasonCode.CALLBACK_OUT_OF_HOURS, callback_at=at, until=until)
    return RejectedError.for_reasons(refused + first.why)


class _Person(NamedTuple):
    loan_id: int
    party_id: int | None
    """None: the borrower."""
    person_id: int


def _person_of(connection: Connection, asked: AskedCallback) -> list[_Person]:
    """Who the person is to each of the loans now."""
    rows = (
        select(loan.c.id.label("loan_id"), loan_party.c.id.label("party_id"), borrower.c.person_id)
        .select_from(borrower)
        .join(loan, loan.c.id.in_([each.id for each in asked.loans]))
        .outerjoin(
            loan_party,
            and_(
                loan_party.c.loan_id == loan.c.id,
                loan_party.c.borrower_id == borrower.c.id,
                loan_party.c.ended_at.is_(None),
            ),
        )
        .where(borrower.c.id == asked.record)
    )
    return typed_rows(_Person, connection.execute(rows))


def _facts(
    connection: Connection, person: Sequence[_Person], now: datetime
) -> dict[int, LoanFacts]:
    """What the gate must know about the person, by loan. Two statements at most."""
    own = [each.loan_id for each in person if each.party_id is None]
    others = {each.party_id: each.loan_id for each in person if each.party_id is not None}
    facts = load_facts(connection, own, now) if own else {}
    of_parties = load_party_facts(connection, list(others), now) if others else {}
    return facts | {others[party_id]: each for party_id, each in of_parties.items()}


def _gate(
    ctx: Context, asked: AskedCallback, facts: Mapping[int, LoanFacts], now: datetime
) -> Gate:
    """What the gate answers about a moment, of the loan about which the call may be made first."""
    of_loans = [
        _asked_of_gate(ctx, asked, each, facts[each.id], now)
        for each in asked.loans
        if each.id in facts
    ]

    def ask(moment: datetime) -> Verdict:
        return min((may_contact(each, Channel.CALL, moment) for each in of_loans), key=_soonness)

    return ask


def _soonness(verdict: Verdict) -> tuple[bool, bool, float]:
    allowed, until = verdict.permission is Permission.ALLOWED, verdict.until
    return not allowed, until is None, until.timestamp() if until else 0


def _asked_of_gate(
    ctx: Context, asked: AskedCallback, of: LoanOfContact, facts: LoanFacts, now: datetime
) -> ContactFacts:
    ladder, item = ctx.ladder_of(of, now.date()), CALL_BACK
    for each in asked.called:
        if each.loan_id == of.id:
            ladder = find_ladder(ctx.policy.ladders, each.ladder_id, each.ladder_version)
            item = ladder.item(each.item)
            break
    arrears = arrears_on(facts.instalments, now.date())
    return contact_facts(ctx, of.id, of.jurisdiction, facts, arrears, ladder, item, now)


def _gate_of_other(ctx: Context, asked: AskedCallback) -> Gate:
    """Of somebody who was asked where the borrower is, only the hours are known."""
    of = asked.loans[0]
    packs = packs_for(ctx.policy.rule_packs, of.jurisdiction)

    def ask(moment: datetime) -> Verdict:
        lawful = next_call_at(packs, asked.zones, moment, of.product)
        allowed = Permission.ALLOWED if lawful == moment else Permission.DEFERRED
        return Verdict(allowed, (), (), lawful)

    return ask


def _working(
    connection: Connection,
    asked: AskedCallback,
    person: Sequence[_Person],
    facts: Mapping[int, LoanFacts],
    terms: StaffingTerms,
    now: datetime,
) -> list[Span] | None:
    """When those work who may call the person, from the moment that was asked for on; None: nobody
    on the roster may, or nobody's hours are known. A skill counts on the days of its certificate.
    """
    at, last = asked.at.astimezone(now.tzinfo), now + CALLBACK_WITHIN
    callers = read_callers(connection, at, last, terms.visit_minutes)
    locale = next((each.reach.locale for each in facts.values()), None)
    persons = {each.person_id for each in person}
    skill = _skill_of(asked, terms)

    def may_call(caller: FreeCaller) -> bool:
        had_it = caller.reference == person_of(asked.by)
        return (
            is_trained(caller.trained_on, at.date())
            and (had_it or locale is None or speaks(caller.languages, locale))
            and (skill is None or skill in caller.skills)
            and caller.must_not_handle.isdisjoint(persons)
        )

    who = [caller for caller in callers if may_call(caller)]
    of_them = select(func.max(shift.c.ends_at)).where(shift.c.staff_id.in_([x.id for x in who]))
    known_until = connection.execute(of_them).scalar() if who else None
    if known_until is None:
        return None
    last_day = (known_until - timedelta.resolution).astimezone(now.tzinfo).date()
    unknown = datetime.combine(last_day + timedelta(days=1), time.min, now.tzinfo)
    later = Span(unknown, max(unknown, last) + timedelta(days=1))

    def counts(caller: FreeCaller, span: Span) -> bool:
        day = span.starts_at.astimezone(now.tzinfo).date()
        return skill in {None, *terms.skills_on(day, caller.skills, caller.certificates)}

    return [*(span for each in who for span in each.working if counts(each, span)), later]


def _skill_of(asked: AskedCallback, terms: StaffingTerms) -> str | None:
    """What the call takes that keeps the callback; None: anybody who makes calls can make it."""
    calls = ((each.step, each.item) for each in asked.called)
    step, item = next(calls, (FOLLOW_UP, CALL_BACK.id))
    return terms.of_call(step, item).skill
