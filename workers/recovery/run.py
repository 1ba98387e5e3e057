"""Run a recovery: its steps in their order, each on record, until nothing is missing.

It may be killed and run again: every step finds what it did before. Another person grants its
start, and each step that is left out.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Connection, func, select

from domain.compliance.vocabulary import Channel, Party
from domain.errors import ArrearsError, text_of
from domain.permissions import Permission
from domain.recovery import RecoveryStep, StepStatus, look_since
from domain.sending import OF_COUNTER, StoppedBecause
from workers.access.permitted import permitted
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context
from workers.db.free_text import keep_words
from workers.db.recoveries import (
    Recovery,
    StoredStep,
    begin_recovery,
    finish_recovery,
    note_step,
    open_recovery,
    read_steps,
)
from workers.db.schema import contact
from workers.db.sending_holds import SendingHold, read_sending_holds
from workers.evidence.lost_heads import compare_heads
from workers.recovery.events import ask_for_events
from workers.recovery.evidence import note_lost_evidence
from workers.recovery.journal import replay_journals
from workers.recovery.keys import check_keys
from workers.recovery.rest import count_rest
from workers.recovery.step import Result, Task
from workers.recovery.texts import texts_in, texts_out
from workers.sending.counter import check_counter

log = logging.getLogger(__name__)

_Steps: TypeAlias = Sequence[tuple[RecoveryStep, Callable[[Task], Iterable[Result]]]]

_OF_EVERY_RECOVERY: _Steps = ((RecoveryStep.KEYS, lambda task: [check_keys(task)]),)
"""Also where nothing was restored."""

_STEPS: _Steps = (
    *_OF_EVERY_RECOVERY,
    (RecoveryStep.JOURNAL, replay_journals),
    (RecoveryStep.TEXTS_IN, texts_in),
    (RecoveryStep.TEXTS_OUT, texts_out),
    (RecoveryStep.EVENTS, ask_for_events),
    (RecoveryStep.EVIDENCE, lambda task: [note_lost_evidence(task)]),
    (RecoveryStep.REST, lambda task: [count_rest(task)]),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What whoever runs it asks for."""

    dry_run: bool = False
    nothing_restored: str | None = None
    """Why they know that no backup was restored; None: one was."""
    since: datetime | None = None
    """When the backup was made; None: it is found out."""
    journals: tuple[Path, ...] = ()
    """More journals, of other machines, beside that of the settings."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """How far a recovery has come."""

    since: datetime
    results: Sequence[Result]
    accepted: Sequence[StoredStep]
    """The steps that are left out on purpose."""
    is_finished: bool
    """Sending may be resumed."""


@permitted(Permission.RESUME_SENDING)
def recover(ctx: Context, asked: Asked, report: Callable[[Result], None]) -> Recovered:
    """Run the steps. `report` is called with the result of each.

    Raises:
        SecondPersonNeededError: another person has not granted its start yet.
        ArrearsError: sending is not stopped for its sake, or from when to look is not known.
    """
    check_counter(ctx)
    holds = _holds(ctx, asked)
    stopped_at = max((hold.set_at for hold in holds), default=ctx.now())
    with ctx.engine.begin() as connection:
        begun = open_recovery(connection)
        if begun is not None and holds and begun.started_at < stopped_at:
            begun = None  # it was for the sake of an earlier restore
        since = begun.since if begun else _since(connection, ctx, asked, holds)
    if begun is None and not asked.dry_run:
        begun = _begin(ctx, asked, since, holds)
    task = Task(
        ctx=ctx,
        since=since,
        restored=begun.restored if begun else asked.nothing_restored is None,
        dry_run=asked.dry_run,
        journals=_journals(ctx, asked),
        recovery=begun,
        holds=holds,
        stopped_at=stopped_at,
    )
    accepted = _accepted(ctx, begun)
    results = list[Result]()
    steps = _STEPS if task.restored else _OF_EVERY_RECOVERY
    for step, run in steps:
        for result in run(task):
            if (step, result.subject) in accepted and result.status is StepStatus.OPEN:
                result = replace(result, status=StepStatus.ACCEPTED)
            elif begun and not asked.dry_run:
                _note(ctx, begun, result)
            results.append(result)
            report(result)
        if step is RecoveryStep.KEYS and results[-1].status is StepStatus.OPEN:
            break  # the other steps would store what nobody can read
    is_whole = all(result.status is not StepStatus.OPEN for result in results)
    if is_whole and begun and not asked.dry_run:
        with ctx.engine.begin() as connection:
            finish_recovery(connection, begun, ctx.now(), ctx.actor.reference)
        log.warning("recovery %s is finished", begun.id)
    return Recovered(since, results, list(accepted.values()), is_whole and not asked.dry_run)


@permitted(Permission.RESUME_SENDING)
def go_on_without(ctx: Context, step: RecoveryStep, subject: str, why: str) -> None:
    """Leave out a step of the recovery that was begun, or a part of it: two persons answer for it.

    Raises:
        SecondPersonNeededError: another person has not granted it yet.
        ArrearsError: no recovery was begun, or the step is not open.
    """
    if step is RecoveryStep.KEYS:
        raise ArrearsError("Without the keys nothing can be recovered. Put them back.")
    with ctx.engine.begin() as connection:
        begun = open_recovery(connection)
        steps = read_steps(connection, begun.id) if begun else []
    named = f"{step}:{subject}" if subject else str(step)
    open_ones = [known for known in steps if known.status == StepStatus.OPEN]
    known = next((each for each in open_ones if (each.step, each.subject) == (step, subject)), None)
    if begun is None or known is None:
        raise ArrearsError(
            "No step {step} of a recovery is open. `arrears recover` runs them and names those "
            "that are.",
            step=named,
        )
    with ctx.engine.begin() as connection:
        facts = {"recovery": begun.id, "step": step, "of": subject}
        what = text_of("Recover without a step.")
        with_second_person(
            connection, ctx, ToGrant(Permission.RESUME_SENDING, what, facts, {"why": why})
        )
        now = ctx.now()
        why_id = keep_words(connection, ctx.cipher, why, now)
        left_out = known._replace(
            status=StepStatus.ACCEPTED, at=now, actor=ctx.actor.reference, why_id=why_id
        )
        note_step(connection, begun, left_out)


def _holds(ctx: Context, asked: Asked) -> list[SendingHold]:
    """The sending holds that a recovery is to end. None is needed if the time of the backup is
    given: there may be no file of the sending counter.

    Raises:
        ArrearsError: there is none.
    """
    with ctx.engine.connect() as connection:
        holds = read_sending_holds(connection, ctx.settings.lender_zone)
    found = [hold for hold in holds if hold.cause in OF_COUNTER]
    if found or asked.since is not None:
        return found
    raise ArrearsError(
        "Nothing shows that this database was restored: it has every contact of which the file of "
        "the sending counter knows. If it was restored all the same, stop sending, and say when "
        "the backup was made with --since."
    )


def _begin(ctx: Context, asked: Asked, since: datetime, holds: Sequence[SendingHold]) -> Recovery:
    restored = asked.nothing_restored is None
    facts = {
        "a backup was restored": restored,
        "since": asked.since,
        "sending holds": [hold.id for hold in holds],
    }
    with ctx.engine.begin() as connection:
        what = text_of("Recover the database.")
        words = {"nothing was restored": asked.nothing_restored}
        with_second_person(connection, ctx, ToGrant(Permission.RESUME_SENDING, what, facts, words))
        return begin_recovery(connection, since, ctx.now(), ctx.actor.reference, restored=restored)


def _since(
    connection: Connection, ctx: Context, asked: Asked, holds: Sequence[SendingHold]
) -> datetime:
    """From when something may be missing.

    Raises:
        ArrearsError: nobody knows it, or something was restored after all.
    """
    if asked.nothing_restored is not None:
        if older := [hold.id for hold in holds if hold.cause == StoppedBecause.DATABASE_OLDER]:
            raise ArrearsError(
                "Sending hold {id} shows that the database lacks contacts that were made. "
                "Something was restored. Run `arrears recover` without --nothing-restored.",
                id=older[0],
            )
        return min((hold.set_at for hold in holds), default=ctx.now())
    if asked.since is not None:
        return asked.since
    known = [_last_counted(connection, min(hold.set_at for hold in holds))]
    if ctx.settings.evidence_file is not None:
        heads = compare_heads(connection, ctx.settings.evidence_file, ctx.cipher)
        known.append(heads.last_common_at)
    since = look_since(known)
    if since is None:
        raise ArrearsError(
            "From when something may be missing is not known: the database has no contact. Say "
            "when the backup was made, with --since."
        )
    return since


def _last_counted(connection: Connection, before: datetime) -> datetime | None:
    """When the last contact was that the sending counter counts. After a restore none is made, so
    it is in the backup."""
    newest = select(func.max(contact.c.at)).where(
        contact.c.inbound.is_(None),
        contact.c.channel.in_((Channel.SMS, Channel.CALL)),
        contact.c.party.is_distinct_from(Party.THIRD_PARTY),
        contact.c.at <= before,
    )
    return connection.execute(newest).scalar()


def _journals(ctx: Context, asked: Asked) -> tuple[Path, ...]:
    own = ctx.settings.journal_file
    return tuple(dict.fromkeys((*([own] if own else []), *asked.journals)))


def _accepted(ctx: Context, begun: Recovery | None) -> dict[tuple[RecoveryStep, str], StoredStep]:
    if begun is None:
        return {}
    with ctx.engine.connect() as connection:
        steps = read_steps(connection, begun.id)
    return {
        (RecoveryStep(step.step), step.subject): step
        for step in steps
        if step.status == StepStatus.ACCEPTED
    }


def _note(ctx: Context, begun: Recovery, result: Result) -> None:
    found = dict(result.found) or None
    step = StoredStep(
        result.step, result.subject, result.status, found, ctx.now(), ctx.actor.reference, None
    )
    with ctx.engine.begin() as connection:
        note_step(connection, begun, step)
