"""Start a visit, after the gate checked it again at its hour; or cancel it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from domain.access_log import Opened
from domain.actions import SCHEDULE_VISIT, ActionStatus, Move
from domain.actors import Actor
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import may_contact
from domain.compliance.verdict import Verdict
from domain.compliance.vocabulary import Channel
from domain.errors import ArrearsError, NotKnownError, WrongRoleError
from domain.next_work import work_policy_on
from domain.permissions import Permission, may
from domain.reasons import ReasonCode, because
from domain.right_party import Question, asked_of
from workers.access.may_handle import assert_may_handle, of_loan_id
from workers.access.permitted import permitted
from workers.attempts.attempts import (
    StartedAttempt,
    open_contact_detail,
    refuse_if_barred,
)
from workers.context import Context
from workers.db.access_log import note_access
from workers.db.actions import move_actions
from workers.db.free_text import keep_words
from workers.db.loans import known_loan_id, lock_known_loan
from workers.db.party_checks import read_on_record
from workers.db.places import Placed, place_of_address, place_of_name
from workers.db.problems import VISIT_UNREPORTED, resolve_problems
from workers.db.schema import action, contact, document, loan, staff, visit, visit_staff
from workers.db.typed_rows import columns_of, typed_row
from workers.gate.check import check_gate
from workers.gate.locked_action import LockedAction, lock_action
from workers.visits.notices import NOTICE_NOT_PRINTED, printed_at, refuse_without_notice
from workers.workforce.members import refuse_who_may_not


@permitted(Permission.START_VISITS)
def start_visit(ctx: Context, loan_external_id: str, *, dry_run: bool = False) -> StartedAttempt:
    """Start the visit of a loan within its hours; gives name and address, what to hand over, and
    what to ask. What is owed is shown once the person is confirmed at the door.

    Whoever acts is one of its two visitors. Nobody goes alone: what bars one bars both.

    Raises:
        BarredError: the gate does not allow it now, or the arrears are paid. Nothing is written.
        RefusedError: its notice is not on record as printed before its day.
        MayNotStartError: one of its visitors left, is absent, off shift or not trained, or must not
            handle the person.
        ArrearsError: no visit is scheduled for this hour, whoever acts is none of its visitors, or
            the address is not the one of its notice any more.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        scheduled = _visit_of(connection, loan_external_id)
        visitors = _check_visitor(connection, scheduled.id, loan_external_id, ctx.actor)
        if not scheduled.starts_at <= now < scheduled.ends_at:
            zone = ctx.settings.lender_zone
            raise ArrearsError(
                "The visit of loan {loan} is from {starts_at:%Y-%m-%d %H:%M} to "
                "{ends_at:%H:%M}. It can be started then and at no other time: its notice says "
                "so.",
                loan=loan_external_id,
                starts_at=scheduled.starts_at.astimezone(zone),
                ends_at=scheduled.ends_at.astimezone(zone),
            )
        row = lock_action(connection, scheduled.action_id, SCHEDULE_VISIT)
        if row is None or row.status != ActionStatus.ASSIGNED:
            raise _no_visit(loan_external_id)
        checked = check_gate(
            connection,
            ctx,
            row,
            SCHEDULE_VISIT,
            now,
            _gate_for(scheduled, now),
        )
        refuse_if_barred(checked)
        for visitor in visitors:
            refuse_who_may_not(connection, visitor, now, {row.person_id})
        if row.address_blind_index != scheduled.address_blind_index:
            raise ArrearsError(
                "The address of loan {loan} is another one since the notice of "
                "this visit was written. `arrears visit cancel` plans the visit anew, with "
                "its notice.",
                loan=loan_external_id,
            )
        refuse_without_notice(scheduled.starts_at, scheduled.printed_at, now)
        started = StartedAttempt(
            None,
            row.item,
            scheduled.purpose,
            checked.loan.locale,
            warnings=checked.verdict.warnings,
            borrower=checked.loan.record,
            party=checked.party,
            outcomes=checked.ladder.shown_outcomes(scheduled.step, of_visit=True),
            questions=_questions(connection, ctx, row, now),
            hand_over=_printed(connection, scheduled.action_id),
        )
        if dry_run:
            return started
        connection.execute(
            update(visit)
            .where(visit.c.id == scheduled.id, visit.c.started_at.is_(None))
            .values(started_at=now)
        )
        encrypted = row.address_encrypted
        placed = Placed(encrypted, place_of_address(row.record)) if encrypted else None
        address = open_contact_detail(connection, ctx, checked, Opened.ADDRESS, placed, ctx.actor)
        name = _name(connection, ctx, row, now)
        return replace(started, attempt=scheduled.attempt, name=name, reach=address)


def _questions(
    connection: Connection, ctx: Context, row: LockedAction, now: datetime
) -> tuple[Question, ...]:
    """What to ask at the door; nothing if too little is on record to confirm anybody."""
    terms = work_policy_on(ctx.policy.worklist, now.date()).right_party
    on_record = read_on_record(connection, ctx.cipher, row)
    asked, needed = asked_of(on_record, terms.questions, terms.at_least, at_their_address=True)
    return asked if len(asked) >= needed else ()


def _printed(connection: Connection, action_id: int) -> tuple[str, ...]:
    """The kinds of the letters that are printed for a visit."""
    printed = select(document.c.kind).where(
        document.c.action_id == action_id, document.c.printed_at.is_not(None)
    )
    return tuple(connection.execute(printed.distinct().order_by(document.c.kind)).scalars())


def _name(connection: Connection, ctx: Context, row: LockedAction, now: datetime) -> str | None:
    if row.name_encrypted is None:
        return None
    note_access(connection, row.loan_id, Opened.NAME, ctx.actor, now, item=row.item)
    return ctx.cipher.decrypt(row.name_encrypted, place_of_name(row.record))


@permitted(Permission.CANCEL_VISITS)
def cancel_visit(ctx: Context, loan_external_id: str, *, why: str) -> None:
    """Cancel a visit that did not take place: its visitors are free, and it is planned again. One
    of its visitors does it, or who may take over work.

    Raises:
        RefusedError: whoever cancels it must not handle the borrower.
        WrongRoleError: it is the visit of others.
        ArrearsError: no visit is scheduled, or it was started: then report its outcome.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        owed = lock_known_loan(connection, loan_external_id)
        assert_may_handle(connection, ctx.actor, of_loan_id(owed.id))
        scheduled = _visit_of(connection, loan_external_id)
        if not may(ctx.actor, Permission.TAKE_OVER_WORK):
            _check_visitor(connection, scheduled.id, loan_external_id, ctx.actor)
        if scheduled.started_at is not None:
            raise ArrearsError(
                "The visit of loan {loan} was started. `arrears visit outcome` "
                "says what came of it.",
                loan=loan_external_id,
            )
        connection.execute(update(visit).where(visit.c.id == scheduled.id).values(cancelled_at=now))
        connection.execute(
            update(visit_staff)
            .where(visit_staff.c.visit_id == scheduled.id)
            .values(cancelled_at=now)
        )
        why_id = keep_words(connection, ctx.cipher, why, now, loan_id=scheduled.loan_id)
        reason = because(ReasonCode.CALLED_OFF, actor=ctx.actor, why_id=why_id)
        move = Move(ActionStatus.PLANNED, reason, due_at=now)
        move_actions(connection, [scheduled.action_id], move, now)
        over = (NOTICE_NOT_PRINTED, VISIT_UNREPORTED)
        resolve_problems(connection, [scheduled.loan_id], over, now)


class _ScheduledVisit(NamedTuple):
    id: int
    loan_id: int
    action_id: int
    step: str
    purpose: str
    starts_at: datetime
    ends_at: datetime
    scheduled_at: datetime
    started_at: datetime | None
    attempt: str | None
    address_blind_index: bytes | None
    printed_at: datetime | None


def _visit_of(connection: Connection, loan_external_id: str) -> _ScheduledVisit:
    """The scheduled visit of a loan; the next one if there are several."""
    next_one = (
        select(
            *columns_of(
                _ScheduledVisit, visit, contact, step=action.c.step, printed_at=printed_at()
            )
        )
        .join(action, action.c.id == visit.c.action_id)
        .join(loan, loan.c.id == action.c.loan_id)
        .join(contact, contact.c.id == visit.c.contact_id)
        .where(
            loan.c.external_id == loan_external_id,
            visit.c.cancelled_at.is_(None),
            action.c.status == ActionStatus.ASSIGNED,
        )
        .order_by(visit.c.starts_at)
        .limit(1)
    )
    found = typed_row(_ScheduledVisit, connection.execute(next_one))
    if found is None:
        known_loan_id(connection, loan_external_id)
        raise _no_visit(loan_external_id)
    return found


def _gate_for(scheduled: _ScheduledVisit, now: datetime) -> Callable[[ContactFacts], Verdict]:
    """The gate for a visit that is in the contact history already: it is not counted twice."""

    def ask(facts: ContactFacts) -> Verdict:
        others = tuple(
            contact_made
            for contact_made in facts.history
            if (contact_made.channel, contact_made.loan_id, contact_made.at)
            != (Channel.VISIT, scheduled.loan_id, scheduled.starts_at)
        )
        facts_of_visit = replace(facts, history=others, noticed_at=scheduled.scheduled_at)
        return may_contact(facts_of_visit, Channel.VISIT, now)

    return ask


def _check_visitor(
    connection: Connection, visit_id: int, loan_external_id: str, actor: Actor
) -> list[str]:
    """The references of the visitors of a visit; whoever acts comes first.

    Raises:
        WrongRoleError: whoever acts is not one of them.
    """
    references = connection.execute(
        select(staff.c.external_id)
        .join(visit_staff, visit_staff.c.staff_id == staff.c.id)
        .where(visit_staff.c.visit_id == visit_id)
        .order_by(staff.c.external_id)
    ).scalars()
    visitors = list(references)
    if actor.reference not in visitors:
        raise WrongRoleError(
            "The visit of loan {loan} is made by {visitors}, as its notice "
            "says, and not by {actor}.",
            loan=loan_external_id,
            visitors=" and ".join(visitors),
            actor=actor,
        )
    return sorted(visitors, key=lambda visitor: visitor != actor.reference)


def _no_visit(loan_external_id: str) -> NotKnownError:
    return NotKnownError(
        "No visit is scheduled for loan {loan}. The worklist shows the visits that are.",
        loan=loan_external_id,
    )
