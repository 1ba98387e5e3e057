"""From the records of one loan to its story."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Row, func, select

from domain.language.en import ENGLISH
from domain.language.phrases import Entry, Phrase, Sentence, in_order, say, tell
from domain.language.zh import CHINESE
from workers.context import Context
from workers.db.loans import loan_not_known
from workers.db.schema import instalment, loan
from workers.history import actions, audit, borrower, decisions, effects, holds, incoming
from workers.history.citations import Citations
from workers.history.loan import LoanTold

LANGUAGES = {"en": ENGLISH, "zh": CHINESE}
"""What a story can be told in, by BCP 47."""


def read_story(
    connection: Connection,
    ctx: Context,
    loan_external_id: str,
    *,
    at: datetime | None = None,
    language: str = "en",
) -> list[Sentence]:
    """Everything on record about a loan, in order of time, in the lender's zone. Changes nothing.

    With `at`, an aware moment, it ends with what had happened by then. `language` is one of
    `LANGUAGES`; references, and what providers and people said, stay as they are.

    Raises:
        ArrearsError: the loan is not known.
    """
    told = _find(connection, loan_external_id)
    citations = Citations(ctx.policy.rule_packs)
    # What shares a moment is told in this order: facts, the look at them, and what came of it.
    entries = [
        *_opening(told, connection),
        *incoming.events(connection, told),
        *incoming.problems(connection, told),
        *audit.tapes(connection, told, ctx.settings.lender_zone),
        *holds.holds(connection, told),
        *borrower.contact_changes(connection, told),
        *borrower.replies(connection, told),
        *incoming.opt_outs(connection, told),
        *incoming.payments(connection, told),
        *incoming.reversals(connection, told),
        *incoming.write_off(told),
        *holds.promises(connection, told),
        *decisions.decisions(connection, told),
        *decisions.cases_opened(connection, told, ctx.settings.lender_zone),
        *actions.planned(connection, told),
        *actions.approvals(connection, told),
        *actions.contacts(connection, told, citations),
        *effects.messages(connection, told),
        *effects.calls(connection, told),
        *effects.visits(connection, told),
        *effects.documents(connection, told),
        *effects.legal_files(connection, told),
        *effects.messages_gone_wrong(connection, told),
        *effects.receipts(connection, told),
        *actions.moves(connection, told, citations),
        *decisions.cases_closed(connection, told),
        *effects.outcomes(connection, told),
        *audit.accesses(connection, told),
        *audit.erasures(connection, told),
    ]
    # The entries are all there by now, so it is known whether any letter was shown.
    legend = [Entry(None, (part,)) for part in citations.legend()]
    if at is None:
        ending = [_closing(told), *legend]
    else:
        entries = [entry for entry in entries if entry.at is None or entry.at <= at]
        ending = legend
    return tell([*in_order(entries), *ending], LANGUAGES[language], ctx.settings.lender_zone)


def _find(connection: Connection, external_id: str) -> LoanTold:
    found: Row[*tuple[object, ...]] | None = connection.execute(
        select(*(loan.c[name] for name in LoanTold.columns())).where(
            loan.c.external_id == external_id
        )
    ).one_or_none()
    if found is None:
        raise loan_not_known(external_id)
    return LoanTold(**found._mapping)


def _opening(told: LoanTold, connection: Connection) -> list[Entry]:
    schedule = connection.execute(
        select(
            func.count().label("instalments"),
            func.min(instalment.c.due_on).label("first"),
            func.max(instalment.c.due_on).label("last"),
        ).where(instalment.c.loan_id == told.id)
    ).one()
    parts = [
        say(
            Phrase.LOAN,
            loan=told.external_id,
            product=told.product,
            jurisdiction=told.jurisdiction,
            currency=told.currency,
            instalments=schedule.instalments,
            first_due_on=schedule.first,
            last_due_on=schedule.last,
        )
    ]
    if told.steps_tried_at:
        steps = tuple(told.steps_tried)
        parts.append(say(Phrase.TRIED_BEFORE, delinquent_since=told.steps_tried_at, steps=steps))
    return [Entry(None, tuple(parts))]


def _closing(told: LoanTold) -> Entry:
    if told.written_off_on is not None:
        return Entry(None, (say(Phrase.NO_LOOK_ANY_MORE, written_off_on=told.written_off_on),))
    if told.review_on is None:
        return Entry(None, (say(Phrase.NO_NEXT_LOOK),))
    return Entry(None, (say(Phrase.NEXT_LOOK, review_on=told.review_on),))
