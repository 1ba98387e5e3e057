"""Arrears itself under judgement: the real store, workers that race and are lost, and its laws.

The oracle is shown what the outside saw: the provider's log, the calls that dialers dialled and the
doors at which visitors stood. Of Arrears it reads only the rules that each contact names.
"""

import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select

from domain.actions import ACTION_TYPES
from domain.actors import Actor
from domain.errors import ArrearsError
from tests.oracle.days import ladder_file, stands
from tests.oracle.facts import forbidden_by_facts, is_at_work
from tests.oracle.incoming import CONNECTED, hear
from tests.oracle.law import against
from tests.oracle.lender import Customer, Tape, import_rows, learn
from tests.oracle.log import Life, Reached
from tests.oracle.simulated_borrowers import (
    A_DAY,
    FIRST_DAY,
    Simulation,
    new_simulation,
    somebody_new,
    something_comes,
    submit_event,
)
from tests.oracle.simulation import Found
from tests.oracle.situations import situations
from workers.actions.dispatch import dispatch_due_actions
from workers.actions.run import use_case
from workers.calls.start import start_call
from workers.db.schema import action_event, contact, loan, visit, visit_staff
from workers.db.schema import staff as staff_table
from workers.escalation.escalate import escalate_loans
from workers.escalation.scan import Envelope, scan_portfolio
from workers.evidence.chain import chain_evidence
from workers.evidence.verify import verify
from workers.inbox.process import apply_events, dispatch_events
from workers.sms.reconcile import mark_lost_claims, reconcile_texts
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work
from workers.visits.start import start_visit

SPEAKS_OF_STOPPING = ("Reply STOP", "回复TD")
LENDER = "Example Lender"
LOANS = re.compile(r"L-\d{6}")

OUTCOMES = {
    **{"spoke": 8, "no_answer": 8, "voicemail": 6, "busy": 4, "spoke_with_other": 6, "refused": 2},
    **{"number_invalid": 1, "wrong_person": 1, "third_party_refused": 1, "callback_requested": 2},
}
"""What comes of calls, and how often against the others."""

RARELY = 0.003
"""How many calls end with the news that the borrower has died."""


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
    events_a_day: float = A_DAY,
    progress: Callable[[str], None] = lambda said: None,
) -> Lived:
    """Let so many borrowers live in an installation on `engine` for so many days, and judge it."""
    simulation = new_simulation(engine, seed, borrowers, losses)
    started = time.monotonic()
    found = Found(borrower_days=borrowers * days)
    for n in range(days):
        day = FIRST_DAY + timedelta(days=n)
        _new_tape(simulation, day, first=n == 0)
        moments = _moments_of(simulation, day)
        for at in moments:
            simulation.book.clock.at = at
            _tapes_arrive(simulation, day)
            something_comes(simulation, events_a_day / len(moments))
            _an_hour(simulation)
        somebody_new(simulation)
        _note_situations(simulation, found)
        if n % 10 == 9:
            took = time.monotonic() - started
            progress(
                f"{took:7.1f} s  in the store: day {n + 1}, {len(simulation.provider.log)} texts"
            )
    return _check_all(simulation, found)


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


def _new_tape(simulation: Simulation, day: date, *, first: bool) -> None:
    """The lender cuts a tape; most arrive at once, some days later, and some come twice."""
    tape = simulation.lender.cut_tape(day)
    late = 0 if first else simulation.decks.draw("tape is late", {0: 5, 1: 1, 2: 1, 3: 1})
    simulation.tapes.append((day + timedelta(days=late), tape))
    if simulation.decks.draw("tape comes twice", {True: 1, False: 7}):
        again = late + simulation.chance.choice((0, 1, 2))
        simulation.tapes.append((day + timedelta(days=again), tape))
        simulation.events["tape: twice"] += 1
    simulation.events["tape: late" if late else "tape: at once"] += 1


def _tapes_arrive(simulation: Simulation, day: date) -> None:
    """Those that are there by now, in any order: yesterday's may come after today's."""
    arrived = [tape for on, tape in simulation.tapes if on <= day]
    simulation.tapes = [(on, tape) for on, tape in simulation.tapes if on > day]
    simulation.chance.shuffle(arrived)
    for tape in arrived:
        if any(row.loan.as_of > tape.as_of for row in tape.rows):
            simulation.events["tape: older than the newest"] += 1
        _import(simulation, tape)
        learn(tape, simulation.now)


def _import(simulation: Simulation, tape: Tape) -> None:
    """Its worker may be lost, before or after the commit. Then the tape is imported again."""
    kept = False
    with simulation.losing.a_worker():
        import_rows(simulation.book.ctx, tape)
        kept = True
    if not kept:
        simulation.events["tape: worker lost"] += 1
        import_rows(simulation.book.ctx, tape)


def _an_hour(simulation: Simulation) -> None:
    book, ctx = simulation.book, simulation.book.ctx
    announced: list[Envelope] = []
    with simulation.losing.a_worker():
        scan_portfolio(ctx, announced.extend)
    jobs: list[Callable[[], object]] = []
    for envelope in announced:
        jobs += [partial(escalate_loans, ctx, envelope.loan_ids)] * simulation.chance.choice((1, 2))
    _race(simulation, jobs)
    jobs = []
    # What is only stored is applied before the texts, between them, or after them.
    with simulation.losing.a_worker():
        if events := dispatch_events(ctx):
            jobs += [partial(apply_events, ctx, events)] * 2
    for action_type in ACTION_TYPES.values():
        due: list[int] = []
        with simulation.losing.a_worker():
            dispatch_due_actions(ctx, action_type, due.extend, waiting=0)
        for id in due:
            jobs += [partial(use_case(action_type), ctx, id)] * simulation.chance.choice((1, 2))
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
    """Every message once or twice, in any order, on workers that may be lost."""
    if not jobs:
        return
    simulation.chance.shuffle(jobs)

    def run(job: Callable[[], object]) -> None:
        with simulation.losing.a_worker():
            job()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run, job) for job in jobs]:
            done.result(timeout=60)


def customers_by_loan(simulation: Simulation) -> dict[str, tuple[Customer, int]]:
    """By the lender's id of a loan, whose it is, and its key."""
    return {
        each.id: (customer, each.key)
        for customer in simulation.lender.customers
        for each in customer.loans
    }


def _collectors(simulation: Simulation) -> None:
    ctx, chance = simulation.book.ctx, simulation.chance
    with ctx.engine.connect() as connection:
        calls = read_work(connection, ctx, ctx.today(), [Kind.CALLS]).calls
    known = customers_by_loan(simulation)
    reported: list[tuple[str, Customer, Reached]] = []

    def dial(loan_id: str, actor: str) -> None:
        try:
            started = start_call(ctx, loan_id, actor=Actor(actor))
        except ArrearsError:
            return
        outcome = simulation.decks.draw("outcome", OUTCOMES)
        if chance.random() < RARELY:
            outcome = "deceased"
        customer, key = known[loan_id]
        others = {known[each.loan][1] for each in started.loans} - {key}
        reached = Reached(
            at=simulation.now,
            channel="call",
            loan=key,
            connected=outcome in CONNECTED,
            number=str(started.reach),
            outcome=outcome,
            also_about=frozenset(others),
        )
        simulation.calls.append((customer, reached))
        reported.append((str(started.attempt), customer, reached))

    jobs: list[Callable[[], object]] = [
        partial(dial, call.loan, actor)
        for call in calls
        if call.started_as is None and chance.random() < 0.7
        for actor in chance.sample([f"c-{n}" for n in range(6)], 2)
    ]
    _race(simulation, jobs)
    for n, (attempt, customer, reached) in enumerate(reported):
        # The calls of this hour were made before anybody could know it.
        learned_at = reached.at + timedelta(microseconds=1 + n)
        callback_at = hear(chance, customer.life, reached, learned_at)
        _report(simulation, attempt, reached.outcome, callback_at)
    for call in calls:
        # Of a call that was begun when its collector was lost, somebody says so later.
        if call.started_as is not None:
            _report(simulation, call.started_as, "no_answer", None)


def _report(
    simulation: Simulation, attempt: str, outcome: str, callback_at: datetime | None
) -> None:
    payload = {
        "attempt": attempt,
        "outcome": outcome,
        "reason": "other" if outcome == "spoke" else None,
        "callback_at": callback_at.isoformat() if callback_at else None,
        "actor": "c-0",
    }
    submit_event(simulation, "contact_outcome", payload, at_once=True)


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
    if not due:
        return
    known = customers_by_loan(simulation)
    noticed = {record.id: record.scheduled_at for record in simulation.book.rows(select(visit))}
    for id, row in {row.id: row for row in due}.items():
        try:
            started = start_visit(ctx, row.external_id, actor=Actor(row.who))
        except ArrearsError:
            continue
        customer, key = known[row.external_id]
        stood = Reached(
            at=now.astimezone(UTC), channel="visit", loan=key, staff=2, noticed_at=noticed[id]
        )
        simulation.calls.append((customer, stood))
        _report(simulation, str(started.attempt), "no_answer", None)


def _note_situations(simulation: Simulation, found: Found) -> None:
    """In which situations the borrowers are at the end of a day."""
    now = simulation.now
    held = Counter(
        number
        for customer in simulation.lender.customers
        for number in {customer.life.number_of(each.key, now) for each in customer.known}
    )
    shared = {str(number) for number, count in held.items() if count > 1}
    for customer in simulation.lender.customers:
        if customer.known:
            found.seen.days.update(situations(customer.life, now, shared))


def _check_all(simulation: Simulation, found: Found) -> Lived:
    named = _rules_named(simulation)
    known = customers_by_loan(simulation)
    texts: Counter[tuple[object, ...]] = Counter()
    for at, text in simulation.provider.log:
        about = LOANS.findall(text.body)
        customer, key = known[about[0]]
        life = customer.life
        debt = life.debts[key]
        here = at.astimezone(ZoneInfo(life.lender_zone)).date()
        since = stands(ladder_file(debt.ladder), debt.owed(at), here).ladder_since
        texts[text.body, since] += 1
        says = {"debt"}
        says |= {"identity"} if LENDER in text.body else set()
        says |= {"opt_out"} if any(word in text.body for word in SPEAKS_OF_STOPPING) else set()
        others = frozenset(known[id][1] for id in about) - {key}
        reached = Reached(at, "sms", key, number=text.to, says=frozenset(says), also_about=others)
        life.contacts.append(reached)
    for customer, reached in simulation.calls:
        customer.life.contacts.append(reached)
    by_channel: Counter[str] = Counter()
    ids = {key: id for id, (_, key) in known.items()}
    lives = [customer.life for customer in simulation.lender.customers]
    for life in lives:
        life.contacts.sort(key=lambda made_contact: made_contact.at)
        for made_contact in life.contacts:
            simulation.lender.numbers.reached[made_contact.number].append(made_contact)
    for by_number in simulation.lender.numbers.reached.values():
        by_number.sort(key=lambda made_contact: made_contact.at)
    for life in lives:
        for made_contact in life.contacts:
            made_contact.at_work = is_at_work(life, made_contact)
            made_contact.life_id = life.id
            by_channel[made_contact.channel] += 1
            found.seen.contacts.update(situations(life, made_contact.at, ()))
            made_contact.rules = named[ids[made_contact.loan]]
            if broken := _against_all(life, made_contact):
                found.unlawful += 1
                found.offend(f"unlawful: {life.id} {life.jurisdiction} {made_contact}: {broken}")
            if not made_contact.rules:
                found.unexplained += 1
                found.offend(f"unexplained: {life.id} {life.jurisdiction} {made_contact}")
        found.contacts += len(life.contacts)
    found.seen.events += simulation.events
    found.seen.barred += _barred(simulation)
    return Lived(
        found=found,
        by_channel=dict(by_channel),
        texted_twice=sum(n - 1 for n in texts.values()),
        workers_lost=simulation.losing.lost,
        evidence_wrong=_evidence_wrong(simulation),
    )


def _against_all(life: Life, reached: Reached) -> list[str]:
    """What a contact breaks, about each of the loans that it was about."""
    broken = against(life, reached)
    for other in reached.also_about:
        about_other = replace(reached, loan=other, also_about=frozenset())
        broken += [what for what in forbidden_by_facts(life, about_other) if what not in broken]
    return broken


def _barred(simulation: Simulation) -> Counter[str]:
    """How often an action was barred or deferred, by the rule that was named first."""
    moves = select(action_event.c.to_status, action_event.c.rules).where(
        action_event.c.to_status.in_(("barred", "deferred"))
    )
    return Counter(
        f"{row.to_status}: {row.rules[0]}" for row in simulation.book.rows(moves) if row.rules
    )


def _evidence_wrong(simulation: Simulation) -> int:
    while chain_evidence(simulation.book.ctx):
        pass
    engine = simulation.book.ctx.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        return len(list(verify(connection)))


def _rules_named(simulation: Simulation) -> dict[str, tuple[str, ...]]:
    """By loan, the rules of its contacts; nothing where one of them names none."""
    named: dict[str, tuple[str, ...]] = dict.fromkeys(customers_by_loan(simulation), ())
    silent = set()
    for row in simulation.book.rows(
        select(loan.c.external_id, contact.c.rules).join(loan, loan.c.id == contact.c.loan_id)
    ):
        named[row.external_id] += tuple(row.rules)
        if not row.rules:
            silent.add(row.external_id)
    return {id: () if id in silent else rules for id, rules in named.items()}
