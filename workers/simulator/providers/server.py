"""What the stand-ins for providers have in common: a server, a log, receipts and misbehaviour."""

from __future__ import annotations

import argparse
import signal
import socket
import struct
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from workers.simulator.providers.accepted_texts import AcceptedText, AcceptedTexts
from workers.simulator.providers.callbacks import ReceiptPoster
from workers.simulator.providers.faults import FaultGenerator, FaultPlan
from workers.simulator.providers.magic_numbers import SimulatedOutcome

_SILENCE_SECONDS = 60.0
_NO_HEADERS: Mapping[str, str] = {}

ACCEPTED_THEN_FAILS = frozenset({SimulatedOutcome.SERVER_ERROR, SimulatedOutcome.LOST})
"""What answers HTTP 500, in the provider's own words, although the text was accepted."""


class ProviderHandler(BaseHTTPRequestHandler):
    """One request to a stand-in; a subclass speaks the provider's language."""

    texts: ClassVar[AcceptedTexts]
    poster: ClassVar[ReceiptPoster]
    dice: ClassVar[FaultGenerator]
    stopping: ClassVar[threading.Event]

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def write_answer(
        self, status: int, content: bytes, kind: str, headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def misbehaves(self, outcome: SimulatedOutcome | None, status: int) -> bool:
        """Whether the answer about an accepted text was replaced by what the rehearsal asks for.

        `status` is that of the answer, which a garbled one keeps.
        """
        match outcome:
            case SimulatedOutcome.SILENCE:
                self.stopping.wait(_SILENCE_SECONDS)
            case SimulatedOutcome.RESET:
                # A socket that may not linger is reset when it is closed, not ended in order.
                no_linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
            case SimulatedOutcome.GARBLED:
                self.write_answer(status, b"<html>Done</html>", "text/html")
            case _:
                return False
        return True

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: request lines may hold numbers."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A full fleet of workers connects at once; the default of five would refuse some of them.
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: a client that hung up, or was killed, is what a rehearsal is for."""


class SimulatedProvider:
    """One stand-in; a context manager that serves while it is entered."""

    def __init__(
        self,
        handler: type[ProviderHandler],
        *,
        log: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: FaultPlan | None = None,
    ) -> None:
        """Binds at once; port 0 takes a free one. The log is read, then appended to."""
        self._texts = AcceptedTexts(log)
        self._poster = ReceiptPoster()
        self._stopping = threading.Event()
        self._dice = FaultGenerator(faults or FaultPlan())

        class Handler(handler):  # type: ignore[valid-type, misc]  # a class made for this server
            texts = self._texts
            poster = self._poster
            dice = self._dice
            stopping = self._stopping

        self._server = _Server((host, port), Handler)
        self._thread = threading.Thread(
            # The interval is how long a stop takes at most, in seconds.
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            daemon=True,
        )

    @property
    def url(self) -> str:
        """Scheme, host and port, for the gateway's `api_base`."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def messages(self) -> list[AcceptedText]:
        """The texts accepted since the log was started, in order."""
        return self._texts.all()

    def asked(self) -> int:
        """How many requests to send a text there were, accepted or not, since this one began."""
        return self._dice.drawn()

    def opt_out(self, number: str) -> None:
        """From now on, texts to the number are refused."""
        self._texts.opt_out(number)

    def __enter__(self) -> Self:
        self._poster.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._poster.stop()
        self._texts.close()


def command_line(description: str) -> argparse.ArgumentParser:
    """The options that every stand-in has as a command."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True, help="one line of JSON for each text")
    parser.add_argument(
        "--faults",
        type=_plan,
        default=FaultPlan(),
        help="what goes wrong by chance, as seed=7,latency=0.4,silence=0.01,receipts_lost=0.1",
    )
    return parser


def serve(provider: SimulatedProvider, name: str) -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with provider:
        print(f"The {name} stand-in listens on {provider.url}.", flush=True)
        stop.wait()


def _plan(written: str) -> FaultPlan:
    try:
        return FaultPlan.parse(written)
    except ValueError as error:
        # Argparse would say of another error only that the value is invalid.
        raise argparse.ArgumentTypeError(str(error)) from None
