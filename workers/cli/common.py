"""What every command shares: the wired house, checked before use, and one place to print."""

from __future__ import annotations

import os

from rich.console import Console

from config.settings import load_settings
from workers.house import House, build_house
from workers.store.engine import assert_reachable
from workers.store.migrate import assert_current

console = Console(soft_wrap=True, highlight=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False)


def load_house() -> House:
    """The house as its settings and policy say; nothing is reached yet.

    Raises:
        ArrearsError: settings or policy are not usable.
    """
    return build_house(load_settings(os.environ))


def open_house() -> House:
    """The house, with its database reachable and of this release's version.

    Raises:
        ArrearsError: it is not; the message says what to do.
    """
    house = load_house()
    assert_reachable(house.engine)
    assert_current(house.engine)
    return house
