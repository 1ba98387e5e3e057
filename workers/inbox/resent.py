"""A system of the lender's says that it has sent its events again, after a restore."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from domain.events import RejectedError
from domain.reasons import ReasonCode, Reasons, because
from domain.recovery import RecoveryStep, StepStatus
from workers.context import Context
from workers.db.recoveries import StoredStep, note_step, recovery_called


def note_events_resent(connection: Connection, ctx: Context, payload: Mapping[str, Any]) -> Reasons:
    """Record it, in the caller's transaction. The recovery goes on when it is run again.

    Raises:
        RejectedError: there is no such recovery, or no system says so.
    """
    recovery = recovery_called(connection, payload["recovery"])
    sender = payload.get("own_sender")
    if recovery is None or sender is None:
        raise RejectedError(ReasonCode.RECOVERY_NOT_KNOWN, recovery=payload["recovery"])
    step = (RecoveryStep.EVENTS, sender, StepStatus.DONE, None, ctx.now(), sender, None)
    note_step(connection, recovery, StoredStep(*step))
    return because(ReasonCode.EVENTS_RESENT, sender=sender)
