"""Commands that prepare an installation: `migrate`, `check`, `new-key`."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.errors import ArrearsError
from workers.cli.common import assert_usable, console, load_house
from workers.context import House
from workers.db.encryption import Vault
from workers.db.encryption_keys import keep_digest_key
from workers.db.grants import grant_to_role
from workers.db.migrate import upgrade
from workers.messaging.broker import assert_broker_reachable
from workers.operations.policy_register import assert_policy_unchanged, register_policy


def migrate(
    grant_to: Annotated[
        str | None,
        typer.Option(help="The role that the house works as: it adds to evidence, and no more."),
    ] = None,
) -> None:
    """Bring the database to this release's version. Safe to run twice and at the same time."""
    house = load_house()
    upgrade(house.settings.database_url)
    if grant_to:
        grant_to_role(house.engine, grant_to)
    keep_digest_key(house.engine, house.vault, house.now())
    register_policy(house)
    console.print("The database is at this release's version.")


def check() -> None:
    """Check settings, policy, templates, database and broker, and change nothing."""
    house = load_house()
    wrong = []
    for look in (_database, _broker):
        try:
            look(house)
        except ArrearsError as error:
            wrong.append(str(error))
    if wrong:
        raise ArrearsError("\n".join(wrong))
    console.print(
        f"All well: {len(house.policy.ladders)} ladders, {len(house.policy.rule_packs)} rule "
        f"packs, {len(house.templates.names())} templates, database and broker reachable."
    )


def _database(house: House) -> None:
    assert_usable(house)
    assert_policy_unchanged(house)


def _broker(house: House) -> None:
    assert_broker_reachable(house.settings.redis_url)


def new_key() -> None:
    """Make a key for ARREARS_ENCRYPTION_KEYS."""
    console.print(Vault.new_key())
