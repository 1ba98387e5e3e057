"""The kinds of rule that a pack may contain, and the keys of each kind in YAML."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from config.readers.rule_values import (
    at_least,
    one_of,
    read_hours,
    read_period,
    read_window,
    some_of,
)
from config.readers.yaml_reader import Section, Value
from domain.compliance.answer_period import STOPS, AnswerPeriod, Stops
from domain.compliance.conduct import Conduct
from domain.compliance.contact_hours import ContactHours
from domain.compliance.default_notice import DefaultNotice
from domain.compliance.fact_reach import FactReach, ReachingFact
from domain.compliance.frequency_caps import Cap, Counter, Scope
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
from domain.compliance.vocabulary import OF_LENDER, Interrupts, Party, Purpose, Says, Suspends
from domain.contact_outcomes import ContactOutcome
from domain.disputes import KINDS, ComplaintKind, DisputeKind, Matter
from domain.errors import either
from domain.holds import HoldKind
from domain.ladder import DueOnRestDay
from domain.parties import ROLES, RepresentativeKind
from domain.persons import PersonFact

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
        values["counts"] = some_of(OF_LENDER)(section.need("channels"))
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
            "window": read_window,
            "at_most": at_least(1),
        },
        {
            "counts": some_of(OF_LENDER),
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
        {"failures": at_least(1), "days": at_least(1), "to_locate": some_of(OF_LENDER)},
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
