"""Stores what borrowers write, as any provider passes it on: one insert, which waits for nobody."""

from typing import NamedTuple

from domain.inbound_texts import ReplyKind
from workers.borrowers.inbound_texts import language_of_number, text_id, text_payload
from workers.context import Context
from workers.db.engine import autocommit
from workers.inbox.store import store_unless_known
from workers.sms.providers.port import InboundText

ANY_LOCALE = "en"
"""The language of the answer to a number that is in no loan."""


class StoredInboundText(NamedTuple):
    """A text that is stored, to be applied soon after."""

    event_id: int | None
    """None: it was stored before."""
    help_in: str | None
    """BCP 47: it is a call for help that the provider can answer, in this language."""


def store_text(ctx: Context, text: InboundText, *, help_is_answered: bool) -> StoredInboundText:
    """Store a text as an event, once by the provider's id of it. Until it is applied, it holds back
    whoever has the number.

    `help_is_answered` says whether the provider's call may be answered with a text. A call for help
    is, if there is an answer in the language of who has the number.
    """
    now = ctx.now()
    help_in = _help_in(ctx, text) if help_is_answered else None
    payload = text_payload(ctx.cipher, text, now, help_is_answered=help_in is not None)
    id = text_id(text.sid)
    event_id = store_unless_known(ctx, id, "inbound_text", payload, sender=text.provider)
    return StoredInboundText(event_id, help_in)


def _help_in(ctx: Context, text: InboundText) -> str | None:
    """The language in which a call for help is answered; None: it is none, or there is none."""
    if ctx.policy.replies.read(text.body, text.opt_out_type).kind is not ReplyKind.HELP:
        return None
    number = ctx.cipher.blind_index(text.from_number)
    with autocommit(ctx.engine) as connection:
        locale = language_of_number(connection, ctx, number)
    if locale is None:
        return ANY_LOCALE
    return locale if ctx.templates.has_locale(locale) else None
