"""Measuring fairly: contenders take turns, what is not the question stays outside the clock."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

console = Console(stderr=True, highlight=False)


def note(sentence: str) -> None:
    """Tell whoever waits what is going on."""
    console.print(f"  {sentence}", style="dim")


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of doing the work."""

    name: str
    work: Callable[[], object]
    before: Callable[[], object]
    """Puts everything back to where the work starts, outside the clock."""
    after: Callable[[], object]
    """Looks whether the work was done right, outside the clock."""


def take_turns(
    contenders: Sequence[Contender], repeats: int, *, warm_up: bool = True
) -> dict[str, list[float]]:
    """Seconds of each contender, by name, in `repeats` rounds after one that does not count.

    Without `warm_up` all of them count: where each begins with processes and tables of its own.

    Every contender runs once in a round, and every second round goes backwards, so that a machine
    that grows slower, or a cache that grows warmer, is fair to all of them.
    """
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for turn in range(0 if warm_up else 1, repeats + 1):
        for contender in contenders if turn % 2 else reversed(contenders):
            took = _once(contender)
            if turn:
                seconds[contender.name].append(took)
            note(f"round {turn} of {repeats}, {contender.name}: {took:.2f} s")
    return seconds


def _once(contender: Contender) -> float:
    contender.before()
    gc.collect()
    started = time.perf_counter()
    contender.work()
    took = time.perf_counter() - started
    contender.after()
    return took


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Collect no garbage of this process's own: it stands still for that, as its letters go out."""
    collects = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def peak_memory(pid: int | str = "self") -> float:
    """The most memory that a process, or this one, ever had resident, in MB, as Linux tells it.

    Not `getrusage`: what that reports begins with the memory of the process that started this one.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("The kernel does not tell the peak of a process's memory.")
