"""Limits on connections: how long a call may take to come in, how large its head is, how many.

uvicorn has none of these: its one time-out is that of an idle connection, and each byte resets it.
A proxy in front may have narrower ones; the server holds by itself. See docs/decisions/0042.
"""

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from itertools import count
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may take. Times are in seconds."""

    head_within: float = 10
    """From the connection, or the first byte of a further call, until its headers are complete."""
    body_within: float = 20
    answered_within: float = 150
    """From the end of the body. A call waits at most half a minute for a connection to the database
    and a minute for a statement."""
    head_bytes: int = 16 * 1024
    """The address and the headers together."""
    connections: int = 400
    """Each needs a file of the process, which may have 1,024 open."""


class _Stage(Enum):
    HEAD = auto()
    BODY = auto()
    ANSWER = auto()


_TURNS = count()  # the clock of the loop is the same for all that happens in one turn of it


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits; what goes over one is refused, and its connection closed."""

    limits = Limits()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._stage = _Stage.HEAD
        self._waits_since = next(_TURNS)
        self._is_receiving = False
        self._is_in_head = False
        self._head_bytes = 0
        self._refusal: HTTPStatus | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start(_Stage.HEAD, self.limits.head_within)
        if len(self.connections) > self.limits.connections:  # some of them may be closing
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refusal:
            return
        if self._timer is None:  # a further call on this connection
            self._start(_Stage.HEAD, self.limits.head_within)
        if self._awaits_head():
            self._head_bytes += len(data)
        super().data_received(data)
        # The parser reports a header when it is complete: an endless one is seen here only.
        if self._awaits_head() and self._head_bytes > self.limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._is_receiving = self._is_in_head = True
        if self._timer is None:  # it came with the end of a call that was answered before
            self._start(_Stage.HEAD, self.limits.head_within)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        fields = sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) + fields > self.limits.head_bytes:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ValueError("too large")  # ends the parser, which calls `send_400_response`
        self._is_in_head = False
        self._head_bytes = 0
        self._start(_Stage.BODY, self.limits.body_within)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_receiving = False
        self._start(_Stage.ANSWER, self.limits.answered_within)
        super().on_message_complete()
        if self.cycle.response_complete:
            self._stop()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._waits_since = next(_TURNS)
        if self._is_receiving and not self._is_in_head:
            return  # the rest of its body, or of that of a further call, still has its time
        if not self.cycle.response_complete:  # a further call has waited for this answer
            self._start(_Stage.ANSWER, self.limits.answered_within)
        elif self._is_in_head:
            self._start(_Stage.HEAD, self.limits.head_within)
        else:
            self._stop()

    def send_400_response(self, msg: str) -> None:
        if self._refusal is None:
            super().send_400_response(msg)
        else:
            self._refuse(self._refusal)

    def _start(self, stage: _Stage, within: float) -> None:
        self._stop()
        self._stage = stage
        self._timer = self.loop.call_later(within, self._time_is_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        self._timer = None
        if self._stage is _Stage.ANSWER:
            self.transport.abort()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _make_room(self) -> None:
        """Close the connection that has waited longest for a complete call, if there are too many;
        if none waits, refuse this one."""
        open_ones = [
            connection
            for connection in self.connections
            if isinstance(connection, LimitedProtocol) and not connection.transport.is_closing()
        ]
        if len(open_ones) <= self.limits.connections:
            return
        waiting = [
            connection
            for connection in open_ones
            if connection is not self and connection._awaits_call()
        ]
        if waiting:
            min(waiting, key=lambda each: each._waits_since).transport.abort()
        else:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def _awaits_head(self) -> bool:
        """Whether what comes next is of a head; that may be so while a call is answered."""
        return self._stage is _Stage.HEAD or self._is_in_head

    def _awaits_call(self) -> bool:
        """Whether no call that is complete is being answered: it may be closed.

        If the head or the body of one is missing, nothing was done for it.
        """
        if self.cycle is None or self.cycle.response_complete:
            return True
        # What is in the pipeline waits for the answer to the call before it.
        return self._stage is _Stage.BODY and not self.pipeline

    def _refuse(self, status: HTTPStatus) -> None:
        """Say why, if nothing was said yet, and close the connection."""
        self._refusal = status
        self._stop()
        if self.transport.is_closing():
            return
        self.logger.warning("a connection was closed: %s %s", status.value, status.phrase)
        in_between = self.cycle is not None and not self.cycle.response_complete
        if self.transport.get_write_buffer_size() or (in_between and self.cycle.response_started):
            self.transport.abort()
            return
        retry = "retry-after: 30\r\n" if status is HTTPStatus.SERVICE_UNAVAILABLE else ""
        self.transport.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\n{retry}"
            "content-length: 0\r\nconnection: close\r\n\r\n".encode()
        )
        self.transport.close()
