"""What the simulated providers have in common: a server, a log, receipts and faults."""

import argparse
import json
import os
import signal
import socket
import struct
import threading
from abc import abstractmethod
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self

from workers.simulator.providers.accepted_texts import (
    DELIVERED,
    UNDELIVERED,
    AcceptedText,
    AcceptedTexts,
)
from workers.simulator.providers.callbacks import Receipt, ReceiptPoster
from workers.simulator.providers.faults import FaultGenerator, FaultPlan, Faults
from workers.simulator.providers.magic_numbers import NEVER_ARRIVES, SimulatedOutcome

TOKEN_VARIABLE = "ARREARS_SIMULATOR_TOKEN"  # noqa: S105 - the variable's name, not a token

ACCEPTED_THEN_FAILS = frozenset({SimulatedOutcome.SERVER_ERROR, SimulatedOutcome.LOST})
"""Outcomes with a response of HTTP 500, in the provider's own format, to an accepted text."""

_SILENCE_SECONDS = 60.0
_NO_HEADERS: Mapping[str, str] = {}


class ProviderHandler(BaseHTTPRequestHandler):
    """One request to a simulated provider; a subclass implements the provider's API."""

    texts: ClassVar[AcceptedTexts]
    poster: ClassVar[ReceiptPoster]
    fault_generator: ClassVar[FaultGenerator]
    stopping: ClassVar[threading.Event]

    statuses_before_last: ClassVar[tuple[str, ...]] = ()
    """The statuses that the provider reports before the last one of a text."""

    @abstractmethod
    def receipt(self, text: AcceptedText, status: str, url: str) -> Receipt:
        """The provider's callback that reports this status."""

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def draw_faults(self, to: str, body: str) -> Faults:
        """The faults of this request to send a text, after the wait that they contain."""
        faults = self.fault_generator.draw(to, body)
        self.stopping.wait(faults.wait)
        return faults

    def accept(self, text: AcceptedText, faults: Faults, url: str | None) -> None:
        """Accept a text, and post its receipts to `url` with the faults of the request."""
        failed = faults.receipts_failed or faults.outcome in NEVER_ARRIVES
        last = UNDELIVERED if failed else DELIVERED
        self.texts.accept(text, last)
        if not url or faults.outcome is SimulatedOutcome.LOST or faults.receipts_lost:
            return
        statuses = (*self.statuses_before_last, last)
        receipts = [self.receipt(text, status, url) for status in statuses]
        if faults.receipts_swapped:
            receipts.reverse()
        if faults.receipts_repeated:
            receipts += receipts
        self.poster.post(receipts, after=faults.receipts_after)

    def write_json(
        self, status: int, content: Mapping[str, object], headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        self.write_response(status, json.dumps(content).encode(), "application/json", headers)

    def write_response(
        self, status: int, content: bytes, kind: str, headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def disrupt_response(self, outcome: SimulatedOutcome | None, status: int) -> bool:
        """Whether the outcome replaced the response to an accepted text.

        `status` is that of the normal response; a garbled response has it too.
        """
        match outcome:
            case SimulatedOutcome.SILENCE:
                self.stopping.wait(_SILENCE_SECONDS)
            case SimulatedOutcome.RESET:
                # With a linger time of 0, `close` resets the connection instead of ending it.
                no_linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
            case SimulatedOutcome.GARBLED:
                self.write_response(status, b"<html>Done</html>", "text/html")
            case _:
                return False
        return True

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: request lines may contain numbers."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # All workers connect at the same time; with the default of five, some connections would fail.
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing: the tests kill clients on purpose."""


class SimulatedProvider:
    """One simulated provider; a context manager that serves while it is entered."""

    def __init__(
        self,
        handler: type[ProviderHandler],
        settings: Mapping[str, object],
        *,
        log: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: FaultPlan | None = None,
    ) -> None:
        """Bind at once; port 0 chooses a free one. `settings` become attributes of the handler.

        The log is read first, and then appended to.
        """
        self._texts = AcceptedTexts(log)
        self._poster = ReceiptPoster()
        self._stopping = threading.Event()
        self._fault_generator = FaultGenerator(faults or FaultPlan())
        attributes = {
            **settings,
            "texts": self._texts,
            "poster": self._poster,
            "fault_generator": self._fault_generator,
            "stopping": self._stopping,
        }
        self._server = _Server((host, port), type("Handler", (handler,), attributes))
        self._thread = threading.Thread(
            # The interval, in seconds, limits how long a stop takes.
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            daemon=True,
        )

    @property
    def url(self) -> str:
        """Scheme, host and port, for the gateway's `api_base`."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def accepted_texts(self) -> list[AcceptedText]:
        """The texts that were accepted since the log was started, in order."""
        return [text for text in self._texts.all() if not text.is_inbound]

    def take_in(self, text: AcceptedText) -> None:
        """Somebody writes to the lender; no webhook is called."""
        self._texts.take_in(text)

    def request_count(self) -> int:
        """How many requests to send a text this object got, whether it accepted them or not."""
        return self._fault_generator.request_count()

    def opt_out(self, number: str) -> None:
        """From now on, refuse texts to the number."""
        self._texts.opt_out(number)

    def __enter__(self) -> Self:
        self._poster.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._poster.stop()
        self._texts.close()


def command_line(description: str) -> argparse.ArgumentParser:
    """The options that both providers have as commands, named like the arguments of the class."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True, help="one line of JSON for each text")
    parser.add_argument(
        "--faults",
        type=_parse_plan,
        default=FaultPlan(),
        help="random faults, as seed=7,latency=0.4,silence=0.01,receipts_lost=0.1",
    )
    return parser


def read_options(parser: argparse.ArgumentParser) -> tuple[dict[str, Any], str]:
    """The options of the command line, and the secret of the clients from the environment."""
    options = vars(parser.parse_args())
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        parser.error(
            f"{TOKEN_VARIABLE} is not set. Set it to the secret of the clients: Twilio's auth "
            "token or Tencent Cloud's secret key."
        )
    return options, token


def serve(provider: SimulatedProvider, name: str) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with provider:
        print(f"Simulated {name} listens on {provider.url}.", flush=True)
        stop.wait()


def _parse_plan(written: str) -> FaultPlan:
    try:
        return FaultPlan.parse(written)
    except ValueError as error:
        # For any other exception argparse says only that the value is invalid.
        raise argparse.ArgumentTypeError(str(error)) from None
