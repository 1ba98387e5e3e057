"""The texts and letters to borrowers: `config/templates/<locale>/<name>.txt`.

A lender may change the words. So the templates are data: they run in Jinja2's sandbox, and they are
checked when they are loaded, not when the first text is sent.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from config.readers.locales import fallbacks
from config.readers.template_files import WORDINGS_FOR_SEVERAL, TemplateSource, load_sources
from domain.compliance.vocabulary import Says
from domain.errors import ArrearsError, ReasonedError
from domain.reasons import ReasonCode, because

NAMED_LOANS = 3
"""A text about so many loans of one person names each, and one about more counts them."""


class Templates:
    """Every template in every locale. All of them are checked."""

    def __init__(self, sources: Mapping[str, Mapping[str, TemplateSource]]) -> None:
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
        return cls(load_sources(directory))

    def names(self) -> frozenset[str]:
        """The names of all templates. Each of them exists in every locale."""
        return frozenset(name for folder in self._sources.values() for name in folder)

    def for_several(self, name: str) -> tuple[str, ...]:
        """The wordings of a text for two, for three and for more loans; empty if it has none."""
        return tuple(
            f"{name}{ending}"
            for ending in WORDINGS_FOR_SEVERAL
            if f"{name}{ending}" in self.names()
        )

    def wording(self, name: str, loans: int) -> str:
        """The template of a text about so many loans, of which `for_several` has the wordings."""
        return name if loans == 1 else self.for_several(name)[min(loans, NAMED_LOANS + 1) - 2]

    def locales(self) -> frozenset[str]:
        """The locales that have templates."""
        return frozenset(self._sources)

    def has_locale(self, locale: str) -> bool:
        """Whether there are templates for this locale; see `render` for fallbacks."""
        try:
            return any(candidate in self._sources for candidate in fallbacks(locale))
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

    def _source(self, name: str, locale: str) -> TemplateSource:
        for candidate in fallbacks(locale):
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
