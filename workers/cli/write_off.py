"""`arrears write-off`: the lender wrote a loan off."""

from workers.cli.common import By, DryRun, Loan, On, Why
from workers.cli.context import open_context, submit


def write_off(loan: Loan, actor: By, why: Why, on: On = None, dry_run: DryRun = False) -> None:
    """Stop collecting a loan that the lender wrote off. This cannot be undone."""
    ctx = open_context()
    payload = {
        "loan": loan,
        "written_off_on": (on or ctx.today()).isoformat(),
        "why": why,
        "actor": actor.reference,
    }
    submit(ctx, "write_off", loan, payload, dry_run=dry_run)
