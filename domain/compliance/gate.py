"""The contact gate: every contact must pass it. A contact is refused where a fact is not known."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.first_lawful import first_lawful
from domain.compliance.inconvenient_times import (
    INCONVENIENT_TIME,
)
from domain.compliance.number_choice import (
    inconvenient_place,
    numbers_passed_over,
    through,
    why_passed_over,
)
from domain.compliance.permitted import Stop, permitting_rule
from domain.compliance.representatives import contacted_instead
from domain.compliance.verdict import (
    ADDRESS,
    BELOW_MINIMUM,
    CEASED,
    EMPLOYER_FORBIDS,
    INCONVENIENT_PLACE,
    NO_ADDRESS,
    NO_RULES,
    NO_TEMPLATES,
    NO_ZONE,
    NOTHING_PAST_DUE,
    NUMBER,
    OPTED_OUT,
    REPRESENTED,
    Permission,
    Verdict,
    until_known,
)
from domain.compliance.vocabulary import Channel, Party, Purpose
from domain.contact_points import BY_NUMBER, NumberFact, stopped_by
from domain.loans import ZERO
from domain.persons import PersonFact
from domain.reasons import ReasonCode, because

UNREACHABLE = {NUMBER, NO_ADDRESS, INCONVENIENT_PLACE, INCONVENIENT_TIME}
"""Rules after which, if no moment is better, only another number, or another wish, makes a call to
a representative possible."""


def may_contact(facts: ContactFacts, channel: Channel, at: datetime) -> Verdict:
    """Whether this person may be contacted through `channel` at the aware moment `at`.

    Barred is permanent. Deferred has the first lawful moment, if it is known. The court's channel
    reaches nobody, so hours and opt-outs do not apply to it; all other rules do. Where a rule lets
    the person's representative be contacted instead, the answer is about that contact.
    """
    acting, instead = contacted_instead(facts, channel, at)
    if instead is None or facts.representative is None:
        return _ask(facts, channel, at)
    verdict = _ask(acting, channel, at)
    named = {"representative": facts.representative.kind}
    stopped = verdict.permission is not Permission.ALLOWED and verdict.until is None
    if stopped and UNREACHABLE & set(verdict.rules):
        return until_known(REPRESENTED, ReasonCode.REPRESENTATIVE_UNREACHABLE, **named)
    rules, why = (instead.id, *verdict.rules), because(ReasonCode.CONTACTED_INSTEAD, **named)
    return replace(verdict, rules=rules, reason=why + verdict.reason)


def _ask(facts: ContactFacts, channel: Channel, at: datetime) -> Verdict:
    facts = through(facts, channel, at)
    if facts.party is Party.THIRD_PARTY and facts.consents:
        # What the person agreed to is no consent of somebody else.
        facts = replace(facts, consents=())
    if channel is not Channel.LEGAL and _may_be_let_through(facts):
        facts, permitting = _let_through(facts, at)
        verdict = _may_contact(facts, channel, at)
        return replace(verdict, rules=(*permitting, *verdict.rules))
    return _may_contact(facts, channel, at)


def _may_be_let_through(facts: ContactFacts) -> bool:
    """Whether it is no contact with the person to collect: no rule permits that one."""
    return facts.purpose is not Purpose.COLLECT or facts.party is Party.REPRESENTATIVE


def _let_through(facts: ContactFacts, at: datetime) -> tuple[ContactFacts, tuple[str, ...]]:
    """The facts without the holds and wishes that a law sets aside, for this purpose or for contact
    with who acts for the person; and the ids of the rules that do so."""
    representative = facts.representative if facts.party is Party.REPRESENTATIVE else None
    acting = representative.kind if representative else None
    on = at.astimezone(ZoneInfo(facts.lender_zone)).date()
    stops: list[Stop] = [hold.kind for hold in facts.holds]
    if PersonFact.CEASED in facts.person_facts:
        stops.append(PersonFact.CEASED)
    if facts.inconvenient_times:
        stops.append(PersonFact.INCONVENIENT_TIME)
    permitted = {
        stop: rule.id
        for stop in stops
        if (rule := permitting_rule(facts.packs, facts.purpose, stop, on, acting))
    }
    holds = tuple(hold for hold in facts.holds if hold.kind not in permitted)
    known = facts.person_facts - permitted.keys()
    times = () if PersonFact.INCONVENIENT_TIME in permitted else facts.inconvenient_times
    allowed = replace(facts, holds=holds, person_facts=known, inconvenient_times=times)
    return allowed, tuple(dict.fromkeys(permitted.values()))


def _may_contact(facts: ContactFacts, channel: Channel, at: datetime) -> Verdict:
    if facts.past_due <= ZERO:
        return Verdict(Permission.BARRED, (NOTHING_PAST_DUE,), because(ReasonCode.CURED))
    if facts.past_due < facts.minimum:
        return until_known(BELOW_MINIMUM, ReasonCode.BELOW_MINIMUM)
    if not any(pack.is_law for pack in facts.packs):
        return until_known(NO_RULES, ReasonCode.NO_RULE_PACK)
    if channel is not Channel.LEGAL and (stopped := _stopped(facts, channel, at)) is not None:
        return stopped
    return first_lawful(facts, channel, at.astimezone(UTC))


def _stopped(facts: ContactFacts, channel: Channel, at: datetime) -> Verdict | None:
    """What stops a contact whatever the hour: a fact of the person or the number, or a missing one.

    What a person asked for is barred for good. What another number, or somebody who reads a reply,
    may mend is deferred.
    """
    if PersonFact.CEASED in facts.person_facts:
        return Verdict(Permission.BARRED, (CEASED,), because(ReasonCode.CONTACT_CEASED))
    own = facts.party is not Party.THIRD_PARTY
    point_fact = stopped_by(facts.used_number_facts, channel)
    if facts.party is Party.THIRD_PARTY and point_fact is NumberFact.REFUSED:
        return Verdict(Permission.BARRED, (NUMBER,), because(ReasonCode.THIRD_PARTY_WANTS_NONE))
    passed_over = numbers_passed_over(facts, channel, at) if own else ()
    none_is_left = len(facts.numbers) > 1 and len(passed_over) == len(facts.numbers)
    all_opted_out = {fact for _, fact in passed_over} <= {NumberFact.OPTED_OUT}
    opted_out = point_fact is NumberFact.OPTED_OUT and (all_opted_out or not none_is_left)
    if channel in facts.refused_channels or opted_out:
        reason = because(ReasonCode.OPTED_OUT_OF, channel=channel)
        return Verdict(Permission.BARRED, (OPTED_OUT,), reason)
    if PersonFact.REPRESENTED in facts.person_facts:
        return until_known(REPRESENTED, ReasonCode.REPRESENTED)
    if not facts.zones:
        return until_known(NO_ZONE, ReasonCode.NO_ZONE)
    if channel not in facts.reachable:
        return until_known(NO_ADDRESS, ReasonCode.NO_ADDRESS, channel=channel)
    if facts.unwritten_language is not None:
        code, language = ReasonCode.LANGUAGE_WITHOUT_TEMPLATES, facts.unwritten_language
        return until_known(NO_TEMPLATES, code, language=language)
    if none_is_left:
        why = because(ReasonCode.NO_NUMBER_LEFT, channel=channel)
        return Verdict(Permission.DEFERRED, (NUMBER,), why + why_passed_over(facts, channel, at))
    if point_fact is not None and channel in BY_NUMBER:
        closed = {"number_fact": point_fact, "channel": channel}
        return until_known(NUMBER, ReasonCode.NUMBER_CLOSED, **closed)
    if point_fact is not None:
        closed = {"number_fact": point_fact, "channel": channel}
        return until_known(ADDRESS, ReasonCode.ADDRESS_CLOSED, **closed)
    if facts.not_at_work and facts.at_work:
        return until_known(EMPLOYER_FORBIDS, ReasonCode.EMPLOYER_FORBIDS)
    if own and (place := inconvenient_place(facts, channel, at)) is not None:
        named = {"location": place, "channel": channel}
        return until_known(INCONVENIENT_PLACE, ReasonCode.INCONVENIENT_PLACE, **named)
    return None
