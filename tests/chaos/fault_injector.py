"""What breaks, and when: drawn from the seed, so that a day can be had again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.installation import Installation


@dataclass(slots=True)
class FaultInjector:
    """Breaks one thing after another until `go_on` is not called any more."""

    installation: Installation
    seed: int
    every: tuple[float, float]
    """Seconds between two breakages: from, to."""
    say: Callable[[str], None]
    kills: int = 0
    broker_losses: int = 0
    database_restarts: int = 0
    _dice: random.Random = field(init=False)
    _next_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._next_at = time.monotonic() + self._dice.uniform(*self.every)

    @property
    def complete(self) -> bool:
        """Whether each kind of thing was broken at least once."""
        return bool(self.kills and self.broker_losses and self.database_restarts)

    def go_on(self, progress: float) -> bool:
        """Break something if it is time; whether it was. `progress` is the part of the day that is
        done, 0 to 1."""
        if time.monotonic() < self._next_at:
            return False
        if progress > 0.5 and not self.database_restarts:
            self.say("the database crashes and comes back")
            self.installation.restart_database()
            self.database_restarts += 1
        else:
            self._break_something()
        self._next_at = time.monotonic() + self._dice.uniform(*self.every)
        return True

    def _break_something(self) -> None:
        drawn = self._dice.random()
        if drawn < 0.15:
            self._lose_broker(self.installation.empty_broker, "the broker is emptied")
        elif drawn < 0.25:
            self._lose_broker(
                self.installation.restart_broker, "the broker is killed and comes back"
            )
        else:
            name = self._dice.choice(sorted(self.installation.commands))
            self.say(f"{name} is killed and started again")
            self.installation.kill(name)
            self.installation.start(name)
            self.kills += 1

    def _lose_broker(self, lose: Callable[[], None], what: str) -> None:
        self.say(what)
        lose()
        self.broker_losses += 1
