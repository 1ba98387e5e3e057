"""Reads `config/sms_templates/*.yaml`: the templates that are registered with a provider.

Carriers in China accept only texts that the provider has registered word for word. A text is then
sent as the id of the registered template and the values for its blanks, in order.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from config.readers.template_files import SEVERAL_PLACEHOLDERS, TEXT_PLACEHOLDERS
from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import Value, as_shown, each

_ID = re.compile(r"\d{1,20}")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


_VALUES = TEXT_PLACEHOLDERS | SEVERAL_PLACEHOLDERS


@dataclass(frozen=True, slots=True)
class RegisteredTemplate:
    """One template as it is registered with the provider."""

    name: str
    """The name of our own template, which has the same words."""
    locale: str
    id: str
    """The provider's id."""
    values: tuple[str, ...]
    """The names of the values, in the order of the blanks."""


RegisteredTemplates: TypeAlias = Mapping[tuple[str, str], RegisteredTemplate]
"""By name and locale, all templates that are registered with one provider.

There is no fallback to another locale: it would send words that nobody chose.
"""


def load_sms_templates(path: Path, template_names: Collection[str]) -> RegisteredTemplates:
    """Read one provider's file; `template_names` are our own templates.

    Raises:
        PolicyError: the file cannot be read, or something in it is wrong; all errors at once.
    """
    top = read_yaml(path).section("templates")
    written = top.need("templates").pairs()
    by_name = each(written.items(), lambda pair: _read_name(*pair, template_names))
    templates = [template for locales in by_name for template in locales]
    return {(template.name, template.locale): template for template in templates}


def _read_name(
    name: str, locales: Value, template_names: Collection[str]
) -> tuple[RegisteredTemplate, ...]:
    if name not in template_names:
        raise locales.refuse(
            "There is no template {name}.",
            "Write one of: {templates}.",
            name=as_shown(name),
            templates=", ".join(sorted(template_names)),
        )
    return each(locales.pairs().items(), lambda pair: _read_template(name, *pair))


def _read_template(name: str, locale: str, written: Value) -> RegisteredTemplate:
    if not _LOCALE.fullmatch(locale):
        raise written.refuse(
            "{locale} is not a locale.", "Write one such as zh-Hans.", locale=as_shown(locale)
        )
    section = written.section("id values")
    return RegisteredTemplate(
        name,
        locale,
        section.need("id").matching(_ID, "Write the digits that the provider shows beside it.")[0],
        section.entries("values", lambda value: value.known(_VALUES, "value")),
    )
