"""What the house writes to borrowers: `config/templates/<locale>/<name>.txt`.

A lender may word the templates anew; the words are data, and so they run in Jinja2's sandbox and
are checked when they are loaded, not when the first borrower is due.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Self

import babel
from babel import dates, numbers
from babel.core import get_global
from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import SandboxedEnvironment

from config.readers.statements import Wordings, load_statements, statements_in
from domain.compliance.vocabulary import Says
from domain.errors import ArrearsError
from domain.sms_segments import Encoding, segments

TEXT_PLACEHOLDERS = frozenset({"lender", "amount", "due_on", "days_past_due", "phone", "reference"})
"""What a text may say. It holds no name: a text can be read by whoever has the telephone."""

LETTER_PLACEHOLDERS = TEXT_PLACEHOLDERS | {"borrower_name", "visitors", "visit_on", "visit_hours"}
"""What a letter, sealed and addressed, may say besides."""

LETTERS = frozenset({"visit_notice"})
"""The templates that are letters; every other one is a text."""

SAMPLE = {
    "lender": "Example Lender",
    "amount": "$1,234.50",
    "due_on": "March 1, 2026",
    "days_past_due": "3",
    "phone": "400-000-0000",
    "reference": "L-1",
    "borrower_name": "Lin Example",
    "visitors": "Ada Visitor, Ben Visitor",
    "visit_on": "March 4, 2026",
    "visit_hours": "09:00–11:00",
}
"""A value for each placeholder, as workers give it: always text."""


@dataclass(frozen=True, slots=True)
class _Source:
    template: Template
    placeholders: frozenset[str]
    version: str
    says: frozenset[Says]


class Templates:
    """Every template in every locale, checked."""

    def __init__(self, sources: Mapping[str, Mapping[str, _Source]]) -> None:
        """Takes locale → name → source. Use `load`, which checks."""
        self._sources = sources

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Reads and checks a directory that has one folder for each locale.

        Raises `ArrearsError` where a template is missing in a locale, is not UTF-8, does not parse,
        uses a placeholder that does not exist, uses other placeholders in one locale than in
        another, cannot be written out, or says nothing.
        """
        folders = sorted(path for path in directory.glob("*") if path.is_dir())
        told_by = load_statements(directory)
        sources = {
            folder.name: _load_locale(folder, told_by.get(folder.name, {})) for folder in folders
        }
        if not any(sources.values()):
            raise ArrearsError(
                f"No template was found in {directory}. "
                f"Put each template into a folder named for its locale, such as en/reminder.txt."
            )
        _check_that_locales_agree(directory, sources)
        return cls(sources)

    def names(self) -> frozenset[str]:
        """The names of all templates; each exists in every locale."""
        return frozenset(name for folder in self._sources.values() for name in folder)

    def locales(self) -> frozenset[str]:
        """The locales that have templates."""
        return frozenset(self._sources)

    def has_locale(self, locale: str) -> bool:
        """Whether a borrower of this locale can be written to; see `render` for fallbacks."""
        try:
            return any(candidate in self._sources for candidate in _fallbacks(locale))
        except ArrearsError:
            return False

    def placeholders(self, name: str, locale: str) -> frozenset[str]:
        """The values that a template needs."""
        return self._source(name, locale).placeholders

    def version(self, name: str, locale: str) -> str:
        """Names the exact words used: the first 12 hex digits of the SHA-256 of the source."""
        return self._source(name, locale).version

    def says(self, name: str, locale: str) -> frozenset[Says]:
        """What a template says, as far as a law asks about it."""
        return self._source(name, locale).says

    def render(self, name: str, locale: str, values: Mapping[str, str | int]) -> str:
        """Writes a text or letter in the borrower's language.

        A locale without templates falls back to its language (`en-GB` to `en`). Values that the
        template does not use are ignored. Raises `ArrearsError` for an unknown template, a language
        without templates, or a value that is missing.
        """
        source = self._source(name, locale)
        missing = sorted(source.placeholders - values.keys())
        if missing:
            raise ArrearsError(
                f"The template {name!r} in {locale!r} needs {', '.join(missing)}, not given here."
            )
        try:
            return source.template.render(values)
        except TemplateError as error:
            raise ArrearsError(
                f"The template {name!r} in {locale!r} could not be written out "
                f"({type(error).__name__}). Correct the template."
            ) from error

    def _source(self, name: str, locale: str) -> _Source:
        for candidate in _fallbacks(locale):
            if candidate in self._sources:
                return _template_in(self._sources[candidate], name)
        raise ArrearsError(
            f"There are no templates for the locale {locale!r}. "
            f"Known locales: {', '.join(sorted(self._sources))}."
        )


def format_money(amount: Decimal, currency: str, locale: str) -> str:
    """Writes an amount with its currency (ISO 4217), rounded to the currency's minor unit.

    A sign that GSM-7 lacks, such as that of the rupee, would double the price of an English text;
    the currency's code says the same.
    """
    written = numbers.format_currency(amount, currency, locale=_locale(locale))
    if segments(written).encoding is Encoding.GSM_7:
        return written
    # Babel sets a no-break space between code and number, which GSM-7 lacks as well.
    coded = numbers.format_currency(amount, currency, format="¤¤ #,##0.00", locale=_locale(locale))
    return coded.replace("\N{NO-BREAK SPACE}", " ")


def format_date(day: date, locale: str) -> str:
    """Writes a business date with its month as a word, so that day and month cannot be confused."""
    return dates.format_date(day, format="long", locale=_locale(locale))


def _template_in(sources: Mapping[str, _Source], name: str) -> _Source:
    try:
        return sources[name]
    except KeyError:
        raise ArrearsError(
            f"There is no template named {name!r}. Known templates: {', '.join(sorted(sources))}."
        ) from None


def _load_locale(folder: Path, told_by: Wordings) -> dict[str, _Source]:
    _locale(folder.name)
    return {path.stem: _load_source(path, told_by) for path in sorted(folder.glob("*.txt"))}


def _load_source(path: Path, told_by: Wordings) -> _Source:
    # Texts and letters are plain text: HTML escaping would spoil them.
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.globals.clear()  # templates are given values, and need no functions
    text = _read(path)
    try:
        placeholders = frozenset(meta.find_undeclared_variables(environment.parse(text)))
        template = environment.from_string(text)
    except TemplateSyntaxError as error:
        raise ArrearsError(
            f"{path}, line {error.lineno}: the template does not parse: {error.message} "
            f"Correct the line."
        ) from None
    _check_that_placeholders_exist(path, placeholders)
    _check_that_it_can_be_written_out(path, template)
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return _Source(template, placeholders, version, statements_in(text, placeholders, told_by))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ArrearsError(
            f"{path}: the template cannot be read ({error.strerror}). Check its permissions."
        ) from None
    except UnicodeDecodeError:
        raise ArrearsError(f"{path}: the template is not UTF-8. Save it as UTF-8.") from None


def _check_that_it_can_be_written_out(path: Path, template: Template) -> None:
    try:
        written = template.render(SAMPLE)
    except Exception as error:  # a template is a program: what it may raise has no bounds
        raise ArrearsError(
            f"{path}: the template cannot be written out ({type(error).__name__}: {error}). "
            "Use the placeholders as they are: no sums, no parts of them, no other templates."
        ) from None
    if not written.strip():
        raise ArrearsError(
            f"{path}: the template says nothing. Write its words, or remove it in every locale."
        )


def _check_that_placeholders_exist(path: Path, placeholders: frozenset[str]) -> None:
    known = LETTER_PLACEHOLDERS if path.stem in LETTERS else TEXT_PLACEHOLDERS
    unknown = sorted(placeholders - known)
    if unknown:
        raise ArrearsError(
            f"{path}: the template uses {', '.join(unknown)}, which it may not. "
            f"It may use: {', '.join(sorted(known))}."
        )


def _check_that_locales_agree(
    directory: Path, sources: Mapping[str, Mapping[str, _Source]]
) -> None:
    names = sorted({name for folder in sources.values() for name in folder})
    for name in names:
        without = sorted(locale for locale, folder in sources.items() if name not in folder)
        if without:
            raise ArrearsError(
                f"{directory}: the template {name!r} is missing in {', '.join(without)}. "
                f"Add {name}.txt there, or remove it everywhere."
            )
        _check_same_placeholders(
            directory, name, {locale: folder[name] for locale, folder in sources.items()}
        )


def _check_same_placeholders(directory: Path, name: str, written: Mapping[str, _Source]) -> None:
    used = {locale: source.placeholders for locale, source in written.items()}
    everywhere = frozenset.intersection(*used.values())
    anywhere = frozenset.union(*used.values())
    if anywhere != everywhere:
        raise ArrearsError(
            f"{directory}: the template {name!r} uses {', '.join(sorted(anywhere - everywhere))} "
            f"in some locales only ({', '.join(sorted(used))}). Say the same in every language."
        )


def _fallbacks(locale: str) -> Iterator[str]:
    """The locale itself, then its script, then its language.

    The script may be implied: `zh-CN` finds `zh-Hans`, and `zh-TW` never does.
    """
    yield locale
    parsed = _locale(locale)
    if parsed.script:
        yield f"{parsed.language}-{parsed.script}"
    yield parsed.language
    likely = _likely_script(parsed)
    if likely and not parsed.script:
        yield f"{parsed.language}-{likely}"


def _likely_script(locale: babel.Locale) -> str | None:
    subtags = get_global("likely_subtags").get(locale.language)
    return babel.Locale.parse(subtags).script if subtags else None


@lru_cache(maxsize=64)
def _locale(tag: str) -> babel.Locale:
    try:
        return babel.Locale.parse(tag, sep="-")
    except (ValueError, babel.UnknownLocaleError):
        raise ArrearsError(
            f"{tag!r} is not a locale. Use a BCP 47 tag such as en or zh-Hans."
        ) from None
