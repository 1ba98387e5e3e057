"""`arrears tape propose-mapping`: a mapping of one's own, to begin with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from config.readers.tape_formats import OWN_FORMATS
from config.readers.tape_mapping import Field
from domain.errors import ArrearsError
from workers.cli.language import say
from workers.cli.render import errors
from workers.tapes.propose_mapping import ProposedMapping, propose_mapping

CONSTANTS = {
    Field.JURISDICTION: "CN",
    Field.PRODUCT: "consumer_loan",
    Field.CURRENCY: "CNY",
    Field.LOCALE: "zh-Hans",
    Field.ZONES: "Asia/Shanghai",
}
"""What is proposed for a file with Chinese headings."""

EXAMPLES = {
    Field.JURISDICTION: "US-MA",
    Field.PRODUCT: "personal_loan",
    Field.CURRENCY: "USD",
    Field.LOCALE: "en",
    Field.ZONES: "America/New_York",
}
"""For any other file: whose law applies cannot be seen, so a person writes it."""


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
    yield "mapping: my_export"
    yield "columns:"
    optional = [of for of in proposed.columns if proposed.is_optional(of)]
    for of in proposed.columns:
        if of not in optional:
            yield f"  {of}: {_quoted(proposed.columns[of])}"
    for of in proposed.missing:
        yield f"  # {of}: " + say("no column was recognised; write the name of yours")
    if optional:
        yield "optional_columns:"
        for of in optional:
            yield f"  {of}: {_quoted(proposed.columns[of])}"
    yield "constants:"
    if proposed.is_chinese:
        yield from (f"  {of}: {CONSTANTS[of]}" for of in CONSTANTS if of not in proposed.columns)
    else:
        yield from (_to_write(f"  {of}", EXAMPLES[of]) for of in _unknown(proposed))
    yield from _formats(proposed)
    yield "phone_region: CN" if proposed.is_chinese else _to_write("phone_region", "US")
    yield "schedule:"
    yield f"  kind: {proposed.schedule}"
    yield "paid:"
    yield f"  by: {proposed.paid_by}"
    yield "  tolerance: 0"


def _unknown(proposed: ProposedMapping) -> list[Field]:
    """The constants that a person must write."""
    return [of for of in EXAMPLES if of not in proposed.columns and not proposed.is_chinese]


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
        "date": formats.dates[0],
    }
    usual = {"encoding": None, "thousands_mark": None, "date": OWN_FORMATS.dates[0]}
    usual |= {"delimiter": OWN_FORMATS.delimiter, "decimal_mark": OWN_FORMATS.decimal_mark}
    given = {key: value for key, value in found.items() if value != usual[key]}
    if given:
        yield "formats:"
    for key, value in given.items():
        yield f"  {key}: {_quoted(str(value))}"
    for pattern in proposed.unclear:
        yield f"  # date: {_quoted(pattern)}  " + say("reads all rows too, as other days")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _to_do(proposed: ProposedMapping, tape: Path, out: Path | None) -> Iterator[str]:
    if proposed.formats.encoding:
        yield say(
            "It can be read as {encoding}. Check that the column names and names are right.",
            encoding=proposed.formats.encoding,
        )
    if proposed.unused:
        yield say("Columns not used: {columns}.", columns=", ".join(proposed.unused))
    if proposed.unclear:
        yield say("No row shows which part of a date is the month. Check date: under formats.")
    if not proposed.rows_read:
        yield say("No row has as many cells as the header, so no format was recognised.")
    if Field.BORROWER_ID not in proposed.columns:
        yield say(
            "No customer id was recognised: each loan counts as somebody else's. Write "
            "borrower_id: under columns if the file has one."
        )
    missing = [*map(str, (*proposed.missing, *_unknown(proposed)))]
    missing += [] if proposed.is_chinese else ["phone_region"]
    if missing:
        yield say("Write what is still missing: {fields}.", fields=", ".join(missing))
    yield say(
        "Next: `arrears tape import {tape} --mapping {mapping} --as-of DAY --dry-run`",
        tape=tape,
        mapping=out or "yours.yaml",
    )
