"""Disputes and complaints as they are handled: acknowledged, taken, given more time, decided.

Nobody handles a complaint about themselves, or what arose in a contact that they had. Each decision
is answered by a letter.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, exists, select, update

from domain.disputes import (
    Finding,
    Matter,
    MatterField,
    MatterStatus,
    bars,
    findings_for,
    what_follows,
)
from domain.errors import RefusedError, text_of
from domain.events import NotYetError, RejectedError, person_of
from domain.language.speak import speak
from domain.permissions import Permission
from domain.reasons import ReasonCode, Reasons, because
from workers.access.permitted import permitted
from workers.access.second_person import ToGrant, was_done, with_second_person
from workers.context import Context
from workers.db.barred_staff import end_bar, kept_away_by
from workers.db.disputes import (
    TABLES,
    StoredMatter,
    lock_matter,
    move_matter,
    said_of,
    set_clock,
)
from workers.db.duties import end_duties_of_matter
from workers.db.free_text import keep_words
from workers.db.matter_staff import note_change, why_unfit
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.schema import adjustment, hold, payment, payment_return
from workers.db.sender_ids import whose_id, whose_id_said
from workers.hardship.answer_letters import AnswerLetter, write_letter
from workers.hardship.holds import release_hold
from workers.hardship.matters import last_day, terms_of

DECIDED = {
    Matter.DISPUTE: OutboxEventKind.DISPUTE_RESOLVED,
    Matter.COMPLAINT: OutboxEventKind.COMPLAINT_RESOLVED,
}


@permitted(Permission.HANDLE_DISPUTES)
def acknowledge(ctx: Context, matter: Matter, id: str, *, sender: str | None = None) -> Reasons:
    """Note that the person was told that a dispute or a complaint is being dealt with.

    Raises:
        RefusedError: it is not known or over, or whoever acts may not handle it.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        stored = open_matter(connection, matter, id, sender)
        assert_fit(connection, matter, stored, ctx.actor.reference)
        done = because(ReasonCode.MATTER_ACKNOWLEDGED, matter=matter, id=id)
        if stored.acknowledged_at is not None:
            return because(ReasonCode.MATTER_AS_BEFORE, matter=matter, id=id)
        by = {"acknowledged_at": now, "acknowledged_by": ctx.actor.reference}
        if not move_matter(connection, matter, stored, MatterStatus.ACKNOWLEDGED, now, **by):
            # Somebody handles it already: it stays with them.
            table = TABLES[matter]
            connection.execute(update(table).where(table.c.id == stored.id).values(**by))
        set_clock(connection, matter, [stored.id], now)
        return done


@permitted(Permission.HANDLE_DISPUTES)
def take(ctx: Context, matter: Matter, id: str, *, sender: str | None = None) -> Reasons:
    """Take a dispute or a complaint to handle it; or take it over from whoever has it.

    Raises:
        RefusedError: it is not known or over, or it is about whoever acts, or they took part in it.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        stored = open_matter(connection, matter, id, sender)
        actor = ctx.actor.reference
        assert_fit(connection, matter, stored, actor)
        taken = {"handler": actor, "taken_at": now}
        if stored.handler != actor and not move_matter(
            connection, matter, stored, MatterStatus.INVESTIGATING, now, **taken
        ):
            table = TABLES[matter]
            connection.execute(update(table).where(table.c.id == stored.id).values(**taken))
            note_change(connection, matter, stored, MatterField.HANDLER, actor, actor, now)
        end_duties_of_matter(connection, matter, stored.id, stored.loan_id, actor, now)
        return because(ReasonCode.MATTER_TAKEN, matter=matter, id=id, actor=actor)


@permitted(Permission.EXTEND_ANSWERS)
def extend(
    ctx: Context, matter: Matter, id: str, why: str, *, sender: str | None = None
) -> Reasons:
    """Make the time to answer longer, as far as the law allows; another person grants it.

    Whoever says the same again, with the same words, has lost the answer: it is made longer once.

    Raises:
        RefusedError: it is not known or over, no rule allows it, or whoever acts may not handle it.
        SecondPersonNeededError: it is asked for, and waits until somebody grants it.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        stored = open_matter(connection, matter, id, sender)
        assert_fit(connection, matter, stored, ctx.actor.reference)
        of_it = (stored.jurisdiction, stored.received_at)
        terms = terms_of(ctx, matter, stored.kind, *of_it, extended=stored.extensions + 1)
        before, named = stored.answer_by, {"matter": matter, "id": id}
        if before is None:
            raise refused(ReasonCode.MATTER_WITHOUT_DEADLINE, **named, matter_kind=stored.kind)
        until = last_day(before.astimezone(now.tzinfo))
        done = _to_answer_by(until, matter, id, stored.loan, why)
        if stored.extensions and was_done(connection, ctx, done):
            return because(ReasonCode.MATTER_EXTENDED, **named, answer_on=until)
        if terms.answer_by is None or terms.answer_by <= before:
            raise refused(ReasonCode.NO_EXTENSION, **named, answer_on=until)
        answer_on = last_day(terms.answer_by)
        asked = _to_answer_by(answer_on, matter, id, stored.loan, why)
        with_second_person(connection, ctx, asked, borrower_id=stored.borrower_id)
        table = TABLES[matter]
        longer = {"extensions": stored.extensions + 1, "answer_by": terms.answer_by}
        connection.execute(update(table).where(table.c.id == stored.id).values(**longer))
        set_clock(connection, matter, [stored.id], now)
        return because(ReasonCode.MATTER_EXTENDED, **named, answer_on=answer_on)


def _to_answer_by(day: date | None, matter: Matter, id: str, loan: str, why: str) -> ToGrant:
    facts = {"loan": loan, "of": f"{matter} {id}", "until": str(day)}
    what = text_of("Answer a person later.")
    return ToGrant(Permission.EXTEND_ANSWERS, what, facts, {"why": why})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """How a dispute or a complaint was decided."""

    matter: Matter
    id: str
    """The lender's own id of it."""
    outcome: MatterStatus
    """One of `RESOLVED`."""
    finding: Finding
    actor: str
    """The lender's reference of who decided it."""
    why: str | None = None
    """What they write about it, for the record."""
    corrected_by: str | None = None
    """Of a dispute: the lender's id of the adjustment or the payment that corrects what is owed."""
    sender: str | None = None
    """Whose id it is."""
    own_sender: str | None = None
    """The system of the lender's that says so; None: somebody decides it here."""


def resolve(connection: Connection, ctx: Context, decided: Resolution) -> Reasons:
    """Decide a dispute or a complaint in the caller's transaction. Returns what came of it.

    Its hold ends today, and the ladder goes on where it stood. Where the person was right about
    what is owed, and nothing is named that corrects it, the hold stays until its release: nobody
    asks for what is not owed. The letter that answers is written.

    Raises:
        NotYetError: it is not known, or nothing on record has the id that corrects.
        RejectedError: it is over, the finding does not go with the outcome, or whoever decides may
            not handle it or does not. Who decides here has taken it before; where a system of the
            lender's says how it was decided, whoever it names handled it there.
    """
    now, matter = ctx.now(), decided.matter
    sender = whose_id(connection, TABLES[matter], decided.id, decided.sender)
    stored = lock_matter(connection, matter, decided.id, sender)
    if stored is None:
        raise NotYetError(ReasonCode.MATTER_NOT_KNOWN, matter=matter, id=decided.id)
    _check(connection, decided, stored)
    if decided.corrected_by is not None and not _corrects(connection, stored, decided.corrected_by):
        raise NotYetError(
            ReasonCode.CORRECTION_NOT_KNOWN, loan=stored.loan, corrected_by=decided.corrected_by
        )
    corrected = decided.corrected_by is not None
    letter = _letter(connection, ctx, decided, stored, corrected=corrected, now=now)
    why_id = None
    if decided.why:
        why_id = keep_words(
            connection, ctx.cipher, decided.why, now, borrower_id=stored.borrower_id
        )
    own = {"corrected_by": decided.corrected_by} if matter is Matter.DISPUTE else {}
    taken = {} if stored.handler else {"handler": person_of(decided.actor), "taken_at": now}
    move_matter(
        connection,
        matter,
        stored,
        decided.outcome,
        now,
        resolved_by=decided.actor,
        finding=decided.finding,
        finding_why_id=why_id,
        **own,
        **taken,
        **letter.columns(),
    )
    if matter is Matter.COMPLAINT and stored.why_id and not bars(decided.outcome):
        end_bar(connection, stored.why_id, now)
    set_clock(connection, matter, [stored.id], now)
    end_duties_of_matter(connection, matter, stored.id, stored.loan_id, decided.actor, now)
    _tell(connection, matter, stored, now)
    result = because(
        ReasonCode.MATTER_RESOLVED, matter=matter, id=decided.id, matter_status=decided.outcome
    )
    if stored.hold_id is not None:
        if _hold_stays(decided, corrected=corrected):
            result += because(ReasonCode.HOLD_STAYS, hold_id=decided.id)
        elif _is_held(connection, stored.hold_id, now):
            result += release_hold(connection, ctx, decided.id, now.date(), sender=sender)
    return result + because(ReasonCode.MATTER_LETTER)


def _hold_stays(decided: Resolution, *, corrected: bool) -> bool:
    right = decided.outcome in (MatterStatus.UPHELD, MatterStatus.PARTLY_UPHELD)
    return decided.matter is Matter.DISPUTE and right and not corrected


def _is_held(connection: Connection, hold_id: int, now: datetime) -> bool:
    lasts = hold.c.ends_on.is_(None) | (hold.c.ends_on > now.date())
    found = select(hold.c.id).where(hold.c.id == hold_id, lasts)
    return connection.execute(found).scalar() is not None


def _check(connection: Connection, decided: Resolution, stored: StoredMatter) -> None:
    named = {"matter": decided.matter, "id": decided.id}
    if not stored.is_open:
        raise RejectedError(ReasonCode.MATTER_OVER, **named, matter_status=stored.status)
    known = findings_for(decided.matter, stored.kind, decided.outcome)
    if decided.finding not in known:
        raise RejectedError(
            ReasonCode.FINDING_DOES_NOT_FIT,
            finding=decided.finding,
            matter_status=decided.outcome,
            known=tuple(sorted(known)),
        )
    if unfit := why_unfit(connection, stored, decided.actor):
        raise RejectedError(ReasonCode.UNFIT_TO_HANDLE, actor=decided.actor, **named, unfit=unfit)
    if decided.outcome is MatterStatus.WITHDRAWN or stored.handler == person_of(decided.actor):
        return
    if stored.handler is not None:
        raise RejectedError(ReasonCode.SOMEBODY_ELSE_HANDLES, handler=stored.handler, **named)
    if decided.own_sender is None:
        raise RejectedError(ReasonCode.NOBODY_HANDLES, **named)


def _corrects(connection: Connection, stored: StoredMatter, external_id: str) -> bool:
    """Whether the loan has an adjustment or a payment under this id that counts, and that was
    recorded since the dispute was received: what was on record before corrects nothing."""
    again = exists().where(
        payment_return.c.payment_id == payment.c.id,
        payment_return.c.taken_back_at >= stored.received_at,
    )
    adjusted = exists().where(
        adjustment.c.loan_id == stored.loan_id,
        adjustment.c.external_id == external_id,
        adjustment.c.taken_back_on.is_(None),
        adjustment.c.recorded_at >= stored.received_at,
    )
    paid = exists().where(
        payment.c.loan_id == stored.loan_id,
        payment.c.external_id == external_id,
        payment.c.reversed_on.is_(None),
        (payment.c.recorded_at >= stored.received_at) | again,
    )
    return bool(connection.execute(select(adjusted | paid)).scalar_one())


def _letter(
    connection: Connection,
    ctx: Context,
    decided: Resolution,
    stored: StoredMatter,
    *,
    corrected: bool,
    now: datetime,
) -> AnswerLetter:
    follows = what_follows(
        decided.matter,
        decided.outcome,
        corrected=corrected,
        about_staff=decided.matter is Matter.COMPLAINT
        and (stored.about_staff is not None or bool(kept_away_by(connection, stored.why_id))),
    )
    return write_letter(
        connection,
        ctx,
        decided.matter,
        stored,
        outcome=decided.outcome,
        finding=decided.finding,
        follows=follows,
        now=now,
    )


def _tell(connection: Connection, matter: Matter, stored: StoredMatter, now: datetime) -> None:
    table = TABLES[matter]
    row: Any = connection.execute(select(table).where(table.c.id == stored.id)).one()
    said = said_of(matter, row) | {"finding": row.finding}
    record_events(connection, [OutboxMessage(DECIDED[matter], stored.loan_id, said)], now)


def open_matter(
    connection: Connection, matter: Matter, id: str, named_sender: str | None
) -> StoredMatter:
    """Lock an open dispute or complaint that a person named.

    Raises:
        RefusedError: it is not known, or over; or several senders have given the id.
    """
    sender = whose_id_said(connection, TABLES[matter], id, named_sender)
    stored = lock_matter(connection, matter, id, sender)
    if stored is None:
        raise refused(ReasonCode.MATTER_NOT_KNOWN, matter=matter, id=id)
    if not stored.is_open:
        raise refused(ReasonCode.MATTER_OVER, matter=matter, id=id, matter_status=stored.status)
    return stored


def assert_fit(connection: Connection, matter: Matter, stored: StoredMatter, actor: str) -> None:
    """
    Raises:
        RefusedError: they may not handle it.
    """
    if unfit := why_unfit(connection, stored, actor):
        named = {"actor": actor, "matter": matter, "id": stored.external_id}
        raise refused(ReasonCode.UNFIT_TO_HANDLE, **named, unfit=unfit)


def refused(code: ReasonCode, **params: object) -> RefusedError:
    """That what a person asked for is refused, for this reason."""
    reason = because(code, **params)
    return RefusedError(speak(reason), reason)
