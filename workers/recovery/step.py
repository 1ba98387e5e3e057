"""What every step of a recovery has in common."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from domain.errors import Text
from domain.recovery import RecoveryStep, StepStatus
from workers.context import Context
from workers.db.recoveries import Recovery
from workers.db.sending_holds import SendingHold


@dataclass(frozen=True, slots=True)
class Task:
    """What a step works on."""

    ctx: Context
    since: datetime
    """Everything after that may be missing in the database."""
    restored: bool
    """False: somebody says that no backup was restored."""
    dry_run: bool
    """Look, and change nothing."""
    journals: tuple[Path, ...]
    recovery: Recovery | None
    """None: it is a dry run, and no recovery was begun."""
    holds: Sequence[SendingHold]
    """The sending holds that the recovery is to end."""
    stopped_at: datetime
    """When sending was stopped: what is newer was recorded after the restore."""

    @property
    def recovery_id(self) -> int | None:
        return self.recovery.id if self.recovery else None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that a dry run rolls back."""
        with self.ctx.engine.connect() as connection, connection.begin() as transaction:
            yield connection
            if self.dry_run:
                transaction.rollback()


@dataclass(frozen=True, slots=True)
class Result:
    """What a step found and did."""

    step: RecoveryStep
    status: StepStatus
    found: Mapping[str, Any] = field(default_factory=dict)
    """Counts and names by word; nothing about persons."""
    subject: str = ""
    """The provider, or the lender's system."""
    open_because: Text | None = None
    """What is missing, with what to do. None: nothing is."""
