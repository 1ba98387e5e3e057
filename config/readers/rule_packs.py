"""Reads rule packs from `config/rule_packs/*.yaml`: what the law asks, article by article."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import partial

from config.readers.calendars import read_calendar
from config.readers.rule_kinds import KINDS, subject
from config.readers.yaml_reader import Section, Value, each
from domain.compliance.calendars import PLAIN_WEEK, Calendar
from domain.compliance.contact_hours import ContactHours
from domain.compliance.contact_rule import ContactRule
from domain.compliance.rules import Confidence, Modality, Rule, RulePack, RuleStatus, Source
from domain.compliance.vocabulary import Channel, Collects

PACK_KEYS = ("id", "version", "jurisdiction", "calendar", "rules")
RULE_KEYS = (
    "id",
    "kind",
    "channels",
    "modality",
    "status",
    "applies_to",
    "place",
    "effective_from",
    "effective_to",
    "citation",
    "confidence",
)


class ContactPlace(StrEnum):
    """Where a person is reached, where a rule is about that place only."""

    WORK = "work"


class PersonChannel(StrEnum):
    """The channels that reach a person. The court's reaches nobody, so hours do not bind it."""

    SMS = Channel.SMS
    CALL = Channel.CALL
    VISIT = Channel.VISIT


def read_rule_pack(document: Value) -> RulePack:
    """Turn one file into a rule pack.

    Raises:
        PolicyError: the file says something a pack must not, contradicts itself, or, being a
            country's, is silent about the hours of a channel, which would bar that channel for
            good.
    """
    top = document.section(PACK_KEYS)
    pack_id = top.need("id").identifier()
    jurisdiction = top.need("jurisdiction").jurisdiction()
    calendar = read_calendar(value) if (value := top.maybe("calendar")) else PLAIN_WEEK
    entries = top.need("rules").values()
    rules = each(entries, partial(_read_rule, pack_id=pack_id, calendar=calendar))
    _refuse_contradictions(tuple(zip(entries, rules, strict=True)))
    if "-" not in jurisdiction:
        _refuse_silence(top, rules)
    return RulePack(pack_id, top.need("version").whole(at_least=1), jurisdiction, rules, calendar)


def describe_source(source: Source) -> str:
    """The citation and how sure it is; what was not read in the primary text says so."""
    review = ", review: needed" if source.needs_review else ""
    return f"{source.citation} ({source.confidence}{review})"


def read_source(section: Section) -> Source:
    """The citation and the confidence, both of which a rule must have."""
    return Source(
        section.need("citation").text(),
        section.need("confidence").word(Confidence),
    )


def _read_rule(value: Value, pack_id: str, calendar: Calendar) -> Rule:
    kind_named = value.pairs().get("kind")
    if kind_named is None:
        raise value.refuse("The key `kind` is missing here.", f"Write one of: {', '.join(KINDS)}.")
    kind = KINDS[kind_named.known(KINDS, "kind of rule")]
    section = value.section((*RULE_KEYS, *kind.keys))
    effective_from = section.need("effective_from").day()
    end = section.maybe("effective_to")
    effective_to = end.day() if end else None
    if end and effective_to and effective_to < effective_from:
        raise end.refuse(
            f"`effective_to` is {effective_to}, before `effective_from`.",
            f"Write {effective_from} or later, or leave it out.",
        )
    modality, status = section.maybe("modality"), section.maybe("status")
    applies_to, place = section.maybe("applies_to"), section.maybe("place")
    return kind.rule_type(
        id=_read_rule_id(section.need("id"), pack_id),
        channels=_read_channels(section, kind.rule_type)
        if issubclass(kind.rule_type, ContactRule)
        else frozenset(),
        source=read_source(section),
        effective_from=effective_from,
        effective_to=effective_to,
        modality=modality.word(Modality) if modality else Modality.MUST_NOT,
        status=status.word(RuleStatus) if status else RuleStatus.IN_FORCE,
        applies_to=(
            frozenset(one.word(Collects) for one in applies_to.values())
            if applies_to
            else frozenset()
        ),
        at_work=bool(place and place.word(ContactPlace)),
        **kind.read(section, calendar),
    )


def _read_rule_id(value: Value, pack_id: str) -> str:
    """Rule ids name their pack, so that a verdict can be traced and no two packs can share one."""
    id_ = value.identifier()
    if not id_.startswith(f"{pack_id}."):
        raise value.refuse(
            f"The rule id {id_} does not begin with its pack's.",
            f"Write {pack_id}. and a name, such as {pack_id}.contact_hours.",
        )
    return id_


def _read_channels(section: Section, rule_type: type[Rule]) -> frozenset[Channel]:
    words = PersonChannel if rule_type is ContactHours else Channel
    return frozenset(Channel(entry.word(words)) for entry in section.need("channels").values())


def _refuse_silence(top: Section, rules: tuple[Rule, ...]) -> None:
    covered = {
        channel
        for rule in rules
        if isinstance(rule, ContactHours) and rule.is_blocking and not rule.at_work
        for channel in rule.channels
    }
    silent = [str(channel) for channel in PersonChannel if Channel(channel) not in covered]
    if silent:
        raise top.need("rules").refuse(
            f"No rule gives the contact hours of {', '.join(silent)}.",
            "A country's pack must give hours for sms, call and visit: add the channels to a rule.",
        )


def _refuse_contradictions(rules: tuple[tuple[Value, Rule], ...]) -> None:
    """One pack answers a question once; what is stricter belongs in the same rule."""
    for index, (value, rule) in enumerate(rules):
        for _, other in rules[:index]:
            if rule.id == other.id or _both_answer(rule, other):
                raise value.refuse(
                    f"{rule.id} overlaps {other.id}.",
                    "Write one rule for a channel at a time, under an id that no other has.",
                )


def _both_answer(each_rule: Rule, other: Rule) -> bool:
    """Whether two rules say something of the same contact on the same day."""
    return (
        subject(each_rule) == subject(other)
        and each_rule.status is other.status
        and bool(each_rule.channels & other.channels or not (each_rule.channels or other.channels))
        and (
            not each_rule.applies_to
            or not other.applies_to
            or bool(each_rule.applies_to & other.applies_to)
        )
        and each_rule.effective_from <= (other.effective_to or date.max)
        and other.effective_from <= (each_rule.effective_to or date.max)
    )
