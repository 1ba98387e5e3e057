"""Links that can be cut: a host reaches a server through one, and the test stands in between.

    with a_link("127.0.0.1", port) as link:
        ...  # clients connect to link.port
        link.cut()   # nothing comes through any more, in neither direction, and nobody is told
        link.heal()  # what was on its way arrives late

A cut is that of a cable: packets vanish, so whoever waits for an answer waits; once it is mended
they are sent again, and arrive, whether their sender still wants them to or not.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

LOOPBACK = "127.0.0.1"
BATCH_SIZE = 64 * 1024


class Link:
    """One way to one server, or to one of several that do the same."""

    def __init__(self, host: str, *ports: int) -> None:
        """Each connection goes to the next of the ports at which somebody listens."""
        self._host = host
        self._ports = deque(ports)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._whole = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._answer_seen: Callable[[bytes], bool] | None = None
        self.answers = 0
        """Pieces of answers that came through."""
        self.was_cut = threading.Event()
        """Set once the link has been cut."""

    @property
    def port(self) -> int:
        """Where clients find the link, on the loopback address."""
        assert self._server, "the link is open"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """From now on nothing comes through."""
        self._do(self._cut())

    def cut_before_answer(self, is_the_one: Callable[[bytes], bool]) -> None:
        """Cut as soon as the server sends an answer of this kind: it arrives nowhere."""
        self._do(self._watch_for(is_the_one))

    def heal(self) -> None:
        """Let things through again, first what was on its way."""
        self._do(self._heal())

    def open(self) -> None:
        self._thread.start()
        self._do(self._serve())

    def close(self) -> None:
        """End it, and every connection through it."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(timeout=10)

    async def _serve(self) -> None:
        self._whole.set()
        self._server = await asyncio.start_server(self._carry, LOOPBACK, 0)

    async def _cut(self) -> None:
        self._whole.clear()
        self._answer_seen = None
        self.was_cut.set()

    async def _watch_for(self, is_the_one: Callable[[bytes], bool]) -> None:
        self._answer_seen = is_the_one

    async def _heal(self) -> None:
        self._whole.set()

    async def _end(self) -> None:
        if self._server:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            # Over a cut link a connection is not even refused: the client's time-out ends it.
            await self._whole.wait()
            await self._both_ways(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _both_ways(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server = await self._reach_server()
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass_on(reader, to_server[1], answers=False))
                ways.create_task(self._pass_on(to_server[0], writer, answers=True))
        except* OSError:
            pass
        finally:
            to_server[1].transport.abort()

    async def _reach_server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in range(len(self._ports) - 1):
            self._ports.rotate()
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(self._host, self._ports[0])
        self._ports.rotate()
        return await asyncio.open_connection(self._host, self._ports[0])

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await source.read(BATCH_SIZE):
            if answers and self._answer_seen and self._answer_seen(data):
                await self._cut()
            await self._whole.wait()
            self.answers += answers
            target.write(data)
            await target.drain()
        with contextlib.suppress(OSError):
            target.write_eof()


@contextmanager
def a_link(host: str, *ports: int) -> Iterator[Link]:
    """A whole link to the server at this address, for as long as the context lasts. With several
    ports, to one of the servers there."""
    link = Link(host, *ports)
    link.open()
    try:
        yield link
    finally:
        link.close()
