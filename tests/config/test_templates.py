"""The texts and letters to borrowers, and which templates are refused."""

import hashlib
import traceback
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from config.readers.locales import format_date, format_money
from config.readers.template_files import (
    LETTER_PLACEHOLDERS,
    LETTERS,
    SAMPLE,
    SEVERAL_PLACEHOLDERS,
    TEXT_PLACEHOLDERS,
)
from config.readers.templates import Templates
from domain.errors import ArrearsError, ReasonedError
from domain.sms_segments import Encoding, segments

SHIPPED = Path(__file__).parents[2] / "config" / "templates"
REMINDERS = ["reminder_first", "reminder_second"]
TEXTS = [*REMINDERS, "legal_notice"]


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates.load(SHIPPED)


def values(locale: str) -> dict[str, str | int]:
    """Values as long as they come in practice."""
    chinese = locale.startswith("zh")
    return {
        "lender": "江南消费金融有限公司" if chinese else "Riverside Consumer Finance",
        "borrower_name": "李雷" if chinese else "Jordan Example",
        "address": "江南市示例路1号2单元301室" if chinese else "1 Example Road, Apt 2, Boston",
        "amount": format_money(Decimal("12345.67"), "CNY" if chinese else "USD", locale),
        "due_on": format_date(date(2026, 11, 23), locale),
        "days_past_due": 103,
        "phone": "400-800-1234" if chinese else "+1 202 555 0100",
        "reference": "LN-2026-00012345",
        "visitors": "韩梅梅、王伟" if chinese else "Ada Visitor and Ben Visitor",
        "visit_on": format_date(date(2027, 1, 4), locale),
        "visit_hours": "09:00-11:00",
        "as_of": format_date(date(2027, 1, 2), locale),
    }


def write(directory: Path, **texts: str) -> Path:
    """Templates as `en__reminder="Hello"`."""
    for key, text in texts.items():
        locale, name = key.split("__")
        (directory / locale).mkdir(exist_ok=True)
        (directory / locale / f"{name}.txt").write_text(text, encoding="utf-8")
    return directory


# --- what ships


def test_every_template_is_there_in_english_and_chinese(templates: Templates) -> None:
    texts = [*TEXTS, "guarantor_notice"]
    several = {f"{name}_{n}_loans" for name in texts for n in ("two", "three", "more")}
    assert templates.names() == {
        *(*texts, *several),
        *("help_reply", "visit_notice", "promise_reminder"),
        *("arrangement_missed", "arrangement_default_notice", "nothing_offered"),
        *("dispute_answer", "complaint_answer", "arrangement_default_letter"),
    }
    assert templates.locales() == {"en", "zh-Hans"}


@pytest.mark.parametrize("locale", ["en", "zh-Hans"])
@pytest.mark.parametrize("name", [*TEXTS, "visit_notice"])
def test_every_template_offers_a_deferral_or_instalments_and_a_line_to_call(
    templates: Templates, name: str, locale: str
) -> None:
    written = templates.render(name, locale, values(locale))
    offers = ("延期还款", "分期还款") if locale == "zh-Hans" else ("deferral", "instalments")
    assert all(offer in written for offer in offers)
    assert str(values(locale)["phone"]) in written


@pytest.mark.parametrize("name", [*TEXTS, "help_reply"])
def test_every_text_says_how_to_opt_out(templates: Templates, name: str) -> None:
    assert templates.render(name, "en", values("en")).endswith("Reply STOP to opt out.")
    assert templates.render(name, "zh-Hans", values("zh-Hans")).endswith("回复TD退订。")


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_never_holds_the_borrowers_name(templates: Templates, name: str) -> None:
    assert name not in LETTERS
    given = values("en")
    assert str(given["borrower_name"]) not in templates.render(name, "en", given)


@pytest.mark.parametrize("name", REMINDERS)
def test_a_reminder_stays_short(templates: Templates, name: str) -> None:
    english = segments(templates.render(name, "en", values("en")))
    assert (english.encoding, english.count <= 2) == (Encoding.GSM_7, True), english
    chinese = segments(templates.render(name, "zh-Hans", values("zh-Hans")))
    assert chinese.count <= 3, chinese


def test_the_legal_notice_says_that_it_is_no_court_document(templates: Templates) -> None:
    english = templates.render("legal_notice", "en", values("en"))
    assert "may ask a court or arbitrator" in english
    assert "not a court document" in english
    assert segments(english).encoding is Encoding.GSM_7
    assert "不是法律文书" in templates.render("legal_notice", "zh-Hans", values("zh-Hans"))


def test_the_visit_notice_says_who_comes_when_and_that_consent_is_asked(
    templates: Templates,
) -> None:
    written = templates.render("visit_notice", "en", values("en"))
    for expected in ("Ada Visitor and Ben Visitor", "January 4, 2027", "As of January 2, 2027"):
        assert expected in written
    assert "identification" in written
    assert "only if you agree" in written


def test_a_version_names_the_exact_words(templates: Templates) -> None:
    source = (SHIPPED / "en" / "reminder_first.txt").read_bytes()
    expected = hashlib.sha256(source).hexdigest()[:12]
    assert templates.version("reminder_first", "en") == expected
    assert templates.version("reminder_first", "zh-Hans") != expected


# --- languages


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("zh-Hans", "zh-Hans"),
        ("zh-Hans-CN", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh", "zh-Hans"),
    ],
)
def test_a_locale_falls_back_to_its_language(templates: Templates, wanted: str, got: str) -> None:
    assert templates.version("reminder_first", wanted) == templates.version("reminder_first", got)


@pytest.mark.parametrize("wanted", ["hi", "zh-TW", "zh-Hant", "fr-CA"])
def test_a_language_without_templates_is_refused(templates: Templates, wanted: str) -> None:
    with pytest.raises(ArrearsError, match=f"no templates for the locale '{wanted}'"):
        templates.render("reminder_first", wanted, values("en"))


def test_a_locale_that_is_none_is_refused(templates: Templates) -> None:
    with pytest.raises(ArrearsError, match="is not a locale"):
        templates.render("reminder_first", "english!", values("en"))


def test_an_unknown_template_is_refused_with_the_known_ones(templates: Templates) -> None:
    with pytest.raises(ArrearsError, match=r"no template named 'nope'.*legal_notice"):
        templates.render("nope", "en", values("en"))


def test_a_missing_value_is_refused_without_showing_the_others(templates: Templates) -> None:
    given = values("en")
    del given["amount"]
    with pytest.raises(ArrearsError, match="needs amount") as refusal:
        templates.render("reminder_first", "en", given)
    assert "555" not in str(refusal.value)


# --- what is refused at load


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArrearsError, match="No template was found"):
        Templates.load(tmp_path)


def test_a_folder_that_is_no_locale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArrearsError, match="'drafts!' is not a locale"):
        Templates.load(write(tmp_path, **{"drafts!__reminder": "Hello"}))


def test_a_template_that_is_missing_in_a_locale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArrearsError, match="'second' is missing in zh-Hans"):
        Templates.load(write(tmp_path, en__first="A", en__second="B", **{"zh-Hans__first": "甲"}))


def test_placeholders_that_differ_between_locales_are_refused(tmp_path: Path) -> None:
    texts = {"en__first": "{{ amount }} {{ phone }}", "zh-Hans__first": "{{ amount }}"}
    with pytest.raises(ArrearsError, match="'first' uses phone in some locales only"):
        Templates.load(write(tmp_path, **texts))


@pytest.mark.parametrize("placeholder", ["amuont", "borrower_name", "range"])
def test_a_placeholder_that_a_text_may_not_use_is_refused(tmp_path: Path, placeholder: str) -> None:
    with pytest.raises(ArrearsError, match=rf"first\.txt: the template uses {placeholder}"):
        Templates.load(write(tmp_path, en__first=f"{{{{ {placeholder} }}}}"))


def test_a_template_that_does_not_parse_is_refused_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(ArrearsError, match=r"first\.txt, line 2: the template does not parse"):
        Templates.load(write(tmp_path, en__first="Hello\n{{ amount"))


def test_a_filter_that_does_not_exist_is_refused_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(ArrearsError, match=r"first\.txt, line 1: the template uses a filter"):
        Templates.load(write(tmp_path, en__first="{{ amount | shout }}"))


@pytest.mark.parametrize(
    "source",
    [
        "{{ amount } Lin }}",
        "{% Lin %}",
        "{{ amount | Lin }}",
        "{{ amount['Lin'].x }}",
        "{{ 'Lin' + 1 }}",
    ],
)
def test_what_is_wrong_in_a_template_is_said_without_its_words(tmp_path: Path, source: str) -> None:
    with pytest.raises(ArrearsError, match=r"first\.txt, line 2: ") as refused:
        Templates.load(write(tmp_path, en__first=f"Hello\n{source}"))
    assert "Lin" not in str(refused.value)


@pytest.mark.parametrize("source", ["{{ {}[phone].x }}", "{{ 1 / (phone | int) }}"])
def test_what_cannot_be_written_out_quotes_no_value(tmp_path: Path, source: str) -> None:
    templates = Templates.load(write(tmp_path, en__first="{{ phone }}"))
    environment = SandboxedEnvironment(undefined=StrictUndefined)
    broken = replace(templates._source("first", "en"), template=environment.from_string(source))
    templates = Templates({"en": {"first": broken}})

    value = "0" * 5
    with pytest.raises(ReasonedError, match="could not be written out") as refused:
        templates.render("first", "en", {"phone": value})

    assert value not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ amount.__class__.__mro__ }}", "SecurityError"),  # the way into Python
        ("{{ amount + 1 }}", "TypeError"),
        ("{{ days_past_due / 0 }}", "TypeError"),
        ("{{ amount.whole.part }}", "UndefinedError"),
        ("{{ amount() }}", "TypeError"),
        ("{% include 'second' %}", "TypeError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
    ],
)
def test_a_template_that_cannot_be_written_out_is_refused_with_its_file(
    tmp_path: Path, source: str, why: str
) -> None:
    with pytest.raises(
        ArrearsError, match=rf"first\.txt, line 1: the template cannot be written out \({why}\)"
    ):
        Templates.load(write(tmp_path, en__first=source))


@pytest.mark.parametrize("source", ["", " \n", "{# words to come #}", "{{ '' }}"])
def test_a_template_that_says_nothing_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(ArrearsError, match=r"first\.txt: the template says nothing"):
        Templates.load(write(tmp_path, en__first=source))


def test_a_template_in_another_encoding_is_refused(tmp_path: Path) -> None:
    write(tmp_path, en__first="Hello")
    (tmp_path / "en" / "first.txt").write_bytes("还款".encode("gb18030"))
    with pytest.raises(ArrearsError, match=r"first\.txt: the template is not UTF-8"):
        Templates.load(tmp_path)


def test_there_is_a_sample_of_every_value_that_a_template_may_use() -> None:
    assert set(SAMPLE) == LETTER_PLACEHOLDERS | SEVERAL_PLACEHOLDERS | TEXT_PLACEHOLDERS


SEVERAL = {
    "_two_loans": "{{ loan_1 }} {{ amount_1 }} {{ loan_2 }} {{ amount_2 }}",
    "_three_loans": "{{ loan_1 }} {{ amount_1 }} {{ loan_2 }} {{ amount_2 }} {{ loan_3 }} "
    "{{ amount_3 }}",
    "_more_loans": "{{ count }} {{ total }}",
}


def write_several(directory: Path, **changed: str | None) -> Path:
    """A text with its wordings for several loans, of which some are changed or left out."""
    texts = {f"en__first{ending}": words for ending, words in SEVERAL.items()}
    texts |= {f"en__first{ending}": words for ending, words in changed.items() if words is not None}
    left_out = {f"en__first{ending}" for ending, words in changed.items() if words is None}
    written = {"en__first": "{{ amount }}", **texts}
    return write(directory, **{key: text for key, text in written.items() if key not in left_out})


def test_a_text_has_a_wording_for_each_number_of_loans(tmp_path: Path) -> None:
    templates = Templates.load(write_several(tmp_path))
    assert [templates.wording("first", loans) for loans in (1, 2, 3, 4, 300)] == [
        "first",
        "first_two_loans",
        "first_three_loans",
        "first_more_loans",
        "first_more_loans",
    ]
    assert templates.for_several("first_two_loans") == ()


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"_three_loans": None}, "first_three_loans.txt is missing"),
        ({"_two_loans": "{{ loan_1 }} {{ amount_1 }}"}, "leaves out amount_2, loan_2"),
        ({"_more_loans": "{{ count }} {{ total }} {{ lender }}"}, "only one says: identity"),
        ({"_more_loans": "{{ count }} {{ total }} {{ due_on }}"}, "uses due_on, which it may not"),
    ],
)
def test_a_wording_for_several_loans_that_says_less_is_refused(
    tmp_path: Path, changed: dict[str, str | None], complaint: str
) -> None:
    with pytest.raises(ArrearsError, match=complaint):
        Templates.load(write_several(tmp_path, **changed))


def test_a_letter_keeps_ampersands_and_its_lines_as_they_are(tmp_path: Path) -> None:
    templates = Templates.load(write(tmp_path, en__first="{{ lender }}\n\nDear all\n"))
    assert templates.render("first", "en", {"lender": "A & B"}) == "A & B\n\nDear all"


# --- money and dates


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "expected"),
    [
        ("1234.5", "USD", "en", "$1,234.50"),
        ("1234.5", "GBP", "en-GB", "£1,234.50"),
        ("1234.5", "CNY", "zh-Hans", "¥1,234.50"),
        ("1234.5", "CNY", "en", "CN¥1,234.50"),
        ("1234.5", "INR", "en", "INR 1,234.50"),
    ],
)
def test_money_is_written_with_its_currency(
    amount: str, currency: str, locale: str, expected: str
) -> None:
    assert format_money(Decimal(amount), currency, locale) == expected


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("en", "March 4, 2026"), ("en-GB", "4 March 2026"), ("zh-Hans", "2026年3月4日")],
)
def test_a_date_names_its_month(locale: str, expected: str) -> None:
    assert format_date(date(2026, 3, 4), locale) == expected
