"""`arrears approve` and `refuse`: a person decides where the ladder asks for one."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.actors import Actor
from workers.actions import approvals
from workers.cli.common import Loan, by, console, open_context


def approve(
    loan: Loan,
    item: Annotated[str, typer.Argument(help="The ladder item, such as legal_file.")],
    actor: Annotated[Actor, by("Who approves: a reference on the roster.")],
) -> None:
    """Approve an action that waits for it."""
    approvals.approve(open_context(), loan, item, actor)
    console.print(f"{item} for loan {loan} is approved, and due now.")


def refuse(
    loan: Loan,
    item: Annotated[str, typer.Argument(help="The ladder item, such as legal_file.")],
    actor: Annotated[Actor, by("Who refuses: a reference on the roster.")],
    why: Annotated[str, typer.Option(help="The reason, which stays on record.")],
) -> None:
    """Refuse an action that waits for approval: it is dropped for good."""
    approvals.refuse(open_context(), loan, item, actor, why)
    console.print(f"{item} for loan {loan} is refused, and dropped.")
