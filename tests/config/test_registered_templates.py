"""What was registered with a provider: read strictly, for a wrong id sends the wrong words."""

from pathlib import Path

import pytest

from config.readers.registered_templates import (
    RegisteredTemplate,
    RegisteredTemplates,
    load_sms_templates,
)
from config.readers.yaml_reader import PolicyError
from tests.support.refused_yaml import refusal

NAMES = {"reminder_first", "reminder_second"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tencent.yaml"


def load(file: Path, written: str) -> RegisteredTemplates:
    file.write_text(written, encoding="utf-8")
    return load_sms_templates(file, NAMES)


WRITTEN = """
templates:
  reminder_first:
    zh-Hans:
      id: 0012345
      values: [lender, amount, due_on]
    en:
      id: 678
"""


def test_a_registered_text_is_found_by_its_name_and_locale(file: Path) -> None:
    templates = load(file, WRITTEN)
    assert templates.get(("reminder_first", "zh-Hans")) == RegisteredTemplate(
        "reminder_first", "zh-Hans", "0012345", ("lender", "amount", "due_on")
    )
    english = templates.get(("reminder_first", "en"))
    assert english is not None
    assert english.values == ()


@pytest.mark.parametrize(
    ("name", "locale"),
    [("reminder_second", "zh-Hans"), ("reminder_first", "zh"), ("reminder_first", "zh-Hant")],
)
def test_nothing_stands_in_for_a_text_that_was_not_registered(
    file: Path, name: str, locale: str
) -> None:
    assert load(file, WRITTEN).get((name, locale)) is None


def test_the_file_that_is_shipped_registers_nothing() -> None:
    shipped = Path(__file__).parents[2] / "config" / "sms_templates" / "tencent.yaml"
    assert load_sms_templates(shipped, NAMES).get(("reminder_first", "zh-Hans")) is None


@pytest.mark.parametrize(
    ("wrong", "line", "violation"),
    [
        (
            ("reminder_first:", "reminder_fist:"),
            4,
            "There is no template `aaaaaaaa_aaaa`",
        ),
        (("zh-Hans:", "Chinese:"), 5, "`aaaaaaa` (masked) is not a locale."),
        (("id: 0012345", "id: TPL_1"), 5, "`id` is `aaa_#` (masked)."),
        (("id: 0012345", "number: 1"), 5, "The key `aaaaaa` (masked) is not known here."),
        (("      id: 0012345\n", ""), 5, "The key `id` is missing here."),
        (
            ("amount, due_on", "ammount"),
            6,
            "There is no value `aaaaaaa` (masked). Did you",
        ),
        (("templates:", "registered:"), 3, "The key `aaaaaaaaaa` (masked) is not known here."),
    ],
)
def test_a_mistake_is_told_with_its_file_and_line(
    file: Path, wrong: tuple[str, str], line: int, violation: str
) -> None:
    said = refusal(load, file, WRITTEN, *wrong)
    assert said.startswith(f"tencent.yaml line {line}: {violation}")


def test_a_missing_file_is_told_by_its_name(file: Path) -> None:
    with pytest.raises(PolicyError, match=r"tencent\.yaml cannot be read"):
        load_sms_templates(file, NAMES)
