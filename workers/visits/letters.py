"""Letters: decrypt what was written for a borrower, to be printed and posted."""

import logging
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, true

from domain.access_log import Opened
from domain.actions import ActionStatus
from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.errors import ArrearsError
from domain.holds import active_hold
from domain.inconvenient import Location
from domain.persons import PersonFact
from workers.context import Context
from workers.db.access_log import note_access
from workers.db.loan_facts import load_facts
from workers.db.loans import loan_not_known
from workers.db.schema import action, document, loan

CALLED_OFF = frozenset({ActionStatus.CANCELLED, ActionStatus.BARRED, ActionStatus.DEAD})
"""The statuses of a visit that will not be made."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. Its body is personal data: for paper, never for a log."""

    item: str
    body: str = field(repr=False)
    still_due: bool
    """False: it must not be posted. Its arrears have been paid or replaced since, its visit was
    called off, or what is known of the person or the loan by now stops collection."""


def open_letter(
    ctx: Context, loan_external_id: str, item: str | None = None, *, actor: Actor
) -> Letter:
    """Open the newest letter of a loan, or of one of its items, to print it.

    The access is recorded and logged.

    Raises:
        ArrearsError: the loan is not known, it has no such letter, or none of the keys decrypts it.
    """
    with ctx.engine.begin() as connection:
        owed = connection.execute(
            select(loan.c.id, loan.c.ladder_since).where(loan.c.external_id == loan_external_id)
        ).one_or_none()
        if owed is None:
            raise loan_not_known(loan_external_id)
        letter = connection.execute(
            select(
                document.c.id,
                document.c.body_encrypted,
                action.c.item,
                action.c.ladder_since,
                action.c.status,
            )
            .join(action, action.c.id == document.c.action_id)
            .where(action.c.loan_id == owed.id, action.c.item == item if item else true())
            .order_by(document.c.id.desc())
            .limit(1)
        ).one_or_none()
        if letter is None:
            raise ArrearsError(
                f"No letter has been written for {f'{item} of ' if item else ''}loan "
                f"{loan_external_id}. `arrears explain {loan_external_id}` shows where it stands."
            )
        if letter.body_encrypted is None:
            raise ArrearsError(
                f"The letter for {letter.item} of loan {loan_external_id} was erased, with all "
                "that was held about its borrower."
            )
        note_access(connection, owed.id, Opened.LETTER, actor, ctx.now(), item=letter.item)
        body = ctx.cipher.decrypt(letter.body_encrypted)
        stopped = _is_stopped(connection, ctx, owed.id) or letter.status in CALLED_OFF
    purpose = Opened.LETTER.usual_purpose
    log.info(
        "loan %s: document %s was opened by %s for %s", loan_external_id, letter.id, actor, purpose
    )
    return Letter(
        item=letter.item,
        body=body,
        still_due=letter.ladder_since == owed.ladder_since and not stopped,
    )


def _is_stopped(connection: Connection, ctx: Context, loan_id: int) -> bool:
    """Whether a hold is in force, or the person asked for no contact, is represented, or called the
    home, where letters go, inconvenient for them."""
    now = ctx.now()
    facts = load_facts(connection, [loan_id], now)[loan_id]
    wishes = {PersonFact.CEASED, PersonFact.REPRESENTED} & facts.reach.person_facts
    at_home = any(
        place.place is Location.HOME and place.stops(Channel.VISIT, now)
        for place in facts.reach.inconvenient_places
    )
    return at_home or bool(wishes) or active_hold(facts.holds, ctx.today()) is not None
