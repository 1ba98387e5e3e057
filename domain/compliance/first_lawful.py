"""The first moment at which no hold and no rule forbids a contact."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.compliance.conduct import Conduct
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_hours import ContactHours, moment_of
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.inconvenient_times import (
    INCONVENIENT_TIME,
    KEPT_EVERYWHERE,
)
from domain.compliance.third_parties import ThirdPartyContact
from domain.compliance.verdict import (
    CALLBACK,
    DUE_DAY_NOT_OVER,
    LEFT_ALONE,
    NEVER_TOGETHER,
    NO_RULES,
    ON_HOLD,
    Permission,
    Verdict,
    until_known,
)
from domain.compliance.vocabulary import Channel, Party
from domain.holds import active_hold, resumes_on
from domain.reasons import Reason, ReasonCode, Reasons, because

_NEVER = datetime.max.replace(tzinfo=UTC)

HORIZON = timedelta(days=70)
"""Two full months and some days. If no moment within it is lawful, no later moment will be."""


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


class _Against:
    """What stops a contact: first at the moment that is asked about, then at later ones."""

    def __init__(self, asked_about: datetime) -> None:
        self._asked_about = asked_about
        self._rules: dict[str, None] = {}
        self._at_once: dict[Reason, None] = {}
        self._later: dict[Reason, None] = {}

    def add(self, rule: str, complaint: Reasons, moment: datetime) -> None:
        self._rules.setdefault(rule)
        kept = self._at_once if moment == self._asked_about else self._later
        kept.update(dict.fromkeys(each for each in complaint if each not in self._at_once))

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(self._rules)

    @property
    def reason(self) -> Reasons:
        """The reasons, each once. Those of a later moment are said to be: the hours may allow the
        moment that is asked about, and not the one at which a hold ends."""
        if not (self._at_once and self._later):
            return (*self._at_once, *self._later)
        return (*self._at_once, *because(ReasonCode.WHEN_THAT_IS_OVER), *self._later)


def first_lawful(facts: ContactFacts, channel: Channel, moment: datetime) -> Verdict:
    """Move `moment` forwards, past each hold and each rule, until nothing forbids it.

    A rule that is asked about a later moment never gives an earlier answer. So waiting each time
    for the latest rule leads to the first moment that all of them allow.
    """
    against = _Against(moment)
    if facts.due_day and (over := _end_of_day(facts, facts.due_day)) > moment:
        not_over = because(ReasonCode.DUE_DAY_NOT_OVER, due_on=facts.due_day)
        against.add(DUE_DAY_NOT_OVER, not_over, moment)
        moment = over
    asked_for = facts.call_not_before if channel is Channel.CALL else None
    if asked_for and asked_for > moment:
        against.add(CALLBACK, because(ReasonCode.CALLBACK_LATER), moment)
        moment = asked_for.astimezone(UTC)
    reaches = channel is not Channel.LEGAL and not (asked_for and facts.call_again_today)
    alone = facts.left_alone_until if reaches else None
    if alone and alone > moment:
        against.add(LEFT_ALONE, because(ReasonCode.LEFT_ALONE_TODAY), moment)
        moment = alone.astimezone(UTC)
    free_from = moment
    lender_zone = ZoneInfo(facts.lender_zone)
    while True:
        on = moment.astimezone(lender_zone).date()
        if hold := active_hold(facts.holds, on):
            resumes = resumes_on(facts.holds, on)
            if resumes is None:
                return until_known(ON_HOLD, ReasonCode.ON_HOLD_UNTIL_RELEASED, hold=hold.kind)
            against.add(ON_HOLD, because(ReasonCode.ON_HOLD, hold=hold.kind), moment)
            free_from = moment = moment_of(resumes, time.min, facts.lender_zone)
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
        for stop in blocking:
            against.add(stop.rule.id, stop.complaint, moment)
        moment = last.allowed_from
        if moment - free_from > HORIZON:
            if INCONVENIENT_TIME in against.rules:
                return _if_times_end(facts, channel, moment, against)
            reason = against.reason + because(ReasonCode.NO_COMMON_MOMENT)
            return Verdict(Permission.DEFERRED, (*against.rules, NEVER_TOGETHER), reason, None)


def _if_times_end(
    facts: ContactFacts, channel: Channel, moment: datetime, against: _Against
) -> Verdict:
    """The verdict where the times that the person called inconvenient leave nothing of the hours.

    If one of these times has an end, the contact waits for the next end. If none has, the contact
    is barred. But where the law leaves no hour even without them, that is the reason given.
    """
    ends = [time.until for time in facts.inconvenient_times if time.until and time.until > moment]
    if ends:
        later = first_lawful(facts, channel, min(ends).astimezone(UTC))
        if later.permission is Permission.ALLOWED:
            return Verdict(Permission.DEFERRED, against.rules, against.reason, min(ends))
        if later.permission is Permission.BARRED or later.until is None:
            return later
        rules = tuple(dict.fromkeys((*against.rules, *later.rules)))
        reason = tuple(dict.fromkeys((*against.reason, *later.reason)))
        return replace(later, rules=rules, reason=reason)
    without = first_lawful(replace(facts, inconvenient_times=()), channel, moment)
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
        return until_known(NO_RULES, ReasonCode.NO_CONTACT_HOURS, channel=channel)
    if facts.party is Party.THIRD_PARTY and not any(
        isinstance(bound_rule.rule, ThirdPartyContact) for bound_rule in in_force
    ):
        return until_known(NO_RULES, ReasonCode.NO_THIRD_PARTY_RULE)
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
    against: _Against,
) -> Verdict:
    warnings = tuple(
        dict.fromkeys(
            bound_rule.rule.id
            for bound_rule in in_force
            if not bound_rule.rule.is_blocking
            and bound_rule.rule.earliest_time(facts, channel, bound_rule.zone, moment) != moment
        )
    )
    if against.rules:
        return Verdict(Permission.DEFERRED, against.rules, against.reason, moment, warnings)
    asked = tuple(dict.fromkeys(bound_rule.rule.id for bound_rule in in_force))
    return Verdict(Permission.ALLOWED, asked, because(ReasonCode.NO_RULE_FORBIDS), None, warnings)


def _end_of_day(facts: ContactFacts, day: date) -> datetime:
    """The moment, in UTC, at which a day is over in all of the borrower's zones."""
    zones = facts.zones or (facts.lender_zone,)
    return max(moment_of(day, time.max, zone) for zone in zones)
