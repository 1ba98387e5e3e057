"""`arrears tape propose-mapping`: a mapping of one's own, to begin with."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from config.readers.tape_formats import OWN_FORMATS
from config.readers.tape_mapping import Field
from domain.errors import ArrearsError
from workers.cli.language import say
from workers.cli.render import errors
from workers.tapes.propose_mapping import ProposedMapping, propose_mapping

CONSTANTS = {
    "CN": {
        Field.JURISDICTION: "CN",
        Field.PRODUCT: "consumer_loan",
        Field.CURRENCY: "CNY",
        Field.LOCALE: "zh-Hans",
        Field.ZONES: "Asia/Shanghai",
    },
    "IN": {Field.JURISDICTION: "IN", Field.CURRENCY: "INR", Field.ZONES: "Asia/Kolkata"},
}
"""What is proposed for a file that seems to be of this country."""

EXAMPLES = {
    Field.JURISDICTION: "US-MA",
    Field.PRODUCT: "personal_loan",
    Field.CURRENCY: "USD",
    Field.LOCALE: "en",
    Field.ZONES: "America/New_York",
}
"""Of what cannot be seen in the file, such as whose law applies: a person writes it."""


def propose(
    tape: Annotated[Path, typer.Argument(help="The lender's loans: CSV with a header line.")],
    out: Annotated[
        Path | None, typer.Option(help="A new .yaml file for it; it is printed if left out.")
    ] = None,
) -> None:
    """Propose a mapping for an export: its columns by their names, its formats by its first rows.

    Read it before you use it: nothing is imported, and an import guesses nothing.
    """
    proposed = propose_mapping(tape)
    text = "".join(f"{line}\n" for line in _lines(proposed))
    if out is None:
        print(text, end="")
    else:
        _write(out, text)
    for line in _to_do(proposed, tape, out):
        errors.print(line, markup=False)


def _write(out: Path, text: str) -> None:
    if out.suffix != ".yaml":
        raise ArrearsError(say("{out} does not end in .yaml. A mapping does.", out=out))
    try:
        with out.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ArrearsError(
            say("{out} is there already. Name another file, or remove it.", out=out)
        ) from None
    except OSError as error:
        raise ArrearsError(
            say("{out} cannot be written ({why}).", out=out, why=error.strerror)
        ) from None


def _lines(proposed: ProposedMapping) -> Iterator[str]:
    yield "# " + say("A proposal. Check each line: docs/files.md explains them.")
    yield "# " + say("The name of the mapping: a full tape is the whole book of its mapping.")
    yield f"mapping: {proposed.id}"
    yield "columns:"
    optional = [of for of in proposed.columns if proposed.is_optional(of)]
    for of in proposed.columns:
        if of not in optional:
            yield f"  {of}: {_names(proposed.columns[of])}"
    for of in proposed.missing:
        yield f"  # {of}: " + say("no column was recognised; write the name of yours")
    if optional:
        yield "optional_columns:"
        for of in optional:
            yield f"  {of}: {_names(proposed.columns[of])}"
    yield "constants:"
    given = _constants(proposed)
    yield from (f"  {of}: {given[of]}" for of in given if of not in proposed.columns)
    yield from (_to_write(f"  {of}", EXAMPLES[of]) for of in _unknown(proposed))
    yield from _formats(proposed)
    country = proposed.country
    yield f"phone_region: {country}" if country else _to_write("phone_region", "US")
    yield "schedule:"
    yield f"  kind: {proposed.schedule}"
    yield "paid:"
    yield f"  by: {proposed.paid_by}"
    yield "  tolerance: 0"


def _constants(proposed: ProposedMapping) -> Mapping[Field, str]:
    return CONSTANTS.get(proposed.country or "", {})


def _unknown(proposed: ProposedMapping) -> list[Field]:
    """The constants that a person must write."""
    given = {*proposed.columns, *_constants(proposed)}
    return [of for of in EXAMPLES if of not in given]


def _to_write(key: str, example: str) -> str:
    indent = key[: len(key) - len(key.lstrip())]
    return f"{indent}# {key.lstrip()}: {example}  " + say("<- write yours")


def _formats(proposed: ProposedMapping) -> Iterator[str]:
    formats = proposed.formats
    found = {
        "encoding": formats.encoding,
        "delimiter": "tab" if formats.delimiter == "\t" else formats.delimiter,
        "decimal_mark": formats.decimal_mark,
        "thousands_mark": formats.thousands_mark or None,
        "date": formats.dates,
    }
    usual: dict[str, object] = {"encoding": None, "thousands_mark": None, "date": OWN_FORMATS.dates}
    usual |= {"delimiter": OWN_FORMATS.delimiter, "decimal_mark": OWN_FORMATS.decimal_mark}
    given = {key: value for key, value in found.items() if value != usual[key]}
    if given:
        yield "formats:"
    for key, value in given.items():
        yield f"  {key}: {_names(value if isinstance(value, tuple) else (str(value),))}"
    for pattern in proposed.unclear_dates:
        yield f"  # date: {_quoted(pattern)}  " + say("reads all rows too, as other days")


def _names(texts: Sequence[str]) -> str:
    """One text, or a list of several."""
    quoted = [_quoted(text) for text in texts]
    return quoted[0] if len(quoted) == 1 else f"[{', '.join(quoted)}]"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _to_do(proposed: ProposedMapping, tape: Path, out: Path | None) -> Iterator[str]:
    """What is to be checked, what is to be written, and what comes next."""
    yield say("Check this:")
    yield from (f"- {line}" for line in _to_check(proposed))
    missing = [*map(str, (*proposed.missing, *_unknown(proposed)))]
    missing += [] if proposed.country else ["phone_region"]
    if missing:
        yield say("Write what is still missing: {fields}.", fields=", ".join(missing))
    yield say(
        "Next: `arrears tape import {tape} --mapping {mapping} --as-of DAY --dry-run`",
        tape=quote(str(tape)),
        mapping=quote(str(out or "yours.yaml")),
    )


def _to_check(proposed: ProposedMapping) -> Iterator[str]:
    yield say(
        "The mapping is called {id}. A full tape is the whole book of its mapping: loans that an "
        "earlier tape of that name had, and it has not, count as absent. Keep the name for later "
        "exports of the same book, and use another one for each other book.",
        id=proposed.id,
    )
    if proposed.numbered_sets:
        yield say(
            "Each instalment has columns of its own, such as {columns}. A mapping reads no such "
            "columns: put all instalments of a loan into one cell, as `date principal interest; "
            "date principal interest`, in a column instalments (docs/files.md, step 1).",
            columns=", ".join(proposed.numbered_sets),
        )
    if proposed.repeated_loan:
        yield say(
            "A loan stands on several lines, perhaps one for each instalment. Write one line for "
            "each loan, with all its instalments in one cell, as `date principal interest; date "
            "principal interest`, in a column instalments (docs/files.md, step 1)."
        )
    for of, names in proposed.columns.items():
        if len(names) > 1:
            yield say(
                "{field} is put together from: {columns}.", field=of, columns=", ".join(names)
            )
    if proposed.country:
        yield say(
            "Names, numbers or amounts look like those of {country}. Check jurisdiction, currency, "
            "zones and phone_region.",
            country=proposed.country,
        )
    if proposed.formats.encoding:
        yield say(
            "It can be read as {encoding}. Check that the column names and names are right.",
            encoding=proposed.formats.encoding,
        )
    if proposed.more_phones:
        yield say(
            "Telephone numbers seem to stand in columns that are not used: {columns}. Write those "
            "of the borrower as phone, phone_2 and phone_3, and no number of anybody else.",
            columns=", ".join(proposed.more_phones),
        )
    if proposed.unused:
        yield say("Columns not used: {columns}.", columns=", ".join(proposed.unused))
    if proposed.unclear_dates:
        yield say("No row shows which part of a date is the month. Check date: under formats.")
    if proposed.unclear_marks:
        yield say(
            "No row shows whether the mark in amounts is a decimal mark or a thousands mark. Check "
            "decimal_mark: and thousands_mark: under formats."
        )
    if not proposed.rows_read:
        yield say("No row has as many cells as the header, so no format was recognised.")
    if Field.BORROWER_ID not in proposed.columns:
        yield say(
            "No customer id was recognised: each loan counts as somebody else's. Write "
            "borrower_id: under columns if the file has one."
        )
