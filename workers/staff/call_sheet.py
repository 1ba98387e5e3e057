"""What a collector needs before and in a call, one page; what may not be seen yet is not in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from domain.access_log import Opened
from domain.actors import Actor, ActorKind
from domain.compliance.gate import may_contact
from domain.compliance.verdict import Permission as Verdict
from domain.compliance.vocabulary import Channel, Party
from domain.contact_outcomes import ContactOutcome
from domain.errors import ArrearsError, NotKnownError
from domain.ladder import find_ladder
from domain.next_work import work_policy_on
from domain.permissions import Permission
from domain.persons import PersonFact
from domain.reasons import ReasonCode, Reasons, because
from domain.right_party import Question, asked_of
from workers.access.may_handle import assert_may_handle
from workers.access.permitted import permitted
from workers.context import Context
from workers.db import call_sheets, party_checks
from workers.db.access_log import note_access
from workers.db.call_sheets import LoanOfCall, PastTalk, Promised, SheetOf, ToldReason
from workers.db.open_calls import union_of
from workers.db.places import place_of_name
from workers.db.schema import borrower
from workers.db.work_leases import is_on_record
from workers.gate.ask_together import AskedAction, GateAnswer, ask_together, open_until
from workers.gate.facts import LONG_BEFORE, NOT_WRITTEN
from workers.staff.money_of_call import MoneyOfLoan, Offer, money_of_loans, offers_for, one_per_loan

LOOK_AHEAD = timedelta(hours=24)
CHANNELS = (Channel.CALL, Channel.SMS, Channel.VISIT)
SHOWN_FACTS = frozenset(PersonFact) - {PersonFact.LANGUAGE}


class Stage(StrEnum):
    """How far the collector is. Each stage shows more than the one before."""

    CLAIMED = "claimed"  # the work is theirs
    STARTED = "started"  # the gate has allowed the call
    CONFIRMED = "confirmed"  # who is on the line is the person


HIDDEN_UNTIL: Mapping[str, Stage] = {
    "name": Stage.STARTED,
    "number": Stage.STARTED,
    "money": Stage.CONFIRMED,
    "amounts": Stage.CONFIRMED,
    "product": Stage.CONFIRMED,
    "reasons": Stage.CONFIRMED,
    "offers": Stage.CONFIRMED,
}


@dataclass(frozen=True, slots=True)
class MayContact:
    """The gate's answer about one channel now."""

    channel: Channel
    allowed: bool
    why: Reasons
    until: datetime | None
    """If it is allowed: when its lawful hours end, within a day. If it is not: the first lawful
    moment. None: not known, or not so soon."""


@dataclass(frozen=True, slots=True)
class AlsoAbout:
    """Something that a call is about besides what names it."""

    loan: str
    item: str
    """Of the ladder."""
    purpose: str


@dataclass(frozen=True, slots=True)
class StopSign:
    """Something that asks for care, or forbids."""

    kind: str
    """A kind of hold, a fact of the person, or `representative`."""
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSheet:
    """One page. What is hidden is None or empty, and `hidden` says until when."""

    lease: int
    leased_until: datetime
    stage: Stage
    hidden: Mapping[str, Stage]
    why_now: Reasons
    loan: str | None
    other_loans: tuple[str, ...]
    item: str
    step: str
    purpose: str
    also_about: tuple[AlsoAbout, ...]
    """What the same call is about besides that item."""
    must_learn: tuple[str, ...]
    """For any of the items."""
    outcomes: tuple[ContactOutcome, ...]
    """At most fifteen to choose from, by the ladder. Every other one may be reported too."""
    party: Party
    record: str
    """The lender's id of the borrower record of the person whom it is about."""
    language: str
    """BCP 47: what the person speaks."""
    local_times: Mapping[str, datetime]
    """The time now in each zone in which the person may be."""
    may: tuple[MayContact, ...]
    contacts_today: int
    contacts_in_seven_days: int
    """With the person, about all loans: what caps count may be less."""
    stop_signs: tuple[StopSign, ...]
    promise: Promised | None
    last_payment_on: date | None
    contacts: tuple[PastTalk, ...]
    """The last three, the newest first."""
    questions: tuple[Question, ...]
    """What may be asked to confirm who is on the line: what an answer can be compared with."""
    not_confirmed: Reasons
    """Why nobody can be confirmed by questions, and what to do; empty: ask them."""
    attempt: str | None
    name: str | None = field(default=None, repr=False)
    """Personal data: each look is on record."""
    last_payment: Decimal | None = None
    money: tuple[MoneyOfLoan, ...] = ()
    reasons: tuple[ToldReason, ...] = ()
    """Why the loan is overdue, as the person has said: do not ask them again."""
    offers: tuple[Offer, ...] = ()


@permitted(Permission.SERVE_WORK)
def call_sheet(ctx: Context, lease: int, collector: str | None = None) -> CallSheet:
    """What the collector who has the work sees of it now.

    A look at the name is on record. The number is given by the start of the call alone. A machine
    names the `collector`.

    Raises:
        RefusedError: they must not handle the person, and the call was not begun.
        NotKnownError: there never was such work.
        ArrearsError: the work is not, or not any more, theirs; or it is no call.
    """
    now = ctx.now()
    machine = ctx.actor if ctx.actor.kind is ActorKind.MACHINE else None
    actor = Actor(collector) if machine and collector else ctx.actor
    with ctx.engine.begin() as connection:
        sheet = call_sheets.read_sheet(connection, lease, actor)
        if sheet is None:
            refused = ArrearsError if is_on_record(connection, lease) else NotKnownError
            raise refused(
                "The work {lease} ended, or somebody else has it, or it is no call. Ask for the "
                "next one.",
                lease=lease,
            )
        if sheet.contact_id is None:
            assert_may_handle(connection, actor, borrower.c.person_id == sheet.person_id)
        loans = call_sheets.loans_of_call(connection, sheet.first_call_id)
        asked = [_asked(loan) for loan in loans]
        answers = ask_together(connection, ctx, asked, now)
        first = answers.get(sheet.action_id)
        if first is None:
            raise ArrearsError(
                "The call of {loan} is over. Ask for the next one (`arrears call next`).",
                loan=sheet.loan,
            )
        stage = Stage.CLAIMED
        if sheet.contact_id is not None:
            passed = party_checks.is_confirmed(connection, [sheet.contact_id])
            stage = Stage.CONFIRMED if passed else Stage.STARTED
        page = _page(connection, ctx, sheet, loans, first, stage, now)
        if stage is Stage.CLAIMED:
            return page
        page = replace(page, name=_name(connection, ctx, sheet, actor, machine, now))
        if stage is Stage.STARTED:
            return page
        return _with_money(connection, ctx, page, sheet.person_id, loans, answers, now)


def _page(
    connection: Connection,
    ctx: Context,
    sheet: SheetOf,
    loans: Sequence[LoanOfCall],
    answer: GateAnswer,
    stage: Stage,
    now: datetime,
) -> CallSheet:
    by = None if sheet.party == Party.BORROWER else sheet.borrower_id
    promise = call_sheets.last_promise(connection, sheet.loan_id, sheet.ladder_since, by)
    if promise is not None and stage is not Stage.CONFIRMED:
        promise = promise._replace(amount=None)
    talks = call_sheets.last_contacts(connection, sheet.person_id, now)
    terms = work_policy_on(ctx.policy.worklist, now.date()).right_party
    on_record = party_checks.read_on_record(connection, ctx.cipher, sheet, sheet.number_blind_index)
    if sheet.contact_id is None:  # one of the numbers will be called
        on_record = replace(on_record, other_numbers=on_record.other_numbers[1:])
    questions, needed = asked_of(on_record, terms.questions, terms.at_least, at_their_address=False)
    enough = len(questions) >= needed
    history = answer.facts.reach.history
    paid = call_sheets.last_payment(connection, sheet.loan_id)
    named = next(each for each in loans if each.action_id == sheet.action_id)
    ladder = find_ladder(ctx.policy.ladders, named.ladder_id, named.ladder_version)
    return CallSheet(
        lease=sheet.lease,
        leased_until=sheet.until.astimezone(now.tzinfo),
        stage=stage,
        hidden={
            what: until
            for what, until in HIDDEN_UNTIL.items()
            if list(Stage).index(until) > list(Stage).index(stage)
        },
        why_now=sheet.why,
        loan=sheet.loan,
        other_loans=tuple(
            each.loan for each in one_per_loan(loans) if each.loan_id != sheet.loan_id
        ),
        item=sheet.item,
        step=sheet.step,
        purpose=sheet.purpose,
        also_about=tuple(
            AlsoAbout(each.loan, each.item, each.purpose)
            for each in loans
            if each.action_id != sheet.action_id
        ),
        must_learn=union_of([sheet.must_learn, *(each.must_learn for each in loans)]),
        outcomes=ladder.shown_outcomes(sheet.step),
        party=Party(sheet.party),
        record=sheet.record,
        language=answer.facts.reach.locale,
        local_times={zone: now.astimezone(ZoneInfo(zone)) for zone in answer.facts.reach.zones},
        may=tuple(_may(answer, channel, now) for channel in CHANNELS),
        contacts_today=sum(past.at.astimezone(now.tzinfo).date() == now.date() for past in history),
        contacts_in_seven_days=sum(past.at > now - timedelta(days=7) for past in history),
        stop_signs=_stop_signs(answer, now.date()),
        promise=promise,
        last_payment_on=paid and paid.paid_on,
        last_payment=paid.amount if paid and stage is Stage.CONFIRMED else None,
        contacts=tuple(talks),
        questions=questions if enough else (),
        not_confirmed=() if enough else because(ReasonCode.TOO_LITTLE_TO_CONFIRM),
        attempt=sheet.attempt,
    )


def _asked(loan: LoanOfCall) -> AskedAction:
    return AskedAction(
        loan.action_id,
        loan.loan_id,
        loan.party_id,
        loan.jurisdiction,
        loan.ladder_id,
        loan.ladder_version,
        loan.ladder_since,
        loan.item,
        loan.cause,
        loan.act_until,
    )


def _may(answer: GateAnswer, channel: Channel, now: datetime) -> MayContact:
    """For other channels than calls it is assumed that their words and notices are in order."""
    asked = answer.asked
    if channel is Channel.CALL:
        allowed, why, until = not answer.barred, answer.barred, answer.until
    else:
        asked = replace(asked, says=NOT_WRITTEN, noticed_at=now - LONG_BEFORE)
        verdict = may_contact(asked, channel, now)
        allowed = verdict.permission is Verdict.ALLOWED
        why, until = verdict.reason, verdict.until
    if allowed:
        until = open_until(asked, channel, now, LOOK_AHEAD)
    return MayContact(channel, allowed, () if allowed else why, until)


def _stop_signs(answer: GateAnswer, today: date) -> tuple[StopSign, ...]:
    signs = [StopSign(hold.kind, hold.ends_on) for hold in answer.asked.holds if hold.covers(today)]
    facts = answer.facts.reach.person_facts & SHOWN_FACTS
    signs += [StopSign(fact) for fact in sorted(facts)]
    if answer.asked.representative is not None:
        signs.append(StopSign("representative"))
    return tuple(dict.fromkeys(signs))


def _name(
    connection: Connection,
    ctx: Context,
    sheet: SheetOf,
    actor: Actor,
    machine: Actor | None,
    now: datetime,
) -> str | None:
    if sheet.name_encrypted is None:
        return None
    note_access(
        connection, sheet.loan_id, Opened.NAME, actor, now, item=sheet.item, machine=machine
    )
    return ctx.cipher.decrypt(sheet.name_encrypted, place_of_name(sheet.record))


def _with_money(
    connection: Connection,
    ctx: Context,
    page: CallSheet,
    person_id: int,
    loans: Sequence[LoanOfCall],
    answers: Mapping[int, GateAnswer],
    now: datetime,
) -> CallSheet:
    loans = one_per_loan(loans)
    named = [loan.loan_id for loan in loans]
    return replace(
        page,
        money=money_of_loans(connection, ctx, loans, answers, now),
        reasons=tuple(call_sheets.told_reasons(connection, person_id, named)),
        offers=offers_for(connection, ctx, loans),
    )
