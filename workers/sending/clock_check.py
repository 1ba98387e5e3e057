"""Whether the clock of this machine is right: nothing may be decided by a wrong one.

It is held against the clock of the database, and against the newest records. The clock of a demo is
not asked: it is moved on purpose, and production refuses its file.
"""

import logging
import socket
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import Engine, text

from domain.actors import ARREARS
from domain.errors import ReasonedError
from domain.reasons import ReasonCode, Reasons, because
from domain.sending import MOST_AHEAD, MOST_BEHIND, StoppedBecause
from workers.context import Context
from workers.db.sending_holds import set_sending_hold

log = logging.getLogger(__name__)

ASK_AGAIN_AFTER = timedelta(minutes=1)
JUMP = timedelta(seconds=5)
"""By how much the clock may run differently from the time that the processor counts."""


class WrongClockError(ReasonedError):
    """The clock of this machine is wrong, so nothing is decided here."""


class _Moments(NamedTuple):
    database: datetime
    newest: datetime | None
    """The newest moment on record."""
    accepted: datetime | None
    """The newest moment with which people resumed sending, knowing that it is wrong."""


_ASK = text("""
SELECT clock_timestamp() AS database,
       greatest((SELECT at FROM action_event ORDER BY id DESC LIMIT 1),
                (SELECT received_at FROM inbox_event ORDER BY id DESC LIMIT 1),
                (SELECT started_at FROM scan_run ORDER BY business_date DESC LIMIT 1)) AS newest,
       (SELECT max(CAST(found ->> 'newest' AS timestamptz)) FROM sending_hold
         WHERE cause = 'clock_behind' AND resumed_at IS NOT NULL) AS accepted
""")


# For those who decide nothing, and read no events.
_ASK_CLOCK = text("SELECT clock_timestamp() AS database, NULL AS newest, NULL AS accepted")


@dataclass(slots=True)
class _Asked:
    """The last time that this process asked the database, by both of its clocks."""

    clock: datetime | None = None
    counted: float = 0


@cache
def _asked(engine: Engine) -> _Asked:
    return _Asked()


def what_is_wrong_with_clock(
    ctx: Context, *, records: bool = True, stops_sending: bool = True
) -> Reasons:
    """Why the clock of this machine cannot be trusted; empty if it can.

    The database is asked once a minute, or if the clock jumped since: one statement. A wrong clock
    stops sending, unless the machine sends nothing (`stops_sending`). Without `records` the newest
    record is not looked at.
    """
    asked = _asked(ctx.engine)
    clock, counted = ctx.clock.machine_now(), time.monotonic()
    if asked.clock is not None:
        passed = timedelta(seconds=counted - asked.counted)
        if passed < ASK_AGAIN_AFTER and abs(clock - asked.clock - passed) < JUMP:
            return ()
    asked.clock = None
    with ctx.engine.connect() as connection:
        moments = _Moments(*connection.execute(_ASK if records else _ASK_CLOCK).one())
    # Read again: to connect may have taken a while.
    clock, counted = ctx.clock.machine_now(), time.monotonic()
    cause, why, newest = _compare(clock, moments, records=records and ctx.clock.is_true)
    if cause is None:
        asked.clock, asked.counted = clock, counted
        return ()
    log.critical("the clock of this machine is wrong: %s", cause)
    if not stops_sending:
        return why
    with ctx.engine.begin() as connection:
        found = {"newest": newest.isoformat()} if newest else {}
        set_sending_hold(connection, cause, why, ARREARS.reference, moments.database, found=found)
    return why


def assert_clock_right(ctx: Context, *, stops_sending: bool = True) -> None:
    """Refuse to do anything by a clock that differs from that of the database. Where people type,
    it is refused only: one wrong clock there does not stop sending for everybody.

    Raises:
        WrongClockError: it does.
    """
    if why := what_is_wrong_with_clock(ctx, records=False, stops_sending=stops_sending):
        raise WrongClockError("The clock of this machine is wrong. Set it.", why)


def _compare(
    clock: datetime, moments: _Moments, *, records: bool
) -> tuple[StoppedBecause | None, Reasons, datetime | None]:
    ahead = clock - moments.database
    values = {"host": socket.gethostname(), "clock": _shown(clock)}
    if abs(ahead) > MOST_AHEAD:
        cause = StoppedBecause.CLOCK_AHEAD if ahead > timedelta() else StoppedBecause.CLOCK_BEHIND
        shown = _shown(moments.database)
        return cause, because(ReasonCode.CLOCK_AHEAD, **values, database=shown), None
    newest = moments.newest if records else None
    known = moments.accepted is not None and newest is not None and newest <= moments.accepted
    if newest is not None and not known and newest > clock + MOST_BEHIND:
        why = because(ReasonCode.CLOCK_BEHIND, **values, newest=_shown(newest))
        return StoppedBecause.CLOCK_BEHIND, why, newest
    return None, (), None


def _shown(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S %z}"
