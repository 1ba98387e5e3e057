"""A provider of texts in a process of its own, and the bare loop of its SDK that sends to it.

It costs as little as can be, so that those who send are measured and not it: it takes whatever it
is told, answers after a wait as Twilio does, and posts no receipts.
"""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen
from uuid import uuid4

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from workers.simulator.servers.environment import LOOPBACK

SPAWN = get_context("spawn")
WAITING_AT_MOST = 256
"""Connections that nobody has taken yet, as those of the first moment."""
MOST_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Provider:
    """Where it is."""

    url: str

    def taken(self) -> list[str]:
        """The reference of each text since this was last asked, in order."""
        with urlopen(self.url, timeout=MOST_SECONDS) as answer:  # noqa: S310 - our own address
            references: list[str] = json.load(answer)
        return references


@contextmanager
def a_provider(seconds: float) -> Iterator[Provider]:
    """A provider that takes so long to answer, however many ask at once."""
    with socket.create_server((LOOPBACK, 0), backlog=WAITING_AT_MOST) as door:
        process = SPAWN.Process(target=_serve, args=(door, seconds), daemon=True)
        process.start()
        try:
            yield Provider(f"http://{LOOPBACK}:{door.getsockname()[1]}")
        finally:
            process.terminate()
            process.join(timeout=10)


def _serve(door: socket.socket, seconds: float) -> None:
    asyncio.run(_answer_all(door, seconds))


async def _answer_all(door: socket.socket, seconds: float) -> None:
    taken: list[str] = []
    server = await asyncio.start_server(partial(_answer, taken, seconds), sock=door)
    async with server:
        await server.serve_forever()


async def _answer(
    taken: list[str],
    seconds: float,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """One request, one connection: those who send keep none."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    if head.startswith("GET "):
        content: object = list(taken)
        taken.clear()
        status = "200 OK"
    else:
        form = parse_qs((await reader.readexactly(_length(head))).decode())
        await asyncio.sleep(seconds)
        taken.append(parse_qs(urlsplit(form["StatusCallback"][0]).query)["message"][0])
        content, status = _as_twilio_shows_it(form), "201 Created"
    body = json.dumps(content).encode()
    headers = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    writer.write(f"{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    writer.close()


def _length(head: str) -> int:
    fields = (line.partition(":") for line in head.lower().split("\r\n"))
    return next(int(value) for name, _, value in fields if name == "content-length")


def _as_twilio_shows_it(form: dict[str, list[str]]) -> dict[str, object]:
    at = "Mon, 02 Mar 2026 18:30:00 +0000"
    return {
        "sid": f"SM{uuid4().hex}",
        "status": "queued",
        "direction": "outbound-api",
        "api_version": "2010-04-01",
        "to": form["To"][0],
        "from": form["From"][0],
        "body": form["Body"][0],
        "num_segments": "1",
        "num_media": "0",
        "date_created": at,
        "date_updated": at,
        "date_sent": None,
        "price": None,
        "price_unit": "USD",
        "error_code": None,
        "error_message": None,
    }


class _HttpTo(TwilioHttpClient):  # type: ignore[misc]  # the SDK publishes no types
    """The SDK's own client, which keeps no connections either, for a provider somewhere else."""

    def __init__(self, base: str) -> None:
        super().__init__(pool_connections=False, timeout=MOST_SECONDS)
        self._base = base

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, self._base + urlsplit(url).path, *args, **kwargs)


def send_in_a_loop(provider: Provider, account: str, sender: str, to: str, count: int) -> None:
    """What a script would do. Made to run in a process of its own."""
    client = Client(account, "secret", http_client=_HttpTo(provider.url), environment={})
    for _ in range(count):
        client.messages.create(
            to=to,
            from_=sender,
            body="Example Lender: 312.50 USD is past due since 2026-02-20. Call 400-000-0000.",
            status_callback=f"https://lender.example/status?message={uuid4()}",
        )
