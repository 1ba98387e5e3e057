"""The moment for which a callback is asked: to come, near enough, and at a lawful hour."""

from collections.abc import Sequence
from datetime import datetime

from domain.compliance.call_windows import next_call_at
from domain.compliance.rules import packs_for
from domain.contact_outcomes import CALLBACK_WITHIN, ContactOutcome
from domain.events import RejectedError
from domain.reasons import ReasonCode
from workers.context import Context


def check_callback(outcome: ContactOutcome, at: datetime | None, now: datetime) -> None:
    """Check that a callback has a moment that is to come and not too far ahead, and that nothing
    else has one. `now` is in the lender's zone.

    Raises:
        RejectedError: it is missing, over or too far away, or belongs to another outcome.
    """
    if at is None:
        if outcome is ContactOutcome.CALLBACK_REQUESTED:
            raise RejectedError(ReasonCode.CALLBACK_NEEDS_MOMENT)
        return
    if outcome is not ContactOutcome.CALLBACK_REQUESTED:
        raise RejectedError(ReasonCode.CALLBACK_NOT_ASKED_FOR)
    if at.tzinfo is None:
        raise RejectedError(ReasonCode.CALLBACK_NEEDS_MOMENT)
    if at <= now:
        raise RejectedError(ReasonCode.CALLBACK_IN_PAST, callback_at=at.astimezone(now.tzinfo))
    if at - now > CALLBACK_WITHIN:
        raise RejectedError(ReasonCode.CALLBACK_TOO_FAR, days=CALLBACK_WITHIN.days)


def check_callback_hours(
    ctx: Context, jurisdiction: str, zones: Sequence[str], at: datetime | None
) -> None:
    """Check that a callback may be made at its moment, by the hours of the law in each zone of the
    person: what nobody may do is promised to nobody.

    Raises:
        RejectedError: it may not; the next lawful moment is named.
    """
    if at is None:
        return
    packs, zone = packs_for(ctx.policy.rule_packs, jurisdiction), ctx.settings.lender_zone
    lawful = next_call_at(packs, zones, at)
    if lawful is None:
        raise RejectedError(ReasonCode.CALLBACK_NEVER_LAWFUL, callback_at=at.astimezone(zone))
    if lawful > at:
        raise RejectedError(
            ReasonCode.CALLBACK_OUT_OF_HOURS,
            callback_at=at.astimezone(zone),
            until=lawful.astimezone(zone),
        )
