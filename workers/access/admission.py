"""Which machine may call now: asked of each call over HTTP, and answered without a statement.

A process reads the table of machines at most every `READ_EVERY` seconds. What it has to write goes
out with that: when each machine was used last, and which calls were refused.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import NamedTuple

from sqlalchemy import Connection, insert, text

from domain.actors import Actor
from domain.errors import NotPermittedError, TooOftenError
from domain.permissions import Permission, assert_may
from workers.access.machines import Machine
from workers.context import Context
from workers.db.schema import permission_use
from workers.db.typed_rows import typed_rows

READ_EVERY = 3.0
"""Seconds. A machine that is revoked may call no longer after that, and may be promised five."""
NOTED_EVERY = timedelta(minutes=1)
"""Refused calls of one machine for one permission have a row for the first, and then one a minute
with their count: whoever calls without end fills no table."""


@dataclass(slots=True)
class _Allowance:
    """The calls that a machine has left: all of a minute at once, and then as they come back."""

    left: float
    at: float


class _Noted(NamedTuple):
    """Refused calls of one machine for one permission, which have one row together."""

    times: int
    at: datetime
    """Of the last of them."""


@dataclass(slots=True)
class _Refused:
    """Refused calls of one machine for one permission."""

    last_at: datetime
    noted_at: datetime | None = None
    """When a row was written last."""
    times: int = 0
    """How many were refused since then."""

    def is_due(self, now: datetime) -> bool:
        return self.times > 0 and (self.noted_at is None or now - self.noted_at >= NOTED_EVERY)


class Admission:
    """Who may call, for one process. Safe to use from several threads."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._read_at = float("-inf")
        self._machines: dict[str, Machine] = {}
        self._used: dict[str, datetime] = {}
        self._allowances: dict[str, _Allowance] = {}
        self._refused: dict[tuple[str, Permission], _Refused] = {}

    def is_stale(self) -> bool:
        """Whether `refresh` is needed before the next call is admitted."""
        return self._seconds() - self._read_at >= READ_EVERY

    def note_call(self, name: str, now: datetime) -> None:
        """Somebody signed a call with a secret of the machine."""
        with self._lock:
            self._used[name] = now

    def refresh(self, ctx: Context) -> None:
        """Read the machines anew, and write what is to be written. Does nothing if another call
        has just done it."""
        if self.is_stale():
            self._exchange(ctx)

    def has_refusals_to_note(self, now: datetime) -> bool:
        with self._lock:
            return any(refused.is_due(now) for refused in self._refused.values())

    def note_refusals(self, ctx: Context) -> None:
        """Write the refusals that are to be on record now, if there are any."""
        if self.has_refusals_to_note(ctx.now()):
            self._exchange(ctx)

    def close(self, ctx: Context) -> None:
        """Write what is left when the process ends."""
        with self._lock:
            for refused in self._refused.values():
                refused.noted_at = None
        if self._used or any(refused.times for refused in self._refused.values()):
            self._exchange(ctx)

    def admit(self, name: str, permission: Permission, now: datetime) -> Actor:
        """The machine, if it may do this now.

        Raises:
            NotPermittedError: it is not known, revoked, or over, or lacks the scope.
            TooOftenError: it calls too often.
        """
        with self._lock:
            known = self._machines.get(name)
            actor = known.actor_at(now) if known else None
            try:
                if known is None or actor is None:
                    raise NotPermittedError(
                        "The machine {machine} was not allowed, was revoked, or is over: it lacks "
                        "the scope {permission}. Ask an administrator to allow it.",
                        machine=name,
                        permission=permission,
                    )
                self._take(known)
                assert_may(actor, permission)
            except NotPermittedError:
                self._count_refusal(name, permission, now)
                raise
        return actor

    def note_refusal(self, name: str, permission: Permission, now: datetime) -> None:
        """A call that was admitted was refused where it was to be done. It is put on record with
        the next that is."""
        with self._lock:
            self._count_refusal(name, permission, now)

    def _count_refusal(self, name: str, permission: Permission, now: datetime) -> None:
        refused = self._refused.setdefault((name, permission), _Refused(now))
        refused.times += 1
        refused.last_at = now

    def _take(self, known: Machine) -> None:
        most, now = float(known.calls_a_minute), self._seconds()
        has = self._allowances.setdefault(known.name, _Allowance(most, now))
        has.left = min(most, has.left + (now - has.at) * most / 60)
        has.at = now
        if has.left < 1:
            seconds = math.ceil((1 - has.left) * 60 / most)
            raise TooOftenError(
                "The machine {name} may call {count} times a minute.",
                seconds,
                name=known.name,
                count=known.calls_a_minute,
            )
        has.left -= 1

    def _exchange(self, ctx: Context) -> None:
        began, now = self._seconds(), ctx.now()
        with self._lock:
            used, self._used = self._used, {}
            noted = {
                key: _Noted(refused.times, refused.last_at)
                for key, refused in self._refused.items()
                if refused.is_due(now)
            }
            for key in noted:
                self._refused[key].noted_at, self._refused[key].times = now, 0
        try:
            with ctx.engine.begin() as connection:
                machines = _read_and_note(connection, used)
                if noted:
                    _insert_refusals(connection, noted)
        except BaseException:
            with self._lock:
                self._used = used | self._used
                for key, (times, _) in noted.items():
                    self._refused[key].noted_at = None
                    self._refused[key].times += times
            raise
        with self._lock:
            self._machines = {each.name: each for each in machines}
            self._read_at = began


# A row that is locked is being written by another process, which notes the same use.
_READ_AND_NOTE = text("""
WITH used AS (
    SELECT m.id, u.at
      FROM machine m JOIN unnest(CAST(:names AS text[]), CAST(:moments AS timestamptz[]))
                          AS u (name, at) ON u.name = m.name
     WHERE m.last_used_at IS NULL OR m.last_used_at < u.at
       FOR NO KEY UPDATE OF m SKIP LOCKED
), noted AS (
    UPDATE machine m SET last_used_at = used.at FROM used WHERE m.id = used.id
)
SELECT name, scopes, calls_a_minute, expires_at, revoked_at, last_used_at FROM machine
 WHERE NOT EXISTS (SELECT FROM staff s WHERE lower(s.external_id) = lower(machine.name))
 ORDER BY name
""")


def _read_and_note(connection: Connection, used: Mapping[str, datetime]) -> list[Machine]:
    """All machines, except those that have the same name as somebody on the roster; writes when
    some were last used. One statement."""
    given = {"names": list(used), "moments": list(used.values())}
    return typed_rows(Machine, connection.execute(_READ_AND_NOTE, given))


def _insert_refusals(
    connection: Connection, noted: Mapping[tuple[str, Permission], _Noted]
) -> None:
    rows = [
        {
            "at": at,
            "actor": name,
            "permission": permission,
            "granted": False,
            "times": times,
        }
        for (name, permission), (times, at) in noted.items()
    ]
    connection.execute(insert(permission_use), rows)
