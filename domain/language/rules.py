"""What a legal rule asks, in sentences: one description for all languages."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC
from functools import reduce

from domain.compliance.answer_period import AnswerPeriod, Period
from domain.compliance.calendars import DayKind
from domain.compliance.conduct import Conduct
from domain.compliance.contact_hours import ContactHours, Hours
from domain.compliance.default_notice import DefaultNotice
from domain.compliance.fact_reach import FactReach
from domain.compliance.frequency_caps import CalendarUnit, Cap
from domain.compliance.hold_length import HoldLength
from domain.compliance.inconvenient_times import InconvenientTimes
from domain.compliance.limitation import Limitation, RunsFrom
from domain.compliance.message_content import MessageContent
from domain.compliance.money_cap import CapKind, MoneyCap
from domain.compliance.party_reach import PartyReach
from domain.compliance.permitted import Permitted
from domain.compliance.representatives import RepresentativeContact
from domain.compliance.retention import Retention
from domain.compliance.rules import Rule, RulePack, RuleStatus
from domain.compliance.suspension import LimitationSuspension
from domain.compliance.third_parties import ThirdPartyContact
from domain.compliance.validation_notice import ValidationNotice
from domain.compliance.visit_notice import VisitDuty
from domain.language.phrases import Phrase
from domain.language.render import Entry, Part, Value, part, render
from domain.language.speak import LANGUAGES

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def describe_rule(rule: Rule, language: str = "en") -> str:
    """What a rule asks, in a sentence without its article. `language` is one of `LANGUAGES`."""
    if isinstance(rule, Conduct):
        return rule.text_zh or rule.text if language == "zh" else rule.text
    if isinstance(rule, AnswerPeriod) and language == "zh":
        rule = replace(rule, turn_to=rule.turn_to_zh or rule.turn_to)
    return _said(_sentence(rule), language)


def rule_lines(rule: Rule, language: str) -> tuple[str, str, str]:
    """A rule as it is listed: its id, what it asks, and where that stands."""
    head = part(
        Phrase.RULE_HEAD,
        id=rule.id,
        strength=_strength(rule),
        about=_about(rule) if rule.channels else "",
    )
    until = part(Phrase.RULE_ONWARDS)
    if rule.effective_to:
        until = part(Phrase.RULE_UNTIL, effective_to=rule.effective_to)
    source = part(
        Phrase.RULE_SOURCE,
        cited=rule.source.citation,
        confidence=rule.source.confidence,
        review=part(Phrase.RULE_FOR_LAWYERS) if rule.source.needs_review else "",
        effective_from=rule.effective_from,
        until=until,
    )
    return (
        f"  {_said(head, language)}",
        f"      {describe_rule(rule, language)}",
        f"      {_said(source, language)}",
    )


def pack_heading(pack: RulePack, language: str) -> str:
    """The line above the rules of a pack."""
    heading = part(Phrase.RULES_OF_PACK, pack=pack.name, whose_law=pack.jurisdiction)
    return _said(heading, language)


def allocation_line(pack: RulePack, language: str) -> str:
    """What a payment pays first, as a pack with an `allocation` says."""
    agreed: Value = part(Phrase.RULE_UNLESS_AGREED_ORDER) if pack.allocation_unless_agreed else ""
    line = part(Phrase.RULE_ALLOCATION, component=tuple(pack.allocation), agreed=agreed)
    if (source := pack.allocation_source) is None:
        return _said(line, language)
    cited = part(
        Phrase.RULE_CITED,
        cited=source.citation,
        confidence=source.confidence,
        review=part(Phrase.RULE_FOR_LAWYERS) if source.needs_review else "",
    )
    return f"{_said(line, language)} {_said(cited, language)}"


def meanings(language: str) -> tuple[str, ...]:
    """What the words and the letters of a listing mean."""
    meant = (Phrase.RULE_STRENGTHS_MEAN, Phrase.RULE_LETTERS_MEAN)
    return tuple(_said(part(phrase), language) for phrase in meant)


def strength(rule: Rule, language: str = "en") -> str:
    """How strongly a rule speaks, in a word."""
    return _said(_strength(rule), language)


def _said(sentence: Part, language: str) -> str:
    return render([Entry(None, (sentence,))], LANGUAGES[language], UTC)[0].text


def _strength(rule: Rule) -> Part:
    if rule.status is RuleStatus.DRAFT:
        return part(Phrase.RULE_IS_DRAFT)
    return part(Phrase.RULE_IS, modality=rule.modality)


def _about(rule: Rule) -> Part:
    products: Value = ""
    if rule.products:
        products = part(Phrase.RULE_OF_PRODUCTS, products=tuple(sorted(rule.products)))
    bound: Value = ""
    if rule.applies_to:
        bound = part(Phrase.RULE_BINDS, bound=tuple(sorted(rule.applies_to)))
    return part(
        Phrase.RULE_ABOUT,
        rule_channel=tuple(sorted(rule.channels)),
        where=part(Phrase.RULE_AT, place=rule.place) if rule.place else "",
        products=products,
        bound=bound,
    )


def _sentence(rule: Rule) -> Part:
    match rule:
        case ContactHours():
            return part(
                Phrase.RULE_HOURS,
                hours=_in_turn(Phrase.RULE_MORE_HOURS, map(_hours, rule.hours)),
                unless=part(Phrase.RULE_UNLESS_AGREED) if rule.consent_frees else "",
            )
        case Cap():
            return _cap(rule)
        case MessageContent():
            return _content(rule)
        case VisitDuty():
            notice: Value = ""
            if rule.notice_days:
                notice = part(Phrase.RULE_VISIT_NOTICE, days=_days(rule.notice_days))
            one = part(Phrase.RULE_ONE_PERSON)
            people = one if rule.staff == 1 else part(Phrase.RULE_PEOPLE, people=rule.staff)
            return part(Phrase.RULE_VISIT, people=people, notice=notice)
        case ValidationNotice():
            return part(Phrase.RULE_VALIDATION_NOTICE, days=rule.within_days)
        case ThirdPartyContact():
            return _third_parties(rule)
        case Limitation():
            return _limitation(rule)
        case InconvenientTimes():
            return part(Phrase.RULE_INCONVENIENT)
        case Permitted():
            during = [part(Phrase.RULE_DURING_HOLD, hold=hold) for hold in sorted(rule.during)]
            during += [part(Phrase.RULE_ONE_OF, wish=wish) for wish in sorted(rule.wishes)]
            if not rule.who:
                purposes = _or("purpose", rule.purposes)
                return part(Phrase.RULE_PERMITTED, during=_or_parts(during), purposes=purposes)
            who = _or("acting", rule.who)
            if not rule.purposes:
                return part(Phrase.RULE_PERMITTED_WITH, during=_or_parts(during), who=who)
            return part(
                Phrase.RULE_PERMITTED_WITH_FOR,
                during=_or_parts(during),
                who=who,
                purposes=_or("purpose", rule.purposes),
            )
        case FactReach():
            return part(Phrase.RULE_FACT_REACHES, reaching_fact=rule.fact, reach=rule.scope)
        case Retention():
            years, months = divmod(rule.months, 12)
            kept = _counted(Phrase.RULE_MONTHS, rule.months) if months else None
            return part(
                Phrase.RULE_KEEP, retained=rule.of, kept=kept or _counted(Phrase.RULE_YEARS, years)
            )
        case LimitationSuspension():
            return _suspension(rule)
        case HoldLength():
            since = part(Phrase.RULE_AFTER_RELEASE) if rule.after_release else ""
            return part(Phrase.RULE_HOLD_LASTS, hold=rule.hold, since=since, days=_days(rule.days))
        case AnswerPeriod():
            return _answer_period(rule)
        case DefaultNotice():
            return part(Phrase.RULE_DEFAULT_NOTICE, days=_days(rule.days))
        case MoneyCap():
            return _money_cap(rule)
        case RepresentativeContact():
            return part(
                Phrase.RULE_REPRESENTATIVES_INSTEAD
                if rule.instead
                else Phrase.RULE_REPRESENTATIVES_NOBODY,
                who=_or("acting", rule.who),
            )
        case PartyReach():
            return part(
                Phrase.RULE_PARTY_REACHES if rule.reaches else Phrase.RULE_PARTY_REACHES_NOT,
                holds=_or("hold", rule.holds),
                of=_or("party", rule.of),
                to=_or("party", rule.to),
            )
    raise NotImplementedError(type(rule))


def _answer_period(rule: AnswerPeriod) -> Part:
    about: Value = ""
    if rule.about:
        about = part(Phrase.RULE_RAISED_ABOUT, kinds=_or("matter_kind", rule.about))
    asked: list[Part] = []
    if rule.acknowledge:
        asked.append(part(Phrase.RULE_ACKNOWLEDGED, period=_period(rule.acknowledge)))
    if rule.answer:
        extended: Value = ""
        if rule.extensions:
            periods = _in_turn(Phrase.RULE_THEN, map(_period, rule.extensions))
            extended = part(Phrase.RULE_EXTENDED, periods=periods)
        answered = part(Phrase.RULE_ANSWERED, period=_period(rule.answer), extended=extended)
        asked.append(answered)
    if rule.stops:
        asked.append(part(Phrase.RULE_MATTER_STOPS, stopped=rule.stops))
    if rule.turn_to:
        asked.append(part(Phrase.RULE_TURN_TO, turn_to=rule.turn_to))
    said = _in_turn(Phrase.RULE_MORE_HOURS, asked)
    return part(Phrase.RULE_RAISED, matter=rule.of, about=about, asked=said)


def _money_cap(rule: MoneyCap) -> Part:
    during: Value = ""
    if rule.during:
        during = part(Phrase.RULE_CAP_DURING, during=_or("suspends", rule.during))
    percent = f"{rule.at_most:f}"
    if rule.what is CapKind.YEARLY_COST_PERCENT:
        return part(Phrase.RULE_YEARLY_COST, percent=percent, during=during)
    if not rule.at_most:
        return part(Phrase.RULE_NO_PENAL_INTEREST, during=during)
    return part(Phrase.RULE_PENAL_INTEREST, percent=percent, during=during)


def _period(period: Period) -> Part:
    return part(Phrase.RULE_PERIOD, number=period.count, period_unit=period.unit)


def _in_turn(phrase: Phrase, parts: Iterable[Part]) -> Part:
    """All parts, each but the first joined to those before by `phrase`."""
    return reduce(lambda before, more: part(phrase, before=before, more=more), parts)


def _or(name: str, values: Iterable[str]) -> Part:
    return _or_parts([part(ONE_OF[name], **{name: value}) for value in sorted(values)])


def _or_parts(parts: Sequence[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    *before, last = parts
    listed = _in_turn(Phrase.RULE_LISTED, before)
    return part(Phrase.RULE_OR, before=listed, more=last)


def _counted(phrase: Phrase, number: int) -> Part:
    return part(phrase, number=number, unit_end="" if number == 1 else part(Phrase.RULE_MANY))


def _days(days: int) -> Part:
    return part(Phrase.RULE_ONE_DAY) if days == 1 else part(Phrase.RULE_DAYS, days=days)


def _hours(hours: Hours) -> Part:
    days = part(Phrase.RULE_ON, weekdays="every_day")
    if len(hours.weekdays) < len(WEEK):
        days = part(Phrase.RULE_ON, weekdays=tuple(WEEK[day] for day in sorted(hours.weekdays)))
    if len(hours.kinds) == 1:
        days = part(Phrase.RULE_ON_DAYS, day_kind=next(iter(hours.kinds)))
    elif DayKind.HOLIDAY not in hours.kinds:
        days = part(Phrase.RULE_NOT_ON_HOLIDAYS, days=days)
    end = "24:00" if hours.end.microsecond else f"{hours.end:%H:%M}"
    return part(Phrase.RULE_FROM_TO, starts=f"{hours.start:%H:%M}", ends=end, days=days)


def _cap(rule: Cap) -> Part:
    within: Value = part(Phrase.RULE_IN_UNIT, window=rule.window)
    if not isinstance(rule.window, CalendarUnit):
        within = part(Phrase.RULE_IN_A_ROW, days=rule.window.days)
        if rule.window.days == 1:
            within = part(Phrase.RULE_ONE_DAY)
    conditions = [
        part(Phrase.RULE_COUNTS_THIRD_PARTIES) if rule.counts_third_parties else "",
        part(Phrase.RULE_COUNTS_INBOUND) if rule.counts_inbound else "",
        part(Phrase.RULE_IGNORES, outcomes=_or("outcome", rule.ignores)) if rule.ignores else "",
        part(Phrase.RULE_CONSENT_DAYS, days=rule.consent_days) if rule.consent_days else "",
    ]
    third_parties, inbound, ignores, consent = conditions
    return part(
        Phrase.RULE_CAP,
        at_most=rule.at_most,
        counted=rule.counter if rule.at_most == 1 else f"{rule.counter}_many",
        rule_channel=tuple(sorted(rule.counts)),
        within=within,
        scope=rule.scope,
        third_parties=third_parties,
        inbound=inbound,
        ignores=ignores,
        consent=consent,
    )


def _limitation(rule: Limitation) -> Part:
    each = rule.runs_from is RunsFrom.EACH_INSTALMENT
    outer: Value = ""
    if rule.outer_years:
        outer = part(Phrase.RULE_OUTER_LIMIT, years=rule.outer_years)
    revived: Value = ""
    if rule.revived_by:
        revived = part(Phrase.RULE_REVIVED, interrupts=_or("interrupts", rule.revived_by))
    interrupted: Value = ""
    if rule.interrupted_by:
        events = _or("interrupts", rule.interrupted_by)
        interrupted = part(Phrase.RULE_INTERRUPTED, interrupts=events)
    return part(
        Phrase.RULE_LIMITATION,
        years=rule.years,
        since=part(Phrase.RULE_EACH_INSTALMENT if each else Phrase.RULE_LAST_INSTALMENT),
        interrupted=interrupted,
        revived=revived,
        outer=outer,
        rest_day=part(Phrase.RULE_MOVES_FROM_REST_DAY) if rule.moves_from_rest_day else "",
        each_debtor=part(Phrase.RULE_EACH_DEBTOR) if rule.each_debtor else "",
        end=part(Phrase.RULE_DEBT_ENDS) if rule.extinguishes else "",
    )


def _suspension(rule: LimitationSuspension) -> Part:
    during = _or("suspends", rule.during)
    months, weeks = rule.ends_after_months, rule.ends_after_weeks
    if months is None and weeks is None:
        return part(Phrase.RULE_SUSPENDED, during=during)
    when = part(Phrase.RULE_AT_ITS_END)
    if rule.in_last_months:
        when = part(Phrase.RULE_IN_LAST_MONTHS, months=rule.in_last_months)
    after = _counted(Phrase.RULE_MONTHS, months) if months else None
    return part(
        Phrase.RULE_ENDS_LATER,
        during=during,
        when=when,
        after=after or _counted(Phrase.RULE_WEEKS, weeks or 0),
    )


def _third_parties(rule: ThirdPartyContact) -> Part:
    if rule.when_unreachable:
        on: Value = ""
        if rule.failed_days > 1:
            on = part(Phrase.RULE_ON_SEVERAL_DAYS, days=rule.failed_days)
        return part(Phrase.RULE_OTHERS_IF_UNREACHABLE, failures=rule.failures, on=on)
    if rule.to_locate:
        channels = tuple(sorted(rule.to_locate))
        return part(Phrase.RULE_OTHERS_ONCE, rule_channel=channels)
    return part(Phrase.RULE_ONLY_BORROWER)


def _content(rule: MessageContent) -> Part:
    must: Value = ""
    if rule.must_say:
        must = part(Phrase.RULE_MUST_SAY, contents=_and(rule.must_say))
    never: Value = ""
    if rule.must_not_say:
        never = part(Phrase.RULE_MUST_NOT_SAY, contents=_and(rule.must_not_say))
    asked = part(Phrase.RULE_BOTH, before=must, more=never) if must and never else must or never
    to = part(Phrase.RULE_TO_PARTY, addressee=rule.to) if rule.to else ""
    return part(Phrase.RULE_MESSAGE, to=to, asked=asked)


def _and(contents: Iterable[str]) -> Part:
    said = (part(Phrase.RULE_CONTENT, content=content) for content in sorted(contents))
    return _in_turn(Phrase.RULE_AND, said)


ONE_OF = {
    "hold": Phrase.RULE_ONE_HOLD,
    "matter_kind": Phrase.RULE_ONE_MATTER_KIND,
    "interrupts": Phrase.RULE_ONE_EVENT,
    "outcome": Phrase.RULE_ONE_OUTCOME,
    "party": Phrase.RULE_ONE_PARTY,
    "acting": Phrase.RULE_ONE_ACTING,
    "purpose": Phrase.RULE_ONE_PURPOSE,
    "suspends": Phrase.RULE_ONE_SUSPENSION,
}
"""By the name of a value that stands in a list, the phrase that is its word."""
