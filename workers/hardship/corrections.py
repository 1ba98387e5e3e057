"""What was wrong about an open dispute or complaint is put right: its kind, and whom it is about.

Nothing is overwritten without a trace: each change is a row, with who made it and why.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, update

from domain.compliance.answer_period import AnswerTerms, Stops
from domain.disputes import (
    ComplaintKind,
    DisputeKind,
    Matter,
    MatterField,
    Unfit,
    whom_it_is_about_then,
)
from domain.events import RejectedError
from domain.permissions import Permission
from domain.reasons import ReasonCode, Reasons, because
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.barred_staff import kept_away_by
from workers.db.disputes import TABLES, StoredMatter, set_clock
from workers.db.free_text import keep_words
from workers.db.matter_staff import note_change
from workers.db.schema import borrower
from workers.hardship.complaints import (
    check_on_roster,
    had_contact_here,
    keep_away,
    let_back,
    stop_everybody,
)
from workers.hardship.handling import assert_fit, open_matter, refused
from workers.hardship.matters import last_day, on_record, terms_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is right of a dispute or a complaint. What is left out stays."""

    why: str
    """Why it is changed, in words. Kept encrypted."""
    kind: DisputeKind | ComplaintKind | None = None
    about_staff: str | None = None
    """Of a complaint: the staff reference of the member of staff in question."""
    about_nobody: bool = False
    """Of a complaint: it is about nobody in particular."""


@permitted(Permission.HANDLE_DISPUTES)
def correct(
    ctx: Context, matter: Matter, id: str, right: Correction, *, sender: str | None = None
) -> Reasons:
    """Correct the kind of an open dispute or complaint, or whom a complaint is about.

    The clock is set by the rules of the right kind, and never longer than it was: who needs more
    time asks a second person. Where a law stops everybody for the right kind, everybody is stopped.

    After its kind is corrected, a complaint is about the same people as if it had come in so: one
    about people is about whoever had the contact in question, one about a thing about nobody,
    unless somebody is named. These people do not work for the person; others may again.

    Raises:
        RefusedError: it is not known or over; whoever acts may not handle it; it is said to be
            about somebody and about nobody; it is about conduct, and nobody says of whom; nobody
            on the roster has the reference; or it is about who acts or handles it.
    """
    now = ctx.now()
    if right.about_nobody and right.about_staff is not None:
        raise refused(ReasonCode.ABOUT_SOMEBODY_AND_NOBODY, staff=right.about_staff)
    with ctx.engine.begin() as connection:
        stored = open_matter(connection, matter, id, sender)
        assert_fit(connection, matter, stored, ctx.actor.reference)
        kind = right.kind or stored.kind
        before = _about(connection, stored)
        about = _right_about(connection, stored, right, kind, before)
        if kind == ComplaintKind.CONDUCT and not about and not right.about_nobody:
            raise refused(ReasonCode.CONDUCT_OF_WHOM, id=id)
        if kind == stored.kind and about == before:
            return because(ReasonCode.MATTER_AS_BEFORE, matter=matter, id=id)
        why_id = keep_words(connection, ctx.cipher, right.why, now, borrower_id=stored.borrower_id)
        actor = ctx.actor.reference
        result: Reasons = ()
        values: dict[str, object] = {}
        if kind != stored.kind:
            of_it = (stored.jurisdiction, stored.received_at)
            terms = terms_of(ctx, matter, kind, *of_it, extended=stored.extensions)
            values |= _clock(stored, terms) | {"kind": kind}
            note_change(connection, matter, stored, MatterField.KIND, kind, actor, now, why_id)
            if terms.stops is Stops.EVERYBODY and stored.hold_id is None:
                values["hold_id"] = _stop(connection, ctx, stored, right.why)
                result += because(ReasonCode.COMPLAINT_STOPS_EVERYBODY)
        if about != before:
            result += _about_others(connection, ctx, stored, before, about, now)
            values["about_staff"] = next(iter(about)) if len(about) == 1 else None
            was, field = stored._replace(about_staff=_names(before)), MatterField.ABOUT_STAFF
            note_change(connection, matter, was, field, _names(about), actor, now, why_id)
        table = TABLES[matter]
        right_row = connection.execute(
            update(table)
            .where(table.c.id == stored.id)
            .values(**values)
            .returning(table.c.answer_by)
        )
        answer_by: datetime | None = right_row.scalar_one()
        set_clock(connection, matter, [stored.id], now)
        answer_on = last_day(answer_by.astimezone(now.tzinfo)) if answer_by else None
        done = because(
            ReasonCode.MATTER_CORRECTED, matter=matter, id=id, matter_kind=kind, answer_on=answer_on
        )
        return on_record(done, answer_on, matter=matter, id=id, kind=kind) + result


def _clock(stored: StoredMatter, terms: AnswerTerms) -> dict[str, object]:
    """The deadlines of the right kind, none later than before; and the rules that decide."""
    acknowledge_by = _earlier(stored.acknowledge_by, terms.acknowledge_by)
    answer_by = _earlier(stored.answer_by, terms.answer_by)
    as_the_kind_says = (acknowledge_by, answer_by) == (terms.acknowledge_by, terms.answer_by)
    rules = terms.rules if as_the_kind_says else dict.fromkeys((*terms.rules, *stored.rules))
    return {"acknowledge_by": acknowledge_by, "answer_by": answer_by, "rules": list(rules)}


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _stop(connection: Connection, ctx: Context, stored: StoredMatter, why: str) -> int:
    whose = select(borrower.c.external_id).where(borrower.c.id == stored.borrower_id)
    return stop_everybody(
        connection,
        ctx,
        stored.external_id,
        loan=None,
        borrower=connection.execute(whose).scalar_one(),
        why=why,
        actor=ctx.actor.reference,
        sender=stored.sender,
    )


def _about(connection: Connection, stored: StoredMatter) -> frozenset[str]:
    """The staff references of whom a complaint is about, and keeps from the person."""
    named = {stored.about_staff} if stored.about_staff is not None else set()
    return kept_away_by(connection, stored.why_id) | named


def _right_about(
    connection: Connection,
    stored: StoredMatter,
    right: Correction,
    kind: str,
    before: frozenset[str],
) -> frozenset[str]:
    """The same once it is corrected."""
    if right.about_nobody:
        return frozenset()
    if right.about_staff is not None:
        return frozenset({right.about_staff})
    had_it = had_contact_here(connection, stored.contact_id)
    return whom_it_is_about_then(stored.kind, kind, before, had_it)


def _names(about: frozenset[str]) -> str | None:
    return ", ".join(sorted(about)) or None


def _about_others(
    connection: Connection,
    ctx: Context,
    stored: StoredMatter,
    before: frozenset[str],
    about: frozenset[str],
    now: datetime,
) -> Reasons:
    """Let whom a complaint is not about work for the person again, and keep away whom it is."""
    said: UUID | None = stored.why_id
    if said is None:
        return ()
    result = let_back(connection, before - about, stored.borrower_id, said, now)
    for each in sorted(about - before):
        try:
            check_on_roster(connection, each)
        except RejectedError as error:
            raise refused(error.reason[0].code, staff=each) from None
        if each in (ctx.actor.reference, stored.handler):
            named = {"actor": each, "matter": Matter.COMPLAINT, "id": stored.external_id}
            raise refused(ReasonCode.UNFIT_TO_HANDLE, **named, unfit=Unfit.COMPLAINED_OF)
        actor = ctx.actor.reference
        result += keep_away(connection, each, stored.borrower_id, said, actor, now)
    return result
