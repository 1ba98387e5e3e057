"""Reads `config/sms_templates/*.yaml`: what a provider was shown before it sends it.

Carriers in China take only texts that were registered, word for word, by the provider: a text is
then sent as the registered template's id and the values for its blanks, in order.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from config.readers.templates import TEXT_PLACEHOLDERS
from config.readers.yaml_reader import Section, Value, each, read_yaml

_ID = re.compile(r"\d{1,20}")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class RegisteredTemplate:
    """One template as the provider knows it."""

    name: str
    """That of the house's own template, whose words the registered one repeats."""
    locale: str
    id: str
    """The provider's."""
    values: tuple[str, ...]
    """The names of the values, in the order of the blanks."""


class RegisteredTemplates:
    """All templates that one provider was shown."""

    def __init__(self, templates: Collection[RegisteredTemplate] = ()) -> None:
        self._by_words = {(template.name, template.locale): template for template in templates}

    def find(self, name: str, locale: str) -> RegisteredTemplate | None:
        """The registered template of exactly this name and locale; None: it was not registered.

        No other locale stands in: the borrower would be written to in words that nobody chose.
        """
        return self._by_words.get((name, locale))


def load_sms_templates(path: Path, template_names: Collection[str]) -> RegisteredTemplates:
    """Read one provider's file; `template_names` are the house's own templates.

    Raises:
        PolicyError: the file cannot be read or says what it must not; all the problems at once.
    """
    top = read_yaml(path).section(("templates",))
    written = top.need("templates").pairs()
    by_name = each(written.items(), lambda pair: _read_name(*pair, template_names))
    return RegisteredTemplates([locale for locales in by_name for locale in locales])


def _read_name(
    name: str, locales: Value, template_names: Collection[str]
) -> tuple[RegisteredTemplate, ...]:
    if name not in template_names:
        raise locales.refuse(
            f"There is no template {name}.", f"Write one of: {', '.join(sorted(template_names))}."
        )
    return each(locales.pairs().items(), lambda pair: _read_template(name, *pair))


def _read_template(name: str, locale: str, written: Value) -> RegisteredTemplate:
    if not _LOCALE.fullmatch(locale):
        raise written.refuse(f"{locale} is not a locale.", "Write one such as zh-Hans.")
    section = written.section(("id", "values"))
    return RegisteredTemplate(name, locale, _read_id(section), _read_values(section))


def _read_id(section: Section) -> str:
    value = section.need("id")
    if not _ID.fullmatch(value.text()):
        raise value.refuse(
            f"`id` is {value.text()}.", "Write the digits that the provider shows beside it."
        )
    return value.text()


def _read_values(section: Section) -> tuple[str, ...]:
    """None, for a template without blanks, is written by leaving the line out."""
    written = section.maybe("values")
    if written is None:
        return ()
    return each(written.values(), lambda value: value.known(TEXT_PLACEHOLDERS, "value"))
