"""Commands about the lender's rules: `ladder` shows them, `approve` says yes where they ask."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from domain.ladder import Item
from workers.approving import approve as approve_action
from workers.cli.common import console, load_house, open_house


def ladder() -> None:
    """Show the stage rules in force and to come, step by step."""
    for one in load_house().policy.ladders:
        where = ", ".join(one.applies_to.jurisdictions)
        table = Table(title=f"{one.name} — {where}, {one.currency}", title_justify="left")
        for heading in ("step", "days past due", "item", "does", "note"):
            table.add_column(heading)
        for step, item in one.items:
            table.add_row(step.id, str(item.days), item.id, item.do, _note(item))
        console.print(table)


def approve(
    loan: Annotated[str, typer.Argument(help="The lender's id of the loan.")],
    item: Annotated[str, typer.Argument(help="The ladder item, such as legal_file.")],
    by: Annotated[str, typer.Option(help="The staff reference of whoever approves.")],
    role: Annotated[str, typer.Option(help="In which role.")] = "supervisor",
) -> None:
    """Approve an action that waits for it."""
    house = open_house()
    approve_action(house, loan, item, by=by, role=role)
    console.print(f"{item} for loan {loan} is approved, and due now.")


def _note(item: Item) -> str:
    notes = [
        item.purpose,
        item.must_learn and f"must learn {', '.join(item.must_learn)}",
        item.may_offer and f"may offer {', '.join(item.may_offer)}",
        item.requires and f"after {', '.join(item.requires)}",
        item.approval and f"a {item.approval} approves",
    ]
    return "; ".join(note for note in notes if note)
