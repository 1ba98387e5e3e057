"""The texts that a simulated provider accepted: in memory for its API, in a log as evidence.

A provider that is killed and started again reads the log, and so still knows its texts.
"""

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
    """The text; for Tencent Cloud the id of the template and the values, as `123|a|b`."""
    reference: str | None
    """The client's own id of the text, if the request contained one."""
    at: datetime
    status: str = QUEUED
    is_inbound: bool = False
    """Whether somebody wrote it to the lender: then `to` is the lender's number."""

    def log_line(self) -> str:
        """The line of JSON for the log."""
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
        """Read the texts in the log, and append to it from now on."""
        self._lock = threading.Lock()
        self._by_sid = {text.sid: text for text in _read(log)}
        self._opted_out: set[str] = set()
        self._log = log.open("a", encoding="utf-8")

    def accept(self, text: AcceptedText, status: str) -> None:
        """Log a text, and store it with this status. The log is written before any response."""
        with self._lock:
            self._by_sid[text.sid] = replace(text, status=status)
            self._log.write(text.log_line() + "\n")
            self._log.flush()

    def take_in(self, text: AcceptedText) -> None:
        """Store a text to the lender. The log has only what was sent."""
        with self._lock:
            self._by_sid[text.sid] = text

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
        # The log has no status: assume that the text was delivered meanwhile.
        status=DELIVERED,
    )
