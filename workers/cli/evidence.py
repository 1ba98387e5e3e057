"""`arrears evidence`: whether the evidence is complete, and a loan's evidence for a regulator."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from domain.errors import ArrearsError
from workers.cli.common import AsJson, Loan, lender_id
from workers.cli.context import open_context
from workers.cli.language import say
from workers.cli.render import Table, errors, print_json, print_lines
from workers.evidence.findings import Finding
from workers.evidence.lost_heads import LostPart
from workers.evidence.report import export_evidence, newest_head, verify_evidence

app = typer.Typer()

WHERE: dict[str, Callable[[Finding], object]] = {
    "table": lambda finding: finding.kind,
    "row": lambda finding: finding.row_id,
    "loan": lambda finding: finding.loan,
}

FINDINGS = Table[Finding](
    "Evidence that is not what it was",
    {"what": lambda finding: say(finding.defect), **WHERE},
    if_none="The evidence is whole.",
)

WAITS = Table[Finding]("Evidence that waits for its link in the chain, the oldest row", WHERE)


@app.command()
def verify(
    loan: Annotated[
        str | None,
        lender_id("[LOAN]", "The lender's id of a loan; all evidence if left out."),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(help="A checkpoint that was noted elsewhere: it must still be there."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find evidence that was changed or removed. Exit code 1: there is some, or some waits."""
    ctx = open_context()

    def report_progress(links: int) -> None:
        if loan is None:
            errors.print(say("{links} rows checked", links=links), markup=False)

    verified = verify_evidence(ctx, loan, head=head, progress=report_progress)
    found, newest, lost, waits = verified
    if as_json:
        print_json({"wrong": found, "head": newest, "lost": lost, "waits": waits})
    else:
        FINDINGS.print(found)
        WAITS.print(waits)
        if waits:
            print_lines(
                say(
                    "It is as it was, and no link is made for it: start a worker that serves the "
                    "queue `maintenance`, and beat."
                )
            )
        print_lines(*(_lost_line(part, ctx.settings.lender_zone) for part in lost))
    if found or waits:
        raise typer.Exit(1)


def _lost_line(part: LostPart, zone: ZoneInfo) -> str:
    return say(
        "A part was lost with an older database: {links} rows of evidence or more, up to head "
        "{head} of {until:%Y-%m-%d %H:%M}. What follows it was recovered.",
        links=part.links,
        head=part.last_head,
        until=datetime.fromisoformat(part.until).astimezone(zone),
    )


@app.command()
def checkpoint(as_json: AsJson = False) -> None:
    """Show a digest of all evidence up to now. Note it where this installation cannot write."""
    ctx = open_context()
    newest = newest_head(ctx)
    if as_json:
        print_json(newest)
    elif newest is None:
        print_lines(say("Nothing is chained yet."))
    else:
        zone = ctx.settings.lender_zone
        at = f"{newest.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        print_lines(
            say(
                "{digest}  {links} rows of evidence, {at} ({zone})",
                digest=newest.digest,
                links=newest.links,
                at=at,
                zone=zone,
            )
        )


@app.command()
def export(
    loan: Loan,
    out: Annotated[Path, typer.Option(help="The zip file to write; it must not exist yet.")],
) -> None:
    """Write a loan's history and its evidence, with what is needed to check it, to a zip file."""
    ctx = open_context()
    try:
        rows, wrong = export_evidence(ctx, loan, out)
    except FileExistsError:
        raise ArrearsError(say("{out} is there already. Name a new file.", out=out)) from None
    except OSError as error:
        raise ArrearsError(
            say("{out} cannot be written: {strerror}.", out=out, strerror=error.strerror)
        ) from None
    print_lines(
        say(
            "The history of loan {loan} and {rows} rows of evidence are in {out}.",
            loan=loan,
            rows=rows,
            out=out,
        )
    )
    if wrong:
        errors.print(
            say(
                "{wrong} of them are not what they were: `arrears evidence verify {loan}`.",
                wrong=len(wrong),
                loan=loan,
            ),
            markup=False,
        )
        raise typer.Exit(1)
