"""A stand-in for Twilio's Messages API, over real HTTP on this machine.

It answers as Twilio does: Basic authentication, Twilio's error codes, Twilio's JSON, signed status
callbacks. Every text it accepts becomes one line of JSON in a log file, so that "sent exactly once"
can be counted outside the engine. Numbers that misbehave: `workers.local.rehearsal`.

    ARREARS_STAND_IN_TOKEN=… python -m workers.local.twilio_stand_in --port 8010 --log texts.jsonl

In the same process: `with TwilioStandIn(log=path, auth_token=token) as twilio: … twilio.url …`.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from workers.local.messages_api import MessagesApi
from workers.local.receipts import ReceiptPoster
from workers.local.sent_texts import AcceptedText, SentTexts

ACCOUNT_SID = "AC" + "0" * 32
TOKEN_VARIABLE = "ARREARS_STAND_IN_TOKEN"  # noqa: S105 - the variable's name, not a token


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A full fleet of workers connects at once; the default of five would refuse some of them.
    request_queue_size = 256


class TwilioStandIn:
    """One stand-in with one account; a context manager that serves while it is entered."""

    def __init__(
        self,
        *,
        log: Path,
        auth_token: str,
        account_sid: str = ACCOUNT_SID,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Binds at once; port 0 takes a free one. The log is appended to, never emptied."""
        self._texts = SentTexts(log)
        self._poster = ReceiptPoster(auth_token)
        self._stopping = threading.Event()

        class Handler(MessagesApi):
            account = (account_sid, auth_token)
            texts = self._texts
            poster = self._poster
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
        """The texts accepted since this stand-in was made, in order."""
        return self._texts.all()

    def opt_out(self, number: str) -> None:
        """From now on, texts to the number are refused with 21610."""
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


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="A stand-in for Twilio's Messages API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True, help="one line of JSON for each text")
    parser.add_argument("--account-sid", default=ACCOUNT_SID)
    options = parser.parse_args()
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        parser.error(f"{TOKEN_VARIABLE} is not set. Set it to the auth token of the clients.")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with TwilioStandIn(
        log=options.log,
        auth_token=token,
        account_sid=options.account_sid,
        host=options.host,
        port=options.port,
    ) as stand_in:
        print(f"The Twilio stand-in listens on {stand_in.url}.", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
