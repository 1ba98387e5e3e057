"""Reasons: what is stored of one is what was given, and nothing else."""

from datetime import date
from decimal import Decimal

from domain.compliance.vocabulary import Channel
from domain.language.speak import LANGUAGES
from domain.reason_codes import NOTHING_CHANGED
from domain.reason_json import reasons_as_json, reasons_from_json
from domain.reasons import ReasonCode, because


def test_values_become_what_json_has_for_them() -> None:
    (reason,) = because(
        ReasonCode.OUTCOME_RECORDED,
        amount=Decimal("12.5000"),
        on=date(2026, 3, 2),
        channel=Channel.SMS,
        steps=("remind", "visit"),
        days=7,
    )

    assert reason.params == {
        "amount": "12.50",
        "on": "2026-03-02",
        "channel": "sms",
        "steps": ["remind", "visit"],
        "days": 7,
    }


def test_what_was_stored_reads_back_as_it_was() -> None:
    reasons = because(ReasonCode.CURED) + because(ReasonCode.NO_CHECKLIST, jurisdiction="US-MA")

    assert reasons_from_json(reasons_as_json(reasons)) == reasons
    assert reasons_from_json(None) == ()


def test_equal_reasons_are_one_key() -> None:
    given = {because(ReasonCode.STEPS_NOT_TRIED, steps=["remind"]): 1}

    assert given[because(ReasonCode.STEPS_NOT_TRIED, steps=("remind",))] == 1
    assert because(ReasonCode.STEPS_NOT_TRIED, steps=["visit"]) not in given


def test_what_says_that_nothing_changed_counts_as_known() -> None:
    english = LANGUAGES["en"].templates
    said = {code for code in ReasonCode if english[code].endswith("nothing changed.")}
    assert said <= NOTHING_CHANGED
