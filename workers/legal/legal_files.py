"""Open a legal file: the breakdown of the claim, and the evidence that a court requires."""

from collections import defaultdict
from dataclasses import asdict
from datetime import date

from sqlalchemy import Connection, func, insert, select

from config.readers.legal_checklists import LegalChecklist, SatisfiedBy, checklist_for
from domain.actions import OPEN_LEGAL_FILE, ActionStatus, Move
from domain.compliance.limitation import is_barred, limitation_date, suspended_by
from domain.compliance.rules import packs_for
from domain.compliance.vocabulary import Channel
from domain.legal_claims import (
    NO_CHECKLIST,
    NOT_APPROVED,
    Claim,
    claim_breakdown,
)
from domain.loans import ZERO
from domain.messages import MessageStatus
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.bulk import insert_rows
from workers.db.loans import load_schedule
from workers.db.messages import in_text, is_first_row
from workers.db.schema import (
    approval,
    contact,
    contact_outcome,
    legal_file,
    legal_file_line,
    legal_file_need,
    message,
)
from workers.gate.claim import ClaimedAction, claim, complete
from workers.gate.facts import all_holds

RECORD_OF = {Channel.CALL: SatisfiedBy.CALL_RECORD, Channel.VISIT: SatisfiedBy.VISIT_RECORD}


def open_legal_file(ctx: Context, action_id: int) -> str:
    """Open the legal file of one action. Returns the result in a word.

    The claim checks the earlier steps again, and this the approval. Without them, or without a
    checklist for the jurisdiction, nothing is opened, and the action is deferred until that
    changes.
    """
    with ctx.engine.begin() as connection:
        claimed = claim(connection, ctx, action_id, OPEN_LEGAL_FILE)
        if claimed is None:
            return "nothing to do"
        if not _is_approved(connection, claimed):
            reason = because(ReasonCode.NOT_APPROVED, role=claimed.item.approval)
            return _defer(connection, claimed, reason, NOT_APPROVED)
        jurisdiction = claimed.loan.jurisdiction
        checklist = checklist_for(ctx.policy.checklists, jurisdiction)
        if checklist is None:
            reason = because(ReasonCode.NO_CHECKLIST, jurisdiction=jurisdiction)
            return _defer(connection, claimed, reason, NO_CHECKLIST)
        _open(connection, ctx, claimed, checklist)
        return "opened"


def _is_approved(connection: Connection, claimed: ClaimedAction) -> bool:
    """Whether the role that must approve has done so, or none must."""
    approved_as = select(approval.c.role).where(approval.c.action_id == claimed.action_id)
    role = claimed.item.approval
    return role is None or connection.execute(approved_as).scalar() == role


def _defer(connection: Connection, claimed: ClaimedAction, reason: Reasons, rule: str) -> str:
    complete(connection, claimed, Move(ActionStatus.DEFERRED, reason, (rule,)), claimed.now)
    return "not ready"


def _open(
    connection: Connection, ctx: Context, claimed: ClaimedAction, checklist: LegalChecklist
) -> None:
    schedule = load_schedule(connection, claimed.loan.loan_id)
    packs = packs_for(ctx.policy.rule_packs, claimed.loan.jurisdiction)
    today, interruptions = claimed.now.date(), claimed.facts.reach.interruptions
    holds = all_holds(packs, claimed.facts, today)
    suspensions = (*claimed.facts.reach.suspensions, *suspended_by(holds))
    suable = [
        due
        for due in schedule
        if not is_barred(packs, due.counts_from or due.due_on, interruptions, today, suspensions)
    ]
    owed = claim_breakdown(suable, today)
    oldest = min(due.counts_from or due.due_on for due in suable if due.unpaid > ZERO)
    last_due = claimed.facts.reach.limitation_from
    limitation_on = limitation_date(packs, oldest, last_due, today, interruptions, suspensions)
    evidence = _evidence(connection, claimed)
    evidence[SatisfiedBy.CLAIM_BREAKDOWN] += _in_parts(owed, claimed.loan.currency)
    if limitation_on:
        evidence[SatisfiedBy.LIMITATION_DATE] += because(
            ReasonCode.LIMITATION_DATE, limitation_on=limitation_on
        )
    file_id = _insert_file(connection, claimed, owed, limitation_on)
    insert_rows(
        connection,
        legal_file_need,
        [
            {
                "legal_file_id": file_id,
                "need": need.id,
                "met_by": evidence[need.satisfied_by] or None,  # None: still missing
            }
            for need in checklist.evidence
        ],
    )
    done = Move(ActionStatus.DONE, because(ReasonCode.LEGAL_FILE_OPEN), claimed.verdict.rules)
    complete(connection, claimed, done, claimed.now)


def _insert_file(
    connection: Connection, claimed: ClaimedAction, owed: Claim, limitation_on: date | None
) -> int:
    file_id: int = connection.execute(
        insert(legal_file)
        .values(
            loan_id=claimed.loan.loan_id,
            action_id=claimed.action_id,
            currency=claimed.loan.currency,
            principal=owed.principal,
            interest=owed.interest,
            fees=owed.fees,
            limitation_on=limitation_on,
            opened_at=claimed.now,
        )
        .returning(legal_file.c.id)
    ).scalar_one()
    lines = [{"legal_file_id": file_id, **asdict(line)} for line in owed.lines]
    insert_rows(connection, legal_file_line, lines)
    return file_id


def _in_parts(owed: Claim, currency: str) -> Reasons:
    return because(
        ReasonCode.CLAIM_IN_PARTS,
        principal=owed.principal,
        interest=owed.interest,
        fees=owed.fees,
        loan_currency=currency,
        instalments=len(owed.lines),
    )


def _evidence(connection: Connection, claimed: ClaimedAction) -> dict[str, Reasons]:
    """The evidence on record for these arrears, by kind, with a reference to each record.

    A call or a visit counts once its outcome is recorded. A written letter proves nothing: a person
    must attach the proof of its delivery.
    """
    since = claimed.loan.ladder_since
    ids = [action.id for action in claimed.facts.actions if action.past.ladder_since == since]
    receipts = connection.execute(
        select(message.c.sid, message.c.changed_at)
        .join(contact, in_text(contact, message.c.contact_id))
        .where(
            contact.c.action_id.in_(ids),
            message.c.status == MessageStatus.DELIVERED,
            is_first_row(),
        )
        .order_by(message.c.changed_at)
    )
    references: defaultdict[str, Reasons] = defaultdict(tuple)
    for sid, at in receipts:
        day = at.astimezone(claimed.now.tzinfo).date()
        references[SatisfiedBy.DELIVERY_RECEIPT] += because(
            ReasonCode.TEXT_DELIVERED_ON, sid=sid, on=day
        )
    first = contact.alias("first")
    attempts = connection.execute(
        select(contact.c.channel, first.c.attempt, contact.c.at, contact_outcome.c.outcome)
        .join(first, first.c.id == func.coalesce(contact.c.part_of, contact.c.id))
        .join(contact_outcome, contact_outcome.c.contact_id == contact.c.id)
        .where(contact.c.action_id.in_(ids))
        .order_by(contact.c.at)
    )
    for channel, attempt, at, outcome in attempts:
        day = at.astimezone(claimed.now.tzinfo).date()
        references[RECORD_OF[channel]] += because(
            ReasonCode.ATTEMPT_ON_RECORD, attempt=attempt, on=day, outcome=outcome
        )
    return references
