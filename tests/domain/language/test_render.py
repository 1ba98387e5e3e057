"""Rendering: records become sentences in a language, with every moment in the lender's zone."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from domain.holds import HoldKind
from domain.language.phrases import Phrase
from domain.language.render import Entry, Language, Part, in_order, part, render
from domain.language.speak import LANGUAGES
from domain.reasons import ReasonCode, because

SHANGHAI = ZoneInfo("Asia/Shanghai")
LATE = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
ENGLISH, CHINESE = LANGUAGES["en"], LANGUAGES["zh"]

# Not a whole language: it stands for one that puts words elsewhere and lists them differently.
ANOTHER = Language(
    templates={Phrase.UNTIL: "在 {until} 之前不进行。", Phrase.WAITS_FOR: "须先完成:{steps}。"},
    words={},
    between_sentences="",
    between_listed="、",
)


def text_of(*parts: Part, language: Language = ENGLISH) -> str:
    return render([Entry(LATE, parts)], language, SHANGHAI)[0].text


def test_a_moment_is_shown_in_the_lenders_zone() -> None:
    (sentence,) = render([Entry(LATE, (part(Phrase.UNTIL, until=LATE),))], ENGLISH, SHANGHAI)

    assert sentence.at == LATE
    assert sentence.at.isoformat() == "2026-03-02T23:30:00+08:00"
    assert sentence.text == "Not before 2026-03-02 23:30."


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("1000.0000", "1000.00"), ("0.1250", "0.125"), ("12.5", "12.50"), ("1E+3", "1000.00")],
)
def test_an_amount_has_two_places_or_as_many_as_it_needs(amount: str, shown: str) -> None:
    assert text_of(part(Phrase.LEFT_OVER, amount=Decimal(amount))) == f"Left over: {shown}."


def test_a_word_is_translated_and_a_reference_stays_as_it_is() -> None:
    placed = part(
        Phrase.HOLD_UNTIL_RELEASED,
        hold=HoldKind.LEGAL_STAY,
        actor="sup_1",
        starts_on=date(2026, 3, 2),
    )

    assert text_of(placed) == (
        "A hold (legal stay) was placed by sup_1, from 2026-03-02 until it is released."
    )
    assert text_of(placed, language=CHINESE) == (
        "sup_1设置暂停催收（司法中止）：自2026-03-02起，直至解除。"
    )


def test_a_rule_that_nobody_read_in_the_primary_text_says_so() -> None:
    rule = part(Phrase.RULE_FOR_REVIEW, rule="cn.hours", citation="§5.3", confidence="S")

    assert text_of(part(Phrase.RULES, rules=(rule,))) == (
        "Rules: cn.hours (§5.3; confidence S, review needed)."
    )


def test_another_language_is_another_table() -> None:
    parts = (part(Phrase.WAITS_FOR, steps=("remind", "visit")), part(Phrase.UNTIL, until=LATE))

    assert text_of(*parts, language=ANOTHER) == (
        "须先完成:remind、visit。在 2026-03-02 23:30 之前不进行。"
    )


def test_ladders_bring_the_names_of_their_steps() -> None:
    named = CHINESE.with_names({"steps": {"remind": "短信提醒"}})
    waits = part(Phrase.WAITS_FOR, steps=("remind",))

    assert text_of(waits, language=named) == "到期的措施须待以下阶段执行后方可进行：短信提醒。"
    assert "steps" not in CHINESE.words, "the language itself is as it was"


def test_the_reasons_of_an_entry_are_sentences_and_stay_with_it_as_codes() -> None:
    reason = because(ReasonCode.ON_HOLD, hold=HoldKind.DISPUTE) + because(
        ReasonCode.OUTSIDE_HOURS, citation="12 CFR 1006.6(b)(1)(i)"
    )
    parts = (part(Phrase.UNTIL, until=LATE), part(Phrase.WHY, reason=reason))

    (english,) = render([Entry(LATE, parts)], ENGLISH, SHANGHAI)
    (chinese,) = render([Entry(LATE, parts)], CHINESE, SHANGHAI)

    assert english.text == (
        "Not before 2026-03-02 23:30. Why: A hold (dispute) is in force. Outside the contact hours "
        "of 12 CFR 1006.6(b)(1)(i)."
    )
    assert chinese.text == (
        "最早于2026-03-02 23:30执行。原因：暂停催收（异议）生效中。"
        "不在12 CFR 1006.6(b)(1)(i)规定的可联系时段内。"
    )
    assert english.reason == chinese.reason == reason


def test_entries_are_listed_in_order_of_time_and_ties_keep_theirs() -> None:
    early = datetime(2026, 3, 1, tzinfo=UTC)
    throughout, first, second, third = (
        Entry(at, (part(Phrase.PACKS, packs=(name,)),))
        for at, name in ((None, "a"), (early, "b"), (LATE, "c"), (LATE, "d"))
    )

    assert in_order([second, third, first, throughout]) == [throughout, first, second, third]
