"""What the contact gate would answer, for whoever asks. Nothing is written or sent."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from domain import permissions
from domain.actions import EVENT_PENDING, SENDING_HOLD
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import may_contact
from domain.compliance.verdict import Permission, Verdict
from domain.compliance.vocabulary import Channel, Party, Purpose
from domain.reasons import ReasonCode, because
from workers.access.may_handle import assert_may_read, of_loan, of_record
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.pending_events import waits_for_event
from workers.db.sending_holds import is_contact_held
from workers.gate.facts import read_contact_facts


class Answer(NamedTuple):
    """What the gate says, and the facts by which it does."""

    facts: ContactFacts
    verdict: Verdict


@permitted(permissions.Permission.ASK_CONTACT)
def ask_contact(
    ctx: Context,
    loan: str,
    channel: Channel,
    at: datetime | None,
    *,
    party: Party,
    borrower: str | None,
    purpose: Purpose,
) -> Answer:
    """Ask whether somebody may be contacted at a moment; now, if it is None.

    The facts are those of now. What waits to be applied and a sending hold count only now.

    Raises:
        RefusedError: whoever asks must not handle the person.
        ArrearsError: the loan or its party is not known.
    """
    moment = at or ctx.now()
    whose = of_loan(loan) if borrower is None else of_loan(loan) | of_record(borrower)
    with ctx.engine.connect() as connection:
        assert_may_read(connection, ctx.actor, whose)
        facts = read_contact_facts(
            connection, ctx, loan, moment, party=party, record=borrower, channel=channel
        )
        is_held_back = at is None and waits_for_event(connection, loan)
        is_stopped = at is None and is_contact_held(connection, channel, loan)
    facts = replace(facts, purpose=purpose)
    verdict = may_contact(facts, channel, moment)
    if is_held_back and verdict.permission is Permission.ALLOWED:
        pending = because(ReasonCode.EVENT_PENDING)
        verdict = Verdict(Permission.DEFERRED, (EVENT_PENDING,), pending)
    if is_stopped and verdict.permission is Permission.ALLOWED:
        held = because(ReasonCode.SENDING_HELD)
        verdict = Verdict(Permission.DEFERRED, (SENDING_HOLD,), held)
    return Answer(facts, verdict)
