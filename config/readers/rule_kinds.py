"""The kinds of rule that a pack may contain, and the keys of each kind in YAML."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from functools import partial
from typing import Any, TypeAlias

from config.readers.yaml_reader import Section, Value, W, as_shown
from domain.compliance.answer_period import STOPS, AnswerPeriod, Period, PeriodUnit, Stops
from domain.compliance.calendars import DayKind
from domain.compliance.conduct import Conduct
from domain.compliance.contact_hours import ContactHours, Hours, overlapping
from domain.compliance.default_notice import DefaultNotice
from domain.compliance.fact_reach import FactReach, ReachingFact
from domain.compliance.frequency_caps import (
    LONGEST_WINDOW,
    CalendarUnit,
    Cap,
    ConsecutiveDays,
    Counter,
    Scope,
    Window,
)
from domain.compliance.hold_length import HoldFrom, HoldLength
from domain.compliance.inconvenient_times import InconvenientTimes
from domain.compliance.limitation import Limitation, RunsFrom
from domain.compliance.message_content import MessageContent
from domain.compliance.money_cap import OF_LAW, MoneyCap
from domain.compliance.party_reach import PartyReach
from domain.compliance.permitted import Permitted
from domain.compliance.representatives import RepresentativeContact
from domain.compliance.retention import RetainedKind, Retention
from domain.compliance.rules import Rule
from domain.compliance.suspension import LimitationSuspension
from domain.compliance.third_parties import ThirdPartyContact
from domain.compliance.validation_notice import ValidationNotice
from domain.compliance.visit_notice import VisitDuty
from domain.compliance.vocabulary import Channel, Interrupts, Party, Purpose, Says, Suspends
from domain.contact_outcomes import ContactOutcome
from domain.disputes import KINDS, ComplaintKind, DisputeKind, Matter
from domain.errors import either, text_of
from domain.holds import HoldKind
from domain.ladder import DueOnRestDay
from domain.parties import ROLES, RepresentativeKind
from domain.persons import PersonFact

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY, HOLIDAYS, CLOSED = "every_day", "holidays", "closed"
KINDS_OF_DAY = {
    "working_days": frozenset({DayKind.WORKING}),
    "rest_days": frozenset({DayKind.REST}),
}
ALL_DAYS = frozenset(range(len(WEEK)))
CLOCK = re.compile(r"(\d{2}:\d{2})-(\d{2}:\d{2})")
CONSECUTIVE = re.compile(r"(\d{1,2}) consecutive days")
PERIOD = re.compile(r"([1-9]\d{0,3}) (hours?|days?|working days?|weeks?)")
CALENDAR = re.compile(r"calendar (day|week|month)")
BARRED, EXTINGUISHED = "barred", "extinguished"
"""What becomes of a debt after the time to sue for it."""
ALL, OWN = "all", "own"
"""Against whom the time starts again by what one of several debtors does."""
MONTHS = 12
FREES = "frees"
WISHES = (PersonFact.CEASED, PersonFact.INCONVENIENT_TIME)
"""What a person asks for and a law may permit a contact in spite of."""
INSTEAD, NOBODY = "instead", "nobody"
"""Whether who acts for a person is contacted instead of them."""
REACHES, STAYS = "over", "nobody_else"
"""How far a hold of one party of a loan reaches."""
COUNT = "count"
"""Whom else a cap counts."""
NEVER, BORROWER_UNREACHABLE = "never", "borrower_unreachable"
"""When anybody but the borrower may be contacted."""

Read: TypeAlias = Callable[[Value], Any]
"""Converts the value of a key to the value of the rule."""


def one_of(words: Iterable[W]) -> Callable[[Value], W]:
    """Reads one word of a closed vocabulary."""
    return partial(Value.word, words=words)


def some_of(words: Iterable[W]) -> Callable[[Value], frozenset[W]]:
    """Reads a list of words of a closed vocabulary."""
    return lambda value: frozenset(value.entries(one_of(words)))


def at_least(lowest: int) -> Callable[[Value], int]:
    """Reads a whole number."""
    return partial(Value.whole, at_least=lowest)


def read_hours(value: Value) -> tuple[Hours, ...]:
    """Hours such as `{mon-fri: "08:00-20:00", holidays: closed}`, each day at most once.

    Days are those of the week, or `working_days` and `rest_days` of the country's calendar.
    `holidays` are its public holidays; without that key they are days like others.
    """
    pairs = value.pairs()
    on_holidays = pairs.pop(HOLIDAYS, None)
    apart = frozenset(DayKind) - ({DayKind.HOLIDAY} if on_holidays else set())
    hours: list[Hours] = []
    for days, clock in pairs.items():
        kinds = KINDS_OF_DAY.get(days)
        weekdays = ALL_DAYS if kinds else _read_weekdays(days, clock)
        hours.append(Hours(weekdays, *_read_clock(clock), kinds or apart))
        if overlapping(hours):
            raise clock.refuse(
                "{days} has a day that a line above has too.",
                "Name each day of the week once.",
                days=as_shown(days),
            )
    if not hours:
        raise value.refuse("`hours` names no day.", 'Write hours: {every_day: "08:00-21:00"}.')
    if on_holidays and on_holidays.text() != CLOSED:
        clock_on_holidays = _read_clock(on_holidays)
        hours.append(Hours(ALL_DAYS, *clock_on_holidays, frozenset({DayKind.HOLIDAY})))
    return tuple(hours)


def _read_weekdays(days: str, value: Value) -> frozenset[int]:
    if days == EVERY_DAY:
        return ALL_DAYS
    first, _, last = days.partition("-")
    last = last or first
    if first not in WEEK or last not in WEEK or WEEK.index(last) < WEEK.index(first):
        raise value.refuse(
            "{days} is not days of the week.",
            "Write every_day, a day such as sat, or days in order such as mon-fri.",
            days=as_shown(days),
        )
    return frozenset(range(WEEK.index(first), WEEK.index(last) + 1))


def _read_clock(value: Value) -> tuple[time, time]:
    """From and until, in local time; 24:00 is the midnight that ends the day."""
    instead = "Write from and until on one day, such as 08:00-22:00 or 09:00-24:00."
    opens, closes = value.matching(CLOCK, instead).groups()
    try:
        start = time.fromisoformat(opens)
        end = time.max if closes == "24:00" else time.fromisoformat(closes)
    except ValueError:
        raise value.wrong(instead) from None
    if end <= start:
        raise value.refuse(
            "`{key}` is {shown}, which ends before it begins.",
            instead,
            key=value.key,
            shown=value.shown,
        )
    return start, end


def _read_window(value: Value) -> Window:
    if match := CALENDAR.fullmatch(value.text()):
        return CalendarUnit(match[1])
    instead = text_of(
        "Write calendar day, calendar week, calendar month, or so many consecutive days up to "
        "{longest}, such as 7 consecutive days.",
        longest=LONGEST_WINDOW,
    )
    days = int(value.matching(CONSECUTIVE, instead)[1])
    if not 1 <= days <= LONGEST_WINDOW:
        raise value.wrong(instead)
    return ConsecutiveDays(days)


def read_period(value: Value) -> Period:
    """A period such as `24 hours`, `15 days`, `3 working days` or `8 weeks`."""
    instead = "Write so many hours, days, working days or weeks, such as 15 days."
    count, unit = value.matching(PERIOD, instead).groups()
    return Period(int(count), PeriodUnit(unit.removesuffix("s") + "s"))


def _answer_period(section: Section, values: dict[str, Any]) -> None:
    of: Matter = values["of"]
    values["about"] = frozenset(map(str, values.pop("about", ())))
    if values["about"] - {*map(str, KINDS[of])}:
        raise section.value.refuse(
            "about: names a kind that no {of} has.",
            "Write some of {kinds}.",
            of=of,
            kinds=", ".join(KINDS[of]),
        )
    if "stops" in values and values["stops"] not in STOPS[of]:
        raise section.value.refuse(
            "A {of} cannot stop {stops}.",
            "Write {may}, or leave stops: out.",
            of=of,
            stops=values["stops"],
            may=either(STOPS[of]),
        )
    if "extensions" in values and "answer" not in values:
        section.need("answer")
    if "turn_to_zh" in values and "turn_to" not in values:
        section.need("turn_to")
    if not {"acknowledge", "answer", "stops", "turn_to"} & set(values):
        raise section.value.refuse(
            "The rule asks for nothing.", "Write acknowledge:, answer:, stops: or turn_to:."
        )


def _count_channels(section: Section, values: dict[str, Any]) -> None:
    if "counts" not in values:
        values["counts"] = some_of(Channel)(section.need("channels"))
    values["counts_inbound"] = bool(values.pop("inbound", ""))
    values["counts_third_parties"] = bool(values.pop("third_parties", ""))


def _need_a_statement(section: Section, values: dict[str, Any]) -> None:
    if not {"must_say", "must_not_say"} & set(values):
        raise section.value.refuse(
            "The rule says nothing of the message.", "Write must_say: or must_not_say:."
        )


def _third_parties(section: Section, values: dict[str, Any]) -> None:
    if "days" in values:
        values["failed_days"] = values.pop("days")
    values["when_unreachable"] = values.pop("when") == BORROWER_UNREACHABLE
    if not values["when_unreachable"]:
        values.pop("failures", None)
        values.pop("failed_days", None)
    elif "failures" not in values:
        section.need("failures")


def _limitation(section: Section, values: dict[str, Any]) -> None:
    values["extinguishes"] = values.pop("after", BARRED) == EXTINGUISHED
    values["each_debtor"] = values.pop("debtors", ALL) == OWN
    ends = values.pop("ends_on_rest_day", DueOnRestDay.AS_WRITTEN)
    values["moves_from_rest_day"] = ends is DueOnRestDay.NEXT_WORKING_DAY


def _suspension(section: Section, values: dict[str, Any]) -> None:
    ends_after = {"ends_after_months", "ends_after_weeks"} & set(values)
    if len(ends_after) > 1:
        raise section.value.refuse(
            "The rule says twice when the time ends.",
            "Write ends_after_months: or ends_after_weeks:, not both.",
        )
    if "in_last_months" in values and not ends_after:
        raise section.value.refuse(
            "in_last_months: says in which months a suspension counts, but not when the time ends.",
            "Write ends_after_months: or ends_after_weeks: too.",
        )


def _retention(section: Section, values: dict[str, Any]) -> None:
    years, months = values.pop("years", None), values.get("months")
    if (years is None) == (months is None):
        raise section.value.refuse(
            "The rule must say how long, and once.", "Write years: or months:, not both."
        )
    values["months"] = months or years * MONTHS


def _consent_to_hours(section: Section, values: dict[str, Any]) -> None:
    values["consent_frees"] = bool(values.pop("consent", ""))


def _permitted(section: Section, values: dict[str, Any]) -> None:
    if not values.get("purposes") and not values.get("who"):
        raise section.value.refuse(
            "The rule must say which contacts are permitted.",
            "Write purposes:, or who: if somebody who acts for the person may be contacted.",
        )
    stops = values.pop("during")
    values["wishes"] = frozenset(wish for wish in WISHES if wish in stops)
    values["during"] = frozenset(HoldKind(stop) for stop in stops if stop not in WISHES)


def _hold_length(section: Section, values: dict[str, Any]) -> None:
    values["after_release"] = values.pop("from") is HoldFrom.RELEASE


def _representatives(section: Section, values: dict[str, Any]) -> None:
    values["instead"] = values.pop("contacted") == INSTEAD


def _party_reach(section: Section, values: dict[str, Any]) -> None:
    values["reaches"] = values["reaches"] == REACHES


@dataclass(frozen=True, slots=True)
class RuleKind:
    """One kind of rule: its own keys, and how each of them is read."""

    rule_type: type[Rule]
    needed: Mapping[str, Read] = field(default_factory=dict)
    optional: Mapping[str, Read] = field(default_factory=dict)
    """Keys that may be left out. The rule's own default then counts."""
    finish: Callable[[Section, dict[str, Any]], None] = lambda section, values: None
    """Checks the values together, and changes those that the rule keeps in another form."""

    @property
    def keys(self) -> str:
        return " ".join([*self.needed, *self.optional])

    def read(self, section: Section) -> dict[str, Any]:
        """The rule's own values by the names of its fields."""
        values = {key: read(section.need(key)) for key, read in self.needed.items()}
        values |= section.given(self.optional)
        self.finish(section, values)
        return values


RULE_KINDS = {
    "contact_hours": RuleKind(
        ContactHours,
        {"hours": read_hours},
        {"consent": one_of((FREES,))},
        _consent_to_hours,
    ),
    "cap": RuleKind(
        Cap,
        {
            "counter": one_of(Counter),
            "scope": one_of(Scope),
            "window": _read_window,
            "at_most": at_least(1),
        },
        {
            "counts": some_of(Channel),
            "ignores": some_of(ContactOutcome),
            "inbound": one_of((COUNT,)),
            "third_parties": one_of((COUNT,)),
            "consent_days": at_least(1),
        },
        _count_channels,
    ),
    "message": RuleKind(
        MessageContent,
        optional={
            "must_say": some_of(Says),
            "must_not_say": some_of(Says),
            "to": one_of(Party),
        },
        finish=_need_a_statement,
    ),
    "visit": RuleKind(VisitDuty, optional={"staff": at_least(1), "notice_days": at_least(0)}),
    "validation_notice": RuleKind(ValidationNotice, {"within_days": at_least(0)}),
    "third_parties": RuleKind(
        ThirdPartyContact,
        {"when": one_of((NEVER, BORROWER_UNREACHABLE))},
        {"failures": at_least(1), "days": at_least(1), "to_locate": some_of(Channel)},
        _third_parties,
    ),
    "limitation": RuleKind(
        Limitation,
        {"years": at_least(1)},
        {
            "runs_from": one_of(RunsFrom),
            "after": one_of((BARRED, EXTINGUISHED)),
            "interrupted_by": some_of(Interrupts),
            "revived_by": some_of(Interrupts),
            "outer_years": at_least(1),
            "ends_on_rest_day": one_of(DueOnRestDay),
            "debtors": one_of((ALL, OWN)),
        },
        _limitation,
    ),
    "suspension": RuleKind(
        LimitationSuspension,
        {"during": some_of(Suspends)},
        {
            "in_last_months": at_least(1),
            "ends_after_months": at_least(1),
            "ends_after_weeks": at_least(1),
        },
        _suspension,
    ),
    "inconvenient_times": RuleKind(InconvenientTimes),
    "conduct": RuleKind(Conduct, {"text": Value.text}, {"text_zh": Value.text}),
    "hold_length": RuleKind(
        HoldLength,
        {"hold": one_of(HoldKind), "days": at_least(1), "from": one_of(HoldFrom)},
        finish=_hold_length,
    ),
    "answer_period": RuleKind(
        AnswerPeriod,
        {"of": one_of(Matter)},
        {
            "about": some_of((*map(str, DisputeKind), *map(str, ComplaintKind))),
            "acknowledge": read_period,
            "answer": read_period,
            "extensions": lambda value: value.entries(read_period),
            "stops": one_of(Stops),
            "turn_to": Value.text,
            "turn_to_zh": Value.text,
        },
        _answer_period,
    ),
    "permitted": RuleKind(
        Permitted,
        {
            "during": some_of((*map(str, HoldKind), *map(str, WISHES))),
        },
        {"purposes": some_of(Purpose), "who": some_of(RepresentativeKind)},
        finish=_permitted,
    ),
    "reach": RuleKind(FactReach, {"fact": one_of(ReachingFact), "scope": one_of(Scope)}),
    "party_reach": RuleKind(
        PartyReach,
        {
            "holds": some_of(tuple(kind for kind in HoldKind if kind.of_person)),
            "of": some_of((Party.BORROWER, *ROLES)),
            "to": some_of((Party.BORROWER, *ROLES)),
            "reaches": one_of((REACHES, STAYS)),
        },
        finish=_party_reach,
    ),
    "retention": RuleKind(
        Retention,
        {"of": one_of(RetainedKind)},
        {"years": at_least(1), "months": at_least(1)},
        _retention,
    ),
    "default_notice": RuleKind(DefaultNotice, {"days": at_least(1)}),
    "money_cap": RuleKind(
        MoneyCap,
        {"what": one_of(OF_LAW), "at_most": Value.percent},
        {"during": some_of((Suspends.MILITARY_SERVICE,))},
    ),
    "representatives": RuleKind(
        RepresentativeContact,
        {"who": some_of(RepresentativeKind), "contacted": one_of((INSTEAD, NOBODY))},
        finish=_representatives,
    ),
}


def subject(rule: Rule) -> tuple[object, ...]:
    """What a rule is about, apart from channels and dates. Two about the same contradict."""
    about: tuple[str, ...] = {
        Cap: ("counts", "counter", "scope", "window"),
        MessageContent: ("to", "must_say", "must_not_say"),
        Conduct: ("text",),
        Retention: ("of",),
        LimitationSuspension: ("during",),
        HoldLength: ("hold",),
        Permitted: ("during", "wishes", "who"),
        FactReach: ("fact",),
        PartyReach: ("holds", "of", "to"),
        RepresentativeContact: ("who",),
        AnswerPeriod: ("of", "about", "stops"),
        MoneyCap: ("what", "during"),
    }.get(type(rule), ())
    return (type(rule), rule.place, rule.products, *(getattr(rule, name) for name in about))
