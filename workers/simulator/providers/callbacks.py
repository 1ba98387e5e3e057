"""Delivery receipts of the simulated providers: callbacks, posted with a few retries."""

import contextlib
import itertools
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import requests

_THREADS = 4
_QUEUE_SIZE = 100_000
_TIMEOUT = (2.0, 5.0)
_FIRST_WAIT = 0.2
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Receipt:
    """One callback to post."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    attempts: int
    """How often to post it at most, until the receiver answers with success."""


class ReceiptPoster:
    """Posts receipts from background threads. Receipts that still wait at `stop` are dropped."""

    def __init__(self) -> None:
        # Each entry: when it is due, a sequence number that keeps the order of entries that are due
        # at the same moment, and the receipts of one text, which are posted one after the other.
        self._waiting: queue.PriorityQueue[tuple[float, int, tuple[Receipt, ...]]] = (
            queue.PriorityQueue(_QUEUE_SIZE)
        )
        self._sequence = itertools.count()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(_THREADS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def post(self, receipts: Sequence[Receipt], after: float = 0.0) -> None:
        """Queue the receipts of one text, to be posted after `after` seconds.

        If the queue is full, they are dropped.
        """
        with contextlib.suppress(queue.Full):
            due = time.monotonic() + after
            self._waiting.put_nowait((due, next(self._sequence), tuple(receipts)))

    def _work(self) -> None:
        with requests.Session() as session:
            # Post to the receiver directly, even if this machine has a proxy.
            session.trust_env = False
            while not self._stopping.is_set():
                for receipt in self._next():
                    self._deliver(session, receipt)

    def _next(self) -> tuple[Receipt, ...]:
        """The receipts of the next text, or none after a short wait."""
        try:
            due, sequence, receipts = self._waiting.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            return ()
        early = due - time.monotonic()
        if early <= 0:
            return receipts
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait((due, sequence, receipts))
        self._stopping.wait(min(early, _POLL_SECONDS))
        return ()

    def _deliver(self, session: requests.Session, receipt: Receipt) -> None:
        wait = _FIRST_WAIT
        for _ in range(receipt.attempts):
            if _try(session, receipt) or self._stopping.wait(wait):
                return
            wait *= 2


def _try(session: requests.Session, receipt: Receipt) -> bool:
    try:
        response = session.post(
            receipt.url,
            data=receipt.body,
            headers=dict(receipt.headers),
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException:
        return False
    return response.ok
