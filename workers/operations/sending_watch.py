"""The watch over sending: it stops sending by itself, and never lets it go on by itself."""

from sqlalchemy import Connection

from domain.actors import ARREARS
from domain.reasons import ReasonCode, because
from domain.sending import EVIDENCE_LATE, StoppedBecause
from workers.context import Context
from workers.db.sending_holds import set_sending_hold
from workers.evidence.standstill import minutes_without_links
from workers.sending.counter import check_counter
from workers.sending.volume import check_volume


def watch_sending(ctx: Context) -> list[StoppedBecause]:
    """Stop sending if the database is not the newest one, if evidence stands still, or if a channel
    is used too often. Returns what was found; of what was found before too.

    A wrong clock is found by the worker itself, before each of its tasks.
    """
    found = list[StoppedBecause]()
    if (of_counter := check_counter(ctx)) is not None:
        found.append(of_counter)
    with ctx.engine.begin() as connection:
        if _evidence_stands_still(connection, ctx):
            found.append(StoppedBecause.EVIDENCE_STOPPED)
    if check_volume(ctx):
        found.append(StoppedBecause.TOO_MUCH_SENT)
    return found


def _evidence_stands_still(connection: Connection, ctx: Context) -> bool:
    minutes = minutes_without_links(connection)
    if minutes is None or minutes * 60 < EVIDENCE_LATE.total_seconds():
        return False
    why = because(ReasonCode.EVIDENCE_STOPPED, minutes=minutes)
    cause = StoppedBecause.EVIDENCE_STOPPED
    set_sending_hold(connection, cause, why, ARREARS.reference, ctx.now())
    return True
