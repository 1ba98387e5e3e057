"""A gateway to simulated Twilio, and a receiver of its callbacks."""

import queue
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID, uuid4

from workers.simulator.providers.twilio import ACCOUNT_SID
from workers.sms.providers.port import OutgoingText
from workers.sms.providers.twilio import TwilioGateway

TOKEN = "a-token-for-tests"


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback as it came over the wire."""

    target: str
    """Path and query."""
    body: str
    signature: str


class CallbackReceiver:
    """Records what is posted to it; answers with the statuses it was told to, then with 204."""

    def __init__(self) -> None:
        self._calls: queue.Queue[Callback] = queue.Queue()
        self.answers: queue.Queue[int] = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                signature = self.headers.get("X-Twilio-Signature", "")
                receiver._calls.put(Callback(self.path, body, signature))
                self.send_response(receiver._next_answer())
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"

    def next(self) -> Callback:
        return self._calls.get(timeout=10)

    def _next_answer(self) -> int:
        try:
            return self.answers.get_nowait()
        except queue.Empty:
            return 204

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def gateway_to(
    api_base: str, receiver: CallbackReceiver, *, token: str = TOKEN, read_seconds: float = 5.0
) -> TwilioGateway:
    return TwilioGateway(
        ACCOUNT_SID,
        token,
        status_callback_base=receiver.base,
        api_base=api_base,
        timeouts=(2, read_seconds),
    )


def a_text(
    to: str = "+12025550101", body: str = "Please call us.", reference: UUID | None = None
) -> OutgoingText:
    """A text to an ordinary number, unless the story needs another."""
    return OutgoingText(
        reference or uuid4(),
        to=to,
        body=body,
        sender="+12025550150",
        template="reminder",
        locale="en",
        values={"words": body},
    )
