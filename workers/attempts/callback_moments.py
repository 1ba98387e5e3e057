"""The moment for which a callback is asked: to come, near enough, at a lawful hour, and while who
makes it is on no visit."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from domain.compliance.call_windows import next_call_at, next_free_call_at
from domain.compliance.rules import packs_for
from domain.contact_outcomes import CALLBACK_TAKES, CALLBACK_WITHIN, ContactOutcome
from domain.events import RejectedError, person_of
from domain.reasons import ReasonCode
from workers.attempts.conversations import LoanOfContact
from workers.context import Context
from workers.db.visit_hours import visits_after


def check_callback(outcome: ContactOutcome, at: datetime | None, now: datetime) -> None:
    """Check that a callback has a moment, in the future and not too far ahead, and that no other
    outcome has a moment. `now` is in the lender's zone.

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
    connection: Connection,
    ctx: Context,
    owed: LoanOfContact,
    zones: Sequence[str],
    at: datetime | None,
    by: str,
    contact_id: int | None = None,
) -> None:
    """Check that a callback may be made at its moment, by the hours of the law for the loan's
    product in each zone of the person, and that `by`, who had the contact, is on no visit then:
    what nobody may do, or who makes it cannot, is promised to nobody. The visit that is reported as
    `contact_id` is over.

    Raises:
        RejectedError: so it is; the next moment at which both are in order is named.
    """
    if at is None:
        return
    packs, zone = packs_for(ctx.policy.rule_packs, owed.jurisdiction), ctx.settings.lender_zone
    visits = visits_after(connection, person_of(by), at, but=contact_id)
    free = next_free_call_at(packs, zones, at, visits, CALLBACK_TAKES, owed.product)
    asked_for = at.astimezone(zone)
    if free is None:
        raise RejectedError(ReasonCode.CALLBACK_NEVER_LAWFUL, callback_at=asked_for)
    if free == at:
        return
    until = free.astimezone(zone)
    if next_call_at(packs, zones, at, owed.product) == at:
        raise RejectedError(
            ReasonCode.CALLBACK_AT_VISIT, callback_at=asked_for, staff=by, until=until
        )
    raise RejectedError(ReasonCode.CALLBACK_OUT_OF_HOURS, callback_at=asked_for, until=until)
