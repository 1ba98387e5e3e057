"""Reads the files of templates, and checks them."""

import hashlib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import (
    StrictUndefined,
    Template,
    TemplateAssertionError,
    TemplateSyntaxError,
    meta,
)
from jinja2.sandbox import SandboxedEnvironment

from config.readers.locales import parse_locale
from config.readers.statements import Wordings, load_statements, statements_in
from domain.compliance.vocabulary import Says
from domain.errors import ArrearsError

PROMISE_PLACEHOLDERS = frozenset({"promised", "promised_by"})
"""The values of a text that follows from a promise: what is to be paid next, and by which day."""

REFUSAL_PLACEHOLDERS = frozenset({"refused_because"})
"""The value of a text that tells that nothing can be offered: why."""

TEXT_PLACEHOLDERS = (
    PROMISE_PLACEHOLDERS
    | REFUSAL_PLACEHOLDERS
    | {*("lender", "amount", "due_on", "days_past_due", "phone", "reference")}
)
"""The values of a text. It has no name in it: anybody who has the telephone can read it."""

WORDINGS_FOR_SEVERAL = {
    "_two_loans": frozenset({"loan_1", "amount_1", "loan_2", "amount_2"}),
    "_three_loans": frozenset({"loan_1", "amount_1", "loan_2", "amount_2", "loan_3", "amount_3"}),
    "_more_loans": frozenset({"count", "total"}),
}
"""How the names of the wordings of a text for several loans end, and which values each must have.
Three templates and no list in one: a text that is registered has a fixed number of short blanks."""

SEVERAL_PLACEHOLDERS = frozenset({"lender", "phone"}).union(*WORDINGS_FOR_SEVERAL.values())
"""The values of a text about several loans. It has no name in it either."""

EXAMPLE = "{{ amount }}"
"""A placeholder as it is written."""

LETTERS = frozenset(
    {"visit_notice", "dispute_answer", "complaint_answer", "arrangement_default_letter"}
)
"""The templates that are letters; all others are texts."""

SAMPLE = {
    "lender": "Example Lender",
    "amount": "$1,234.50",
    "due_on": "March 1, 2026",
    "days_past_due": "3",
    "phone": "400-000-0000",
    "reference": "L-1",
    "promised": "$200.00",
    "promised_by": "March 9, 2026",
    "refused_because": "the terms of this loan do not allow it",
    "loan_1": "L-1",
    "amount_1": "$1,234.50",
    "loan_2": "L-2",
    "amount_2": "$99.00",
    "loan_3": "L-3",
    "amount_3": "$12.00",
    "count": "4",
    "total": "$1,345.50",
    "borrower_name": "Lin Example",
    "address": "1 Example Road",
    "visitors": "Ada Visitor, Ben Visitor",
    "visit_on": "March 4, 2026",
    "visit_hours": "09:00–11:00",
    "as_of": "March 3, 2026",
    "notice_days": "14",
    "case": "C-1",
    "received_on": "March 1, 2026",
    "outcome": "You were right.",
    "finding": "The records say what you say.",
    "follows": "What you owe has been corrected.",
    "turn_to": "the ombudsman",
}
"""An example of each value, as the workers give it: always text."""

_OF_TEXTS_ALONE = SEVERAL_PLACEHOLDERS | PROMISE_PLACEHOLDERS | REFUSAL_PLACEHOLDERS
LETTER_PLACEHOLDERS = frozenset(SAMPLE) - _OF_TEXTS_ALONE | {"lender", "phone"}
"""The values of a letter. It is in a closed envelope, so it may have all about the loan."""


@dataclass(frozen=True, slots=True)
class TemplateSource:
    template: Template
    placeholders: frozenset[str]
    version: str
    says: frozenset[Says]


def load_sources(directory: Path) -> dict[str, dict[str, TemplateSource]]:
    """Read and check every template: locale → name → source.

    Raises:
        ArrearsError: as `Templates.load` says.
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
    return sources


def _load_locale(folder: Path, wordings: Wordings) -> dict[str, TemplateSource]:
    parse_locale(folder.name)
    return {path.stem: _load_source(path, wordings) for path in sorted(folder.glob("*.txt"))}


def _load_source(path: Path, wordings: Wordings) -> TemplateSource:
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
    return TemplateSource(
        template, placeholders, version, statements_in(text, placeholders, wordings)
    )


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
    elif path.stem.endswith(tuple(WORDINGS_FOR_SEVERAL)):
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
    directory: Path, sources: Mapping[str, Mapping[str, TemplateSource]]
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


def _check_wordings_for_several(folder: Path, sources: Mapping[str, TemplateSource]) -> None:
    """A text has all wordings for several loans or none; they name every loan, and make the same
    statements, so that the gate's answer about the text for one loan holds for them."""
    for name, source in sources.items():
        ending = next((ending for ending in WORDINGS_FOR_SEVERAL if name.endswith(ending)), None)
        if ending is None:
            continue
        base = name.removesuffix(ending)
        for other in (base, *(f"{base}{another}" for another in WORDINGS_FOR_SEVERAL)):
            if other not in sources:
                raise ArrearsError(
                    "{folder}: there is {name}.txt, and {other}.txt is missing. A text has a "
                    "wording for two, for three and for more loans beside that for one. Add it.",
                    folder=folder,
                    name=name,
                    other=other,
                )
        if missing := sorted(WORDINGS_FOR_SEVERAL[ending] - source.placeholders):
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
