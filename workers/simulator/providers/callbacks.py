"""The stand-ins' receipts: callbacks, best-effort, as providers post them."""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import requests

_WORKERS = 4
_WAITING_AT_MOST = 100_000
_TIMEOUT = (2.0, 5.0)
_FIRST_WAIT = 0.2
# Seconds between two looks at receipts that are not due yet.
_PATIENCE = 0.1


@dataclass(frozen=True, slots=True)
class Receipt:
    """One callback to post."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    attempts: int
    """How often it is posted at most, until the receiver takes it."""


class ReceiptPoster:
    """Posts receipts from background threads. What waits when it stops is lost."""

    def __init__(self) -> None:
        # Each entry: the moment it is due, its turn, and the receipts of one message, which go out
        # one after the other.
        self._waiting: queue.PriorityQueue[tuple[float, int, tuple[Receipt, ...]]] = (
            queue.PriorityQueue(_WAITING_AT_MOST)
        )
        self._turns = itertools.count()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(_WORKERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def post(self, receipts: Sequence[Receipt], after: float = 0.0) -> None:
        """Queues the receipts of one message, to go out `after` so many seconds.

        Drops them where too many wait already.
        """
        with contextlib.suppress(queue.Full):
            due = time.monotonic() + after
            self._waiting.put_nowait((due, next(self._turns), tuple(receipts)))

    def _work(self) -> None:
        with requests.Session() as session:
            # The receiver is named by the caller; a proxy of this machine has no part in it.
            session.trust_env = False
            while not self._stopping.is_set():
                for receipt in self._next():
                    self._deliver(session, receipt)

    def _next(self) -> tuple[Receipt, ...]:
        """The receipts of the next message, or none after a short wait."""
        try:
            due, turn, receipts = self._waiting.get(timeout=_PATIENCE)
        except queue.Empty:
            return ()
        early = due - time.monotonic()
        if early <= 0:
            return receipts
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait((due, turn, receipts))
        self._stopping.wait(min(early, _PATIENCE))
        return ()

    def _deliver(self, session: requests.Session, receipt: Receipt) -> None:
        wait = _FIRST_WAIT
        for _ in range(receipt.attempts):
            if _try(session, receipt) or self._stopping.wait(wait):
                return
            wait *= 2


def _try(session: requests.Session, receipt: Receipt) -> bool:
    try:
        answer = session.post(
            receipt.url,
            data=receipt.body,
            headers=dict(receipt.headers),
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException:
        return False
    return answer.ok
