"""Slow, large and many: real connections to a real server, which holds without a proxy."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from workers.http.limits import LimitedProtocol, Limits
from workers.http.requests import RefusedError, read_body
from workers.simulator.servers.environment import free_port

BOUND = 20.0
"""Seconds that no test waits."""
SHORT = Limits(head_within=0.3, body_within=0.3, answered_within=0.5, connections=8)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        said = PlainTextResponse(str(len(await read_body(Request(scope, receive)))))
    except RefusedError as refusal:
        said = PlainTextResponse(refusal.why, refusal.status)
    await said(scope, receive, send)


@contextmanager
def serving(limits: Limits) -> Iterator[int]:
    """A server with these limits; its port."""

    class Protocol(LimitedProtocol):
        pass

    Protocol.limits = limits
    port = free_port()
    config = uvicorn.Config(
        app, port=port, http=Protocol, ws="none", lifespan="off", log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        for _ in range(1000):
            if server.started:
                break
            threading.Event().wait(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join(BOUND)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(SHORT) as port:
        yield port


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=BOUND)


def until_closed(connection: socket.socket) -> bytes:
    """All that the server says until it closes the connection, which it does within the bound."""
    said = b""
    try:
        while chunk := connection.recv(65536):
            said += chunk
    except ConnectionError:
        pass
    return said


def drip(port: int, beginning: bytes, byte: bytes) -> bytes:
    """What is answered to a call whose rest comes a byte at a time and never ends."""
    with connected(port) as connection:
        connection.sendall(beginning)
        connection.settimeout(0.02)
        said = b""
        for _ in range(int(BOUND / 0.02)):
            try:
                connection.sendall(byte)
                chunk = connection.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                return said
            if not chunk:
                return said
            said += chunk
        raise AssertionError("the connection was never closed")


POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.attack("slow connections")
@pytest.mark.parametrize(
    ("beginning", "byte"),
    [
        (b"", b"G"),
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\n", b"x"),
        (b"GET / HTTP/1.1\r\nX-Slow: ", b"x"),
        (POST, b"x"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["method", "empty lines", "headers", "one header", "body", "chunks"],
)
def test_a_call_that_comes_in_slowly_is_closed(port: int, beginning: bytes, byte: bytes) -> None:
    said = drip(port, beginning, byte)
    assert said == b"" or said.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400"))


def test_a_further_call_on_a_connection_has_no_more_time(port: int) -> None:
    said = drip(port, GET + b"GET / HTTP/1.1\r\n", b"x")
    assert said.startswith(b"HTTP/1.1 200")
    assert said.count(b"HTTP/1.1") <= 2


@pytest.mark.parametrize("before", [GET, POST + b"x" * 100], ids=["get", "post"])
def test_the_head_of_a_further_call_has_its_limits_too(before: bytes) -> None:
    """It begins while the call before it is answered: the time for that is no time for a head."""
    with serving(Limits(head_within=0.3, answered_within=60, connections=8)) as port:
        assert drip(port, before + b"GET / HTTP/1.1\r\nX: ", b"x").count(b"HTTP/1.1 200") == 1
    with serving(Limits(connections=8)) as port, connected(port) as connection:
        connection.sendall(before + b"GET / HTTP/1.1\r\nX: ")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        with suppress(ConnectionError):
            connection.sendall(b"x" * 400_000)
        assert until_closed(connection)[:12] in (b"HTTP/1.1 431", b"")


def test_a_connection_on_which_nothing_comes_is_closed(port: int) -> None:
    with connected(port) as connection:
        assert until_closed(connection).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 400_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 9_000 + b"\r\n",
    ],
    ids=["address", "header", "endless header", "many headers"],
)
def test_a_head_that_is_too_large_is_refused(port: int, head: bytes) -> None:
    with connected(port) as connection:
        try:
            connection.sendall(head)
        except ConnectionError:
            return
        assert until_closed(connection)[:12] in (b"HTTP/1.1 431", b"")


def test_a_body_that_is_too_large_is_refused_and_its_rest_not_waited_for(port: int) -> None:
    announced = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n"
    assert drip(port, announced + b"x" * 70_000, b"x").startswith(b"HTTP/1.1 413")


@pytest.mark.attack("slow connections")
def test_when_too_many_are_connected_who_waits_longest_is_closed_for_who_comes() -> None:
    with serving(Limits(connections=8)) as port, ExitStack() as stack:
        idle = [stack.enter_context(connected(port)) for _ in range(12)]
        with connected(port) as connection:
            connection.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            assert until_closed(connection).startswith(b"HTTP/1.1 200")
        assert until_closed(idle[0]) == b"", "the first one was closed"


@pytest.mark.parametrize(
    "held", [POST, GET + b"GET / HTTP/1.1\r\n"], ids=["a body is missing", "a further head is"]
)
def test_who_never_completes_a_call_does_not_keep_others_out(held: bytes) -> None:
    with serving(Limits(connections=8)) as port, ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(connected(port)).sendall(held)
        for _ in range(3):
            with connected(port) as connection:
                connection.sendall(GET)
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_calls_on_one_connection_are_answered(port: int) -> None:
    with connected(port) as connection:
        for _ in range(5):
            connection.sendall(GET)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
