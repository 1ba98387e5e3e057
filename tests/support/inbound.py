"""Texts that borrowers write: stored as the webhook does, and applied by a worker at once."""

from typing import NamedTuple

from sqlalchemy import select

from domain.inbound_texts import ReplyKind
from workers.borrowers.inbound_texts import language_of_number
from workers.context import Context
from workers.db.schema import reply
from workers.http.inbound_texts import store_text
from workers.inbox.apply import apply_event
from workers.sms.providers.port import InboundText


class RecordedText(NamedTuple):
    """A text that is on record."""

    kind: ReplyKind | None
    """None: another worker is recording it."""
    locale: str | None
    """BCP 47, the language of the sender; None: no borrower has that number."""


def record_inbound_text(ctx: Context, text: InboundText, *, help_is_answered: bool) -> RecordedText:
    """A text comes in and is applied."""
    stored = store_text(ctx, text, help_is_answered=help_is_answered)
    if stored.event_id is not None:
        assert apply_event(ctx, stored.event_id).status == "applied"
    of_text = (reply.c.provider == text.provider) & (reply.c.sid == text.sid)
    with ctx.engine.connect() as connection:
        kind = connection.execute(select(reply.c.kind).where(of_text)).scalar()
        locale = language_of_number(connection, ctx, ctx.cipher.blind_index(text.from_number))
    return RecordedText(ReplyKind(kind) if kind else None, locale)
