"""A system of the lender's says that it has sent its events again, after a restore.

The stored event is the answer: the recovery finds it when it is run again. What it records itself
is for people alone, so nothing of it is written here.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from domain.events import RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.recoveries import recovery_called


def note_events_resent(connection: Connection, ctx: Context, payload: Mapping[str, Any]) -> Reasons:
    """Check that a recovery asked for it.

    Raises:
        RejectedError: there is no such recovery, or no system says so.
    """
    sender = payload.get("own_sender")
    if sender is None or recovery_called(connection, payload["recovery"]) is None:
        raise RejectedError(ReasonCode.RECOVERY_NOT_KNOWN, recovery=payload["recovery"])
    return because(ReasonCode.EVENTS_RESENT, sender=sender)
