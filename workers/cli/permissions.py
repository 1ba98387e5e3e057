"""`arrears permissions`: who may do what."""

from collections import defaultdict
from typing import Annotated

import typer

from domain.actors import Role
from domain.permissions import PERMISSIONS, Permission
from workers.cli.common import AsJson
from workers.cli.language import coded, say
from workers.cli.permission_of import PERMISSION_OF
from workers.cli.render import Table, show

_COMMANDS: defaultdict[Permission, list[str]] = defaultdict(list)
for _command, _permission in PERMISSION_OF.items():
    _COMMANDS[_permission].append(_command)

TABLE = Table[Permission](
    "Permissions",
    {
        "permission": lambda each: coded("access_permission", each),
        "roles": lambda each: [
            *(coded("role", role) for role in Role if role in _roles(each)),
            *((say("providers of texts"),) if PERMISSIONS[each].providers else ()),
        ],
        "machines": lambda each: say("yes") if PERMISSIONS[each].machines else "",
        "second person": lambda each: say("yes") if PERMISSIONS[each].second_person else "",
        "commands": lambda each: _COMMANDS[each],
    },
    if_none="No permission is like that.",
    one_line=("permission",),
)


def permissions(
    of: Annotated[Role | None, typer.Option(help="Only what this role may.")] = None,
    machines: Annotated[
        bool, typer.Option("--machines", help="Only scopes that a machine may have.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show who may do what: by role, by scope of a machine, and what needs a second person."""
    found = [
        each
        for each in Permission
        if (of is None or of in _roles(each)) and (PERMISSIONS[each].machines or not machines)
    ]
    show(TABLE, found, as_json=as_json)


def _roles(permission: Permission) -> frozenset[Role]:
    return PERMISSIONS[permission].roles
