"""The texts that a stand-in accepted: in memory for its API, in a log as evidence.

The log outlives the process: a stand-in that is killed and started again knows what it accepted.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

QUEUED = "queued"
DELIVERED = "delivered"
UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True)
class AcceptedText:
    """One text as the provider knows it. `at` is when it was accepted, in UTC."""

    sid: str
    to: str
    sender: str
    body: str
    """The words; of a provider that has templates, their id and the values, as `123|a|b`."""
    reference: str | None
    """The client's own id of it, where the request named one."""
    at: datetime
    status: str = QUEUED

    def log_line(self) -> str:
        """The evidence: one line of JSON."""
        return json.dumps(
            {
                "sid": self.sid,
                "to": self.to,
                "from": self.sender,
                "body": self.body,
                "body_digest": sha256(self.body.encode()).hexdigest(),
                "reference": self.reference,
                "at": self.at.isoformat(),
            },
            ensure_ascii=False,
        )


class AcceptedTexts:
    """All accepted texts, and who has opted out. Safe between threads."""

    def __init__(self, log: Path) -> None:
        """Knows what an earlier stand-in wrote to the log, and appends to it."""
        self._lock = threading.Lock()
        self._by_sid = {text.sid: text for text in _read(log)}
        self._opted_out: set[str] = set()
        self._log = log.open("a", encoding="utf-8")

    def accept(self, text: AcceptedText) -> None:
        """Takes a text. It has left this process, for the log, before anybody is told of it."""
        with self._lock:
            self._by_sid[text.sid] = text
            self._log.write(text.log_line() + "\n")
            self._log.flush()

    def advance(self, sid: str, status: str) -> None:
        """Moves a text to a later status."""
        with self._lock:
            self._by_sid[sid] = replace(self._by_sid[sid], status=status)

    def get(self, sid: str) -> AcceptedText | None:
        with self._lock:
            return self._by_sid.get(sid)

    def all(self) -> list[AcceptedText]:
        """In the order in which they were accepted."""
        with self._lock:
            return list(self._by_sid.values())

    def opt_out(self, number: str) -> None:
        with self._lock:
            self._opted_out.add(number)

    def has_opted_out(self, number: str) -> bool:
        with self._lock:
            return number in self._opted_out

    def close(self) -> None:
        with self._lock:
            self._log.close()


def _read(log: Path) -> list[AcceptedText]:
    if not log.exists():
        return []
    with log.open(encoding="utf-8") as lines:
        return [_text(json.loads(line)) for line in lines]


def _text(line: dict[str, str]) -> AcceptedText:
    return AcceptedText(
        sid=line["sid"],
        to=line["to"],
        sender=line["from"],
        body=line["body"],
        reference=line["reference"],
        at=datetime.fromisoformat(line["at"]),
        # The log is written once, when a text is accepted; by now it has long arrived.
        status=DELIVERED,
    )
