"""A call that asks somebody else where the borrower can be reached: 12 CFR 1006.10.

No item of a ladder asks for it; a collector starts it. The number of the third party is used for
this call and not kept: the records have its keyed hash only, as they have of every number.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import IntegrityError

from domain import permissions
from domain.actions import ActionFacts, next_status
from domain.actors import Actor, Role
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import may_contact
from domain.compliance.verdict import Permission, Verdict
from domain.compliance.vocabulary import AskedAgain, Channel, Party, Purpose
from domain.contact_points import NumberFact
from domain.delinquency import arrears_on
from domain.errors import ArrearsError, OutcomeMissingError
from domain.loans import ZERO
from workers.access.permitted import permitted
from workers.attempts.attempts import BarredError, check_role, has_outcome, sending_is_held
from workers.attempts.named import id_taken, refuse_taken_id
from workers.calls.pace import (
    lock_recent_calls,
    refuse_second_call,
    refuse_too_many,
    with_alarm,
)
from workers.context import Context
from workers.db.contact_points import lock_number
from workers.db.loan_facts import LoanFacts, load_facts
from workers.db.loans import loan_not_known
from workers.db.numbers import kind_of
from workers.db.pending_events import number_waits_for_event, waits_for_event
from workers.db.persons import lock_person_of_loan, records_of_person
from workers.db.schema import borrower, borrower_number, contact, contact_point, loan
from workers.db.sending_holds import is_contact_held
from workers.db.typed_rows import columns_of
from workers.gate.facts import contact_facts
from workers.tapes.numbers import read_whole_number, written, zones_of_number
from workers.workforce.members import refuse_who_may_not

INSTRUCTIONS = (
    "Give your own name. Name your employer only if you are asked.",
    "Ask only for the borrower's address, telephone number and place of work.",
    "Never say that there is a debt.",
    "Do not call again, unless you are asked to.",
)
"""What the collector may say: 15 U.S.C. 1692b(1)-(3)."""


@dataclass(frozen=True, slots=True)
class StartedLocationCall:
    """A call to a third party that may start now."""

    attempt: str | None
    """The id under which its outcome is reported; None after a dry run."""
    language: str
    """BCP 47; the borrower's, as that of the third party is not known."""
    instructions: tuple[str, ...]
    warnings: tuple[str, ...]
    """Advisory rules that advise against it."""


@permitted(permissions.Permission.START_CALLS)
def start_location_call(
    ctx: Context,
    loan_external_id: str,
    phone: str,
    *,
    again_because: AskedAgain | None = None,
    attempt: str | None = None,
    dry_run: bool = False,
) -> StartedLocationCall:
    """Ask the contact gate whether a third party may be asked where a borrower is; record the call.

    `phone` is the number of the third party, with its country code. `again_because` says why
    somebody may be asked who was asked before. The outcome is reported as that of any call.

    Raises:
        TooOftenError: the caller started more calls than anybody dials. It is on record.
        BarredError: the gate does not allow it now, or nothing is past due. Nothing is written.
        MayNotStartError: the caller left, is absent, off shift or not trained, or must not handle
            the person.
        ArrearsError: the loan is not known, the number is not in use or is the borrower's own,
            whoever acts is not a caller, or a call to that number has no outcome yet.
    """
    number, zones = _parse(phone)
    blind_index = ctx.cipher.blind_index(number)
    with with_alarm(ctx), ctx.engine.begin() as connection:
        actor = ctx.actor
        check_role(connection, actor, Role.CALLER, ctx.today())
        if not dry_run:
            recent = lock_recent_calls(connection, actor, ctx.now(), attempt)
            refuse_second_call(actor, recent)
            refuse_too_many(ctx, actor, recent)
        owed = _lock(connection, loan_external_id)
        refuse_who_may_not(connection, actor.reference, ctx.now(), {owed.person_id})
        lock_number(connection, blind_index, kind_of(number))
        _refuse_own_number(connection, owed, blind_index)
        _refuse_without_outcome(connection, owed, blind_index)
        now = ctx.now()
        facts = load_facts(connection, [owed.id], now, at_number=blind_index)[owed.id]
        asked = _contact_facts(connection, ctx, owed, facts, blind_index, zones, now)
        if again_because is not None:
            asked = replace(asked, location_asked=False)
        verdict = may_contact(asked, Channel.CALL, now)
        if is_contact_held(connection, Channel.CALL, loan_external_id):
            raise sending_is_held()
        # Asked under all locks: what was stored while this waited for them counts too.
        waits = waits_for_event(connection, loan_external_id) or number_waits_for_event(
            connection, blind_index
        )
        _refuse_if_barred(facts, asked, verdict, now, event_pending=waits)
        started = StartedLocationCall(
            None, owed.locale, instructions=INSTRUCTIONS, warnings=verdict.warnings
        )
        if dry_run:
            connection.rollback()  # the number of a third party is not kept for a question
            return started
        if attempt is not None:
            refuse_taken_id(connection, attempt)
        attempt = attempt or f"locate-{uuid4()}"
        _record(
            *(connection, owed, asked, verdict, blind_index, now),
            attempt=attempt,
            actor=actor,
            again_because=again_because,
        )
        return replace(started, attempt=attempt)


def _record(
    connection: Connection,
    owed: "_Loan",
    asked: ContactFacts,
    verdict: Verdict,
    number: bytes,
    now: datetime,
    *,
    attempt: str,
    actor: Actor,
    again_because: AskedAgain | None,
) -> None:
    """Write the contact with the third party.

    Raises:
        ArrearsError: another attempt has that id.
    """
    row = {
        "borrower_id": owed.borrower_id,
        "loan_id": owed.id,
        "channel": Channel.CALL,
        "at": now,
        "rules": list(verdict.rules),
        "rule_packs": [pack.name for pack in asked.packs],
        "zones": list(asked.zones),
        "warnings": list(verdict.warnings),
        "party": Party.THIRD_PARTY,
        "purpose": Purpose.LOCATE,
        "number_blind_index": number,
        "at_work": asked.at_work,
        "again_because": again_because,
        "attempt": attempt,
        "actor": actor.reference,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(contact).values(row))
    except IntegrityError:
        raise id_taken(attempt) from None


class _Loan(NamedTuple):
    """A loan whose person is locked, and which is locked itself."""

    id: int
    jurisdiction: str
    product: str
    currency: str
    borrower_id: int
    person_id: int
    locale: str


def _lock(connection: Connection, external_id: str) -> _Loan:
    if lock_person_of_loan(connection, external_id) is None:
        raise loan_not_known(external_id)
    columns = columns_of(_Loan, loan, borrower)
    locked = (
        select(*columns)
        .join(borrower, borrower.c.id == loan.c.borrower_id)
        .where(loan.c.external_id == external_id)
        .with_for_update(of=loan, key_share=True)
    )
    return _Loan(*connection.execute(locked).one())


def _parse(phone: str) -> tuple[str, tuple[str, ...]]:
    """A number as the records have it, with its extension, and the zones that it shows."""
    parsed = read_whole_number(phone)
    number = written(parsed)
    if parsed is None or number is None:
        raise ArrearsError("The number is not in use. Give it with its country code, as +1 212 ….")
    return number, zones_of_number(parsed)


def _refuse_own_number(connection: Connection, owed: _Loan, number: bytes) -> None:
    own = (
        select(borrower_number.c.id)
        .join(borrower, borrower.c.id == borrower_number.c.borrower_id)
        .join(contact_point, contact_point.c.id == borrower_number.c.contact_point_id)
        .where(borrower.c.person_id == owed.person_id, contact_point.c.blind_index == number)
        .limit(1)
    )
    if connection.execute(own).first():
        raise ArrearsError("This is the borrower's own number, not that of a third party.")


def _refuse_without_outcome(connection: Connection, owed: _Loan, number: bytes) -> None:
    pending = connection.execute(
        select(contact.c.attempt)
        .where(
            contact.c.borrower_id.in_(records_of_person(owed.borrower_id)),
            contact.c.number_blind_index == number,
            contact.c.purpose == Purpose.LOCATE,
            ~has_outcome(),
        )
        .limit(1)
    ).scalar()
    if pending is not None:
        raise OutcomeMissingError(
            "A call to this number was started as {pending}, and its outcome is not "
            "recorded. Report the outcome first.",
            pending=pending,
        )


# Who has the number may be a borrower too. If they want no calls about their own debts, they want
# none about those of others.
_OF_THIRD_PARTY = text("""
SELECT (SELECT coalesce(array_agg(f.kind), '{}')
          FROM contact_point n JOIN contact_point_fact f ON f.contact_point_id = n.id
         WHERE n.blind_index = :number AND f.ended_at IS NULL) AS number_facts,
       EXISTS (SELECT FROM contact_point n
                 JOIN borrower_number y ON y.contact_point_id = n.id
                 JOIN borrower b ON b.id = y.borrower_id
                 JOIN borrower r ON r.person_id = b.person_id
                 JOIN person_fact f ON f.borrower_id = r.id
                WHERE n.blind_index = :number AND f.ended_at IS NULL
                  AND (f.kind = 'ceased' OR f.kind = 'no_channel' AND f.channel = 'call'))
           AS wants_no_calls,
       EXISTS (SELECT FROM contact c LEFT JOIN contact_outcome o ON o.contact_id = c.id
                 JOIN borrower b ON b.id = c.borrower_id
                WHERE c.number_blind_index = :number AND c.purpose = 'locate'
                  AND b.person_id = :person AND o.connected IS NOT FALSE) AS asked_before
""")


def _contact_facts(
    connection: Connection,
    ctx: Context,
    owed: _Loan,
    facts: LoanFacts,
    number: bytes,
    zones: tuple[str, ...],
    now: datetime,
) -> ContactFacts:
    """What the gate must know about a call to this third party."""
    found = connection.execute(_OF_THIRD_PARTY, {"number": number, "person": owed.person_id}).one()
    known = contact_facts(
        ctx,
        owed.id,
        owed.jurisdiction,
        facts,
        arrears_on(facts.instalments, now.date()),
        ctx.ladder_of(owed, now.date()),
        None,
        now,
        party=Party.THIRD_PARTY,
    )
    refused = {NumberFact.REFUSED} if found.wants_no_calls else set[NumberFact]()
    return replace(
        known,
        purpose=Purpose.LOCATE,
        reachable=known.reachable | {Channel.CALL},
        zones=tuple(dict.fromkeys((*known.zones, *zones))),
        number=number.hex(),
        third_party_number_facts=frozenset(map(NumberFact, found.number_facts)) | refused,
        location_asked=found.asked_before,
    )


def _refuse_if_barred(
    facts: LoanFacts,
    asked: ContactFacts,
    verdict: Verdict,
    now: datetime,
    *,
    event_pending: bool,
) -> None:
    """Refuse a call that the gate does not allow, or that is about nothing any more.

    Raises:
        BarredError: the call may not start now.
    """
    since = asked.due_day
    loan_facts = ActionFacts(
        past_due=asked.past_due > ZERO,
        ladder_since=since,
        written_off=facts.written_off,
        event_pending=event_pending,
    )
    move = next_status(since, loan_facts, verdict, now) if since else None
    if move is not None:
        raise BarredError(move.reason, move.rules, move.due_at)
    if verdict.permission is not Permission.ALLOWED:
        raise BarredError(verdict.reason, verdict.rules, verdict.until)
