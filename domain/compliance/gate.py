"""The contact gate: every contact must pass it. A contact is refused where a fact is not known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.compliance.conduct import Conduct
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_hours import ContactHours, moment_of
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.inconvenient_times import (
    INCONVENIENT_TIME,
    KEPT_EVERYWHERE,
)
from domain.compliance.number_choice import (
    inconvenient_place,
    numbers_passed_over,
    through,
    why_passed_over,
)
from domain.compliance.permitted import Stop, permitting_rule
from domain.compliance.representatives import contacted_instead
from domain.compliance.third_parties import ThirdPartyContact
from domain.compliance.vocabulary import Channel, Party, Purpose
from domain.contact_points import BY_NUMBER, NumberFact, stopped_by
from domain.holds import active_hold, resumes_on
from domain.loans import ZERO
from domain.persons import PersonFact
from domain.reasons import ReasonCode, Reasons, because

NOTHING_PAST_DUE = "lender.nothing_past_due"
BELOW_MINIMUM = "lender.below_minimum"
ON_HOLD = "lender.on_hold"
OPTED_OUT = "lender.opted_out"
CEASED = "lender.cease_communication"
NO_RULES = "lender.no_rules_known"
NO_ZONE = "lender.no_zone_known"
NO_ADDRESS = "lender.no_address_known"
NO_TEMPLATES = "lender.no_templates_in_language"
DUE_DAY_NOT_OVER = "lender.due_day_not_over"
NUMBER = "lender.number_not_to_be_used"
ADDRESS = "lender.address_not_to_be_used"
REPRESENTED = "lender.represented"
EMPLOYER_FORBIDS = "lender.employer_forbids"
INCONVENIENT_PLACE = "lender.inconvenient_place"
CALLBACK = "lender.callback_requested"
NEVER_TOGETHER = "lender.never_together"

UNREACHABLE = {NUMBER, NO_ADDRESS, INCONVENIENT_PLACE, INCONVENIENT_TIME}
"""Rules after which, if no moment is better, only another number, or another wish, makes a call to
a representative possible."""

_NEVER = datetime.max.replace(tzinfo=UTC)

HORIZON = timedelta(days=70)
"""Two full months and some days. If no moment within it is lawful, no later moment will be."""


class Permission(StrEnum):
    """What the contact gate may answer."""

    ALLOWED = "allowed"
    DEFERRED = "deferred"
    BARRED = "barred"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer, and every rule it rests on."""

    permission: Permission
    rules: tuple[str, ...]
    reason: Reasons
    """Without personal data."""
    until: datetime | None = None
    """For a deferred contact: the first lawful moment, in UTC. None: only a new fact can make it
    lawful (a number, a time zone, a rule pack, the release of a hold without an end)."""
    warnings: tuple[str, ...] = ()
    """Advisory rules that are against the contact. They do not stop it, and are recorded."""


@dataclass(frozen=True, slots=True)
class _RuleInZone:
    """A rule that applies to this contact, in one of the borrower's zones."""

    rule: ContactRule
    zone: str


@dataclass(frozen=True, slots=True)
class _BlockingRule:
    """A rule that stops the contact, from when on it allows it, and what is wrong before."""

    allowed_from: EarliestTime
    rule: ContactRule
    complaint: Reasons


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
        return _until_known(REPRESENTED, ReasonCode.REPRESENTATIVE_UNREACHABLE, **named)
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
    """The facts without the holds, and without the wishes, in spite of which a law permits this
    purpose, or contact with who acts for the person; and the ids of the rules that permit it."""
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
        return _until_known(BELOW_MINIMUM, ReasonCode.BELOW_MINIMUM)
    if not any(pack.is_law for pack in facts.packs):
        return _until_known(NO_RULES, ReasonCode.NO_RULE_PACK)
    if channel is not Channel.LEGAL and (stopped := _stopped(facts, channel, at)) is not None:
        return stopped
    return _first_lawful(facts, channel, at.astimezone(UTC))


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
        return _until_known(REPRESENTED, ReasonCode.REPRESENTED)
    if not facts.zones:
        return _until_known(NO_ZONE, ReasonCode.NO_ZONE)
    if channel not in facts.reachable:
        return _until_known(NO_ADDRESS, ReasonCode.NO_ADDRESS, channel=channel)
    if facts.unwritten_language is not None:
        code, language = ReasonCode.LANGUAGE_WITHOUT_TEMPLATES, facts.unwritten_language
        return _until_known(NO_TEMPLATES, code, language=language)
    if none_is_left:
        why = because(ReasonCode.NO_NUMBER_LEFT, channel=channel)
        return Verdict(Permission.DEFERRED, (NUMBER,), why + why_passed_over(facts, channel, at))
    if point_fact is not None and channel in BY_NUMBER:
        closed = {"number_fact": point_fact, "channel": channel}
        return _until_known(NUMBER, ReasonCode.NUMBER_CLOSED, **closed)
    if point_fact is not None:
        closed = {"number_fact": point_fact, "channel": channel}
        return _until_known(ADDRESS, ReasonCode.ADDRESS_CLOSED, **closed)
    if facts.not_at_work and facts.at_work:
        return _until_known(EMPLOYER_FORBIDS, ReasonCode.EMPLOYER_FORBIDS)
    if own and (place := inconvenient_place(facts, channel, at)) is not None:
        named = {"location": place, "channel": channel}
        return _until_known(INCONVENIENT_PLACE, ReasonCode.INCONVENIENT_PLACE, **named)
    return None


def _first_lawful(facts: ContactFacts, channel: Channel, moment: datetime) -> Verdict:
    """Move `moment` forwards, past each hold and each rule, until nothing forbids it.

    A rule that is asked about a later moment never gives an earlier answer. So waiting each time
    for the latest rule leads to the first moment that all of them allow.
    """
    against: dict[str, Reasons] = {}
    if facts.due_day and (over := _end_of_day(facts, facts.due_day)) > moment:
        against[DUE_DAY_NOT_OVER] = because(ReasonCode.DUE_DAY_NOT_OVER, due_on=facts.due_day)
        moment = over
    asked_for = facts.call_not_before if channel is Channel.CALL else None
    if asked_for and asked_for > moment:
        against[CALLBACK] = because(ReasonCode.CALLBACK_LATER)
        moment = asked_for.astimezone(UTC)
    free_from = moment
    lender_zone = ZoneInfo(facts.lender_zone)
    while True:
        on = moment.astimezone(lender_zone).date()
        if hold := active_hold(facts.holds, on):
            resumes = resumes_on(facts.holds, on)
            if resumes is None:
                return _until_known(ON_HOLD, ReasonCode.ON_HOLD_UNTIL_RELEASED, hold=hold.kind)
            free_from = moment = moment_of(resumes, time.min, facts.lender_zone)
            against.setdefault(ON_HOLD, because(ReasonCode.ON_HOLD, hold=hold.kind))
            continue
        in_force = tuple(_rules_in_force(facts, channel, moment))
        if (deferred := _deferred_without_rules(facts, channel, in_force)) is not None:
            return deferred
        blocking = _blocking_rules(facts, channel, moment, in_force)
        if not blocking:
            return _verdict_if_none_blocks(facts, channel, moment, in_force, against)
        last = _last_to_allow(blocking)
        if isinstance(last.allowed_from, Blocked):
            permission = Permission.BARRED if last.allowed_from.permanent else Permission.DEFERRED
            return Verdict(permission, (last.rule.id,), last.allowed_from.reason)
        moment = last.allowed_from
        for stop in blocking:
            known = against.get(stop.rule.id, ())
            against[stop.rule.id] = tuple(dict.fromkeys((*known, *stop.complaint)))
        if moment - free_from > HORIZON:
            if INCONVENIENT_TIME in against:
                return _if_times_end(facts, channel, moment, against)
            against[NEVER_TOGETHER] = because(ReasonCode.NO_COMMON_MOMENT)
            return Verdict(Permission.DEFERRED, tuple(against), _all(against), None)


def _if_times_end(
    facts: ContactFacts, channel: Channel, moment: datetime, against: dict[str, Reasons]
) -> Verdict:
    """The verdict where the times that the person called inconvenient leave nothing of the hours.

    The next one that ends by itself is waited for. If none does, the contact is barred, unless it
    is not lawful at any time without them either: then that is what has to be mended.
    """
    ends = [time.until for time in facts.inconvenient_times if time.until and time.until > moment]
    if ends:
        later = _first_lawful(facts, channel, min(ends).astimezone(UTC))
        if later.permission is Permission.ALLOWED:
            return Verdict(Permission.DEFERRED, tuple(against), _all(against), min(ends))
        if later.permission is Permission.BARRED or later.until is None:
            return later
        rules = tuple(dict.fromkeys((*against, *later.rules)))
        reason = tuple(dict.fromkeys((*_all(against), *later.reason)))
        return replace(later, rules=rules, reason=reason)
    without = _first_lawful(replace(facts, inconvenient_times=()), channel, moment)
    if without.permission is not Permission.ALLOWED and without.until is None:
        return without
    nothing_left = because(ReasonCode.NO_CONVENIENT_TIME, channel=channel)
    return Verdict(Permission.BARRED, (INCONVENIENT_TIME,), nothing_left)


def _rules_in_force(
    facts: ContactFacts, channel: Channel, moment: datetime
) -> Iterator[_RuleInZone]:
    """Every rule in force that applies to the contact, once for each zone."""
    # The court's channel reaches nobody in any zone, so the lender's date counts.
    for zone in facts.zones or (facts.lender_zone,):
        on = moment.astimezone(ZoneInfo(zone)).date()
        for pack in facts.packs:
            for rule in pack.rules_for(channel):
                # What only people can keep decides nothing, and is not recorded with each contact.
                if not isinstance(rule, ContactRule) or type(rule) is Conduct:
                    continue
                if rule.in_force(on) and rule.applies_to_contact(facts):
                    yield _RuleInZone(rule, zone)
        if channel is not Channel.LEGAL and KEPT_EVERYWHERE.applies_to_contact(facts):
            yield _RuleInZone(KEPT_EVERYWHERE, zone)


def _deferred_without_rules(
    facts: ContactFacts, channel: Channel, in_force: Sequence[_RuleInZone]
) -> Verdict | None:
    """Defers the contact where no rule gives the hours, or says anything about third parties."""
    if channel is Channel.LEGAL:
        return None
    if {bound_rule.zone for bound_rule in in_force if _gives_hours(bound_rule.rule)} != set(
        facts.zones
    ):
        return _until_known(NO_RULES, ReasonCode.NO_CONTACT_HOURS, channel=channel)
    if facts.party is Party.THIRD_PARTY and not any(
        isinstance(bound_rule.rule, ThirdPartyContact) for bound_rule in in_force
    ):
        return _until_known(NO_RULES, ReasonCode.NO_THIRD_PARTY_RULE)
    return None


def _gives_hours(rule: ContactRule) -> bool:
    return isinstance(rule, ContactHours) and rule.is_blocking and not (rule.place or rule.products)


def _blocking_rules(
    facts: ContactFacts, channel: Channel, moment: datetime, in_force: Sequence[_RuleInZone]
) -> list[_BlockingRule]:
    """The rules that stop the contact at that moment."""
    return [
        _BlockingRule(
            allowed_from,
            bound_rule.rule,
            bound_rule.rule.complaint(facts, channel, bound_rule.zone, moment),
        )
        for bound_rule in in_force
        if bound_rule.rule.is_blocking
        and (allowed_from := _allowed_from(facts, channel, moment, bound_rule)) != moment
    ]


def _allowed_from(
    facts: ContactFacts, channel: Channel, moment: datetime, bound_rule: _RuleInZone
) -> EarliestTime:
    """What the rule answers, but no moment after the last day on which it is in force."""
    rule, zone = bound_rule.rule, bound_rule.zone
    allowed_from = rule.earliest_time(facts, channel, zone, moment)
    if rule.effective_to is None or isinstance(allowed_from, Blocked):
        return allowed_from
    return min(allowed_from, moment_of(rule.effective_to, time.max, zone))


def _last_to_allow(blocking: Sequence[_BlockingRule]) -> _BlockingRule:
    """Of the rules that stop the contact, the one to wait for; a permanent one comes first."""

    def lateness(stop: _BlockingRule) -> tuple[bool, bool, datetime]:
        if isinstance(stop.allowed_from, Blocked):
            return True, stop.allowed_from.permanent, _NEVER
        return False, False, stop.allowed_from

    return max(blocking, key=lateness)


def _verdict_if_none_blocks(
    facts: ContactFacts,
    channel: Channel,
    moment: datetime,
    in_force: Sequence[_RuleInZone],
    against: dict[str, Reasons],
) -> Verdict:
    warnings = tuple(
        dict.fromkeys(
            bound_rule.rule.id
            for bound_rule in in_force
            if not bound_rule.rule.is_blocking
            and bound_rule.rule.earliest_time(facts, channel, bound_rule.zone, moment) != moment
        )
    )
    if against:
        return Verdict(Permission.DEFERRED, tuple(against), _all(against), moment, warnings)
    asked = tuple(dict.fromkeys(bound_rule.rule.id for bound_rule in in_force))
    return Verdict(Permission.ALLOWED, asked, because(ReasonCode.NO_RULE_FORBIDS), None, warnings)


def _end_of_day(facts: ContactFacts, day: date) -> datetime:
    """The moment, in UTC, at which a day is over in all of the borrower's zones."""
    zones = facts.zones or (facts.lender_zone,)
    return max(moment_of(day, time.max, zone) for zone in zones)


def _all(against: dict[str, Reasons]) -> Reasons:
    """The reasons of all these rules, each once."""
    return tuple(dict.fromkeys(reason for reasons in against.values() for reason in reasons))


def _until_known(rule: str, code: ReasonCode, **params: str) -> Verdict:
    return Verdict(Permission.DEFERRED, (rule,), because(code, **params), None)
