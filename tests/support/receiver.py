"""The lender's systems, as a small server on loopback that keeps what it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.loans import Book
from workers.db.outbox import with_outbox
from workers.outbox.lender_webhook import LenderWebhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PATIENCE = 0.3
"""How long tests let a receiver keep them waiting."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One post as it came over the wire."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def payload(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.body)
        return body

    @property
    def kind(self) -> str:
        return str(self.payload["type"])


@dataclass(slots=True)
class LendersSystems:
    """Answers with `status`, or not at all while `hangs`, or without an end while `endless`."""

    url: str = ""
    status: int = 204
    hangs: bool = False
    endless: bool = False
    got: list[Delivery] = field(default_factory=list)
    most_at_once: int = 0
    """Posts that were under way at the same moment."""
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.got]

    def take(self, post: BaseHTTPRequestHandler) -> None:
        body = post.rfile.read(int(post.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in post.headers.items()}
        with self._lock:
            self.got.append(Delivery(headers, body))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self._answer(post)
        with self._lock:
            self._at_once -= 1

    def _answer(self, post: BaseHTTPRequestHandler) -> None:
        if self.hangs:
            self._closing.wait(timeout=10)
            return
        # Long enough for another worker to come in between, if it were let in.
        self._closing.wait(timeout=0.01)
        post.send_response(self.status)
        post.send_header("Location", f"{self.url}/elsewhere")
        post.send_header("Content-Length", "1000000" if self.endless else "0")
        post.end_headers()
        if self.endless:
            self._closing.wait(timeout=10)

    def close(self) -> None:
        self._closing.set()


@contextmanager
def lenders_systems() -> Iterator[LendersSystems]:
    """The server, for as long as the context lasts."""
    systems = LendersSystems()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            systems.take(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    systems.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield systems
    finally:
        systems.close()
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def telling(book: Book, url: str = "http://127.0.0.1:1") -> Book:
    """The book's house, with the lender's systems at `url`."""
    receiver = LenderWebhook(url, [SECRET, OLDER_SECRET], timeouts=(PATIENCE, PATIENCE))
    book.ctx = replace(book.ctx, engine=with_outbox(book.ctx.engine), lender_webhook=receiver)
    return book
