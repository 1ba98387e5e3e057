"""Runs one command and sees to it that the command does not outlive whoever asked for it.

A context manager tidies up when its process ends in good order. Nothing does after a SIGTERM, a
SIGKILL or an `os._exit`: a server and its directory would stay behind. So the keeper is the
server's parent; when its own parent is gone, it ends the server and removes the directory.

Run as a script and never imported, so that it starts fast; standard library only:
`keeper.py PARENT DIRECTORY UID GID COMMAND…`, where UID and GID are `-` to stay the same user. It
prints the command's process id, and exits when the command does: 0 if that ended well, otherwise 1.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

LOOK_EVERY = 0.25
"""Seconds between two looks at whether the parent is still there."""

GRACE = 5.0
"""Seconds that an orphaned server has to end by itself."""


def main() -> int:
    parent, directory, uid, gid, *command = sys.argv[1:]
    child = start(command, directory, uid, gid)
    # Whoever signals a whole group of processes means the parent: it decides, and we follow.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(child.pid, flush=True)
    while not ended(child, within=LOOK_EVERY):
        if os.getppid() != int(parent):
            end(child)
            shutil.rmtree(directory, ignore_errors=True)
    return 0 if child.returncode == 0 else 1


def start(command: list[str], directory: str, uid: str, gid: str) -> subprocess.Popen[bytes]:
    same_user = uid == "-"
    return subprocess.Popen(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        user=None if same_user else int(uid),
        group=None if same_user else int(gid),
        extra_groups=None if same_user else [],
    )


def end(child: subprocess.Popen[bytes]) -> None:
    """SIGINT first (both servers: end now, but in good order), SIGKILL if that did not help."""
    child.send_signal(signal.SIGINT)
    give_up_at = time.monotonic() + GRACE
    while not ended(child, within=LOOK_EVERY):
        if time.monotonic() > give_up_at:
            child.kill()


def ended(child: subprocess.Popen[bytes], within: float) -> bool:
    try:
        child.wait(timeout=within)
    except subprocess.TimeoutExpired:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
