"""`arrears write-off`: the lender wrote a loan off."""

from workers.cli.common import Loan, On
from workers.cli.context import open_context, submit


def write_off(loan: Loan, on: On = None) -> None:
    """Stop collecting a loan that the lender wrote off. This cannot be undone."""
    ctx = open_context()
    day = on or ctx.today()
    submit(ctx, "write_off", loan, {"loan": loan, "written_off_on": day.isoformat()})
