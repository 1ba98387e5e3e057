"""Telling: records become sentences in a language, with every moment in the lender's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

from domain.holds import HoldKind
from domain.language.en import ENGLISH
from domain.language.phrases import Entry, Kept, Language, Phrase, in_order, say, tell
from domain.language.zh import CHINESE, KEPT

SHANGHAI = ZoneInfo("Asia/Shanghai")
LATE = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)

# Not a whole language: it stands for one that puts words elsewhere and lists them differently.
ANOTHER = Language(
    phrases={Phrase.UNTIL: "在 {until} 之前不进行。", Phrase.WAITS_FOR: "须先完成:{steps}。"},
    words={HoldKind.DISPUTE: "争议"},
    between_sentences="",
    between_listed="、",
)


LANGUAGES = pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=["English", "Chinese"])


@LANGUAGES
def test_every_phrase_can_be_said_in_every_language(language: Language) -> None:
    assert set(language.phrases) == set(Phrase)


@pytest.mark.parametrize("phrase", Phrase)
def test_every_language_says_all_that_the_others_say(phrase: Phrase) -> None:
    def places(language: Language) -> list[str]:
        parsed = Formatter().parse(language.phrases[phrase])
        return sorted(name for _, name, _, _ in parsed if name is not None)

    assert places(CHINESE) == places(ENGLISH)


@pytest.mark.parametrize("english", KEPT)
def test_a_reason_has_the_same_places_in_chinese(english: str) -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    assert places(KEPT[english]) == places(english)


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("The borrower opted out of sms", "借款人已退订 sms"),
        (
            "A hold (dispute) is in force. Outside the contact hours of 12 CFR 1006.6(b)(1)(i)",
            "暂停（dispute）生效中。不在12 CFR 1006.6(b)(1)(i)规定的可联系时段内",
        ),
        ("approved by a supervisor", "已由 supervisor 批准"),
        ("HTTP 500: try again later", "HTTP 500: try again later"),
    ],
)
def test_a_reason_of_the_engine_has_words_and_another_stays_as_it_was(kept: str, told: str) -> None:
    said = say(Phrase.WHY, reason=Kept(kept))
    assert tell([Entry(None, (said,))], CHINESE, SHANGHAI)[0].text == f"原因：{told}。"
    assert tell([Entry(None, (said,))], ENGLISH, SHANGHAI)[0].text == f"Why: {kept}."


@pytest.mark.parametrize("phrase", Phrase)
def test_a_phrase_takes_its_values_by_name_so_that_a_language_may_order_them(
    phrase: Phrase,
) -> None:
    names = [
        name for _, name, _, _ in Formatter().parse(ENGLISH.phrases[phrase]) if name is not None
    ]

    assert all(name.isidentifier() for name in names)


def test_a_moment_is_told_in_the_lenders_zone() -> None:
    (told,) = tell([Entry(LATE, (say(Phrase.UNTIL, until=LATE),))], ENGLISH, SHANGHAI)

    assert told.at == LATE
    assert told.at.isoformat() == "2026-03-02T23:30:00+08:00"
    assert told.text == "Not before 2026-03-02 23:30."


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("1000.0000", "1000.00"), ("0.1250", "0.125"), ("12.5", "12.50"), ("1E+3", "1000.00")],
)
def test_an_amount_has_two_places_or_as_many_as_it_needs(amount: str, shown: str) -> None:
    said = say(Phrase.LEFT_OVER, amount=Decimal(amount))

    assert tell([Entry(None, (said,))], ENGLISH, SHANGHAI)[0].text == f"Left over: {shown}."


def test_a_word_of_the_engine_is_spoken_and_a_reference_stays_as_it_is() -> None:
    said = say(
        Phrase.HOLD_UNTIL_RELEASED,
        kind=HoldKind.DISPUTE,
        actor="sup_1",
        starts_on=date(2026, 3, 2),
    )

    (told,) = tell([Entry(LATE, (said,))], ENGLISH, SHANGHAI)

    assert told.text == "A hold (dispute) was made by sup_1, from 2026-03-02 until it is released."


def test_a_rule_that_nobody_read_in_the_primary_text_says_so() -> None:
    rule = say(Phrase.RULE_FOR_REVIEW, rule="cn.hours", citation="§5.3", confidence="S")

    (told,) = tell([Entry(LATE, (say(Phrase.RULES, rules=(rule,)),))], ENGLISH, SHANGHAI)

    assert told.text == "Rules: cn.hours (§5.3; confidence S, review needed)."


def test_another_language_is_another_table() -> None:
    parts = (say(Phrase.WAITS_FOR, steps=("remind", "visit")), say(Phrase.UNTIL, until=LATE))

    (told,) = tell([Entry(LATE, parts)], ANOTHER, SHANGHAI)

    assert told.text == "须先完成:remind、visit。在 2026-03-02 23:30 之前不进行。"


def test_entries_are_told_in_order_of_time_and_ties_keep_theirs() -> None:
    early = datetime(2026, 3, 1, tzinfo=UTC)
    throughout, first, second, third = (
        Entry(at, (say(Phrase.PACKS, packs=(name,)),))
        for at, name in ((None, "a"), (early, "b"), (LATE, "c"), (LATE, "d"))
    )

    assert in_order([second, third, first, throughout]) == [throughout, first, second, third]
