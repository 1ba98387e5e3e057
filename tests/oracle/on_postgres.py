"""Arrears itself under judgement: the real store, workers that race and are lost, and its laws.

The oracle is shown what the outside saw: the provider's log, the calls that dialers dialled and the
doors at which visitors stood. Of Arrears it reads only the rules that each contact names.
"""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

from sqlalchemy import Engine, select

from domain.actions import ACTION_TYPES
from domain.actors import Actor
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from domain.errors import ArrearsError
from tests.oracle.law import against
from tests.oracle.log import Reached
from tests.oracle.simulated_borrowers import (
    FIRST_DAY,
    Simulation,
    close_number,
    key_of,
    new_simulation,
    something_comes,
    submit_event,
)
from tests.oracle.simulation import Found
from workers.actions.dispatch import dispatch_due_actions
from workers.actions.run import use_case
from workers.calls.start import start_call
from workers.db.schema import contact, loan, visit, visit_staff
from workers.db.schema import staff as staff_table
from workers.escalation.escalate import escalate_loans
from workers.escalation.scan import Envelope, scan_portfolio
from workers.evidence.chain import chain_evidence
from workers.evidence.verify import verify
from workers.sms.reconcile import mark_lost_claims, reconcile_texts
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work
from workers.visits.start import start_visit

SPEAKS_OF_STOPPING = ("Reply STOP", "回复TD")

OUTCOMES = (
    ContactOutcome.SPOKE,
    ContactOutcome.SPOKE_WITH_OTHER,
    ContactOutcome.REFUSED,
    ContactOutcome.VOICEMAIL,
    ContactOutcome.NO_ANSWER,
    ContactOutcome.BUSY,
)
"""Outcomes that leave the number, and the person, open to contact."""


LENDER = "Example Lender"


@dataclass(frozen=True, slots=True)
class Lived:
    """What the oracle made of Arrears itself."""

    found: Found
    by_channel: dict[str, int]
    texted_twice: int
    workers_lost: int
    evidence_wrong: int


def live_in_the_store(
    engine: Engine,
    seed: int,
    borrowers: int,
    days: int,
    *,
    losses: float = 0.02,
    progress: Callable[[str], None] = lambda said: None,
) -> Lived:
    """Let so many borrowers live in an installation on `engine` for so many days, and judge it."""
    simulation = new_simulation(engine, seed, borrowers, losses)
    started = time.monotonic()
    for n in range(days):
        for at in _moments_of(simulation, FIRST_DAY + timedelta(days=n)):
            simulation.book.clock.at = at
            _an_hour(simulation)
        if n % 10 == 9:
            took = time.monotonic() - started
            progress(
                f"{took:7.1f} s  in the store: day {n + 1}, {len(simulation.provider.log)} texts"
            )
    return _check_all(simulation, borrowers * days)


def _moments_of(simulation: Simulation, day: date) -> list[datetime]:
    """A few hours of the day and of the night, and every moment at which a visit begins."""
    zone = simulation.book.zone
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    chance = simulation.chance
    moments = {midnight + timedelta(minutes=chance.randrange(24 * 60)) for _ in range(4)}
    visits = simulation.book.rows(select(visit.c.starts_at).where(visit.c.cancelled_at.is_(None)))
    moments |= {
        planned.starts_at.astimezone(zone)
        for planned in visits
        if planned.starts_at.astimezone(zone).date() == day
    }
    return sorted(moments)


def _an_hour(simulation: Simulation) -> None:
    book, ctx = simulation.book, simulation.book.ctx
    something_comes(simulation)
    announced: list[Envelope] = []
    with simulation.losing.a_worker():
        scan_portfolio(ctx, announced.extend)
    jobs: list[Callable[[], object]] = []
    for envelope in announced:
        jobs += [partial(escalate_loans, ctx, envelope.loan_ids)] * 2
    _race(simulation, jobs)
    jobs = []
    for action_type in ACTION_TYPES.values():
        due: list[int] = []
        with simulation.losing.a_worker():
            dispatch_due_actions(ctx, action_type, due.extend, waiting=0)
        for id in due:
            jobs += [partial(use_case(action_type), ctx, id)] * 2
    _race(simulation, jobs)
    _collectors(simulation)
    _visitors(simulation)
    for repair in (mark_lost_claims, reconcile_texts):
        with simulation.losing.a_worker():
            repair(ctx)
    for waits in read_waiting(simulation):
        with suppress(ArrearsError):
            book.approve(waits)


def read_waiting(simulation: Simulation) -> list[str]:
    """The loans for which something waits for a yes."""
    ctx = simulation.book.ctx
    with ctx.engine.connect() as connection:
        found = read_work(connection, ctx, ctx.today(), [Kind.APPROVALS])
    return [approval.loan for approval in found.approvals]


def _race(simulation: Simulation, jobs: list[Callable[[], object]]) -> None:
    """Every message twice, in any order, on workers that may be lost."""
    simulation.chance.shuffle(jobs)

    def run(job: Callable[[], object]) -> None:
        with simulation.losing.a_worker():
            job()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run, job) for job in jobs]:
            done.result(timeout=60)


def _collectors(simulation: Simulation) -> None:
    ctx = simulation.book.ctx
    with ctx.engine.connect() as connection:
        calls = read_work(connection, ctx, ctx.today(), [Kind.CALLS]).calls
    reported: list[tuple[str, ContactOutcome, str]] = []

    def dial(loan_id: str, actor: str) -> None:
        try:
            started = start_call(ctx, loan_id, actor=Actor(actor))
        except ArrearsError:
            return
        outcome = simulation.chance.choice(OUTCOMES)
        if simulation.chance.random() < 0.05:
            outcome = ContactOutcome.NUMBER_INVALID
        reached = Reached(
            at=ctx.now().astimezone(UTC),
            channel="call",
            loan=key_of(loan_id),
            connected=outcome.connected,
            number=str(started.reach),
            outcome=str(outcome),
        )
        simulation.calls.append((loan_id, reached))
        reported.append((str(started.attempt), outcome, str(started.reach)))

    jobs: list[Callable[[], object]] = [
        partial(dial, call.loan, actor)
        for call in calls
        if call.started_as is None and simulation.chance.random() < 0.7
        for actor in simulation.chance.sample([f"c-{n}" for n in range(6)], 2)
    ]
    _race(simulation, jobs)
    for attempt, outcome, number in reported:
        _report(simulation, attempt, outcome)
        if outcome is ContactOutcome.NUMBER_INVALID:
            # The calls of this hour were made before anybody could know it.
            close_number(simulation, number, "sms", "call", after=timedelta(microseconds=1))
    for call in calls:
        # Of a call that was begun when its collector was lost, somebody says so later.
        if call.started_as is not None:
            _report(simulation, call.started_as, ContactOutcome.NO_ANSWER)


def _report(simulation: Simulation, attempt: str, outcome: str) -> None:
    payload = {
        "attempt": attempt,
        "outcome": outcome,
        "reason": ArrearsReason.OTHER if outcome == ContactOutcome.SPOKE else None,
        "actor": "c-0",
    }
    submit_event(simulation, "contact_outcome", payload)


def _visitors(simulation: Simulation) -> None:
    ctx, now = simulation.book.ctx, simulation.book.ctx.now()
    due = simulation.book.rows(
        select(visit.c.id, loan.c.external_id, staff_table.c.external_id.label("who"))
        .join(loan, loan.c.id == visit.c.loan_id)
        .join(visit_staff, visit_staff.c.visit_id == visit.c.id)
        .join(staff_table, staff_table.c.id == visit_staff.c.staff_id)
        .where(
            visit.c.starts_at <= now,
            visit.c.ends_at > now,
            visit.c.started_at.is_(None),
            visit.c.cancelled_at.is_(None),
        )
    )
    noticed = {record.id: record.scheduled_at for record in simulation.book.rows(select(visit))}
    for id, row in {row.id: row for row in due}.items():
        try:
            started = start_visit(ctx, row.external_id, actor=Actor(row.who))
        except ArrearsError:
            continue
        stood = Reached(
            at=now.astimezone(UTC),
            channel="visit",
            loan=key_of(row.external_id),
            staff=2,
            noticed_at=noticed[id],
        )
        simulation.calls.append((row.external_id, stood))
        _report(simulation, str(started.attempt), ContactOutcome.NO_ANSWER)


def _check_all(simulation: Simulation, borrower_days: int) -> Lived:
    found = Found(borrower_days=borrower_days)
    named = _rules_named(simulation)
    texts: Counter[tuple[str, str]] = Counter()
    for at, text in simulation.provider.log:
        loan_id = next(id for id in simulation.of_loan if id in text.body)
        life = simulation.lives[simulation.of_loan[loan_id]]
        texts[loan_id, text.body] += 1
        says = {"debt"}
        says |= {"identity"} if LENDER in text.body else set()
        says |= {"opt_out"} if any(word in text.body for word in SPEAKS_OF_STOPPING) else set()
        life.contacts.append(
            Reached(
                at,
                "sms",
                key_of(loan_id),
                number=text.to,
                says=frozenset(says),
                rules=named[loan_id],
            )
        )
    for loan_id, reached in simulation.calls:
        life = simulation.lives[simulation.of_loan[loan_id]]
        life.contacts.append(replace(reached, rules=named[loan_id]))
    by_channel: Counter[str] = Counter()
    for life in simulation.lives.values():
        life.contacts.sort(key=lambda made_contact: made_contact.at)
        for made_contact in life.contacts:
            by_channel[made_contact.channel] += 1
            if broken := against(life, made_contact):
                found.unlawful += 1
                found.offenders.append(
                    f"unlawful: {life.id} {life.jurisdiction} {made_contact}: {broken}"
                )
            if not made_contact.rules:
                found.unexplained += 1
        found.contacts += len(life.contacts)
    return Lived(
        found=found,
        by_channel=dict(by_channel),
        texted_twice=sum(n - 1 for n in texts.values()),
        workers_lost=simulation.losing.lost,
        evidence_wrong=_evidence_wrong(simulation),
    )


def _evidence_wrong(simulation: Simulation) -> int:
    while chain_evidence(simulation.book.ctx):
        pass
    engine = simulation.book.ctx.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        return len(list(verify(connection)))


def _rules_named(simulation: Simulation) -> dict[str, tuple[str, ...]]:
    """By loan, the rules of its contacts; nothing where one of them names none."""
    named: dict[str, tuple[str, ...]] = dict.fromkeys(simulation.of_loan, ())
    silent = set()
    for row in simulation.book.rows(
        select(loan.c.external_id, contact.c.rules).join(loan, loan.c.id == contact.c.loan_id)
    ):
        named[row.external_id] += tuple(row.rules)
        if not row.rules:
            silent.add(row.external_id)
    return {id: () if id in silent else rules for id, rules in named.items()}
