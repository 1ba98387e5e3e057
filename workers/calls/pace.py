"""How many telephone numbers somebody is given: no more than anybody dials.

A secret that was stolen, or a person who collects numbers, asks for many within a minute. What is
over the rate is refused, and an alarm is on record.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from domain.actors import Actor, ActorKind
from domain.compliance.vocabulary import Channel
from domain.errors import ArrearsError, OutcomeMissingError, TooOftenError
from workers.attempts.attempts import has_outcome
from workers.context import Context
from workers.db.schema import borrower, contact, number_alarm, shift, staff
from workers.db.served_work import ON_THE_PHONE
from workers.db.typed_rows import columns_of, typed_rows

log = logging.getLogger(__name__)

WITHIN = timedelta(minutes=1)
LOOKED_BACK = timedelta(days=1)
"""A call whose outcome is missing for longer keeps nobody from the next one. Its loan cannot be
called about, as before."""
SHOWN_FOR = timedelta(days=7)


class RecentCalls(NamedTuple):
    """What a collector, and a machine, were given lately."""

    numbers: int
    """Of the collector, within the last minute."""
    of_machine: int
    open_attempt: str | None
    """The oldest call whose outcome was not reported yet …"""
    open_loan: str | None
    """… and a loan that it is about."""


class NumberAlarm(NamedTuple):
    """Somebody asked for more numbers than anybody dials."""

    at: datetime
    actor: str
    actor_kind: ActorKind
    numbers: int
    """That they had been given within that minute."""


class TooManyNumbersError(TooOftenError):
    """More numbers were asked for than anybody dials."""

    def __init__(self, actor: Actor, numbers: int) -> None:
        super().__init__(
            "{actor} was given {numbers} telephone numbers within a minute, and is given no more "
            "for now. That it was asked for is on record. Report the outcome of each call before "
            "the next; try again in a minute.",
            int(WITHIN.total_seconds()),
            actor=actor,
            numbers=numbers,
        )
        self.actor = actor
        self.numbers = numbers


# Whoever starts calls for one collector waits here for each other, before any row is locked.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:actor, 4917))")
_RECENT = text("""
SELECT count(*) FILTER (WHERE c.at > :since) AS numbers,
       (SELECT count(*) FROM access a WHERE a.machine = :machine AND a.at > :since) AS of_machine,
       (array_agg(c.attempt ORDER BY c.id) FILTER (WHERE missing))[1] AS open_attempt,
       (array_agg(l.external_id ORDER BY c.id) FILTER (WHERE missing))[1] AS open_loan
  FROM contact c JOIN loan l ON l.id = c.loan_id
       CROSS JOIN LATERAL (SELECT
           NOT EXISTS (SELECT FROM contact_outcome o WHERE o.contact_id = c.id)
           AND NOT EXISTS (SELECT FROM inbox_event e
                            WHERE e.status = 'received' AND e.kind = 'contact_outcome'
                              AND e.payload ->> 'attempt' = c.attempt) AS missing) outcome
 WHERE c.actor = :actor AND c.at > :looked_back AND c.attempt IS NOT NULL
   AND c.channel = 'call' AND c.inbound IS NOT TRUE AND c.attempt IS DISTINCT FROM :attempt
""")
_NOTE = text("""
INSERT INTO number_alarm (at, actor, actor_kind, numbers)
SELECT :at, :actor, :kind, :numbers
 WHERE NOT EXISTS (SELECT FROM number_alarm
                    WHERE actor = :actor AND actor_kind = :kind AND at > :since)
""")


def lock_recent_calls(
    connection: Connection,
    actor: Actor,
    now: datetime,
    attempt: str | None = None,
    machine: Actor | None = None,
) -> RecentCalls:
    """What a collector and a machine were given lately, `attempt` excepted. No other call of the
    collector starts until the transaction ends. Call it before any row is locked."""
    connection.execute(_ONE_AT_A_TIME, {"actor": actor.reference})
    asked = {
        "actor": actor.reference,
        "machine": machine.reference if machine else None,
        "attempt": attempt,
        "since": now - WITHIN,
        "looked_back": now - LOOKED_BACK,
    }
    return typed_rows(RecentCalls, connection.execute(_RECENT, asked))[0]


def refuse_too_many(
    ctx: Context, actor: Actor, recent: RecentCalls, machine: Actor | None = None
) -> None:
    """Refuse one more number to a caller who got more within a minute than anybody can dial.

    Raises:
        TooManyNumbersError: so it is. `with_alarm` puts it on record.
    """
    if recent.numbers >= ctx.settings.collector_numbers_a_minute:
        raise TooManyNumbersError(actor, recent.numbers)
    if machine is not None and recent.of_machine >= ctx.settings.machine_numbers_a_minute:
        raise TooManyNumbersError(machine, recent.of_machine)


def refuse_second_call(actor: Actor, recent: RecentCalls) -> None:
    """Refuse a call while another one of the collector has no outcome: nobody has two people on the
    line. One that was started longer than `LOOKED_BACK` ago is over, whatever came of it.

    Raises:
        OutcomeMissingError: one has none.
    """
    if recent.open_attempt is not None:
        raise OutcomeMissingError(
            "{actor} has started the call {attempt} about loan {loan}, and its outcome is not "
            "recorded. Report the outcome first; a supervisor may report it for them.",
            actor=actor,
            attempt=recent.open_attempt,
            loan=recent.open_loan,
        )


def refuse_off_shift(connection: Connection, actor: Actor, now: datetime) -> None:
    """Refuse a call of a collector who does not work now.

    Raises:
        ArrearsError: no shift of theirs is now.
    """
    on_shift = (
        select(shift.c.staff_id)
        .join(staff, staff.c.id == shift.c.staff_id)
        .where(staff.c.external_id == actor.reference)
        .where(shift.c.starts_at <= now, shift.c.ends_at > now)
        .limit(1)
    )
    if connection.execute(on_shift).first() is None:
        raise ArrearsError("{actor} is not on shift now.", actor=actor)


def who_is_calling(connection: Connection, person_id: int, but: str, now: datetime) -> str | None:
    """Who called a person and has not reported the outcome yet, `but` excepted; None: nobody.

    Both are staff references.
    """
    by: str | None = connection.execute(
        select(contact.c.actor)
        .join(borrower, borrower.c.id == contact.c.borrower_id)
        .where(
            borrower.c.person_id == person_id,
            contact.c.channel == Channel.CALL,
            contact.c.attempt.is_not(None),
            contact.c.inbound.is_not(True),
            contact.c.actor != but,
            contact.c.at > now - ON_THE_PHONE,
            ~has_outcome(),
        )
        .limit(1)
    ).scalar()
    return by


@contextmanager
def with_alarm(ctx: Context) -> Iterator[None]:
    """Record an alarm, once a minute for each, if more numbers are asked for than anybody dials.

    Around the transaction, which that ends.
    """
    try:
        yield
    except TooManyNumbersError as refused:
        now = ctx.now()
        row = {
            "at": now,
            "actor": refused.actor.reference,
            "kind": refused.actor.kind,
            "numbers": refused.numbers,
            "since": now - WITHIN,
        }
        with ctx.engine.begin() as connection:
            is_new = connection.execute(_NOTE, row).rowcount
        if is_new:
            log.critical(
                "%s asks for more telephone numbers than anybody dials: %s within a minute",
                refused.actor,
                refused.numbers,
            )
        raise


def recent_alarms(connection: Connection, now: datetime) -> list[NumberAlarm]:
    """The alarms of the last week, the newest first."""
    recent = (
        select(*columns_of(NumberAlarm, number_alarm))
        .where(number_alarm.c.at > now - SHOWN_FOR)
        .order_by(number_alarm.c.id.desc())
    )
    return typed_rows(NumberAlarm, connection.execute(recent))
