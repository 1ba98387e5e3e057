"""Everybody on the sample roster is signed in by a token in a file of its own. The lender's core
system is a machine, so that events can be sent to the demo."""

from pathlib import Path

from sqlalchemy import select

from domain.permissions import PERMISSIONS
from workers.access.machines import allow_machine
from workers.access.secrets import write_new_secret
from workers.access.tokens import store_token
from workers.context import Context
from workers.db.schema import staff

WHOEVER = "supervisor-01"
"""Whoever runs the commands of a shell that has the environment of the demo."""
_DAYS = 30

MACHINE = "core"
"""The machine that may send every kind of event, and start calls."""


def token_of(directory: Path, reference: str) -> Path:
    """The file with the token of a member of staff, in the directory of the installation."""
    return directory / "tokens" / reference


def sign_everybody_in(ctx: Context, directory: Path) -> None:
    """Make and enrol a token for everybody on the roster."""
    with ctx.engine.begin() as connection:
        for reference in connection.execute(select(staff.c.external_id)).scalars():
            digest = write_new_secret(token_of(directory, reference))
            store_token(connection, ctx, reference, digest, of_machine=False, days=_DAYS)


def allow_machine_of_the_demo(ctx: Context) -> None:
    """Allow the core system everything that a machine may do. A demo needs no second person."""
    allow_machine(ctx, MACHINE, [scope for scope, of in PERMISSIONS.items() if of.machines])
