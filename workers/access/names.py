"""No name is that of a person and of a machine: each act on record is of one of them."""

from collections.abc import Collection

from sqlalchemy import Connection, func, literal, select

from config.setting_validators import is_sender_name
from domain.actors import OWN_NAMES
from domain.errors import ArrearsError
from domain.second_person import BREAK_GLASS
from workers.db.schema import machine
from workers.db.staff import is_name_of_staff


def assert_free_for_machine(connection: Connection, name: str) -> None:
    """Check that a machine may have this name, which is that of a sender of events.

    Raises:
        ArrearsError: it is no such name, or somebody else has it.
    """
    if not is_sender_name(name) or name in OWN_NAMES:
        raise ArrearsError(
            "No machine can be called {name!r}. A name has small letters, digits and -, and is not "
            "one under which others are on record, such as staff or arrears.",
            name=name,
        )
    if connection.execute(select(is_name_of_staff(literal(name)))).scalar_one():
        raise ArrearsError(
            "{name} is a reference on the roster. A machine has a name of its own, so that it is "
            "on record as a machine.",
            name=name,
        )


def assert_free_for_staff(connection: Connection, references: Collection[str]) -> None:
    """Check that members of staff may have these references.

    Raises:
        ArrearsError: one is the name of a machine, or one of Arrears itself.
    """
    written = {reference.lower() for reference in references}
    named = select(machine.c.name).where(func.lower(machine.c.name).in_(written))
    taken = {*connection.execute(named).scalars(), *(written & OWN_NAMES)}
    taken |= {reference for reference in written if reference.startswith(BREAK_GLASS)}
    if taken:
        raise ArrearsError(
            "{names}: so a machine is called, or Arrears itself. Give people on the roster "
            "references of their own.",
            names=", ".join(sorted(taken)),
        )
