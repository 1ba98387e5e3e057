"""What an outcome says of the person and of the number: wishes, facts, a death."""

from datetime import datetime

from sqlalchemy import Connection, exists, select

from domain.actors import Actor
from domain.compliance.vocabulary import Channel, Party
from domain.holds import Hold, HoldKind
from workers.attempts.conversations import Conversation, OutcomeReport, ReportedOutcome
from workers.attempts.locked_attempt import LockedAttempt
from workers.context import Context
from workers.db.closed_numbers import close_number, reopen_number
from workers.db.holds import insert_hold
from workers.db.representative_wishes import note_wishes, wishes_among
from workers.db.said_facts import note_said_facts
from workers.db.schema import hold
from workers.gate.problems import resolve_gate_problems


def note_said(
    connection: Connection, ctx: Context, attempt: LockedAttempt, report: OutcomeReport
) -> None:
    """Record what was said, on the record of the person; it reaches the whole person. The wishes of
    a representative are kept with their number."""
    if not report.said:
        return
    actor, now = Actor(report.actor), ctx.now()
    said = report.said
    if attempt.party == Party.REPRESENTATIVE and attempt.number_blind_index is not None:
        wishes, said = wishes_among(said)
        note_wishes(connection, attempt.number_blind_index, wishes, actor, attempt.at)
    was_called = attempt.channel == Channel.CALL and not attempt.inbound
    number = attempt.number_blind_index if was_called else None
    note_said_facts(
        connection,
        [attempt.borrower_id],
        said,
        number,
        actor,
        now,
        said_at=attempt.at,
        own_word=not report.outcome.with_other,
    )
    resolve_gate_problems(connection, [attempt.borrower_id], {each.fact for each in said}, now)


def note_about_number(
    connection: Connection,
    number: bytes,
    report: ReportedOutcome,
    called_at: datetime,
    now: datetime,
) -> None:
    """Record what the outcome says of the number, and end what it refutes of what was known."""
    actor = Actor(report.actor)
    if fact := report.outcome.number_fact:
        close_number(connection, number, fact, actor, now)
    if refuted := report.outcome.refutes:
        reopen_number(connection, number, refuted - {fact}, actor, now, seen_at=called_at)


def id_of_death(attempt: str) -> str:
    """The id of the hold that a death places which was reported of an attempt."""
    return f"death:{attempt}"


def death_is_on_record(connection: Connection, attempt: str) -> bool:
    """Whether the hold of this death is placed."""
    placed = exists().where(hold.c.external_id == id_of_death(attempt))
    return bool(connection.execute(select(placed)).scalar())


def pause_for_death(connection: Connection, about: Conversation, now: datetime) -> None:
    """Pause every loan of the person until somebody releases the hold."""
    insert_hold(
        connection,
        Hold(HoldKind.DECEASED, now.date()),
        borrower_id=about.record,
        external_id=id_of_death(about.attempt),
        sender=about.sender,
        actor=about.actor,
        now=now,
    )
