"""What came in and what went out since the backup, as the providers list it.

A text from a borrower goes the way on which the webhook stores it, under the same id, so that
nothing is applied twice. A text that went out and that the database does not know is kept by its
number (`workers/gate/sent_before.py`), and is on record as the contact that it was.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, exists, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.compliance.vocabulary import Channel, Party, Purpose
from domain.errors import text_of
from domain.messages import MessageStatus
from domain.recovery import RecoveryStep, StepStatus
from workers.borrowers.inbound_texts import text_id, text_payload
from workers.db.contact_points import records_with
from workers.db.engine import autocommit
from workers.db.schema import (
    borrower,
    contact,
    inbox_event,
    loan,
    message,
    recovered_text,
    recovery,
    reply,
)
from workers.inbox.apply import apply_event
from workers.inbox.store import store_unless_known
from workers.recovery.step import Result, Task
from workers.sms.providers.port import InboundText, ListedText, ListsTexts, LookupFailedError
from workers.sms.providers.routing import Sender
from workers.sms.reconcile import LOOKUP_BATCH_SIZE, ask_providers, mark_lost_claims

log = logging.getLogger(__name__)

KNOWN, DONE, NOT_KNOWN = "known", "done", "waits"


def texts_in(task: Task) -> Iterator[Result]:
    """Take in what borrowers wrote; one result a provider."""
    for sender in task.ctx.sms.senders.values():
        yield _each_text(task, sender, RecoveryStep.TEXTS_IN, inbound=True)


def texts_out(task: Task) -> Iterator[Result]:
    """Put on record what was sent; one result a provider."""
    if not task.dry_run:
        _reconcile(task)
    for sender in task.ctx.sms.senders.values():
        yield _each_text(task, sender, RecoveryStep.TEXTS_OUT, inbound=False)


def _reconcile(task: Task) -> None:
    """Find the texts first that were on their way when the backup was made."""
    mark_lost_claims(task.ctx)
    unknown = select(func.count()).where(message.c.status == MessageStatus.UNKNOWN)
    with task.ctx.engine.connect() as connection:
        count = connection.execute(unknown).scalar_one()
    for _ in range(-(-count // LOOKUP_BATCH_SIZE)):
        ask_providers(task.ctx)


def _each_text(task: Task, sender: Sender, step: RecoveryStep, *, inbound: bool) -> Result:
    came = Counter[str]()
    provider = sender.provider
    if not isinstance(sender.gateway, ListsTexts):
        return Result(
            step,
            StepStatus.OPEN,
            {},
            provider,
            text_of(
                "{provider} does not list its texts. Look through its console for those since the "
                "backup, and go on without this step if nobody would get a second text.",
                provider=provider,
            ),
        )
    try:
        for text in sender.gateway.texts_since(task.since):
            if text.is_inbound is inbound and _is_ours(sender, text):
                came[_take_in(task, sender, text) if inbound else _note(task, sender, text)] += 1
    except LookupFailedError:
        broken = text_of(
            "{provider} did not list its texts to the end. What was found is on record. Run this "
            "again.",
            provider=provider,
        )
        found = {name: came[name] for name in (KNOWN, DONE, NOT_KNOWN)}
        return Result(step, StepStatus.OPEN, found, provider, broken)
    found = {name: came[name] for name in (KNOWN, DONE, NOT_KNOWN)}
    return Result(step, StepStatus.DONE, found, provider)


def _is_ours(sender: Sender, text: ListedText) -> bool:
    """Whether a text is to or from our sender. The account may have others; a service of several
    numbers names none of them."""
    if not sender.sender.startswith("+"):
        return True
    return text.sender == sender.sender


def _take_in(task: Task, sender: Sender, text: ListedText) -> str:
    """Store and apply a text from a borrower as the webhook and the workers do, once."""
    ctx = task.ctx
    of_text = (reply.c.provider == sender.provider) & (reply.c.sid == text.sid)
    of_event = (inbox_event.c.sender == sender.provider) & (
        inbox_event.c.external_id == text_id(text.sid)
    )
    with autocommit(ctx.engine) as connection:
        known = connection.execute(
            select(exists().where(of_text) | exists().where(of_event))
        ).scalar()
    if known:
        return KNOWN
    if not task.dry_run:
        inbound = InboundText(sender.provider, text.sid, text.number, text.body, None)
        # Whether the call for help was answered is not known: a person reads it.
        payload = text_payload(ctx.cipher, inbound, text.at, help_is_answered=False)
        id = text_id(text.sid)
        event = store_unless_known(ctx, id, "inbound_text", payload, sender=sender.provider)
        if event is not None:
            apply_event(ctx, event)
    return DONE


class _Whose(NamedTuple):
    """Who has a number: the first record, and a loan of theirs."""

    borrower_id: int
    loan_id: int
    zones: list[str]


def _note(task: Task, sender: Sender, text: ListedText) -> str:
    """Put a text on record that went out, unless the database knows it."""
    if not text.was_sent:
        return KNOWN
    number = task.ctx.cipher.blind_index(text.number)
    of_message = (message.c.provider == sender.provider) & (message.c.sid == text.sid)
    of_text = (recovered_text.c.provider == sender.provider) & (recovered_text.c.sid == text.sid)
    with task.transaction() as connection:
        if connection.execute(select(exists().where(of_message))).scalar():
            return KNOWN
        noted = connection.execute(
            select(recovered_text.c.id, recovered_text.c.contact_id).where(of_text)
        ).first()
        if noted is not None and noted.contact_id is not None:
            return KNOWN
        whose = _whose(connection, number)
        contact_id = _contact(connection, whose, number, text.at) if whose else None
        values = {"at": text.at, "number_blind_index": number, "contact_id": contact_id}
        row = {
            "recovery_id": task.recovery_id or _placeholder(connection, task),
            "provider": sender.provider,
            "sid": text.sid,
            **values,
        }
        connection.execute(
            upsert(recovered_text)
            .values(row)
            .on_conflict_do_update(
                index_elements=[recovered_text.c.provider, recovered_text.c.sid],
                set_={"contact_id": contact_id},
            )
        )
        return DONE if whose else NOT_KNOWN


def _placeholder(connection: Connection, task: Task) -> int:
    """A recovery for a dry run, which is rolled back."""
    values = {"since": task.since, "restored": True, "started_at": task.since, "started_by": ""}
    made: int = connection.execute(
        insert(recovery).values(values).returning(recovery.c.id)
    ).scalar_one()
    return made


def _whose(connection: Connection, number: bytes) -> _Whose | None:
    row = connection.execute(
        select(borrower.c.id, loan.c.id, borrower.c.zones)
        .join(loan, loan.c.borrower_id == borrower.c.id)
        .where(borrower.c.id.in_(records_with(number)))
        .order_by(borrower.c.id, loan.c.id)
        .limit(1)
    ).first()
    return _Whose(*row) if row else None


def _contact(connection: Connection, whose: _Whose, number: bytes, at: datetime) -> int:
    """Record the contact that a text was, so that the caps count it. Which item of a ladder asked
    for it is not known here."""
    made: int = connection.execute(
        insert(contact)
        .values(
            borrower_id=whose.borrower_id,
            loan_id=whose.loan_id,
            channel=Channel.SMS,
            at=at,
            zones=whose.zones,
            party=Party.BORROWER,
            purpose=Purpose.COLLECT,
            number_blind_index=number,
        )
        .returning(contact.c.id)
    ).scalar_one()
    return made
