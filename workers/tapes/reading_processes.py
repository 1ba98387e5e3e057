"""Several processes read the rows of a large tape at the same time, one for each processor."""

import gc
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple, cast

from domain.errors import ArrearsError
from workers.tapes.row_errors import TapeError
from workers.tapes.stage_rows import LineToRead, RowStager, StagedRows

MOST_PROCESSES = 8
WORTH_IT_FROM = 1_000
"""Rows. For fewer, one process is as fast."""


class _Refused(NamedTuple):
    """A `TapeError`, to be raised where the tape is imported."""

    text: str
    values: Mapping[str, object]


def stage_all(
    stager: RowStager, pieces: Iterable[Sequence[LineToRead]], rows: int
) -> Iterator[StagedRows]:
    """Stage these pieces of a tape, about so many `rows` in all, and give them in their order.

    Raises:
        TapeError: the file cannot be read, or is another than it was.
        ArrearsError: a process was killed.
    """
    processors = len(os.sched_getaffinity(0))
    if rows < WORTH_IT_FROM or processors == 1:
        yield from map(stager.stage, pieces)
        return
    with ExitStack() as stack:
        workers = [_start(stager, stack) for _ in range(min(processors, MOST_PROCESSES))]
        at_work = deque[Connection]()
        free = deque(workers)
        for piece in pieces:
            if not free:
                worker = at_work.popleft()
                staged = _received(worker)
                # It goes on while this process stores what it has read.
                worker.send(piece)
                at_work.append(worker)
                yield staged
                continue
            worker = free.popleft()
            worker.send(piece)
            at_work.append(worker)
        while at_work:
            yield _received(at_work.popleft())


def _start(stager: RowStager, stack: ExitStack) -> Connection:
    """Start a process, which ends when its end of the pipe is closed, however that happens.

    It is a fork: what reading needs, such as the keys, is passed to nobody. It uses no connection
    of this process to the database, and ends without closing any.
    """
    context = get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(stager, ours, theirs), daemon=True)
    process.start()
    theirs.close()
    stack.callback(process.join)
    stack.callback(ours.close)
    return ours


def _work(stager: RowStager, ours: Connection, theirs: Connection) -> None:
    ours.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends this one
    gc.disable()  # reading makes no cycles, and to look for them takes a fifteenth of its time
    while True:
        try:
            piece = theirs.recv()
        except EOFError:
            return
        try:
            theirs.send(stager.stage(piece))
        except BrokenPipeError:
            return
        except TapeError as error:
            theirs.send(_Refused(error.text, error.values))


def _received(worker: Connection) -> StagedRows:
    try:
        found = worker.recv()
    except EOFError:
        raise ArrearsError(
            "A process that read the tape was ended from outside. Import the tape again, with more "
            "memory free: without enough, the system ends processes."
        ) from None
    if isinstance(found, _Refused):
        raise TapeError(found.text, **found.values)
    return cast("StagedRows", found)
