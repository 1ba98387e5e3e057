"""`arrears rules`: what the law asks of contacts, as it is loaded, rule by rule."""

from collections.abc import Iterable
from typing import Annotated

import typer

from config.readers.rule_packs import describe_source
from domain.compliance.calendars import DayKind
from domain.compliance.conduct import Conduct
from domain.compliance.contact_hours import ContactHours, Hours
from domain.compliance.fact_reach import FactReach, ReachingFact
from domain.compliance.frequency_caps import Cap, Counter, Scope
from domain.compliance.hold_length import HoldLength
from domain.compliance.inconvenient_times import InconvenientTimes
from domain.compliance.limitation import Limitation, RunsFrom
from domain.compliance.message_content import MessageContent
from domain.compliance.party_reach import PartyReach
from domain.compliance.permitted import Permitted
from domain.compliance.retention import Retention
from domain.compliance.rules import Rule, RulePack, RuleStatus, packs_for
from domain.compliance.suspension import LimitationSuspension
from domain.compliance.third_parties import ThirdPartyContact
from domain.compliance.validation_notice import ValidationNotice
from domain.compliance.visit_notice import VisitDuty
from domain.compliance.vocabulary import Place, Purpose, Says
from domain.errors import ArrearsError
from domain.language.speak import LANGUAGES
from domain.persons import PersonFact
from workers.cli import rules_zh
from workers.cli.common import AsJson
from workers.cli.language import Language, language_of_environment
from workers.cli.policy import read_policy
from workers.cli.render import print_json, print_lines

WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
COUNTED = {
    Counter.ATTEMPT: "attempt",
    Counter.CONNECTED: "conversation",
    Counter.UNANSWERED: "unanswered attempt",
}
SCOPED = {
    Scope.PERSON: "over all loans of a person",
    Scope.DEBT: "for each debt",
    Scope.NUMBER: "at one number",
}
PURPOSES = {
    Purpose.COLLECT: "to collect",
    Purpose.LOCATE: "to ask where the borrower is",
    Purpose.ANSWER: "to answer a question or a complaint",
    Purpose.REQUESTED: "at the person's request",
    Purpose.NOTICE: "to give a notice that a law requires",
}
FACTS = {
    ReachingFact.CEASED: "A request to cease contact",
    ReachingFact.REPRESENTED: "That somebody acts for the person",
    ReachingFact.INSOLVENCY: "Insolvency",
    ReachingFact.OPTED_OUT: "An opt-out from texts",
}
WISHED = {
    PersonFact.CEASED: "a request to cease contact",
    PersonFact.INCONVENIENT_TIME: "a time that the person called inconvenient",
}
REACHES = {
    Scope.PERSON: "for all debts of the person",
    Scope.DEBT: "for that debt",
    Scope.NUMBER: "for that number, whoever has it",
}
SAID = {
    Says.IDENTITY: "who the lender is",
    Says.OPT_OUT: "how to stop further messages",
    Says.REPLY: "how to answer",
    Says.DEBT: "that there is a debt",
    Says.LEGAL_CONSEQUENCES: "that legal action may follow",
}
PLACES = {
    None: "",
    Place.WORK: " at work",
    Place.ELSEWHERE: " elsewhere than at home or on their mobile",
}
KINDS_OF_DAY = {
    DayKind.WORKING: "working days",
    DayKind.REST: "days of rest",
    DayKind.HOLIDAY: "public holidays",
}

Jurisdiction = Annotated[
    str | None, typer.Argument(help="Such as CN or US-MA; every pack if left out.")
]


def rules(
    jurisdiction: Jurisdiction = None, language: Language = None, as_json: AsJson = False
) -> None:
    """Show every rule that is loaded: what it requires, how strongly, and its article.

    It is an input for engineers and not legal advice: a lawyer must review what is marked so.
    """
    _, policy = read_policy()
    packs = policy.rule_packs
    shown = packs_for(packs, jurisdiction.upper()) if jurisdiction else packs
    if not any(pack.is_law for pack in shown):
        known = ", ".join(sorted(pack.jurisdiction for pack in packs if pack.is_law))
        raise ArrearsError(
            f"No rule pack is known for {jurisdiction}, so nobody there is contacted. "
            f"Known: {known}."
        )
    if as_json:
        print_json([_plain(pack, rule) for pack in shown for rule in pack.rules])
        return
    if (language or language_of_environment()) == "zh":
        _print_chinese(shown)
        return
    for pack in shown:
        print_lines(f"{pack.name}, for {pack.jurisdiction}", style="bold")
        for rule in pack.rules:
            print_lines(*_lines(rule))
    print_lines(
        "Binding: a contact against it is not made. Presumed: a contact against it is not made "
        "either; it counts as a violation unless the lender proves otherwise. Advisory: the "
        "contact is made, and a warning is recorded.",
        "V: the primary text was read; S*: a secondary source quotes it; S: a secondary source; "
        "G: general knowledge; L: the lender's own limit. This is not legal advice.",
    )


def _print_chinese(packs: Iterable[RulePack]) -> None:
    for pack in packs:
        print_lines(f"{pack.name}，适用：{pack.jurisdiction}", style="bold")
        for rule in pack.rules:
            print_lines(*rules_zh.lines(rule, strength(rule, "zh")))
    print_lines(*rules_zh.MEANINGS)


def describe_rule(rule: Rule) -> str:
    """What a rule asks, in a sentence without its article."""
    match rule:
        case ContactHours():
            unless = ", unless the person agreed to other hours" if rule.consent_frees else ""
            return "Contact only " + "; ".join(map(_hours, rule.hours)) + unless + "."
        case Cap():
            return _cap(rule)
        case MessageContent():
            return _content(rule)
        case VisitDuty():
            notice = ""
            if rule.notice_days:
                notice = f", {_times(rule.notice_days, 'day')} after its notice"
            people = "1 person" if rule.staff == 1 else f"{rule.staff} people"
            return f"A visit by {people} at least{notice}."
        case ValidationNotice():
            return (
                f"A written notice of the debt within {rule.within_days} days of the first contact."
            )
        case ThirdPartyContact():
            return _third_parties(rule)
        case Limitation():
            since = "each instalment" if rule.runs_from is RunsFrom.EACH_INSTALMENT else "the last"
            end = " The debt then ends." if rule.extinguishes else ""
            if rule.outer_years:
                end += f" Never later than {rule.outer_years} years, whatever starts it again."
            if rule.each_debtor:
                end += " What one debtor does starts it again against that one only."
            return f"No suit, and no word of one, later than {rule.years} years from {since}.{end}"
        case Conduct():
            return rule.text
        case InconvenientTimes():
            return "No contact at a time that the person called inconvenient."
        case Permitted():
            during = [f"a hold ({_plain_word(hold)})" for hold in sorted(rule.during)]
            during += [WISHED[wish] for wish in sorted(rule.wishes)]
            purposes = " or ".join(PURPOSES[purpose] for purpose in sorted(rule.purposes))
            return f"During {' or '.join(during)}, contact is still permitted {purposes}."
        case FactReach():
            return f"{FACTS[rule.fact]} counts {REACHES[rule.scope]}."
        case Retention():
            years, months = divmod(rule.months, 12)
            kept = _times(months, "month") if months else _times(years, "year")
            return f"Keep {rule.of} for {kept} after the last activity."
        case LimitationSuspension():
            return _suspension(rule)
        case HoldLength():
            lasts = _times(rule.days, "day")
            return f"A hold ({_plain_word(rule.hold)}) lasts {lasts} where no end is named."
        case PartyReach():
            holds = " or ".join(_plain_word(hold) for hold in sorted(rule.holds))
            of, to = (
                " or ".join(_plain_word(party) for party in sorted(some))
                for some in (rule.of, rule.to)
            )
            stops = "stops" if rule.reaches else "does not stop"
            return f"A hold ({holds}) of a {of} {stops} contact with a {to} of the same loan."
    raise NotImplementedError(type(rule))


def _suspension(rule: LimitationSuspension) -> str:
    what = " or ".join(_plain_word(kind) for kind in sorted(rule.during))
    months, weeks = rule.ends_after_months, rule.ends_after_weeks
    if months is None and weeks is None:
        return f"The days of it do not count for the time to sue: {what}."
    when = f" in the last {rule.in_last_months} months" if rule.in_last_months else " at its end"
    after = _times(months, "month") if months else _times(weeks or 0, "week")
    return f"The time to sue ends no earlier than {after} after what suspends it{when}: {what}."


def _hours(hours: Hours) -> str:
    end = "24:00" if hours.end.microsecond else f"{hours.end:%H:%M}"
    days = "every day"
    if len(hours.weekdays) < len(WEEK):
        days = " ".join(WEEK[day] for day in sorted(hours.weekdays))
    if len(hours.kinds) == 1:
        days = KINDS_OF_DAY[next(iter(hours.kinds))]
    elif DayKind.HOLIDAY not in hours.kinds:
        days += " but public holidays"
    return f"{hours.start:%H:%M}-{end} ({days})"


def _cap(rule: Cap) -> str:
    counted = "/".join(sorted(rule.counts))
    sentence = (
        f"At most {_times(rule.at_most, COUNTED[rule.counter])} ({counted}) within {rule.within}, "
        f"{SCOPED[rule.scope]}"
    )
    if rule.counts_third_parties:
        sentence += ", third parties included"
    if rule.counts_inbound:
        sentence += "; those that the person began count"
    if rule.ignores:
        ends = " or ".join(map(_plain_word, sorted(rule.ignores)))
        sentence += f"; attempts that end as {ends} do not count"
    if rule.consent_days:
        sentence += f"; the person's consent frees from it for {rule.consent_days} days"
    return sentence + "."


def _plain_word(code: str) -> str:
    return code.replace("_", " ")


def _times(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _third_parties(rule: ThirdPartyContact) -> str:
    if rule.when_unreachable:
        failed = f"{rule.failures} calls in a row failed"
        if rule.failed_days > 1:
            failed += f" on {rule.failed_days} days"
        return f"Others only when the number is invalid or {failed}."
    if rule.to_locate:
        return (
            f"Nobody but the borrower; others once ({', '.join(sorted(rule.to_locate))}), to ask "
            "where the borrower can be reached."
        )
    return "Nobody but the borrower."


def _content(rule: MessageContent) -> str:
    must = f"must say {_said(rule.must_say)}" if rule.must_say else ""
    must_not = f"must not say {_said(rule.must_not_say)}" if rule.must_not_say else ""
    to = f" to a {rule.to.replace('_', ' ')}" if rule.to else ""
    return f"A message{to} {' and '.join(filter(None, (must, must_not)))}."


def _said(contents: Iterable[Says]) -> str:
    return " and ".join(SAID[content] for content in sorted(contents))


def strength(rule: Rule, language: str = "en") -> str:
    """How strongly a rule speaks, in a word."""
    if rule.status is RuleStatus.DRAFT:
        return "draft: not applied"
    return LANGUAGES[language].words["modality"][rule.modality]


def _lines(rule: Rule) -> tuple[str, str, str]:
    channels = ", ".join(sorted(rule.channels)) + PLACES[rule.place]
    of_products = f", of {', '.join(sorted(rule.products))}" if rule.products else ""
    bound = f", binds {', '.join(sorted(rule.applies_to))}" if rule.applies_to else ""
    of = f" ({channels}{of_products}{bound})" if rule.channels else ""
    until = f"until {rule.effective_to}" if rule.effective_to else "on"
    return (
        f"  {rule.id} — {strength(rule)}{of}",
        f"      {describe_rule(rule)}",
        f"      {describe_source(rule.source)}; from {rule.effective_from} {until}",
    )


def _plain(pack: RulePack, rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "pack": pack.name,
        "jurisdiction": pack.jurisdiction,
        "asks": describe_rule(rule),
        "channels": sorted(rule.channels),
        "place": rule.place,
        "products": sorted(rule.products),
        "replaces": sorted(rule.replaces),
        "applies_to": sorted(rule.applies_to),
        "modality": rule.modality,
        "status": rule.status,
        "effective_from": rule.effective_from.isoformat(),
        "effective_to": rule.effective_to.isoformat() if rule.effective_to else None,
        "citation": rule.source.citation,
        "confidence": rule.source.confidence,
        "review_needed": rule.source.needs_review,
    }
