"""The texts and letters to borrowers: `config/templates/<locale>/<name>.txt`.

A lender may change the words. So the templates are data: they run in Jinja2's sandbox, and they are
checked when they are loaded, not when the first text is sent.
"""

import hashlib
import traceback
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
from jinja2 import (
    StrictUndefined,
    Template,
    TemplateAssertionError,
    TemplateSyntaxError,
    meta,
)
from jinja2.sandbox import SandboxedEnvironment

from config.readers.statements import Wordings, load_statements, statements_in
from domain.compliance.vocabulary import Says
from domain.errors import ArrearsError, ReasonedError
from domain.reasons import ReasonCode, because
from domain.sms_segments import Encoding, segments

TEXT_PLACEHOLDERS = frozenset({"lender", "amount", "due_on", "days_past_due", "phone", "reference"})
"""The values of a text. It has no name in it: anybody who has the telephone can read it."""

NAMED_LOANS = 3
"""A text about so many loans of one person names each, and one about more counts them."""

_WORDINGS = {
    "_two_loans": frozenset({"loan_1", "amount_1", "loan_2", "amount_2"}),
    "_three_loans": frozenset({"loan_1", "amount_1", "loan_2", "amount_2", "loan_3", "amount_3"}),
    "_more_loans": frozenset({"count", "total"}),
}
"""How the names of the wordings of a text for several loans end, and which values each must have.
Three templates and no list in one: a text that is registered has a fixed number of short blanks."""

SEVERAL_PLACEHOLDERS = frozenset({"lender", "phone"}).union(*_WORDINGS.values())
"""The values of a text about several loans. It has no name in it either."""

EXAMPLE = "{{ amount }}"
"""A placeholder as it is written."""

LETTERS = frozenset({"visit_notice"})
"""The templates that are letters; all others are texts."""

SAMPLE = {
    "lender": "Example Lender",
    "amount": "$1,234.50",
    "due_on": "March 1, 2026",
    "days_past_due": "3",
    "phone": "400-000-0000",
    "reference": "L-1",
    "loan_1": "L-1",
    "amount_1": "$1,234.50",
    "loan_2": "L-2",
    "amount_2": "$99.00",
    "loan_3": "L-3",
    "amount_3": "$12.00",
    "count": "4",
    "total": "$1,345.50",
    "borrower_name": "Lin Example",
    "visitors": "Ada Visitor, Ben Visitor",
    "visit_on": "March 4, 2026",
    "visit_hours": "09:00–11:00",
}
"""An example of each value, as the workers give it: always text."""

LETTER_PLACEHOLDERS = frozenset(SAMPLE) - SEVERAL_PLACEHOLDERS | {"lender", "phone"}
"""The values of a letter. It is in a closed envelope, so it may have all of them."""


@dataclass(frozen=True, slots=True)
class _Source:
    template: Template
    placeholders: frozenset[str]
    version: str
    says: frozenset[Says]


class Templates:
    """Every template in every locale. All of them are checked."""

    def __init__(self, sources: Mapping[str, Mapping[str, _Source]]) -> None:
        """Takes locale → name → source. Use `load`, which checks them."""
        self._sources = sources

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read and check a directory that has one folder for each locale.

        Raises:
            ArrearsError: a template is missing in a locale, is not UTF-8, does not parse, uses a
                placeholder that does not exist or that another locale does not use, cannot be
                rendered, or is empty; or a wording for several loans is missing or says less.
        """
        folders = sorted(path for path in directory.glob("*") if path.is_dir())
        wordings = load_statements(directory)
        sources = {
            folder.name: _load_locale(folder, wordings.get(folder.name, {})) for folder in folders
        }
        if not any(sources.values()):
            raise ArrearsError(
                "No template was found in {directory}. Put each template into a folder named for "
                "its locale, such as en/reminder.txt.",
                directory=directory,
            )
        _check_that_locales_agree(directory, sources)
        for locale, folder_sources in sources.items():
            _check_wordings_for_several(directory / locale, folder_sources)
        return cls(sources)

    def names(self) -> frozenset[str]:
        """The names of all templates. Each of them exists in every locale."""
        return frozenset(name for folder in self._sources.values() for name in folder)

    def for_several(self, name: str) -> tuple[str, ...]:
        """The wordings of a text for two, for three and for more loans; empty if it has none."""
        return tuple(f"{name}{ending}" for ending in _WORDINGS if f"{name}{ending}" in self.names())

    def wording(self, name: str, loans: int) -> str:
        """The template of a text about so many loans, of which `for_several` has the wordings."""
        return name if loans == 1 else self.for_several(name)[min(loans, NAMED_LOANS + 1) - 2]

    def locales(self) -> frozenset[str]:
        """The locales that have templates."""
        return frozenset(self._sources)

    def has_locale(self, locale: str) -> bool:
        """Whether there are templates for this locale; see `render` for fallbacks."""
        try:
            return any(candidate in self._sources for candidate in _fallbacks(locale))
        except ArrearsError:
            return False

    def version(self, name: str, locale: str) -> str:
        """A version of the exact words: the first 12 hex digits of the SHA-256 of the source."""
        return self._source(name, locale).version

    def says(self, name: str, locale: str) -> frozenset[Says]:
        """The statements of a template that a law asks about."""
        return self._source(name, locale).says

    def render(self, name: str, locale: str, values: Mapping[str, str | int]) -> str:
        """Render a text or a letter in the borrower's language.

        A locale without templates falls back to its language (`en-GB` to `en`). Values that the
        template does not use are ignored.

        Raises:
            ArrearsError: the template is not known, the language has no templates, or a value is
                missing.
        """
        source = self._source(name, locale)
        missing = sorted(source.placeholders - values.keys())
        if missing:
            raise ReasonedError(
                f"The template {name!r} in {locale!r} needs {', '.join(missing)}, not given here.",
                because(
                    ReasonCode.TEMPLATE_LACKS_VALUES, template=name, locale=locale, values=missing
                ),
            )
        try:
            return source.template.render(values)
        except Exception as error:  # a template is a program: it may raise anything
            # Not chained: the text of the error may quote a value, such as a name.
            raise ReasonedError(
                f"The template {name!r} in {locale!r} could not be written out "
                f"({type(error).__name__}). Correct the template.",
                because(
                    ReasonCode.TEMPLATE_BROKEN,
                    template=name,
                    locale=locale,
                    error=type(error).__name__,
                ),
            ) from None

    def _source(self, name: str, locale: str) -> _Source:
        for candidate in _fallbacks(locale):
            if (sources := self._sources.get(candidate)) is None:
                continue
            if name not in sources:
                raise ReasonedError(
                    f"There is no template named {name!r}. "
                    f"Known templates: {', '.join(sorted(sources))}.",
                    because(ReasonCode.TEMPLATE_NOT_KNOWN, template=name, locale=candidate),
                )
            return sources[name]
        raise ReasonedError(
            f"There are no templates for the locale {locale!r}. "
            f"Known locales: {', '.join(sorted(self._sources))}.",
            because(
                ReasonCode.LOCALE_WITHOUT_TEMPLATES, locale=locale, known=sorted(self._sources)
            ),
        )


def format_money(amount: Decimal, currency: str, locale: str) -> str:
    """An amount with its currency (ISO 4217), rounded to the currency's minor unit.

    A sign that GSM-7 does not have, such as that of the rupee, would double the price of an English
    text. Then the code of the currency stands in its place.
    """
    written = numbers.format_currency(amount, currency, locale=_locale(locale))
    if segments(written).encoding is Encoding.GSM_7:
        return written
    # Babel puts a no-break space between code and number, which GSM-7 does not have either.
    coded = numbers.format_currency(amount, currency, format="¤¤ #,##0.00", locale=_locale(locale))
    return coded.replace("\N{NO-BREAK SPACE}", " ")


def format_date(day: date, locale: str) -> str:
    """A business date with its month as a word, so that day and month cannot be confused."""
    return dates.format_date(day, format="long", locale=_locale(locale))


def _load_locale(folder: Path, wordings: Wordings) -> dict[str, _Source]:
    _locale(folder.name)
    return {path.stem: _load_source(path, wordings) for path in sorted(folder.glob("*.txt"))}


def _load_source(path: Path, wordings: Wordings) -> _Source:
    # Texts and letters are plain text, so HTML is not escaped.
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.globals.clear()  # templates need values only, no functions
    text = _read(path)
    try:
        placeholders = frozenset(meta.find_undeclared_variables(environment.parse(text)))
        template = environment.from_string(text)
    except TemplateAssertionError as error:
        raise ArrearsError(
            "{path}, line {line}: the template uses a filter or a test that does not exist. Use "
            "the placeholders as they are, such as {example}.",
            path=path,
            line=error.lineno,
            example=EXAMPLE,
        ) from None
    except TemplateSyntaxError as error:
        raise ArrearsError(
            "{path}, line {line}: the template does not parse. Write each placeholder between two "
            "pairs of braces, such as {example}, and no other signs of that kind.",
            path=path,
            line=error.lineno,
            example=EXAMPLE,
        ) from None
    _check_that_placeholders_exist(path, placeholders)
    _check_that_it_renders(path, template)
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return _Source(template, placeholders, version, statements_in(text, placeholders, wordings))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ArrearsError(
            "{path}: the template cannot be read ({error}). Check its permissions.",
            path=path,
            error=error.strerror,
        ) from None
    except UnicodeDecodeError:
        raise ArrearsError(
            "{path}: the template is not UTF-8. Save it as UTF-8.", path=path
        ) from None


def _check_that_it_renders(path: Path, template: Template) -> None:
    try:
        written = template.render(SAMPLE)
    except Exception as error:  # a template is a program: it may raise anything
        raise ArrearsError(
            "{path}, line {line}: the template cannot be written out ({kind}). Use the "
            "placeholders as they are: no sums, no parts of them, no other templates.",
            path=path,
            line=_line_of(error),
            kind=type(error).__name__,
        ) from None
    if not written.strip():
        raise ArrearsError(
            "{path}: the template says nothing. Write its words, or remove it in every locale.",
            path=path,
        )


def _line_of(error: Exception) -> int:
    """The line of the template at which it was raised, as Jinja2 writes it into the traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno for f in frames if f.filename == "<template>" and f.lineno), 1)


def _check_that_placeholders_exist(path: Path, placeholders: frozenset[str]) -> None:
    if path.stem in LETTERS:
        known = LETTER_PLACEHOLDERS
    elif path.stem.endswith(tuple(_WORDINGS)):
        known = SEVERAL_PLACEHOLDERS
    else:
        known = TEXT_PLACEHOLDERS
    unknown = sorted(placeholders - known)
    if unknown:
        raise ArrearsError(
            "{path}: the template uses {unknown}, which it may not. It may use: {known}.",
            path=path,
            unknown=", ".join(unknown),
            known=", ".join(sorted(known)),
        )


def _check_that_locales_agree(
    directory: Path, sources: Mapping[str, Mapping[str, _Source]]
) -> None:
    names = sorted({name for folder in sources.values() for name in folder})
    for name in names:
        without = sorted(locale for locale, folder in sources.items() if name not in folder)
        if without:
            raise ArrearsError(
                "{directory}: the template {name!r} is missing in {locales}. Add {name}.txt there, "
                "or remove it everywhere.",
                directory=directory,
                name=name,
                locales=", ".join(without),
            )
        used = [folder[name].placeholders for folder in sources.values()]
        if in_some := frozenset.union(*used) - frozenset.intersection(*used):
            raise ArrearsError(
                "{directory}: the template {name!r} uses {values} in some locales only "
                "({locales}). Say the same in every language.",
                directory=directory,
                name=name,
                values=", ".join(sorted(in_some)),
                locales=", ".join(sorted(sources)),
            )


def _check_wordings_for_several(folder: Path, sources: Mapping[str, _Source]) -> None:
    """A text has all wordings for several loans or none; they name every loan, and make the same
    statements, so that the gate's answer about the text for one loan holds for them."""
    for name, source in sources.items():
        ending = next((ending for ending in _WORDINGS if name.endswith(ending)), None)
        if ending is None:
            continue
        base = name.removesuffix(ending)
        for other in (base, *(f"{base}{another}" for another in _WORDINGS)):
            if other not in sources:
                raise ArrearsError(
                    "{folder}: there is {name}.txt, and {other}.txt is missing. A text has a "
                    "wording for two, for three and for more loans beside that for one. Add it.",
                    folder=folder,
                    name=name,
                    other=other,
                )
        if missing := sorted(_WORDINGS[ending] - source.placeholders):
            raise ArrearsError(
                "{path}.txt: the template leaves out {missing}, so the borrower cannot tell what "
                "it is about. Add it.",
                path=folder / name,
                missing=", ".join(missing),
            )
        if source.says != sources[base].says:
            differ = ", ".join(sorted(source.says ^ sources[base].says))
            raise ArrearsError(
                "{path}.txt: of this and {base}.txt only one says: {differ}. Rules check the text "
                "for one loan. Say the same in both.",
                path=folder / name,
                base=base,
                differ=differ,
            )


def _fallbacks(locale: str) -> Iterator[str]:
    """The locale itself, then its language with its script, then its language.

    The script may follow from the country: `zh-CN` finds `zh-Hans`, and `zh-TW` does not.
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
            "{tag!r} is not a locale. Use a BCP 47 tag such as en or zh-Hans.", tag=tag
        ) from None
