"""Builds the contact gate's facts from the records, the policy and the message to be sent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from domain.actions import ACTION_TYPES, SEND_SMS, ActionType
from domain.collectors import business_day
from domain.compliance.contact_facts import Consent, ContactFacts, PastContact
from domain.compliance.gate import may_contact
from domain.compliance.party_reach import holds_of_borrower, with_all_holds
from domain.compliance.rules import RulePack, packs_for
from domain.compliance.verdict import Permission, Verdict
from domain.compliance.vocabulary import Channel, ConsentTo, Party, Says
from domain.contact_points import NumberFact, NumberOnRecord
from domain.delinquency import Arrears, arrears_on, ladder_start
from domain.errors import ArrearsError
from domain.fact_effects import FromContacts
from domain.holds import Hold
from domain.ladder import Item, Ladder
from domain.outcome_follows import what_follows
from domain.parties import ROLES, LoanParty
from domain.visits import VISITORS
from workers.context import Context
from workers.db.loan_facts import LoanFacts, load_facts, load_party_facts
from workers.db.loan_standing import LoanStanding
from workers.db.loans import loan_not_known
from workers.db.parties import parties_of
from workers.db.schema import loan

LONG_BEFORE = timedelta(days=365)
NOT_WRITTEN = frozenset({Says.IDENTITY, Says.OPT_OUT})
"""What a message that is not known is assumed to say: everything that the law asks for."""


def contact_facts(
    ctx: Context,
    loan_id: int,
    jurisdiction: str,
    facts: LoanFacts,
    arrears: Arrears,
    ladder: Ladder | None,
    item: Item | None,
    now: datetime,
    *,
    party: Party | None = None,
) -> ContactFacts:
    """The gate's facts about one loan and one item of its ladder, from the records.

    `party` says who is contacted; None: the person whose numbers and address are in `facts`.

    `item` is None if no prepared message goes with the contact. `now` is the moment at which a
    written notice of a visit would be given.
    """
    reach = facts.reach
    zone = reach.zones[0] if reach.zones else ctx.settings.zone
    first = reach.first_contact_at
    start = ladder_start(facts.instalments, now.date(), ladder.minimum_amount) if ladder else None
    packs = packs_for(ctx.policy.rule_packs, jurisdiction)
    ended = _ended_today(reach.history, ladder, now)
    known = ContactFacts(
        past_due=arrears.amount,
        zones=reach.zones,
        lender_zone=ctx.settings.zone,
        packs=packs,
        reachable=reach.reachable,
        holds=_holds(packs, facts, item, now.date()),
        refused_channels=reach.refused_channels,
        person_facts=reach.person_facts,
        due_day=start or arrears.delinquent_since,
        minimum=ladder.minimum_amount if ladder else arrears.amount,
        collects_as=ctx.settings.collects_as,
        loan_id=loan_id,
        product=facts.product,
        history=reach.history,
        number_history=reach.number_history,
        representative=reach.representative,
        consents=reach.consents,
        left_alone_until=business_day(now).ends_at if ended else None,
        inconvenient_times=reach.inconvenient_times,
        inconvenient_places=reach.inconvenient_places,
        first_contact_on=first.astimezone(ZoneInfo(zone)).date() if first else None,
        party=party or facts.party,
        numbers=_with_undelivered(facts, item, start),
        number=reach.numbers[0].key if reach.numbers else None,
        number_facts=reach.numbers[0].facts if reach.numbers else frozenset(),
        address_facts=reach.address_facts,
        no_number=not reach.numbers,
        says=_says(ctx, item, reach.locale),
        unwritten_language=_unwritten(ctx, item, reach.locale),
        visit_staff=VISITORS,
        noticed_at=now,
        validation_notice_on=reach.validation_notice_on,
        limitation_from=reach.limitation_from,
        past_due_from=_past_due_from(facts, now.date()),
        interruptions=reach.interruptions,
        suspensions=reach.suspensions,
    )
    return _with_callbacks(known, ended)


def _holds(
    packs: Sequence[RulePack], facts: LoanStanding, item: Item | None, on: date
) -> tuple[Hold, ...]:
    """The holds that stop what the item asks for."""
    holds = all_holds(packs, facts, on)
    return item.follow_up.stopped_by(holds) if item and item.follow_up else holds


def all_holds(packs: Sequence[RulePack], facts: LoanStanding, on: date) -> tuple[Hold, ...]:
    """All holds that stop contact with the person of these facts."""
    if not facts.parties:
        return (*facts.holds, *facts.holds_of_borrower)
    if facts.party is Party.BORROWER:
        return holds_of_borrower(packs, facts.holds, facts.parties, on)
    of_loan = [hold for hold in facts.holds if not hold.kind.of_person]
    parties = with_all_holds(packs, [*of_loan, *facts.holds_of_borrower], facts.parties, on)
    for party in parties:
        if party.id == facts.party_id:
            return party.holds
    return (*facts.holds, *facts.holds_of_borrower)  # a party no longer


def parties_with_holds(ctx: Context, facts: LoanStanding, on: date) -> tuple[LoanParty, ...]:
    """The parties of a loan, each with all holds that stop contact with them.

    `facts` are those of the borrower.
    """
    if not facts.parties:
        return ()
    packs = packs_for(ctx.policy.rule_packs, facts.jurisdiction)
    return with_all_holds(packs, facts.holds, facts.parties, on)


def read_contact_facts(
    connection: Connection,
    ctx: Context,
    external_id: str,
    now: datetime,
    *,
    party: Party = Party.BORROWER,
    record: str | None = None,
    channel: Channel | None = None,
) -> ContactFacts:
    """The gate's facts about a loan, from the records, for a question without any effect.

    There is no message: it is assumed that its words are as they should be, and that the notice of
    a visit was given in time. The facts of a co-borrower or a guarantor are their own; `record` is
    the lender's id of the one who is meant, if the loan has several. For a `channel` that
    needs a template, the facts say whether there are templates in the person's language.

    Raises:
        ArrearsError: the loan is not known, or has no such party, or several.
    """
    row = connection.execute(
        select(loan.c.id, loan.c.jurisdiction, loan.c.product, loan.c.currency).where(
            loan.c.external_id == external_id
        )
    ).one_or_none()
    if row is None:
        raise loan_not_known(external_id)
    if party in ROLES:
        party_id = _party_id(connection, row.id, external_id, party, record)
        facts = load_party_facts(connection, [party_id], now)[party_id]
    else:
        facts = load_facts(connection, [row.id], now)[row.id]
    ladder = ctx.ladder_of(row, now.date())
    asked = contact_facts(
        ctx,
        row.id,
        row.jurisdiction,
        facts,
        arrears_on(facts.instalments, now.date()),
        ladder,
        None,
        now,
        party=party,
    )
    needs_template = any(
        action_type.needs_template and action_type.channel is channel
        for action_type in ACTION_TYPES.values()
    )
    locale = facts.reach.locale
    unwritten = locale if needs_template and not ctx.templates.has_locale(locale) else None
    return replace(
        asked, says=NOT_WRITTEN, noticed_at=now - LONG_BEFORE, unwritten_language=unwritten
    )


def _party_id(
    connection: Connection, loan_id: int, external_id: str, role: Party, record: str | None
) -> int:
    known = parties_of(connection, loan_id, role)
    meant = {id: party_id for id, party_id in known.items() if record in (None, id)}
    if len(meant) == 1:
        return next(iter(meant.values()))
    said = {"loan": external_id, "role": role.replace("_", "-")}
    if not known:
        raise ArrearsError("Loan {loan} has no {role}.", **said)
    said["known"] = ", ".join(known)
    if record:
        raise ArrearsError(
            "Loan {loan} has no {role} {record}; it has {known}. Name one of them with --borrower.",
            **said,
            record=record,
        )
    raise ArrearsError(
        "Loan {loan} has no single {role}; it has {known}. Name one of them with --borrower.",
        **said,
    )


def precheck(facts: ContactFacts, action_type: ActionType, now: datetime) -> Verdict | None:
    """The gate's verdict when an action is planned; None if it need not stop it before the claim.

    A visit can only be barred here: whether it is deferred depends on the slots that are free.
    """
    verdict = may_contact(facts, action_type.channel, now)
    if verdict.permission is Permission.ALLOWED:
        return None
    if action_type.channel is Channel.VISIT and verdict.permission is not Permission.BARRED:
        return None
    return verdict


def _with_undelivered(
    facts: LoanFacts, item: Item | None, since: date | None
) -> tuple[NumberOnRecord, ...]:
    """The numbers, and at which of them an earlier try of the item's text did not arrive."""
    numbers = facts.reach.numbers
    if item is None or item.do is not SEND_SMS or facts.party is not Party.BORROWER:
        return numbers
    failed = {
        key
        for stored in facts.actions
        if (stored.past.item, stored.past.ladder_since) == (item.id, since)
        for key in stored.past.undelivered_to
    }
    if not failed:
        return numbers
    return tuple(
        replace(number, facts=number.facts | {NumberFact.NOT_DELIVERED})
        if number.key in failed
        else number
        for number in numbers
    )


def _past_due_from(facts: LoanFacts, on: date) -> tuple[date, date] | None:
    """From when the oldest and the newest unpaid instalment past due count."""
    days = [due.counts_from for due in facts.instalments if due.counts_from]
    past = [day for day in days if day < on]
    return (min(past), max(past)) if past else None


def _ended_today(
    history: Sequence[PastContact], ladder: Ladder | None, now: datetime
) -> PastContact | None:
    """The last conversation of today that ends the contacts of its day; None: none does. `now` is
    in the lender's zone."""
    outcomes = ladder.outcomes if ladder else None
    today = business_day(now)
    ended = None
    for contact in history:
        if contact.outcome is None or not today.starts_at <= contact.at <= now:
            continue
        inbound = contact.inbound and outcomes is not None and outcomes.inbound_ends_today
        if what_follows(outcomes, contact.outcome).ends_today or (
            inbound and contact.outcome.with_borrower
        ):
            ended = contact if ended is None or contact.at >= ended.at else ended
    return ended


def _with_callbacks(facts: ContactFacts, ended: PastContact | None) -> ContactFacts:
    """Who asks to be called again agrees to that call, where a rule lets consent count; and wants
    it, where a conversation before has `ended` the contacts of its day."""
    asked = [
        contact
        for contact in facts.history_for(FromContacts.CALL_THEN)
        if contact.callback_at is not None and contact.party is not Party.REPRESENTATIVE
    ]
    if not asked:
        return facts
    agreed = tuple(Consent(ConsentTo.MORE_CONTACTS, since=contact.at) for contact in asked)
    alone = facts.left_alone_until
    again = ended is not None and any(
        contact.at >= ended.at and alone and contact.callback_at and contact.callback_at < alone
        for contact in asked
    )
    return replace(facts, consents=facts.consents + agreed, call_again_today=again)


def _says(ctx: Context, item: Item | None, locale: str) -> frozenset[Says]:
    if item is None or item.template is None:
        return frozenset()
    if not ctx.templates.has_locale(locale):
        return NOT_WRITTEN
    return ctx.templates.says(item.template, locale)


def _unwritten(ctx: Context, item: Item | None, locale: str) -> str | None:
    """The language, if a message goes with the item and there is none in it.

    Another variety of the same language is one: `en` for `en-GB`. Another language never is.
    """
    written = item is None or item.template is None or ctx.templates.has_locale(locale)
    return None if written else locale
