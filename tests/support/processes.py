"""Who is running, and who ends with us: for tests that start processes and must see them gone."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

PATIENCE = 20.0
"""Seconds that a test waits for something that takes one."""


_TOLD_TO_END = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
parent, *command = sys.argv[1:]
os.getppid() == int(parent) and os.execv(command[0], command)
"""


def ending_with_us(*command: str) -> Sequence[str]:
    """The command, for a process that Linux ends when this process ends, also when it is killed.

    What stops processes in order never runs then. The process keeps its id, its exit code and what
    it was given. It would end with the thread that starts it, so only the main thread does.
    """
    assert threading.current_thread() is threading.main_thread(), "it would end with this thread"
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _TOLD_TO_END, str(os.getpid()), *command]


def happens(condition: Callable[[], bool], within: float = PATIENCE) -> bool:
    """Whether it comes true in time; asked again and again."""
    give_up_at = time.monotonic() + within
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.05)
    return True


def descendants(pid: int) -> set[int]:
    """The ids of all processes that `pid` has started, and that they have started in turn."""
    children: dict[int, list[int]] = {}
    for child, parent, _ in _processes():
        children.setdefault(parent, []).append(child)
    found: set[int] = set()
    ahead = [pid]
    while ahead:
        for child in children.get(ahead.pop(), []):
            found.add(child)
            ahead.append(child)
    return found


def alive(pids: Collection[int]) -> set[int]:
    """Those of the processes that still run; the dead whom nobody has buried yet do not."""
    return {pid for pid, _, state in _processes() if pid in pids and state != "Z"}


def _processes() -> Iterator[tuple[int, int, str]]:
    """Id, parent and state of every process, as Linux tells them."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended while we looked
            # The program's name, in brackets, may hold anything.
            pid, _, rest = status.read_text().partition(" (")
            state, parent = rest.rpartition(") ")[2].split()[:2]
            yield int(pid), int(parent), state
