"""The texts that the Twilio stand-in accepted: in memory for its API, in a log as evidence."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path

from domain.texting import segments


@dataclass(frozen=True, slots=True)
class AcceptedText:
    """One text as Twilio knows it. `at` is when it was accepted, in UTC."""

    sid: str
    to: str
    sender: str
    body: str
    status_callback: str | None
    at: datetime
    status: str = "queued"
    error_code: int | None = None

    def log_line(self) -> str:
        """The evidence: one line of JSON."""
        return json.dumps(
            {
                "sid": self.sid,
                "to": self.to,
                "from": self.sender,
                "body": self.body,
                "status_callback": self.status_callback,
                "at": self.at.isoformat(),
            },
            ensure_ascii=False,
        )

    def resource(self, account_sid: str) -> dict[str, object]:
        """The message as Twilio's API shows it."""
        path = f"/2010-04-01/Accounts/{account_sid}/Messages/{self.sid}"
        at = format_datetime(self.at)
        return {
            "account_sid": account_sid,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": at,
            "date_sent": None if self.status == "queued" else at,
            "date_updated": at,
            "direction": "outbound-api",
            "error_code": self.error_code,
            "error_message": None,
            "from": self.sender,
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": str(segments(self.body).count),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{path}/Media.json"},
            "to": self.to,
            "uri": f"{path}.json",
        }


class SentTexts:
    """All accepted texts, and who has opted out. Safe between threads."""

    def __init__(self, log: Path) -> None:
        self._lock = threading.Lock()
        self._by_sid: dict[str, AcceptedText] = {}
        self._opted_out: set[str] = set()
        self._log = log.open("a", encoding="utf-8")

    def accept(
        self, *, to: str, sender: str, body: str, status_callback: str | None, at: datetime
    ) -> AcceptedText:
        """Takes a text and logs it. It is on disk before anybody is told of it."""
        sid = "SM" + secrets.token_hex(16)
        text = AcceptedText(sid, to, sender, body, status_callback, at)
        with self._lock:
            self._by_sid[sid] = text
            self._log.write(text.log_line() + "\n")
            self._log.flush()
        return text

    def advance(self, sid: str, status: str, error_code: int | None) -> None:
        """Moves a text to a later status."""
        with self._lock:
            self._by_sid[sid] = replace(self._by_sid[sid], status=status, error_code=error_code)

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
