"""Whether a channel is used far more often than was planned: then something else sends."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.actions import ACTION_TYPES, INITIAL, PLANNED_AGAIN, WAITING, ActionStatus
from domain.actors import ARREARS
from domain.messages import UNSENT
from domain.reasons import ReasonCode, because
from domain.sending import Scope, SendingScope, StoppedBecause
from workers.context import Context
from workers.db.sending_holds import set_sending_hold

# Where the day began: what waited then may be done today too. Those on the way belong to it.
_BEGIN = text("""
INSERT INTO sending_day (business_date, started_at, action_id, action_event_id, contact_id, waiting)
SELECT :today, :now, (SELECT coalesce(max(id), 0) FROM action),
       (SELECT coalesce(max(id), 0) FROM action_event),
       (SELECT coalesce(max(id), 0) FROM contact),
       (SELECT coalesce(jsonb_object_agg(type, actions), '{}')
          FROM (SELECT type, count(*) AS actions FROM action
                 WHERE status = ANY(:waiting) GROUP BY type) AS waits)
ON CONFLICT DO NOTHING
""")

_HAS_BEGUN = text("SELECT 1 FROM sending_day WHERE business_date = :today")

# One contact about several loans is one. A text that certainly was not sent is none.
_SENT = text("""
SELECT c.channel, count(*) AS contacts
  FROM sending_day d JOIN contact c ON c.id > d.contact_id
 WHERE d.business_date = :today AND c.inbound IS NOT TRUE AND c.action_id IS NOT NULL
   AND c.part_of IS NULL
   AND NOT EXISTS (SELECT FROM message m WHERE m.contact_id = c.id AND m.status = ANY(:unsent))
   AND c.id > coalesce((SELECT max(CAST(h.found ->> 'contact' AS bigint)) FROM sending_hold h
                         WHERE h.cause = 'too_much_sent' AND h.subject = c.channel
                           AND h.resumed_at IS NOT NULL), 0)
 GROUP BY c.channel
""")

_PLANNED = text("""
SELECT a.type, count(*) AS actions
  FROM sending_day d
 CROSS JOIN LATERAL (SELECT n.type FROM action n WHERE n.id > d.action_id
                      UNION ALL
                     SELECT r.type FROM action_event e JOIN action r ON r.id = e.action_id
                      WHERE e.id > d.action_event_id AND e.from_status = ANY(:over)
                        AND e.to_status = ANY(:again)) AS a
 WHERE d.business_date = :today GROUP BY a.type
""")

_WAITED = text("SELECT waiting FROM sending_day WHERE business_date = :today")
_NEWEST = text("SELECT max(id) FROM contact")

_ON_THE_WAY = WAITING | {ActionStatus.CLAIMED, ActionStatus.ASSIGNED}


class TooMuch(NamedTuple):
    """A channel that is used too often."""

    channel: str
    sent: int
    planned: int
    """By today's reviews, or before and still waiting when the day began."""


def check_volume(ctx: Context) -> list[TooMuch]:
    """Stop a channel that is used far more often today than was planned. Returns those stopped."""
    now = ctx.now()
    with ctx.engine.begin() as connection:
        found = list(_find(connection, ctx, now))
        for channel in found:
            why = because(
                ReasonCode.TOO_MUCH_SENT,
                day=now.date(),
                channel=channel.channel,
                sent=channel.sent,
                planned=channel.planned,
                multiple=f"{ctx.settings.sending_multiple:g}",
            )
            set_sending_hold(
                connection,
                StoppedBecause.TOO_MUCH_SENT,
                why,
                ARREARS.reference,
                now,
                scope=Scope(SendingScope.CHANNEL, channel.channel),
                found={"contact": connection.execute(_NEWEST).scalar_one()},
            )
    return found


def _find(connection: Connection, ctx: Context, now: datetime) -> Iterator[TooMuch]:
    today = {"today": now.date()}
    if connection.execute(_HAS_BEGUN, today).first() is None:
        waiting = sorted(map(str, _ON_THE_WAY))
        connection.execute(_BEGIN, {**today, "now": now, "waiting": waiting})
        return
    sent = connection.execute(_SENT, {**today, "unsent": sorted(map(str, UNSENT))})
    many = {row.channel: row.contacts for row in sent if row.contacts > ctx.settings.sending_floor}
    if not many:
        return
    of_types: Mapping[str, int] = connection.execute(_WAITED, today).scalar_one()
    over, again = sorted(map(str, PLANNED_AGAIN)), sorted(map(str, INITIAL))
    planned = connection.execute(_PLANNED, {**today, "over": over, "again": again})
    of_day = {row.type: row.actions for row in planned}
    for channel, contacts in sorted(many.items()):
        types = [name for name, each in ACTION_TYPES.items() if each.channel == channel]
        expected = sum(of_types.get(name, 0) + of_day.get(name, 0) for name in types)
        if contacts > ctx.settings.sending_multiple * expected:
            yield TooMuch(channel, contacts, expected)
