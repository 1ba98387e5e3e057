"""The command that prepares a database: `migrate`."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated

import typer

from config.environment import read_setting_file
from domain.errors import ArrearsError
from workers.cli.context import load_context
from workers.cli.language import say
from workers.cli.render import print_lines
from workers.db.encryption_keys import store_index_key
from workers.db.engine import assert_reachable
from workers.db.grants import grant_roles, grant_to_role
from workers.db.migrate import assert_nobody_in_the_way, upgrade
from workers.db.numbers import hash_addresses
from workers.db.roles import Role
from workers.operations.policy_register import register_policy
from workers.privacy.key_rotation import end_old_rotation
from workers.privacy.plain_evidence import encrypt_plain_evidence


def migrate(
    grant_to: Annotated[
        str | None,
        typer.Option(
            help="A database role of your own that gets the rights of workers and of commands."
        ),
    ] = None,
    passwords: Annotated[
        Path | None,
        typer.Option(
            help="A folder with the passwords of roles: a file worker_password, and so on."
        ),
    ] = None,
) -> None:
    """Bring the database to this release's version, and make its roles. Safe to run twice."""
    ctx = load_context()
    of_roles = _passwords_in(passwords) if passwords else {}
    assert_reachable(ctx.engine)
    assert_nobody_in_the_way(ctx.engine)
    upgrade(ctx.settings.database_url)
    missing = grant_roles(ctx.engine, of_roles)
    if passwords and not missing:
        print_lines(*_about_passwords(of_roles))
    if missing:
        print_lines(say("Warning: {detail}", detail=_roles_missing(missing)))
    if grant_to:
        grant_to_role(ctx.engine, grant_to)
    store_index_key(ctx.engine, ctx.cipher, ctx.now())
    end_old_rotation(ctx)
    encrypt_plain_evidence(ctx)
    hash_addresses(ctx.engine, ctx.cipher)
    register_policy(ctx)
    print_lines(say("The database is at this release's version."))


def _passwords_in(folder: Path) -> dict[Role, str]:
    """The password of each role that has a file in the folder.

    Raises:
        ArrearsError: it has none, or one is empty or cannot be read.
    """
    files = {role: folder / f"{role}_password" for role in Role}
    found = {
        role: read_setting_file(file.name, str(file))
        for role, file in files.items()
        if file.exists()
    }
    if not found:
        raise ArrearsError(
            "{folder} has no password of a role. Write one into a file there, such as "
            "worker_password; the roles are {roles}.",
            folder=str(folder),
            roles=", ".join(Role),
        )
    for role, password in found.items():
        if not password:
            raise ArrearsError(
                "The file {file} is empty. Write a password into it, or remove it.",
                file=str(files[role]),
            )
    return found


def _about_passwords(of_roles: Collection[Role]) -> Iterator[str]:
    yield say("These roles have the passwords of their files: {roles}.", roles=", ".join(of_roles))
    if others := [role for role in Role if role not in of_roles]:
        yield say(
            "These have no file, and stay as they were: {roles}. A new one cannot log in.",
            roles=", ".join(others),
        )


def _roles_missing(names: list[str]) -> str:
    return say(
        "The database has no roles {names}, and whoever migrates may make none: services can only "
        "connect as the owner of the tables. Let a superuser run ALTER ROLE … CREATEROLE for the "
        "owner, and migrate again.",
        names=", ".join(names),
    )
