"""The stand-in's receipts: signed status callbacks, best-effort, as Twilio posts them."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urldefrag

import requests
from twilio.request_validator import RequestValidator

_WORKERS = 4
_WAITING_AT_MOST = 100_000
_TIMEOUT = (2.0, 5.0)
_FIRST_WAIT = 0.2
_RETRIES_BY_DEFAULT = 1
_RETRIES_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Receipt:
    """One callback to post: the URL as it was given, with its fragment, and the form."""

    url: str
    fields: Mapping[str, str]

    def attempts(self) -> int:
        """One, and the retries that the fragment asks for (`#rc=5`)."""
        asked = parse_qs(urldefrag(self.url).fragment).get("rc", [""])[0]
        retries = int(asked) if asked.isdecimal() else _RETRIES_BY_DEFAULT
        return 1 + min(retries, _RETRIES_AT_MOST)


class ReceiptPoster:
    """Posts receipts from background threads. What waits when it stops is lost."""

    def __init__(self, auth_token: str) -> None:
        self._signer = RequestValidator(auth_token)
        # Each entry is the receipts of one message, so that they go out one after the other.
        self._waiting: queue.Queue[tuple[Receipt, ...]] = queue.Queue(_WAITING_AT_MOST)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(_WORKERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def post(self, receipts: tuple[Receipt, ...]) -> None:
        """Queues the receipts of one message; drops them where too many wait already."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(receipts)

    def _work(self) -> None:
        with requests.Session() as session:
            # The receiver is named by the caller; a proxy of this machine has no part in it.
            session.trust_env = False
            while not self._stopping.is_set():
                with contextlib.suppress(queue.Empty):
                    for receipt in self._waiting.get(timeout=0.1):
                        self._deliver(session, receipt)

    def _deliver(self, session: requests.Session, receipt: Receipt) -> None:
        wait = _FIRST_WAIT
        for _ in range(receipt.attempts()):
            if self._try(session, receipt) or self._stopping.wait(wait):
                return
            wait *= 2

    def _try(self, session: requests.Session, receipt: Receipt) -> bool:
        url = urldefrag(receipt.url).url
        signature = self._signer.compute_signature(url, receipt.fields)
        try:
            answer = session.post(
                url,
                data=receipt.fields,
                headers={"X-Twilio-Signature": signature},
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException:
            return False
        return answer.ok
