"""Workers that are lost at their commits, and a provider that loses its own answers."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from domain.reasons import ReasonCode, because
from tests.support.fakes import FakeSmsGateway
from workers.sms.providers.port import OutgoingText, SendOutcome, SendResult


class LostError(BaseException):
    """A worker is lost at this very moment: no handler of the engine may catch it."""


@dataclass(slots=True)
class Losing:
    """Loses workers at their commits: before one, so that nothing happened, or right after."""

    chance: random.Random
    share: float
    lost: int = 0
    _of: threading.local = field(default_factory=threading.local)

    def watch(self, engine: Engine) -> None:
        commit = engine.dialect.do_commit

        def do_commit(connection: Any) -> None:
            loses = getattr(self._of, "a_worker", False) and self.chance.random() < self.share
            if loses and self.chance.random() < 0.5:
                self._lose()
            commit(connection)
            if loses:
                self._lose()

        engine.dialect.do_commit = do_commit  # type: ignore[assignment, method-assign]

    def _lose(self) -> None:
        self.lost += 1
        raise LostError

    @contextmanager
    def a_worker(self) -> Iterator[None]:
        """What runs in here may be lost, and is not missed."""
        self._of.a_worker = True
        try:
            yield
        except LostError:
            pass
        finally:
            self._of.a_worker = False


@dataclass(slots=True)
class Taken:
    """A text that the provider took."""

    at: datetime
    text: OutgoingText
    sid: str
    failed_at: datetime | None = None
    """When the provider said that it had not arrived."""
    reported: bool = False
    """Whether its receipt came, or none ever will."""


@dataclass(slots=True)
class Provider(FakeSmsGateway):
    """Takes texts, keeps a log by Arrears's time, and now and then loses its own answer."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    chance: random.Random = field(default_factory=random.Random)
    log: list[Taken] = field(default_factory=list)

    def send(self, text: OutgoingText) -> SendResult:
        at = self.now().astimezone(UTC)
        result = FakeSmsGateway.send(self, text)
        if result.outcome is SendOutcome.ACCEPTED:
            self.log.append(Taken(at, text, result.sid or ""))
            if self.chance.random() < 0.05:
                return SendResult(SendOutcome.UNKNOWN, because(ReasonCode.MAY_BE_SENT))
        return result
