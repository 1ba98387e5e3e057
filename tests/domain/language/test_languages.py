"""Every language has words for everything that can be said, with the same values in them."""

import re
from enum import StrEnum
from string import Formatter

import pytest

from domain.access_log import Opened
from domain.actions import ACTION_TYPES
from domain.actors import Role
from domain.compliance.frequency_caps import CalendarUnit
from domain.compliance.vocabulary import Channel, Says
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from domain.errors import ArrearsError, either, text_of
from domain.holds import HoldKind
from domain.inbound_texts import Meaning, ReplyKind
from domain.language.phrases import Phrase
from domain.language.render import Language
from domain.language.sentences import chinese_words, error_in, text_in
from domain.language.speak import LANGUAGES
from domain.loans import Component
from domain.permissions import Permission
from domain.promises import PromiseStatus
from domain.reasons import ReasonCode
from tests.support.loans import shipped_policy
from workers.inbox.kinds import EVENT_KINDS

ENGLISH, CHINESE = LANGUAGES["en"], LANGUAGES["zh"]
IN_EACH_LANGUAGE = pytest.mark.parametrize(
    "language", [ENGLISH, CHINESE], ids=["English", "Chinese"]
)
CODES: list[Phrase | ReasonCode] = [*Phrase, *ReasonCode]
VOCABULARIES: dict[str, type[StrEnum]] = {
    "arrears_reason": ArrearsReason,
    "channel": Channel,
    "component": Component,
    "hold": HoldKind,
    "meaning": Meaning,
    "outcome": ContactOutcome,
    "promise_status": PromiseStatus,
    "reply": ReplyKind,
    "role": Role,
    "says": Says,
    "window": CalendarUnit,
}


def values_of(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_no_phrase_has_the_code_of_a_reason() -> None:
    assert len({str(code) for code in CODES}) == len(CODES)


@IN_EACH_LANGUAGE
def test_every_code_has_words_in_every_language_and_no_words_are_without_a_code(
    language: Language,
) -> None:
    assert set(language.templates) == set(CODES)


def test_every_language_says_all_that_the_others_say() -> None:
    # Chinese has the unit behind each amount, where English says the currency once or not at all.
    units = {"currency", "loan_currency"}
    english = {code: values_of(ENGLISH.templates[code]) for code in CODES}
    chinese = {code: values_of(CHINESE.templates[code]) for code in CODES}
    assert [code for code in CODES if english[code] - units != chinese[code] - units] == []
    assert [name for names in english.values() for name in names if not name.isidentifier()] == []


@IN_EACH_LANGUAGE
def test_a_reason_is_whole_sentences(language: Language) -> None:
    said = (language.templates[code] for code in ReasonCode)
    assert [text for text in said if not text.endswith((".", '"', "。", "”"))] == []


def test_chinese_has_a_word_for_every_member_of_a_vocabulary() -> None:
    for name, vocabulary in VOCABULARIES.items():
        assert set(vocabulary) == set(CHINESE.words[name]), name


def test_chinese_has_a_word_for_every_kind_of_action_and_event() -> None:
    assert set(CHINESE.words["action_type"]) == set(ACTION_TYPES)
    assert set(CHINESE.words["event_kind"]) == set(EVENT_KINDS)


@IN_EACH_LANGUAGE
def test_the_values_that_have_words_are_values_that_are_said(language: Language) -> None:
    said = {name for code in CODES for name in values_of(language.templates[code])}

    assert set(language.words) <= said


def test_chinese_has_full_width_punctuation_and_no_english_word() -> None:
    named = r"\{\w+\}|`[^`]+`|docs/\w+\.md|HTTP|Asia/Shanghai|zh-Hans|或en"
    written = {code: re.sub(named, "", CHINESE.templates[code]) for code in CODES}
    wrong = re.compile(r"[A-Za-z]{2,}|[,;:!?()]| ")

    assert {code: text for code, text in written.items() if wrong.search(text)} == {}


@IN_EACH_LANGUAGE
def test_each_look_at_personal_data_has_its_sentence(language: Language) -> None:
    for opened in Opened:
        assert "{actor}" in language.templates[Phrase(f"opened_{opened}")]


def test_every_permission_has_a_chinese_name_of_its_own() -> None:
    names = chinese_words("access_permission")
    assert set(names) == set(Permission)
    assert len(set(names.values())) == len(names)
    refused = ArrearsError(
        "{actor} is on the roster as {roles}, not as a {role}. Let a {role} do it.",
        actor="c-1",
        roles=["caller", "visitor"],
        role="supervisor",
    )
    english = (
        "c-1 is on the roster as caller, visitor, not as a supervisor. Let a supervisor do it."
    )
    assert str(refused).startswith(english)
    assert "电话催收员（caller）、外访员（visitor）" in error_in("zh", refused)
    lacking = text_of("This needs the permission {permission}.", permission=Permission.READ_LOANS)
    assert "查看贷款（loans:read）" in text_in("zh", lacking)
    assert text_in("zh", text_of("{what}", what=either(["a", "b", "c"]))) == "a、b或c"
    assert str(either(["a", "b", "c"])) == "a, b or c"
    known = text_of("{known}", known="spoke, busy")
    assert (text_in("en", known), text_in("zh", known)) == ("spoke, busy", "spoke、busy")


def test_every_citation_of_the_policy_of_china_is_said_in_chinese() -> None:
    policy = shipped_policy()
    packs = [pack for pack in policy.rule_packs if pack.jurisdiction == "CN" or not pack.is_law]
    cited = {rule.source.citation for pack in packs for rule in pack.rules}
    terms = [each for each in policy.arrangements if "CN" in each.applies_to.jurisdictions]
    cited |= {cap.source.citation for each in terms for cap in each.caps}
    said = {each: CHINESE.words["citation"].get(each, each) for each in cited}

    assert {each: zh for each, zh in said.items() if re.search(r"\bart\.|[a-z]{4}", zh)} == {}
