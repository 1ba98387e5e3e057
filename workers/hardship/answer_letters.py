"""The letter that answers a dispute or a complaint: written when it is decided, and printed."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from config.readers.locales import format_date
from domain.access_log import Opened
from domain.disputes import Finding, Follows, Matter, MatterStatus
from domain.errors import ArrearsError, NotKnownError
from domain.language.phrases import Phrase
from domain.language.render import Entry, part, render
from domain.language.speak import LANGUAGES
from domain.letter_references import known_as
from domain.permissions import Permission
from workers.access.may_handle import assert_may_handle
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.access_log import note_access
from workers.db.disputes import TABLES, StoredMatter, set_clock
from workers.db.places import place_of_answer, place_of_name
from workers.db.schema import borrower, loan
from workers.db.sender_ids import is_named, whose_id_said
from workers.hardship.matters import terms_of

FALLBACK = "en"
"""The language of the letter where there are no templates in the person's."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnswerLetter:
    """A letter, encrypted; with the template that it was written from."""

    template: str
    version: str
    locale: str
    encrypted: bytes = field(repr=False)

    def columns(self) -> dict[str, Any]:
        """As the row of the dispute or of the complaint has it."""
        return {
            "letter_template": self.template,
            "letter_template_version": self.version,
            "letter_locale": self.locale,
            "letter_encrypted": self.encrypted,
        }


def write_letter(
    connection: Connection,
    ctx: Context,
    matter: Matter,
    stored: StoredMatter,
    *,
    outcome: MatterStatus,
    finding: Finding,
    follows: Follows,
    now: datetime,
) -> AnswerLetter:
    """Write the letter to whoever raised it: outcome, reason, what follows, and where to turn next.

    Who was erased has no name any more; the letter then names the loan only.

    Raises:
        ArrearsError: the template cannot be written out.
    """
    whose = connection.execute(
        select(borrower.c.external_id, borrower.c.name_encrypted, borrower.c.locale).where(
            borrower.c.id == stored.borrower_id
        )
    ).one()
    locale = whose.locale if ctx.templates.has_locale(whose.locale) else FALLBACK
    language = "zh" if locale.startswith("zh") else "en"
    name = "–"
    if whose.name_encrypted is not None:
        name = ctx.cipher.decrypt(whose.name_encrypted, place_of_name(whose.external_id))
    received_at = stored.received_at.astimezone(now.tzinfo)
    template = f"{matter}_answer"
    received_on = format_date(received_at.date(), locale)
    values = {
        "lender": ctx.settings.lender,
        "phone": ctx.settings.lender_phone,
        "reference": stored.loan,
        "borrower_name": name,
        "case": known_as(stored.external_id, received_on),
        "received_on": received_on,
        "outcome": _said(language, Phrase.ANSWER_OUTCOME, answer_outcome=outcome),
        "finding": _said(language, Phrase.ANSWER_FINDING, answer_finding=finding),
        "follows": _said(language, Phrase.ANSWER_FOLLOWS, answer_follows=follows),
        "turn_to": _turn_to(ctx, matter, stored, received_at, language),
    }
    body = ctx.templates.render(template, locale, values)
    place = place_of_answer(str(TABLES[matter].name), stored.external_id, stored.sender)
    return AnswerLetter(
        template, ctx.templates.version(template, locale), locale, ctx.cipher.encrypt(body, place)
    )


def _said(language: str, phrase: Phrase, **values: object) -> str:
    (sentence,) = render([Entry(None, (part(phrase, **values),))], LANGUAGES[language], UTC)
    return sentence.text


def _turn_to(
    ctx: Context, matter: Matter, stored: StoredMatter, received_at: datetime, language: str
) -> str:
    terms = terms_of(ctx, matter, stored.kind, stored.jurisdiction, received_at)
    for rule in terms.turn_to:
        return str((rule.turn_to_zh if language == "zh" else None) or rule.turn_to)
    return _said(language, Phrase.ANSWER_TURN_TO_LENDER)


@dataclass(frozen=True, slots=True)
class OpenedAnswer:
    """A letter, decrypted. It is personal data: for paper, never for a log."""

    loan: str
    body: str = field(repr=False)


@permitted(Permission.HANDLE_DISPUTES)
def open_answer(
    ctx: Context, matter: Matter, id: str, *, sender: str | None = None
) -> OpenedAnswer:
    """Open the letter that answers a dispute or a complaint, to print and post it. It is on record,
    and so is the first time.

    Raises:
        RefusedError: several senders have given the id, or whoever opens it must not handle the
            person.
        ArrearsError: it is not known, it is not decided yet, its letter was erased, or none of the
            keys decrypts it.
    """
    table = TABLES[matter]
    with ctx.engine.begin() as connection:
        whose = whose_id_said(connection, table, id, sender)
        found = connection.execute(
            select(table, loan.c.external_id.label("loan"))
            .join(loan, loan.c.id == table.c.loan_id)
            .where(is_named(table, id, whose))
        ).one_or_none()
        if found is None:
            raise NotKnownError(
                "No {matter} {id} is on record. Correct the id.", matter=matter, id=id
            )
        assert_may_handle(connection, ctx.actor, borrower.c.id == found.borrower_id)
        if found.letter_template is None:
            raise ArrearsError(
                "The {matter} {id} is not decided yet, so it has no letter.", matter=matter, id=id
            )
        if found.letter_encrypted is None:
            raise ArrearsError("The letter of {matter} {id} was erased.", matter=matter, id=id)
        note_access(
            connection,
            found.loan_id,
            Opened.LETTER,
            ctx.actor,
            ctx.now(),
            item=found.letter_template,
        )
        place = place_of_answer(str(table.name), found.external_id, found.sender)
        body = ctx.cipher.decrypt(found.letter_encrypted, place)
        printed = {"letter_printed_at": ctx.now(), "letter_printed_by": ctx.actor.reference}
        first_time = (table.c.id == found.id) & table.c.letter_printed_at.is_(None)
        connection.execute(update(table).where(first_time).values(printed))
        set_clock(connection, matter, [found.id], ctx.now())
    log.info("%s %s: the letter was opened by %s", matter, found.id, ctx.actor)
    return OpenedAnswer(found.loan, body)
