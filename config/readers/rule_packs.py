"""Reads rule packs from `config/rule_packs/*.yaml`: what the law asks, article by article."""

from datetime import date
from functools import partial
from typing import Any, NamedTuple

from config.readers.calendars import read_calendar
from config.readers.rule_kinds import RULE_KINDS, subject
from config.readers.rule_values import one_of, some_of
from config.readers.yaml_reader import Section, Value, each
from domain.compliance.answer_period import AnswerPeriod
from domain.compliance.calendars import PLAIN_WEEK, Calendar
from domain.compliance.contact_hours import ContactHours
from domain.compliance.contact_rule import ContactRule
from domain.compliance.inconvenient_times import InconvenientTimes
from domain.compliance.limitation import Limitation
from domain.compliance.rules import (
    EVERYWHERE,
    Confidence,
    Modality,
    Rule,
    RulePack,
    RuleStatus,
    Source,
)
from domain.compliance.vocabulary import OF_LENDER, Channel, Collects, Place
from domain.loans import Component

RULE_KEYS = (
    "id kind channels modality status applies_to products place replaces effective_from "
    "effective_to citation confidence"
)
OPTIONAL = {
    "modality": one_of(Modality),
    "status": one_of(RuleStatus),
    "applies_to": some_of(Collects),
    "products": lambda value: frozenset(value.entries(Value.identifier)),
    "place": one_of(Place),
    "replaces": lambda value: frozenset(value.entries(Value.identifier)),
}
"""Keys of every rule that may be left out. The rule's own default then counts."""
COUNTS = "counts"
"""Whether an order that the contract agrees on counts before that of the law."""
PERSON_CHANNELS = (Channel.SMS, Channel.CALL, Channel.VISIT)
"""The channels that reach a person. The court's channel reaches nobody, so it has no hours."""


def read_rule_pack(document: Value) -> RulePack:
    """Convert one file into a rule pack.

    Raises:
        PolicyError: something in the file is wrong, two rules contradict each other, or the pack of
            a country gives no hours for a channel. That channel could then never be used.
    """
    top = document.section("id version jurisdiction calendar allocation rules")
    pack_id = top.need("id").identifier()
    jurisdiction = _read_jurisdiction(top.need("jurisdiction"))
    calendar = top.maybe("calendar", read_calendar) or PLAIN_WEEK
    entries = top.need("rules").values()
    rules = each(entries, partial(_read_rule, pack_id=pack_id, calendar=calendar))
    _refuse_contradictions(tuple(zip(entries, rules, strict=True)))
    if "-" not in jurisdiction and jurisdiction != EVERYWHERE:
        _refuse_silence(top, rules)
    version = top.need("version").whole(at_least=1)
    allocation = top.maybe("allocation", _read_allocation) or LawfulOrder(())
    return RulePack(
        pack_id,
        version,
        jurisdiction,
        rules,
        calendar,
        allocation.components,
        allocation.source,
        allocation.unless_agreed,
    )


class LawfulOrder(NamedTuple):
    """What a payment pays first by a pack."""

    components: tuple[Component, ...]
    source: Source | None = None
    unless_agreed: bool = False


def _read_allocation(value: Value) -> LawfulOrder:
    """The components alone, or a section with their article."""
    if value.is_list:
        return LawfulOrder(_read_components(value))
    section = value.section("order agreed citation confidence")
    return LawfulOrder(
        _read_components(section.need("order")),
        read_source(section),
        bool(section.maybe("agreed", one_of((COUNTS,)))),
    )


def _read_components(value: Value) -> tuple[Component, ...]:
    components = value.entries(lambda entry: entry.word(Component))
    if sorted(components) != sorted(Component):
        raise value.refuse(
            "`{key}` does not name every component once.",
            "Write fees, interest and principal in their order, such as "
            "[fees, interest, principal].",
            key=value.key,
        )
    return components


REACHING_PEOPLE = (ContactHours, InconvenientTimes)
"""The kinds of rule that have no meaning for the court's channel, which reaches nobody."""


def _read_jurisdiction(value: Value) -> str:
    return EVERYWHERE if value.text() == EVERYWHERE else value.jurisdiction()


def describe_source(source: Source) -> str:
    """The citation, its confidence, and whether it still has to be read in the primary text."""
    review = ", review: needed" if source.needs_review else ""
    return f"{source.citation} ({source.confidence}{review})"


def read_source(section: Section) -> Source:
    """The citation and the confidence. Both are needed."""
    return Source(
        section.need("citation").text(),
        section.need("confidence").word(Confidence),
    )


def _read_rule(value: Value, pack_id: str, calendar: Calendar) -> Rule:
    kind_named = value.pairs().get("kind")
    if kind_named is None:
        raise value.refuse(
            "The key `kind` is missing here.", "Write one of: {kinds}.", kinds=", ".join(RULE_KINDS)
        )
    kind = RULE_KINDS[kind_named.known(RULE_KINDS, "kind of rule")]
    section = value.section(f"{RULE_KEYS} {kind.keys}")
    effective_from, effective_to = section.effective()
    values: dict[str, Any] = section.given(OPTIONAL) | kind.read(section)
    if issubclass(kind.rule_type, (AnswerPeriod, ContactHours, Limitation)):
        values["calendar"] = calendar
    return kind.rule_type(
        id=_read_rule_id(section.need("id"), pack_id),
        channels=_read_channels(section, kind.rule_type),
        source=read_source(section),
        effective_from=effective_from,
        effective_to=effective_to,
        **values,
    )


def _read_rule_id(value: Value, pack_id: str) -> str:
    """A rule id begins with its pack's: so verdicts can be traced, and ids of packs never clash."""
    rule_id = value.identifier()
    if not rule_id.startswith(f"{pack_id}."):
        raise value.refuse(
            "The rule id {shown} does not begin with its pack's.",
            "Write {pack_id}. and a name, such as {pack_id}.contact_hours.",
            shown=value.shown,
            pack_id=pack_id,
        )
    return rule_id


def _read_channels(section: Section, rule_type: type[Rule]) -> frozenset[Channel]:
    if not issubclass(rule_type, ContactRule):
        return frozenset()
    words = PERSON_CHANNELS if issubclass(rule_type, REACHING_PEOPLE) else OF_LENDER
    return some_of(words)(section.need("channels"))


def _refuse_silence(top: Section, rules: tuple[Rule, ...]) -> None:
    covered = {
        channel
        for rule in rules
        if isinstance(rule, ContactHours) and rule.is_blocking and not (rule.place or rule.products)
        for channel in rule.channels
    }
    silent = [str(channel) for channel in PERSON_CHANNELS if channel not in covered]
    if silent:
        raise top.need("rules").refuse(
            "No rule gives the contact hours of {channels}.",
            "A country's pack must give hours for sms, call and visit: add the channels to a rule.",
            channels=", ".join(silent),
        )


def _refuse_contradictions(rules: tuple[tuple[Value, Rule], ...]) -> None:
    """A pack has one rule for each question; what is stricter belongs in the same rule."""
    for index, (value, rule) in enumerate(rules):
        for _, other in rules[:index]:
            if rule.id == other.id or _both_answer(rule, other):
                raise value.refuse(
                    "{rule} overlaps {other}.",
                    "Write one rule for a channel at a time, under an id that no other has.",
                    rule=rule.id,
                    other=other.id,
                )


def _both_answer(rule: Rule, other: Rule) -> bool:
    """Whether both rules answer the same question about a contact on the same day."""
    return (
        subject(rule) == subject(other)
        and rule.status is other.status
        and bool(rule.channels & other.channels or not (rule.channels or other.channels))
        and (
            not rule.applies_to or not other.applies_to or bool(rule.applies_to & other.applies_to)
        )
        and rule.effective_from <= (other.effective_to or date.max)
        and other.effective_from <= (rule.effective_to or date.max)
    )
