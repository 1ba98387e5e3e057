"""Runs one command, and ends it when the process that asked for it has ended.

A context manager stops its server when its process ends normally. It cannot do so after a SIGTERM,
a SIGKILL or an `os._exit`: the server and its directory would stay. So this watchdog is the parent
of the server. When its own parent is gone, it stops the server, removes the directory, and ends
what the server left: it is run as the leader of a process group, and the last of it to end.

It is run as a script and never imported, so that it starts fast, and uses only the standard
library: `watchdog.py PARENT DIRECTORY UID GID COMMAND…`. With `-` as UID and GID the command runs
as the same user. The watchdog prints the process id of the command, and exits when the command
does: with 0 if the command exited with 0, otherwise with 1.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

POLL_SECONDS = 0.25
"""Interval between two checks whether the parent still exists."""

STOP_TIMEOUT = 5.0
"""Seconds between SIGINT and SIGKILL for a command whose parent is gone."""


def main() -> int:
    parent, directory, uid, gid, *command = sys.argv[1:]
    process = start(command, directory, uid, gid)
    # A SIGTERM to the whole process group is meant for the parent, which stops the command itself.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(process.pid, flush=True)
    while not has_ended(process, timeout=POLL_SECONDS):
        if os.getppid() != int(parent):
            stop(process)
            shutil.rmtree(directory, ignore_errors=True)
            os.killpg(os.getpid(), signal.SIGKILL)
    return 0 if process.returncode == 0 else 1


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


def stop(process: subprocess.Popen[bytes]) -> None:
    """Send SIGINT, on which both servers stop normally, and SIGKILL after the time-out."""
    process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_TIMEOUT
    while not has_ended(process, timeout=POLL_SECONDS):
        if time.monotonic() > deadline:
            process.kill()


def has_ended(process: subprocess.Popen[bytes], timeout: float) -> bool:
    try:
        process.wait(timeout=timeout)
    except subprocess.TimeoutExpired:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
