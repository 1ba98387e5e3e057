"""`arrears write-off`: the lender wrote a loan off; `arrears write-off-end`: it took that back."""

from workers.cli.common import DryRun, Loan, On, Why
from workers.cli.context import open_context, submit


def write_off(loan: Loan, why: Why, on: On = None, dry_run: DryRun = False) -> None:
    """Stop collecting a loan that the lender wrote off; write-off-end undoes it."""
    ctx = open_context()
    payload = {
        "loan": loan,
        "written_off_on": (on or ctx.today()).isoformat(),
        "why": why,
    }
    submit(ctx, "write_off", f"{loan}:{payload['written_off_on']}", payload, dry_run=dry_run)


def write_off_end(loan: Loan, why: Why, on: On = None, dry_run: DryRun = False) -> None:
    """Collect a loan again whose write-off the lender took back: it is on its ladder again."""
    ctx = open_context()
    day = (on or ctx.today()).isoformat()
    payload = {"loan": loan, "taken_back_on": day, "why": why}
    submit(ctx, "write_off_taken_back", f"{loan}:{day}", payload, dry_run=dry_run)
