"""Sending a text: the one effect that cannot be taken back.

Reserve and commit, call the provider without holding a connection, then record what it answered —
only if the claim still is ours. An answer that was lost is `unknown` and is never sent again.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert, update

from config.templates import format_date, format_money
from domain.gate import OPTED_OUT
from domain.ladder import Work
from domain.rules import Channel
from domain.statuses import ActionStatus, MessageStatus, earlier_than
from domain.texting import segments
from workers.contacting import Claimed, claim, reserve_contact, settle
from workers.gateways.sms import OutgoingText, SendOutcome, SendResult
from workers.house import House
from workers.retrying import MOST_FAILURES, back_off
from workers.store.actions import Move
from workers.store.book import opt_out
from workers.store.problems import note_problem
from workers.store.schema import message

PROVIDER = "twilio"


def send_sms(house: House, action_id: int) -> str:
    """Send the text of one action, once. Returns what came of it, in a word."""
    with house.engine.begin() as connection:
        claimed = claim(connection, house, action_id, Work.SEND_SMS)
        if claimed is None:
            return "nothing to do"
        text = _reserve(connection, house, claimed)
    result = house.sms.send(text)
    with house.engine.begin() as connection:
        _record(connection, house, claimed, text.reference, result)
    return result.outcome


def text_values(house: House, claimed: Claimed) -> dict[str, str]:
    """What a text may say about a loan: nothing that tells a stranger who owes."""
    locale = claimed.loan.locale
    due_on: date = claimed.loan.anchor_on
    return {
        "lender": house.settings.lender,
        "amount": format_money(claimed.arrears.amount, claimed.loan.currency, locale),
        "due_on": format_date(due_on, locale),
        "days_past_due": str(claimed.arrears.days_past_due),
        "phone": house.settings.lender_phone,
        "reference": claimed.loan.external_id,
    }


def _reserve(connection: Connection, house: House, claimed: Claimed) -> OutgoingText:
    name, locale = str(claimed.item.template), claimed.loan.locale
    values = text_values(house, claimed)
    body = house.templates.render(name, locale, values)
    reference = uuid4()
    connection.execute(
        insert(message).values(
            id=reference,
            action_id=claimed.action_id,
            contact_id=reserve_contact(connection, claimed, claimed.now),
            provider=PROVIDER,
            sender=house.settings.twilio_from,
            status=MessageStatus.RESERVED,
            template=name,
            template_version=house.templates.version(name, locale),
            locale=locale,
            segments=segments(body).count,
            body_sealed=house.vault.seal(body),
            created_at=claimed.now,
            changed_at=claimed.now,
        )
    )
    to = house.vault.open(claimed.loan.phone_sealed)
    return OutgoingText(
        reference=reference,
        to=to,
        body=body,
        sender=house.settings.twilio_from,
        template=name,
        locale=locale,
        values=values,
    )


def _record(
    connection: Connection, house: House, claimed: Claimed, reference: UUID, result: SendResult
) -> None:
    now = house.now()
    status = {
        SendOutcome.ACCEPTED: MessageStatus.ACCEPTED,
        SendOutcome.NOT_SENT: MessageStatus.NOT_SENT,
        SendOutcome.REFUSED: MessageStatus.REFUSED,
        SendOutcome.UNKNOWN: MessageStatus.UNKNOWN,
    }[result.outcome]
    # A receipt may have overtaken the answer: then the message has moved on already.
    connection.execute(
        update(message)
        .where(message.c.id == reference, message.c.status.in_(earlier_than(status)))
        .values(
            status=status,
            sid=result.sid,
            code=str(result.code) if result.code else None,
            changed_at=now,
        )
    )
    settle(connection, claimed, _move(claimed, result), now)
    if result.opted_out:
        opt_out(connection, claimed.loan.borrower_id, Channel.SMS, PROVIDER, now)
    if result.number_invalid:
        note_problem(connection, claimed.loan.loan_id, "phone_invalid", result.reason, now)


def _move(claimed: Claimed, result: SendResult) -> Move:
    match result.outcome:
        case SendOutcome.ACCEPTED:
            return Move(ActionStatus.DONE, "the provider has it", claimed.verdict.rules)
        case SendOutcome.UNKNOWN:
            return Move(ActionStatus.UNKNOWN, result.reason)
        case SendOutcome.REFUSED if result.opted_out:
            return Move(ActionStatus.BARRED, result.reason, (OPTED_OUT,))
        case SendOutcome.REFUSED:
            return Move(ActionStatus.DEAD, result.reason)
        case SendOutcome.NOT_SENT if claimed.failures + 1 >= MOST_FAILURES:
            return Move(ActionStatus.DEAD, result.reason)
        case SendOutcome.NOT_SENT:
            wait = back_off(claimed.failures, at_least=result.retry_after)
            return Move(ActionStatus.FAILED, result.reason, due_at=claimed.now + wait)
