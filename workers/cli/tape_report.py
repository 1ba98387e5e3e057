"""Prints the result of the import of a tape: rows, rejects, statuses, and what to look at."""

from collections.abc import Iterator

from domain.masking import MASKING
from workers.cli.language import coded, say
from workers.cli.render import Table, console, errors
from workers.db.problems import NO_LADDER
from workers.tapes.import_tape import ImportReport
from workers.tapes.row_errors import RowError
from workers.tapes.status_comparison import StatusCell, StatusComparison

_DIFFERING = Table[StatusCell](
    "The rest, accounted for",
    {
        "by days past due": lambda cell: cell.ours,
        "by the lender": lambda cell: cell.lender,
        "loans": lambda cell: f"{cell.loans:,}",
        "why": lambda cell: say(cell.why) if cell.why else "",
    },
    right=("loans",),
)


def print_import(report: ImportReport, *, dry_run: bool = False) -> None:
    """Print the result of an import: rows, rejects, and whether the lender's statuses agree."""
    for error in report.first_errors:
        errors.print(_row_error(error), markup=False)
    if report.errors > len(report.first_errors):
        errors.print(
            say("… and {more:,} more errors.", more=report.errors - len(report.first_errors))
        )
    if any(error.shown for error in report.first_errors):
        errors.print(say(MASKING))
    counted = (
        say(
            "{taken:,} good rows ({changed:,} new or changed, {unchanged:,} as on the last "
            "tape), {rejected:,} rejected.",
            taken=report.taken,
            changed=report.changed,
            unchanged=report.unchanged,
            rejected=report.rejected,
        )
        if report.kept or dry_run
        else say(
            "{taken:,} good rows, {rejected:,} rejected.",
            taken=report.taken,
            rejected=report.rejected,
        )
    )
    console.print(counted)
    if report.statuses:
        _print_statuses(report.statuses)
    for warning in _warnings(report):
        errors.print(warning, markup=False)


def _row_error(error: RowError) -> str:
    where = say("Line {line}", line=error.line)
    if error.loan:
        where = say("Line {line}, loan {loan}", line=error.line, loan=error.loan)
    if error.column:
        where = say("{where}, column {column}", where=where, column=error.column)
    expected = say(error.text, **error.values)
    if error.shown:
        there = "{where}: expected {expected}, found {shown}."
        return say(there, where=where, expected=expected, shown=error.shown)
    return say("{where}: expected {expected}.", where=where, expected=expected)


def _warnings(report: ImportReport) -> Iterator[str]:
    """What somebody should look at; if it is on record now, with the command that shows it."""
    if found := {kind: n for kind, n in report.problems.items() if kind != NO_LADDER}:
        counted = ", ".join(f"{coded('problem', kind)} {n:,}" for kind, n in found.items())
        warning = say("Loans with problems: {counted}.", counted=counted)
        shown = "{warning} `arrears problems list` shows them."
        yield say(shown, warning=warning) if report.kept else warning
    if without_ladder := report.problems.get(NO_LADDER):
        warning = say(
            "{loans:,} loan(s) have no ladder: nothing will be done about them.",
            loans=without_ladder,
        )
        yield (
            say("{warning} `arrears problems list` says why.", warning=warning)
            if report.kept
            else say(
                "{warning} `arrears ladder` shows for which products and jurisdictions there is "
                "one.",
                warning=warning,
            )
        )
    if report.showing_less:
        yield say(
            "{loans:,} loan(s) have more paid on record than the tape shows. What is on "
            "record was kept; `arrears problems list` shows them.",
            loans=report.showing_less,
        )
    if report.absent.loans:
        warning = say(
            "{loans:,} of the {expected:,} loan(s) of the tapes before it are not on this one.",
            loans=report.absent.loans,
            expected=report.absent.expected,
        )
        listed = "{warning} `arrears tape absent` lists them."
        yield say(listed, warning=warning) if report.kept else warning
    if report.unused_columns:
        yield say("Columns not used: {columns}.", columns=", ".join(report.unused_columns))


def _print_statuses(compared: StatusComparison) -> None:
    console.print(
        say(
            "Days past due agree with the lender's own status for {agreeing:,} of "
            "{loans:,} loans ({share:.2%}) as of {as_of}.",
            agreeing=compared.agreeing,
            loans=compared.loans,
            share=compared.share,
            as_of=compared.as_of,
        )
    )
    differing = [cell for cell in compared.cells if not cell.agrees]
    _DIFFERING.print(sorted(differing, key=lambda cell: -cell.loans))
