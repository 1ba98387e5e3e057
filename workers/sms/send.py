"""Send a text: the one effect that cannot be undone.

Reserve and commit, call the provider without holding a connection, then record its response.
If the response is lost, the text is `unknown` and is never sent again blindly:
`workers.sms.reconcile` finds out. Another provider is tried only if the first one refused the text
for a reason of its own.

Texts that are due on one day for several loans of one person are sent as one text. Each action has
a row of its own for it, so that no try of an action has two texts that may both have been sent.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import uuid4

from sqlalchemy import Connection, select

from domain.actions import SEND_SMS, ActionStatus, Move
from domain.actors import Actor, ActorKind
from domain.compliance.verdict import OPTED_OUT
from domain.contact_points import NumberFact
from domain.ladder import find_ladder
from domain.messages import UNSENT, MessageStatus
from domain.reasons import ReasonCode, because
from domain.sms_segments import segments
from workers.context import Context
from workers.db.bulk import insert_rows
from workers.db.closed_numbers import close_number
from workers.db.messages import advance_message, note_sent_after_all, providers_that_refused
from workers.db.numbers import LockedNumber
from workers.db.places import place_of_text
from workers.db.schema import message
from workers.gate.claim import ClaimedAction, claim_together, complete_together
from workers.gate.locked_action import LockedAction
from workers.gate.reserve import reserve_contacts
from workers.messaging.backoff import MOST_FAILURES, back_off
from workers.sending.counter import Counted, DatabaseOlderError, counted
from workers.sms.providers.port import OutgoingText, SendOutcome, SendResult
from workers.sms.providers.routing import Sender
from workers.sms.rate_limit import wait_for_send_slot
from workers.sms.template_values import text_values, values_for_several, values_of_cause

ALL_REFUSED = because(ReasonCode.EVERY_PROVIDER_REFUSED)


def send_sms(ctx: Context, action_id: int) -> str:
    """Send the text of one action, once. Returns the result in a word."""
    if not wait_for_send_slot(ctx, action_id):
        return "not its turn"
    try:
        with counted(ctx) as count, ctx.engine.begin() as connection:
            sending = _claim(connection, ctx, action_id, count)
    except DatabaseOlderError:
        return "sending is stopped"
    if isinstance(sending, str):
        return sending
    result = sending.sender.gateway.send(sending.text)
    with ctx.engine.begin() as connection:
        _record(connection, ctx, sending, result)
    return result.outcome


def _claim(
    connection: Connection, ctx: Context, action_id: int, count: Counted
) -> "_Sending | str":
    """Claim the action and reserve its text; or why there is nothing to send, in a word."""
    claimed = claim_together(connection, ctx, action_id, SEND_SMS, lambda row: _may_share(ctx, row))
    if not claimed:
        return "nothing to do"
    sending = _prepare(connection, ctx, claimed, count)
    if sending is None:
        dead = Move(ActionStatus.DEAD, ALL_REFUSED)
        complete_together(connection, claimed, dead, claimed[0].now)
        return "nobody to ask"
    return sending


@dataclass(frozen=True, slots=True)
class _Sending:
    """A reserved text, and its sender."""

    claimed: Sequence[ClaimedAction]
    """The actions of all loans that it is about."""
    text: OutgoingText
    sender: Sender
    refused_by: frozenset[str]
    """The providers that refused the actions' text before."""


def _may_share(ctx: Context, row: LockedAction) -> bool:
    """Whether the text has wordings for several loans, which go wherever that for one goes. What
    follows from something that happened is about one loan."""
    if not row.numbers or row.cause is not None:
        return False
    ladder = find_ladder(ctx.policy.ladders, row.ladder_id, row.ladder_version)
    name = str(ladder.item(row.item).template)
    wordings = ctx.templates.for_several(name)
    # Whichever of the numbers is used.
    numbers = [ctx.cipher.decrypt(*number.placed) for number in row.numbers]
    senders = [sender for number in numbers for sender in ctx.sms.route_of(number)]
    return bool(wordings) and all(
        sender.sends(wording, row.locale)
        for sender in senders
        if sender.sends(name, row.locale)
        for wording in wordings
    )


def _prepare(
    connection: Connection, ctx: Context, claimed: Sequence[ClaimedAction], count: Counted
) -> _Sending | None:
    """Choose a provider and reserve the text; None if all providers have refused it."""
    to = ctx.cipher.decrypt(*_number(claimed).placed)
    refused_by: frozenset[str] = frozenset()
    if failed := [action.action_id for action in claimed if action.failures]:
        refused_by = providers_that_refused(connection, failed)
    sender = ctx.sms.for_number(to, refused_by)
    if sender is None:
        return None
    text = _reserve(connection, ctx, claimed, sender, to, count)
    return _Sending(claimed, text, sender, refused_by)


def _number(claimed: Sequence[ClaimedAction]) -> LockedNumber:
    """The number that all of these actions use; without one the gate would not have allowed it."""
    return cast(LockedNumber, claimed[0].number)


def _reserve(
    connection: Connection,
    ctx: Context,
    claimed: Sequence[ClaimedAction],
    sender: Sender,
    to: str,
    count: Counted,
) -> OutgoingText:
    first = claimed[0]
    locale = first.loan.locale
    name = ctx.templates.wording(str(first.item.template), len(claimed))
    values = values_for_several(ctx, claimed) if len(claimed) > 1 else text_values(ctx, first)
    if first.loan.cause is not None:
        values |= values_of_cause(connection, first)
    body = ctx.templates.render(name, locale, values)
    reference = uuid4()
    contacts, newest_before = reserve_contacts(connection, claimed, first.now)
    count.note(contacts.values(), newest_before)
    reserved = {
        "provider": sender.provider,
        "sender": sender.sender,
        "status": MessageStatus.RESERVED,
        "template": name,
        "template_version": ctx.templates.version(name, locale),
        "locale": locale,
        "segments": segments(body).count,
        "created_at": first.now,
        "changed_at": first.now,
    }
    ids = [reference, *(uuid4() for _ in claimed[1:])]
    rows = [
        {
            "id": id,
            "body_encrypted": ctx.cipher.encrypt(body, place_of_text(id)),
            "action_id": action.action_id,
            "contact_id": contacts[action.action_id],
            "try_number": action.loan.try_number,
            **reserved,
        }
        for id, action in zip(ids, claimed, strict=True)
    ]
    insert_rows(connection, message, rows)
    return OutgoingText(
        reference=reference,
        to=to,
        body=body,
        sender=sender.sender,
        template=name,
        locale=locale,
        values=values,
    )


def _record(connection: Connection, ctx: Context, sending: _Sending, result: SendResult) -> None:
    """Record the response: of the text always, of its actions while our claim lasts.

    If the claim has expired, `workers.sms.reconcile` moves the actions later.
    """
    now = ctx.now()
    claimed, reference = sending.claimed, sending.text.reference
    status = MessageStatus(result.outcome)  # each outcome is the name of a status
    advanced = advance_message(connection, reference, status, now, sid=result.sid, code=result.code)
    if not advanced and result.outcome is SendOutcome.ACCEPTED:
        _note_late_acceptance(connection, sending, now)
    if result.number_fact is not None:
        # The number is locked before the actions, as by a claim.
        number = _number(claimed).blind_index
        provider = Actor(sending.sender.provider, ActorKind.PROVIDER)
        close_number(connection, number, result.number_fact, provider, now)
    moves = defaultdict[Move, list[ClaimedAction]](list)
    for action in claimed:
        moves[_move(ctx, sending, action, result, now)].append(action)
    for move, actions in moves.items():
        complete_together(connection, actions, move, now)


def _note_late_acceptance(connection: Connection, sending: _Sending, now: datetime) -> None:
    """The text was marked as not sent before this response came, by a receipt or by a person."""
    reference = sending.text.reference
    known = connection.execute(select(message.c.status).where(message.c.id == reference))
    if known.scalar_one() in UNSENT:
        note_sent_after_all(connection, reference, now)


def _move(
    ctx: Context, sending: _Sending, claimed: ClaimedAction, result: SendResult, now: datetime
) -> Move:
    match result.outcome:
        case SendOutcome.ACCEPTED:
            return Move(
                ActionStatus.DONE, because(ReasonCode.PROVIDER_HAS_IT), claimed.verdict.rules
            )
        case SendOutcome.UNKNOWN:
            return Move(ActionStatus.UNKNOWN, result.reason)
        case SendOutcome.REFUSED if result.number_fact is NumberFact.OPTED_OUT:
            return Move(ActionStatus.BARRED, result.reason, (OPTED_OUT,))
        case SendOutcome.REFUSED if _another_provider_may_accept(ctx, sending, result):
            reason = result.reason + because(ReasonCode.ANOTHER_PROVIDER)
            return Move(ActionStatus.FAILED, reason, due_at=now)
        case SendOutcome.REFUSED:
            return Move(ActionStatus.DEAD, result.reason)
        case SendOutcome.NOT_SENT if claimed.failures + 1 >= MOST_FAILURES:
            return Move(ActionStatus.DEAD, result.reason)
        case SendOutcome.NOT_SENT:
            wait = back_off(claimed.failures, at_least=result.retry_after)
            return Move(ActionStatus.FAILED, result.reason, due_at=claimed.now + wait)


def _another_provider_may_accept(ctx: Context, sending: _Sending, result: SendResult) -> bool:
    """Only if the reason is the provider: another one would refuse the number too."""
    if result.number_fact is not None or not result.other_provider_may_accept:
        return False
    refused_by = sending.refused_by | {sending.sender.provider}
    return ctx.sms.for_number(sending.text.to, refused_by) is not None
