"""Cancels calls and visits when the arrears are paid, or when the person is on hold or no party of
the loan any more; and takes calls off the list when their step is over. A call that is being made
is left to its outcome."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Exists, exists, text, update

from domain.actions import ActionStatus, Move
from domain.compliance.vocabulary import Channel
from domain.holds import Hold
from domain.reasons import ReasonCode, because
from workers.db.actions import is_current, move_actions
from workers.db.prepared_statements import prepared
from workers.db.schema import action, call, contact, contact_outcome


@dataclass(frozen=True, slots=True)
class Assigned:
    """An action that a person has, and what is true of whomever it is for."""

    action_id: int
    holds: tuple[Hold, ...]
    """All that stop contact with that person."""
    has_left: bool
    """Whether that person is party to the loan no longer."""


_CANCEL = prepared(
    text(f"""
WITH hold AS (
    SELECT * FROM unnest(CAST(:held AS bigint[]), CAST(:starts AS date[]), CAST(:ends AS date[]))
                  AS h (action_id, starts_on, ends_on)
), assigned AS (
    SELECT a.id, CASE WHEN {is_current("a", "l")} IS NOT TRUE THEN 'superseded'
                      WHEN a.id = ANY(:of_who_left) THEN 'party_left'
                      WHEN EXISTS (
                          SELECT FROM borrower b
                            JOIN borrower x ON x.person_id = b.person_id
                            JOIN person_fact f ON f.borrower_id = x.id
                           WHERE b.id = coalesce(q.borrower_id, l.borrower_id)
                             AND f.kind = 'ceased' AND f.ended_at IS NULL
                             AND coalesce(f.loan_id = l.id, true)) THEN 'contact_ceased'
                      ELSE 'paused' END AS why
      FROM action a JOIN loan l ON l.id = a.loan_id
           LEFT JOIN loan_party q ON q.id = a.party_id
     WHERE a.id = ANY(:action_ids) AND a.status = 'assigned'
), calls AS (
    UPDATE call c SET cancelled_at = :now
      FROM assigned a
     WHERE c.action_id = a.id AND c.cancelled_at IS NULL
       AND NOT EXISTS (
           SELECT FROM contact x
            WHERE x.action_id = a.id AND x.channel = 'call'
              AND NOT EXISTS (SELECT FROM contact_outcome o WHERE o.contact_id = x.id))
       AND (a.why <> 'paused' OR EXISTS (
           SELECT FROM hold h
            WHERE h.action_id = a.id AND h.starts_on <= :today
              AND coalesce(h.ends_on > :today, true)))
    RETURNING c.action_id, a.why
), visits AS (
    UPDATE visit v SET cancelled_at = :now
      FROM assigned a
     WHERE v.action_id = a.id AND v.cancelled_at IS NULL AND v.starts_at > :now
       AND (a.why <> 'paused' OR EXISTS (
           SELECT FROM hold h
            WHERE h.action_id = a.id
              AND h.starts_on <= CAST(v.ends_at AT TIME ZONE :zone AS date)
              AND coalesce(h.ends_on > CAST(v.starts_at AT TIME ZONE :zone AS date), true)))
    RETURNING v.id, v.action_id, a.why
), freed AS (
    UPDATE visit_staff SET cancelled_at = :now WHERE visit_id IN (SELECT id FROM visits)
)
SELECT action_id, why FROM calls UNION ALL SELECT action_id, why FROM visits
""")  # noqa: S608
)
REASONS = (
    ReasonCode.SUPERSEDED,
    ReasonCode.PARTY_LEFT,
    ReasonCode.CONTACT_CEASED,
    ReasonCode.PAUSED,
)
"""Why a call or a visit is cancelled, as `_CANCEL` says."""


def cancel_appointments(
    connection: Connection, assigned: Sequence[Assigned], now: datetime
) -> None:
    """Cancel the calls and the future visits that are not needed, or that a hold stops.

    That is: their arrears are gone, or whomever they are for is party to the loan no longer, asked
    for no contact at all, or is on hold. A hold in force today cancels calls; a hold that covers
    the day of a visit cancels the visit. A call that was begun and has no outcome is nobody's to
    cancel: its outcome is owed, and cancels it with the next look. The loans' positions must be up
    to date; `now` is in the lender's zone. The visitors are free for other visits. Cancelled work
    is planned again if its reason goes away. One statement, and one more for each reason with
    cancelled work.
    """
    if not assigned:
        return
    held = [(each.action_id, hold) for each in assigned for hold in each.holds]
    values = {
        "action_ids": [each.action_id for each in assigned],
        "of_who_left": [each.action_id for each in assigned if each.has_left],
        "held": [action_id for action_id, _ in held],
        "starts": [hold.starts_on for _, hold in held],
        "ends": [hold.ends_on for _, hold in held],
        "now": now,
        "today": now.date(),
        "zone": str(now.tzinfo),
    }
    cancelled = connection.execute(_CANCEL, values).all()
    for why in REASONS:
        if ids := [row.action_id for row in cancelled if row.why == why]:
            move_actions(connection, ids, Move(ActionStatus.CANCELLED, because(why)), now)


def is_begun() -> Exists:
    """Whether somebody has begun a call and not reported its outcome yet, for a query of `action`.

    Such a call is not taken from whoever makes it: what came of it is owed, and must find it.
    """
    return exists().where(
        contact.c.action_id == action.c.id,
        contact.c.channel == Channel.CALL,
        ~exists().where(contact_outcome.c.contact_id == contact.c.id),
    )


def cancel_calls(connection: Connection, action_ids: Sequence[int], now: datetime) -> None:
    """Take calls from whoever has them. The caller moves their actions."""
    open_calls = call.c.action_id.in_(action_ids) & call.c.cancelled_at.is_(None)
    connection.execute(update(call).where(open_calls).values(cancelled_at=now))


def move_calls(connection: Connection, moves: Mapping[int, Move], now: datetime) -> None:
    """Move assigned calls, each by the id of its action. What is not done is taken off its
    collector's list.

    The loans are locked. One statement for each different move, and one more if any call is taken
    off a list.
    """
    taken_off = [id for id, move in moves.items() if move.to is not ActionStatus.DONE]
    if taken_off:
        cancel_calls(connection, taken_off, now)
    ids = defaultdict[Move, list[int]](list)
    for action_id, move in moves.items():
        ids[move].append(action_id)
    for move, action_ids in ids.items():
        move_actions(connection, action_ids, move, now)
